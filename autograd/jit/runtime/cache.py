"""Machine code on disk, so that a second process need not compile it again; AUTOGRAD_JIT_CACHE says where."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

from ...files import write_whole

VARIABLE = "AUTOGRAD_JIT_CACHE"
_MAGIC = b"scalar-autograd object 1\n"


def directory() -> Path | None:
    """The directory where machine code is kept, which the environment variable names; None if it is not set."""
    name = os.environ.get(VARIABLE)
    return Path(name).expanduser() if name else None


def digest(*parts: object) -> str:
    """A hash of all that machine code is made from, which identifies it."""
    hasher = hashlib.sha256()
    for part in parts:
        text = str(part).encode()
        hasher.update(len(text).to_bytes(8, "little") + text)
    return hasher.hexdigest()


def read_object(name: str) -> bytes | None:
    """The machine code of that name; None if there is none, or if it is damaged."""
    folder = directory()
    if folder is None:
        return None
    try:
        stored = (folder / f"{name}.o").read_bytes()
    except OSError:
        return None
    head, body = stored[: len(_MAGIC) + 32], stored[len(_MAGIC) + 32 :]
    return body if head == _MAGIC + hashlib.sha256(body).digest() else None


def write_object(name: str, code: bytes) -> None:
    """Keep machine code; if it cannot be written, it is compiled again next time."""
    folder = directory()
    if folder is None:
        return
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / f"{name}.o", _MAGIC + hashlib.sha256(code).digest() + code)
