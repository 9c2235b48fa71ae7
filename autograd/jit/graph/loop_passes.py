"""Loops made smaller: what nobody reads is dropped, what is the same in each step is computed before."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from ... import ops
from ...primitive import Primitive
from .graph import Graph, Input, What
from .loops import At, Item, Loop, Stack

Pass = Callable[[Graph], Graph]


def simplify_loops(graph: Graph, simplify: Pass) -> Graph:
    """The graph with smaller loops.

    Args:
        graph: the graph.
        simplify: a pass for the graphs of steps and conditions.
    """
    if not any(type(what) is Loop for what in graph.what):
        return graph
    reduced: dict[int, Reduced] = {}
    for k, what in enumerate(graph.what):
        if type(what) is Loop:
            numbers = [x if type(x := graph.what[arg]) is float else None for arg in graph.operands[k]]
            reduced[k] = Reduced(what, numbers, simplify)
    return _Rebuilt(graph, reduced, _drop_unread(graph, reduced)).graph


class Reduced:
    """A loop that is being made smaller.

    Inputs of both of its graphs have the number of the operand that they stand for; the step has 0.

    Attributes:
        loop: as it was.
        body, condition: its graphs now.
        carries: the numbers of the carries that are left.
        rows: the rows that are left.
        fixed: the carries that never change.
        last: the carries of which it is known what they are after the last step.
    """

    def __init__(self, loop: Loop, numbers: Sequence[float | None], simplify: Pass) -> None:
        self.loop, self.simplify = loop, simplify
        self.carries = list(range(1, 1 + loop.carries))
        self.rows = list(range(loop.rows))
        self.fixed: set[int] = set()
        first = 1 + loop.carries + loop.stacks
        known = {k: x for k, x in enumerate(numbers) if k >= first and x is not None}
        shift = {k: k + loop.stacks for k in range(1 + loop.carries, len(numbers))}
        self.body = _substitute(loop.body, known)
        self.condition = None if loop.condition is None else _substitute(_renumber(loop.condition, shift), known)
        while True:
            self.body = simplify(self.body)
            fixed = self._fixed_carries(numbers)
            if not fixed:
                break
            self._drop_carries(set(fixed))
            self.fixed |= set(fixed)
            known = {k: x for k, x in fixed.items() if x is not None}
            self.body = _substitute(self.body, known)
            self.condition = None if self.condition is None else _substitute(self.condition, known)
        self.condition = None if self.condition is None else simplify(self.condition)
        count = numbers[0]
        self.last: dict[int, float] = {}
        if self.condition is None and count is not None and count >= 1:
            after = [self.body.what[output] for output in self.body.outputs]
            self.last = {k: x for k, x in zip(self.carries, after) if type(x) is float}

    def _fixed_carries(self, numbers: Sequence[float | None]) -> dict[int, float | None]:
        """The carries that do not change, each with its number, if that is known."""
        found: dict[int, float | None] = {}
        for k, output in zip(self.carries, self.body.outputs):
            what, first = self.body.what[output], numbers[k]
            same = type(what) is float and first is not None and what.hex() == first.hex()
            if same or (type(what) is Input and what.number == k):
                found[k] = first
        return found

    def _drop_carries(self, dropped: set[int]) -> None:
        rows = self.body.outputs[len(self.carries) :]
        kept = [(k, output) for k, output in zip(self.carries, self.body.outputs) if k not in dropped]
        self.carries = [k for k, _ in kept]
        self.body = dataclasses.replace(self.body, outputs=(*[output for _, output in kept], *rows))

    def keep(self, items: set[int]) -> list[int]:
        """Drop all but what these Items read, and return the numbers of the operands that are left."""
        needed = {k for k in self.carries if k - 1 in items}
        if self.condition is not None:
            needed |= _inputs(self.condition) & set(self.carries)
        outputs = dict(zip(self.carries, self.body.outputs))
        rows = dict(zip(self.rows, self.body.outputs[len(self.carries) :]))
        self.rows = [row for row in self.rows if self.loop.carries + 1 + row in items]
        while True:
            kept = [k for k in self.carries if k in needed]
            wanted = (*[outputs[k] for k in kept], *[rows[row] for row in self.rows])
            body = dataclasses.replace(self.body, outputs=wanted)
            more = (_inputs(body) & set(self.carries)) - needed
            if not more:
                break
            needed |= more
        self.carries, self.body = kept, self.simplify(body)
        return sorted(self.read() | {k for k in self.fixed if k - 1 in items})

    def read(self) -> set[int]:
        """The numbers of the operands that the loop needs."""
        inside = _inputs(self.body) | (set() if self.condition is None else _inputs(self.condition))
        return {0, *self.carries} | inside


def _drop_unread(graph: Graph, reduced: dict[int, Reduced]) -> bytearray:
    """Drop what nobody reads from the loops. For each node of the graph, whether it is still needed."""
    needed = bytearray(len(graph))
    for k in graph.outputs:
        needed[k] = 1
    items: dict[int, set[int]] = {k: set() for k in reduced}
    for k in range(len(graph) - 1, -1, -1):
        if needed[k]:
            what, args = graph.what[k], graph.operands[k]
            if type(what) is Item and 1 + what.number not in reduced[args[0]].last:
                items[args[0]].add(what.number)
            if type(what) is Loop:
                args = tuple([args[number] for number in reduced[k].keep(items[k])])
            for x in args:
                needed[x] = 1
    return needed


class _Rebuilt:
    """A graph with its loops in their new form."""

    def __init__(self, graph: Graph, reduced: dict[int, Reduced], needed: bytearray) -> None:
        self.what: list[What] = []
        self.operands: list[tuple[int, ...]] = []
        self.items: dict[int, dict[int, int]] = {}  # by the node of a loop: by the number of an Item, its new node
        place: list[int] = []
        for k, (what, args) in enumerate(zip(graph.what, graph.operands)):
            if not needed[k]:
                place.append(-1)
            elif type(what) is Item:
                place.append(self._item(args[0], place[args[0]], what, reduced[args[0]]))
            elif type(what) is Loop:
                place.append(self._loop(k, reduced[k], [place[x] for x in args]))
            else:
                place.append(self._add(what, tuple([place[x] for x in args])))
        self.graph = Graph(tuple(self.what), tuple(self.operands), tuple([place[k] for k in graph.outputs]))

    def _add(self, what: What, args: tuple[int, ...]) -> int:
        self.what.append(what)
        self.operands.append(args)
        return len(self.what) - 1

    def _item(self, old: int, node: int, item: Item, loop: Reduced) -> int:
        known = self.items[old].get(item.number)
        if known is not None:
            return known
        carries = len(loop.carries)
        if item.number < loop.loop.carries:
            number = loop.carries.index(1 + item.number)
        elif item.number == loop.loop.carries:
            number = carries
        else:
            number = carries + 1 + loop.rows.index(item.number - loop.loop.carries - 1)
        self.items[old][item.number] = added = self._add(Item(number), (node,))
        return added

    def _loop(self, old: int, loop: Reduced, args: list[int]) -> int:
        """Add a loop and return its node, or that of what takes its place."""
        count, carries = args[0], loop.loop.carries
        self.items[old] = {k - 1: args[k] for k in loop.fixed}
        self.items[old] |= {k - 1: self._add(x, ()) for k, x in loop.last.items()}
        if loop.condition is None:
            self.items[old][carries] = count  # it is whole and not negative, so that so many steps are taken
        steps = self.what[count]
        if type(steps) is float and not steps > 0 and not loop.rows:
            self.items[old] |= {k - 1: args[k] for k in loop.carries} | {carries: self._add(0.0, ())}
            return count
        if steps == 1.0 and loop.condition is None:
            last = 1 + carries + loop.loop.stacks
            rows_at = [self._add(At(0), (x,)) if x >= 0 else x for x in args[1 + carries : last]]
            found = self._inline(loop.body, [self._add(0.0, ()), *args[1 : 1 + carries], *rows_at, *args[last:]])
            self.items[old] |= {k - 1: x for k, x in zip(loop.carries, found)}
            rows = zip(loop.rows, found[len(loop.carries) :])
            self.items[old] |= {carries + 1 + row: self._add(Stack(), (x,)) for row, x in rows}
            return count
        body, condition = loop.body, loop.condition
        if not self._is_branch(count):
            variable = {0, *loop.carries, *range(1 + carries, 1 + carries + loop.loop.stacks)}
            body = self._hoist(body, variable, args)
            condition = None if condition is None else self._hoist(condition, variable, args)
        read = _inputs(body) | (set() if condition is None else _inputs(condition))
        stacks = [k for k in range(1 + carries, 1 + carries + loop.loop.stacks) if k in read]
        constants = sorted(read - {0, *loop.carries, *stacks})
        order = [*loop.carries, *stacks, *constants]
        body = loop.simplify(_renumber(body, {k: 1 + place for place, k in enumerate(order)}))
        if condition is not None:
            places = {k: 1 + place for place, k in enumerate([*loop.carries, *constants])}
            condition = loop.simplify(_renumber(condition, places))
        made = dataclasses.replace(
            loop.loop, body=body, condition=condition, carries=len(loop.carries), stacks=len(stacks)
        )
        return self._add(made, (count, *[args[k] for k in order]))

    def _is_branch(self, count: int) -> bool:
        """Whether a count is that of a branch: 1 or 0. What a branch computes must not be computed without need."""
        numbers = [self.what[k] for k in self.operands[count][1:]] if self.what[count] is ops.where else []
        return numbers in ([1.0, 0.0], [0.0, 1.0])

    def _inline(self, body: Graph, args: Sequence[int]) -> list[int]:
        """Add the nodes of a step itself; its outputs."""
        found: list[int] = []
        for what, operands in zip(body.what, body.operands):
            is_input = type(what) is Input
            found.append(args[what.number] if is_input else self._add(what, tuple([found[k] for k in operands])))  # type: ignore[union-attr]
        return [found[k] for k in body.outputs]

    def _hoist(self, graph: Graph, variable: set[int], args: list[int]) -> Graph:
        """Compute before the loop what is the same in each step. Where it is read it becomes an input; args grows."""
        outside: list[int | None] = []  # for each node of the step the node outside, if it is the same in each step
        what, operands = list(graph.what), list(graph.operands)
        moved: set[int] = set()
        for k, (each, inputs) in enumerate(zip(graph.what, graph.operands)):
            found: Any = None
            if type(each) is Input:
                found = None if each.number in variable else args[each.number]
            elif type(each) is float:
                found = self._add(each, ())
            elif isinstance(each, Primitive):
                parts = [outside[x] for x in inputs]
                if None not in parts:
                    found = self._add(each, tuple(parts))  # type: ignore[arg-type]
                    moved.add(k)
            outside.append(found)
        read = {x for k, inputs in enumerate(graph.operands) if k not in moved for x in inputs} | set(graph.outputs)
        for k in sorted(moved):
            node = outside[k]
            assert node is not None
            what[k], operands[k] = 0.0, ()
            if k in read:
                what[k] = Input(len(args), False)
                args.append(node)
        return Graph(tuple(what), tuple(operands), graph.outputs)


def _inputs(graph: Graph) -> set[int]:
    """The numbers of the inputs that the outputs of a graph need."""
    return {what.number for what, needed in zip(graph.what, graph.needed()) if needed and type(what) is Input}


def _renumber(graph: Graph, numbers: dict[int, int]) -> Graph:
    """The graph with new numbers for its inputs. The step keeps 0, and inputs that nothing needs do not matter."""
    what = [
        each._replace(number=numbers.get(each.number, each.number)) if type(each) is Input else each
        for each in graph.what
    ]
    return Graph(tuple(what), graph.operands, graph.outputs)


def _substitute(graph: Graph, known: dict[int, float]) -> Graph:
    """The graph with numbers for some of its inputs."""
    what = [known.get(each.number, each) if type(each) is Input else each for each in graph.what]
    return Graph(tuple(what), graph.operands, graph.outputs)
