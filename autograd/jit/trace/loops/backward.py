"""The derivative of a loop, backward: a loop over the steps in the opposite order.

A step computes the forward one again from the carries that the forward loop kept, and passes back the adjoints of its
results (A. Griewank, A. Walther, Evaluating Derivatives, 2nd ed., SIAM 2008, section 12.1). Its carries are the
adjoints of the carries, and sums of what is passed back to the constants. It is a loop like any other, and so can be
differentiated.

Where nothing arrives, nothing must be passed on, not even a zero, which may meet an infinity. So the loop also carries
flags, one for each adjoint of which it is not certain that anything arrives there.
"""

from __future__ import annotations

import weakref
from typing import Any, Final

from .... import ops
from ....transforms.choices import Choices, Partly
from ....transforms.conditions import Condition
from ....transforms.sweep import new_choices, pull_back_under
from ....transforms.whole import Whole
from ....value import Value
from ...graph.loops import Loop
from ..tracer import Tracer
from .recorded import Recorded, record_loop, record_stack, replay

Terms = list[tuple[Any, Any]]
Wanted = set[Value] | None


# For each loop the flags that were found to be needed, by what is active. A loop inside is recorded once more each time
# that the one around it is; with this it is right at once, so that the work does not double with each level.
_flagged: Final[weakref.WeakKeyDictionary[Loop, dict[Any, tuple[int, ...]]]] = weakref.WeakKeyDictionary()


def pull_back_loop(node: Any, arrived: list[Whole], choices: Choices, wanted: Wanted) -> Terms:
    """What a loop passes on to its operands."""
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
        self.active = self.forward.active(leads)
        self.of_stacks = [k for k in range(loop.stacks) if leads[loop.carries + k]]
        self.of_constants = [k for k in range(len(self.constants)) if leads[self.first + k]]
        self._gather(arrived)

    def _gather(self, arrived: list[Whole]) -> None:
        """What arrived, as seeds of the active carries and stacks of seeds of rows, right where anything arrives."""
        choices = self.choices
        carries: dict[int, Partly] = {}
        for k in self.active:
            if mine := [choices.as_term(each.adjoint) for each in arrived if each.place == k]:
                carries[k] = choices.as_partly(choices.total(mine))
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
        self.arrives = choices.conditions.any_of([x.arrives for x in [*carries.values(), *[x for _, x in rows]]])
        self.seeds = {k: choices.right_where(x, self.arrives) for k, x in carries.items()}
        self.when = {k: x.arrives for k, x in carries.items()}
        self.rows = [(row, x.number, choices.conditions.number(x.valid, self.arrives)) for row, x in rows]

    def _stack(self, places: list[Whole]) -> Partly:
        """Adjoints at places of a row as a stack. Only of rows of scan, whose length is known, are places read."""
        choices, terms = self.choices, dict[int, list[Any]]()
        for adjoint, place in places:
            terms.setdefault(place, []).append(choices.as_term(adjoint))
        found = {place: choices.as_partly(choices.total(mine)) for place, mine in terms.items()}
        arrives = choices.conditions.any_of([x.arrives for x in found.values()])
        numbers: list[Any] = [0.0] * int(self.forward.node._a[0])
        for place, x in found.items():
            numbers[place] = choices.right_where(x, arrives)
        return Partly(record_stack(self.trace, numbers), arrives, arrives)

    def terms(self) -> Terms:
        """What the loop passes on."""
        if not self.is_needed:
            return []
        # Flagged: the carries and constants at which, as long as tracing a step does not show otherwise, something
        # arrives for certain at every step have no flag.
        flagged = [k for k in self.active if self.when.get(k) is not self.arrives]
        key = (*self.active, None, *self.of_constants, None, *flagged)
        known = _flagged.setdefault(self.loop, {})
        flagged = list(known.get(key, flagged))
        while True:
            back = self._record(flagged)
            more = [k for k in self.active if k not in flagged and not is_certain(self.arriving[k])]
            more += [k for k in self._sums() if k not in flagged and type(self.arriving[k]) is not float]
            if not more:
                known[key] = tuple(flagged)
                return self._pass_on(back, flagged)
            flagged += more

    def _sums(self) -> list[int]:
        """The sums for constants as carries of the backward loop, numbered on from the carries of the forward one."""
        return [self.first + k for k in self.of_constants]

    def _record(self, flagged: list[int]) -> Recorded:
        """The backward loop. Its carries: the adjoints of the active carries, the sums for the constants, the flags."""
        loop, active, constants = self.loop, self.active, self.of_constants

        def step(at: Tracer, carries: list[Tracer], read: list[Tracer]) -> Any:
            trace, inside = at.trace, new_choices()
            before, rows = read[: loop.carries], read[loop.carries : self.first]
            own = [trace.lift(x) for x in self.constants]
            results = replay(trace, loop.body, [at, *before, *rows, *own])
            sums = carries[len(active) : len(active) + len(constants)]
            flags = dict(zip(flagged, carries[len(active) + len(constants) :]))
            seeds: list[tuple[Any, Any]] = []
            for k, x in zip(active, carries):
                under = inside.conditions.always.also(flags[k], True) if k in flags else inside.conditions.always
                assert under is not None
                seeds.append((results[k], Partly(x, under, inside.conditions.always)))
            for (row, _, when), x in zip(self.rows, read[self.first :]):
                seeds.append((results[loop.carries + row], x if type(when) is float else ops.where(when, x, 0.0)))
            variables = [
                *[before[k] for k in active],
                *[own[k] for k in constants],
                *[rows[k] for k in self.of_stacks],
            ]
            found = pull_back_under([out for out, _ in seeds], [x for _, x in seeds], variables, inside)
            adjoints = [inside.result(x) for x in found]
            self.arriving = {k: arrival(x, inside) for k, x in zip([*active, *self._sums()], found)}
            added = adjoints[len(active) : len(active) + len(constants)]
            totals = [x if type(new) is float and new == 0.0 else x + new for x, new in zip(sums, added)]
            following = [*adjoints[: len(active)], *totals]
            for k, flag in flags.items():
                following.append(self.arriving[k] if k in active else ops.where(self.arriving[k], 1.0, flag))
            return following, adjoints[len(active) + len(constants) :]

        return record_loop(
            self.trace,
            loop.line,
            self.forward.steps,
            [
                *[self.seeds.get(k, 0.0) for k in active],
                *[0.0 for _ in constants],
                *[self._first_flag(k) for k in flagged],
            ],
            [
                *[self.forward.before(k) for k in range(loop.carries)],
                *self.stacks,
                *[stack for _, stack, _ in self.rows],
            ],
            step,
            backward=not loop.backward,
        )

    def _first_flag(self, carry: int) -> Any:
        when = self.when.get(carry)
        return 0.0 if when is None else self.choices.conditions.number(when, self.arrives)

    def _pass_on(self, back: Recorded, flagged: list[int]) -> Terms:
        """The results of the backward loop as terms of the operands."""
        numbers = [*self.active, *self._sums()]
        operands = [*self.inits, *self.stacks, *self.constants]
        entered = self._entered()
        terms: Terms = []
        for place, k in enumerate(numbers):
            when = self.arrives if k in self.active else entered
            if k in flagged:
                when = self.arrives.also(back.carry(len(numbers) + flagged.index(k)), True)
            if self.leads[k] and when is not None and (k in self.active or self._ever_arrives(k)):
                terms.append((operands[k], self.choices.as_term(back.carry(place), when)))
        for place, k in enumerate(self.of_stacks):
            row: Any = back.row(place)
            if self.arrives is not self.choices.conditions.always:
                row = Partly(row, self.arrives, self.arrives)
            terms.append((self.stacks[k], Whole(row, None)))
        return terms

    def _ever_arrives(self, k: int) -> bool:
        return type(self.arriving[k]) is not float or self.arriving[k] != 0.0

    def _entered(self) -> Condition | None:
        """The condition that anything arrives and a step is taken."""
        steps = self.forward.steps
        if type(steps) is float:
            return self.arrives if steps >= 1.0 else None
        if (
            steps.op is ops.where and {type(x) for x in steps.args[1:]} == {float} and sum(steps.args[1:]) == 1
        ):  # a branch
            return self.arrives.also(steps.args[0], steps.args[1] == 1.0)
        return self.arrives.also(steps > 0.0, True)


def arrival(x: Any, choices: Choices) -> Any:
    """1 where anything arrives at an adjoint or a tangent, otherwise 0."""
    if type(x) is Partly:
        return choices.conditions.number(x.arrives, choices.conditions.always)
    return 0.0 if type(x) is float and x == 0.0 else 1.0


def is_certain(x: Any) -> bool:
    """Whether an arrival is certain."""
    return type(x) is float and x == 1.0
