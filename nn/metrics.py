"""Metrics: accuracy, and functions of a user's own. In which order metrics and losses take outputs and targets."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd import Value
from autograd.primitive import describe

from .checks import check_function, restate
from .code import name_of

Metric = Callable[[Any, Any], Any]

# What functions call targets; scikit-learn's, which take them first, call them y_true or labels_true.
TARGETS = {"target", "targets", "label", "labels", "truth", "true", "actual", "expected", "gold", "ground_truth"}
TARGETS |= {"y", "t", "y_true", "labels_true", "y_train", "y_val", "y_test"}
OUTPUTS = {"output", "outputs", "pred", "predicted", "prediction", "predictions", "y_pred", "y_hat", "yhat", "logits"}
OWN = "Pass a function instead, such as metric=lambda outputs, targets: np.mean((outputs > 0.5) == (targets > 0.5))"


def check_metric(metric: Any) -> None:
    """TypeError or ValueError unless it is "accuracy" or can be called with outputs and targets, or the reverse."""
    if isinstance(metric, str) and metric == "accuracy":
        return
    if not callable(metric):
        raise ValueError(f"metric must be 'accuracy' or a function of (outputs, targets), got {metric!r}")
    try:
        signature = inspect.signature(metric)
    except (TypeError, ValueError):  # a function written in C
        return
    words = f"{name_of(metric)}({', '.join(signature.parameters)})"
    try:
        signature.bind(None, None)
    except TypeError:
        raise TypeError(
            f"metric must be a function of (outputs, targets), got {words}. Write metric=lambda outputs, targets: ..."
        ) from None
    if TARGETS.issuperset(list(signature.parameters)[:2]):
        raise ValueError(
            f"metric must be a function of (outputs, targets), got {words}, both of which may mean targets. Write "
            f"metric=lambda outputs, targets: {name_of(metric)}(targets, outputs), or the reverse"
        )


def check_loss(loss: Any, caller: str) -> None:
    """TypeError unless it can be called; ValueError if it takes the target first, as its arguments are called."""
    check_function(loss, f"{caller}: loss")
    try:
        arguments = list(inspect.signature(loss).parameters)
    except (TypeError, ValueError):  # a function written in C
        return
    first, second = [*arguments, "", ""][:2]
    if _takes_target_first(first, second) or (second in OUTPUTS and first not in OUTPUTS):
        name = getattr(loss, "__name__", "")
        raise ValueError(
            f"{caller}: loss must be a function of (output, target), got {name_of(loss)}({', '.join(arguments)}), "
            f"which takes {first} first. Write loss=lambda output, target: "
            f"{name if name.isidentifier() else 'f'}(target, output)"
        )


def _takes_target_first(first: str, second: str) -> bool:
    """Whether arguments of these names mean (target, output). The letters y and t may mean outputs, too."""
    return first in TARGETS and (first not in ("y", "t") or second in OUTPUTS)


def measure(metric: str | Metric, outputs: NDArray[np.float64], targets: NDArray[Any]) -> float:
    """The metric of outputs and targets, one for each example.

    A function whose first argument is called y_true, as in scikit-learn, or another of TARGETS, gets (targets,
    outputs), every other one (outputs, targets). The arrays are its own, so that it may change them.

    Raises:
        TypeError: if the metric does not return one real number.
        ValueError: if "accuracy" means nothing for these numbers.
    """
    if isinstance(metric, str):
        return accuracy(outputs, targets)
    pair = (outputs.copy(), targets.copy())
    x = metric(*(pair[::-1] if _takes_targets_first(metric) else pair))
    if isinstance(x, np.ndarray) and not x.ndim:
        x = x[()]
    if isinstance(x, Value) or not isinstance(x, (bool, int, float, np.bool_, np.integer, np.floating)):
        raise TypeError(f"a metric must return one real number, got {describe(x)} from {name_of(metric)}")
    return float(x)


def _takes_targets_first(metric: Metric) -> bool:
    try:
        return _takes_target_first(*[*inspect.signature(metric).parameters, "", ""][:2])
    except (TypeError, ValueError):
        return False


def try_metric(metric: str | Metric, outputs: NDArray[np.float64], targets: NDArray[Any]) -> None:
    """TypeError or ValueError, before anything is trained, if a metric cannot judge outputs and targets like these."""
    try:
        found = measure(metric, outputs, targets)
        columns = [x[:, 0] if x.ndim == 2 and x.shape[1] == 1 else x for x in (outputs, targets)]
        if columns[0].shape == columns[1].shape and outputs.ndim != targets.ndim:
            _refuse_broadcasting(metric, found, columns, outputs.shape, targets.shape)
    except (TypeError, ValueError, IndexError, KeyError, AttributeError) as error:
        shapes = f"outputs of shape {outputs.shape} and targets of shape {targets.shape}"
        raise restate(error, f"the metric cannot be computed for {shapes}: {error}") from error
    except (ArithmeticError, Warning):
        return  # it may be right for the outputs of a model that has been trained


def _refuse_broadcasting(
    metric: str | Metric, found: float, columns: list[Any], outputs: tuple[int, ...], targets: tuple[int, ...]
) -> None:
    """ValueError if a metric pairs each output with each target, as NumPy does with arrays of these shapes."""
    try:
        wanted = measure(metric, columns[0], columns[1])
    except Exception:  # it asks for the column itself
        return
    if not np.isclose(found, wanted, rtol=1e-9, atol=1e-12, equal_nan=True):
        raise ValueError(
            f"it gives {found:g}, but {wanted:g} when both have the shape {columns[0].shape}: NumPy pairs each output "
            "with each target. Pass y[:, 0], and give one output as a number"
        )


def accuracy(outputs: NDArray[np.float64], targets: NDArray[Any]) -> float:
    """The fraction of examples that are classified correctly.

    If there are several outputs, the class is the index of the largest, and the target an index or a one-hot row.
    If there is one, the class is its sign, and the target a label: -1 or 1, or 0 or 1.

    Raises:
        ValueError: if the targets are anything else.
    """
    check_labels(outputs.shape[1:], targets)
    if outputs.ndim == 1:
        return float(np.mean((outputs > 0) == (targets > 0)))
    right = targets if targets.ndim < outputs.ndim else targets.argmax(-1)
    return float(np.mean(outputs.argmax(-1) == right))


def check_labels(shape: tuple[int, ...], targets: NDArray[Any]) -> None:
    """ValueError unless "accuracy" has a meaning for outputs of this shape and these targets."""
    if not shape:
        if targets.ndim != 1 or not (_is_all(targets, 0, 1) or _is_all(targets, -1, 1)):
            raise ValueError(
                f"metric='accuracy' needs labels -1 and 1, or 0 and 1, for one output, got {_describe(targets)}. {OWN}"
            )
    elif len(shape) > 1 or shape[0] < 2:
        raise ValueError(
            "metric='accuracy' needs one number for each example, or a list of at least two, got outputs of shape "
            f"{shape}. {OWN}"
        )
    elif targets.ndim == 1:
        if targets.min() < 0 or targets.max() >= shape[0] or (targets != np.floor(targets)).any():
            raise ValueError(
                f"metric='accuracy' needs labels from 0 to {shape[0] - 1} for {shape[0]} outputs, got "
                f"{_describe(targets)}. {OWN}"
            )
    elif targets.shape[1:] != shape or not _are_one_hot(targets):
        raise ValueError(
            f"metric='accuracy' needs labels, or one-hot rows of {shape[0]} numbers, for {shape[0]} outputs, got "
            f"{_describe(targets)}. {OWN}"
        )


def _are_one_hot(rows: NDArray[Any]) -> bool:
    """Whether each row has one 1 and is 0 elsewhere, or is -1 elsewhere in all rows, as a hinge loss needs."""
    return (_is_all(rows, 0, 1) or _is_all(rows, -1, 1)) and bool(((rows == 1).sum(1) == 1).all())


def _is_all(x: NDArray[Any], one: float, other: float) -> bool:
    return bool(((x == one) | (x == other)).all())


def _describe(targets: NDArray[Any]) -> str:
    if targets.ndim == 1:
        few = np.unique(targets)
        return f"{', '.join(f'{x:g}' for x in few[:5])}{', ...' if len(few) > 5 else ''}"
    return f"rows of shape {targets.shape[1:]} such as {targets[0].tolist()}"
