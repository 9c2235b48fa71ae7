"""The frame around the computation: the functions that a program calls, the loop over the batch, sums over it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .batch_sums import STRIP, Sums, write as write_sums
from .ir import Module, Writer
from .layout import Layout
from .straight_line import DIRECT_IN, DIRECT_OUT
from .table_machine import PARAMETERS
from .tables import Tables
from .transpose import GATHER, SCATTER, gather, scatter

CHUNK = 4 * STRIP  # tiles whose sum over the batch is made in one go: fixed, so that threads change no result
# What the functions find in the context, an array of i64: pointers, then counts, then the bits of a double.
CONTEXT = (
    *("shared", "given", "ragged", "results", "in", "out", "kept", "state", "partial", "shared_code", "batched_code"),
    *("tiles", "last", "elements", "share"),
)
POINTERS = 11
SCRATCH = slice(4, 8)  # those that each thread has for itself


def write(
    module: Module,
    layout: Layout,
    lanes: int,
    shared: list[str] | Tables,
    batched: list[str] | Tables,
    sums: Sums,
    width: int,
) -> None:
    """The functions that the program calls: prologue, chunk, finish, and all of them in one.

    Args:
        module: where they go.
        layout: where the numbers lie.
        lanes: of a vector.
        shared, batched: the functions that compute either section of the graph, or its tables.
        sums: what straight-line code keeps to be summed over the batch.
        width: how many vectors of a node are worked on together. In straight-line code they are a tile.
    """
    _define(module, 1, "prologue(ptr %context)", lambda w: _prologue(w, shared))
    if isinstance(batched, Tables):
        _define(module, lanes, GATHER, lambda w: gather(w, layout.leaves, width, 0))
        _define(module, lanes, SCATTER, lambda w: scatter(w, layout.row_leaves, width, 0))
        _define(module, lanes, "chunk(ptr %context, i64 %c)", lambda w: _table_chunk(w, layout, batched, width))
    else:
        tile = lanes * width
        adding = write_sums(module, sums, lanes)
        _define(module, tile, GATHER, lambda w: gather(w, layout.leaves, 1, DIRECT_IN))
        _define(module, tile, SCATTER, lambda w: scatter(w, layout.row_leaves, 1, DIRECT_OUT))
        _define(module, tile, "tile(ptr %context, i64 %t)", lambda w: _tile(w, layout, batched, sums))
        _define(module, lanes, "chunk(ptr %context, i64 %c)", lambda w: _chunk(w, layout, adding, width))
    _define(module, lanes, "finish(ptr %context)", lambda w: _finish(w, layout))
    _define(module, 1, "all(ptr %context)", _all)


def _define(module: Module, lanes: int, head: str, body: Callable[[Writer], None]) -> None:
    writer = Writer(module, lanes)
    body(writer)
    module.add(f"define void @{head} nounwind", writer.lines)


def _field(w: Writer, name: str) -> str:
    """A field of the context."""
    number = CONTEXT.index(name)
    kind, prefix = ("ptr", "p") if number < POINTERS else ("i64", "i")
    return w.put(f"load {kind}, ptr {w.pointer('%context', number, 'i64')}", prefix)


def _leaves(w: Writer, t: str) -> str:
    """Where the pointers to each leaf's rows are: for a ragged tile to copies, which are filled up to whole tiles."""
    ragged = w.put(f"icmp eq i64 {t}, {_field(w, 'last')}", "b")
    return w.put(f"select i1 {ragged}, ptr {_field(w, 'ragged')}, ptr {_field(w, 'given')}", "p")


def _section(w: Writer, functions: Sequence[str], t: str) -> None:
    """Calls of the functions of straight-line code."""
    values = [_field(w, name) for name in ("shared", "in", "state", "kept", "out", "results", "tiles")]
    values[3] = _in_strip(w, values[3], t)
    values.insert(5, _leaves(w, t))
    kinds = ["ptr"] * 7 + ["i64"] * 2
    arguments = ", ".join(f"{kind} {value}" for kind, value in zip(kinds, [*values, t]))
    for name in functions:
        w.do(f"call void @{name}({arguments})")


def _in_strip(w: Writer, kept: str, t: str) -> str:
    """Where tile t lies among what is kept of its strip."""
    return w.pointer(kept, w.whole("mul", w.whole("and", t, STRIP - 1), w.lanes))


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
        _section(w, shared, "0")


def _tile(w: Writer, layout: Layout, batched: Sequence[str], sums: Sums) -> None:
    """The elements of a tile through straight-line code."""
    tiles = _field(w, "tiles")
    if max(layout.leaves, default=0) > DIRECT_IN:
        w.do(f"call void @gather(ptr {_leaves(w, '%t')}, ptr {_field(w, 'in')}, i64 %t)")
    _section(w, batched, "%t")
    if max(layout.row_leaves, default=0) > DIRECT_OUT:
        w.do(f"call void @scatter(ptr {_field(w, 'results')}, ptr {_field(w, 'out')}, i64 {tiles}, i64 %t)")
    if sums.kept:
        _leave_out(w, sums)


def _leave_out(w: Writer, sums: Sums) -> None:
    """Make what is kept of elements that a last tile lacks zero, whatever was computed for them."""
    kept = _in_strip(w, _field(w, "kept"), "%t")
    ragged = w.put(f"icmp eq i64 %t, {_field(w, 'last')}", "b")
    count = w.whole("mul", w.put(f"zext i1 {ragged} to i64", "i"), len(sums.kept))
    used = w.below(_field(w, "elements"))

    def one(n: str) -> list[str]:
        place = w.pointer(kept, w.whole("mul", n, sums.stride))
        w.store(w.select(used, w.load(place), w.c(0.0)), place)
        return []

    w.loop(count, one)


def _bounds(w: Writer) -> tuple[str, str]:
    """The first tile of chunk %c and how many it has."""
    begin = w.whole("mul", "%c", CHUNK)
    left = w.whole("sub", _field(w, "tiles"), begin)
    short = w.put(f"icmp slt i64 {left}, {CHUNK}", "b")
    return begin, w.put(f"select i1 {short}, i64 {left}, i64 {CHUNK}", "i")


def _clear(w: Writer, place: str, doubles: int) -> None:
    w.module.declare("declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
    w.do(f"call void @llvm.memset.p0.i64(ptr {place}, i8 0, i64 {doubles * 8}, i1 false)")


def _chunk(w: Writer, layout: Layout, adding: Sequence[str], width: int) -> None:
    """The tiles of a chunk through straight-line code, strip by strip where there is something to add up."""
    begin, count = _bounds(w)

    def tiles(first: str, count: str) -> None:
        w.loop(count, lambda n: w.do(f"call void @tile(ptr %context, i64 {w.whole('add', first, n)})"))

    if not adding:
        tiles(begin, count)
        return
    room = layout.sums_room(w.lanes)
    kept, sums = _field(w, "kept"), w.pointer(_field(w, "partial"), w.whole("mul", "%c", room))
    _clear(w, sums, room)

    def strip(first: str) -> list[str]:
        left = w.whole("sub", count, first)
        short = w.put(f"icmp slt i64 {left}, {STRIP}", "b")
        number = w.put(f"select i1 {short}, i64 {left}, i64 {STRIP}", "i")
        tiles(w.whole("add", begin, first), number)
        for name in adding:
            w.do(f"call void @{name}(ptr {kept}, ptr {sums}, i64 {w.whole('mul', number, width)})")
        return []

    w.loop(count, strip, step=STRIP)


def _table_chunk(w: Writer, layout: Layout, tables: Tables, width: int) -> None:
    """The tiles of a chunk through the interpreter, `width` of them at a time."""
    begin, count = _bounds(w)
    shared, code, values, tiles = (_field(w, name) for name in ("shared", "batched_code", "state", "tiles"))
    results, last, elements = (_field(w, name) for name in ("results", "last", "elements"))
    sums = w.pointer(_field(w, "partial"), w.whole("mul", "%c", layout.sums_room(w.lanes)))
    if layout.sums:
        _clear(w, sums, layout.sums)
    step = width * w.lanes
    leaving = w.pointer(values, (tables.slots - len(layout.row)) * step)
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

        def take_in(n: str) -> list[str]:
            tile, number = w.pointer(values, w.whole("mul", n, w.lanes)), w.whole("add", t, n)
            return w.do(f"call void @gather(ptr {_leaves(w, number)}, ptr {tile}, i64 {number})")

        def give_out(n: str) -> list[str]:
            tile = w.pointer(leaving, w.whole("mul", n, w.lanes))
            return w.do(f"call void @scatter(ptr {results}, ptr {tile}, i64 {tiles}, i64 {w.whole('add', t, n)})")

        w.loop(vectors, take_in)
        end = str(len(tables.code))
        _walk(w, "batched_machine", values, shared, sums, code, end, vectors, whole, elements, str(width))
        return w.loop(vectors, give_out)

    w.loop(count, several, step=width)


def _finish(w: Writer, layout: Layout) -> None:
    """The sums of the chunks, in order, added to those of the first; and what is asked for of that."""
    room = layout.sums_room(w.lanes)
    if not room:
        return
    chunks = w.whole("sdiv", w.whole("add", _field(w, "tiles"), CHUNK - 1), CHUNK)
    target = _field(w, "partial")

    def chunk(c: str) -> list[str]:
        source = w.pointer(target, w.whole("mul", w.whole("add", c, 1), room))

        def several(k: str) -> list[str]:
            place = w.pointer(target, k)
            w.store(w.add(w.load(place), w.load(w.pointer(source, k))), place)
            return []

        w.loop(str(room), several, step=w.lanes)
        return []

    w.loop(w.whole("sub", chunks, 1), chunk)
    share = w.spread(w.pointer("%context", CONTEXT.index("share")))

    def scale(k: str) -> list[str]:
        place = w.pointer(target, k)
        w.store(w.mul(w.load(place), share), place)
        return []

    w.loop(str(room), scale, step=w.lanes)


def _all(w: Writer) -> None:
    w.do("call void @prologue(ptr %context)")
    chunks = w.whole("sdiv", w.whole("add", _field(w, "tiles"), CHUNK - 1), CHUNK)
    w.loop(chunks, lambda c: w.do(f"call void @chunk(ptr %context, i64 {c})"))
    w.do("call void @finish(ptr %context)")
