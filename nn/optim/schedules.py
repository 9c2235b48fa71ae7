"""Schedules: how an optimizer's learning rate changes from epoch to epoch. Names and formulas are PyTorch's.

Make one from an optimizer and call its step() after each epoch. Most multiply the initial learning rates of the
optimizer's groups by a factor that depends on the number of steps so far.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from ..checks import check_count, check_fraction, check_fraction_below_one, check_nonnegative, check_number
from ..code import describe_difference
from ..settings import describe_setting
from .base import Optimizer


class Scheduler:
    """The base of all schedules: an optimizer, and a state to resume from.

    Attributes:
        optimizer: the optimizer whose learning rates change.
        watches: what fit calls step() with after each epoch: "loss" for the validation loss (or the training loss
            if there is none), "metric" for the metric, "" for no argument.
        initial: the learning rates at the start, one for each group, if later ones follow from them; otherwise None.
        moving: the names of the attributes that change from epoch to epoch, in addition to those of the bases:
            numbers and lists of them. All others are settings.
    """

    moving: ClassVar[tuple[str, ...]] = ()
    initial: list[float] | None = None
    watches: Literal["", "loss", "metric"] = ""

    def __init__(self, optimizer: Optimizer) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(self).__name__}: optimizer must be an Optimizer, got {optimizer!r}")
        if not hasattr(optimizer, "lr"):
            name, kind = type(self).__name__, type(optimizer).__name__
            raise ValueError(f"{name}: optimizer must have the option lr, got {kind}, which has none")
        self.optimizer = optimizer

    def step(self) -> None:
        """Go on to the next epoch."""
        raise NotImplementedError(f"{type(self).__name__} has no step. Define step(self), which changes the rates")

    def state_dict(self) -> dict[str, Any]:
        """What the schedule remembers, and its settings: numbers, strings and lists of them."""
        moving = self._moving()
        return {k: x if k in moving else describe_setting(x) for k, x in vars(self).items() if k != "optimizer"}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state that state_dict() returned. The learning rate itself is in the optimizer's state.

        Raises:
            ValueError: if it comes from another kind of schedule, or one with other settings. Then nothing changes.
        """
        own, name, moving = self.state_dict(), type(self).__name__, self._moving()
        if not isinstance(state, Mapping) or set(state) != set(own):
            raise ValueError(f"{name}: the state must have the entries {sorted(own)}, got {reprlib.repr(state)}")
        for key, x in own.items():
            if key not in moving and describe_setting(state[key]) != x:
                wanted, got = describe_difference(x, describe_setting(state[key]))
                raise ValueError(f"{name}: the state must be of a schedule with {key}={wanted}, got {got}")
        vars(self).update({key: x for key, x in state.items() if key in moving})

    def _moving(self) -> set[str]:
        return {name for kind in type(self).__mro__ for name in vars(kind).get("moving", ())}


class Schedule(Scheduler):
    """The base of most schedules: learning rate = initial learning rate × factor(steps so far).

    Args:
        optimizer: the optimizer whose learning rates change.

    >>> class Halve(Schedule):
    ...     def factor(self, steps):
    ...         return 0.5**steps
    """

    moving = ("steps", "initial")

    def __init__(self, optimizer: Optimizer) -> None:
        super().__init__(optimizer)
        self.initial: list[float] = [float(g.options["lr"]) for g in optimizer.groups]
        self.steps = 0
        self._apply()

    def factor(self, steps: int) -> float:
        """The factor for the initial learning rates after that many steps. A subclass defines this."""
        raise NotImplementedError(f"{type(self).__name__} has no factor. Define factor(self, steps)")

    def step(self) -> None:
        """Go on to the next epoch.

        Raises:
            RuntimeError: if something else, such as another schedule, has changed a learning rate since the last step.
        """
        now, rates = [group.options["lr"] for group in self.optimizer.groups], self._rates()
        if now != rates:
            raise RuntimeError(
                f"{type(self).__name__} sets the learning rates, last to {rates}, but something else has changed them "
                f"to {now}, which would be lost. Use one schedule, or make a new one after you change the rate"
            )
        self.steps += 1
        self._apply()

    def _rates(self) -> list[float]:
        """The learning rates after the steps so far."""
        return [lr * self.factor(self.steps) for lr in self.initial]

    def _apply(self) -> None:
        for group, lr in zip(self.optimizer.groups, self._rates()):
            group.options["lr"] = lr


class StepLR(Schedule):
    """Multiplies the learning rate by gamma every step_size epochs.

    >>> from autograd import Value
    >>> from nn import SGD
    >>> optimizer = SGD([Value(0.0)], lr=1.0)
    >>> schedule = StepLR(optimizer, step_size=2, gamma=0.5)
    >>> for epoch in range(4):
    ...     schedule.step()
    >>> optimizer.lr
    0.25
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        self.step_size, self.gamma = check_count(step_size, "step_size"), check_nonnegative(gamma, "gamma")
        super().__init__(optimizer)

    def factor(self, steps: int) -> float:
        return float(self.gamma ** (steps // self.step_size))


class ExponentialLR(Schedule):
    """Multiplies the learning rate by gamma every epoch."""

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        self.gamma = check_nonnegative(gamma, "gamma")
        super().__init__(optimizer)

    def factor(self, steps: int) -> float:
        return float(self.gamma**steps)


class CosineAnnealingLR(Schedule):
    """Lowers the learning rate along half a cosine, from its initial value to eta_min in T_max epochs.

    I. Loshchilov, F. Hutter, SGDR: stochastic gradient descent with warm restarts, arXiv:1608.03983.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        self.T_max, self.eta_min = check_count(T_max, "T_max"), check_nonnegative(eta_min, "eta_min")
        super().__init__(optimizer)

    def _rates(self) -> list[float]:
        fraction = (1 + math.cos(math.pi * self.steps / self.T_max)) / 2
        return [self.eta_min + (lr - self.eta_min) * fraction for lr in self.initial]


class LinearLR(Schedule):
    """A linear warm-up: multiplies the learning rate by a factor that goes from start_factor to end_factor.

    The factor changes by the same amount in each of total_iters epochs, and then stays.
    """

    def __init__(
        self, optimizer: Optimizer, start_factor: float = 1 / 3, end_factor: float = 1.0, total_iters: int = 5
    ) -> None:
        if not check_fraction(start_factor, "start_factor"):
            raise ValueError("start_factor must be a number above 0 and at most 1, got 0")
        self.start_factor, self.end_factor = float(start_factor), check_nonnegative(end_factor, "end_factor")
        self.total_iters = check_count(total_iters, "total_iters")
        super().__init__(optimizer)

    def factor(self, steps: int) -> float:
        fraction = min(steps, self.total_iters) / self.total_iters
        return self.start_factor + (self.end_factor - self.start_factor) * fraction


class ReduceLROnPlateau(Scheduler):
    """Multiplies the learning rate by `factor` when a loss or metric has not improved for over `patience` epochs.

    Args:
        optimizer: the optimizer whose learning rates change.
        mode: "min" if less is better, as for a loss; "max" if more is better, as for an accuracy.
        factor: what the learning rate is multiplied by, below 1.
        patience: how many epochs without improvement are allowed.
        threshold: by how much a number must be better than the best so far, as a fraction of it.
        cooldown: how many epochs after a reduction are not counted.
        min_lr: the lowest learning rate.
        eps: a change that is not larger than this is not made.
    """

    moving = ("best", "bad_epochs", "cooling")

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
        eps: float = 1e-8,
    ) -> None:
        if mode not in ("min", "max"):
            raise ValueError(f"mode must be 'min' or 'max', got {mode!r}")
        super().__init__(optimizer)
        self.mode, self.factor = mode, check_fraction_below_one(factor, "factor")
        self.patience, self.cooldown = check_count(patience, "patience", 0), check_count(cooldown, "cooldown", 0)
        self.threshold, self.min_lr = check_nonnegative(threshold, "threshold"), check_nonnegative(min_lr, "min_lr")
        self.eps = check_nonnegative(eps, "eps")
        self.best = math.inf if mode == "min" else -math.inf
        self.bad_epochs = self.cooling = 0

    @property
    def watches(self) -> Literal["loss", "metric"]:  # type: ignore[override]  # it depends on the mode
        """See Scheduler."""
        return "metric" if self.mode == "max" else "loss"

    def step(self, metric: float) -> None:  # type: ignore[override]  # it watches
        """Go on to the next epoch, with the loss or metric of this one.

        Raises:
            TypeError: if it is not a number.
            ValueError: if it is nan, which is neither better nor worse.
        """
        metric = check_number(metric, "ReduceLROnPlateau.step: metric")
        margin = math.copysign(self.threshold, self.best)  # the best may be negative
        better = metric < self.best * (1 - margin) if self.mode == "min" else metric > self.best * (1 + margin)
        if better:
            self.best, self.bad_epochs = metric, 0
        else:
            self.bad_epochs += 1
        if self.cooling > 0:
            self.cooling -= 1
            self.bad_epochs = 0
        if self.bad_epochs > self.patience:
            for group in self.optimizer.groups:
                lr = max(group.options["lr"] * self.factor, self.min_lr)
                if group.options["lr"] - lr > self.eps:
                    group.options["lr"] = lr
            self.cooling, self.bad_epochs = self.cooldown, 0
