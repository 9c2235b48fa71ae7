"""Body: the trace of the body of a loop, inside the trace of the function that the loop is in.

While it runs, every operation is recorded in it. What it uses of the traces around it is captured: an input of the
body, a constant of the loop.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, NoReturn

from ....node import on_record
from ....value import Value
from ..state import TracingError, tracing
from ..tracer import Trace, Tracer


class Body(Trace):
    """The trace of a body.

    Args:
        parent: the trace around it.
        line: where the user wrote the loop.

    Attributes:
        captured: the tracers of the parent that it used, each with the input that stands for it.
        around: a number of the parent that is 1 for elements on the path that is traced there, otherwise 0.
        made: the Values that were computed while it ran. They are recorded in it, so that derivatives with respect to
            them are found in it; those from before are captured.
    """

    def __init__(self, parent: Trace, line: str) -> None:
        self._parent = parent  # before anything can fail
        super().__init__()
        self.line = line
        self.around = 1.0 if parent.decisions is None else parent.decisions.agrees()
        self.computed = parent.computed
        self.captured: dict[Tracer, Tracer] = {}
        self.made: set[Value] = set()

    @property
    def refusal(self) -> TracingError | None:
        """That of the whole trace: the function must not catch an error in a body either."""
        return self._parent.refusal

    @refusal.setter
    def refusal(self, error: TracingError | None) -> None:
        self._parent.refusal = self._parent.refusal or error

    def refuse_late_use(self) -> NoReturn:
        where = f" at {self.line}" if self.line else ""
        self.refuse(f"used a traced value that leaked from the body of the loop{where}", "return it from the body")

    def _leaf(self, value: Value) -> Tracer:
        return self._capture(value)

    def _take_in(self, x: Tracer) -> Any:
        return self._capture(x)

    def _unknown(self, x: Any) -> bool:
        return super()._unknown(x) and x in self.made

    def _expand(self, value: Value) -> Any:
        return super()._expand(value) if value in self.made else self._capture(value)

    def _capture(self, x: Any) -> Tracer:
        """The input that stands for a tracer or Value from outside."""
        self._parent.busy = False  # what was computed before is recorded before the loop
        try:
            x = self._parent.lift(x)
        finally:
            self._parent.busy = True
        known = self.captured.get(x)
        if known is None:
            known = self.captured[x] = self.input(x.label)
        return known


@contextlib.contextmanager
def tracing_body(parent: Trace, line: str) -> Iterator[Body]:
    """The time while a body is traced."""
    body = Body(parent, line)
    parent.busy, parent.body = True, body
    on_record.append(body.made.add)
    try:
        with tracing(body):
            yield body
    finally:
        on_record.remove(body.made.add)
        parent.busy, parent.body = False, None
        body.end()


def is_of_step(x: Any) -> bool:
    """Whether a tracer is of the body of a loop."""
    return type(x) is Tracer and type(x.trace) is Body
