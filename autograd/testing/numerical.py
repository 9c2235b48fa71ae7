"""Gradients, Jacobians and Hessians of ordinary functions from their values alone, each with an error estimate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..transforms.recording import nest_rows
from .arguments import Arguments
from .differences.sides import Slopes
from .probe import Probe


class Estimate(NamedTuple):
    """A result of finite differences: `value` and `error`, in the same structure.

    Attributes:
        value: the derivatives, in the structure that grad, jacobian or hessian returns.
        error: for each an estimate of its distance from the true derivative, from the truncation that
            remains and the rounding and noise seen in the function. It is inf, and the value nan, where
            the derivative cannot be known.
    """

    value: Any
    error: Any


def numerical_gradient(f: Callable[..., Any], *args: Any, argnums: int | Sequence[int] = 0) -> Estimate:
    """The gradient of f at args by finite differences, and how far off it may be.

    The differences are central and extrapolated (see extrapolation.py), with steps chosen for each number
    by its size and the noise of f. They are one-sided where f is nan, infinite or raises on the other side.
    If f takes complex numbers and the complex step agrees with the differences, it makes them more precise
    (W. Squire, G. Trapp, Using complex variables to estimate derivatives of real functions, SIAM Review 40,
    1998). The noise of f is estimated from its values (see noise.py). This takes about 20 calls of f for each
    number and 20 more, or some 200 for each if f is difficult.

    Args:
        f: a function of floats and arrays, or of Values, that returns one number.
        args: the arguments to differentiate at, as for grad.
        argnums: which arguments to differentiate with respect to: an int, or a tuple for a tuple of gradients.

    Returns:
        (value, error). At a kink the value lies between the derivatives on either side, and the error
        covers both.

    Raises:
        TypeError: if an argument holds something other than real numbers; if the result is not one number.
        ValueError: if f is nan or infinite at args, changes an argument in place, or gives different
            results when called again; if argnums is out of range. Exceptions from f pass through, but for
            ValueError and ArithmeticError on one side of the point: f is not defined there.

    >>> import numpy as np
    >>> value, error = numerical_gradient(lambda x: np.sin(x) @ x, np.array([1.0, 2.0]))
    >>> value.round(6), bool((error < 1e-9).all())
    (array([1.381773, 0.077004]), True)
    """
    arguments = Arguments("numerical_gradient", f, args, argnums)
    value, error = _matrices(Probe(arguments, f, scalar=True).slopes()[0])
    return Estimate(arguments.inputs.like(value[0]), arguments.inputs.like(error[0]))


def numerical_jacobian(f: Callable[..., Any], *args: Any, argnums: int | Sequence[int] = 0) -> Estimate:
    """The derivatives of all results of f at args by finite differences, and how far off they may be.

    Args:
        f: a function that returns a number, an array, or a structure of them.
        args, argnums: as for numerical_gradient, which raises the same errors.

    Returns:
        (value, error), each structured as jacobian structures its result: as the result of f, with the
        structure of the argument at each number or array.

    >>> import numpy as np
    >>> value, error = numerical_jacobian(lambda x: np.array([x[0] * x[1], x[1]]), np.array([2.0, 3.0]))
    >>> abs(value.round(9))
    array([[3., 2.],
           [0., 1.]])
    """
    arguments = Arguments("numerical_jacobian", f, args, argnums)
    probe = Probe(arguments, f, scalar=False)
    value, error = [nest_rows(rows, probe.outputs, arguments.inputs) for rows in _matrices(probe.slopes()[0])]
    return Estimate(value, error)


def numerical_hessian(f: Callable[..., Any], *args: Any, argnums: int | Sequence[int] = 0) -> Estimate:
    """The second derivatives of f at args by finite differences, and how far off they may be.

    They are extrapolated second differences along each number, and along pairs of numbers together.

    Args:
        f, args, argnums: as for numerical_gradient, which raises the same errors.

    Returns:
        (value, error), each structured as hessian structures its result: as the argument, with that
        structure again at each number or array.

    >>> import numpy as np
    >>> value, error = numerical_hessian(lambda x: x[0] ** 2 * x[1], np.array([3.0, 5.0]))
    >>> abs(value.round(5)), bool((error < 1e-5).all())
    (array([[10.,  6.],
           [ 6.,  0.]]), True)
    """
    arguments = Arguments("numerical_hessian", f, args, argnums)
    probe = Probe(arguments, f, scalar=True)
    value, error = [nest_rows(m.tolist(), arguments.inputs, arguments.inputs) for m in probe.hessian()[:2]]
    return Estimate(value, error)


def _matrices(slopes: Sequence[Slopes]) -> tuple[list[list[float]], list[list[float]]]:
    """The values and the errors, a row for each result; at a kink the error covers both sides."""
    value, error, left, right = [np.array([s[k] for s in slopes]).T for k in range(4)]
    with np.errstate(invalid="ignore"):
        return value.tolist(), (error + np.where(left == right, 0.0, np.fmax(0.0, abs(right - left) / 2))).tolist()
