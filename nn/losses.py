"""Losses: how far outputs are from targets, for one example or for a list of them.

Call each with one example, or with a list of examples and a `reduction` over the list: "mean" (the default),
"sum", or "none" for the list of losses, as in PyTorch. A single example is not reduced.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

import autograd as ag
from autograd import Value
from autograd.node import is_traced
from autograd.primitive import describe, is_number

from .checks import refuse_masked

Reduction = Literal["mean", "sum", "none"]


def mse(prediction: Any, target: Any, reduction: Reduction = "mean") -> Any:
    """The squared error (prediction - target)².

    Args:
        prediction: a number or Value, or a list of them. If an item is itself a list, the outputs
            of one example, its loss is the mean over them.
        target: numbers in the same structure.
        reduction: "mean", "sum" or "none" over the list.

    Raises:
        ValueError: if the structures differ or are empty, or for an unknown reduction.
        TypeError: for anything but numbers and Values.

    >>> mse([1.0, 2.0], [0.0, 4.0])
    2.5
    """

    def squared_error(p: Any, t: Any) -> Any:
        if _is_list(p) or _is_list(t):
            return mse(p, t)
        _require_numbers("mse", "prediction", p, "target", t)
        return (p - t) * (p - t)

    return _over(squared_error, prediction, target, reduction, "mse", _is_list(prediction) or _is_list(target))


def hinge(score: Any, label: Any, reduction: Reduction = "mean") -> Any:
    """The max-margin loss relu(1 - label · score).

    Args:
        score: a number or Value, or a list of them.
        label: -1 or 1, or a list of them.
        reduction: "mean", "sum" or "none" over the list.

    Raises:
        ValueError: for a label other than -1 or 1, lists of different lengths, or an unknown reduction.
        TypeError: for anything but numbers and Values.

    >>> hinge([2.0, 0.25], [1, -1])
    0.625
    """

    def margin(s: Any, y: Any) -> Any:
        _require_numbers("hinge", "score", s, "label", y)
        _check_order("hinge", s, y)
        if is_traced(y):
            y = ag.where(y * y == 1.0, y, math.nan)  # a step with such a label is refused
        elif y not in (-1, 1):
            raise ValueError(f"hinge: a label must be -1 or 1, got {y!r}")
        return ag.relu(1.0 - s * y)

    return _over(margin, score, label, reduction, "hinge", _is_list(score) or _is_list(label))


def binary_cross_entropy_with_logits(logit: Any, target: Any, reduction: Reduction = "mean") -> Any:
    """The negative log likelihood of the target under the probability sigmoid(logit), without overflow.

    -t log σ(z) - (1 - t) log(1 - σ(z)), computed as t softplus(-z) + (1 - t) softplus(z).

    Args:
        logit: a number or Value, or a list of them.
        target: the probability of class 1, usually 0 or 1, or a list of them.
        reduction: "mean", "sum" or "none" over the list.

    Raises:
        ValueError: for a target outside [0, 1], lists of different lengths, or an unknown reduction.
        TypeError: for anything but numbers and Values.

    >>> binary_cross_entropy_with_logits([0.0, 1000.0], [1, 1], reduction="sum")
    0.6931471805599453
    """

    def nll(z: Any, t: Any) -> Any:
        _require_numbers("binary_cross_entropy_with_logits", "logit", z, "target", t)
        _check_order("binary_cross_entropy_with_logits", z, t)
        if is_traced(t):
            t = ag.where(t * (1.0 - t) >= 0.0, t, math.nan)  # a step with such a target is refused
        elif not 0 <= t <= 1:
            raise ValueError(f"binary_cross_entropy_with_logits: a target must be from 0 to 1, got {t!r}")
        return t * ag.softplus(-z) + (1 - t) * ag.softplus(z)

    many = _is_list(logit) or _is_list(target)
    return _over(nll, logit, target, reduction, "binary_cross_entropy_with_logits", many)


def cross_entropy(logits: Any, label: Any, reduction: Reduction = "mean") -> Any:
    """The negative log likelihood of the label under the probabilities softmax(logits), without overflow.

    logsumexp(z - z[label]).

    Args:
        logits: for one example a list of numbers or Values, one for each class; or a list of such lists.
        label: the index of the correct class; or a list of them.
        reduction: "mean", "sum" or "none" over the list of examples.

    Raises:
        ValueError: for a label that is not the index of a class, lists of different lengths, or an unknown reduction.
        TypeError: for a label that is not a whole number.

    >>> cross_entropy([0.0, 0.0], 1)
    0.6931471805599453
    """

    def nll(zs: Any, k: Any) -> Any:
        if _is_list(zs) and len(zs) < 2:
            raise ValueError(
                f"cross_entropy: an example's logits must be two or more, one for each class, got {len(zs)}, whose "
                "loss is always 0. For one logit use nn.binary_cross_entropy_with_logits"
            )
        if is_traced(k) and _is_list(zs):  # nan if it is not the index of a class
            chosen: Any = math.nan
            for j, z in enumerate(zs):
                chosen = ag.where(k == j, z, chosen)
            return ag.logsumexp(zs) - chosen
        if isinstance(k, bool) or not isinstance(k, (int, np.integer)):
            raise TypeError(
                f"cross_entropy: a label must be the index of a class, got {k!r}. "
                "Pass indexes in an array of floats as y.astype(int), and one-hot rows as y.argmax(1)"
            )
        if not _is_list(zs):
            raise TypeError(f"cross_entropy: an example's logits must be a list, one for each class, got {zs!r}")
        if not 0 <= k < len(zs):
            raise ValueError(f"cross_entropy: a label must be from 0 to {len(zs) - 1} for {len(zs)} logits, got {k}")
        return ag.logsumexp([z - zs[k] if j != k else 0.0 for j, z in enumerate(zs)])  # exact where the loss is small

    return _over(nll, logits, label, reduction, "cross_entropy", _is_list(label))


def _is_list(x: Any) -> bool:
    return isinstance(x, (list, tuple)) or (isinstance(x, np.ndarray) and x.ndim > 0)


def _check_order(name: str, output: Any, target: Any) -> None:
    if type(target) is Value and not isinstance(output, Value):
        raise TypeError(f"{name} takes the model's output first, then the target, got a plain number first. Swap them")


def _plain(x: Any, name: str) -> Any:
    """x in Python's numbers, if it is NumPy's, whose integers wrap around: uint8(3) - uint8(5) is 254."""
    if not isinstance(x, (np.ndarray, np.generic)) or x.dtype.kind not in "fiub":
        return x
    refuse_masked(x, f"{name}: an array")
    numbers = x.tolist()
    return float(numbers) if isinstance(numbers, np.floating) else numbers  # a long double


def _require_numbers(loss: str, first: str, x: Any, second: str, y: Any) -> None:
    """Raise TypeError, naming the loss and the argument, unless both are real numbers or Values."""
    for name, given in ((first, x), (second, y)):
        if not isinstance(given, Value) and not is_number(given):
            raise TypeError(f"{loss}: a {name} must be a number or a Value, got {describe(given)}")


def _over(loss: Callable[[Any, Any], Any], outputs: Any, targets: Any, reduction: str, name: str, many: bool) -> Any:
    """The loss of one example, or the reduced losses of a list of them."""
    outputs, targets = _plain(outputs, name), _plain(targets, name)
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{name}: reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
    if not many:
        return loss(outputs, targets)
    if not _is_list(outputs) or not _is_list(targets) or len(outputs) != len(targets):
        counts = [f"a list of {len(x)}" if _is_list(x) else "one number" for x in (outputs, targets)]
        advice = "Pass targets in an array of one column as y[:, 0]"
        if _is_list(outputs) and not _is_list(targets):
            advice = (
                "For several outputs, pass a list of as many targets, such as the one-hot row [0, 1, 0] for a class. "
                "If the target is the index of a class, use nn.cross_entropy"
            )
        raise ValueError(
            f"{name}: outputs and targets must be lists of the same length, got {counts[0]} and {counts[1]}. {advice}"
        )
    if not len(outputs):
        raise ValueError(f"{name}: there must be at least one example, got an empty list")
    losses = [loss(_plain(output, name), _plain(target, name)) for output, target in zip(outputs, targets)]
    if reduction == "none":
        return losses
    return ag.mean(losses) if reduction == "mean" else ag.sum(losses)
