"""Plan: what fit was asked to do, checked completely before anything changes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

from ..checks import check_count, check_function
from ..code import describe_code, drop_memories, name_of
from ..metrics import Metric, check_labels, check_metric, measure
from ..module import Module
from ..optim.base import Optimizer
from ..optim.schedules import Scheduler
from ..settings import describe_setting, settings_of
from .callbacks import TrainingState
from .data import Examples
from .dry_run import is_probability, probe
from .history import History
from .predict import pack
from .step import Loss, Penalty

Callback = Callable[[TrainingState], Any]
APART = ("model", "examples", "validation", "callbacks")  # settings described in a way of their own
LESS_IS_BETTER = ("error", "loss", "deviance", "distance", "mse", "mae", "rmse")  # as scikit-learn names metrics
MAY_CHANGE = ("epochs", "detect_anomaly", *APART)


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

    def __post_init__(self) -> None:
        if not isinstance(self.callbacks, (list, tuple)):
            raise TypeError(
                f"callbacks must be a list of functions, such as [nn.EarlyStopping()], got {self.callbacks!r}"
            )
        for callback in self.callbacks:
            check_function(callback, "a callback")
            if isinstance(callback, type):
                raise TypeError(f"a callback must be a function or an object, got a class. Write {callback.__name__}()")
            if hasattr(callback, "state_dict") != hasattr(callback, "load_state_dict"):
                raise TypeError(f"{name_of(callback)} must have both state_dict() and load_state_dict(), or neither")
        if self.metric is not None:
            check_metric(self.metric)
        self.epochs, self.batch_size = check_count(self.epochs, "epochs", 0), check_count(self.batch_size, "batch_size")
        self._check_schedule()
        self._check_model()
        for data in (self.examples, *([self.validation] if self.validation is not None else [])):
            output = probe(self.model, self.loss, self.penalty, data)
            if self.validation is not None or self.metric is not None:
                packed = pack(output)
                if isinstance(self.metric, str):
                    _check_accuracy(packed, data)

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
        if schedule.watches == "metric" and self.metric_name.endswith(LESS_IS_BETTER):
            raise ValueError(
                f"the schedule {name_of(schedule)} waits for the metric to grow, but of {self.metric_name} less is "
                f"better. Give a metric that returns its negative, under another name"
            )

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
        assert self.metric is not None
        return measure(self.metric, outputs, targets)

    def initial_rates(self) -> Sequence[float | None] | None:
        """The learning rates at the start, None for an optimizer without one.

        None in place of the list if a schedule changes them and does not remember them.
        """
        if self.schedule is not None:
            return self.schedule.initial
        return [group.options.get("lr") for group in self.optimizer.groups]

    @cached_property
    def _at_the_start(self) -> dict[str, Any]:
        """The settings of arguments and model, read before training: callbacks may change them, and what they hold.

        What loss, penalty or model change when they are called, such as a log, is no setting.
        """
        before = self._describe()
        probe(self.model, self.loss, self.penalty, self.examples)
        return {
            **drop_memories(before, self._describe()),
            "examples": self.examples.fingerprint(),
            "validation": None if self.validation is None else self.validation.fingerprint(),
        }

    def _describe(self) -> dict[str, Any]:
        return {
            **{f.name: describe_setting(getattr(self, f.name)) for f in fields(self) if f.name not in MAY_CHANGE},
            "callbacks": [describe_code(callback, data=False) for callback in self.callbacks],
            **{f"the model's {path}" if path else "model": x for path, x in settings_of(self.model).items()},
        }

    def settings(self) -> dict[str, Any]:
        """What must be the same when a run goes on."""
        groups = self.optimizer.groups
        return {
            **self._at_the_start,
            "optimizer options": [
                {name: describe_setting(x) for name, x in group.options.items() if name != "lr"} for group in groups
            ],
            "parameters in each group": [len(group.parameters) for group in groups],
        }


def _check_accuracy(output: Any, data: Examples) -> None:
    """ValueError if "accuracy" has no meaning for outputs like this one, or for the targets."""
    check_labels(np.shape(output), data.y)
    if is_probability(output):
        raise ValueError(
            "metric='accuracy' reads the sign of the output, but the model gives a probability, which is never "
            "negative. Leave the sigmoid to nn.binary_cross_entropy_with_logits, or pass metric=lambda outputs, "
            "targets: np.mean((outputs > 0.5) == (targets > 0.5))"
        )
