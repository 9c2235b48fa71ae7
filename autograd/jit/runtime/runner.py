"""Runner: calls of compiled code, with numbers in and out of its memory, on one core or on several."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ...tree import Leaf
from .. import tuning
from ..codegen.batch_loop import CONTEXT
from ..compile import Compiled
from .memory import Floats, aligned
from .signature import Argument, arrays
from .threads import run_chunks
from .workspace import Workspace


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
        chunks = 0 if size is None else -(-size // compiled.written.tile // tuning.CHUNK)
        vectors = (size or 0) // compiled.stats.lanes
        self.threads = chunks > 1 and vectors * compiled.work > tuning.THREADS_PAY

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
        if len(self._free) < tuning.KEPT:
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
