"""Straight-line code: LLVM IR for each node of a small graph, one after the other, cut into short functions."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

from ...primitive import Primitive
from .. import tuning
from ..graph.graph import Graph, Input
from .batch_sums import Sums
from .instructions import LONG, Carried, emit
from .ir import IR, Writer
from .layout import Layout, narrow_leaves

# None of the memory that is written is read through another pointer, which lets LLVM reorder loads and stores.
SECTION_PARAMETERS = (
    "ptr noalias %shared, ptr noalias %in, ptr noalias %state, ptr noalias %kept, ptr noalias %out, "
    "ptr noalias %given, ptr noalias %results, i64 %tiles, i64 %t"
)


def write_straight_line(
    ir: IR, graph: Graph, layout: Layout, batched: bool, tile: int, sums: Sums
) -> tuple[list[str], int]:
    """Write the functions that compute one section of a graph.

    Args:
        ir: receives the functions.
        graph: what is computed.
        layout: where its numbers lie.
        batched: whether to write the batched section; otherwise the shared one.
        tile: how many elements of the batch are computed together.
        sums: what is summed over the batch.

    Returns:
        The names of the functions, in the order to call them, and how many tiles of numbers they
        pass to one another in memory.
    """
    section = _SectionWriter(ir, graph, layout, batched, tile, sums)
    section.write_functions()
    return section.functions, section.slots


class _SectionWriter:
    def __init__(self, ir: IR, graph: Graph, layout: Layout, batched: bool, tile: int, sums: Sums) -> None:
        self.ir, self.graph, self.layout = ir, graph, layout
        self.is_batched, self.lanes = batched, tile
        self.sums = sums
        self.mine = {
            k: None for k in range(len(graph)) if layout.batched[k] == batched and isinstance(graph.what[k], Primitive)
        }
        self.items = [*self._results_of_others(), *self.mine]
        self.ordered = False
        self.functions: list[str] = []
        self.slots = 0
        self.slot: dict[int, int] = {}  # for each node that a later function reads, its place in the state
        self.part = self._cut_parts()
        self.last = self._find_last_readers()
        self.direct_in = narrow_leaves(layout.leaves, tuning.DIRECT_IN)
        self.direct_out = narrow_leaves(layout.row_leaves, layout.direct_out)

    def _cut_parts(self) -> dict[int, int]:
        """For each node the number of the function that computes it; the nodes are put in order if there are several.

        LLVM's time for a function grows with its operands times the sum of its stores and its longest chain.
        """
        operands, results = self.graph.operands, self.layout.results
        read = {x: n for n, k in enumerate(self.items) if k in self.mine for x in operands[k]}
        part: dict[int, int] = {}
        depth: dict[int, int] = {}
        current = load = stores = longest = 0
        before = -1
        for n, k in enumerate(self.items):
            args = operands[k] if k in self.mine else ()
            mine = 1 + len(args)
            stored = (read.get(k, 0) > n + tuning.FAR) + len(results.get(k, ())) + (k in self.sums.kept)
            here = max([depth.get(x, 0) for x in args], default=0) + mine // 2
            load, stores, longest = load + mine, stores + stored, max(longest, here)
            full = load > tuning.FUNCTION_OPERANDS or load * (longest + stores) > tuning.FUNCTION_COST
            if part and (full or self._is_long(k) or self._is_long(before)):
                if not self.ordered:
                    self.ordered, self.items = True, [*self._results_of_others(), *self._order_by_need()]
                    return self._cut_parts()
                current, load, stores, depth = current + 1, mine, stored, {}
                here = longest = mine // 2
            part[k], depth[k], before = current, here, k
        return part

    def _is_long(self, k: int) -> bool:
        """Whether a node has so many operands that it is written in pieces, as several functions."""
        return len(self.graph.operands[k]) > tuning.LONG and self.graph.what[k] in LONG

    def _order_by_need(self) -> list[int]:
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
        return order

    def _find_last_readers(self) -> dict[int, int]:
        """For each node the number of the last function that reads it."""
        last: dict[int, int] = {}
        for k in self.items:
            for operand in self.graph.operands[k] if k in self.mine else ():
                last[operand] = self.part[k]
        return last

    def write_functions(self) -> None:
        for _, part in itertools.groupby(self.items, self.part.__getitem__):
            self._begin_function()
            for k in part:
                if k in self.mine:
                    self._write_node(k)
                else:
                    self._store_result(k)
            self._end_function()

    def _begin_function(self) -> None:
        self.w = Writer(self.ir, self.lanes)
        self.names: dict[int, str] = {}

    def _end_function(self) -> None:
        name = f"{'batched' if self.is_batched else 'shared'}{len(self.functions)}"
        self.ir.add(
            f"define internal void @{name}({SECTION_PARAMETERS}) nounwind noinline alignstack(64)", self.w.lines
        )
        self.functions.append(name)

    def _results_of_others(self) -> list[int]:
        """What the batched section stores and does not compute: inputs, constants, shared nodes."""
        if not self.is_batched or not self.layout.leaves:
            return []
        wanted = dict.fromkeys([*self.layout.results, *self.sums.kept])
        return [k for k in wanted if k not in self.mine]

    def _write_node(self, k: int) -> None:
        op, args = self.graph.what[k], self.graph.operands[k]
        assert isinstance(op, Primitive)
        if self.is_batched and k in self.sums.fused:
            return
        if self._is_long(k):
            self.names[k] = self._write_long(op, args)
        else:
            self.names[k] = emit(self.w, op, [self._fetch(x) for x in args])
        if self.last.get(k, 0) > self.part[k]:
            self.slot[k] = self.slots
            self.slots += 1
            self.w.store(self.names[k], self._at("state", self.slot[k] * self.lanes))
        self._store_result(k)

    def _write_long(self, op: Primitive, args: tuple[int, ...]) -> str:
        """Write a node of very many operands: as a loop, if they lie in memory one after the other."""
        many = sum(op.takes_sequence)
        length = len(args) // many
        carried: Carried = [self._fetch_number(x) for x in args[many * length :]]
        readers = [self._find_reader(args[k * length : (k + 1) * length]) for k in range(many)]
        for start, add in LONG[op].passes:
            carried = start(self.w, *carried)
            if all(readers):
                carried = self.w.loop(str(length), functools.partial(self._add_next, add, readers), *carried)
            else:
                carried = self._write_pieces(add, carried, args, many)
        return LONG[op].finish(self.w, *carried)

    def _find_reader(self, row: tuple[int, ...]) -> Callable[[str], str] | None:
        """A function that reads the operand of a number that is not known yet, if all lie at equal distances."""
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

    def _find_place(self, k: int) -> tuple[str, int] | None:
        """The memory in which a node is, and its place there."""
        what = self.graph.what[k]
        if k in self.slot:
            return "state", self.slot[k] * self.lanes
        if isinstance(what, Input) and what.batched:
            return None if what.number in self.direct_in else ("in", what.number * self.lanes)
        return None if type(what) is float or k in self.mine else ("shared", self.layout.shared_place[k])

    def _add_next(self, add: Callable[..., Carried], readers: Sequence[Any], n: str, *carried: str) -> Carried:
        return add(self.w, carried, *[read(n) for read in readers])

    def _write_pieces(self, add: Callable[..., Carried], carried: Carried, args: tuple[int, ...], many: int) -> Carried:
        """Write all terms, in several functions that pass on what they have come to."""
        length = len(args) // many
        memory = range(self.slots, self.slots + len(carried))
        self.slots += len(carried)
        for n in range(length):
            if n % (tuning.LONG // many) == 0 and self.w.lines:
                carried = self._pass_on(carried, memory)
            carried = add(self.w, carried, *[self._fetch_number(x) for x in args[n : many * length : length]])
        return carried

    def _pass_on(self, carried: Carried, memory: Sequence[int]) -> Carried:
        """End the function, and begin the next one with what is carried."""
        for slot, x in zip(memory, carried):
            self.w.store(x, self._at("state", slot * self.lanes))
        self._end_function()
        self._begin_function()
        return [self.w.load(self._at("state", slot * self.lanes)) for slot in memory]

    def _fetch_number(self, k: int) -> str:
        return self.w.number(self._fetch(k))

    def _store_result(self, k: int) -> None:
        """Store a node that is a result, or that the batched section reads."""
        w, layout = self.w, self.layout
        if not self.is_batched:
            if k in layout.shared_place and isinstance(self.graph.what[k], Primitive):
                w.store(self._fetch(k), self._at("shared", layout.shared_place[k]))
            if not layout.leaves:
                for j in layout.results.get(k, ()):
                    w.do(
                        f"store double {w.number(self._fetch(k))}, ptr {self._at('shared', layout.result(j))}, align 8"
                    )
            return
        for j in layout.results.get(k, ()):
            if j in self.direct_out:
                rows = w.index("add", w.index("mul", "%tiles", j), "%t")
                w.store(self._fetch(k), w.pointer("%results", w.index("mul", rows, self.lanes)))
            else:
                w.store(self._fetch(k), self._at("out", j * self.lanes))
        if k in self.sums.kept:
            w.store(self._fetch(k), self._at("kept", self.sums.kept[k] * self.sums.stride))

    def _fetch(self, k: int) -> str:
        name = self.names.get(k)
        if name is None:
            name = self._load(k)
            if not self.is_batched or self.layout.batched[k]:
                self.names[k] = name
            # Shared numbers are loaded again for each use: an operand in memory costs nothing,
            # while a vector kept for a distant use would be spilled to the stack.
        return name

    def _load(self, k: int) -> str:
        w, what = self.w, self.graph.what[k]
        if type(what) is float:
            return w.c(what)
        if k in self.slot:
            return w.put(f"load {w.type}, ptr {self._at('state', self.slot[k] * self.lanes)}, align 8")
        if isinstance(what, Input) and what.batched:
            if what.number in self.direct_in:
                leaf, start, width = self.direct_in[what.number]
                rows = w.put(f"load ptr, ptr {w.pointer('%given', leaf, 'ptr')}", "p")
                rows = w.pointer(rows, w.index("mul", "%t", width * self.lanes))
                return w.load(rows) if width == 1 else w.load_strided(w.pointer(rows, what.number - start), width)
            return w.put(f"load {w.type}, ptr {self._at('in', what.number * self.lanes)}, align 8")
        return w.broadcast(self._at("shared", self.layout.shared_place[k]))

    def _at(self, memory: str, offset: int) -> str:
        return self.w.put(f"getelementptr double, ptr %{memory}, i64 {offset}", "p")
