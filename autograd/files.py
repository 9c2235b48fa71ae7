"""write_whole: writes a file whole or not at all, for pictures, pages, weights and compiled code."""

from __future__ import annotations

import os
import threading
from pathlib import Path


def require_directory(path: str | os.PathLike[str]) -> None:
    """Raise FileNotFoundError unless the directory of a file exists."""
    target = Path(path)
    if not target.parent.is_dir():
        raise FileNotFoundError(
            f"cannot write {target.name!r}, because the directory {str(target.parent)!r} does not exist; create it"
        )


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file under another name in the same directory, then rename it: no reader ever finds half of it.

    The content is on the disk before the rename, so a power failure does no harm either.

    Raises:
        FileNotFoundError: if the directory does not exist.
        OSError: if the file cannot be written; a file that was there stays as it was.
    """
    require_directory(path)
    target = Path(path)
    part = target.with_name(f".{target.name}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        with open(part, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, target)
    except OSError as error:
        raise OSError(error.errno, f"cannot write the file ({error.strerror or error})", str(target)) from None
    finally:
        part.unlink(missing_ok=True)
