"""Compiled code on disk, so that a second process does not compile it again: asked for by AUTOGRAD_JIT_CACHE."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

from ...drawing.files import write_whole

VARIABLE = "AUTOGRAD_JIT_CACHE"
_MAGIC = b"scalar-autograd object 1\n"


def directory() -> Path | None:
    """Where compiled code is kept: the directory that the environment variable names, or nowhere."""
    name = os.environ.get(VARIABLE)
    return Path(name).expanduser() if name else None


def key(*parts: object) -> str:
    """What identifies compiled code: a hash of all that it was made from."""
    digest = hashlib.sha256()
    for part in parts:
        text = str(part).encode()
        digest.update(len(text).to_bytes(8, "little") + text)
    return digest.hexdigest()


def read(name: str) -> bytes | None:
    """The code of that key, or None where there is none, or none that is whole."""
    folder = directory()
    if folder is None:
        return None
    try:
        stored = (folder / f"{name}.o").read_bytes()
    except OSError:
        return None
    head, body = stored[: len(_MAGIC) + 32], stored[len(_MAGIC) + 32 :]
    return body if head == _MAGIC + hashlib.sha256(body).digest() else None


def write(name: str, code: bytes) -> None:
    """Keep code; if it cannot be written, it is compiled again next time."""
    folder = directory()
    if folder is None:
        return
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / f"{name}.o", _MAGIC + hashlib.sha256(code).digest() + code)
