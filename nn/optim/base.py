"""Optimizer: the base of optimizers, which holds parameters in groups and moves them by a rule on flat arrays."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from autograd import Value
from autograd.primitive import describe

from ..checks import check_fraction_below_one, check_nonnegative, list_parameters

Flat = NDArray[np.float64]


@dataclass(eq=False)
class Group:
    """Parameters that share their options, and what the optimizer remembers about them.

    Attributes:
        parameters: leaf Values.
        options: the learning rate "lr" and the optimizer's other numbers, by name; may be assigned to.
        state: the optimizer's memory, such as velocities: arrays with an entry for each parameter. A rule replaces
            them; compiled steps keep them in memory of their own.
        steps: how often they were updated.
    """

    parameters: list[Value]
    options: dict[str, Any]
    state: dict[str, Flat] = field(default_factory=dict)
    steps: int = 0

    def uses(self, option: str) -> bool:
        """Whether an option is on: neither 0 nor False. This is what a rule may branch on."""
        x = self.options[option]
        return isinstance(x, Value) or bool(x)  # it is a Value while an elementwise rule is compiled

    def remember(self, name: str, start: float = 0.0) -> Flat:
        """The state of that name, all `start` at first."""
        if name not in self.state:
            self.state[name] = np.full(len(self.parameters), start)
        return self.state[name]


Update = Callable[[Group, Flat, Flat], Flat]
Method = TypeVar("Method", bound=Callable[..., Flat])


def elementwise(update: Method) -> Method:
    """Mark an optimizer's rule that does to each parameter the same, whatever the others are: it can be compiled.

    compile_step and fit try it on a few numbers, and then call it with a Value in the place of each array, of
    `group.steps`, and of each option that is on; once for each group, and again when another option is on. It may use

    - arithmetic, abs, comparisons, which are 0 or 1, and functions of NumPy's that take one number at a time, such as
      np.sqrt, np.tanh, np.sign, np.maximum and np.minimum;
    - `group.remember(name)` for its state, and `group.state[name] = new` to change it, not `+=`;
    - `if group.uses(option)`, but no other branches.

    Nothing else is looked at again at the steps to come: attributes and globals are as they were when it was compiled.
    A rule that is not so, as it takes means or norms over the parameters, goes unmarked, and is called at each step.

    >>> class Rprop(Optimizer):  # M. Riedmiller, H. Braun, 1993; as C. Igel, M. Hüsken, 2000, have it: iRprop-
    ...     def __init__(self, parameters, lr=0.01):
    ...         super().__init__(parameters, lr=lr)
    ...
    ...     @elementwise
    ...     def update(self, group, data, grad):
    ...         agree = grad * group.remember("grad")
    ...         factor = 1.2 * (agree > 0) + 0.5 * (agree < 0) + (agree == 0)
    ...         group.state["rate"] = rate = np.minimum(group.remember("rate", 1.0) * factor, 50.0)
    ...         group.state["grad"] = grad * (agree >= 0)
    ...         return data - group.options["lr"] * rate * np.sign(grad)
    """
    if not callable(update):
        raise TypeError(f"elementwise marks an update, a method of an Optimizer, got {describe(update)}")
    update.elementwise = True  # type: ignore[attr-defined]
    return update


def run_update(update: Update, group: Group, data: Flat, grad: Flat) -> Flat:
    """What an update returns; TypeError if that is not one number for each parameter."""
    result = update(group, data, grad)
    if not isinstance(result, np.ndarray) or result.shape != data.shape:
        raise TypeError(
            f"{update.__qualname__} must return the new numbers of the parameters, an array of shape {data.shape}, "
            f"got {describe(result)}"
        )
    return result


class Optimizer:
    """The base of optimizers: it holds parameters and moves them by the rule that a subclass gives.

    Args:
        parameters: leaf Values, as from model.parameters(); or groups of them, each a dict with
            "params" and options of its own, such as {"params": model.layers[0].parameters(), "lr": 0.01}.
        defaults: the options of parameters whose group does not say otherwise.

    Raises:
        TypeError: if the parameters are not leaf Values, or an option is not a number.
        ValueError: if there are none, one comes twice, or an option is out of its range or unknown.
    """

    def __init__(self, parameters: Iterable[Value] | Iterable[Mapping[str, Any]], **defaults: Any) -> None:
        name = type(self).__name__
        given = list_parameters(parameters, name)
        if not given:
            raise ValueError(f"{name} takes at least one parameter, got none")
        groups = given if all(isinstance(g, Mapping) for g in given) else [{"params": given}]
        self.groups = [self._group(dict(g), defaults) for g in groups]
        self.parameters = [p for group in self.groups for p in group.parameters]
        if len(set(self.parameters)) < len(self.parameters):
            raise ValueError(f"{name}: a parameter comes twice; give each once")

    def _group(self, given: dict[str, Any], defaults: dict[str, Any]) -> Group:
        name = type(self).__name__
        parameters = list(given.pop("params", ()))
        if not parameters:
            raise ValueError(f'{name}: a group needs "params", at least one parameter')
        for p in parameters:
            if not isinstance(p, Value) or p.op is not None:
                raise TypeError(f"{name}: a parameter is a leaf Value, got {p!r}")
        if set(given) - set(defaults):
            raise ValueError(f"{name}: unknown option {sorted(set(given) - set(defaults))}; there are {list(defaults)}")
        options = {key: self.check(key, given.get(key, default)) for key, default in defaults.items()}
        return Group(parameters, options)

    def check(self, name: str, x: Any) -> Any:
        """The option x as it is used; TypeError or ValueError, naming it, if it cannot be.

        Options are finite numbers of 0 or more; "betas" is two, and these and "alpha" are below 1;
        "nesterov" and "centered" are True or False. For options of another kind override this.
        """
        if name in ("nesterov", "centered"):
            if not isinstance(x, (bool, np.bool_)):
                raise TypeError(f"{name} is True or False, got {x!r}")
            return bool(x)
        if name == "betas":
            if not isinstance(x, (tuple, list)) or len(x) != 2:
                raise TypeError(f"betas is two numbers from 0 up to but not 1, got {x!r}")
            return tuple([check_fraction_below_one(each, "beta") for each in x])
        if name == "alpha":
            return check_fraction_below_one(x, name)
        return check_nonnegative(x, "the learning rate lr" if name == "lr" else name)

    @property
    def lr(self) -> float:
        """The learning rate of the first group; assigning sets it for all groups."""
        return float(self.groups[0].options["lr"])

    @lr.setter
    def lr(self, lr: float) -> None:
        checked = self.check("lr", lr)
        for group in self.groups:
            group.options["lr"] = checked

    def zero_grad(self) -> None:
        """Set every parameter's grad to 0."""
        for p in self.parameters:
            p.grad = 0.0

    def step(self) -> None:
        """Move every parameter once, by its grad."""
        data = np.array([p.data for p in self.parameters])
        grad = np.array([p.grad for p in self.parameters])
        for p, x in zip(self.parameters, self.update_all(data, grad).tolist()):
            p.data = x

    def update_all(self, data: Flat, grad: Flat) -> Flat:
        """New numbers for all parameters from their numbers and gradients: flat arrays in the order of `parameters`."""
        parts, start = [], 0
        for group in self.groups:
            end = start + len(group.parameters)
            group.steps += 1
            parts.append(run_update(self.update, group, data[start:end], grad[start:end]))
            start = end
        return np.concatenate(parts)

    def update(self, group: Group, data: Flat, grad: Flat) -> Flat:
        """New numbers for the parameters of one group, on its step number `group.steps`, counted from 1.

        Both arrays are lent for this call: a rule that remembers one remembers a copy. What it remembers from step to
        step is in `group.state`, which is saved and loaded: arrays such as group.remember(name), all 0 at first.

        Args:
            group: the parameters' options, state and step number.
            data, grad: their numbers and gradients.

        >>> class Momentum(Optimizer):
        ...     def __init__(self, parameters, lr, momentum=0.9):
        ...         super().__init__(parameters, lr=lr, momentum=momentum)
        ...
        ...     @elementwise
        ...     def update(self, group, data, grad):
        ...         velocity = group.options["momentum"] * group.remember("velocity") + grad
        ...         group.state["velocity"] = velocity
        ...         return data - group.options["lr"] * velocity
        """
        raise NotImplementedError(f"{type(self).__name__} has no update. Define update(self, group, data, grad)")

    def state_dict(self) -> dict[str, Any]:
        """All that the optimizer remembers, to go on from later: options, states and step counts of each group."""
        return {
            "groups": [
                {"options": dict(g.options), "steps": g.steps, "state": {k: x.copy() for k, x in g.state.items()}}
                for g in self.groups
            ]
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what state_dict() gave.

        Raises:
            ValueError: if it is none, or that of an optimizer with other groups, parameters or options;
                nothing changes then.
        """
        try:
            saved = [(dict(g["options"]), dict(g["state"]), int(g["steps"])) for g in state["groups"]]
        except (KeyError, TypeError, ValueError):
            raise ValueError(
                f"{type(self).__name__}: the state is not one that state_dict() gave, a dict with "
                f'"groups", each of "options", "steps" and "state": got {reprlib.repr(state)}'
            ) from None
        if len(saved) != len(self.groups):
            raise ValueError(f"the state has {len(saved)} groups of parameters, not {len(self.groups)}")
        new = []
        for group, (options, memory, steps) in zip(self.groups, saved):
            arrays = {k: np.array(x, dtype=np.float64) for k, x in memory.items()}
            if set(options) != set(group.options):
                raise ValueError(f"the state has the options {list(options)}, not {list(group.options)}")
            for k, x in arrays.items():
                if x.shape != (len(group.parameters),):
                    raise ValueError(f"the state {k!r} has shape {x.shape}, for {len(group.parameters)} parameters")
            checked = {key: self.check(key, x) for key, x in options.items()}
            new.append(Group(group.parameters, checked, arrays, steps))
        self.groups = new

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for number, group in enumerate(self.groups):
            count = len(group.parameters)
            lines.append(f"Parameter Group {number}: {count:,} parameter" + "s" * (count != 1))
            lines += [f"    {name}: {x}" for name, x in group.options.items()]
        return "\n".join([*lines, ")"])
