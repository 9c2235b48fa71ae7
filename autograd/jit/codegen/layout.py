"""Layout: where the numbers of a graph lie in memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .. import tuning
from ..graph.graph import Graph, Input
from ..graph.loops import Item, Loop, Stack


@dataclasses.dataclass
class Layout:
    """Where the numbers of a graph lie.

    The array `shared` holds the shared inputs, then the results that are one number for the whole batch,
    then the shared nodes that batched nodes read. Batched inputs come and batched results leave as rows,
    leaf by leaf: each leaf is a C array whose first axis is the batch, padded to whole vectors. A tile is
    the elements of one vector or of a few; its rows are transposed on the way in and on the way out.

    Attributes:
        batched: for each node whether it differs from element to element.
        uses: for each node how often it is used.
        results: for each node that is a result, the numbers of those results that code stores. All others cost no
            code: constants are written once, and copies are made by a loop.
        constants: the numbers of the results that are constants, and these constants.
        copies: places, and those that their numbers are copied to: indices into `shared` or, with a batch, results.
        count: how many results there are.
        rows: how many results differ from element to element; they come first.
        first_sum: the results from this one on are summed over the batch.
        shared_inputs, batched_inputs: how many there are.
        shared_place: for each shared node that is kept, its index into `shared`.
        shared_size: the length of `shared`.
        leaves: for each leaf of the batched inputs, how many numbers an element has.
        row_leaves: the same for the leaves of the batched results.
        direct_out: straight-line code writes leaves of at most so many batched results in place.
    """

    batched: list[bool]
    uses: list[int]
    results: dict[int, list[int]]
    constants: tuple[NDArray[np.int64], NDArray[np.float64]]
    copies: tuple[list[int], list[int]]
    count: int
    rows: int
    first_sum: int
    shared_inputs: int
    batched_inputs: int
    shared_place: dict[int, int]
    shared_size: int
    leaves: Sequence[int]
    row_leaves: Sequence[int]
    direct_out: int

    def result(self, j: int) -> int:
        """The index into `shared` of a result that is one number for the batch."""
        return self.shared_inputs + j

    @property
    def sums(self) -> int:
        """How many results are summed over the batch."""
        return self.count - self.first_sum

    def sums_room(self, lanes: int) -> int:
        """The number of sums, rounded up to whole vectors."""
        return -(-self.sums // lanes) * lanes


def narrow_leaves(leaves: Sequence[int], most: int) -> dict[int, tuple[int, int, int]]:
    """For each number in a leaf of at most so many numbers: its leaf, the leaf's first number, and its width."""
    result = {}
    start = 0
    for leaf, width in enumerate(leaves):
        if width <= most:
            result.update(dict.fromkeys(range(start, start + width), (leaf, start, width)))
        start += width
    return result


def lay_out(graph: Graph, shared_inputs: int, leaves: Sequence[int], widths: Sequence[int]) -> Layout:
    """Give each number its place.

    Args:
        graph: what is computed.
        shared_inputs: how many there are.
        leaves: for each leaf of the batched inputs, how many numbers an element has; empty without a batch.
        widths: for each leaf of the results, how many numbers it has. Further outputs of the graph are
            summed over the batch.
    """
    first_sum = sum(widths)
    batched = graph.batched()
    place: dict[int, int] = {}
    size = shared_inputs + len(graph.outputs)
    for k, what in enumerate(graph.what):
        if isinstance(what, Input) and not what.batched:
            place[k] = what.number
    read = [graph.operands[k] for k in range(len(graph)) if batched[k]]
    for args in [*read, dict.fromkeys(graph.outputs) if leaves else ()]:
        for x in args:
            if not batched[x] and x not in place and _is_kept(graph, x):
                place[x] = size
                size += 1
    rows = first_sum if leaves else 0
    direct_out = tuning.DIRECT_OUT if len(widths) <= tuning.DIRECT_LEAVES else 0
    constants = _find_constants(graph, rows if leaves else len(graph.outputs))
    results: dict[int, list[int]] = {}
    copies: tuple[list[int], list[int]] = ([], [])
    in_place = narrow_leaves(widths, direct_out) if leaves else {}
    first: dict[int, int] = {} if leaves else dict(place)  # for each node that is a result, where it can be copied from
    start = 0 if leaves else shared_inputs
    stored = np.ones(len(graph.outputs), dtype=bool)
    stored[constants] = False
    stored[list(in_place)] = True
    for j in np.flatnonzero(stored).tolist():
        k = graph.outputs[j]
        if j >= rows and leaves:
            continue
        if j in in_place:
            results.setdefault(k, []).append(j)
        elif k in first:
            copies[0].append(first[k])
            copies[1].append(start + j)
        else:
            first[k] = start + j
            results.setdefault(k, []).append(j)
    return Layout(
        batched=batched,
        uses=graph.uses(),
        results=results,
        constants=(constants, np.array([graph.what[graph.outputs[j]] for j in constants.tolist()], dtype=float)),
        copies=copies,
        count=len(graph.outputs),
        rows=rows,
        first_sum=first_sum,
        shared_inputs=shared_inputs,
        batched_inputs=sum(leaves),
        shared_place=place,
        shared_size=size,
        leaves=leaves,
        row_leaves=widths if leaves else (),
        direct_out=direct_out,
    )


def _is_kept(graph: Graph, k: int) -> bool:
    """Whether a shared node that batched nodes read needs a place: constants need none, and stacks have their own."""
    what = graph.what[k]
    if isinstance(what, Item):
        loop = graph.what[graph.operands[k][0]]
        return isinstance(loop, Loop) and what.number <= loop.carries
    return not isinstance(what, (float, Loop, Stack))


def _find_constants(graph: Graph, count: int) -> NDArray[np.int64]:
    """Which of the first `count` results are constants."""
    is_constant = np.array([type(what) is float for what in graph.what], dtype=bool)
    return np.flatnonzero(is_constant[np.array(graph.outputs[:count], dtype=np.int64)])
