"""Plan: what fit was asked to do, checked completely before anything changes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from ..checks import check_count, check_function
from ..module import Module
from ..optim.base import Optimizer
from ..optim.schedules import Scheduler
from ..settings import describe_setting, name_of, settings_of
from .callbacks import TrainingState
from .data import Examples
from .dry_run import probe
from .history import History
from .predict import accuracy, pack
from .step import Loss, Penalty

Metric = Callable[[Any, Any], Any]
Callback = Callable[[TrainingState], Any]
MAY_CHANGE = ("model", "epochs", "detect_anomaly", "of_model")  # all other fields are settings


@dataclass
class Plan:
    """The arguments of fit, which are described there, with the examples to train on and to validate on.

    Raises:
        TypeError, ValueError: if an argument is invalid.
    """

    model: Module
    examples: Examples
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
    of_model: dict[str, Any] = field(init=False)  # the model's settings at the start: callbacks may change them

    def __post_init__(self) -> None:
        self.of_model = {f"the model's {path}" if path else "model": x for path, x in settings_of(self.model).items()}
        if not isinstance(self.callbacks, (list, tuple)):
            raise TypeError(
                f"callbacks must be a list of functions, such as [nn.EarlyStopping()], got {self.callbacks!r}"
            )
        for callback in self.callbacks:
            check_function(callback, "a callback")
            if isinstance(callback, type):
                raise TypeError(f"a callback must be a function or an object, got a class. Write {callback.__name__}()")
        if self.metric is not None and self.metric != "accuracy" and not callable(self.metric):
            raise ValueError(f"metric must be 'accuracy' or a function of (outputs, targets), got {self.metric!r}")
        self.epochs, self.batch_size = check_count(self.epochs, "epochs", 0), check_count(self.batch_size, "batch_size")
        self._check_schedule()
        self._check_model()
        for data in (self.examples, *([self.validation] if self.validation is not None else [])):
            output = probe(self.model, self.loss, self.penalty, data)
            if self.validation is not None or self.metric is not None:
                pack(output)

    @property
    def steps(self) -> int:
        """How many batches an epoch has."""
        return -(-len(self.examples) // self.batch_size)

    def _check_schedule(self) -> None:
        schedule = self.schedule
        if schedule is None:
            return
        if not isinstance(schedule, Scheduler):
            raise TypeError(f"schedule must be a Scheduler, such as nn.StepLR(optimizer, 9), or None, got {schedule!r}")
        if schedule.optimizer is not self.optimizer:
            raise ValueError("schedule must be made from the optimizer that fit is given, got one of another optimizer")
        if schedule.watches not in ("", "loss", "metric"):
            raise ValueError(f"{name_of(schedule)}.watches must be '', 'loss' or 'metric', got {schedule.watches!r}")
        if schedule.watches == "metric" and self.metric is None:
            raise ValueError(f"metric must be given if the schedule, {name_of(schedule)}, watches it, got None")

    def _check_model(self) -> None:
        broken = [name for name, p in self.model.named_parameters() if not math.isfinite(p.data)]
        if broken:
            raise ValueError(f"the model's parameter {broken[0]} is nan or infinite before training")
        count = len(self.examples)
        last = count % self.batch_size or min(count, self.batch_size)
        most = max(self.model.modules(), key=lambda module: module.smallest_batch)
        if last < most.smallest_batch:
            raise ValueError(
                f"the last batch of an epoch would have {last} example{'s' * (last != 1)}, but {name_of(most)} needs "
                f"{most.smallest_batch}: there are {count} examples, in batches of {self.batch_size}. Choose another "
                "batch_size, or another number of examples"
            )

    @property
    def metric_name(self) -> str:
        """What the History calls the metric: by its own name, if that can be the name of a column."""
        name = self.metric if isinstance(self.metric, str) else name_of(self.metric).split(".")[-1]
        unusable = self.metric is None or name in History().to_dict() or not name.isidentifier()
        return "metric" if unusable else name

    def measure(self, outputs: Any, targets: Any) -> float:
        """The metric of outputs and targets."""
        metric = accuracy if self.metric == "accuracy" else self.metric
        assert callable(metric)
        x = metric(outputs, targets)
        if np.ndim(x) or not isinstance(x, (int, float, np.number, np.ndarray)):
            raise TypeError(f"a metric must return one number, got {x!r}")
        return float(x)

    def initial_rates(self) -> Sequence[float | None] | None:
        """The learning rates at the start, None for an optimizer without one.

        None in place of the list if a schedule changes them and does not remember them.
        """
        if self.schedule is not None:
            return self.schedule.initial
        return [group.options.get("lr") for group in self.optimizer.groups]

    def settings(self) -> dict[str, Any]:
        """What must be the same when a run goes on."""
        groups = self.optimizer.groups
        return {
            **{f.name: describe_setting(getattr(self, f.name)) for f in fields(self) if f.name not in MAY_CHANGE},
            "examples": self.examples.fingerprint(),
            "validation": None if self.validation is None else self.validation.fingerprint(),
            "optimizer options": [
                {name: describe_setting(x) for name, x in group.options.items() if name != "lr"} for group in groups
            ],
            "parameters in each group": [len(group.parameters) for group in groups],
            **self.of_model,
        }
