"""write_whole: writes a file whole or not at all, for pictures, pages, weights and compiled code."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path


def require_directory(path: str | os.PathLike[str]) -> None:
    """Raise FileNotFoundError unless the directory of a file exists."""
    target = Path(path)
    if not target.parent.is_dir():
        raise FileNotFoundError(
            f"cannot write {target.name!r}, because the directory {str(target.parent)!r} does not exist; create it"
        )


def write_whole(path: str | os.PathLike[str], content: bytes, mode: int | None = None) -> None:
    """Write a file under another name in the same directory, then rename it: no reader ever finds half of it.

    The other name is new and random, so threads and processes may write the same file at once: the last one stays. The
    content is on the disk before the rename, so a power failure does no harm either. A file that was there keeps its
    permissions and its owner, unless `mode` is given: then the file is a new one of this user, with these permissions
    from the start. If the path is a symbolic link, the file that it points to is written.

    Raises:
        FileNotFoundError: if the directory does not exist.
        OSError: if the file cannot be written, or if the path is that of a directory, a device or a pipe. What was
            there stays as it was.
    """
    target = Path(os.path.realpath(path))
    require_directory(target)
    try:
        found = _find_file(target)
        known = stat.S_IMODE(found.st_mode) if found is not None else 0o666
        part, handle = _create_beside(target, known if mode is None else mode)
        try:
            with open(handle, "wb") as file:
                file.write(content)
                file.flush()
                if mode is not None:
                    _set_permissions(handle, mode)
                elif found is not None:
                    _copy_ownership(found, handle)
                os.fsync(handle)
            os.replace(part, target)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OSError(error.errno, f"cannot write the file ({error.strerror or error})", os.fspath(path)) from None


def part_pattern(name: str) -> str:
    """A glob pattern of the names under which write_whole() writes a file of that name before it renames it.

    Remove what it finds only if no one else can be writing the file.
    """
    return f".{name}.*.part"


def _find_file(target: Path) -> os.stat_result | None:
    """What is known about the file that is there; None without one; OSError if it is no file."""
    try:
        found = target.lstat()
    except FileNotFoundError:
        return None
    if stat.S_ISLNK(found.st_mode):  # realpath() followed all others
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it exists and is not a regular file")
    return found


def _create_beside(target: Path, mode: int) -> tuple[Path, int]:
    """A new file beside the target, with these permissions at most, and its descriptor.

    It is tempfile.mkstemp() with the permissions that open() gives to a new file.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    name = target.name if len(os.fsencode(target.name)) < 200 else "long"  # names have at most 255 bytes
    while True:
        part = target.with_name(f".{name}.{secrets.token_hex(8)}.part")
        try:
            return part, os.open(part, flags, mode)
        except FileExistsError:
            continue  # of 2**64 names this one was taken


def _copy_ownership(found: os.stat_result, handle: int) -> None:
    """Give a file the owner, the group and the permissions of the one that it will replace."""
    if not hasattr(os, "fchown"):  # Windows
        return
    now = os.fstat(handle)
    if (now.st_uid, now.st_gid) != (found.st_uid, found.st_gid):
        with contextlib.suppress(OSError):  # only root may give files away
            os.fchown(handle, found.st_uid, found.st_gid)
    _set_permissions(handle, stat.S_IMODE(found.st_mode))


def _set_permissions(handle: int, mode: int) -> None:
    if hasattr(os, "fchmod"):  # not on Windows
        os.fchmod(handle, mode)
