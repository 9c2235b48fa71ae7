"""The derivative of a loop, forward: a loop that carries tangents beside the numbers.

As backward, it carries flags for the tangents of which it is not certain that there is anything.
"""

from __future__ import annotations

from typing import Any

from ....transforms.choices import Choices, Partly
from ....transforms.sweep import new_choices, push_forward_under
from ..tracer import Tracer
from .backward import arrival, is_certain
from .recorded import Recorded, record_loop, replay


class Forward:
    """The tangents of a loop.

    Args:
        node: the tracer of the loop.
        found: the tangents of other nodes.
        choices: the conditions of the sweep.
    """

    def __init__(self, node: Any, found: dict[Any, Any], choices: Choices) -> None:
        self.primal, self.choices, self.trace = Recorded(node), choices, node.trace.innermost()
        self.loop, operands = self.primal.loop, self.primal.operands()
        self.count, self.inits, self.stacks, self.constants = operands
        given = [*self.inits, *self.stacks, *self.constants]
        tangents = {k: found[x] for k, x in enumerate(given) if type(x) is not float and x in found}
        self.active = self.primal.active([k in tangents for k in range(len(given))])
        self.first = self.loop.carries + self.loop.stacks
        self.of_stacks = [k for k in tangents if self.loop.carries <= k < self.first]
        # Constants with a tangent under a condition, and first carries, are right everywhere: 0 where there is none.
        self.tangents = {k: x if k in self.of_stacks else choices.result(x) for k, x in tangents.items()}
        self.when = {k: arrival(tangents[k], choices) for k in self.active if k in tangents}

    def record(self) -> bool:
        """Record the loop; whether there are tangents at all."""
        if not self.active and not self.tangents:
            return False
        self.flagged = [k for k in self.active if not is_certain(self.when.get(k))]
        while True:
            self.pushed = self._record()
            more = [k for k in self.active if k not in self.flagged and not is_certain(self.arriving[k])]
            if not more:
                return True
            self.flagged += more

    def _record(self) -> Recorded:
        """The loop. Its carries: those of the loop, the tangents of the active ones, the flags."""
        loop, active, of_constants = self.loop, self.active, [k for k in self.tangents if k >= self.first]

        def step(at: Tracer, carries: list[Tracer], read: list[Tracer]) -> Any:
            trace, inside = at.trace, new_choices()
            own = [trace.lift(x) for x in self.constants]
            now, rows = carries[: loop.carries], read[: loop.stacks]
            results = replay(trace, loop.body, [at, *now, *rows, *own])
            flags = dict(zip(self.flagged, carries[loop.carries + len(active) :]))
            tangents: list[Any] = []
            for k, x in zip(active, carries[loop.carries :]):
                under = inside.conditions.always.also(flags[k], True) if k in flags else inside.conditions.always
                assert under is not None
                tangents.append(Partly(x, under, inside.conditions.always))
            tangents += [*read[loop.stacks :], *[trace.lift(self.tangents[k]) for k in of_constants]]
            variables = [now[k] for k in active]
            variables += [rows[k - loop.carries] for k in self.of_stacks]
            variables += [own[k - self.first] for k in of_constants]
            wanted = [*[results[k] for k in active], *results[loop.carries : loop.carries + self.primal.written]]
            found = push_forward_under(wanted, variables, tangents, inside)
            self.arriving = {k: arrival(x, inside) for k, x in zip(active, found)}
            pushed = [inside.result(x) for x in found]
            following = [*results[: loop.carries], *pushed[: len(active)], *[self.arriving[k] for k in flags]]
            return following, pushed[len(active) :]

        def condition(at: Tracer, carries: list[Tracer]) -> Any:
            assert loop.condition is not None
            own = [at.trace.lift(x) for x in self.constants]
            return replay(at.trace, loop.condition, [at, *carries[: loop.carries], *own])[0]

        return record_loop(
            self.trace,
            loop.line,
            self.count,
            [
                *self.inits,
                *[self.tangents.get(k, 0.0) for k in active],
                *[self.when.get(k, 0.0) for k in self.flagged],
            ],
            [*self.stacks, *[self.tangents[k] for k in self.of_stacks]],
            step,
            None if loop.condition is None else condition,
            loop.backward,
            loop.limit,
        )

    def item(self, number: int) -> Any:
        """The tangent of an Item of the loop; None if it has none."""
        carries = self.loop.carries
        row = number - carries - 1
        before = row - self.primal.written
        if number < carries and number in self.active:
            x = self.pushed.carry(carries + self.active.index(number))
            if number in self.flagged:
                flag = self.pushed.carry(carries + len(self.active) + self.flagged.index(number))
                under = self.choices.conditions.always.also(flag, True)
                assert under is not None
                return Partly(x, under, self.choices.conditions.always)
            return x
        if 0 <= row < self.primal.written:
            return self.pushed.row(row)
        return self.pushed.before(carries + self.active.index(before)) if before in self.active else None


def push_loop(node: Any, found: dict[Any, Any], choices: Choices) -> Any:
    """The loop of tangents; None if there are none."""
    forward = Forward(node, found, choices)
    return forward if forward.record() else None


def push_item(node: Any, found: dict[Any, Any], _: Choices) -> Any:
    return found[node._a].item(node.op.number) if node._a in found else None
