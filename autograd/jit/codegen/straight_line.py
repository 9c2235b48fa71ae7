"""Straight-line code: LLVM IR for each node of a small graph, one after the other, cut into short functions."""

from __future__ import annotations

from ...primitive import Primitive
from .. import tuning
from ..graph.graph import Graph, Input
from .batch_sums import Sums
from .instructions import emit
from .ir import IR, Writer
from .layout import Layout, narrow_leaves

SECTION_PARAMETERS = (
    "ptr %shared, ptr noalias %in, ptr %state, ptr %kept, ptr %out, ptr %given, ptr %results, i64 %tiles, i64 %t"
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
    mine = [k for k in range(len(graph)) if layout.batched[k] == batched and isinstance(graph.what[k], Primitive)]
    section = _SectionWriter(ir, graph, layout, batched, tile, sums, mine)
    section.write_functions()
    return section.functions, section.slots


class _SectionWriter:
    def __init__(
        self, ir: IR, graph: Graph, layout: Layout, batched: bool, tile: int, sums: Sums, mine: list[int]
    ) -> None:
        self.ir, self.graph, self.layout = ir, graph, layout
        self.is_batched, self.lanes, self.mine = batched, tile, mine
        self.sums = sums
        self.functions: list[str] = []
        self.slots = 0
        self.slot: dict[int, int] = {}  # for each node that a later function reads, its place in the state
        self.part = self._cut_parts()
        self.last = self._find_last_readers()
        self.direct_in = narrow_leaves(layout.leaves, tuning.DIRECT_IN)
        self.direct_out = narrow_leaves(layout.row_leaves, tuning.DIRECT_OUT)

    def _cut_parts(self) -> dict[int, int]:
        """For each node the number of the function that computes it."""
        part: dict[int, int] = {}
        current = load = 0
        for k in self.mine:
            load += 1 + len(self.graph.operands[k])
            if load > tuning.FUNCTION_OPERANDS:
                current, load = current + 1, 0
            part[k] = current
        return part

    def _find_last_readers(self) -> dict[int, int]:
        """For each node the number of the last function that reads it."""
        last: dict[int, int] = {}
        for k in self.mine:
            for operand in self.graph.operands[k]:
                last[operand] = self.part[k]
        return last

    def write_functions(self) -> None:
        which = "batched" if self.is_batched else "shared"
        start = 0
        while start < len(self.mine) or (not self.functions and self._results_of_others()):
            number = len(self.functions)
            stop = start
            while stop < len(self.mine) and self.part[self.mine[stop]] == number:
                stop += 1
            self.w = Writer(self.ir, self.lanes)
            self.names: dict[int, str] = {}
            if not number:
                for k in self._results_of_others():
                    self._store_result(k)
            for k in self.mine[start:stop]:
                self._write_node(k)
            name = f"{which}{number}"
            self.ir.add(
                f"define internal void @{name}({SECTION_PARAMETERS}) nounwind noinline alignstack(64)", self.w.lines
            )
            self.functions.append(name)
            start = stop

    def _results_of_others(self) -> list[int]:
        """Results that this section does not compute: inputs, constants, shared nodes summed over the batch."""
        layout, what = self.layout, self.graph.what
        if self.is_batched:
            if not layout.leaves:
                return []
            wanted = dict.fromkeys([*layout.row_nodes, *self.sums.kept])
            return [k for k in wanted if not (layout.batched[k] and isinstance(what[k], Primitive))]
        if layout.leaves:
            return []
        return [k for k in layout.results if not isinstance(what[k], Primitive)]

    def _write_node(self, k: int) -> None:
        op, args = self.graph.what[k], self.graph.operands[k]
        assert isinstance(op, Primitive)
        if self.is_batched and k in self.sums.fused:
            return
        self.names[k] = emit(self.w, op, [self._fetch(x) for x in args])
        if self.last.get(k, 0) > self.part[k]:
            self.slot[k] = self.slots
            self.slots += 1
            self.w.store(self.names[k], self._at("state", self.slot[k] * self.lanes))
        self._store_result(k)

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
            if j < layout.rows:
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
