"""Layout: where the numbers of a graph lie in memory."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .. import tuning
from ..graph.graph import Graph, Input
from ..graph.loops import At, Item, Loop, Stack


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
        rows_copied: stretches of results that are numbers of one stack, side by side: the stack, the place of the first
            number in it, the number of the first result, and how many there are. Loops copy them.
        unread: the nodes that only name such results, so that they need no code.
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
    rows_copied: list[tuple[int, int, int, int]]
    unread: set[int]
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
    constants, numbers = _find_constants(graph, rows if leaves else len(graph.outputs))
    results: dict[int, list[int]] = {}
    copies: tuple[list[int], list[int]] = ([], [])
    in_place = narrow_leaves(widths, direct_out) if leaves else {}
    first: dict[int, int] = {} if leaves else dict(place)  # for each node that is a result, where it can be copied from
    start = 0 if leaves else shared_inputs
    stored = np.ones(len(graph.outputs), dtype=bool)
    stored[constants] = False
    stored[list(in_place)] = False
    uses = graph.uses()
    has_loop = any(isinstance(what, Loop) and x == bool(leaves) for what, x in zip(graph.what, batched))  # so no tables
    stretches = _find_stretches(graph, stored[: rows if leaves else None]) if has_loop else []
    by_copies = (k for j, k in enumerate(graph.outputs[: rows if leaves else None]) if j not in in_place)
    named = collections.Counter(by_copies) if stretches else {}
    unread: set[int] = set()
    for _, _, j, length in stretches:
        stored[j : j + length] = False
        first.update((k, start + n) for n, k in enumerate(graph.outputs[j : j + length], j) if k not in first)
        unread.update(k for k in graph.outputs[j : j + length] if uses[k] == named[k])
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
        uses=uses,
        results=results,
        constants=(constants, numbers),
        copies=copies,
        rows_copied=stretches,
        unread=unread,
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


def _find_constants(graph: Graph, count: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Which of the first `count` results are constants, and these constants."""
    is_constant = np.array([type(what) is float for what in graph.what], dtype=bool)
    numbers = np.array([what if type(what) is float else 0.0 for what in graph.what])
    outputs = np.fromiter(graph.outputs, np.int64, count)
    found = np.flatnonzero(is_constant[outputs])
    return found, numbers[outputs[found]]


def _find_stretches(graph: Graph, stored: NDArray[np.bool_]) -> list[tuple[int, int, int, int]]:
    """Stretches of stored results that are numbers of one stack, side by side; see Layout.rows_copied."""
    found: list[tuple[int, int, int, int]] = []
    before: tuple[int, int] | None = None  # the stack, and the place that would go on
    begin = 0

    def end(j: int) -> None:
        if before is not None and j - begin >= tuning.STRETCH:
            found.append((before[0], before[1] - (j - begin), begin, j - begin))

    count = 0
    for count, (k, wanted) in enumerate(zip(graph.outputs, stored.tolist()), 1):
        what = graph.what[k]
        here = (graph.operands[k][0], what.place) if isinstance(what, At) and wanted else None
        if here is None or here != before:
            end(count - 1)
            begin = count - 1
        before = None if here is None else (here[0], here[1] + 1)
    end(count)
    return found
