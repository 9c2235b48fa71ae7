"""Transposition: the rows of a tile's elements become vectors on the way in, and rows again on the way out."""

from __future__ import annotations

from collections.abc import Sequence

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
    start = 0
    for number, width in enumerate(leaves):
        if width > direct:
            rows = w.put(f"load ptr, ptr {w.pointer('%leaves', number, 'ptr')}", "p")
            rows = w.pointer(rows, w.index("mul", "%t", width * w.lanes))
            _transpose(w, rows, w.pointer("%tile", start * w.lanes * stride), width, stride, True)
        start += width


def scatter(w: Writer, leaves: Sequence[int], stride: int, direct: int) -> None:
    """Write the body that brings the elements of tile %t back to their rows; see gather."""
    start = 0
    for width in leaves:
        if width > direct:
            base = w.index("add", w.index("mul", "%tiles", start * w.lanes), w.index("mul", "%t", width * w.lanes))
            tile = w.pointer("%tile", start * w.lanes * stride)
            _transpose(w, w.pointer("%rows", base), tile, width, stride, False)
        start += width


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
