"""Sums over the batch, in blocks of products: the totals of a block stay in registers from vector to vector."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from ... import ops
from .. import tuning
from ..graph.graph import Graph
from .ir import IR, Writer
from .lanes import sum_lanes_of_each
from .layout import Layout

T = TypeVar("T")

PARAMETERS = "ptr %kept, ptr %sums, i64 %vectors"


@dataclasses.dataclass
class Block:
    """Sums of the products of each row's node with each column's, or of the columns' nodes alone.

    Attributes:
        rows: nodes, or () for sums of single nodes.
        columns: nodes.
        places: for each row which sum each column goes to; one list if there are no rows.
    """

    rows: tuple[int, ...]
    columns: tuple[int, ...]
    places: list[list[int]]


@dataclasses.dataclass
class Sums:
    """What is summed over the batch.

    Attributes:
        kept: the nodes whose numbers are kept until they are added up, with their places.
        fused: the products that are computed here and nowhere else.
        blocks: the blocks; each sum is in one of them.
        stride: how many doubles lie between two kept nodes: those of a strip, and one vector more, because
            all nodes would otherwise fall into the same few lines of the cache.
    """

    kept: dict[int, int] = dataclasses.field(default_factory=dict)
    fused: frozenset[int] = frozenset()
    blocks: list[Block] = dataclasses.field(default_factory=list)
    stride: int = 0


def plan_sums(graph: Graph, layout: Layout, lanes: int, tile: int) -> Sums:
    """Divide the sums into blocks. In a network the gradients of a layer are one outer product."""
    alone: dict[int, list[int]] = {}
    table: dict[int, dict[int, int]] = {}
    fused = set()
    for j in range(layout.first_sum, layout.count):
        k = graph.outputs[j]
        if graph.what[k] is ops.mul and layout.uses[k] == 1 and layout.batched[k]:
            # The later factor is usually an adjoint, the earlier one what the weight was multiplied by.
            column, row = sorted(graph.operands[k])
            table.setdefault(row, {})[column] = j - layout.first_sum
            fused.add(k)
        else:
            alone.setdefault(k, []).append(j - layout.first_sum)
    blocks: list[Block] = []
    alike: dict[tuple[int, ...], list[int]] = {}
    for row, columns in table.items():
        alike.setdefault(tuple(columns), []).append(row)
    for these, rows in alike.items():
        places = [[table[row][column] for column in these] for row in rows]
        if len(these) >= len(rows):
            blocks += _cut_blocks(rows, these, places, lanes)
        else:
            blocks += _cut_blocks(these, rows, [list(column) for column in zip(*places)], lanes)
    singles = [(k, j) for k, places in alone.items() for j in places]
    for part in _cut(singles, tuning.BLOCK_ROWS * lanes):
        blocks.append(Block((), tuple([k for k, _ in part]), [[j for _, j in part]]))
    kept: dict[int, int] = {}
    for block in blocks:
        for k in (*block.rows, *block.columns):
            kept.setdefault(k, len(kept))
    return Sums(kept, frozenset(fused), blocks, tuning.STRIP * tile + lanes)


def _cut_blocks(rows: Sequence[int], columns: Sequence[int], places: list[list[int]], lanes: int) -> Iterable[Block]:
    """Cut an outer product into blocks."""
    for some in _cut(range(len(rows)), tuning.BLOCK_ROWS):
        for others in _cut(range(len(columns)), lanes):
            yield Block(
                tuple([rows[r] for r in some]),
                tuple([columns[c] for c in others]),
                [[places[r][c] for c in others] for r in some],
            )


def _cut(items: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), most):
        yield items[start : start + most]


def write_batch_sums(ir: IR, sums: Sums, lanes: int) -> list[str]:
    """Write the functions that add up the tiles of a strip; return their names."""
    names: list[str] = []
    for part in _cut(sums.blocks, tuning.FUNCTION_BLOCKS):
        w = Writer(ir, lanes)
        for block in part:
            _write_block(w, block, sums)
        names.append(f"add_up{len(names)}")
        ir.add(f"define internal void @{names[-1]}({PARAMETERS}) nounwind noinline", w.lines)
    return names


def _write_block(w: Writer, block: Block, sums: Sums) -> None:
    """Write a loop over the kept vectors; then add up the lanes of each total, and add that to the sums so far."""

    def turn(v: str, *totals: str) -> list[str]:
        vectors = w.pointer("%kept", w.index("mul", v, w.lanes))
        rows, columns = (
            [w.load(w.pointer(vectors, sums.kept[k] * sums.stride)) for k in nodes]
            for nodes in (block.rows, block.columns)
        )
        if not rows:
            return [w.add(total, x) for total, x in zip(totals, columns)]
        factors = [(a, b) for a in rows for b in columns]
        return [w.fma(a, b, total) for total, (a, b) in zip(totals, factors)]

    count = len(block.columns)
    totals = w.loop("%vectors", turn, *[w.c(0.0)] * (count * len(block.places)))
    for n, places in enumerate(block.places):
        for start in range(0, count, w.lanes):
            these = [*totals[n * count + start : n * count + count][: w.lanes]]
            these += [w.c(0.0)] * (w.lanes - len(these))
            _write_add(w, sum_lanes_of_each(w, these), places[start : start + w.lanes])


def _write_add(w: Writer, x: str, places: Sequence[int]) -> None:
    """Add the lanes of x to the sums at these places."""
    if len(places) == w.lanes and list(places) == list(range(places[0], places[0] + w.lanes)):
        place = w.pointer("%sums", places[0])
        w.store(w.add(w.load(place), x), place)
        return
    for lane, j in enumerate(places):
        place = w.pointer("%sums", j)
        one = x if w.lanes == 1 else w.put(f"extractelement {w.type} {x}, i32 {lane}")
        old = w.put(f"load double, ptr {place}")
        w.do(f"store double {w.put(f'fadd double {old}, {one}')}, ptr {place}")
