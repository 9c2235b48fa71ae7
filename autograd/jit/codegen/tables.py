"""Tables: a large graph as rows of identical operations, which a small machine (table_machine.py) walks through.

Nodes are sorted by how deep they lie and what they do; each run of alike nodes becomes a header and
a table of where its operands are. Making tables costs a microsecond a node, where LLVM takes fifty.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ... import ops
from ...primitive import Primitive
from .. import tuning
from ..graph.graph import Graph, Input
from .layout import Layout

# What a run does: a primitive with its number of operands, or one of these, by name:
#   sum, dot     any number of operands, at places in the table
#   dot-row      a dot of neighbours with neighbours: (first w, first x, bias)
#   spread-dot   as dot, and spread-row as dot-row, but the w are numbers of the whole batch
#   spread-block ROWS such dots with the same x: (ROWS first w, first x, tuning.TABLE_ROWS biases)
#   copy         a node once more, at another place
#   add-up       the sum of a node over the batch
#   add-products the sums over the batch of a with each of n neighbours: (a, first b)
#   add-block    the same for two a: (a, another, first b, where the other's sums go)
Key = tuple[Primitive, int] | str
HEADER = 4  # what to do, how many rows, operands in a row, where the results go


@dataclasses.dataclass
class Tables:
    """One section of a graph.

    Attributes:
        code: headers and tables.
        keys: what the numbers at the head of each run mean.
        slots: how many places the nodes take.
        constants: (places, numbers) to be written before the first run.
        spread: for a batched section the indices into `shared` of numbers to be copied to the
            first places after the inputs.
    """

    code: NDArray[np.int32]
    keys: list[Key]
    slots: int
    constants: tuple[NDArray[np.int64], NDArray[np.float64]]
    spread: NDArray[np.int32]


def tabulate(graph: Graph, layout: Layout, batched: bool) -> Tables:
    """The tables of the shared nodes, or of the batched ones."""
    return _Writing(graph, layout, batched).tables()


class _Writing:
    def __init__(self, graph: Graph, layout: Layout, batched: bool) -> None:
        self.graph, self.layout, self.batched = graph, layout, batched
        self.keys: dict[Key, int] = {}
        self.code: list[int] = []
        self.place: dict[int, int] = {}
        self.spread: list[int] = []
        self.constants: list[tuple[int, float]] = []

    def tables(self) -> Tables:
        graph, layout = self.graph, self.layout
        mine = [
            k for k, what in enumerate(graph.what) if layout.batched[k] == self.batched and isinstance(what, Primitive)
        ]
        fused = self._fused()
        self.free = self._inputs(mine)
        for key, nodes in self._runs([k for k in mine if k not in fused]):
            self._run(key, nodes)
        self._results()
        if self.batched:
            self._sums(fused)
        places = np.array([place for place, _ in self.constants], dtype=np.int64)
        numbers = np.array([number for _, number in self.constants])
        code = np.array(self.code, dtype=np.int32)
        return Tables(code, list(self.keys), self.free, (places, numbers), np.array(self.spread, dtype=np.int32))

    def _fused(self) -> set[int]:
        if not self.batched:
            return set()
        what, uses = self.graph.what, self.layout.uses
        summed = set(self.graph.outputs[self.layout.first_sum :])
        return {k for k in summed if what[k] is ops.mul and uses[k] == 1 and self.layout.batched[k]}

    def _inputs(self, mine: list[int]) -> int:
        """Give places to all that is not computed here; return the first that is free."""
        graph, layout = self.graph, self.layout
        if not self.batched:
            self.place.update(layout.shared_place)
            free = layout.shared_size
            wanted: Iterable[int] = [x for k in mine for x in graph.operands[k]]
            wanted = [*wanted, *(graph.outputs if not layout.leaves else ())]
        else:
            free = layout.batched_inputs
            for k, what in enumerate(graph.what):
                if isinstance(what, Input) and what.batched:
                    self.place[k] = what.number
            wanted = [x for k in mine for x in self._spread_operands(k)]
            wanted = [*wanted, *graph.outputs]
        for k in wanted:
            if k not in self.place:
                if type(graph.what[k]) is float:
                    self.constants.append((free, graph.what[k]))  # type: ignore[arg-type]
                elif self.batched and not layout.batched[k]:
                    self.spread.append(layout.shared_place[k])
                    self.constants.append((free, float("nan")))
                else:
                    continue
                self.place[k] = free
                free += 1
        if self.batched:  # numbers of the whole batch first, then constants: both in one stretch after the inputs
            start = layout.batched_inputs
            spread = [k for k, p in self.place.items() if p >= start and type(graph.what[k]) is not float]
            fixed = [k for k, p in self.place.items() if p >= start and type(graph.what[k]) is float]
            self.spread = [layout.shared_place[k] for k in spread]
            self.constants = [(start + len(spread) + n, graph.what[k]) for n, k in enumerate(fixed)]  # type: ignore[misc]
            for n, k in enumerate([*spread, *fixed]):
                self.place[k] = start + n
        return free

    def _spread_operands(self, k: int) -> tuple[int, ...]:
        """The operands of a batched node that must be vectors: all but the w of a dot with numbers of the batch."""
        args = self.graph.operands[k]
        return args[len(args) // 2 :] if self._key(k) in ("spread-dot", "spread-row") else args

    def _key(self, k: int) -> Key:
        what, args = self.graph.what[k], self.graph.operands[k]
        assert isinstance(what, Primitive)
        if what is ops.sum:
            return "sum"
        if what is not ops.dot:
            return what, len(args)
        if len(args) == 1:
            return ops.sum, 1
        place, batched = self.layout.shared_place, self.layout.batched
        if self.batched and all(x in place and not batched[x] for x in args[: len(args) // 2]):
            return "spread-dot"
        return "dot"

    def _runs(self, nodes: list[int]) -> Iterable[tuple[Key, list[int]]]:
        """Nodes of one kind and depth, in an order in which each comes after its operands."""
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

    def _run(self, key: Key, nodes: list[int]) -> None:
        start = self.free
        self.free += len(nodes)
        self.place.update(zip(nodes, range(start, self.free)))
        place, operands = self.place, self.graph.operands
        length = len(operands[nodes[0]])
        if key == "spread-dot":
            shared = self.layout.shared_place
            half = length // 2
            table = [[*[shared[x] for x in operands[k][:half]], *[place[x] for x in operands[k][half:]]] for k in nodes]
        else:
            table = [[place[x] for x in operands[k]] for k in nodes]
        if key in ("dot", "spread-dot") and length > tuning.ROW_LENGTH and all(_neighbours(row) for row in table):
            half = length // 2
            key = "dot-row" if key == "dot" else "spread-row"
            table = [[row[0], row[half], row[-1]] for row in table]
            length = half
            if key == "spread-row" and len({x for _, x, _ in table}) == 1:
                size = tuning.TABLE_ROWS
                blocks = len(table) // size * size
                self._emit("spread-block", length, start, [_block(table[n : n + size]) for n in range(0, blocks, size)])
                start, table = start + blocks, table[blocks:]
        self._emit(key, length, start, table)

    def _emit(self, key: Key, operands: int, start: int, table: list[list[int]]) -> None:
        if not table:
            return
        number = self.keys.setdefault(key, len(self.keys))
        self.code += (number, len(table), operands, start)
        for row in table:
            self.code += row

    def _results(self) -> None:
        """Copies of nodes to where they are looked for."""
        layout, outputs = self.layout, self.graph.outputs
        if self.batched:
            if layout.row:
                self._emit("copy", 1, self.free, [[self.place[outputs[j]]] for j in range(len(layout.row))])
                self.free += len(layout.row)
            return
        kept = [(place, k) for k, place in layout.shared_place.items() if not isinstance(self.graph.what[k], Input)]
        for place, k in kept:
            if self.place[k] != place:
                self._emit("copy", 1, place, [[self.place[k]]])
        if outputs and not layout.leaves:
            self._emit("copy", 1, layout.result(0), [[self.place[k]] for k in outputs])

    def _sums(self, fused: set[int]) -> None:
        """Outputs that are summed over the batch, products of one node with neighbours together."""
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
            self._add_products(pairs, j - len(pairs) - layout.first_sum)

    def _add_products(self, pairs: list[tuple[int, int]], start: int) -> None:
        """Stretches with one common factor; where two in turn have the same others, both at a time."""
        waiting: tuple[int, int, int, int] | None = None
        while pairs or waiting:
            n, a, b = _stretch(pairs) if pairs else (0, 0, 0)
            if waiting and (n, b) == (waiting[0], waiting[2]):
                self._emit("add-block", n, waiting[3], [[waiting[1], a, b, start]])
                waiting = None
            else:
                if waiting:
                    self._emit("add-products", waiting[0], waiting[3], [[waiting[1], waiting[2]]])
                waiting = (n, a, b, start) if n else None
            pairs = pairs[n:]
            start += n


def _neighbours(row: list[int]) -> bool:
    """Whether both halves of a dot's operands lie side by side."""
    half = len(row) // 2
    return row[:half] == list(range(row[0], row[0] + half)) and row[half:-1] == list(range(row[half], row[half] + half))


def _block(rows: list[list[int]]) -> list[int]:
    """Rows of (first w, first x, bias) that share x as one row."""
    return [*[row[0] for row in rows], rows[0][1], *[row[2] for row in rows]]


def _stretch(pairs: list[tuple[int, int]]) -> tuple[int, int, int]:
    """How many pairs from the first share one factor, that factor, and the other of the first."""
    best = (0, 0, 0)
    for which in (0, 1):
        a, b = pairs[0][which], pairs[0][1 - which]
        n = 1
        while n < len(pairs) and a in pairs[n] and b + n == pairs[n][pairs[n][0] == a]:
            n += 1
        best = max(best, (n, a, b))
    return best
