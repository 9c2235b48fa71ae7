"""Layout: where the numbers of a graph lie in memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from ..graph.graph import Graph, Input


@dataclasses.dataclass
class Layout:
    """Where the numbers of a graph lie.

    `shared` holds the shared inputs, the results that are one number for the whole batch, and the
    shared nodes that batched ones read. Batched inputs are given, and results left, as rows, leaf by leaf: as a
    C array whose first axis is the batch, padded to whole vectors. A tile, the elements of one
    vector or of a few, is transposed on its way in and out.

    Attributes:
        batched: for each node whether it differs from element to element.
        uses: for each node how often it is used.
        results: for each node that is a result, which ones.
        first_sum: results from this one on are summed over the batch.
        shared_inputs, batched_inputs: how many there are.
        shared_place: for each shared node that is kept, its index into `shared`.
        leaves: for the leaves of batched inputs, how many numbers an element has.
        row: for each result that differs from element to element, its place in a tile.
    """

    batched: list[bool]
    uses: list[int]
    results: dict[int, list[int]]
    first_sum: int
    count: int
    shared_inputs: int
    batched_inputs: int
    shared_place: dict[int, int]
    leaves: Sequence[int]
    row: dict[int, int]
    row_leaves: Sequence[int]
    shared_size: int

    def result(self, j: int) -> int:
        """The index into `shared` of a result that is one number for the batch."""
        return self.shared_inputs + j

    @staticmethod
    def narrow(leaves: Sequence[int], most: int) -> dict[int, tuple[int, int, int]]:
        """The numbers in leaves of `most` at most: which leaf that is, where it starts, and its width."""
        result = {}
        start = 0
        for leaf, width in enumerate(leaves):
            if width <= most:
                result.update(dict.fromkeys(range(start, start + width), (leaf, start, width)))
            start += width
        return result

    @property
    def row_nodes(self) -> list[int]:
        """The nodes that are results for each element."""
        return [k for k, places in self.results.items() if places[0] in self.row]

    @property
    def sums(self) -> int:
        return self.count - self.first_sum

    def sums_room(self, lanes: int) -> int:
        """The sums, made up to whole vectors."""
        return -(-self.sums // lanes) * lanes


def lay_out(graph: Graph, shared_inputs: int, leaves: Sequence[int], widths: Sequence[int]) -> Layout:
    """Give each number its place.

    Args:
        graph: what is computed.
        shared_inputs: how many there are.
        leaves: the numbers of an element in each batched leaf; none where there is no batch.
        widths: the numbers in each leaf of the results. What is left of these is summed over the batch.
    """
    first_sum = sum(widths)
    batched_inputs = sum(leaves)
    batched = graph.batched()
    results: dict[int, list[int]] = {}
    row: dict[int, int] = {}
    for j, k in enumerate(graph.outputs):
        results.setdefault(k, []).append(j)
        if leaves and j < first_sum:
            row[j] = j
    place: dict[int, int] = {}
    size = shared_inputs + len(graph.outputs)
    for k, what in enumerate(graph.what):
        if isinstance(what, Input) and not what.batched:
            place[k] = what.number
    read = [graph.operands[k] for k in range(len(graph)) if batched[k]]
    for args in [*read, graph.outputs if leaves else ()]:
        for x in args:
            if not batched[x] and x not in place and type(graph.what[x]) is not float:
                place[x] = size
                size += 1
    return Layout(
        batched, graph.uses(), results, first_sum, len(graph.outputs),
        shared_inputs, batched_inputs, place, leaves, row, widths if leaves else (), size,
    )  # fmt: skip
