"""Whether a function is being traced now."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

_tracing: ContextVar[bool] = ContextVar("_tracing", default=False)


@contextlib.contextmanager
def tracing() -> Iterator[None]:
    """Mark the time while a function runs on tracers."""
    token = _tracing.set(True)
    try:
        yield
    finally:
        _tracing.reset(token)


def is_tracing() -> bool:
    """Whether jit is tracing a function now: its side effects happen now and not at each call of the program."""
    return _tracing.get()
