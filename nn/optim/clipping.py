"""Clipping, the cure for exploding gradients. R. Pascanu, T. Mikolov, Y. Bengio, arXiv:1211.5063."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from autograd import Value

from ..checks import check_limit, list_leaves
from .base import Flat


def clip_grad_norm(parameters: Iterable[Value], max_norm: float) -> float:
    """Scale all gradients down together if their Euclidean norm is above max_norm; return the norm that they had.

    As torch.nn.utils.clip_grad_norm_, including the 1e-6 that is added to the divisor.

    Raises:
        TypeError: if the parameters are not leaf Values, as is a Module in their place, or max_norm is not a number.
        ValueError: if max_norm is negative, or a parameter is there twice.
        FloatingPointError: if a gradient is nan or infinite.

    >>> x, y = Value(0.0), Value(0.0)
    >>> x.grad, y.grad = 30.0, 40.0
    >>> clip_grad_norm([x, y], max_norm=5.0)
    50.0
    >>> round(x.grad, 6), round(y.grad, 6)
    (3.0, 4.0)
    """
    listed, grad = _read_gradients(parameters, "clip_grad_norm")
    for p, g in zip(listed, clip_by_norm(grad, max_norm).tolist()):
        p.grad = g
    return math.hypot(*grad.tolist()) if _norm(grad) == math.inf else _norm(grad)


def clip_grad_value(parameters: Iterable[Value], clip_value: float) -> None:
    """Bring every gradient into the range from -clip_value to clip_value.

    Raises:
        TypeError: if the parameters are not leaf Values, as is a Module in their place, or clip_value is not a number.
        ValueError: if clip_value is negative, or a parameter is there twice.
        FloatingPointError: if a gradient is nan or infinite.
    """
    listed, grad = _read_gradients(parameters, "clip_grad_value")
    for p, g in zip(listed, clip_by_value(grad, clip_value).tolist()):
        p.grad = g


def _read_gradients(parameters: Iterable[Value], name: str) -> tuple[list[Value], Flat]:
    """The parameters in a list, and their gradients; FloatingPointError unless these are finite."""
    listed = list_leaves(parameters, name)
    grad = np.array([p.grad for p in listed])
    if not np.isfinite(grad).all():
        bad = grad[~np.isfinite(grad)][0]
        raise FloatingPointError(
            f"{name}: gradients must be finite, got {bad}. ag.detect_anomaly() names the operation"
        )
    return listed, grad


def clip_by_norm(grad: Flat, max_norm: float) -> Flat:
    """The formula of clip_grad_norm, on a flat array."""
    check_limit(max_norm, "max_norm")
    norm = _norm(grad)
    if norm == math.inf:  # though the numbers are finite
        largest = np.abs(grad).max()
        part: Flat = grad / largest
        return np.asarray(part * min(largest, max_norm / _norm(part)))
    return grad * min(1.0, max_norm / (norm + 1e-6))


def _norm(grad: Flat) -> float:
    """Their Euclidean norm."""
    with np.errstate(over="ignore"):
        return float(np.linalg.norm(grad))


def clip_by_value(grad: Flat, clip_value: float) -> Flat:
    """The formula of clip_grad_value, on a flat array."""
    check_limit(clip_value, "clip_value")
    return np.clip(grad, -clip_value, clip_value)
