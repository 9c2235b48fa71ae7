"""Section: what the loops of a section need to know of it, and where its stacks lie."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from ... import tuning
from ...graph.graph import Graph, Input
from ...graph.loops import At, Item, Loop, Stack
from ..context import read_field
from ..ir import IR, Writer
from ..lanes import first_lanes
from ..layout import Layout, narrow_leaves
from .frame import find_in_place
from .rows import Loops, Place, Site


class Section:
    """A section of a graph: the nodes that the whole batch shares, or all others. It is the scope around all loops.

    Args:
        ir: receives the functions.
        graph: what is computed.
        layout: where its numbers lie.
        batched: whether it is the batched section.
        lanes: how many elements of the batch are computed together.
        loops: receives what the loops need.

    Attributes:
        mine: the nodes to compute.
        slots: how many tiles of numbers the functions pass to one another in memory.
        fixed: for each number that must be in memory, its slot.
        slot: for each number that a later function reads, its slot.
    """

    w: Writer
    site: Site

    def __init__(self, ir: IR, graph: Graph, layout: Layout, batched: bool, lanes: int, loops: Loops) -> None:
        self.ir, self.graph, self.layout, self.is_batched, self.lanes = ir, graph, layout, batched, lanes
        self.loops, self.places = loops, loops.places
        self.mask: str | None = None
        self.names: dict[int, str] = {}
        self.results: dict[int, Sequence[str]] = {}
        self.mine = {
            k: None
            for k, what in enumerate(graph.what)
            if layout.batched[k] == batched and not isinstance(what, (Input, float)) and k not in layout.unread
        }
        self.direct_in = narrow_leaves(layout.leaves, tuning.DIRECT_IN)
        self.slots = 0
        self.fixed: dict[int, int] = {}
        self.slot: dict[int, int] = {}
        self._blocks: dict[int, Place] = {}  # for each stack that is copied, its memory
        self.loop_of = self._find_loops()
        self._place_stacks()

    def _find_loops(self) -> dict[int, int]:
        """For each loop, and each number that is its result, the loop. They are written in a function of their own."""
        loop_of: dict[int, int] = {}
        for k in self.mine:
            what = self.graph.what[k]
            if isinstance(what, Loop):
                loop_of[k] = k
            elif isinstance(what, Item):
                (k_loop,) = self.graph.operands[k]
                loop = self.graph.what[k_loop]
                if isinstance(loop, Loop) and what.number <= loop.carries:
                    loop_of[k] = k_loop
        return loop_of

    def gather_loops(self, nodes: Iterable[int]) -> Iterable[int]:
        """The nodes with the results of each loop right after the loop."""
        results: dict[int, list[int]] = {}
        for k, loop in self.loop_of.items():
            results.setdefault(loop, []).append(k)
        for k in nodes:
            if self.loop_of.get(k, k) == k:
                yield from results.get(k, (k,))

    def order_by_need(self) -> Iterable[int]:
        """The nodes, each shortly before it is first needed: results in their order, and before each its operands."""
        order: list[int] = []
        seen: set[int] = set()
        for root in [*dict.fromkeys(self.graph.outputs), *self.mine]:
            if root in seen or root not in self.mine:
                continue
            waiting = [root]
            while waiting:
                k = waiting[-1]
                missing = [] if k in seen else [x for x in self.graph.operands[k] if x in self.mine and x not in seen]
                if missing:
                    waiting += reversed(missing)
                    continue
                waiting.pop()
                if k not in seen:
                    seen.add(k)
                    order.append(k)
        return self.gather_loops(order)

    def _place_stacks(self) -> None:
        """Find where each stack lies, or make room for it: its numbers are computed there as far as possible."""
        for k in self.mine:
            args = self.graph.operands[k]
            if not isinstance(self.graph.what[k], Stack) or find_row(self.graph, args) is not None:
                continue
            place = find_in_place(self.ir, self.loops, [self.place_of(x) for x in args])
            if place is not None:
                self.places[k] = place
                continue
            place = self._blocks[k] = self.allocate(len(args))
            known = self.fixed if self.is_batched else self.layout.shared_place
            for n, x in enumerate(args):
                if x in self.mine:
                    known.setdefault(x, place.number // self.lanes + n)

    def mask_elements(self) -> str:
        """The lanes that hold an element of the batch: all, but in a last tile that is not full."""
        w = self.w
        ragged = w.put(f"icmp eq i64 %t, {read_field(w, 'last')}", "b")
        return first_lanes(w, w.put(f"select i1 {ragged}, i64 {read_field(w, 'elements')}, i64 {self.lanes}", "i"))

    def allocate(self, count: int) -> Place:
        """Memory for so many numbers."""
        if self.is_batched:
            self.slots += count
            return Place("state", (self.slots - count) * self.lanes, False, self.lanes)
        self.layout.shared_size += count
        return Place("shared", self.layout.shared_size - count, True)

    def find_part(self, k: int) -> Place | None:
        """Where a stack lies whose numbers are those of another one, at equal distances."""
        found = find_row(self.graph, self.graph.operands[k])
        if found is None:
            return None
        stack, first, step = found
        place = self.places[stack]
        return place._replace(number=place.number + first * place.stride, stride=step * place.stride)

    def room_for(self, k: int) -> Place:
        """Memory for the numbers of a stack."""
        return self._blocks[k]

    def lies_at(self, k: int, place: int) -> bool:
        """Whether a number of a stack is in the stack's memory already, at this place."""
        if k not in self.mine:
            return False
        return (self.fixed[k] * self.lanes if self.is_batched else self.layout.shared_place[k]) == place

    def is_near(self, k: int) -> bool:
        """Whether `fetch` writes a load or a constant at each use."""
        return type(self.graph.what[k]) is float or (self.is_batched and not self.layout.batched[k])

    def place_of(self, k: int) -> Place | float | None:
        """Where in memory a number lies that does not change, if it does; or the number itself, if it is a constant."""
        what = self.graph.what[k]
        if type(what) is float:
            return what
        if k in self.layout.shared_place:
            return Place("shared", self.layout.shared_place[k], True)
        if isinstance(what, Input) and what.batched and what.number not in self.direct_in:
            return Place("in", what.number * self.lanes, False)
        return None

    # Numbers that lie side by side

    def lies_in_stack(self, k: int) -> bool:
        """Whether a node only names a number of a stack. Who reads it loads it from there."""
        return isinstance(self.graph.what[k], At) and k in self.mine and k not in self.fixed

    def find_reader(self, row: tuple[int, ...]) -> Callable[[str], str] | None:
        """A function that reads the operand of a number that is not known yet, if all lie at equal distances."""
        if (stack := self._find_stack(row)) is not None:
            return stack
        places = [place for place in map(self._find_place, row) if place is not None]
        if len(places) < len(row) or len({memory for memory, _ in places}) > 1:
            return None
        (memory, first), (_, second) = places[:2]
        if [offset for _, offset in places] != [first + n * (second - first) for n in range(len(row))]:
            return None

        def read(n: str) -> str:
            w = self.w
            place = w.pointer(f"%{memory}", w.index("add", w.index("mul", n, second - first), first))
            return w.broadcast(place) if memory == "shared" else w.load(place)

        return read

    def _find_stack(self, row: tuple[int, ...]) -> Callable[[str], str] | None:
        """The same for the numbers of one stack, and for constants, which become one."""
        numbers = [what for k in row if type(what := self.graph.what[k]) is float]
        if len(numbers) == len(row):
            rows, first, step = self.site.rows(self.loops.keep(self.ir, numbers)), 0, 1
        else:
            found = find_row(self.graph, row)
            if found is None or any(k not in self.mine for k in row):
                return None
            stack, first, step = found
            rows = self.site.rows(self.places[stack])
        return lambda n: rows.read(self.w, self.w.index("add", self.w.index("mul", n, step), first))

    def _find_place(self, k: int) -> tuple[str, int] | None:
        """The memory in which a node is, and its place there."""
        what = self.graph.what[k]
        if k in self.slot:
            return "state", self.slot[k] * self.lanes
        if isinstance(what, Input) and what.batched:
            return None if what.number in self.direct_in else ("in", what.number * self.lanes)
        return None if type(what) is float or k in self.mine else ("shared", self.layout.shared_place[k])


def find_row(graph: Graph, nodes: Sequence[int]) -> tuple[int, int, int] | None:
    """The stack, the first place and the distance of places, if nodes are numbers of one stack at equal distances."""
    found = [(graph.operands[k][0], what.place) for k in nodes if isinstance(what := graph.what[k], At)]
    if len(found) < len(nodes) or len(found) < 2:
        return None
    (stack, first), (_, second) = found[:2]
    step = second - first
    return (stack, first, step) if found == [(stack, first + n * step) for n in range(len(found))] else None
