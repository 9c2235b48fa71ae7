"""Optimizer: the base of all optimizers. It holds parameters in groups and updates them as flat arrays."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, TypeVar

import numpy as np

from autograd import Value
from autograd.primitive import describe

from ..attributes import expect_none_replaced, optimizers
from ..checks import (
    check_count,
    check_learning_rate,
    check_number_or_flag,
    check_parameter,
    list_parameters,
    refuse_masked,
)
from .group import Flat as Flat, Group as Group

Check = Callable[[Any, str], Any]
Update = Callable[[Group, Flat, Flat], Flat]
Method = TypeVar("Method", bound=Callable[..., Flat])


def elementwise(update: Method) -> Method:
    """Mark an optimizer's update as one that treats each parameter by itself, so that it can be compiled.

    compile_step and fit try the update on a few numbers. Then they call it with a Value in place of each array, of
    `group.steps` and of each option that is on: once for each group, and again when options are switched on or off. It
    may use

    - arithmetic, abs, comparisons, which give 0 or 1, and NumPy functions of one number at a time, such as np.sqrt,
      np.tanh, np.sign, np.maximum and np.minimum;
    - `group.remember(name)` to read its state, and `group.state[name] = new` to change it, not `+=`;
    - `if group.uses(option)`, but no other branches.

    Everything else, such as attributes and globals, is read only when the update is compiled. Leave an update unmarked
    if it takes means or norms over the parameters, or does anything else that this list does not allow: it is then
    called at each step.

    >>> class Rprop(Optimizer):  # iRprop- of C. Igel, M. Hüsken, 2000; after M. Riedmiller, H. Braun, 1993
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
        raise TypeError(f"elementwise: update must be a method of an Optimizer, got {describe(update)}")
    update.elementwise = True  # type: ignore[attr-defined]
    return update


def run_update(update: Update, group: Group, data: Flat, grad: Flat) -> Flat:
    """What an update returns; TypeError if that is not one number for each parameter."""
    result = update(group, data, grad)
    if not isinstance(result, np.ndarray) or result.shape != data.shape or result.dtype != np.float64:
        raise TypeError(
            f"{update.__qualname__} must return the new numbers of the parameters, an array of shape {data.shape} and "
            f"dtype float64, got {describe(result)}"
        )
    refuse_masked(result, update.__qualname__)
    return result


class Optimizer:
    """The base of optimizers: it holds parameters and changes them by the update that a subclass defines.

    Args:
        parameters: leaf Values, as from model.parameters(); or groups of them, each a dict with
            "params" and options of its own, such as {"params": model.layers[0].parameters(), "lr": 0.01}.
        defaults: the options of the groups that do not give their own.

    Attributes:
        options: the checks of a class's options by name, in addition to those of its bases. A check is called with
            an option and its name. It returns the option, perhaps as another type, or raises TypeError or ValueError.
            An option without a check may be a finite number, True or False, or a tuple of these.

    Raises:
        TypeError: if the parameters are not leaf Values, or an option has the wrong type.
        ValueError: if there are no parameters, one is there twice, or an option is out of range or unknown.

    >>> from nn.checks import check_fraction
    >>> class Noisy(Optimizer):
    ...     options = {"noise": check_fraction}
    ...
    ...     def __init__(self, parameters, lr, noise=0.1, maximize=False):
    ...         super().__init__(parameters, lr=lr, noise=noise, maximize=maximize)
    >>> Noisy([Value(0.0)], lr=0.1).groups[0].options
    {'lr': 0.1, 'noise': 0.1, 'maximize': False}
    >>> Noisy([Value(0.0)], lr=0.1, noise=2.0)
    Traceback (most recent call last):
    ValueError: noise must be a number from 0 to 1, got 2.0
    """

    options: ClassVar[Mapping[str, Check]] = {"lr": check_learning_rate}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "rule" in vars(cls) and "update" not in vars(cls):
            raise TypeError(f"{cls.__name__}.rule must be named update. Rename it to update(self, group, data, grad)")
        declared = vars(cls).get("options", {})
        if not isinstance(declared, Mapping) or not all(map(callable, declared.values())):
            raise TypeError(f"{cls.__name__}.options must be a dict of functions by option name, got {declared!r}")

    def __init__(self, parameters: Iterable[Value] | Iterable[Mapping[str, Any]], **defaults: Any) -> None:
        name = type(self).__name__
        given = list_parameters(parameters, name)
        if not given:
            raise ValueError(f"{name}: parameters must hold at least one Value, got none")
        groups = given if all(isinstance(g, Mapping) for g in given) else [{"params": given}]
        self._names = list(defaults)
        self.groups = [self._make_group(dict(g), defaults) for g in groups]
        self.parameters = [p for group in self.groups for p in group.parameters]
        if len(set(self.parameters)) < len(self.parameters):
            raise ValueError(f"{name}: duplicate parameter. Pass each parameter once")
        self.replaced: dict[Value, str] = {}  # parameters that are no longer in the model, and where they were
        optimizers.add(self)

    def _make_group(self, given: dict[str, Any], defaults: dict[str, Any]) -> Group:
        name = type(self).__name__
        parameters = list_parameters(given.pop("params", ()), name)
        if not parameters:
            raise ValueError(f'{name}: a group must have "params", a list of at least one parameter')
        for p in parameters:
            check_parameter(p, name)
        return Group(parameters, self.check_options({**defaults, **given}))

    def check_options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """All options of a group as they are used; TypeError or ValueError, naming one, if any is invalid.

        A subclass may extend it to compare options with each other.
        """
        name = type(self).__name__
        if unknown := sorted(set(options) - set(self._names)):
            raise ValueError(f"{name}: unknown option {unknown}. The options are {self._names}")
        if missing := sorted(set(self._names) - set(options)):
            raise ValueError(f"{name}: missing option {missing}. The options are {self._names}")
        return {key: self._check(key, options[key]) for key in self._names}

    def check_changes(self, group: Group) -> None:
        """Check the options of a group, as check_options() does, if they have changed since the last time."""
        if group.options != group.checked:
            group.options.update(self.check_options(group.options))
            group.checked = dict(group.options)

    def _check(self, name: str, x: Any) -> Any:
        for kind in type(self).__mro__:
            checks: Mapping[str, Check] = vars(kind).get("options", {}) if issubclass(kind, Optimizer) else {}
            if name in checks:
                return checks[name](x, name)
        return check_number_or_flag(x, name)

    @property
    def lr(self) -> float:
        """The learning rate of the first group; assigning sets it for all groups.

        Raises:
            AttributeError: if the optimizer has no option lr.
        """
        if "lr" not in self._names:
            raise AttributeError(f"{type(self).__name__} has no option lr. The options are {self._names}")
        return float(self.groups[0].options["lr"])

    @lr.setter
    def lr(self, lr: float) -> None:
        if "lr" not in self._names:
            raise AttributeError(f"{type(self).__name__} has no option lr. The options are {self._names}")
        new = self._check("lr", lr)
        for group in self.groups:
            group.options["lr"] = new

    def __setattr__(self, name: str, x: Any) -> None:
        if name != "lr" and "groups" in vars(self) and name in self._names:
            raise AttributeError(
                f"{name} is an option of the parameter groups, and an attribute would have no effect. Assign to "
                f"optimizer.groups[k].options[{name!r}]"
            )
        super().__setattr__(name, x)

    def zero_grad(self) -> None:
        """Set every parameter's grad to 0."""
        for p in self.parameters:
            p.grad = 0.0

    def step(self) -> None:
        """Update every parameter once, using its grad.

        It raises RuntimeError if the model has other parameters now in place of some of them.
        """
        expect_none_replaced(self)
        data = np.array([float(p) for p in self.parameters])  # unlike p.data, refused inside a transform
        grad = np.array([p.grad for p in self.parameters])
        for p, x in zip(self.parameters, self.update_all(data, grad).tolist()):
            p.data = x

    def update_all(self, data: Flat, grad: Flat) -> Flat:
        """New numbers for all parameters from their numbers and gradients: flat arrays in the order of `parameters`.

        Raises:
            TypeError: if an option was given an invalid value. Then nothing changes.
            ValueError: in the same case.
        """
        for group in self.groups:
            self.check_changes(group)
        parts, start = [], 0
        for group in self.groups:
            end = start + len(group.parameters)
            group.steps += 1
            parts.append(run_update(self.update, group, data[start:end], grad[start:end]))
            start = end
        return np.concatenate(parts)

    def update(self, group: Group, data: Flat, grad: Flat) -> Flat:
        """New numbers for the parameters of one group. A subclass defines this.

        Keep what must be remembered from step to step in `group.state`, which is saved and loaded, and read it by
        group.remember(name), which is all 0 at first. Both arrays are reused after this call; copy what you keep.

        Args:
            group: the parameters' options, their state, and the number of this step, `group.steps`, counted from 1.
            data, grad: the parameters' numbers and gradients.

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
        """Everything that is needed to resume later: options, states and step counts of each group."""
        return {
            "kind": type(self).__qualname__,
            "groups": [
                {
                    "parameters": len(g.parameters),
                    "options": dict(g.options),
                    "steps": g.steps,
                    "state": {k: x.copy() for k, x in g.state.items()},
                }
                for g in self.groups
            ],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state that state_dict() returned.

        Raises:
            ValueError: if it is something else, or comes from an optimizer with other groups, parameters or options.
                Then nothing changes.
        """
        name = type(self).__name__
        try:
            saved = [(dict(g["options"]), dict(g["state"]), g["steps"], g["parameters"]) for g in state["groups"]]
        except (KeyError, TypeError, ValueError):
            raise ValueError(
                f"{name}: the state must be a dict that state_dict() returned, with "
                f'"groups", each of "parameters", "options", "steps" and "state", got {reprlib.repr(state)}'
            ) from None
        if state.get("kind", type(self).__qualname__) != type(self).__qualname__:
            raise ValueError(f"the state is of the optimizer {state['kind']}, not of {name}")
        if len(saved) != len(self.groups):
            raise ValueError(f"the state has {len(saved)} parameter groups, but the optimizer has {len(self.groups)}")
        new = []
        for group, (options, memory, steps, count) in zip(self.groups, saved):
            if count != len(group.parameters):
                raise ValueError(f"the state is of {count} parameters, but the group has {len(group.parameters)}")
            arrays = {k: np.array(x, dtype=np.float64) for k, x in memory.items()}
            if set(options) != set(group.options):
                raise ValueError(f"the state must have the options {list(group.options)}, got {list(options)}")
            for k, x in arrays.items():
                if x.shape != (len(group.parameters),):
                    raise ValueError(f"the state {k!r} must have shape ({len(group.parameters)},), got {x.shape}")
            number = check_count(steps, f"{name}: the steps of a state", 0)
            new.append(Group(group.parameters, self.check_options(options), arrays, number))
        self.groups = new

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for number, group in enumerate(self.groups):
            count = len(group.parameters)
            lines.append(f"Parameter Group {number}: {count:,} parameter" + "s" * (count != 1))
            lines += [f"    {name}: {x}" for name, x in group.options.items()]
        return "\n".join([*lines, ")"])
