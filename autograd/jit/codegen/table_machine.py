"""Interpreter: the machine, in LLVM IR, that walks through tables. It has code only for what they ask for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .. import tuning
from .instructions import emit
from .ir import Module, Writer
from .tables import HEADER, Key

PARAMETERS = (
    "ptr %values, ptr %shared, ptr %sums, ptr %code, i64 %end, i64 %vectors, i64 %whole, i64 %spare, i64 %stride"
)


def write(module: Module, name: str, keys: Sequence[Key], lanes: int, single: bool) -> None:
    """Write the function that runs a section's tables.

    Node p lies at values + p · stride vectors, `vectors` of them being used, the last `whole` + 1
    only in part (`spare` lanes) if `vectors` is not `whole`.
    """
    w = Writer(module, lanes)
    machine = _Machine(w, lanes, single)
    w.do("br label %dispatch")
    w.at("dispatch")
    place = len(w.lines)
    more = w.put("icmp slt i64 %pc, %end", "b")
    w.do(f"br i1 {more}, label %fetch, label %exit")
    w.at("fetch")
    header = [machine.entry("%code", w.whole("add", "%pc", n)) for n in range(HEADER)]
    machine.rows, machine.operands, machine.start = header[1:]
    machine.table = w.pointer("%code", w.whole("add", "%pc", HEADER), "i32")
    labels = [f"op{n}" for n in range(len(keys))]
    cases = " ".join(f"i64 {n}, label %{label}" for n, label in enumerate(labels))
    w.do(f"switch i64 {header[0]}, label %exit [ {cases} ]")
    back = []
    for label, key in zip(labels, keys):
        w.at(label)
        width = machine.run(key)
        after = w.whole("add", w.whole("mul", machine.rows, width), HEADER)
        back.append((w.whole("add", "%pc", after), w.block))
        w.do("br label %dispatch")
    w.at("exit")
    phi = ", ".join(["[ 0, %entry ]", *[f"[ {pc}, %{block} ]" for pc, block in back]])
    w.lines.insert(place, f"  %pc = phi i64 {phi}")
    module.add(f"define internal void @{name}({PARAMETERS}) nounwind noinline", w.lines)


class _Machine:
    """Writes what each kind of run does."""

    def __init__(self, w: Writer, lanes: int, single: bool) -> None:
        self.w, self.lanes, self.single = w, lanes, single
        self.rows = self.operands = self.start = self.table = ""
        self.step = w.whole("mul", "%stride", lanes)

    def entry(self, table: str, number: str | int) -> str:
        """An entry of a table, as an i64."""
        w = self.w
        narrow = w.put(f"load i32, ptr {w.pointer(table, number, 'i32')}, align 4", "n")
        return w.put(f"sext i32 {narrow} to i64", "i")

    def node(self, place: str) -> str:
        """Where a node's vectors begin."""
        return self.w.pointer("%values", self.w.whole("mul", place, self.step))

    def vector(self, node: str, number: str) -> str:
        """Where one of a node's vectors is."""
        return self.w.pointer(node, self.w.whole("mul", number, self.lanes))

    def run(self, key: Key) -> str | int:
        """Write a run's loop over its rows; return how many table entries a row has."""
        if isinstance(key, tuple):
            op, count = key
            return self._rows(count, lambda row, out: self._each(out, [self.entry(row, n) for n in range(count)], op))
        runs: dict[str, Callable[[], str | int]] = {
            "sum": self._sum,
            "dot": self._dot,
            "dot-row": self._dot_row,
            "spread-dot": self._spread_dot,
            "spread-row": lambda: self._spread_rows(1),
            "spread-block": lambda: self._spread_rows(tuning.TABLE_ROWS),
            "copy": self._copy,
            "add-up": self._add_up,
            "add-products": lambda: self._add_products(1),
            "add-block": lambda: self._add_products(2),
        }
        return runs[key]()

    def _rows(self, width: str | int, body: object) -> str | int:
        w = self.w

        def turn(number: str) -> list[str]:
            row = w.pointer(self.table, w.whole("mul", number, width), "i32")
            body(row, self.node(w.whole("add", self.start, number)))  # type: ignore[operator]
            return []

        w.loop(self.rows, turn)
        return width

    def _vectors(self, body: object) -> None:
        """Write what is done for each vector of a node."""
        if self.single:
            body("0")  # type: ignore[operator]
        else:
            self.w.loop("%vectors", lambda number: body(number) or [])  # type: ignore[operator]

    def _each(self, out: str, places: list[str], op: object) -> None:
        nodes = [self.node(place) for place in places]

        def one(number: str) -> None:
            args = [self.w.load(self.vector(node, number)) for node in nodes]
            result = args[0] if op is None else emit(self.w, op, args)  # type: ignore[arg-type]
            self.w.store(result, self.vector(out, number))

        self._vectors(one)

    def _copy(self) -> str | int:
        return self._rows(1, lambda row, out: self._each(out, [self.entry(row, 0)], None))

    def _sum(self) -> str | int:
        w = self.w

        def body(row: str, out: str) -> None:
            def one(number: str) -> None:
                def term(k: str, total: str) -> list[str]:
                    return [w.add(total, w.load(self.vector(self.node(self.entry(row, k)), number)))]

                w.store(w.loop(self.operands, term, w.c(0.0))[0], self.vector(out, number))

            self._vectors(one)

        return self._rows(self.operands, body)

    def _dot(self) -> str | int:
        return self._products(lambda row, k, number: self.w.load(self.vector(self.node(self.entry(row, k)), number)))

    def _spread_dot(self) -> str | int:
        return self._products(lambda row, k, number: self.w.spread(self.w.pointer("%shared", self.entry(row, k))))

    def _products(self, factor: Callable[[str, str, str], str]) -> str | int:
        """Dots, whose first factors are those of a row, a place in it, and the number of a vector."""
        w = self.w
        half = w.whole("ashr", self.operands, 1)

        def body(row: str, out: str) -> None:
            bias = self.node(self.entry(row, w.whole("sub", self.operands, 1)))
            second = w.pointer(row, half, "i32")

            def one(number: str) -> None:
                def term(k: str, total: str) -> list[str]:
                    a = factor(row, k, number)
                    return [w.fma(a, w.load(self.vector(self.node(self.entry(second, k)), number)), total)]

                w.store(w.loop(half, term, w.load(self.vector(bias, number)))[0], self.vector(out, number))

            self._vectors(one)

        return self._rows(self.operands, body)

    def _dot_row(self) -> str | int:
        w = self.w

        def body(row: str, out: str) -> None:
            first, second, bias = (self.node(self.entry(row, n)) for n in range(3))

            def one(number: str) -> None:
                a, b = self.vector(first, number), self.vector(second, number)

                def term(k: str, total: str) -> list[str]:
                    offset = w.whole("mul", k, self.step)
                    return [w.fma(w.load(w.pointer(a, offset)), w.load(w.pointer(b, offset)), total)]

                w.store(w.loop(self.operands, term, w.load(self.vector(bias, number)))[0], self.vector(out, number))

            self._vectors(one)

        return self._rows(3, body)

    def _spread_rows(self, rows: int) -> str | int:
        """Several rows and vectors at a time, which share the numbers of the batch and the vectors that they load."""
        w = self.w
        together = tuning.TABLE_COLUMNS[self.lanes]
        blocks = w.whole("and", "%vectors", -together)

        def body(number: str) -> list[str]:
            row = w.pointer(self.table, w.whole("mul", number, 2 * rows + 1), "i32")
            out = w.whole("add", self.start, w.whole("mul", number, rows))
            weights = [w.pointer("%shared", self.entry(row, n)) for n in range(rows)]
            inputs = self.node(self.entry(row, rows))
            biases = [self.node(self.entry(row, rows + 1 + n)) for n in range(rows)]
            outs = [self.node(w.whole("add", out, n)) for n in range(rows)]

            def several(first: str, count: int) -> list[str]:
                numbers = [w.whole("add", first, n) for n in range(count)]
                base = self.vector(inputs, first)

                def term(k: str, *totals: str) -> list[str]:
                    at = w.pointer(base, w.whole("mul", k, self.step))
                    xs = [w.load(w.pointer(at, n * self.lanes)) for n in range(count)]
                    factors = [(a, x) for a in [w.spread(w.pointer(weight, k)) for weight in weights] for x in xs]
                    return [w.fma(a, x, total) for (a, x), total in zip(factors, totals)]

                starts = [w.load(self.vector(bias, n)) for bias in biases for n in numbers]
                places = [(out, n) for out in outs for n in numbers]
                for (out, n), total in zip(places, w.loop(self.operands, term, *starts)):
                    w.store(total, self.vector(out, n))
                return []

            w.loop(blocks, lambda first: several(first, together), step=together)
            rest = w.whole("sub", "%vectors", blocks)
            return w.loop(rest, lambda first: several(w.whole("add", first, blocks), 1)) and []

        w.loop(self.rows, body)
        return 2 * rows + 1

    def _summed(self, terms: object, count: int, firsts: Sequence[str]) -> None:
        """Add what `terms`, a function of a vector's number, gives for all elements to `count` sums from each first."""
        w = self.w
        zeros = [w.c(0.0)] * (count * len(firsts))

        def whole(number: str, *totals: str) -> list[str]:
            return terms(number, list(totals))  # type: ignore[operator,no-any-return]

        totals = w.loop("%whole", whole, *zeros)
        rest = w.whole("sub", "%vectors", "%whole")

        def ragged(number: str, *before: str) -> list[str]:
            fresh = terms("%whole", zeros)  # type: ignore[operator]
            used = w.below("%spare")
            return [w.select(used, w.add(a, b), a) for a, b in zip(before, fresh)]

        totals = w.loop(rest, ragged, *totals)
        for first in firsts:
            these, totals = totals[:count], totals[count:]
            if count == w.lanes > 1:
                w.store(w.add(w.load(first), w.totals(these)), first)
                continue
            for n, total in enumerate(these):
                place = w.pointer(first, n)
                old = w.put(f"load double, ptr {place}")
                w.do(f"store double {w.put(f'fadd double {old}, {w.total(total)}')}, ptr {place}")

    def _add_up(self) -> str | int:
        w = self.w

        def body(row: str, out: str) -> None:
            node = self.node(self.entry(row, 0))
            self._summed(
                lambda number, totals: [w.add(totals[0], w.load(self.vector(node, number)))],
                1,
                [w.pointer("%sums", self.start)],
            )

        return self._rows(1, body)

    def _add_products(self, rows: int) -> str | int:
        """As many products as lanes at a time share the vectors of their common factors, of which there are `rows`."""
        w = self.w
        blocks = w.whole("and", self.operands, -self.lanes)

        def body(row: str, out: str) -> None:
            commons = [self.node(self.entry(row, n)) for n in range(rows)]
            others = self.entry(row, rows)
            starts = [self.start, *[self.entry(row, rows + n) for n in range(1, rows)]]

            def several(first: str, count: int) -> list[str]:
                nodes = [self.node(w.whole("add", others, w.whole("add", first, n))) for n in range(count)]

                def terms(number: str, totals: list[str]) -> list[str]:
                    xs = [w.load(self.vector(node, number)) for node in nodes]
                    factors = [(a, x) for a in [w.load(self.vector(node, number)) for node in commons] for x in xs]
                    return [w.fma(a, x, total) for (a, x), total in zip(factors, totals)]

                self._summed(terms, count, [w.pointer("%sums", w.whole("add", start, first)) for start in starts])
                return []

            w.loop(blocks, lambda first: several(first, self.lanes), step=self.lanes)
            rest = w.whole("sub", self.operands, blocks)
            w.loop(rest, lambda first: several(w.whole("add", first, blocks), 1))

        return self._rows(2 * rows, body)
