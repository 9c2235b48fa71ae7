"""Clipping, the cure for exploding gradients. R. Pascanu, T. Mikolov, Y. Bengio, arXiv:1211.5063."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from autograd import Value
from autograd.primitive import describe

from ..checks import check_limit, list_parameters
from .base import Flat


def clip_grad_norm(parameters: Iterable[Value], max_norm: float) -> float:
    """Scale all gradients down together if their Euclidean norm is above max_norm; return the norm that they had.

    As torch.nn.utils.clip_grad_norm_, including the 1e-6 that is added to the divisor.

    Raises:
        TypeError: if the parameters are not Values, such as a Module in their place, or max_norm is not a number.
        ValueError: if max_norm is negative.

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
    return float(np.linalg.norm(grad))


def clip_grad_value(parameters: Iterable[Value], clip_value: float) -> None:
    """Bring every gradient into the range from -clip_value to clip_value.

    Raises:
        TypeError: if the parameters are not Values, such as a Module in their place, or clip_value is not a number.
        ValueError: if clip_value is negative.
    """
    listed, grad = _read_gradients(parameters, "clip_grad_value")
    for p, g in zip(listed, clip_by_value(grad, clip_value).tolist()):
        p.grad = g


def _read_gradients(parameters: Iterable[Value], name: str) -> tuple[list[Value], Flat]:
    listed = list_parameters(parameters, name)
    for p in listed:
        if not isinstance(p, Value):
            raise TypeError(f"{name}: a parameter must be a Value, got {describe(p)}")
    return listed, np.array([p.grad for p in listed])


def clip_by_norm(grad: Flat, max_norm: float) -> Flat:
    """The formula of clip_grad_norm, on a flat array."""
    check_limit(max_norm, "max_norm")
    return grad * min(1.0, max_norm / (float(np.linalg.norm(grad)) + 1e-6))


def clip_by_value(grad: Flat, clip_value: float) -> Flat:
    """The formula of clip_grad_value, on a flat array."""
    check_limit(clip_value, "clip_value")
    return np.clip(grad, -clip_value, clip_value)
