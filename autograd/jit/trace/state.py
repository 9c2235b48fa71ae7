"""The function that is being traced now."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any, Protocol

from ...node import on_compare


class Running(Protocol):
    """A trace, as far as errors know it.

    Attributes:
        refusal: the first TracingError in it.
    """

    refusal: TracingError | None

    def lift(self, x: Any) -> Any:
        """What stands in the trace for a Value from outside."""


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


class NeedsValuesError(Exception):
    """What was just traced uses a Value whose derivative must not be lost, so the function itself must be called."""


@contextlib.contextmanager
def tracing(trace: Running) -> Iterator[None]:
    """The time while a function, or a rule, runs on the tracers of a trace.

    Raises:
        TracingError: the first that was raised in it, whatever became of it: some code catches every error, and NumPy
            replaces some by an IndexError.
    """
    token = _running.set(trace)
    on_compare.append(_stand_in)
    try:
        yield
    except Exception as error:
        if trace.refusal is None or isinstance(error, TracingError):
            raise
    finally:
        on_compare.remove(_stand_in)
        _running.reset(token)
    if trace.refusal is not None:
        raise trace.refusal


def running() -> Any:
    """The trace that records now, or None."""
    return _running.get()


def _stand_in(x: Any) -> Any:
    """What stands for a Value in the function that this thread is tracing; None if there is none."""
    trace = running()
    return None if trace is None else trace.lift(x)


def is_tracing() -> bool:
    """Whether jit is tracing a function now: its side effects happen now and not at each call of the program."""
    return _running.get() is not None
