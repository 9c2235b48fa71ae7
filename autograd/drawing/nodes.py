"""The nodes of a graph in the order to draw them in, and the operands of each."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from .. import ops
from ..node import walk
from ..value import Value


def nodes_to_draw(roots: Sequence[Value], depth: int | None) -> list[Value]:
    """The nodes that the roots were computed from, themselves included, each after its parents.

    Args:
        depth: how many operations to go back from the nearest root, at most; None for all.
    """
    within = None if depth is None else _within(roots, depth)

    def parents(node: Value) -> list[Value]:
        return [p for p in node.parents if isinstance(p, Value) and (within is None or p in within)]

    return walk(roots, parents)


def _within(roots: Sequence[Value], depth: int) -> set[Value]:
    """The nodes at most `depth` operations back."""
    distances = dict.fromkeys(roots, 0)
    queue = deque(roots)
    while queue:
        node = queue.popleft()
        if distances[node] < depth:
            for p in node.parents:
                if isinstance(p, Value) and p not in distances:
                    distances[p] = distances[node] + 1
                    queue.append(p)
    return set(distances)


def operands(node: Value) -> tuple[Value | float, ...]:
    """The parents, without the plain 0 that dot() adds if it is given no bias."""
    without_bias = node.op is ops.dot and type(node.args[2]) is float and node.args[2] == 0.0
    return node.parents[:-1] if without_bias else node.parents


def operand_keys(node: Value) -> Iterator[tuple[int, int]]:
    """A key for each operand, which distinguishes constants. Nodes that share a tuple share its constants."""
    for k, x in enumerate(node.args):
        if type(x) is tuple:
            yield from ((id(x), i) for i in range(len(x)))
        else:
            yield id(node), -1 - k
