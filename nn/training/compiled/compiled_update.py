"""CompiledUpdate: an optimizer's update as machine code, run on the parameters of a group as on a batch."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd.jit import TracingError, jit
from autograd.jit.runtime.memory import padded

from ...optim.base import Flat, Group, Optimizer, Update, run_update

if TYPE_CHECKING:
    from autograd.jit.runtime.routine import Routine  # which imports LLVM


class CompiledUpdate:
    """An elementwise update for one group, compiled for the options that are on.

    Args:
        optimizer: the optimizer that has the update.
        group: the parameters. While steps are taken, their state is kept here.
    """

    def __init__(self, optimizer: Optimizer, group: Group) -> None:
        update = optimizer.update
        names = list(trial_states(optimizer, group))

        def run(numbers: Any, data: Any, grad: Any, *memory: Any) -> Any:
            steps, *on = numbers
            options = _replace_numbers(group.options, iter(on))
            inside = Group(group.parameters, options, dict(zip(names, memory)), steps)
            groups, optimizer.groups = optimizer.groups, [inside]  # so that self.lr is not a constant
            try:
                new = update(inside, data, grad)
            except TracingError as error:
                raise TracingError(
                    f"{error}. Or leave nn.elementwise off; then the update is called as it is"
                ) from error
            finally:
                optimizer.groups = groups
            return [new, *[inside.state[name] for name in names]]

        arrays = [np.zeros(len(group.parameters))] * (2 + len(names))
        program = jit(run, (None, *[0] * len(arrays)))
        runner = program.runner([np.array([1.0, *_numbers_on(group.options)]), *arrays], None)
        assert runner is not None  # no argument has Values
        self._runner, self._work = runner, runner.workspace()
        self._numbers, self._data, self._grad, *memory = self._work.inputs
        self._new, *self._after = self._work.outputs
        self._memory = list(zip(names, memory))
        self._optimizer, self._update, self._fixed_part = optimizer, update, _fixed_part(group.options)
        self._number, self._one = padded(1), padded(1)  # the number of the next step, which the code counts
        self._one[0] = 1.0
        self.group, self._options, self._steps = group, dict[str, Any](), -1

    def fits(self, update: Update, group: Group) -> bool:
        """Whether it is the code for this update, this group, and the set of options that are on now."""
        return self.group is group and (self._update, self._fixed_part) == (update, _fixed_part(group.options))

    def compute(self, routine: Routine, data: Flat, grad: Flat, new: Flat) -> None:
        """Add to a routine: compute the new numbers of the parameters."""
        routine.copy(self._number, self._numbers[:1])
        for leaf, (x, place) in enumerate([(data, self._data), (grad, self._grad)]):
            rest = self._work.lend(leaf, x)
            routine.copy(x[rest:], place[rest:])
        routine.run(self._runner, self._work)
        routine.copy(self._new, new)

    def keep(self, routine: Routine) -> None:
        """Add to a routine: replace the state by the new one, and count the step."""
        routine.add(self._one, self._number)
        for after, (_, memory) in zip(self._after, self._memory):
            routine.copy(after, memory)

    def begin(self) -> bool:
        """Read options, state and step count from the group; False if these options need other code."""
        group = self.group
        if group.options != self._options:
            self._optimizer.check_changes(group)
            if not self.fits(self._update, group):
                return False
            self._numbers[1:] = _numbers_on(group.options)
            self._options = dict(group.options)
        if group.steps != self._steps:
            self._steps = group.steps
            self._number[0] = group.steps + 1
        for name, memory in self._memory:
            state = group.state.get(name)
            if state is not memory:
                memory[...] = trial_states(self._optimizer, group)[name] if state is None else state
        return True

    def end(self) -> None:
        """Count the step that was taken, and give the group its state."""
        for name, memory in self._memory:
            self.group.state[name] = memory
        self._steps = self.group.steps = self._steps + 1  # last, because settle() takes it as a sign that all is done

    def settle(self) -> None:
        """After an interrupt: end the step if the code has taken it."""
        if self._number.item() > self.group.steps + 1:
            self._steps = self.group.steps
            self.end()


def trial_states(optimizer: Optimizer, group: Group) -> dict[str, float]:
    """The states that an update remembers, and where they start.

    Raises:
        TypeError: if two steps with three numbers, and with each of them alone, show that it is not elementwise.
    """
    update = optimizer.update
    data, grad = np.array([0.5, -1.5, 2.0]), np.array([0.25, 1.0, -3.0])
    together = Trial.of(optimizer, group, data, grad)
    alone = [Trial.of(optimizer, group, data[k : k + 1], grad[k : k + 1]) for k in range(3)]
    for name, x in together.state.items():
        if not np.allclose(x, np.concatenate([each.state[name] for each in alone]), rtol=1e-9, atol=0, equal_nan=True):
            raise _not_elementwise(update, "what it computes for a parameter depends on the others")
    names = set(together.state) - {"parameters"}
    if names != together.starts.keys():
        missing = sorted(names - together.starts.keys())
        raise _not_elementwise(update, f"it keeps {missing} without reading it by group.remember")
    return together.starts


@dataclass(eq=False)
class Trial(Group):
    """A group that notes what is remembered and where that starts, and whose states cannot be changed in place."""

    starts: dict[str, float] = field(default_factory=dict)

    def remember(self, name: str, start: float = 0.0) -> Flat:
        if np.ndim(start):
            raise TypeError(
                f"the start of the state {name!r} of an elementwise update must be one number, got {start!r}"
            )
        self.starts.setdefault(name, start)
        return super().remember(name, start)

    @classmethod
    def of(cls, optimizer: Optimizer, group: Group, data: Flat, grad: Flat) -> Trial:
        """The group after two steps, with the new parameters as one more state."""
        state: Any = ReadOnlyStates()
        trial = cls((group.parameters * 3)[: len(data)], dict(group.options), state)
        update, before = optimizer.update, {name: id(x) for name, x in vars(optimizer).items()}
        for _ in range(2):
            trial.steps += 1
            try:
                with np.errstate(all="ignore"):
                    data = run_update(update, trial, data.copy(), grad.copy())
            except ValueError as error:
                if "read-only" not in str(error):
                    raise
                raise _not_elementwise(
                    update, "it changes a state in place. Write group.state[name] = new instead"
                ) from error
        if trial.options != group.options or before != {name: id(x) for name, x in vars(optimizer).items()}:
            raise _not_elementwise(
                update, "it changes its optimizer or options. Keep numbers that change in group.state"
            )
        state["parameters"] = data
        return trial


class ReadOnlyStates(UserDict[str, Any]):
    """States that can be read and replaced, but not changed in place."""

    def __setitem__(self, name: str, x: Any) -> None:
        x = np.asarray(x).view()
        x.flags.writeable = False
        super().__setitem__(name, x)


def _not_elementwise(update: Update, what: str) -> TypeError:
    return TypeError(
        f"{update.__qualname__} is marked elementwise, but {what}. See help(nn.elementwise), or leave the mark off"
    )


def _replace_numbers(options: Mapping[str, Any], numbers: Iterator[Any]) -> dict[str, Any]:
    """The options, with other numbers for those that are on."""

    def replace(x: Any) -> Any:
        return tuple([replace(each) for each in x]) if isinstance(x, tuple) else next(numbers) if _is_on(x) else x

    return {name: replace(x) for name, x in options.items()}


def _numbers_on(options: Mapping[str, Any]) -> list[float]:
    """The numbers that are on."""

    def numbers(x: Any) -> list[float]:
        return [n for each in x for n in numbers(each)] if isinstance(x, tuple) else [x] if _is_on(x) else []

    return [n for x in options.values() for n in numbers(x)]


def _is_on(x: Any) -> bool:
    """Whether an option is a number other than 0. Flags, strings and other things stay as they are."""
    return isinstance(x, (int, float, np.number)) and not isinstance(x, bool) and x != 0


def _fixed_part(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options without the values of those numbers that are on."""
    return _replace_numbers(options, repeat("on"))
