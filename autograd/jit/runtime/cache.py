"""Machine code on disk, so that a second process need not compile it again; AUTOGRAD_JIT_CACHE says where.

Machine code is run as it is, so it is taken only from the user's own files, which no one else can write. SECURITY.md
says what that rests on.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from pathlib import Path

from ...files import write_whole
from ...user_line import warn

VARIABLE = "AUTOGRAD_JIT_CACHE"
_MAGIC = b"scalar-autograd object 2\n"
_warned: set[Path] = set()


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
    """The machine code of that name; None if there is none that is whole, of that name and of this user."""
    folder = directory()
    if folder is None or not _is_private(folder):
        return None
    # A pipe under the name would keep open() waiting, so it must not block.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        with open(os.open(folder / f"{name}.o", flags), "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode) or not _is_owned(found):
                return None
            stored = file.read()
    except OSError:
        return None
    head, code = stored[: len(_MAGIC) + 32], stored[len(_MAGIC) + 32 :]
    return code if head == _seal(name, code) else None


def write_object(name: str, code: bytes) -> None:
    """Keep machine code; if it cannot be written, it is compiled again next time."""
    folder = directory()
    if folder is None:
        return
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_private(folder):
            return
        path = folder / f"{name}.o"
        if path.is_symlink() or (path.exists() and not path.is_file()):
            path.unlink()  # write_whole would follow a link, and writes no pipe
        write_whole(path, _seal(name, code) + code, mode=0o600)


def _seal(name: str, code: bytes) -> bytes:
    """What a file begins with. LLVM crashes on damaged files, so the hash covers all of it, and the name, too."""
    return _MAGIC + hashlib.sha256(f"{name}\n".encode() + code).digest()


def _is_owned(found: os.stat_result) -> bool:
    """Whether it belongs to this user, and no one else can write it. Windows has no such permissions."""
    if not hasattr(os, "geteuid"):
        return True
    return found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _is_private(folder: Path) -> bool:
    """Whether the folder may be used. One that others can write gives a warning, once."""
    try:
        found = folder.stat()
    except OSError:
        return False
    if _is_owned(found):
        return stat.S_ISDIR(found.st_mode)
    if folder not in _warned:
        _warned.add(folder)
        warn(
            f"the cache of machine code is not used: {VARIABLE} must name a directory of your own that no one else can "
            f"write, got {str(folder)!r} of user {found.st_uid} with permissions {stat.S_IMODE(found.st_mode):o}. "
            "Run chmod go-w on it, or name another",
            RuntimeWarning,
        )
    return False
