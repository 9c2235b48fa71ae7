"""Workspace: the memory of one call of compiled code, and how arguments get into it and results out of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ...tree import Leaf
from .. import tuning
from ..codegen.batch_loop import CONTEXT
from ..codegen.tables import Tables
from ..compile import Compiled
from .memory import Floats, aligned
from .signature import Argument


class Workspace:
    """The memory of one call at a time, for a batch of one size.

    Args:
        compiled: what is called.
        given: what it is called with.
        size: of the batch.
        share: what the sums over the batch are multiplied by.
        bound: whether results are to stay here, however many there are.

    Attributes:
        inputs: for each leaf of the arguments where its numbers go, an array of its shape.
        outputs: for each leaf of the results where its numbers are, an array of its shape.
        sums: the results that are summed over the batch.
        closed: where the numbers of Values closed over go.
    """

    def __init__(
        self, compiled: Compiled, given: Sequence[Argument], size: int | None, share: float = 1.0, bound: bool = False
    ) -> None:
        layout, written, tile = compiled.layout, compiled.written, compiled.written.tile
        tiles = 0 if size is None else -(-size // tile)
        rows = tiles * tile
        self.shared = aligned(
            max(1, layout.shared_size if not isinstance(written.shared, Tables) else written.shared.slots)
        )
        if isinstance(written.shared, Tables):
            places, numbers = written.shared.constants
            self.shared[places] = numbers
        given_rows = aligned(rows * layout.batched_inputs)
        self.rows, self.size, self.compiled = rows, size, compiled
        self.fresh = rows * len(layout.row) > tuning.FRESH and not bound
        result_rows = aligned(0 if self.fresh else rows * len(layout.row))
        self.chunks = -(-tiles // tuning.CHUNK)
        partial = aligned(max(1, self.chunks) * layout.sums_room(compiled.stats.lanes))
        starts = np.cumsum([0, *layout.leaves], dtype=np.int64)[:-1] * rows
        self.own = given_rows.ctypes.data + 8 * starts
        self.given = self.own.copy()
        memory = [self.shared, self.given, self.own, result_rows, *scratch(compiled), partial]
        memory += [code_of(written.shared), code_of(written.batched)]
        self.memory = memory
        partly = size is not None and size % tile > 0
        counts = [tiles, tiles - 1, (size or 0) % tile] if partly else [tiles, -1, 0]
        bits = int(np.float64(share).view(np.int64))
        self.context = np.array([*[m.ctypes.data for m in memory], *counts, bits], dtype=np.int64)
        assert len(self.context) == len(CONTEXT)
        self.address = self.context.ctypes.data
        self.inputs: list[Floats] = []
        self.lent: dict[int, int] = {}
        self.lenders: list[Any] = []
        self.ragged = rows - tile if partly else rows
        counters = [0, 0]
        number = 0
        for argument in given:
            for leaf in argument.tree.leaves:
                start, width = counters[argument.batched], len(leaf.entries)
                counters[argument.batched] += width
                if argument.axis is None:
                    self.inputs.append(self.shared[start : start + width].reshape(_form(leaf)))
                else:
                    assert size is not None
                    block = given_rows[start * rows : start * rows + size * width].reshape(size, *(leaf.shape or ()))
                    if block.size > tuning.LARGE and argument.axis == 0:
                        self.lent[len(self.inputs)] = number
                    self.inputs.append(np.moveaxis(block, 0, argument.axis))
                    number += 1
        self.closed = self.shared[counters[0] : counters[0] + len(compiled.traced.closed_over)]
        self.outputs: list[Floats] = [] if self.fresh else self._views(result_rows)
        first = layout.result(layout.first_sum)
        self.sums = (self.shared[first:] if size is None else partial)[: layout.sums]

    def give(self, leaves: Iterable[Any]) -> None:
        """Take the numbers of the arguments: copies, but large arrays that lie as they should are read in place."""
        self.lenders = list(leaves) if self.lent else []  # alive as long as they may be read
        for n, (place, x) in enumerate(zip(self.inputs, self.lenders or leaves)):
            if n in self.lent:
                lent = isinstance(x, np.ndarray) and x.dtype == np.float64 and x.flags.c_contiguous and x.flags.aligned
                self.given[self.lent[n]] = x.ctypes.data if lent else self.own[self.lent[n]]
                if lent:
                    place, x = place[self.ragged :], x[self.ragged :]
            if x is not place:
                place[...] = x

    def lend(self, leaf: int, x: Floats) -> int:
        """From now on read the numbers of a batched leaf where x has them, but for the last elements.

        Returns:
            The first element that must still be copied into the input, as its tile is not full.
        """
        self.given[leaf] = x.ctypes.data
        return self.ragged

    def _views(self, result_rows: Floats) -> list[Floats]:
        """The results, leaf by leaf."""
        views = []
        start = 0
        for leaf in self.compiled.traced.rows:
            width = len(leaf.entries)
            if self.size is None:
                first = self.compiled.layout.result(start)
                views.append(self.shared[first : first + width].reshape(_form(leaf)))
            else:
                block = result_rows[start * self.rows : start * self.rows + self.size * width]
                views.append(block.reshape(self.size, *_form(leaf)))
            start += width
        return views

    def renew(self) -> None:
        """New memory for results that are the caller's to keep."""
        result_rows = np.empty(self.rows * len(self.compiled.layout.row))
        self.context[CONTEXT.index("results")] = result_rows.ctypes.data
        self.memory[CONTEXT.index("results")] = result_rows
        self.outputs = self._views(result_rows)


def scratch(compiled: Compiled) -> list[Floats]:
    """The memory that each thread has for itself: a tile in and out, what to add up, what to pass on."""
    layout, written, tile = compiled.layout, compiled.written, compiled.written.tile
    state = aligned(written.state)
    sizes = (layout.batched_inputs * tile, len(layout.row) * tile, written.kept)
    if isinstance(written.batched, Tables):
        sizes = (0, 0, 0)
        places, numbers = written.batched.constants
        state.reshape(written.batched.slots, -1)[places] = numbers[:, None]
    return [*map(aligned, sizes), state]


def code_of(section: Any) -> Any:
    """The tables of a section, as its interpreter reads them."""
    return (
        np.concatenate([section.code, section.spread]) if isinstance(section, Tables) else np.zeros(1, dtype=np.int32)
    )


def _form(leaf: Leaf) -> tuple[int, ...]:
    return (len(leaf.entries),) if leaf.names is not None else leaf.shape or ()
