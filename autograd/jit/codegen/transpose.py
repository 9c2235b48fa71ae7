"""Transposition: the rows of a tile's elements become vectors on the way in, and rows again on the way out."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from .ir import Writer

GATHER = "gather(ptr %leaves, ptr %tile, i64 %t)"
SCATTER = "scatter(ptr %rows, ptr %tile, i64 %tiles, i64 %t)"


def gather(w: Writer, leaves: Sequence[int], stride: int, direct: int) -> None:
    """Write the body that brings the elements of tile %t from their rows to vectors.

    Args:
        w: where to write it.
        leaves: how many numbers an element has in each leaf.
        stride: the distance between the vectors of two numbers, in vectors.
        direct: leaves that are not wider than this are left out; straight-line code reads them where they lie.
    """
    for first, count, width, start in _group_leaves(leaves, direct):
        _gather_leaves(w, first, count, width, start, stride)


def _gather_leaves(w: Writer, first: int, count: int, width: int, start: int, stride: int) -> None:
    def one(n: str) -> None:
        rows = w.put(f"load ptr, ptr {w.pointer('%leaves', w.index('add', n, first), 'ptr')}", "p")
        rows = w.pointer(rows, w.index("mul", "%t", width * w.lanes))
        _transpose(w, rows, _vector(w, n, width, start, stride), width, stride, True)

    w.repeat(count, one)


def scatter(w: Writer, leaves: Sequence[int], stride: int, direct: int) -> None:
    """Write the body that brings the elements of tile %t back to their rows; see gather."""
    for _, count, width, start in _group_leaves(leaves, direct):
        _scatter_leaves(w, count, width, start, stride)


def _scatter_leaves(w: Writer, count: int, width: int, start: int, stride: int) -> None:
    def one(n: str) -> None:
        number = w.index("add", w.index("mul", n, width), start)
        base = w.index("add", w.index("mul", "%tiles", number), w.index("mul", "%t", width))
        rows = w.pointer("%rows", w.index("mul", base, w.lanes))
        _transpose(w, rows, _vector(w, n, width, start, stride), width, stride, False)

    w.repeat(count, one)


def _group_leaves(leaves: Sequence[int], direct: int) -> Iterator[tuple[int, int, int, int]]:
    """Neighbouring leaves of one width, wider than `direct`: the first leaf, how many, the width, the first number."""
    leaf = start = 0
    for width, group in itertools.groupby(leaves):
        count = len(list(group))
        if width > direct:
            yield leaf, count, width, start
        leaf, start = leaf + count, start + count * width


def _vector(w: Writer, n: str, width: int, start: int, stride: int) -> str:
    """Where the vectors of leaf n of a group begin."""
    number = w.index("add", w.index("mul", n, width), start)
    return w.pointer("%tile", w.index("mul", number, w.lanes * stride))


def _transpose(w: Writer, rows: str, tile: str, width: int, stride: int, inward: bool) -> None:
    """Write the loop that copies the rows of a leaf to vectors that lie `stride` vectors apart, or back."""

    def turn(k: str) -> None:
        vector = w.pointer(tile, w.index("mul", k, w.lanes * stride))
        if width == 1:
            w.store(w.load(rows), vector) if inward else w.store(w.load(vector), rows)
            return
        row = w.pointer(rows, k)
        for lane in range(w.lanes):
            source, target = w.pointer(row, lane * width), w.pointer(vector, lane)
            if not inward:
                source, target = target, source
            w.do(f"store double {w.put(f'load double, ptr {source}')}, ptr {target}")

    w.loop(str(width), turn)
