"""Plan: what fit was asked to do, checked as a whole before anything is changed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..checks import check_count, check_function
from ..layers.normalization import BatchNorm
from ..module import Module
from ..optim.base import Optimizer
from ..optim.schedules import ReduceLROnPlateau, Schedule, Scheduler
from .callbacks import TrainingState
from .compiled.substitute import settings
from .data import Examples
from .dry_run import probe
from .history import History
from .predict import accuracy, pack
from .step import Loss, Penalty

Metric = Callable[[Any, Any], Any]
Callback = Callable[[TrainingState], Any]


@dataclass
class Plan:
    """The arguments of fit, by the names they have there; `data` and `validation` are its examples.

    Raises:
        TypeError, ValueError: for any that cannot be.
    """

    model: Module
    data: Examples
    validation: Examples | None
    loss: Loss
    optimizer: Optimizer
    epochs: int
    batch_size: int
    metric: str | Metric | None
    schedule: Scheduler | None
    clip_norm: float | None
    penalty: Penalty | None
    callbacks: Sequence[Callback]
    seed: int
    compiled: bool
    detect_anomaly: bool
    of_model: dict[str, Any] = field(init=False)  # its settings at the start: callbacks may change them

    def __post_init__(self) -> None:
        self.of_model = {f"the model's {path}" if path else "model": x for path, x in settings(self.model).items()}
        if not isinstance(self.callbacks, (list, tuple)):
            raise TypeError(f"callbacks is a list of functions, such as [nn.EarlyStopping()], got {self.callbacks!r}")
        check_function(self.loss, "loss")
        if self.penalty is not None:
            check_function(self.penalty, "penalty")
        for callback in self.callbacks:
            check_function(callback, "a callback")
            if isinstance(callback, type):
                raise TypeError(f"a callback is a function or an object, got a class: write {callback.__name__}()")
        if self.metric is not None and self.metric != "accuracy" and not callable(self.metric):
            raise ValueError(f"metric is 'accuracy' or a function of (outputs, targets), got {self.metric!r}")
        self.epochs, self.batch_size = check_count(self.epochs, "epochs", 0), check_count(self.batch_size, "batch_size")
        self._check_schedule()
        broken = [name for name, p in self.model.named_parameters() if not math.isfinite(p.data)]
        if broken:
            raise ValueError(f"the model's parameter {broken[0]} is nan or infinite before training")
        if len(self.data) % self.batch_size == 1 and any(isinstance(m, BatchNorm) for m in self.model.modules()):
            raise ValueError(
                f"the last batch of an epoch would have one example, and BatchNorm needs two: of {len(self.data)} in "
                f"all, {self.batch_size} go into a batch; choose another batch_size, or give one more or one less"
            )
        for data in (self.data, *([self.validation] if self.validation is not None else [])):
            output = probe(self.model, self.loss, self.penalty, data)
            if self.validation is not None or self.metric is not None:
                pack(output)

    @property
    def steps(self) -> int:
        """How many batches an epoch has."""
        return -(-len(self.data) // self.batch_size)

    def _check_schedule(self) -> None:
        schedule = self.schedule
        if schedule is None:
            return
        if not isinstance(schedule, Scheduler):
            raise TypeError(f"schedule is one of nn's, such as nn.StepLR(optimizer, 10), or None, got {schedule!r}")
        if schedule.optimizer is not self.optimizer:
            raise ValueError("the schedule is of another optimizer: make it from the one that fit is given")
        if isinstance(schedule, ReduceLROnPlateau) and schedule.mode == "max" and self.metric is None:
            raise ValueError("ReduceLROnPlateau(mode='max') follows the metric: give fit a metric")

    @property
    def metric_name(self) -> str:
        """What the metric is called in the History: its own name, where that can be a column's."""
        name = self.metric if isinstance(self.metric, str) else name_of(self.metric).split(".")[-1]
        taken = self.metric is None or name in History().to_dict() or not name.isidentifier()
        return "metric" if taken else name

    def measure(self, outputs: Any, targets: Any) -> float:
        """The metric."""
        metric = accuracy if self.metric == "accuracy" else self.metric
        assert callable(metric)
        x = metric(outputs, targets)
        if np.ndim(x) or not isinstance(x, (int, float, np.number, np.ndarray)):
            raise TypeError(f"a metric returns one number, got {x!r}")
        return float(x)

    def rates(self) -> list[float] | None:
        """Where the learning rates start; None if a schedule moves them that does not remember it."""
        if isinstance(self.schedule, Schedule):
            return self.schedule.initial
        return None if self.schedule is not None else [group.options["lr"] for group in self.optimizer.groups]

    def settings(self) -> dict[str, Any]:
        """What must be the same when a run goes on: all but the number of epochs and what changes on the way."""
        return {
            "examples": self.data.fingerprint(),
            "validation": None if self.validation is None else self.validation.fingerprint(),
            "loss": name_of(self.loss),
            "batch_size": self.batch_size,
            "metric": None if self.metric is None else self.metric_name,
            "clip_norm": self.clip_norm,
            "penalty": None if self.penalty is None else name_of(self.penalty),
            "seed": self.seed,
            "compiled": self.compiled,
            "optimizer": type(self.optimizer).__name__,
            "optimizer options": [
                {k: list(x) if isinstance(x, tuple) else x for k, x in group.options.items() if k != "lr"}
                for group in self.optimizer.groups
            ],
            "parameters in each group": [len(group.parameters) for group in self.optimizer.groups],
            "schedule": None if self.schedule is None else type(self.schedule).__name__,
            "callbacks": [name_of(callback) for callback in self.callbacks],
            **self.of_model,
        }


def name_of(f: Any) -> str:
    """The name of a function, or of the kind of a callable object."""
    return str(getattr(f, "__qualname__", type(f).__name__))
