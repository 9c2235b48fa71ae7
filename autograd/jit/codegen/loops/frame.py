"""Scopes: graphs whose nodes are being written. A Frame is the graph of one step; a section is the scope around all."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Protocol

from ...graph.graph import Graph, Input
from ...graph.loops import Stack
from ..ir import IR
from .rows import Loops, Place, Site


class Scope(Protocol):
    """A graph whose nodes are being written.

    Attributes:
        graph: the graph.
        mask: in which lanes its numbers matter; None if in all.
        names: the names of the numbers that are written.
        places: for each stack, and for each loop that has rows, where they lie.
        results: for each loop the names of its last carries and of the count of steps taken.
    """

    graph: Graph
    mask: str | None
    names: dict[int, str]
    places: dict[int, Place]
    results: dict[int, Sequence[str]]

    def fetch(self, k: int) -> str:
        """The name of a number."""

    def is_near(self, k: int) -> bool:
        """Whether `fetch` writes a load or a constant at each use."""

    def place_of(self, k: int) -> Place | float | None:
        """Where in memory a number lies that does not change, if it does; or the number itself, if it is a constant."""

    def find_part(self, k: int) -> Place | None:
        """Where a stack lies whose numbers are those of another one, if it is known."""

    def room_for(self, k: int) -> Place:
        """Memory for the numbers of a stack."""

    def lies_at(self, k: int, place: int) -> bool:
        """Whether a number of a stack is in the stack's memory already, at this place."""


WriteNode = Callable[[Site, Scope, int], None]


def find_origin(scope: Scope, k: int) -> tuple[Scope, int]:
    """The scope and node that a number comes from, past inputs that stand for numbers from outside."""
    while isinstance(scope, Frame):
        x = scope.outside_of(k)
        if x is None:
            break
        scope, k = scope.outer, x
    return scope, k


def find_in_place(ir: IR, loops: Loops, found: Sequence[Place | float | None]) -> Place | None:
    """Where a stack lies already, by where its numbers lie: all are constants, or in memory at equal distances."""
    if all(isinstance(x, float) for x in found):
        return loops.keep(ir, [x for x in found if isinstance(x, float)])
    places = [x for x in found if isinstance(x, Place)]
    steps = {b.number - a.number for a, b in itertools.pairwise(places)}
    kinds = {place._replace(number=0) for place in places}
    if len(places) < len(found) or len(steps) > 1 or len(kinds) > 1:
        return None
    return places[0]._replace(stride=steps.pop()) if steps else places[0]


class Frame:
    """The graph of one step of a loop.

    Args:
        site: the function that it is written into.
        graph: the graph.
        outer: the scope that the loop stands in.
        given: for each input that changes from step to step, what gives its name.
        outside: the nodes of `outer` that the other inputs stand for.
        write_node: writes a node.
    """

    def __init__(
        self,
        site: Site,
        graph: Graph,
        outer: Scope,
        given: Sequence[Callable[[], str]],
        outside: Sequence[int],
        write_node: WriteNode,
    ) -> None:
        self.site, self.graph, self.outer, self.given, self.outside = site, graph, outer, given, outside
        self.write_node, self.mask = write_node, outer.mask
        self.names: dict[int, str] = {}
        self.places: dict[int, Place] = {}
        self.results: dict[int, Sequence[str]] = {}
        self.wanted = self._find_wanted()

    def outside_of(self, k: int) -> int | None:
        """The node of the outer scope that an input stands for; None for all others."""
        what = self.graph.what[k]
        if isinstance(what, Input) and what.number >= len(self.given):
            return self.outside[what.number - len(self.given)]
        return None

    def _find_wanted(self) -> list[bool]:
        """The nodes to write: those that the outputs need, but no numbers that are only read in place, as stacks."""
        graph = self.graph
        wanted = [False] * len(graph)
        for k in graph.outputs:
            wanted[k] = True
        for k in range(len(graph) - 1, -1, -1):
            if not wanted[k]:
                continue
            if isinstance(graph.what[k], Stack):
                place = find_in_place(self.site.w.ir, self.site.loops, [self.place_of(x) for x in graph.operands[k]])
                if place is not None:
                    self.places[k] = place
                    continue
            for x in graph.operands[k]:
                wanted[x] = True
        return wanted

    def fetch_constants(self) -> None:
        """Before the loop, fetch the numbers that do not change."""
        for k, wanted in enumerate(self.wanted):
            x = self.outside_of(k)
            if wanted and x is not None and not self.outer.is_near(x):
                self.names[k] = self.outer.fetch(x)

    def is_near(self, k: int) -> bool:
        x = self.outside_of(k)
        return type(self.graph.what[k]) is float if x is None else self.outer.is_near(x)

    def place_of(self, k: int) -> Place | float | None:
        what, x = self.graph.what[k], self.outside_of(k)
        if x is not None:
            return self.outer.place_of(x)
        return what if type(what) is float else None

    def find_part(self, k: int) -> Place | None:
        return None

    def room_for(self, k: int) -> Place:
        return self.site.allocate(len(self.graph.operands[k]))

    def lies_at(self, k: int, place: int) -> bool:
        return False

    def fetch(self, k: int) -> str:
        name = self.names.get(k)
        if name is not None:
            return name
        what, x = self.graph.what[k], self.outside_of(k)
        if type(what) is float:
            return self.site.w.c(what)
        if x is not None:
            return self.outer.fetch(x)
        assert isinstance(what, Input)
        self.names[k] = name = self.given[what.number]()
        return name

    def write(self) -> None:
        """Write all nodes that are wanted and have not been given."""
        for k, wanted in enumerate(self.wanted):
            if wanted and k not in self.names and not isinstance(self.graph.what[k], (Input, float)):
                self.write_node(self.site, self, k)
