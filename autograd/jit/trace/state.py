"""The function that is being traced now."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any, Protocol


class Running(Protocol):
    """A trace, as far as errors know it.

    Attributes:
        refusal: the first TracingError in it.
    """

    refusal: TracingError | None


_running: ContextVar[Running | None] = ContextVar("_running", default=None)


class TracingError(TypeError):
    """A traced function asked for a number that does not exist before the compiled program runs.

    Nothing that the function computes after it can be trusted. So the trace raises it at its end, even if the function
    caught it.
    """

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        trace = _running.get()
        if trace is not None and trace.refusal is None:
            trace.refusal = self


@contextlib.contextmanager
def tracing(trace: Running) -> Iterator[None]:
    """The time while a function, or a rule, runs on the tracers of a trace.

    Raises:
        TracingError: the first that was raised in it, whatever became of it: some code catches every error, and NumPy
            replaces some by an IndexError.
    """
    token = _running.set(trace)
    try:
        yield
    except Exception as error:
        if trace.refusal is None or isinstance(error, TracingError):
            raise
    finally:
        _running.reset(token)
    if trace.refusal is not None:
        raise trace.refusal


def running() -> Any:
    """The trace that records now, or None."""
    return _running.get()


def is_tracing() -> bool:
    """Whether jit is tracing a function now: its side effects happen now and not at each call of the program."""
    return _running.get() is not None
