"""Callbacks, which fit calls after each epoch: TrainingState, their argument, and EarlyStopping.

A callback may have a method finish(state). fit calls it when training has ended, after the last checkpoint: what it
does to the model is not part of the state from which a longer run goes on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..checks import check_count, check_flag, check_nonnegative
from ..module import Module
from ..optim.base import Optimizer
from .history import History


@dataclass
class TrainingState:
    """Where training stands after an epoch. Callbacks may change the model and the optimizer.

    Attributes:
        epoch: the epoch that is finished, counted from 1.
        epochs: how many there will be.
        model: the model, with its parameters as they are now.
        optimizer: the optimizer.
        history: what was measured, including this epoch.
        stop: set it to True to end the training here.
    """

    epoch: int
    epochs: int
    model: Module = field(repr=False)
    optimizer: Optimizer = field(repr=False)
    history: History
    stop: bool = False


class EarlyStopping:
    """A callback of fit that stops training when the loss has not improved for a while, and restores the best epoch.

    It watches the validation loss, or the training loss if there are no validation examples.

    Args:
        patience: how many epochs in a row without improvement end the training.
        min_delta: how far the loss must fall below the best one to count as better.
        restore_best: whether the model gets back the parameters that it had after the best epoch, when training
            stops and also when it reaches its last epoch.

    Attributes:
        best: the best loss so far.
        best_epoch: the epoch that had it.

    Raises:
        TypeError, ValueError: if patience is not a whole number of 1 or more, min_delta is not a finite number of 0
            or more, or restore_best is not a bool.
        FloatingPointError: during training, if the loss that it watches is nan, which is neither better nor worse.

    >>> import nn
    >>> model = nn.MLP(1, [1], seed=0)
    >>> history = nn.fit(
    ...     model, [[0.0], [1.0]], [1.0, 1.0], nn.mse, nn.SGD(model.parameters(), lr=0.5),
    ...     epochs=1000, seed=0, callbacks=[nn.EarlyStopping(patience=3)],
    ... )
    >>> history.stopped, len(history) < 1000
    (True, True)
    """

    def __init__(self, patience: int = 10, min_delta: float = 0.0, restore_best: bool = True) -> None:
        self.patience, self.min_delta = check_count(patience, "patience"), check_nonnegative(min_delta, "min_delta")
        self.restore_best = check_flag(restore_best, "restore_best")
        self._reset()

    def _reset(self) -> None:
        self.best, self.best_epoch = math.inf, 0
        self._best_state: dict[str, Any] | None = None

    def __call__(self, state: TrainingState) -> None:
        if state.epoch == 1:
            self._reset()
        loss = (state.history.validation_loss or state.history.loss)[-1]
        if math.isnan(loss):
            raise FloatingPointError(
                f"EarlyStopping cannot judge epoch {state.epoch}, because its loss is nan. Look at what nn.predict "
                "gives for the validation examples"
            )
        if loss < self.best - self.min_delta:
            self.best, self.best_epoch = loss, state.epoch
            self._best_state = state.model.state_dict() if self.restore_best else None
        state.stop |= state.epoch - self.best_epoch >= self.patience

    def finish(self, state: TrainingState) -> None:
        """Go back to the best epoch, when training has ended."""
        if self._best_state is not None:
            state.model.load_state_dict(self._best_state)

    def state_dict(self) -> dict[str, Any]:
        """What the callback remembers, and its settings."""
        return {name.removeprefix("_"): x for name, x in vars(self).items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state that state_dict() returned; ValueError if it has other settings."""
        for name in ("patience", "min_delta", "restore_best"):
            if state[name] != getattr(self, name):
                raise ValueError(f"EarlyStopping: the state must have {name}={getattr(self, name)}, got {state[name]}")
        self.best, self.best_epoch, self._best_state = state["best"], state["best_epoch"], state["best_state"]
