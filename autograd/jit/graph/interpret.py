"""interpret: what a graph computes, in Python, for one element of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...primitive import Primitive
from .graph import Graph, Input, group_operands
from .loops import At, Item, Loop, Stack, run_loop


def interpret(graph: Graph, numbers: Sequence[float]) -> list[float]:
    """The outputs of a graph, with `numbers` as its inputs, by their number."""
    found: list[Any] = []
    for what, operands in zip(graph.what, graph.operands):
        args = [found[k] for k in operands]
        if type(what) is Input:
            found.append(numbers[what.number])
        elif type(what) is float:
            found.append(what)
        elif isinstance(what, Primitive):
            found.append(what.evaluate(*group_operands(what, args)))
        elif type(what) is Loop:
            first, second = 1 + what.carries, 1 + what.carries + what.stacks
            carries, taken, rows = run_loop(what, interpret, args[0], args[1:first], args[first:second], args[second:])
            found.append([*carries, float(taken), *rows])
        elif type(what) is Stack:
            found.append(args)
        elif type(what) is Item:
            found.append(args[0][what.number])
        elif type(what) is At:
            found.append(args[0][what.place])
    return [found[k] for k in graph.outputs]
