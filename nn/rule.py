"""Move: an optimizer's rule as machine code, with the parameters of a group for a batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd.jit import jit
from autograd.jit.memory import padded

from .optimizer import Flat, Group, Rule

if TYPE_CHECKING:
    from autograd.jit.routine import Routine  # which imports LLVM


class Move:
    """An elementwise rule for one group, compiled for the options that are on.

    Args:
        rule: the rule.
        group: whose parameters it moves. Its state is kept here while it is moved.
    """

    def __init__(self, rule: Rule, group: Group) -> None:
        trial = Trial(group.parameters[:1], group.options, {}, 1)
        rule(trial, np.zeros(1), np.ones(1))
        if trial.state.keys() != trial.starts.keys():
            raise TypeError(
                f"an elementwise rule has all its state from group.remember; got {sorted(trial.starts)} from there, "
                f"and {sorted(trial.state)} in the end"
            )
        names = list(trial.state)

        def move(numbers: Any, data: Any, grad: Any, *memory: Any) -> Any:
            steps, *on = numbers
            inside = Group(group.parameters, _with(group.options, iter(on)), dict(zip(names, memory)), steps)
            moved = rule(inside, data, grad)
            return [moved, *[inside.state[name] for name in names]]

        arrays = [np.zeros(len(group.parameters))] * (2 + len(names))
        program = jit(move, (None, *[0] * len(arrays)))
        runner = program.runner([np.array([1.0, *_on(group.options)]), *arrays], None)
        assert runner is not None  # no argument has Values
        self._runner, self._work = runner, runner.workspace()
        self._numbers, self._data, self._grad, *memory = self._work.inputs
        self._moved, *self._after = self._work.outputs
        self._memory = list(zip(names, memory, trial.starts.values()))
        self._rule, self._form = rule, _form(group.options)
        self._number, self._one = padded(1), padded(1)  # of the next step; it is counted in code
        self._one[0] = 1.0
        self.group, self._options, self._steps = group, dict[str, Any](), -1

    def fits(self, rule: Rule, group: Group) -> bool:
        """Whether it is the code for this rule, group and options."""
        return self.group is group and (self._rule, self._form) == (rule, _form(group.options))

    def compute(self, routine: Routine, data: Flat, grad: Flat, moved: Flat) -> None:
        """Add to a routine: give `moved` what becomes of `data`."""
        routine.copy(self._number, self._numbers[:1])
        for leaf, (x, place) in enumerate([(data, self._data), (grad, self._grad)]):
            rest = self._work.lend(leaf, x)
            routine.copy(x[rest:], place[rest:])
        routine.run(self._runner, self._work)
        routine.copy(self._moved, moved)

    def keep(self, routine: Routine) -> None:
        """Add to a routine: take the new state for the state, and count the step."""
        routine.add(self._one, self._number)
        for after, (_, memory, _) in zip(self._after, self._memory):
            routine.copy(after, memory)

    def begin(self) -> bool:
        """Take options, state and step count from the group; False if another Move is needed for these options."""
        group = self.group
        if group.options != self._options:
            if not self.fits(self._rule, group):
                return False
            self._numbers[1:] = _on(group.options)
            self._options = dict(group.options)
        if group.steps != self._steps:
            self._steps = group.steps
            self._number[0] = group.steps + 1
        for name, memory, start in self._memory:
            given = group.state.get(name)
            if given is not memory:
                memory[...] = start if given is None else given
        return True

    def end(self) -> None:
        """Count the step that was taken, and give the group its state."""
        self._steps = self.group.steps = self._steps + 1
        for name, memory, _ in self._memory:
            self.group.state[name] = memory

    def settle(self) -> None:
        """After an interrupt: end what was taken."""
        if self._number.item() > self.group.steps + 1:
            self._steps = self.group.steps
            self.end()


@dataclass
class Trial(Group):
    """A group that notes what is remembered, and where that starts."""

    starts: dict[str, float] = field(default_factory=dict)

    def remember(self, name: str, start: float = 0.0) -> Flat:
        self.starts[name] = start
        return super().remember(name, start)


def _with(options: Mapping[str, Any], numbers: Iterator[Any]) -> dict[str, Any]:
    """The options, with other numbers for those that are on: neither 0, nor True or False, which are no numbers."""

    def replaced(x: Any) -> Any:
        if isinstance(x, tuple):
            return tuple([replaced(each) for each in x])
        return next(numbers) if x and not isinstance(x, bool) else x

    return {name: replaced(x) for name, x in options.items()}


def _on(options: Mapping[str, Any]) -> list[float]:
    """The numbers that are on."""

    def numbers(x: Any) -> list[float]:
        return [n for each in x for n in numbers(each)] if isinstance(x, tuple) else [x]

    found = [n for x in options.values() for n in numbers(x)]
    return [x for x in found if x and not isinstance(x, bool)]


def _form(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options but for the numbers that are on."""
    return _with(options, repeat("on"))
