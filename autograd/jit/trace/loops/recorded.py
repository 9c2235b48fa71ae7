"""Loops on tracers: a body becomes the graph of one step, and the loop a node that other nodes read.

Everything that is a loop is recorded here by `record_loop`: what the user writes (functions.py) and derivatives of it
(backward.py, forward.py).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from ....primitive import Primitive
from ....value import Value
from ...graph.graph import Graph, Input, from_tracers, group_operands
from ...graph.loops import At, Item, Loop, Stack
from ..tracer import Trace, Tracer
from .bodies import tracing_body
from .decisions import run_along_all_paths

Step = Callable[[Tracer, list[Tracer], list[Tracer]], tuple[Sequence[Any], Sequence[Any]]]
Condition = Callable[[Tracer, list[Tracer]], Any]


@dataclasses.dataclass
class Recorded:
    """A loop in a trace.

    Its rows are those that its step wrote and then, for its derivative, the carries before each step.

    Attributes:
        node: the tracer of the loop.
    """

    node: Tracer

    @property
    def loop(self) -> Loop:
        loop: Any = self.node.op
        return loop  # type: ignore[no-any-return]

    def operands(self) -> tuple[Any, Sequence[Any], Sequence[Any], Sequence[Any]]:
        """The count, the first carries, the stacks and the constants."""
        first, second = 1 + self.loop.carries, 1 + self.loop.carries + self.loop.stacks
        args = self.node._a
        return args[0], args[1:first], args[first:second], args[second:]

    @property
    def written(self) -> int:
        """How many rows its step wrote."""
        return self.loop.rows - self.loop.carries

    @property
    def steps(self) -> Any:
        """How many steps were taken. Without a condition, that is the count."""
        return self._item(self.loop.carries) if self.loop.condition is not None else self.node._a[0]

    def carry(self, number: int) -> Tracer:
        return self._item(number)

    def row(self, number: int) -> Tracer:
        return self._item(self.loop.carries + 1 + number)

    def before(self, number: int) -> Tracer:
        """The row with a carry before each step."""
        return self.row(self.written + number)

    def active(self, leads: Sequence[bool]) -> list[int]:
        """The carries that depend on wanted operands, directly or through other carries.

        Args:
            leads: for each first carry, stack and constant, whether it is wanted.
        """
        depends, count = list(leads), self.loop.carries
        while True:
            now = [a or b for a, b in zip(depends[:count], _dependent(self.loop.body, depends))]
            if now == depends[:count]:
                return [k for k in range(count) if depends[k]]
            depends[:count] = now

    def _item(self, number: int) -> Tracer:
        return Tracer(self.node.trace, Item(number), self.node)


def _dependent(graph: Graph, on: Sequence[bool]) -> list[bool]:
    """For each output of the graph of a step, whether its derivative by an input after the first may not be 0."""
    found: list[bool] = []
    for what, args in zip(graph.what, graph.operands):
        if type(what) is Input:
            found.append(what.number > 0 and on[what.number - 1])
        elif isinstance(what, Primitive) and what.scalar:
            found.append(any(found[k] for k, partial in zip(args, what.partials) if partial is not None))
        else:
            found.append(any(found[k] for k in args))
    return [found[k] for k in graph.outputs]


def record_loop(
    trace: Trace,
    line: str,
    count: Any,
    carries: Sequence[Any] | None,
    stacks: Sequence[Tracer],
    step: Step,
    condition: Condition | None = None,
    backward: bool = False,
    limit: int | None = None,
) -> Recorded:
    """Trace a step and record the loop.

    Args:
        trace: where to record it.
        line: where the user wrote it.
        count: the greatest number of steps, whole and not negative.
        carries: the first carries; None for zeros, as many as the step returns.
        stacks: what it reads: Stacks, or rows of other loops.
        step: a function of the step, the carries and a number from each stack. It returns the next carries, and the
            numbers to be written in rows.
        condition: a function of the step and the carries: whether to take another step.
        backward, limit: those of Loop.
    """
    with tracing_body(trace, line) as body:
        at = body.input("step")
        before = [body.input() for _ in carries or ()]
        read = [body.input() for _ in stacks]
        following, written = run_along_all_paths(body, lambda: step(at, before, read))
        if carries is None:
            carries, before = [0.0] * len(following), [body.input() for _ in following]
        outputs = [to_operand(body, x) for x in [*following, *written, *before]]
    constants = dict.fromkeys(body.captured)
    test = None
    if condition is not None:
        with tracing_body(trace, line) as test:
            its_step = test.input("step")
            its_carries = [test.input() for _ in carries]
            truth, _ = run_along_all_paths(test, lambda: ([condition(its_step, its_carries)], []))
            decision = to_operand(test, truth[0])
        constants |= dict.fromkeys(test.captured)
    place = {x: k for k, x in enumerate(constants)}
    inputs = {x: Input(k, False, x.label) for k, x in enumerate([at, *before, *read])}
    inputs |= {own: Input(1 + len(before) + len(read) + place[x], False, x.label) for x, own in body.captured.items()}
    graph, its_graph = from_tracers(body.nodes, inputs, outputs), None
    if test is not None:
        inputs = {x: Input(k, False, x.label) for k, x in enumerate([its_step, *its_carries])}
        inputs |= {own: Input(1 + len(before) + place[x], False, x.label) for x, own in test.captured.items()}
        its_graph = from_tracers(test.nodes, inputs, [decision])
        test.nodes.clear()
    body.nodes.clear()  # breaks the cycle of trace and tracers
    loop = Loop(graph, its_graph, len(before), len(read), backward, limit, line)
    operands = [to_operand(trace, x) for x in [count, *carries]]
    return Recorded(Tracer(trace, loop, (*operands, *stacks, *constants)))


def to_operand(trace: Trace, x: Any) -> Any:
    """A number as an operand in a trace: a float or a tracer."""
    return trace.lift(x) if isinstance(x, Value) else float(x)


def record_stack(trace: Trace, numbers: Sequence[Any]) -> Tracer:
    """A stack of numbers. If they are all those of one row, it is this row."""
    operands = [to_operand(trace, x) for x in numbers]
    first = operands[0]
    if type(first) is Tracer and isinstance(first.op, At) and _length_of(first._a) == len(operands):
        row: Tracer = first._a
        if all(type(x) is Tracer and x._a is row and x.op == At(k) for k, x in enumerate(operands)):
            return row
    return Tracer(trace, Stack(), tuple(operands))


def _length_of(stack: Any) -> Any:
    """How many numbers there are in a Stack or in a row; None if the number is not known."""
    if isinstance(stack.op, Stack):
        return len(stack._a)
    node = stack._a
    count = node._a[0]
    return count if node.op.condition is None and type(count) is float else None


def at_place(stack: Any, place: int) -> Any:
    """The number at a place of a stack."""
    if isinstance(stack.op, Stack):
        return stack._a[place]
    return Tracer(stack.trace, At(place), stack)


def replay(trace: Trace, graph: Graph, numbers: Sequence[Any]) -> list[Any]:
    """Record the operations of a graph once more: its outputs for these operands as its inputs."""
    found: list[Any] = []
    for what, operands in zip(graph.what, graph.operands):
        args = tuple([found[k] for k in operands])
        if type(what) is Input:
            found.append(numbers[what.number])
        elif type(what) is float:
            found.append(what)
        elif isinstance(what, Primitive):
            grouped = group_operands(what, args)
            found.append(Tracer(trace, what, *(grouped if len(grouped) <= 3 else (grouped,))))
        elif type(what) in (Loop, Stack):
            found.append(Tracer(trace, what, args))
        else:
            found.append(Tracer(trace, what, args[0]))
    return [found[k] for k in graph.outputs]
