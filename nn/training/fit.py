"""fit: epochs over mini-batches, compiled, with validation, schedules, callbacks and checkpoints."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from autograd.installation import require

from ..checks import check_flag, make_generator
from ..metrics import Metric
from ..module import Module
from ..optim.base import Optimizer
from ..optim.schedules import Scheduler
from .callbacks import TrainingState
from .checkpoint import Checkpoint
from .compiled.fallback import choose_compiled
from .data import check_examples, split_validation
from .history import History
from .loop import Loop
from .plan import Plan
from .step import Loss, Penalty, check_parts


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
    compiled: bool | None = None,
    progress: bool | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    detect_anomaly: bool = False,
) -> History:
    """Train a model: go through the examples `epochs` times, in shuffled batches, one optimizer step for each batch.

    The model is set to training while steps are taken, to evaluation while it is validated, and back to its previous
    mode at the end. Ctrl-C ends the training at the last finished step and returns what was measured so far.

    Args:
        model: the model, called with one example.
        X: the inputs, one row or entry for each example.
        y: the targets, one entry or row for each example: whole numbers if they are labels.
        loss: a function of the model's output and the target of one example, such as nn.cross_entropy.
            A step reduces its mean over the batch. One that takes the target first, by the names of its arguments, is
            refused.
        optimizer: what updates the parameters. Parameters that it does not have stay as they are.
        epochs: how many times to go through all examples.
        batch_size: how many examples a step takes; the last batch of an epoch may have fewer.
        validation: a pair (X, y) of examples to validate on after each epoch, or a fraction of the
            examples, such as 0.2, to set aside at random for validation.
        metric: "accuracy", for which the class is the index of the largest output, or the sign if there is one output
            (a logit, not a probability); or a function of the outputs and the targets of all examples, two arrays,
            that returns a number. A function whose first argument is called y_true, as in scikit-learn, y, target or
            the like gets the targets first. The metric is computed after each epoch over the validation examples, or
            over the training examples if there are none.
        schedule: what changes the learning rate after each epoch, made from this optimizer.
            ReduceLROnPlateau watches the validation loss, or the training loss if there is none; with
            mode="max" it watches the metric.
        clip_norm: the Euclidean norm to which larger gradients are scaled down; see nn.clip_grad_norm.
        penalty: a function of the model alone, added to the loss of each step, but not to the validation loss.
        callbacks: functions called after each epoch with a TrainingState, such as nn.EarlyStopping(). Checkpoints
            include the state of those with state_dict() and load_state_dict(). A callback that is an object may have a
            method finish(state), which is called when training has ended, after the last checkpoint.
        seed: decides the order of the examples in each epoch, and which are set aside for validation: an int, a NumPy
            Generator to draw one from, or None for a different order each time.
        compiled: whether steps are compiled. If False, the graph of each batch is built: the numbers are
            the same up to rounding, and models that cannot be compiled work too. None compiles if llvmlite is
            installed, and warns once otherwise.
        progress: whether to show a progress bar; None shows it in a terminal and in a notebook.
        checkpoint: a directory. Everything needed to resume is written there after each epoch, which takes
            milliseconds.
        resume: whether to go on from that checkpoint. A run that was killed at any moment then ends with the same
            bits as one that was not. All other arguments must be the same, except that there may be more epochs:
            functions too, which are compared by their code and the numbers that they read from outside;
            the numbers of parameters, optimizer and schedule come from the checkpoint. If there is no checkpoint yet,
            training starts from the beginning. If the run in the checkpoint is finished, fit returns at once.
        detect_anomaly: whether to find the operation responsible when a loss becomes nan or infinite.

    Returns:
        The History: loss, validation loss, metric, learning rate and seconds of each epoch.

    Raises:
        TypeError, ValueError: for invalid arguments, data that do not fit together, labels that the loss
            refuses, a loss without a derivative, a metric that cannot be computed, a state that a checkpoint cannot
            keep, and a checkpoint of another run. Then nothing changes.
        FileExistsError: if there is a checkpoint and resume is False.
        BlockingIOError: if another run is using the directory of the checkpoint now (not noticed on Windows).
        NotADirectoryError: if the path of the checkpoint is that of a file.
        RuntimeError: if the checkpoint is that of another architecture. Then nothing changes. Also if a callback steps
            the schedule, or something else than the schedule changes the learning rates.
        FloatingPointError: if a loss or a parameter becomes nan or infinite. It names the epoch and the
            batch, and the model is as it was before that step.
        ModuleNotFoundError: if compiled is True without llvmlite, or there is a checkpoint without safetensors.
        TracingError: if the model or the loss cannot be compiled; the message says what helps.
        LostDerivativeError: without compiling, if model, loss or penalty make a plain number of a Value that depends
            on the parameters, as by math.tanh.

    >>> import nn
    >>> X, y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [-1, 1, 1, -1]
    >>> model = nn.MLP(2, [8, 1], "tanh", seed=0)
    >>> optimizer = nn.Adam(model.parameters(), lr=0.05)
    >>> history = nn.fit(model, X, y, nn.hinge, optimizer, epochs=100, metric="accuracy", seed=0)
    >>> history.metric[-1]
    1.0
    """
    check_parts("fit", model, loss, optimizer, penalty)
    for name, flag in {"resume": resume, "detect_anomaly": detect_anomaly}.items():
        check_flag(flag, f"fit: {name}")
    for name, choice in {"compiled": compiled, "progress": progress}.items():
        check_flag(choice, f"fit: {name}", or_none=True)
    with _open_checkpoint(checkpoint, resume) as store:
        saved = store.read() if store is not None and store.exists() else None
        if compiled is None and saved is not None:
            compiled = saved["settings"]["compiled"]
        generator = make_generator(seed)
        if isinstance(seed, (int, np.integer)):
            number = int(seed)
        else:
            number = int(generator.integers(2**63)) if saved is None else saved["settings"]["seed"]
        examples, validation_examples = split_validation(check_examples(X, y), validation, number)
        plan = Plan(
            model=model,
            examples=examples,
            validation=validation_examples,
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
            compiled=choose_compiled(compiled, "fit"),
            detect_anomaly=detect_anomaly,
        )
        loop = Loop(plan, store)
        if saved is None:
            loop.try_metric()
        elif store is not None:
            loop.resume(saved, repr(str(store.path)))
        return loop.run(progress)


@contextlib.contextmanager
def _open_checkpoint(checkpoint: Any, resume: bool) -> Iterator[Checkpoint | None]:
    """A context with the place where checkpoints go, kept for this run alone; None if there are none."""
    if checkpoint is None:
        if resume:
            raise ValueError("resume=True needs a checkpoint. Pass checkpoint=, the directory of the run to resume")
        yield None
        return
    if not isinstance(checkpoint, (str, os.PathLike)):
        raise TypeError(f"checkpoint must be the path of a directory, got {checkpoint!r}")
    require("safetensors", "a checkpoint of nn.fit")
    directory = Path(checkpoint)
    if directory.exists() and not directory.is_dir():
        raise NotADirectoryError(f"checkpoint must be the path of a directory, but {str(directory)!r} is a file")
    with Checkpoint(directory) as store:
        if store.exists() and not resume:
            raise FileExistsError(
                f"{str(store.path)!r} is the checkpoint of an earlier run. Pass resume=True to go on with it. "
                "To start again, delete it or choose another directory"
            )
        yield store
