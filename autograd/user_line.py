"""user_line, user_call and warn: the place in the user's own code that led to an error or a warning."""

from __future__ import annotations

import itertools
import linecache
import os
import sys
import warnings
from types import FrameType
from typing import Any, NoReturn

import numpy as np

_STDLIB = os.path.dirname(os.__file__) + os.sep
_libraries = [os.path.dirname(__file__) + os.sep, np.__path__[0] + os.sep]  # code that is not the user's


class Missing:
    """A name that other libraries have and this one lacks. Its use is an error that says what to write.

    In a class, hasattr() does not find the name, and a subclass may use it. In a module the name itself can be read,
    but to call it, to enter it as a context and to read its attributes are errors.
    """

    _name = _hint = ""  # of a copy that is being made

    def __init__(self, name: str, hint: str) -> None:
        self._name = name
        self._hint = hint

    def __get__(self, instance: Any, owner: type) -> NoReturn:
        raise AttributeError(f"{owner.__name__} has no {self._name}. {self._hint}")

    def __call__(self, *_: Any, **__: Any) -> NoReturn:
        raise AttributeError(f"there is no {self._name}. {self._hint}")

    __enter__ = __exit__ = __call__

    def __getattr__(self, _: str) -> NoReturn:
        self()


def skip_library(directory: str) -> None:
    """Treat all code in this directory as library code from now on; for packages built on this one."""
    _libraries.append(os.path.join(directory, ""))


def user_line() -> str:
    """The "file:line" of the innermost frame outside this package, NumPy and the standard library, or ""."""
    frame, _ = _user_frame()
    return f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame else ""


def user_call() -> tuple[str, str]:
    """The "file:line" of the innermost frame of code that was not installed, and the source of what it is calling.

    The source is "" where Python cannot tell it: before Python 3.11, and if it is spread over several lines.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and not is_users(frame.f_code.co_filename):
        frame = frame.f_back
    if frame is None:
        return user_line(), ""
    code, place = frame.f_code, f"{frame.f_code.co_filename}:{frame.f_lineno}"
    if not hasattr(code, "co_positions"):
        return place, ""
    first, last, start, end = next(itertools.islice(code.co_positions(), frame.f_lasti // 2, None))
    if first is None or first != last:
        return place, ""
    line = linecache.getline(code.co_filename, first, frame.f_globals).encode()  # columns count bytes
    return place, line[start:end].decode()


def task(innermost: FrameType | None) -> FrameType | None:
    """What a thread with this innermost frame is doing: its outermost frame of code that was not installed, or None."""
    found, frame = None, innermost
    while frame is not None:
        if is_users(frame.f_code.co_filename):
            found = frame
        frame = frame.f_back
    return found


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the user's line."""
    _, depth = _user_frame()
    warnings.warn(message, category, stacklevel=depth + 1)


def _user_frame() -> tuple[FrameType | None, int]:
    """The innermost frame of the user's code, and how many calls it is above the function that asks."""
    frame: FrameType | None = sys._getframe(1)
    depth = 0
    while frame is not None and _is_library(frame.f_code.co_filename):
        frame, depth = frame.f_back, depth + 1
    return frame, depth


def is_users(file: str) -> bool:
    """Whether a file of code is the user's own, and not of this package, the standard library or an installed one."""
    return not _is_library(file) and not _is_installed(file)


def _is_installed(file: str) -> bool:
    return "site-packages" in file or "dist-packages" in file


def _is_library(file: str) -> bool:
    if file.startswith(_STDLIB):
        return "site-packages" not in file or file.startswith(tuple(_libraries))
    return file.startswith(tuple(_libraries))
