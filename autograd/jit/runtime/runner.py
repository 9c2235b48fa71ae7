"""Runner: calls compiled code, with numbers in and out of its memory, on one core or on several."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...node import on_float
from ...transforms.tree import Leaf
from .. import tuning
from ..codegen.context import CONTEXT
from ..compile import Compilation
from ..trace.traced import TracedFunction
from .memory import Floats, aligned
from .signature import Argument, leaf_arrays
from .threads import run_chunks
from .workspace import Workspace


class Runner:
    """Calls a compilation with arguments of one structure and batches of one size.

    Attributes:
        function: the machine code; it takes the address of a workspace's context.
        closed_over: the Values whose data it needs; `compute` passes them.
        sources: where the function found them.
        threads: whether `compute` spreads the batch over threads.
    """

    def __init__(self, compilation: Compilation, given: Sequence[Argument], size: int | None) -> None:
        self.compilation = compilation
        self.given = given
        self.size = size
        self.function = compilation.code.function("prologue" if size is None else "all", ctypes.c_void_p)
        self._free: list[Workspace] = []
        self.closed_over = compilation.traced.closed_over
        self.sources = compilation.traced.sources
        self._plain = all(a.tree.is_leaf and a.tree.leaves[0].names is None for a in given)
        chunks = 0 if size is None else -(-size // compilation.translation.tile // tuning.CHUNK)
        vectors = (size or 0) // compilation.stats.lanes
        self.threads = chunks > 1 and vectors * compilation.work > tuning.THREADS_PAY

    def leaves(self, args: Sequence[Any]) -> Sequence[Any]:
        """The numbers of each leaf of the arguments."""
        return [leaf for x in args for leaf in leaf_arrays(x)]

    def run(self, leaves: Sequence[Any]) -> Workspace:
        """Compute, from the numbers of leaves, in a workspace that belongs to the caller until `release`."""
        try:
            work = self._free.pop()
        except IndexError:
            work = Workspace(self.compilation, self.given, self.size)
        work.give(leaves)
        if work.fresh:
            work.renew()
        self.compute(work)
        return work

    def compute(self, work: Workspace) -> None:
        """Compute in a workspace."""
        if self.closed_over:
            # Inside a transform float(v) is refused. It takes half as long again as v.data.
            work.close([float(v) if on_float else v.data for v in self.closed_over])
        if self.threads:
            run_chunks(self.compilation, work, work.chunks)
        else:
            self.function(work.address)
            if work.attendant is not None:
                work.attendant.check()

    def workspace(self) -> Workspace:
        """A workspace for the caller, who puts numbers into its inputs, or gives them to it, and calls `compute`.

        The results stay in its outputs. Its sums are means over the batch.
        """
        return Workspace(self.compilation, self.given, self.size, 1.0 / self.size if self.size else 1.0, True)

    def release(self, work: Workspace) -> None:
        """Keep a workspace for the next call, without the arrays and results that belong to the caller."""
        work.lenders = []
        if work.fresh:
            work.outputs, work.memory[CONTEXT.index("results")] = [], aligned(0)
        if len(self._free) < tuning.KEPT:
            self._free.append(work)

    def value(self, args: Sequence[Any]) -> Any:
        """The results, in the structure that the function returned."""
        work = self.run(args if self._plain else self.leaves(args))
        result = pack_value(self.compilation.traced, work.outputs, work.fresh)
        self.release(work)
        return result

    def value_and_grad(self, args: Sequence[Any]) -> tuple[Any, list[Any]]:
        """The result and, for each argument in `wrt`, the derivatives with respect to it, in its structure."""
        work = self.run(args if self._plain else self.leaves(args))
        result = pack_value_and_grad(self.compilation.traced, self.given, work.outputs, work.sums, work.fresh)
        self.release(work)
        return result


def pack_value(traced: TracedFunction, outputs: Sequence[Floats], fresh: bool) -> Any:
    """The results, in the structure that the function returned.

    Args:
        traced: the function.
        outputs: for each leaf of the results an array.
        fresh: whether the arrays may be given away; otherwise they are copied.
    """
    return traced.result.build(_pack(*each, fresh) for each in zip(traced.result.leaves, outputs))


def pack_value_and_grad(
    traced: TracedFunction, given: Sequence[Argument], outputs: Sequence[Floats], sums: Floats, fresh: bool
) -> tuple[Any, list[Any]]:
    """The result and the derivatives; `sums` are those that are added up over the batch."""
    rows = iter(zip(traced.rows, outputs))
    value = _pack(*next(rows), fresh)

    def gradient(argument: Argument) -> Any:
        if argument.axis is not None:
            parts = [np.moveaxis(_pack(*next(rows), fresh), 0, argument.axis) for _ in argument.tree.leaves]
            return argument.tree.build(iter(parts))
        start, parts = traced.sums_of[id(argument)], []
        for leaf in argument.tree.leaves:
            parts.append(_pack_sums(leaf, sums[start : start + len(leaf.entries)]))
            start += len(leaf.entries)
        return argument.tree.build(iter(parts))

    return value, [gradient(given[i]) for i in traced.wrt or ()]


def _pack(leaf: Leaf, numbers: Floats, fresh: bool) -> Any:
    """Give results the form of a leaf, with the batch as first axis. They are copied unless their memory is fresh."""
    if leaf.names is not None:
        return {name: numbers[..., k].copy() for k, name in enumerate(leaf.names)}
    if not numbers.ndim and leaf.shape is None:
        return float(numbers)
    return numbers if fresh else numbers.copy()


def _pack_sums(leaf: Leaf, numbers: Floats) -> Any:
    """Give sums over the batch the form of a leaf."""
    if leaf.names is not None:
        return dict(zip(leaf.names, numbers.tolist()))
    return float(numbers[0]) if leaf.shape is None else numbers.reshape(leaf.shape).copy()
