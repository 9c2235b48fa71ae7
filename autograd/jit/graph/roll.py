"""Rows of equal operations, such as ys * ys for the rows ys of a scan, become loops: their code has one operation.

So do chains, such as what np.sum makes of them: ((y0 + y1) + y2) + ... in this order.
Only graphs with loops need this. All others become tables if they are large, and sums of theirs are loops already.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence

from ... import ops
from ...primitive import Primitive
from .. import tuning
from .graph import Graph, Input, What
from .loops import At, Item, Loop, Stack, find_whole_row

Nodes = tuple[int, ...]
_CHAINED = (ops.add, ops.mul, ops.maximum, ops.minimum)
_PLACED = (float, Input, At)  # what lies in memory already


def roll(graph: Graph) -> Graph:
    """The graph with a loop in place of each long row of equal operations that a sum, a stack or the results have."""
    if not any(type(what) is Loop for what in graph.what) or len(graph) < tuning.ROLL:
        return graph
    rolled = _Rolled(graph)
    return rolled.sort() if rolled.changed else graph


class _Rolled:
    """A graph in which rows of operations are being replaced."""

    def __init__(self, graph: Graph) -> None:
        self.what, self.operands, self.outputs = list(graph.what), list(graph.operands), graph.outputs
        self.changed = False
        self.budget = tuning.ROLL_VISITS * len(graph)
        uses = graph.uses()
        first = {args[0] for what, args in zip(graph.what, graph.operands) if what in _CHAINED}
        for k, used in enumerate(uses):
            if used:
                if self.what[k] in _CHAINED and (k not in first or used > 1):
                    self._replace_chain(k, uses)
                for row in self._rows_of(k):
                    self._replace_runs(row)
                if self.what[k] is ops.dot:
                    self._split_dot(k)
        self._replace_runs(graph.outputs)

    def _rows_of(self, k: int) -> Iterator[Nodes]:
        what, args = self.what[k], self.operands[k]
        if len(args) < tuning.ROLL:
            return
        many = 1 if type(what) is Stack else sum(what.takes_sequence) if isinstance(what, Primitive) else 0
        for n in range(many):
            length = len(args) // many
            yield args[n * length : (n + 1) * length]

    def _replace_runs(self, row: Nodes) -> None:
        """Replace the parts of a row that are the same operation."""
        if not any(isinstance(self.what[k], Primitive) for k in set(row)):
            return
        for begin, end in self._runs(row):
            if isinstance(self.what[row[begin]], Primitive):
                self._replace(row[begin:end])

    def _runs(self, row: Nodes) -> Iterator[tuple[int, int]]:
        """The long parts of a row that are alike."""
        begin = 0
        for n in range(1, len(row) + 1):
            if n == len(row) or not self._alike(row[begin], row[n]):
                if n - begin >= tuning.ROLL:
                    yield begin, n
                begin = n

    def _alike(self, a: int, b: int) -> bool:
        """Whether two nodes are the same operation on operands of the same kind."""
        mine, its = self.operands[a], self.operands[b]
        if not isinstance(self.what[a], Primitive):
            return self._kind(a) == self._kind(b)
        if self.what[a] is not self.what[b] or len(mine) != len(its):
            return False
        return all(x == y or self._kind(x) == self._kind(y) for x, y in zip(mine, its))

    def _kind(self, k: int) -> object:
        what = self.what[k]
        return what if isinstance(what, Primitive) else self.operands[k] if type(what) is At else type(what)

    def _replace(self, row: Nodes) -> None:
        step = _Step(self, row)
        if step.pays and not self._depends(step.reads(), set(row)):
            item = self._add(Item(1), (self._add_loop(step, len(row), step.graph(), ()),))
            for n, k in enumerate(row):
                self.what[k], self.operands[k] = At(n), (item,)

    def _replace_chain(self, k: int, uses: Sequence[int]) -> None:
        """Replace what is computed by the same operation again and again, with a new number each time."""
        op, start, row, nodes = self.what[k], k, list[int](), [k]
        while self.what[start] is op and (start == k or uses[start] == 1):
            start, other = self.operands[start]
            row.append(other)
            nodes.append(start)
        row, nodes = row[::-1], nodes[::-1]  # nodes[n] is computed before row[n]
        for begin, end in self._runs(tuple(row)):
            step = _Step(self, tuple(row[begin:end]))
            if step.pays and isinstance(op, Primitive) and not self._depends(step.reads(), {nodes[end]}):
                loop = self._add_loop(step, end - begin, step.graph(op), (nodes[begin],))
                self.what[nodes[end]], self.operands[nodes[end]] = Item(0), (loop,)

    def _split_dot(self, k: int) -> None:
        """Split a dot, which adds up its products in order, into some for loops and some of what does not fit there."""
        args, bias = self.operands[k][:-1], self.operands[k][-1]
        half = len(args) // 2
        a, b = args[:half], args[half:]
        cuts = {0, half}
        for row in (a, b):
            cuts |= {x for run in self._runs(row) for x in run}
        if half <= tuning.LONG or not 2 < len(cuts) <= tuning.DOT_PARTS:
            return
        *parts, last = list(itertools.pairwise(sorted(cuts)))
        for begin, end in parts:
            self.changed, bias = True, self._add(ops.dot, (*a[begin:end], *b[begin:end], bias))
        self.operands[k] = (*a[last[0] :], *b[last[0] :], bias)

    def _add_loop(self, step: _Step, count: int, graph: Graph, carries: Nodes) -> int:
        self.changed = True
        stacks = [self._add(Stack(), x) if isinstance(x, tuple) else x for x in step.stacks]
        loop = Loop(graph, None, len(carries), len(stacks))
        return self._add(loop, (self._add(float(count), ()), *carries, *stacks, *step.constants))

    def _add(self, what: What, args: Nodes) -> int:
        self.what.append(what)
        self.operands.append(args)
        return len(self.what) - 1

    def _depends(self, nodes: Iterable[int], on: set[int]) -> bool:
        """Whether any of the nodes needs one of those; also if it takes too long to find out."""
        if self.budget < 0:
            return True
        waiting = list(dict.fromkeys(nodes))
        seen = set(waiting)
        while waiting:
            k = waiting.pop()
            if k in on:
                return True
            more = {x for x in self.operands[k] if x not in seen}
            seen |= more
            waiting += more
            self.budget -= 1 + len(self.operands[k])
        return self.budget < 0

    def sort(self) -> Graph:
        """The graph with each node after its operands."""
        place: dict[int, int] = {}
        what: list[What] = []
        operands: list[Nodes] = []
        for root in dict.fromkeys([*(k for k, each in enumerate(self.what) if type(each) is Input), *self.outputs]):
            waiting = [root]
            while waiting:
                k = waiting[-1]
                missing = [] if k in place else [x for x in self.operands[k] if x not in place]
                if missing:
                    waiting += reversed(missing)
                    continue
                waiting.pop()
                if k not in place:
                    place[k] = len(what)
                    what.append(self.what[k])
                    operands.append(tuple([place[x] for x in self.operands[k]]))
        return Graph(tuple(what), tuple(operands), tuple([place[k] for k in self.outputs]))


class _Step:
    """One step in place of a row: the operation, those that its operands are made of if they are rows too, and so on.

    Attributes:
        stacks: what the step reads: stacks, and rows of numbers that are no stack yet.
        constants: the nodes that it reads, the same in each step.
        pays: whether a loop is better than the operations.
    """

    def __init__(self, of: _Rolled, row: Nodes) -> None:
        self.of = of
        self.stacks: list[int | Nodes] = []
        self.constants: list[int] = []
        self._what: list[tuple[What | str, int]] = []  # with the number of a stack or constant
        self._operands: list[Nodes] = []
        self._known: dict[Nodes, int] = {}
        self._taken: set[int] = set()
        self._applications = self._copied = 0
        self.pays = True
        self._column(row)
        self.pays = self.pays and self._copied <= self._applications

    def _column(self, row: Nodes) -> int:
        """The node of the step that stands for a row."""
        known = self._known.get(row)
        if known is None:
            known = self._known[row] = self._new(row) if self.pays else 0
        return known

    def _new(self, row: Nodes) -> int:
        first, whats, operands = row[0], self.of.what, self.of.operands
        what, different = whats[first], len(set(row))
        if different == 1:
            if type(what) is float:
                return self._add(what, 0, ())
            self.constants.append(first)
            return self._add("constant", len(self.constants) - 1, ())
        args = operands[first]
        alike = all(whats[k] is what and len(operands[k]) == len(args) for k in row)
        if isinstance(what, Primitive) and alike and different == len(row) and 0 < len(args) < tuning.ROLL:
            if not self._taken.isdisjoint(row) or self._applications == tuning.ROLL:
                self.pays = False  # each is computed from the one before
                return 0
            self._taken.update(row)
            self._applications += 1
            columns = [self._column(each) for each in zip(*[operands[k] for k in row])]
            return self._add(what, 0, tuple(columns))
        stack = find_whole_row(whats, operands, row)
        if stack is None and (len(set(map(type, map(whats.__getitem__, row)))) > 1 or type(what) not in _PLACED):
            self._copied += 1
        self.stacks.append(row if stack is None else stack)
        return self._add("stack", len(self.stacks) - 1, ())

    def _add(self, what: What | str, number: int, args: Nodes) -> int:
        self._what.append((what, number))
        self._operands.append(args)
        return len(self._what) - 1

    def reads(self) -> Iterator[int]:
        """The nodes that the loop would need."""
        yield from self.constants
        for x in self.stacks:
            yield from x if isinstance(x, tuple) else (x,)

    def graph(self, chained: Primitive | None = None) -> Graph:
        """The graph of the step. If an operation is chained, that is applied to a carry and what is computed."""
        before = 1 if chained is None else 2
        first = {"stack": before, "constant": before + len(self.stacks)}
        what: list[What] = [
            Input(first[each] + number, False) if isinstance(each, str) else each for each, number in self._what
        ]
        operands = list(self._operands)
        if chained is not None:
            what += [Input(1, False), chained]
            operands += [(), (len(what) - 2, len(what) - 3)]
        return Graph(tuple(what), tuple(operands), (len(what) - 1,))
