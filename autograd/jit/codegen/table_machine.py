"""The table machine: a function in LLVM IR that executes tables. It has code only for the keys that they contain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...primitive import Primitive
from .. import tuning
from .instructions import add_term, emit, finish_sum
from .ir import IR, Writer
from .lanes import first_lanes, sum_lanes, sum_lanes_of_each
from .tables import HEADER, Key

PARAMETERS = (
    "ptr %values, ptr %shared, ptr %sums, ptr %code, i64 %end, i64 %vectors, i64 %full, i64 %spare, i64 %stride"
)


def write_table_machine(ir: IR, name: str, keys: Sequence[Key], lanes: int, single: bool) -> None:
    """Write the function that executes the tables of a section.

    Node p lies at values + p · stride vectors. The first `vectors` of them are used. If `full` is
    less than `vectors`, only `spare` lanes of the last one are.

    Args:
        ir: receives the function.
        name: its name.
        keys: what the runs of the tables do.
        lanes: how many doubles a vector holds.
        single: whether each node is one vector, so that no loop over vectors is needed.
    """
    w = Writer(ir, lanes)
    machine = _Machine(w, lanes, single)
    w.do("br label %dispatch")
    w.start_block("dispatch")
    place = len(w.lines)
    more = w.put("icmp slt i64 %pc, %end", "b")
    w.do(f"br i1 {more}, label %fetch, label %exit")
    w.start_block("fetch")
    header = [machine.entry("%code", w.index("add", "%pc", n)) for n in range(HEADER)]
    machine.rows, machine.operands, machine.start = header[1:]
    machine.table = w.pointer("%code", w.index("add", "%pc", HEADER), "i32")
    labels = [f"op{n}" for n in range(len(keys))]
    cases = " ".join(f"i64 {n}, label %{label}" for n, label in enumerate(labels))
    w.do(f"switch i64 {header[0]}, label %exit [ {cases} ]")
    back = []
    for label, key in zip(labels, keys):
        w.start_block(label)
        width = machine.write_run(key)
        after = w.index("add", w.index("mul", machine.rows, width), HEADER)
        back.append((w.index("add", "%pc", after), w.block))
        w.do("br label %dispatch")
    w.start_block("exit")
    phi = ", ".join(["[ 0, %entry ]", *[f"[ {pc}, %{block} ]" for pc, block in back]])
    w.lines.insert(place, f"  %pc = phi i64 {phi}")
    ir.add(f"define internal void @{name}({PARAMETERS}) nounwind noinline", w.lines)


class _Machine:
    """Writes the code for each kind of run. The attributes name the fields of the header that is being executed."""

    def __init__(self, w: Writer, lanes: int, single: bool) -> None:
        self.w, self.lanes, self.single = w, lanes, single
        self.rows = self.operands = self.start = self.table = ""
        self.step = w.index("mul", "%stride", lanes)

    def entry(self, table: str, number: str | int) -> str:
        """An entry of a table, as an i64."""
        w = self.w
        narrow = w.put(f"load i32, ptr {w.pointer(table, number, 'i32')}, align 4", "n")
        return w.put(f"sext i32 {narrow} to i64", "i")

    def node(self, place: str) -> str:
        """Where the vectors of a node begin."""
        return self.w.pointer("%values", self.w.index("mul", place, self.step))

    def vector(self, node: str, number: str) -> str:
        """Where one vector of a node is."""
        return self.w.pointer(node, self.w.index("mul", number, self.lanes))

    def write_run(self, key: Key) -> str | int:
        """Write the loop over the rows of a run; return how many table entries a row has."""
        if isinstance(key, tuple):
            op, count = key
            return self._rows(count, lambda row, out: self._each(out, [self.entry(row, n) for n in range(count)], op))
        runs: dict[str, Callable[[], str | int]] = {
            "sum": self._sum,
            "dot": self._dot,
            "dot-row": self._dot_row,
            "broadcast-dot": self._broadcast_dot,
            "broadcast-row": lambda: self._broadcast_rows(1),
            "broadcast-block": lambda: self._broadcast_rows(tuning.TABLE_ROWS),
            "copy": self._copy,
            "add-up": self._add_up,
            "add-products": lambda: self._add_products(1),
            "add-block": lambda: self._add_products(2),
        }
        return runs[key]()

    def _rows(self, width: str | int, body: Callable[[str, str], Any]) -> str | int:
        """Write a loop over rows of so many entries; `body` gets the row and where its result goes."""
        w = self.w

        def turn(number: str) -> None:
            row = w.pointer(self.table, w.index("mul", number, width), "i32")
            body(row, self.node(w.index("add", self.start, number)))

        w.loop(self.rows, turn)
        return width

    def _vectors(self, body: Callable[[str], None]) -> None:
        """Write a loop over the vectors of a node; `body` gets the number of each."""
        if self.single:
            body("0")
        else:
            self.w.loop("%vectors", body)

    def _each(self, out: str, places: Sequence[str], op: Primitive | None) -> None:
        """Apply a primitive, or none for a copy, to the nodes at these places."""
        nodes = [self.node(place) for place in places]

        def apply(number: str) -> None:
            args = [self.w.load(self.vector(node, number)) for node in nodes]
            self.w.store(args[0] if op is None else emit(self.w, op, args), self.vector(out, number))

        self._vectors(apply)

    def _copy(self) -> str | int:
        return self._rows(1, lambda row, out: self._each(out, [self.entry(row, 0)], None))

    def _sum(self) -> str | int:
        w = self.w

        def body(row: str, out: str) -> None:
            def add(number: str) -> None:
                def term(k: str, total: str, lost: str) -> tuple[str, str]:
                    return add_term(w, w.load(self.vector(self.node(self.entry(row, k)), number)), total, lost)

                total, lost = w.loop(self.operands, term, w.c(0.0), w.c(0.0))
                w.store(finish_sum(w, total, lost), self.vector(out, number))

            self._vectors(add)

        return self._rows(self.operands, body)

    def _dot(self) -> str | int:
        return self._products(lambda row, k, number: self.w.load(self.vector(self.node(self.entry(row, k)), number)))

    def _broadcast_dot(self) -> str | int:
        return self._products(lambda row, k, number: self.w.broadcast(self.w.pointer("%shared", self.entry(row, k))))

    def _products(self, factor: Callable[[str, str, str], str]) -> str | int:
        """Write a run of dots. `factor` gives a w, from a row, a number in it, and the number of a vector."""
        w = self.w
        half = w.index("ashr", self.operands, 1)

        def body(row: str, out: str) -> None:
            bias = self.node(self.entry(row, w.index("sub", self.operands, 1)))
            second = w.pointer(row, half, "i32")

            def add(number: str) -> None:
                def term(k: str, total: str) -> list[str]:
                    a = factor(row, k, number)
                    return [w.fma(a, w.load(self.vector(self.node(self.entry(second, k)), number)), total)]

                w.store(w.loop(half, term, w.load(self.vector(bias, number)))[0], self.vector(out, number))

            self._vectors(add)

        return self._rows(self.operands, body)

    def _dot_row(self) -> str | int:
        w = self.w

        def body(row: str, out: str) -> None:
            first, second, bias = (self.node(self.entry(row, n)) for n in range(3))

            def add(number: str) -> None:
                a, b = self.vector(first, number), self.vector(second, number)

                def term(k: str, total: str) -> list[str]:
                    offset = w.index("mul", k, self.step)
                    return [w.fma(w.load(w.pointer(a, offset)), w.load(w.pointer(b, offset)), total)]

                w.store(w.loop(self.operands, term, w.load(self.vector(bias, number)))[0], self.vector(out, number))

            self._vectors(add)

        return self._rows(3, body)

    def _broadcast_rows(self, rows: int) -> str | int:
        """Write a run that computes several rows and vectors together, so that each number is loaded once for all."""
        w = self.w
        together = tuning.TABLE_COLUMNS[self.lanes]
        blocks = w.index("and", "%vectors", -together)

        def body(number: str) -> None:
            row = w.pointer(self.table, w.index("mul", number, 2 * rows + 1), "i32")
            out = w.index("add", self.start, w.index("mul", number, rows))
            weights = [w.pointer("%shared", self.entry(row, n)) for n in range(rows)]
            inputs = self.node(self.entry(row, rows))
            biases = [self.node(self.entry(row, rows + 1 + n)) for n in range(rows)]
            outs = [self.node(w.index("add", out, n)) for n in range(rows)]

            def several(first: str, count: int) -> None:
                numbers = [w.index("add", first, n) for n in range(count)]
                base = self.vector(inputs, first)

                def term(k: str, *totals: str) -> list[str]:
                    at = w.pointer(base, w.index("mul", k, self.step))
                    xs = [w.load(w.pointer(at, n * self.lanes)) for n in range(count)]
                    factors = [(a, x) for a in [w.broadcast(w.pointer(weight, k)) for weight in weights] for x in xs]
                    return [w.fma(a, x, total) for (a, x), total in zip(factors, totals)]

                starts = [w.load(self.vector(bias, n)) for bias in biases for n in numbers]
                places = [(out, n) for out in outs for n in numbers]
                for (out, n), total in zip(places, w.loop(self.operands, term, *starts)):
                    w.store(total, self.vector(out, n))

            w.loop(blocks, lambda first: several(first, together), step=together)
            rest = w.index("sub", "%vectors", blocks)
            w.loop(rest, lambda first: several(w.index("add", first, blocks), 1))

        w.loop(self.rows, body)
        return 2 * rows + 1

    def _add_to_sums(self, terms: Callable[[str, Sequence[str]], list[str]], count: int, firsts: Sequence[str]) -> None:
        """Add terms of all elements to sums over the batch.

        Args:
            terms: from the number of a vector and the totals so far, the new totals.
            count: how many sums lie side by side from each first one.
            firsts: where these first ones are.
        """
        w = self.w
        zeros = [w.c(0.0)] * (count * len(firsts))
        totals = w.loop("%full", lambda number, *totals: terms(number, totals), *zeros)
        rest = w.index("sub", "%vectors", "%full")

        def ragged(number: str, *before: str) -> list[str]:
            last = terms("%full", zeros)
            used = first_lanes(w, "%spare")
            return [w.select(used, w.add(a, b), a) for a, b in zip(before, last)]

        totals = w.loop(rest, ragged, *totals)
        for first in firsts:
            these, totals = totals[:count], totals[count:]
            if count == w.lanes > 1:
                w.store(w.add(w.load(first), sum_lanes_of_each(w, these)), first)
                continue
            for n, total in enumerate(these):
                place = w.pointer(first, n)
                old = w.put(f"load double, ptr {place}")
                w.do(f"store double {w.put(f'fadd double {old}, {sum_lanes(w, total)}')}, ptr {place}")

    def _add_up(self) -> str | int:
        w = self.w

        def body(row: str, out: str) -> None:
            node = self.node(self.entry(row, 0))

            def term(number: str, totals: Sequence[str]) -> list[str]:
                return [w.add(totals[0], w.load(self.vector(node, number)))]

            self._add_to_sums(term, 1, [w.pointer("%sums", self.start)])

        return self._rows(1, body)

    def _add_products(self, rows: int) -> str | int:
        """Write a run of sums of products with `rows` common factors, each loaded once for several sums."""
        w = self.w
        blocks = w.index("and", self.operands, -self.lanes)

        def body(row: str, out: str) -> None:
            commons = [self.node(self.entry(row, n)) for n in range(rows)]
            others = self.entry(row, rows)
            starts = [self.start, *[self.entry(row, rows + n) for n in range(1, rows)]]

            def several(first: str, count: int) -> None:
                nodes = [self.node(w.index("add", others, w.index("add", first, n))) for n in range(count)]

                def terms(number: str, totals: Sequence[str]) -> list[str]:
                    xs = [w.load(self.vector(node, number)) for node in nodes]
                    factors = [(a, x) for a in [w.load(self.vector(node, number)) for node in commons] for x in xs]
                    return [w.fma(a, x, total) for (a, x), total in zip(factors, totals)]

                self._add_to_sums(terms, count, [w.pointer("%sums", w.index("add", start, first)) for start in starts])

            w.loop(blocks, lambda first: several(first, self.lanes), step=self.lanes)
            rest = w.index("sub", self.operands, blocks)
            w.loop(rest, lambda first: several(w.index("add", first, blocks), 1))

        return self._rows(2 * rows, body)
