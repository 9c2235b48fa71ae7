"""Schedules: how an optimizer's learning rate changes from epoch to epoch. Names and formulas are PyTorch's.

Make one from an optimizer and call its step() after each epoch. Each multiplies the learning rates
that the optimizer's groups had when it was made by a factor of the number of steps so far.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping
from typing import Any, ClassVar

from ..checks import check_count, check_fraction, check_fraction_below_one, check_nonnegative
from .base import Optimizer


class Scheduler:
    """What schedules of every kind have: an optimizer, and a state to go on from.

    Attributes:
        optimizer: the one whose learning rates change.
        moving: the names of what changes from epoch to epoch; all else are settings.
    """

    moving: ClassVar[tuple[str, ...]] = ()

    def __init__(self, optimizer: Optimizer) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(self).__name__} takes an optimizer, got {optimizer!r}")
        self.optimizer = optimizer

    def state_dict(self) -> dict[str, Any]:
        """What the schedule remembers: plain numbers and lists of them."""
        return {k: v for k, v in vars(self).items() if k != "optimizer"}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what state_dict() gave. The learning rate itself is in the optimizer's state.

        Raises:
            ValueError: if it is that of another kind of schedule, or of one with other settings; nothing changes then.
        """
        own, name = self.state_dict(), type(self).__name__
        if not isinstance(state, Mapping) or set(state) != set(own):
            raise ValueError(f"{name}: the state is {reprlib.repr(state)}, where {sorted(own)} are expected")
        for key, x in own.items():
            if key not in self.moving and state[key] != x:
                raise ValueError(f"{name}: the state is that of a schedule with {key}={state[key]!r}, not {x!r}")
        vars(self).update(state)


class Schedule(Scheduler):
    """The base of schedules: learning rate = initial learning rate × factor(steps so far).

    Args:
        optimizer: the one whose learning rates change.
    """

    moving = ("steps", "initial")

    def __init__(self, optimizer: Optimizer) -> None:
        super().__init__(optimizer)
        self.initial = [float(g.options["lr"]) for g in optimizer.groups]
        self.steps = 0
        self._apply()

    def factor(self, steps: int) -> float:
        """By what the initial learning rates are multiplied after that many steps."""
        raise NotImplementedError

    def step(self) -> None:
        """Go on to the next epoch."""
        self.steps += 1
        self._apply()

    def _apply(self) -> None:
        for group, lr in zip(self.optimizer.groups, self.initial):
            group.options["lr"] = lr * self.factor(self.steps)


class StepLR(Schedule):
    """The rate times gamma every step_size epochs.

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
    """The rate times gamma every epoch."""

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        self.gamma = check_nonnegative(gamma, "gamma")
        super().__init__(optimizer)

    def factor(self, steps: int) -> float:
        return float(self.gamma**steps)


class CosineAnnealingLR(Schedule):
    """The rate along half a cosine, from where it is down to eta_min in T_max epochs.

    I. Loshchilov, F. Hutter, SGDR: stochastic gradient descent with warm restarts, arXiv:1608.03983.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        self.T_max, self.eta_min = check_count(T_max, "T_max"), check_nonnegative(eta_min, "eta_min")
        super().__init__(optimizer)

    def _apply(self) -> None:
        share = (1 + math.cos(math.pi * self.steps / self.T_max)) / 2
        for group, lr in zip(self.optimizer.groups, self.initial):
            group.options["lr"] = self.eta_min + (lr - self.eta_min) * share


class LinearLR(Schedule):
    """A linear warm-up: the rate times a factor that goes from start_factor to end_factor in total_iters epochs."""

    def __init__(
        self, optimizer: Optimizer, start_factor: float = 1 / 3, end_factor: float = 1.0, total_iters: int = 5
    ) -> None:
        if not check_fraction(start_factor, "start_factor"):
            raise ValueError("start_factor is a number above 0 and up to 1, got 0")
        self.start_factor, self.end_factor = float(start_factor), check_nonnegative(end_factor, "end_factor")
        self.total_iters = check_count(total_iters, "total_iters")
        super().__init__(optimizer)

    def factor(self, steps: int) -> float:
        share = min(steps, self.total_iters) / self.total_iters
        return self.start_factor + (self.end_factor - self.start_factor) * share


class ReduceLROnPlateau(Scheduler):
    """The rate times `factor` when a metric, such as the loss held out, has not become better for `patience` epochs.

    Args:
        optimizer: the one whose learning rates change.
        mode: "min" if less is better, "max" if more is.
        factor: by what the rate is multiplied, below 1.
        patience: how many epochs without improvement are put up with.
        threshold: the share of the best metric by which a better one must be better.
        cooldown: how many epochs after a reduction do not count.
        min_lr: where the rate stops falling.
        eps: a smaller change is not made.
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
            raise ValueError(f"mode is 'min' or 'max', got {mode!r}")
        super().__init__(optimizer)
        self.mode, self.factor = mode, check_fraction_below_one(factor, "factor")
        self.patience, self.cooldown = check_count(patience, "patience", 0), check_count(cooldown, "cooldown", 0)
        self.threshold, self.min_lr = check_nonnegative(threshold, "threshold"), check_nonnegative(min_lr, "min_lr")
        self.eps = check_nonnegative(eps, "eps")
        self.best = math.inf if mode == "min" else -math.inf
        self.bad_epochs = self.cooling = 0

    def step(self, metric: float) -> None:
        """Go on to the next epoch, with the metric of this one."""
        if self.mode == "min":
            better = metric < self.best * (1 - self.threshold)
        else:
            better = metric > self.best * (1 + self.threshold)
        if better:
            self.best, self.bad_epochs = float(metric), 0
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
