"""fit: epochs over mini-batches, compiled, with validation, schedules, callbacks and checkpoints."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..checks import make_generator
from ..module import Module
from ..optim.base import Optimizer
from ..optim.schedules import Scheduler
from .callbacks import TrainingState
from .checkpoint import Checkpoint
from .data import check_examples, split_validation
from .history import History
from .loop import Loop
from .plan import Metric, Plan
from .step import Loss, Penalty


def fit(
    model: Module,
    X: Any,
    y: Any,
    loss: Loss,
    optimizer: Optimizer,
    epochs: int,
    *,
    batch_size: int = 32,
    validation: Any = None,
    metric: str | Metric | None = None,
    schedule: Scheduler | None = None,
    clip_norm: float | None = None,
    penalty: Penalty | None = None,
    callbacks: Sequence[Callable[[TrainingState], Any]] = (),
    seed: int | np.random.Generator | None = None,
    compiled: bool = True,
    progress: bool | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    detect_anomaly: bool = False,
) -> History:
    """Train a model: `epochs` times through the examples, in shuffled batches, one step of the optimizer a batch.

    The model is set to training while steps are taken, to evaluation while it is validated, and back to
    what it was. Ctrl-C ends the training at the last finished step and returns what was measured until then.

    Args:
        model: the model, called with one example.
        X: the inputs, one row or entry an example.
        y: the targets, one entry or row an example: whole numbers where they are labels.
        loss: a function of the model's output and the target of one example, such as nn.cross_entropy;
            a step goes down the mean over its batch.
        optimizer: what moves the parameters, or those of them that it has.
        epochs: how many times all examples are gone through.
        batch_size: examples in a step; in the last of an epoch there may be fewer.
        validation: a pair (X, y) of examples to validate on after each epoch, or the share of the
            examples, such as 0.2, to draw for that and not to learn from.
        metric: "accuracy", where the largest of several outputs tells the class, or the sign of one output
            (a logit, not a probability); or a function of the outputs and the targets of all examples,
            two arrays, that returns a number. It is taken after each epoch over the validation examples, or over the
            training examples if there are none.
        schedule: what changes the learning rate after each epoch, made from this optimizer.
            ReduceLROnPlateau is given the validation loss, or the training loss if there is none; the
            metric if its mode is "max".
        clip_norm: the Euclidean norm to which larger gradients are scaled down; see nn.clip_grad_norm.
        penalty: a function of the model alone, added to the loss of each step, but not to the validation loss.
        callbacks: functions called after each epoch with a TrainingState, such as nn.EarlyStopping(). Those
            with state_dict() and load_state_dict() are part of checkpoints.
        seed: decides the order of the examples in each epoch, and those held out; an int, a NumPy
            Generator to draw one from, or None for another order each time.
        compiled: whether steps are compiled; without, the graph of each batch is built, the numbers are
            the same up to rounding, and models that no compiler understands work too.
        progress: whether to show a progress bar; None shows it in a terminal and in a notebook.
        checkpoint: a directory, where all that is needed to go on is written after each epoch, in milliseconds.
        resume: whether to go on from there: a run that was killed at any moment then ends with the same
            bits as one that was not. All else must be as it was, except that there may be more epochs;
            parameters, and what the optimizer and the schedule remember, come from the checkpoint.
            Where there is no checkpoint yet, training begins; where it is finished, it returns at once.
        detect_anomaly: whether to look for the operation that made it when a loss is nan or infinite.

    Returns:
        The History: loss, validation loss, metric, learning rate and seconds of each epoch.

    Raises:
        TypeError, ValueError: for arguments that cannot be, data that do not fit one another, labels that
            the loss refuses, a loss without a derivative, and a checkpoint of another run; nothing is changed then.
        FileExistsError: if there is a checkpoint and resume is False.
        NotADirectoryError: if the path of the checkpoint is that of a file.
        RuntimeError: if the checkpoint is that of another architecture; nothing is changed then.
        FloatingPointError: if a loss or a parameter becomes nan or infinite; it names the epoch and the
            batch, and the model is as it was before that step.
        TracingError: if the model or the loss cannot be compiled; the message says what helps.

    >>> import nn
    >>> X, y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [-1, 1, 1, -1]
    >>> model = nn.MLP(2, [8, 1], "tanh", seed=0)
    >>> optimizer = nn.Adam(model.parameters(), lr=0.05)
    >>> history = nn.fit(model, X, y, nn.hinge, optimizer, epochs=100, metric="accuracy", seed=0)
    >>> history.metric[-1]
    1.0
    """
    if not isinstance(model, Module):
        raise TypeError(f"fit takes a Module first, got {type(model).__name__}")
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer is one of nn's, such as nn.Adam(model.parameters()), got {optimizer!r}")
    store, saved = _open_checkpoint(checkpoint, resume)
    drawn = make_generator(seed)
    if isinstance(seed, (int, np.integer)):
        number = int(seed)
    else:
        number = int(drawn.integers(2**63)) if saved is None else saved["settings"]["seed"]
    data, validation_data = split_validation(check_examples(X, y), validation, number)
    plan = Plan(
        model=model,
        data=data,
        validation=validation_data,
        loss=loss,
        optimizer=optimizer,
        epochs=epochs,
        batch_size=batch_size,
        metric=metric,
        schedule=schedule,
        clip_norm=clip_norm,
        penalty=penalty,
        callbacks=callbacks,
        seed=number,
        compiled=compiled,
        detect_anomaly=detect_anomaly,
    )
    loop = Loop(plan, store)
    if saved is not None and store is not None:
        loop.resume(saved, repr(str(store.path)))
    return loop.run(progress)


def _open_checkpoint(checkpoint: Any, resume: bool) -> tuple[Checkpoint | None, dict[str, Any] | None]:
    """Where checkpoints go, and the state of the run to go on with, if there is one."""
    if checkpoint is None:
        if resume:
            raise ValueError("resume=True needs checkpoint=, the directory of the run to go on with")
        return None, None
    if not isinstance(checkpoint, (str, os.PathLike)):
        raise TypeError(f"checkpoint is the path of a directory, got {checkpoint!r}")
    store = Checkpoint(checkpoint)
    if store.directory.exists() and not store.directory.is_dir():
        raise NotADirectoryError(f"checkpoint is the path of a directory, and {str(store.directory)!r} is a file")
    if not store.exists():
        return store, None
    if not resume:
        raise FileExistsError(
            f"{str(store.path)!r} is the checkpoint of an earlier run: resume=True goes on with it; "
            "to begin anew remove it or give another directory"
        )
    return store, store.read()
