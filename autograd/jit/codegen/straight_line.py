"""Straight-line code: LLVM IR for each node of a small graph, one after the other, cut into short functions."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

from ...primitive import Primitive
from .. import tuning
from ..graph.graph import Graph, Input
from ..graph.loops import At
from .batch_sums import Sums
from .instructions import LONG, Carried
from .ir import IR, Writer
from .lanes import load_strided
from .layout import Layout, narrow_leaves
from .loops.rows import Loops, Site
from .loops.section import Section
from .loops.writer import write_node

# None of the memory that is written is read through another pointer, which lets LLVM reorder loads and stores.
SECTION_PARAMETERS = (
    "ptr noalias %shared, ptr noalias %in, ptr noalias %state, ptr noalias %kept, ptr noalias %out, "
    "ptr noalias %given, ptr noalias %results, i64 %tiles, i64 %t, ptr %context"
)


def write_straight_line(
    ir: IR, graph: Graph, layout: Layout, batched: bool, tile: int, sums: Sums, loops: Loops
) -> tuple[list[str], int]:
    """Write the functions that compute one section of a graph.

    Args:
        ir: receives the functions.
        graph: what is computed.
        layout: where its numbers lie.
        batched: whether to write the batched section; otherwise the shared one.
        tile: how many elements of the batch are computed together.
        sums: what is summed over the batch.
        loops: receives what the loops of the section need. The shared section must be written first.

    Returns:
        The names of the functions, in the order to call them, and how many tiles of numbers they
        pass to one another in memory.
    """
    section = _SectionWriter(ir, graph, layout, batched, tile, sums, loops)
    section.write_functions()
    return section.functions, section.slots


class _SectionWriter(Section):
    def __init__(
        self, ir: IR, graph: Graph, layout: Layout, batched: bool, tile: int, sums: Sums, loops: Loops
    ) -> None:
        super().__init__(ir, graph, layout, batched, tile, loops)
        self.sums = sums
        self.items = [*self._results_of_others(), *self.gather_loops(self.mine)]
        self.ordered = False
        self.functions: list[str] = []
        self.part = self._cut_parts()
        self.last = self._find_last_readers()
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
            if part and k not in results and (self.lies_in_stack(k) or k in self.places):
                part[k] = current  # it lies in memory already, and costs no code
                continue
            args = operands[k] if k in self.mine else ()
            mine = 1 + len(args)
            stored = (read.get(k, 0) > n + tuning.FAR) + len(results.get(k, ())) + (k in self.sums.kept)
            here = max([depth.get(x, 0) for x in args], default=0) + mine // 2
            load, stores, longest = load + mine, stores + stored, max(longest, here)
            full = load > tuning.FUNCTION_OPERANDS or load * (longest + stores) > tuning.FUNCTION_COST
            loop, loop_before = self.loop_of.get(k), self.loop_of.get(before)
            full = full and (loop is None or loop != loop_before)  # a loop and its results are never parted
            if part and (full or loop != loop_before or self._is_long(k) or self._is_long(before)):
                if not self.ordered:
                    self.ordered, self.items = True, [*self._results_of_others(), *self.order_by_need()]
                    return self._cut_parts()
                current, load, stores, depth = current + 1, mine, stored, {}
                here = longest = mine // 2
            part[k], depth[k], before = current, here, k
        return part

    def _is_long(self, k: int) -> bool:
        """Whether a node has so many operands that it is written in pieces, as several functions."""
        return len(self.graph.operands[k]) > tuning.LONG and self.graph.what[k] in LONG

    def _find_last_readers(self) -> dict[int, int]:
        """For each node the number of the last function that reads it."""
        last: dict[int, int] = {}
        for k in self.items:
            for operand in self.graph.operands[k] if k in self.mine else ():
                last[operand] = self.part[k]
        return last

    def write_functions(self) -> None:
        for _, group in itertools.groupby(self.items, self.part.__getitem__):
            part = list(group)
            self._begin_function(part[0] in self.loop_of)
            for k in part:
                if k in self.mine:
                    self._write_node(k)
                else:
                    self._store_result(k)
            self._end_function()
        if self.is_batched == bool(self.layout.leaves) and self.layout.rows_copied:
            self._begin_function()
            for stretch in self.layout.rows_copied:
                self._copy_rows(*stretch)
            self._end_function()

    def _copy_rows(self, stack: int, place: int, result: int, count: int) -> None:
        """Copy numbers of a stack, side by side, to results, side by side."""
        w, rows = self.w, self.site.rows(self.places[stack])
        target = (
            self._at("out", result * self.lanes) if self.is_batched else self._at("shared", self.layout.result(result))
        )

        def copy(n: str) -> None:
            w.store(rows.read(w, w.index("add", n, place)), w.pointer(target, w.index("mul", n, self.lanes)))

        w.loop(str(count), copy)

    def _begin_function(self, has_loop: bool = False) -> None:
        self.w = Writer(self.ir, self.lanes)
        self.site = Site(self.w, self.loops, self.is_batched, self.allocate)
        self.names: dict[int, str] = {}
        self.has_loop = has_loop
        self.w.inline = has_loop and self.lanes == 1
        self.mask = self.mask_elements() if has_loop and self.is_batched and self.lanes > 1 else None

    def _end_function(self) -> None:
        if self.has_loop:
            self.w.do("br label %done")
            self.w.start_block(self.site.stop)
            self.w.do("br label %done")
            self.w.start_block("done")
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
        op = self.graph.what[k]
        if self.is_batched and k in self.sums.fused:
            return
        if isinstance(op, Primitive) and self._is_long(k):
            self.names[k] = self._write_long(op, self.graph.operands[k])
        elif self.lies_in_stack(k):
            self._store_result(k)
            return
        else:
            write_node(self.site, self, k)
        if k not in self.names:
            return
        if k in self.fixed or self.last.get(k, 0) > self.part[k]:
            if k not in self.fixed:
                self.fixed[k], self.slots = self.slots, self.slots + 1
            self.slot[k] = self.fixed[k]
            self.w.store(self.names[k], self._at("state", self.slot[k] * self.lanes))
        self._store_result(k)

    def _write_long(self, op: Primitive, args: tuple[int, ...]) -> str:
        """Write a node of very many operands: as a loop, if they lie in memory one after the other."""
        many = sum(op.takes_sequence)
        length = len(args) // many
        carried: Carried = [self._fetch_number(x) for x in args[many * length :]]
        readers = [self.find_reader(args[k * length : (k + 1) * length]) for k in range(many)]
        for start, add in LONG[op].passes:
            carried = start(self.w, *carried)
            if all(readers):
                carried = self.w.loop(str(length), functools.partial(self._add_next, add, readers), *carried)
            else:
                carried = self._write_pieces(add, carried, args, many)
        return LONG[op].finish(self.w, *carried)

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
        return self.w.number(self.fetch(k))

    def _store_result(self, k: int) -> None:
        """Store a node that is a result, or that the batched section reads."""
        w, layout = self.w, self.layout
        if not self.is_batched:
            if k in layout.shared_place and k in self.mine:
                w.store(self.fetch(k), self._at("shared", layout.shared_place[k]))
            if not layout.leaves:
                for j in layout.results.get(k, ()):
                    w.do(f"store double {w.number(self.fetch(k))}, ptr {self._at('shared', layout.result(j))}, align 8")
            return
        for j in layout.results.get(k, ()):
            if j in self.direct_out:
                rows = w.index("add", w.index("mul", "%tiles", j), "%t")
                w.store(self.fetch(k), w.pointer("%results", w.index("mul", rows, self.lanes)))
            else:
                w.store(self.fetch(k), self._at("out", j * self.lanes))
        if k in self.sums.kept:
            w.store(self.fetch(k), self._at("kept", self.sums.kept[k] * self.sums.stride))

    def fetch(self, k: int) -> str:
        """The name of a number."""
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
        if isinstance(what, At) and self.lies_in_stack(k):
            return self.site.rows(self.places[self.graph.operands[k][0]]).read(w, str(what.place))
        if isinstance(what, Input) and what.batched:
            if what.number in self.direct_in:
                leaf, start, width = self.direct_in[what.number]
                rows = w.put(f"load ptr, ptr {w.pointer('%given', leaf, 'ptr')}", "p")
                rows = w.pointer(rows, w.index("mul", "%t", width * self.lanes))
                return w.load(rows) if width == 1 else load_strided(w, w.pointer(rows, what.number - start), width)
            return w.put(f"load {w.type}, ptr {self._at('in', what.number * self.lanes)}, align 8")
        return w.broadcast(self._at("shared", self.layout.shared_place[k]))

    def _at(self, memory: str, offset: int) -> str:
        return self.w.put(f"getelementptr double, ptr %{memory}, i64 {offset}", "p")
