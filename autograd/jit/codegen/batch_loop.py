"""The loop over the batch: the functions that a program calls, which run the sections of the graph and add up sums."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .. import tuning
from .batch_sums import Sums, write_batch_sums
from .context import find_field, read_field
from .ir import IR, Writer
from .lanes import first_lanes
from .layout import Layout
from .table_machine import PARAMETERS
from .tables import Tables
from .transpose import GATHER, SCATTER, gather, scatter


def write_batch_loop(
    ir: IR,
    layout: Layout,
    lanes: int,
    shared: list[str] | Tables,
    batched: list[str] | Tables,
    sums: Sums,
    width: int,
) -> None:
    """Write the functions that the program calls: prologue and, for a batch, chunk and finish, and `all`.

    Args:
        ir: receives the functions.
        layout: where the numbers lie.
        lanes: how many doubles a vector holds.
        shared, batched: for each section of the graph the functions that compute it, or its tables.
        sums: what straight-line code keeps, to be summed over the batch.
        width: how many vectors of a node are computed together. In straight-line code they form a tile.
    """
    _define(ir, 1, "prologue(ptr %context)", lambda w: _write_prologue(w, layout, shared))
    if not layout.leaves:
        return
    if isinstance(batched, Tables):
        _define(ir, lanes, GATHER, lambda w: gather(w, layout.leaves, width, 0))
        _define(ir, lanes, SCATTER, lambda w: scatter(w, layout.row_leaves, width, 0))
        _define(ir, lanes, "chunk(ptr %context, i64 %c)", lambda w: _write_table_chunk(w, layout, batched, width))
    else:
        tile = lanes * width
        adding = write_batch_sums(ir, sums, lanes)
        _define(ir, tile, GATHER, lambda w: gather(w, layout.leaves, 1, tuning.DIRECT_IN))
        _define(ir, tile, SCATTER, lambda w: scatter(w, layout.row_leaves, 1, layout.direct_out))
        _define(ir, tile, "tile(ptr %context, i64 %t)", lambda w: _write_tile(w, layout, batched, sums))
        _define(ir, lanes, "chunk(ptr %context, i64 %c)", lambda w: _write_chunk(w, layout, adding, width))
    _define(ir, lanes, "finish(ptr %context)", lambda w: _write_finish(w, layout))
    _define(ir, 1, "all(ptr %context)", _write_all)


def _define(ir: IR, lanes: int, head: str, body: Callable[[Writer], None]) -> None:
    writer = Writer(ir, lanes)
    body(writer)
    ir.add(f"define void @{head} nounwind", writer.lines)


def _leaf_pointers(w: Writer, t: str) -> str:
    """Where the pointers to the rows of each leaf are. A ragged last tile has its own, to rows padded to a tile."""
    ragged = w.put(f"icmp eq i64 {t}, {read_field(w, 'last')}", "b")
    return w.put(f"select i1 {ragged}, ptr {read_field(w, 'ragged')}, ptr {read_field(w, 'given')}", "p")


def _call_section(w: Writer, functions: Sequence[str], t: str) -> None:
    """Call the functions of straight-line code."""
    values = [read_field(w, name) for name in ("shared", "in", "state", "kept", "out", "results", "tiles")]
    values[3] = _tile_in_strip(w, values[3], t)
    values.insert(5, _leaf_pointers(w, t))
    kinds = ["ptr"] * 7 + ["i64"] * 2 + ["ptr"]
    arguments = ", ".join(f"{kind} {value}" for kind, value in zip(kinds, [*values, t, "%context"]))
    for name in functions:
        w.do(f"call void @{name}({arguments})")


def _tile_in_strip(w: Writer, kept: str, t: str) -> str:
    """Where the kept numbers of tile t are; they are kept for one strip of tiles at a time."""
    return w.pointer(kept, w.index("mul", w.index("and", t, tuning.STRIP - 1), w.lanes))


def _call_table_machine(w: Writer, name: str, *values: str) -> None:
    """Call a table machine."""
    kinds = [parameter.split()[0] for parameter in PARAMETERS.split(", ")]
    w.do(f"call void @{name}({', '.join(f'{kind} {value}' for kind, value in zip(kinds, values))})")


def _write_prologue(w: Writer, layout: Layout, shared: list[str] | Tables) -> None:
    """The prologue computes the shared section."""
    if isinstance(shared, Tables):
        values, code, end = read_field(w, "shared"), read_field(w, "shared_code"), str(len(shared.code))
        _call_table_machine(w, "shared_machine", values, values, "null", code, end, "1", "1", "0", "1")
    else:
        _call_section(w, shared, "0")
        if not layout.leaves:
            _copy_results(w, layout, read_field(w, "shared_code"), read_field(w, "shared"))


def _copy_results(w: Writer, layout: Layout, table: str, numbers: str) -> None:
    """Copy the results that occur several times: from each of the first places in the table to one of the second."""
    count = len(layout.copies[0])

    def entry(n: str) -> str:
        place = w.put(f"load i32, ptr {w.pointer(table, n, 'i32')}", "n")
        return w.pointer(numbers, w.index("mul", w.put(f"sext i32 {place} to i64", "i"), w.lanes))

    def copy(n: str) -> None:
        w.store(w.load(entry(n)), entry(w.index("add", n, count)))

    if count:
        w.loop(str(count), copy)


def _write_tile(w: Writer, layout: Layout, batched: Sequence[str], sums: Sums) -> None:
    """Compute one tile by straight-line code."""
    tiles = read_field(w, "tiles")
    if max(layout.leaves, default=0) > tuning.DIRECT_IN:
        w.do(f"call void @gather(ptr {_leaf_pointers(w, '%t')}, ptr {read_field(w, 'in')}, i64 %t)")
    _call_section(w, batched, "%t")
    _copy_results(w, layout, read_field(w, "batched_code"), read_field(w, "out"))
    if max(layout.row_leaves, default=0) > layout.direct_out:
        w.do(f"call void @scatter(ptr {read_field(w, 'results')}, ptr {read_field(w, 'out')}, i64 {tiles}, i64 %t)")
    if sums.kept:
        _zero_missing_elements(w, sums)


def _zero_missing_elements(w: Writer, sums: Sums) -> None:
    """Set what is kept for the elements that a last tile lacks to zero, whatever was computed for them."""
    kept = _tile_in_strip(w, read_field(w, "kept"), "%t")
    ragged = w.put(f"icmp eq i64 %t, {read_field(w, 'last')}", "b")
    count = w.index("mul", w.put(f"zext i1 {ragged} to i64", "i"), len(sums.kept))
    used = first_lanes(w, read_field(w, "elements"))

    def clear(n: str) -> None:
        place = w.pointer(kept, w.index("mul", n, sums.stride))
        w.store(w.select(used, w.load(place), w.c(0.0)), place)

    w.loop(count, clear)


def _chunk_bounds(w: Writer) -> tuple[str, str]:
    """The first tile of chunk %c, and how many tiles it has."""
    begin = w.index("mul", "%c", tuning.CHUNK)
    left = w.index("sub", read_field(w, "tiles"), begin)
    short = w.put(f"icmp slt i64 {left}, {tuning.CHUNK}", "b")
    return begin, w.put(f"select i1 {short}, i64 {left}, i64 {tuning.CHUNK}", "i")


def _zero_memory(w: Writer, place: str, doubles: int) -> None:
    w.ir.declare("declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
    w.do(f"call void @llvm.memset.p0.i64(ptr {place}, i8 0, i64 {doubles * 8}, i1 false)")


def _write_chunk(w: Writer, layout: Layout, adding: Sequence[str], width: int) -> None:
    """Compute a chunk by straight-line code: tile by tile, and strip by strip if there are sums to add up."""
    begin, count = _chunk_bounds(w)

    def tiles(first: str, count: str) -> None:
        w.loop(count, lambda n: w.do(f"call void @tile(ptr %context, i64 {w.index('add', first, n)})"))

    if not adding:
        tiles(begin, count)
        return
    room = layout.sums_room(w.lanes)
    kept, sums = read_field(w, "kept"), w.pointer(read_field(w, "partial"), w.index("mul", "%c", room))
    _zero_memory(w, sums, room)

    def strip(first: str) -> None:
        left = w.index("sub", count, first)
        short = w.put(f"icmp slt i64 {left}, {tuning.STRIP}", "b")
        number = w.put(f"select i1 {short}, i64 {left}, i64 {tuning.STRIP}", "i")
        tiles(w.index("add", begin, first), number)
        for name in adding:
            w.do(f"call void @{name}(ptr {kept}, ptr {sums}, i64 {w.index('mul', number, width)})")

    w.loop(count, strip, step=tuning.STRIP)


def _write_table_chunk(w: Writer, layout: Layout, tables: Tables, width: int) -> None:
    """Compute a chunk by the table machine, `width` tiles at a time."""
    begin, count = _chunk_bounds(w)
    shared, code, values, tiles = (read_field(w, name) for name in ("shared", "batched_code", "state", "tiles"))
    results, last, elements = (read_field(w, name) for name in ("results", "last", "elements"))
    sums = w.pointer(read_field(w, "partial"), w.index("mul", "%c", layout.sums_room(w.lanes)))
    if layout.sums:
        _zero_memory(w, sums, layout.sums)
    step = width * w.lanes
    row_nodes = w.pointer(values, (tables.slots - layout.rows) * step)
    copies = w.pointer(values, layout.batched_inputs * step)

    def broadcast(n: str) -> None:
        place = w.put(f"load i32, ptr {w.pointer(code, w.index('add', n, len(tables.code)), 'i32')}", "n")
        number = w.broadcast(w.pointer(shared, w.put(f"sext i32 {place} to i64", "i")))
        node = w.pointer(copies, w.index("mul", n, step))
        for k in range(width):
            w.store(number, w.pointer(node, k * w.lanes))

    w.loop(str(len(tables.broadcast)), broadcast)

    def several(first: str) -> None:
        left = w.index("sub", count, first)
        short = w.put(f"icmp slt i64 {left}, {width}", "b")
        vectors = w.put(f"select i1 {short}, i64 {left}, i64 {width}", "i")
        t = w.index("add", begin, first)
        partly = w.put(f"icmp eq i64 {w.index('add', t, w.index('sub', vectors, 1))}, {last}", "b")
        full = w.index("sub", vectors, w.put(f"zext i1 {partly} to i64", "i"))

        def gather_tile(n: str) -> None:
            tile, number = w.pointer(values, w.index("mul", n, w.lanes)), w.index("add", t, n)
            w.do(f"call void @gather(ptr {_leaf_pointers(w, number)}, ptr {tile}, i64 {number})")

        def scatter_tile(n: str) -> None:
            tile = w.pointer(row_nodes, w.index("mul", n, w.lanes))
            w.do(f"call void @scatter(ptr {results}, ptr {tile}, i64 {tiles}, i64 {w.index('add', t, n)})")

        w.loop(vectors, gather_tile)
        end = str(len(tables.code))
        _call_table_machine(w, "batched_machine", values, shared, sums, code, end, vectors, full, elements, str(width))
        w.loop(vectors, scatter_tile)

    w.loop(count, several, step=width)


def _write_finish(w: Writer, layout: Layout) -> None:
    """Add the sums of all chunks, in order, to those of the first; multiply the totals by `share`."""
    room = layout.sums_room(w.lanes)
    if not room:
        return
    chunks = w.index("sdiv", w.index("add", read_field(w, "tiles"), tuning.CHUNK - 1), tuning.CHUNK)
    target = read_field(w, "partial")

    def chunk(c: str) -> None:
        source = w.pointer(target, w.index("mul", w.index("add", c, 1), room))

        def several(k: str) -> None:
            place = w.pointer(target, k)
            w.store(w.add(w.load(place), w.load(w.pointer(source, k))), place)

        w.loop(str(room), several, step=w.lanes)

    w.loop(w.index("sub", chunks, 1), chunk)
    share = w.broadcast(find_field(w, "share"))

    def scale(k: str) -> None:
        place = w.pointer(target, k)
        w.store(w.mul(w.load(place), share), place)

    w.loop(str(room), scale, step=w.lanes)


def _write_all(w: Writer) -> None:
    w.do("call void @prologue(ptr %context)")
    chunks = w.index("sdiv", w.index("add", read_field(w, "tiles"), tuning.CHUNK - 1), tuning.CHUNK)
    w.loop(chunks, lambda c: w.do(f"call void @chunk(ptr %context, i64 {c})"))
    w.do("call void @finish(ptr %context)")
