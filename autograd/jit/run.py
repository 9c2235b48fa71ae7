"""Runner: calls of compiled code, with numbers in and out of its memory, on one core or on several."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from ..tree import Leaf
from .compile import Compiled
from .frame import CHUNK, CONTEXT
from .memory import Floats, aligned
from .signature import Argument, arrays
from .tables import Tables
from .threads import run_chunks

THREADS_PAY = 1_000_000  # operands: a third of a millisecond of work, against 50 microseconds for threads
LARGE = 8192  # doubles: arguments of more are read where they are, not copied
FRESH = 8192  # doubles: results of more are written into new arrays, not copied into them
KEPT = 4  # workspaces that wait for the next call: as many calls at a time make no new ones


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
        self.fresh = rows * len(layout.row) > FRESH and not bound
        result_rows = aligned(0 if self.fresh else rows * len(layout.row))
        self.chunks = -(-tiles // CHUNK)
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
                    if block.size > LARGE and argument.axis == 0:
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


class Runner:
    """A compilation, ready to be called with arguments of its structure and one batch size.

    Attributes:
        function: the machine code, of the address of a workspace's context.
        closed_over: the Values whose data it needs, which `compute` gives it.
        threads: whether `compute` spreads the batch over threads.
    """

    def __init__(self, compiled: Compiled, given: Sequence[Argument], size: int | None) -> None:
        self.compiled = compiled
        self.given = given
        self.size = size
        self.function = compiled.code.function("prologue" if size is None else "all", ctypes.c_void_p)
        self._free: list[Workspace] = []
        self.closed_over = compiled.traced.closed_over
        self._plain = all(a.tree.is_leaf and a.tree.leaves[0].names is None for a in given)
        chunks = 0 if size is None else -(-size // compiled.written.tile // CHUNK)
        vectors = (size or 0) // compiled.stats.lanes
        self.threads = chunks > 1 and vectors * compiled.work > THREADS_PAY

    def run(self, args: Sequence[Any]) -> Workspace:
        """Compute; the workspace is the caller's until `release`."""
        try:
            work = self._free.pop()
        except IndexError:
            work = Workspace(self.compiled, self.given, self.size)
        work.give(args if self._plain else [leaf for x in args for leaf in arrays(x)])
        if work.fresh:
            work.renew()
        self.compute(work)
        return work

    def compute(self, work: Workspace) -> None:
        """Compute in a workspace."""
        if self.closed_over:
            work.closed[...] = [v.data for v in self.closed_over]
        if self.threads:
            run_chunks(self.compiled, work.context, work.chunks)
        else:
            self.function(work.address)

    def workspace(self) -> Workspace:
        """A workspace that is the caller's: to put numbers into its inputs, or give them to it, and call `compute`.

        The results stay in its outputs, and sums over the batch, as means, in its sums.
        """
        return Workspace(self.compiled, self.given, self.size, 1.0 / self.size if self.size else 1.0, True)

    def release(self, work: Workspace) -> None:
        """Keep a workspace for the next call, without the arrays and the results that are the caller's."""
        work.lenders = []
        if work.fresh:
            work.outputs, work.memory[CONTEXT.index("results")] = [], aligned(0)
        if len(self._free) < KEPT:
            self._free.append(work)

    def value(self, args: Sequence[Any]) -> Any:
        """The results in their structure."""
        work = self.run(args)
        traced = self.compiled.traced
        result = traced.result.build(_packed(*each, work.fresh) for each in zip(traced.result.leaves, work.outputs))
        self.release(work)
        return result

    def value_and_grad(self, args: Sequence[Any]) -> tuple[Any, list[Any]]:
        """The result and, for each argument that it was differentiated by, the derivatives in its structure."""
        work = self.run(args)
        outputs = iter(zip(self.compiled.traced.rows, work.outputs))
        value = _packed(*next(outputs), work.fresh)
        gradients = [self._gradient(self.given[i], outputs, work) for i in self.compiled.traced.wrt or ()]
        self.release(work)
        return value, gradients

    def _gradient(self, argument: Argument, outputs: Iterator[tuple[Leaf, Floats]], work: Workspace) -> Any:
        if argument.axis is not None:
            rows = [np.moveaxis(_packed(*next(outputs), work.fresh), 0, argument.axis) for _ in argument.tree.leaves]
            return argument.tree.build(iter(rows))
        start = self.compiled.traced.sums_of[id(argument)]
        parts = []
        for leaf in argument.tree.leaves:
            parts.append(_sum(leaf, work.sums[start : start + len(leaf.entries)]))
            start += len(leaf.entries)
        return argument.tree.build(iter(parts))


def _packed(leaf: Leaf, numbers: Floats, fresh: bool) -> Any:
    """Results in the form of a leaf, with the batch before its shape; a copy unless their memory is new."""
    if leaf.names is not None:
        return {name: numbers[..., k].copy() for k, name in enumerate(leaf.names)}
    return float(numbers) if not numbers.ndim else numbers if fresh else numbers.copy()


def _sum(leaf: Leaf, numbers: Floats) -> Any:
    """Sums over the batch in the form of a leaf."""
    if leaf.names is not None:
        return dict(zip(leaf.names, numbers.tolist()))
    return float(numbers[0]) if leaf.shape is None else numbers.reshape(leaf.shape).copy()
