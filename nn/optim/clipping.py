"""Clipping, the cure for exploding gradients. R. Pascanu, T. Mikolov, Y. Bengio, arXiv:1211.5063."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from autograd import Value

from ..checks import list_parameters
from .base import Flat


def clip_grad_norm(parameters: Iterable[Value], max_norm: float) -> float:
    """Scale all gradients down together if their Euclidean norm is above max_norm; return the norm before that.

    As torch.nn.utils.clip_grad_norm_, including the 1e-6 that is added to the divisor.

    Raises:
        TypeError: for a Module in place of its parameters.
        ValueError: if max_norm is negative.

    >>> x, y = Value(0.0), Value(0.0)
    >>> x.grad, y.grad = 30.0, 40.0
    >>> clip_grad_norm([x, y], max_norm=5.0)
    50.0
    >>> round(x.grad, 6), round(y.grad, 6)
    (3.0, 4.0)
    """
    listed = list_parameters(parameters, "clip_grad_norm")
    grad = np.array([p.grad for p in listed])
    for p, g in zip(listed, clip_by_norm(grad, max_norm).tolist()):
        p.grad = g
    return float(np.linalg.norm(grad))


def clip_grad_value(parameters: Iterable[Value], clip_value: float) -> None:
    """Bring every gradient into the range from -clip_value to clip_value.

    Raises:
        TypeError: for a Module in place of its parameters.
        ValueError: if clip_value is negative.
    """
    listed = list_parameters(parameters, "clip_grad_value")
    grad = np.array([p.grad for p in listed])
    for p, g in zip(listed, clip_by_value(grad, clip_value).tolist()):
        p.grad = g


def clip_by_norm(grad: Flat, max_norm: float) -> Flat:
    """The formula of clip_grad_norm, on a flat array."""
    if not max_norm >= 0:
        raise ValueError(f"max_norm must be a number of 0 or more, got {max_norm}")
    return grad * min(1.0, max_norm / (float(np.linalg.norm(grad)) + 1e-6))


def clip_by_value(grad: Flat, clip_value: float) -> Flat:
    """The formula of clip_grad_value, on a flat array."""
    if not clip_value >= 0:
        raise ValueError(f"clip_value must be a number of 0 or more, got {clip_value}")
    return np.clip(grad, -clip_value, clip_value)
