"""Loops: a loop as one node of a graph, and the nodes that take numbers into it and out of it.

One kind of loop serves all. `fori_loop` has a count, `while_loop` a condition, `scan` reads stacks and writes rows,
and `cond` is two loops of at most one step. The derivative of a loop is a loop that runs backward over the rows in
which the first one kept its carries.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from ...functions.structure import too_many

if TYPE_CHECKING:
    from .graph import Graph


@dataclasses.dataclass(frozen=True, eq=False)
class Loop:
    """A loop. Its node has no number; Item nodes read its results.

    Operands of its node, in this order: the count, which is the greatest number of steps, the first carries, the
    stacks that it reads, and the constants, which are the numbers from outside that do not change.

    Inputs of the graphs of one step, by number: the step, the carries, and in the body the number of each stack that
    belongs to this step, then the constants. (The condition has no stacks, so there the constants follow the carries.)

    Each element of a batch takes its own number of steps. What is computed for an element that has ended has no effect.

    Attributes:
        body: one step. Its outputs are the next carries, then a number for each row.
        condition: whether to take another step, nonzero or not; None if the count alone decides.
        carries, stacks: how many there are.
        backward: whether the steps are count - 1 down to 0; otherwise they are 0, 1, 2 and so on.
        limit: a count of steps that is an error, or None. It is for conditions that may never be false.
        line: where the user wrote the loop, for errors.
    """

    body: Graph
    condition: Graph | None
    carries: int
    stacks: int
    backward: bool = False
    limit: int | None = None
    line: str = ""
    arity: ClassVar[int] = 1  # of its tracer: one tuple

    @property
    def rows(self) -> int:
        """How many rows it writes."""
        return len(self.body.outputs) - self.carries

    def key(self) -> object:
        """Equal for loops that do the same."""
        graphs = []
        for graph in (self.body, self.condition):
            if graph is not None:
                whats = [x.hex() if type(x) is float else x.key() if type(x) is Loop else x for x in graph.what]
                graphs.append((tuple(whats), graph.operands, graph.outputs))
        return tuple(graphs), self.carries, self.stacks, self.backward, self.limit

    def evaluate(self, operands: Sequence[Any]) -> list[Any]:
        """The results: the last carries, how many steps were taken, and the rows, each a list."""
        first, second = 1 + self.carries, 1 + self.carries + self.stacks
        carries, taken, rows = run_loop(
            self,
            lambda graph, numbers: graph.evaluate(numbers),
            operands[0],
            operands[1:first],
            operands[first:second],
            operands[second:],
        )
        return [*carries, float(taken), *rows]


@dataclasses.dataclass(frozen=True)
class Item:
    """A result of a loop, its operand: carry `number`, then the count of steps taken, then the rows, each a stack."""

    number: int
    arity: ClassVar[int] = 1

    def evaluate(self, results: Sequence[Any]) -> Any:
        """This one of the results of a loop."""
        return results[self.number]


@dataclasses.dataclass(frozen=True)
class At:
    """The number at a place in a stack, its operand."""

    place: int
    arity: ClassVar[int] = 1

    def evaluate(self, stack: Sequence[Any]) -> Any:
        """The number there."""
        return stack[self.place]


@dataclasses.dataclass(frozen=True)
class Stack:
    """A stack: its operands, one after the other. It has no single number; loops read it step by step."""

    arity: ClassVar[int] = 1

    def evaluate(self, numbers: Sequence[Any]) -> Sequence[Any]:
        """The stack as a sequence of numbers."""
        return numbers


def find_whole_row(what: Sequence[Any], operands: Sequence[tuple[int, ...]], nodes: tuple[int, ...]) -> int | None:
    """The stack whose numbers, all of them or the first ones, the nodes of a graph are, in order."""
    if not nodes or what[nodes[0]] != At(0):
        return None
    stack = operands[nodes[0]]
    if all(operands[k] == stack and what[k] == At(n) for n, k in enumerate(nodes)):
        return stack[0]
    return None


def run_loop(
    loop: Loop,
    evaluate: Callable[[Graph, Sequence[float]], Sequence[float]],
    count: float,
    carries: Sequence[float],
    stacks: Sequence[Sequence[float]],
    constants: Sequence[float],
) -> tuple[list[float], int, list[list[float]]]:
    """What a loop means, in Python, for one element of a batch.

    Args:
        loop: the loop.
        evaluate: computes the outputs of a graph from the numbers of its inputs.
        count, carries, stacks, constants: the operands.

    Returns:
        The last carries, how many steps were taken, and the rows, each with a number for each step.
    """
    carries, taken = list(carries), 0
    rows: list[list[float]] = [[] for _ in range(loop.rows)]
    while taken < count:
        step = int(count) - 1 - taken if loop.backward else taken
        if loop.condition is not None and not evaluate(loop.condition, [float(step), *carries, *constants])[0]:
            break
        if taken == loop.limit:
            raise RuntimeError(too_many(loop.line, loop.limit))
        found = list(evaluate(loop.body, [float(step), *carries, *[x[step] for x in stacks], *constants]))
        carries = found[: loop.carries]
        for row, x in zip(rows, found[loop.carries :]):
            row.append(x)
        taken += 1
    return carries, taken, [row[::-1] for row in rows] if loop.backward else rows
