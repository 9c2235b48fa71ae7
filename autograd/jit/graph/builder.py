"""Builder: builds a graph in which equal nodes are one. rewrite: a graph anew, with other nodes in place of some."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...primitive import Primitive
from .graph import Graph, Input, What
from .loops import At, Loop, Stack, find_whole_row


class Builder:
    """Builds a graph in which equal nodes are one: equal constants, and equal operations on the same operands."""

    def __init__(self) -> None:
        self.what: list[What] = []
        self.operands: list[tuple[int, ...]] = []
        self._known: dict[object, int] = {}

    def constant(self, x: float) -> int:
        return self._node(x.hex(), x, ())

    def input(self, given: Input) -> int:
        return self._node(given, given, ())

    def apply(self, op: Primitive, args: tuple[int, ...]) -> int:
        return self._node((op, args), op, args)

    def other(self, what: What, args: tuple[int, ...]) -> int:
        """A loop, or what reads or feeds one."""
        if type(what) is At and type(self.what[args[0]]) is Stack:
            return self.operands[args[0]][what.place]
        if type(what) is Stack and (row := find_whole_row(self.what, self.operands, args)) is not None:
            return row  # a longer one does as well: loops read a stack up to their count
        return self._node((type(what), what.key() if type(what) is Loop else what, args), what, args)

    def _node(self, key: object, what: What, args: tuple[int, ...]) -> int:
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = len(self.what)
            self.what.append(what)
            self.operands.append(args)
        return known

    def number(self, node: int) -> float | None:
        """The number of a constant; None for other nodes."""
        what = self.what[node]
        return what if type(what) is float else None

    def operands_of(self, node: int, op: Primitive) -> tuple[int, ...] | None:
        """The operands of a node, if its primitive is `op`; otherwise None."""
        return self.operands[node] if self.what[node] is op else None


Rewrite = Callable[[Builder, Primitive, tuple[int, ...]], int | None]


def rewrite(graph: Graph, rewrites: Sequence[Rewrite]) -> Graph:
    """Merge equal nodes, drop those that nothing needs, and replace each node by the first rewrite that applies.

    A rewrite gets a builder, a primitive and its operands. It returns the node that replaces the
    application of the primitive, or None if it does not apply.
    """
    build = Builder()
    place: list[int] = []
    for what, args, needed in zip(graph.what, graph.operands, graph.needed()):
        if not needed:
            place.append(-1)
        elif isinstance(what, Input):
            place.append(build.input(what))
        elif isinstance(what, float):
            place.append(build.constant(what))
        elif isinstance(what, Primitive):
            place.append(apply_rewrites(build, rewrites, what, tuple([place[k] for k in args])))
        else:
            place.append(build.other(what, tuple([place[k] for k in args])))
    return Graph(tuple(build.what), tuple(build.operands), tuple([place[k] for k in graph.outputs]))


def apply_rewrites(build: Builder, rewrites: Sequence[Rewrite], op: Primitive, args: tuple[int, ...]) -> int:
    """The node of an application, rewritten if a rewrite applies."""
    for each in rewrites:
        found = each(build, op, args)
        if found is not None:
            return found
    return build.apply(op, args)
