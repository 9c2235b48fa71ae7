"""The derivative of a loop is a loop.

Backward, it goes over the steps in the opposite order. A step computes the forward one again from the carries that the
forward loop kept, and passes back the adjoints of its results (A. Griewank, A. Walther, Evaluating Derivatives, 2nd
ed., SIAM 2008, section 12.1). Its carries are the adjoints of the carries, and sums of what is passed back to the
constants. Forward, it carries tangents beside the numbers. Both are loops like any other, and so can be differentiated.

Where nothing arrives, nothing must be passed on, not even a zero, which may meet an infinity. So a backward loop also
carries, for each adjoint of which it is not certain that anything arrives at every step, a flag that says so.

A rule is given a node that is no number, or that is read from one. What arrives at a Stack, or at a row, is an adjoint
at a place in it, or a whole stack of adjoints, whose place is None. At a loop it comes with the number of the Item.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import ops
from ...primitive import Primitive
from ...transforms.choices import Choices, Condition, Partly
from ...transforms.sweep import pull_back_under, push_forward
from ...transforms.whole import Whole, WholeRule
from ...value import Value
from ..graph.graph import Graph, Input
from ..graph.loops import At, Item, Loop, Stack
from .recorded import Recorded, at_place, record_loop, record_stack, replay
from .tracer import Tracer

Terms = list[tuple[Any, Any]]
Wanted = set[Value] | None


# Reverse


def pull_back_at(node: Any, adjoint: Any, _: Choices, __: Wanted) -> Terms:
    return [(node._a, Whole(adjoint, node.op.place))]


def pull_back_item(node: Any, adjoint: Any, _: Choices, __: Wanted) -> Terms:
    number = node.op.number
    if number > node._a.op.carries:  # a row
        return [(node._a, Whole(each, number)) for each in adjoint]
    return [] if number == node._a.op.carries else [(node._a, Whole(adjoint, number))]


def pull_back_stack(node: Any, arrived: list[Whole], choices: Choices, wanted: Wanted) -> Terms:
    terms = []
    for place, x in enumerate(node._a):
        if type(x) is not float and (wanted is None or x in wanted):
            for adjoint, at in arrived:
                if at is None:
                    stack, arrives = _split(adjoint, choices)
                    terms.append((x, choices.as_term(at_place(stack, place), arrives)))
                elif at == place:
                    terms.append((x, choices.as_term(adjoint)))
    return terms


def pull_back_loop(node: Any, arrived: list[Whole], choices: Choices, wanted: Wanted) -> Terms:
    return Backward(node, arrived, choices, wanted).terms()


class Backward:
    """The derivative of a loop.

    Args:
        node: the tracer of the loop.
        arrived: what arrived at it.
        choices: the conditions of the sweep.
        wanted: the nodes to differentiate with respect to; None for all.
    """

    def __init__(self, node: Any, arrived: list[Whole], choices: Choices, wanted: Wanted) -> None:
        self.forward, self.choices = Recorded(node), choices
        self.trace = node.trace.innermost()
        loop, (_, self.inits, self.stacks, self.constants) = self.forward.loop, self.forward.operands()
        self.loop, self.first = loop, loop.carries + loop.stacks
        leads = [
            type(x) is not float and (wanted is None or x in wanted)
            for x in (*self.inits, *self.stacks, *self.constants)
        ]
        self.leads = leads
        self.active = active_carries(loop, leads)
        self.of_stacks = [k for k in range(loop.stacks) if leads[loop.carries + k]]
        self.of_constants = [k for k in range(len(self.constants)) if leads[self.first + k]]
        self._gather(arrived)

    def _gather(self, arrived: list[Whole]) -> None:
        """What arrived, as seeds of the active carries and stacks of seeds of rows, right where anything arrives."""
        choices = self.choices
        carries: dict[int, Partly] = {}
        for k in self.active:
            if mine := [choices.as_term(each.adjoint) for each in arrived if each.place == k]:
                carries[k] = choices.as_partly(choices.total_of(mine))
        carries = {k: x for k, x in carries.items() if type(x.number) is not float or x.number != 0.0}
        rows: list[tuple[int, Partly]] = []
        for row in range(self.loop.rows):
            mine = [each.adjoint for each in arrived if each.place == self.loop.carries + 1 + row]
            rows += [(row, choices.as_partly(each.adjoint)) for each in mine if each.place is None]
            if places := [each for each in mine if each.place is not None]:
                rows.append((row, self._stack(places)))
        self.is_needed = bool(carries or rows) and any((self.active, self.of_stacks, self.of_constants))
        if not self.is_needed:
            return
        self.arrives = choices.any_of([x.arrives for x in [*carries.values(), *[x for _, x in rows]]])
        self.seeds = {k: choices.right_where(x, self.arrives) for k, x in carries.items()}
        self.when = {k: x.arrives for k, x in carries.items()}
        self.rows = [(row, x.number, choices.number(x.valid, self.arrives)) for row, x in rows]

    def _stack(self, places: list[Whole]) -> Partly:
        """Adjoints at places of a row as a stack. Only of rows of scan, whose length is known, are places read."""
        choices, found = self.choices, {}
        for place in {each.place for each in places}:
            terms = [choices.as_term(each.adjoint) for each in places if each.place == place]
            found[place] = choices.as_partly(choices.total_of(terms))
        arrives = choices.any_of([x.arrives for x in found.values()])
        numbers: list[Any] = [0.0] * int(self.forward.node._a[0])
        for place, x in found.items():
            numbers[place] = choices.right_where(x, arrives)
        return Partly(record_stack(self.trace, numbers), arrives, arrives)

    def terms(self) -> Terms:
        """What the loop passes on."""
        if not self.is_needed:
            return []
        # Certain: the carries at which something arrives before the first step backward and, as long as tracing a step
        # does not show otherwise, before every other.
        flagged = [k for k in self.active if self.when.get(k) is not self.arrives]
        while True:
            back, certain = self._record(flagged)
            more = [k for k in self.active if k not in flagged and not certain[k]]
            if not more:
                return self._pass_on(back, flagged)
            flagged = [k for k in self.active if k in flagged or k in more]

    def _record(self, flagged: list[int]) -> tuple[Recorded, dict[int, bool]]:
        """The backward loop, and whether something arrives for certain at each active carry, one step further back.

        Its carries: the adjoints of the active carries, their sums for the constants, and the flags of
        those carries that are flagged.
        """
        loop, active, constants = self.loop, self.active, self.of_constants
        certain: dict[int, bool] = {}
        flags_at_first = [self._first_flag(k) for k in flagged]

        def step(at: Tracer, carries: list[Tracer], read: list[Tracer]) -> Any:
            trace, inside = at.trace, Choices()
            before, rows = read[: loop.carries], read[loop.carries : self.first]
            own = [trace.lift(x) for x in self.constants]
            results = replay(trace, loop.body, [at, *before, *rows, *own])
            sums = carries[len(active) : len(active) + len(constants)]
            flags = dict(zip(flagged, carries[len(active) + len(constants) :]))
            seeds: list[tuple[Any, Any]] = []
            for k, x in zip(active, carries):
                under = inside.always.also(flags[k], True) if k in flags else inside.always
                assert under is not None
                seeds.append((results[k], Partly(x, under, inside.always)))
            for (row, _, when), x in zip(self.rows, read[self.first :]):
                seeds.append((results[loop.carries + row], x if type(when) is float else ops.where(when, x, 0.0)))
            variables = [
                *[before[k] for k in active],
                *[rows[k] for k in self.of_stacks],
                *[own[k] for k in constants],
            ]
            found = pull_back_under([out for out, _ in seeds], [x for _, x in seeds], variables, inside)
            numbers = [inside.result(x) for x in found]
            arriving = [_arrival(x, inside) for x in found]
            certain.update({k: type(x) is float and x == 1.0 for k, x in zip(active, arriving)})
            added = numbers[len(active) + len(self.of_stacks) :]
            totals = [x if type(new) is float and new == 0.0 else x + new for x, new in zip(sums, added)]
            following = [*numbers[: len(active)], *totals]
            following += [x for k, x in zip(active, arriving) if k in flags]
            return following, numbers[len(active) : len(active) + len(self.of_stacks)]

        back = record_loop(
            self.trace,
            loop.line,
            self.forward.steps,
            [*[self.seeds.get(k, 0.0) for k in active], *[0.0 for _ in constants], *flags_at_first],
            [
                *[self.forward.before(k) for k in range(loop.carries)],
                *self.stacks,
                *[stack for _, stack, _ in self.rows],
            ],
            step,
            backward=not loop.backward,
        )
        return back, certain

    def _first_flag(self, carry: int) -> Any:
        when = self.when.get(carry)
        return 0.0 if when is None else self.choices.number(when, self.arrives)

    def _pass_on(self, back: Recorded, flagged: list[int]) -> Terms:
        """The results of the backward loop as terms of the operands."""
        count = len(self.active) + len(self.of_constants)
        terms: Terms = []
        for place, k in enumerate(self.active):
            if self.leads[k]:
                when: Condition | None = self.arrives
                if k in flagged:
                    when = self.arrives.also(back.carry(count + flagged.index(k)), True)
                terms.append((self.inits[k], self._term(back.carry(place), when)))
        entered = self._entered()
        for place, k in enumerate(self.of_constants):
            terms.append((self.constants[k], self._term(back.carry(len(self.active) + place), entered)))
        for place, k in enumerate(self.of_stacks):
            row: Any = back.row(place)
            if self.arrives is not self.choices.always:
                row = Partly(row, self.arrives, self.arrives)
            terms.append((self.stacks[k], Whole(row, None)))
        return [(x, term) for x, term in terms if term is not None]

    def _term(self, number: Any, when: Condition | None) -> Any:
        return None if when is None else self.choices.as_term(number, when)

    def _entered(self) -> Condition | None:
        """The condition that anything arrives and a step is taken."""
        steps = self.forward.steps
        if type(steps) is float:
            return self.arrives if steps >= 1.0 else None
        if steps.op is ops.where and steps.args[1:] in ((1.0, 0.0), (0.0, 1.0)):  # a branch
            return self.arrives.also(steps.args[0], steps.args[1] == 1.0)
        return self.arrives.also(steps > 0.0, True)


def _split(adjoint: Any, choices: Choices) -> tuple[Any, Condition]:
    return (adjoint.number, adjoint.arrives) if type(adjoint) is Partly else (adjoint, choices.always)


def _arrival(x: Any, choices: Choices) -> Any:
    """1 where anything arrives at an adjoint, otherwise 0."""
    if type(x) is Partly:
        return choices.number(x.arrives)
    return 0.0 if type(x) is float and x == 0.0 else 1.0


def active_carries(loop: Loop, leads: Sequence[bool]) -> list[int]:
    """The carries that depend on operands that are wanted, directly or through other carries.

    Args:
        loop: the loop.
        leads: for each first carry, stack and constant, whether it is wanted.
    """
    depends = list(leads)
    while True:
        outputs = _dependent(loop.body, depends)
        now = [before or after for before, after in zip(depends[: loop.carries], outputs)]
        if now == depends[: loop.carries]:
            return [k for k in range(loop.carries) if depends[k]]
        depends[: loop.carries] = now


def _dependent(graph: Graph, on: Sequence[bool]) -> list[bool]:
    """For each output of the graph of a step, whether its derivative by an input after the first may not be 0."""
    found: list[bool] = []
    for what, args in zip(graph.what, graph.operands):
        if type(what) is Input:
            found.append(what.number > 0 and on[what.number - 1])
        elif isinstance(what, Primitive) and what.scalar:
            found.append(any(found[k] for k, partial in zip(args, what.partials) if partial is not None))
        else:
            found.append(any(found[k] for k in args))
    return [found[k] for k in graph.outputs]


# Forward


def push_at(node: Any, found: dict[Any, Any], _: Choices) -> Any:
    return at_place(found[node._a], node.op.place) if node._a in found else None


def push_stack(node: Any, found: dict[Any, Any], choices: Choices) -> Any:
    tangents = [0.0 if type(x) is float else choices.result(found.get(x, 0.0)) for x in node._a]
    return record_stack(node.trace.innermost(), tangents)


def push_item(node: Any, found: dict[Any, Any], _: Choices) -> Any:
    pushed = found.get(node._a)
    number, loop = node.op.number, node._a.op
    if pushed is None or number == loop.carries:
        return None
    tangents, active = pushed
    if number < loop.carries:
        return tangents.carry(loop.carries + active.index(number)) if number in active else None
    row = number - loop.carries - 1
    before = row - (loop.rows - loop.carries)
    if before < 0:
        return tangents.row(row)
    return tangents.before(loop.carries + active.index(before)) if before in active else None


def push_loop(node: Any, found: dict[Any, Any], choices: Choices) -> Any:
    forward = Recorded(node)
    loop, (count, inits, stacks, constants) = forward.loop, forward.operands()
    tangent: list[Any] = [
        None if type(x) is float else choices.result(found.get(x)) for x in (*inits, *stacks, *constants)
    ]
    active = active_carries(loop, [x is not None for x in tangent])
    first = loop.carries + loop.stacks
    of_stacks = [k for k in range(loop.stacks) if tangent[loop.carries + k] is not None]
    of_constants = [k for k in range(len(constants)) if tangent[first + k] is not None]
    if not active and not of_stacks and not of_constants:
        return None

    def step(at: Tracer, carries: list[Tracer], read: list[Tracer]) -> Any:
        trace = at.trace
        own = [trace.lift(x) for x in constants]
        now, rows = carries[: loop.carries], read[: loop.stacks]
        results = replay(trace, loop.body, [at, *now, *rows, *own])
        variables = [*[now[k] for k in active], *[rows[k] for k in of_stacks], *[own[k] for k in of_constants]]
        given = [
            *carries[loop.carries :],
            *read[loop.stacks :],
            *[trace.lift(tangent[first + k]) for k in of_constants],
        ]
        wanted = [*[results[k] for k in active], *results[loop.carries : loop.carries + forward.written]]
        pushed = push_forward(wanted, variables, given, True)
        return [*results[: loop.carries], *pushed[: len(active)]], pushed[len(active) :]

    def condition(at: Tracer, carries: list[Tracer]) -> Any:
        assert loop.condition is not None
        own = [at.trace.lift(x) for x in constants]
        return replay(at.trace, loop.condition, [at, *carries[: loop.carries], *own])[0]

    pushed = record_loop(
        node.trace.innermost(),
        loop.line,
        count,
        [*inits, *[0.0 if tangent[k] is None else tangent[k] for k in active]],
        [*stacks, *[tangent[loop.carries + k] for k in of_stacks]],
        step,
        None if loop.condition is None else condition,
        loop.backward,
        loop.limit,
    )
    return pushed, active


RULES = {
    At: WholeRule(pull_back_at, push_at),
    Item: WholeRule(pull_back_item, push_item),
    Stack: WholeRule(pull_back_stack, push_stack),
    Loop: WholeRule(pull_back_loop, push_loop),
}
