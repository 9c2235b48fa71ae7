"""The frame around the computation: the functions that a program calls, the loop over the batch, sums over it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .interpreter import PARAMETERS
from .layout import Layout
from .tables import Tables
from .writer import Module, Writer

CHUNK = 64  # vectors of elements whose sum over the batch is made in one go: fixed, so that threads change no result
# What the functions find in the context, an array of i64: pointers, then counts.
CONTEXT = (
    *("shared", "given", "results", "in", "out", "acc", "tail", "state", "partial", "shared_code", "batched_code"),
    *("tiles", "last", "elements"),
)
POINTERS = 11
SCRATCH = slice(3, 8)  # those that each thread has for itself


def write(
    module: Module, layout: Layout, lanes: int, shared: list[str] | Tables, batched: list[str] | Tables, width: int
) -> None:
    """The functions that the program calls: prologue, chunk, finish, and all of them in one.

    Args:
        module: where they go.
        layout: where the numbers lie.
        lanes: of a vector.
        shared, batched: the functions that compute either section of the graph, or its tables.
        width: how many vectors of a node the tables' interpreter works on together.
    """
    _define(module, 1, "prologue(ptr %context)", lambda w: _prologue(w, shared))
    if isinstance(batched, Tables):
        _define(
            module,
            lanes,
            "gather(ptr %rows, ptr %tile, i64 %tiles, i64 %t)",
            lambda w: _transpose(w, layout.leaves, True, width),
        )
        _define(
            module,
            lanes,
            "scatter(ptr %rows, ptr %tile, i64 %tiles, i64 %t)",
            lambda w: _transpose(w, layout.row_leaves, False, width),
        )
        _define(module, lanes, "chunk(ptr %context, i64 %c)", lambda w: _table_chunk(w, layout, batched, width))
    else:
        _define(
            module,
            lanes,
            "gather(ptr %rows, ptr %tile, i64 %tiles, i64 %t)",
            lambda w: _transpose(w, layout.leaves, True, 1),
        )
        _define(
            module,
            lanes,
            "scatter(ptr %rows, ptr %tile, i64 %tiles, i64 %t)",
            lambda w: _transpose(w, layout.row_leaves, False, 1),
        )
        _define(module, lanes, "tile(ptr %context, ptr %acc, i64 %t)", lambda w: _tile(w, batched))
        _define(module, lanes, "chunk(ptr %context, i64 %c)", lambda w: _chunk(w, layout))
    _define(module, 1, "finish(ptr %context)", lambda w: _finish(w, layout))
    _define(module, 1, "all(ptr %context)", _all)


def _define(module: Module, lanes: int, head: str, body: Callable[[Writer], None]) -> None:
    writer = Writer(module, lanes)
    body(writer)
    module.add(f"define void @{head} nounwind", writer)


def _field(w: Writer, name: str) -> str:
    """A field of the context."""
    number = CONTEXT.index(name)
    kind, prefix = ("ptr", "p") if number < POINTERS else ("i64", "i")
    return w.put(f"load {kind}, ptr {w.pointer('%context', number, 'i64')}", prefix)


def _section(w: Writer, functions: Sequence[str], acc: str, t: str) -> None:
    """Calls of the functions of straight-line code."""
    values = [_field(w, name) for name in ("shared", "in", "state", "out", "given", "results", "tiles")]
    values.insert(3, acc)
    kinds = ["ptr"] * 7 + ["i64"] * 2
    arguments = ", ".join(f"{kind} {value}" for kind, value in zip(kinds, [*values, t]))
    for name in functions:
        w.do(f"call void @{name}({arguments})")


def _walk(w: Writer, name: str, *values: str) -> None:
    """A call of an interpreter."""
    kinds = [parameter.split()[0] for parameter in PARAMETERS.split(", ")]
    w.do(f"call void @{name}({', '.join(f'{kind} {value}' for kind, value in zip(kinds, values))})")


def _prologue(w: Writer, shared: list[str] | Tables) -> None:
    """Compute all that the whole batch shares."""
    if isinstance(shared, Tables):
        values, code = _field(w, "shared"), _field(w, "shared_code")
        _walk(w, "shared_machine", values, values, "null", code, str(len(shared.code)), "1", "1", "0", "1")
    else:
        _section(w, shared, "null", "0")


def _transpose(w: Writer, leaves: Sequence[int], inward: bool, stride: int) -> None:
    """The elements of tile %t, from their rows to vectors `stride` vectors apart, or back."""
    lanes = w.lanes
    start = 0
    for width in leaves:
        if width == 1 and stride == 1:  # straight-line code reads and writes these rows itself
            start += 1
            continue
        base = w.whole("add", w.whole("mul", "%tiles", start * lanes), w.whole("mul", "%t", width * lanes))
        rows = w.pointer("%rows", base)
        tile = w.pointer("%tile", start * lanes * stride)

        def turn(k: str, rows: str = rows, tile: str = tile, width: int = width) -> list[str]:
            vector = w.pointer(tile, w.whole("mul", k, lanes * stride))
            if width == 1:
                w.store(w.load(rows), vector) if inward else w.store(w.load(vector), rows)
                return []
            row = w.pointer(rows, k)
            for lane in range(lanes):
                source, target = w.pointer(row, lane * width), w.pointer(vector, lane)
                if not inward:
                    source, target = target, source
                w.do(f"store double {w.put(f'load double, ptr {source}')}, ptr {target}")
            return []

        w.loop(str(width), turn)
        start += width


def _tile(w: Writer, batched: Sequence[str]) -> None:
    """One vector of elements through straight-line code."""
    tiles = _field(w, "tiles")
    w.do(f"call void @gather(ptr {_field(w, 'given')}, ptr {_field(w, 'in')}, i64 {tiles}, i64 %t)")
    _section(w, batched, "%acc", "%t")
    w.do(f"call void @scatter(ptr {_field(w, 'results')}, ptr {_field(w, 'out')}, i64 {tiles}, i64 %t)")


def _bounds(w: Writer) -> tuple[str, str]:
    """The first tile of chunk %c and how many it has."""
    begin = w.whole("mul", "%c", CHUNK)
    left = w.whole("sub", _field(w, "tiles"), begin)
    short = w.put(f"icmp slt i64 {left}, {CHUNK}", "b")
    return begin, w.put(f"select i1 {short}, i64 {left}, i64 {CHUNK}", "i")


def _clear(w: Writer, place: str, doubles: int) -> None:
    w.module.declare("declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
    w.do(f"call void @llvm.memset.p0.i64(ptr {place}, i8 0, i64 {doubles * 8}, i1 false)")


def _chunk(w: Writer, layout: Layout) -> None:
    """The tiles of a chunk through straight-line code. Sums over the batch are vectors, reduced at its end."""
    begin, count = _bounds(w)
    sums = layout.sums
    acc, tail, last = _field(w, "acc"), _field(w, "tail"), _field(w, "last")
    call = "call void @tile(ptr %context, ptr {}, i64 {})"
    if not sums:
        w.loop(count, lambda n: w.do(call.format(acc, w.whole("add", begin, n))))
        return
    _clear(w, acc, sums * w.lanes)
    partly = w.put(f"icmp eq i64 {w.whole('add', begin, w.whole('sub', count, 1))}, {last}", "b")
    ragged = w.put(f"zext i1 {partly} to i64", "i")
    whole = w.whole("sub", count, ragged)
    w.loop(whole, lambda n: w.do(call.format(acc, w.whole("add", begin, n))))

    def fold(k: str) -> list[str]:
        to, rest = (w.pointer(place, w.whole("mul", k, w.lanes)) for place in (acc, tail))
        w.store(w.add(w.load(to), w.first(_field(w, "elements"), w.load(rest))), to)
        return []

    def tile_in_part(_: str) -> list[str]:
        _clear(w, tail, sums * w.lanes)
        w.do(call.format(tail, last))
        w.loop(str(sums), fold)
        return []

    w.loop(ragged, tile_in_part)
    partial = w.pointer(_field(w, "partial"), w.whole("mul", "%c", sums))

    def reduce(k: str) -> list[str]:
        total = w.total(w.load(w.pointer(acc, w.whole("mul", k, w.lanes))))
        w.do(f"store double {total}, ptr {w.pointer(partial, k)}")
        return []

    w.loop(str(sums), reduce)


def _table_chunk(w: Writer, layout: Layout, tables: Tables, width: int) -> None:
    """The tiles of a chunk through the interpreter, `width` of them at a time."""
    begin, count = _bounds(w)
    shared, code, values, tiles = (_field(w, name) for name in ("shared", "batched_code", "state", "tiles"))
    given, results, last, elements = (_field(w, name) for name in ("given", "results", "last", "elements"))
    sums = w.pointer(_field(w, "partial"), w.whole("mul", "%c", layout.sums))
    if layout.sums:
        _clear(w, sums, layout.sums)
    step = width * w.lanes
    spread = w.pointer(values, layout.batched_inputs * step)

    def broadcast(n: str) -> list[str]:
        place = w.put(f"load i32, ptr {w.pointer(code, w.whole('add', n, len(tables.code)), 'i32')}", "n")
        number = w.spread(w.pointer(shared, w.put(f"sext i32 {place} to i64", "i")))
        node = w.pointer(spread, w.whole("mul", n, step))
        for k in range(width):
            w.store(number, w.pointer(node, k * w.lanes))
        return []

    w.loop(str(len(tables.spread)), broadcast)

    def several(first: str) -> list[str]:
        left = w.whole("sub", count, first)
        short = w.put(f"icmp slt i64 {left}, {width}", "b")
        vectors = w.put(f"select i1 {short}, i64 {left}, i64 {width}", "i")
        t = w.whole("add", begin, first)
        partly = w.put(f"icmp eq i64 {w.whole('add', t, w.whole('sub', vectors, 1))}, {last}", "b")
        whole = w.whole("sub", vectors, w.put(f"zext i1 {partly} to i64", "i"))

        def move(function: str, rows: str, start: int) -> None:
            base = w.pointer(values, start * step)

            def one(n: str) -> list[str]:
                tile = w.pointer(base, w.whole("mul", n, w.lanes))
                w.do(f"call void @{function}(ptr {rows}, ptr {tile}, i64 {tiles}, i64 {w.whole('add', t, n)})")
                return []

            w.loop(vectors, one)

        move("gather", given, 0)
        end = str(len(tables.code))
        _walk(w, "batched_machine", values, shared, sums, code, end, vectors, whole, elements, str(width))
        move("scatter", results, tables.slots - len(layout.row))
        return []

    w.loop(count, several, step=width)


def _finish(w: Writer, layout: Layout) -> None:
    """The sums of the chunks, in order."""
    sums = layout.sums
    if not sums:
        return
    chunks = w.whole("sdiv", w.whole("add", _field(w, "tiles"), CHUNK - 1), CHUNK)
    shared, partial = _field(w, "shared"), _field(w, "partial")
    target = w.pointer(shared, layout.result(layout.first_sum))
    _clear(w, target, sums)

    def chunk(c: str) -> list[str]:
        source = w.pointer(partial, w.whole("mul", c, sums))

        def one(k: str) -> list[str]:
            place = w.pointer(target, k)
            w.store(w.add(w.load(place), w.load(w.pointer(source, k))), place)
            return []

        w.loop(str(sums), one)
        return []

    w.loop(chunks, chunk)


def _all(w: Writer) -> None:
    w.do("call void @prologue(ptr %context)")
    chunks = w.whole("sdiv", w.whole("add", _field(w, "tiles"), CHUNK - 1), CHUNK)
    w.loop(chunks, lambda c: w.do(f"call void @chunk(ptr %context, i64 {c})"))
    w.do("call void @finish(ptr %context)")
