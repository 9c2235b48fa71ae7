"""Attendant: what a running loop asks of Python: a moment for signals, memory for its rows, an error in its name."""

from __future__ import annotations

import ctypes
from collections.abc import Generator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...functions.structure import too_many
from .. import tuning
from ..codegen.context import CONTEXT, LIMIT, MOMENT, ROWS, SHARED_ROWS
from ..codegen.loops.rows import Loops
from .memory import Floats, aligned

_FUEL, _STOPPED, _WHICH, _AMOUNT = map(CONTEXT.index, ("fuel", "stopped", "which", "amount"))
_FUNCTION = ctypes.CFUNCTYPE(None, ctypes.c_int64)


class Attendant:
    """Serves the loops of one thread.

    Python hears Ctrl-C only while it runs. So long loops come here every few milliseconds. What a signal handler raises
    is kept, the loops stop, and `check` raises it.

    Args:
        loops: what the loops of the program need.
        context: the context of this thread.
        alarm: what the threads of one call share: the error for which they must stop, if there is one.
    """

    def __init__(self, loops: Loops, context: NDArray[np.int64], alarm: list[BaseException] | None = None) -> None:
        self._state = _State(loops, context, [] if alarm is None else alarm)
        self._is_alone = alarm is None
        self._begin()
        tables = self._state.tables
        for name, kind in (("shared_grown", SHARED_ROWS), ("grown", ROWS)):
            if name == "grown" or not context[CONTEXT.index(name)]:  # threads share what the shared section has kept
                context[CONTEXT.index(name)] = tables[kind].ctypes.data
        context[_FUEL], context[_STOPPED] = tuning.FUEL, 0

    def _begin(self) -> None:
        serving = _serve(self._state)
        next(serving)
        self._function: Any = _FUNCTION(serving.send)
        self._state.context[CONTEXT.index("attendant")] = ctypes.cast(self._function, ctypes.c_void_p).value or 0

    def check(self) -> None:
        """Raise the error for which the loops were stopped, if they were. The next call starts anew."""
        state = self._state
        if state.context[_STOPPED]:
            state.context[_FUEL], state.context[_STOPPED] = tuning.FUEL, 0
            error, state.error = state.error, None
            if self._is_alone:
                state.alarm.clear()
            if error is None:  # a second signal came while the first was handled, and ended the generator
                self._begin()
                error = KeyboardInterrupt()
            raise error


class _State:
    def __init__(self, loops: Loops, context: NDArray[np.int64], alarm: list[BaseException]) -> None:
        self.loops, self.context, self.alarm = loops, context, alarm
        self.error: BaseException | None = None
        self.growing = {SHARED_ROWS: loops.shared, ROWS: loops.batched}
        # For each growing memory its address, and for how many steps it has room.
        self.tables = {kind: np.zeros((len(each) + 1, 2), dtype=np.int64) for kind, each in self.growing.items()}
        self.memory: dict[tuple[int, int], Floats] = {}

    def serve(self, kind: int) -> None:
        number = int(self.context[_WHICH])
        if kind == MOMENT and self.alarm:
            raise self.alarm[0]
        if kind == LIMIT:
            limit, line = self.loops.limits[number]
            raise RuntimeError(too_many(line, limit))
        if kind in self.growing:
            self.grow(kind, number, int(self.context[_AMOUNT]))

    def grow(self, kind: int, number: int, steps: int) -> None:
        """Make room for the rows of so many steps, and for as many more as there are now."""
        doubles, line = self.growing[kind][number]
        most = tuning.MOST_ROWS // (8 * doubles)
        if steps > most:
            raise MemoryError(
                f"{line}: the numbers that the loop keeps must take at most {tuning.MOST_ROWS / 1e9:.1f} GB, got "
                f"{steps:,} steps or more of {8 * doubles} bytes. Take fewer steps, keep fewer numbers from step to "
                "step, or compute the value without the derivative"
            )
        old = self.memory.get((kind, number))
        room = min(most, max(steps, 64, 2 * int(self.tables[kind][number, 1])))
        new = aligned(room * doubles)
        if old is not None:
            new[: len(old)] = old
        self.memory[kind, number] = new
        self.tables[kind][number] = new.ctypes.data, room


def _serve(state: _State) -> Generator[None, int, None]:
    """Serve a loop each time. If that does not come to its end, the loop stops.

    It is a generator because signal handlers run where it goes on after `yield`, so that what they raise is caught.
    At the beginning of a function it would be lost: ctypes prints what a callback raises. They also run where a loop
    begins anew, so one loop is inside.
    """
    while True:
        try:
            while True:
                state.serve((yield))
                state.context[_STOPPED] = 0
        except GeneratorExit:  # noqa: PERF203
            return
        except BaseException as error:
            state.error = error
            state.alarm.append(error)
