"""Tables: a large graph as runs of equal operations, which a small machine (table_machine.py) executes.

Nodes are sorted by their depth and their operation. Each run of nodes with the same operation becomes
a header and a table of the places of their operands. Making tables takes microseconds per node, while
LLVM takes 50 or more.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from ... import ops
from ...primitive import Primitive
from .. import tuning
from ..graph.graph import Graph, Input
from ..graph.passes import SHORT_DOT
from .layout import Layout

# What a run does: a primitive and its number of operands, or one of these names. w and x are the factors of a dot.
#   sum, dot         any number of operands, with the place of each in the table; a short dot is a primitive's run
#   dot-row          a dot whose w lie side by side, as its x do: (first w, first x, bias)
#   broadcast-dot    as dot, but the w are shared by the whole batch
#   broadcast-row    as dot-row, but the w are shared by the whole batch
#   broadcast-block  several of these with the same x: (first w of each, first x, bias of each)
#   copy             a node copied to another place
#   add-up           the sum of a node over the batch
#   add-products     the sums over the batch of a · b, for n values b that lie side by side: (a, first b)
#   add-block        the same for two values a: (a, the other a, first b, the place of the other's sums)
Key = tuple[Primitive, int] | str
HEADER = 4  # entries of a header: what to do, how many rows, operands in a row, where the results go


@dataclasses.dataclass
class Tables:
    """One section of a graph.

    Attributes:
        code: headers and tables.
        keys: what each run does; a header has an index into this list.
        slots: how many places the nodes take.
        constants: (places, numbers) to be written before the first run.
        broadcast: for a batched section the indices into `shared` of the numbers that are copied to
            the first places after the inputs.
    """

    code: NDArray[np.int32]
    keys: list[Key]
    slots: int
    constants: tuple[NDArray[np.int64], NDArray[np.float64]]
    broadcast: NDArray[np.int32]


def tabulate(graph: Graph, layout: Layout, batched: bool) -> Tables:
    """Make the tables of one section of a graph."""
    return _Tabulator(graph, layout, batched).make_tables()


class _Tabulator:
    def __init__(self, graph: Graph, layout: Layout, batched: bool) -> None:
        self.graph, self.layout, self.batched = graph, layout, batched
        self.keys: dict[Key, int] = {}
        self.code: list[int] = []
        self.place: dict[int, int] = {}
        self.broadcast: list[int] = []
        self.constants: list[tuple[int, float]] = []

    def make_tables(self) -> Tables:
        graph, layout = self.graph, self.layout
        mine = [
            k for k, what in enumerate(graph.what) if layout.batched[k] == self.batched and isinstance(what, Primitive)
        ]
        fused = self._find_fused()
        self.free = self._place_inputs(mine)
        for key, nodes in self._sort_runs([k for k in mine if k not in fused]):
            self._emit_run(key, nodes)
        self._emit_results()
        if self.batched:
            self._emit_sums(fused)
        places = np.array([place for place, _ in self.constants], dtype=np.int64)
        numbers = np.array([number for _, number in self.constants])
        code = np.array(self.code, dtype=np.int32)
        return Tables(code, list(self.keys), self.free, (places, numbers), np.array(self.broadcast, dtype=np.int32))

    def _find_fused(self) -> set[int]:
        """The products that are computed only while they are summed over the batch."""
        if not self.batched:
            return set()
        what, uses = self.graph.what, self.layout.uses
        summed = set(self.graph.outputs[self.layout.first_sum :])
        return {k for k in summed if what[k] is ops.mul and uses[k] == 1 and self.layout.batched[k]}

    def _place_inputs(self, mine: list[int]) -> int:
        """Give a place to each number that is not computed here; return the first free place."""
        graph, layout = self.graph, self.layout
        wanted: list[int] = []
        if self.batched:
            for k, what in enumerate(graph.what):
                if isinstance(what, Input) and what.batched:
                    self.place[k] = what.number
            for k in mine:
                wanted += self._broadcast_operands(k)
        else:
            self.place.update(layout.shared_place)
            for k in mine:
                wanted += graph.operands[k]
        if self.batched or not layout.leaves:
            wanted += dict.fromkeys(graph.outputs)
        missing = [k for k in dict.fromkeys(wanted) if k not in self.place]
        shared = [k for k in missing if k in layout.shared_place]
        constants = [k for k in missing if type(graph.what[k]) is float]
        start = layout.batched_inputs if self.batched else layout.shared_size
        self.place.update(zip([*shared, *constants], range(start, start + len(shared) + len(constants))))
        self.broadcast = [layout.shared_place[k] for k in shared]
        self.constants = [(self.place[k], graph.what[k]) for k in constants]  # type: ignore[misc]
        return start + len(shared) + len(constants)

    def _broadcast_operands(self, k: int) -> tuple[int, ...]:
        """The operands of a batched node that must be vectors: all but the w of a dot with shared numbers."""
        args = self.graph.operands[k]
        return args[len(args) // 2 :] if self._key(k) == "broadcast-dot" else args

    def _key(self, k: int) -> Key:
        what, args = self.graph.what[k], self.graph.operands[k]
        assert isinstance(what, Primitive)
        if what is ops.sum:
            return "sum"
        if what is not ops.dot:
            return what, len(args)
        if len(args) // 2 <= SHORT_DOT:
            return what, len(args)
        place, batched = self.layout.shared_place, self.layout.batched
        if self.batched and all(x in place and not batched[x] for x in args[: len(args) // 2]):
            return "broadcast-dot"
        return "dot"

    def _sort_runs(self, nodes: list[int]) -> Iterable[tuple[Key, list[int]]]:
        """Runs of nodes of one kind and depth, in an order in which each node comes after its operands."""
        depth = [0] * len(self.graph)
        groups: dict[tuple[int, Key, int], list[int]] = {}
        operands = self.graph.operands
        for k in nodes:
            args = operands[k]
            depth[k] = d = 1 + max([depth[x] for x in args])
            key = self._key(k)
            groups.setdefault((d, key, len(args)), []).append(k)
        for (_, key, _), members in sorted(groups.items(), key=lambda item: item[0][0]):
            yield key, members

    def _emit_run(self, key: Key, nodes: list[int]) -> None:
        start = self.free
        self.free += len(nodes)
        self.place.update(zip(nodes, range(start, self.free)))
        place, operands = self.place, self.graph.operands
        length = len(operands[nodes[0]])
        if key == "broadcast-dot":
            shared = self.layout.shared_place
            half = length // 2
            table = [[*[shared[x] for x in operands[k][:half]], *[place[x] for x in operands[k][half:]]] for k in nodes]
        else:
            table = [[place[x] for x in operands[k]] for k in nodes]
        if key in ("dot", "broadcast-dot") and length > tuning.ROW_LENGTH and all(_are_adjacent(row) for row in table):
            half = length // 2
            key = "dot-row" if key == "dot" else "broadcast-row"
            table = [[row[0], row[half], row[-1]] for row in table]
            length = half
            if key == "broadcast-row" and len({x for _, x, _ in table}) == 1:
                size = tuning.TABLE_ROWS
                blocks = len(table) // size * size
                self._emit(
                    "broadcast-block", length, start, [_merge_rows(table[n : n + size]) for n in range(0, blocks, size)]
                )
                start, table = start + blocks, table[blocks:]
        self._emit(key, length, start, table)

    def _emit(self, key: Key, operands: int, start: int, table: list[list[int]]) -> None:
        if not table:
            return
        number = self.keys.setdefault(key, len(self.keys))
        self.code += (number, len(table), operands, start)
        for row in table:
            self.code += row

    def _emit_results(self) -> None:
        """Copy results to the places where they are expected."""
        layout = self.layout
        if self.batched:
            self._emit_copies(range(layout.rows), self.free)
            places, numbers = layout.constants
            self.constants += zip((places + self.free).tolist(), numbers.tolist())
            self.free += layout.rows
            return
        kept = [(place, k) for k, place in layout.shared_place.items() if not isinstance(self.graph.what[k], Input)]
        for place, k in kept:
            if self.place[k] != place:
                self._emit("copy", 1, place, [[self.place[k]]])
        if not layout.leaves:
            self._emit_copies(range(layout.count), layout.result(0))

    def _emit_copies(self, numbers: Sequence[int], start: int) -> None:
        """Copy results to places in a row, all but the constants, which are there already."""
        outputs = self.graph.outputs
        constants = set(self.layout.constants[0].tolist())
        for is_constant, group in itertools.groupby(numbers, lambda j: j in constants):
            these = list(group)
            if not is_constant:
                self._emit("copy", 1, start + these[0], [[self.place[outputs[j]]] for j in these])

    def _emit_sums(self, fused: set[int]) -> None:
        """Add up the outputs that are summed over the batch; products that share a factor go together."""
        layout, outputs = self.layout, self.graph.outputs
        j = layout.first_sum
        while j < layout.count:
            k = outputs[j]
            if k not in fused:
                self._emit("add-up", 1, j - layout.first_sum, [[self.place[k]]])
                j += 1
                continue
            pairs = []
            while j < layout.count and outputs[j] in fused:
                x, y = self.graph.operands[outputs[j]]
                pairs.append((self.place[x], self.place[y]))
                j += 1
            self._emit_products(pairs, j - len(pairs) - layout.first_sum)

    def _emit_products(self, pairs: list[tuple[int, int]], start: int) -> None:
        """Add up stretches of products with a common factor; two stretches with the same other factors go together."""
        waiting: tuple[int, int, int, int] | None = None
        while pairs or waiting:
            n, a, b = _measure_stretch(pairs) if pairs else (0, 0, 0)
            if waiting and (n, b) == (waiting[0], waiting[2]):
                self._emit("add-block", n, waiting[3], [[waiting[1], a, b, start]])
                waiting = None
            else:
                if waiting:
                    self._emit("add-products", waiting[0], waiting[3], [[waiting[1], waiting[2]]])
                waiting = (n, a, b, start) if n else None
            pairs = pairs[n:]
            start += n


def _are_adjacent(row: list[int]) -> bool:
    """Whether the w of a dot lie side by side, and its x too."""
    half = len(row) // 2
    return row[:half] == list(range(row[0], row[0] + half)) and row[half:-1] == list(range(row[half], row[half] + half))


def _merge_rows(rows: list[list[int]]) -> list[int]:
    """Rows of (first w, first x, bias) with the same x, as one row."""
    return [*[row[0] for row in rows], rows[0][1], *[row[2] for row in rows]]


def _measure_stretch(pairs: list[tuple[int, int]]) -> tuple[int, int, int]:
    """How many pairs from the first on share a factor, that factor, and the other factor of the first pair."""
    best = (0, 0, 0)
    for which in (0, 1):
        a, b = pairs[0][which], pairs[0][1 - which]
        n = 1
        while n < len(pairs) and a in pairs[n] and b + n == pairs[n][pairs[n][0] == a]:
            n += 1
        best = max(best, (n, a, b))
    return best
