"""user_line: where in the user's own code an error began, for messages."""

from __future__ import annotations

import os
import sys
from types import FrameType

import numpy as np

_STDLIB = os.path.dirname(os.__file__) + os.sep
_libraries = [os.path.dirname(__file__) + os.sep, np.__path__[0] + os.sep]  # code that is not the user's


def skip_library(directory: str) -> None:
    """From now on no line below this directory is the user's; for packages built on this one."""
    _libraries.append(os.path.join(directory, ""))


def user_line() -> str:
    """The "file:line" of the innermost frame outside this package, NumPy and Python's own library; "" if none is."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _is_library(frame.f_code.co_filename):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame else ""


def _is_library(file: str) -> bool:
    if file.startswith(_STDLIB):
        return "site-packages" not in file or file.startswith(tuple(_libraries))
    return file.startswith(tuple(_libraries))
