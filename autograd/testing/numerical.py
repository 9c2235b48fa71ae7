"""Gradients, Jacobians and Hessians of ordinary functions from their values alone, each with an error estimate."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..transforms.recording import nest_rows
from ..transforms.tree import flatten
from .arguments import Arguments, read_outputs
from .extrapolation import EPSILON, Floats
from .finite_differences import Line, Slopes

Vector = Callable[[Sequence[Any]], Floats]


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
    1998). This takes about 20 calls of f for each number, or some 200 if f is difficult.

    Args:
        f: a function of floats and arrays, or of Values, that returns one number.
        args: the arguments to differentiate at, as for grad.
        argnums: which arguments to differentiate with respect to: an int, or a tuple for a tuple of gradients.

    Returns:
        (value, error). At a kink the value lies between the derivatives on either side, and the error
        covers both.

    Raises:
        TypeError: if an argument holds something other than real numbers, or is an integer array; if
            the result is not one number.
        ValueError: if f is nan or infinite at args, changes an argument in place, or gives different
            results when called twice; if argnums is out of range.

    >>> import numpy as np
    >>> value, error = numerical_gradient(lambda x: np.sin(x) @ x, np.array([1.0, 2.0]))
    >>> value.round(6), bool((error < 1e-9).all())
    (array([1.381773, 0.077004]), True)
    """
    arguments = Arguments("numerical_gradient", f, args, argnums)
    value, error = _matrices(Probe(arguments, f, scalar=True).slopes())
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
    value, error = [nest_rows(rows, probe.outputs, arguments.inputs) for rows in _matrices(probe.slopes())]
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
    value, error = [nest_rows(m.tolist(), arguments.inputs, arguments.inputs) for m in probe.hessian()]
    return Estimate(value, error)


def _matrices(slopes: Sequence[Slopes]) -> tuple[list[list[float]], list[list[float]]]:
    """The values and the errors, a row for each result; at a kink the error covers both sides."""
    value, error, left, right = [np.array([s[k] for s in slopes]).T for k in range(4)]
    with np.errstate(invalid="ignore"):
        return value.tolist(), (error + np.where(left == right, 0.0, np.fmax(0.0, abs(right - left) / 2))).tolist()


class Probe:
    """A function of floats and arrays at some arguments, and its derivatives there by finite differences.

    Args:
        arguments: the arguments.
        f: the function.
        scalar: whether it must return one number.

    Attributes:
        outputs: the structure of its result.
        y: the numbers in it.
    """

    def __init__(self, arguments: Arguments, f: Callable[..., Any], scalar: bool) -> None:
        self.arguments, self.f, self.scalar = arguments, f, scalar
        self.outputs = read_outputs(arguments.who, arguments.call_and_check(f, arguments.numbers), scalar)
        self.y = np.array([float(x) for x in self.outputs.entries])
        require_repeatable(arguments.who, self.y, self.at(arguments.numbers))
        self._complex = all(leaf.names is None for leaf in arguments.inputs.leaves)  # as long as it works

    def at(self, numbers: Sequence[float]) -> Floats:
        """The results with other numbers in the arguments."""
        tree = read_outputs(self.arguments.who, self.arguments.call(self.f, numbers), self.scalar)
        return np.array([float(x) for x in tree.entries])

    def slopes(self) -> list[Slopes]:
        """For each number in the arguments, the derivatives of the results with respect to it."""
        found = []
        for i, line in enumerate(lines_through(self.at, self.arguments.numbers, self.y)):
            real = line.slopes()
            found.append(self._complex_step(i, real) if self._complex else real)
        return found

    def _complex_step(self, i: int, real: Slopes) -> Slopes:
        """The derivatives with respect to number i from an imaginary step, which loses no digits, if real ones agree.

        They are computed at neighbouring floats too: the differences show what rounding does to them.
        """
        x = self.arguments.numbers[i]
        h = max(abs(x), 1e-100) * 2.0**-70
        rows = []
        for neighbour in (0, -2, -1, 1, 2):
            point: list[Any] = list(self.arguments.numbers)
            point[i] = complex(x + neighbour * float(np.spacing(x)), h)
            try:
                with np.errstate(all="ignore"), warnings.catch_warnings():
                    warnings.simplefilter("error")  # of NumPy, on discarding imaginary parts
                    entries = flatten(self.arguments.call(self.f, point), "").entries
                    rows.append([complex(z).imag / h for z in entries])
            except Exception:  # of any kind: the function says that it takes no complex numbers
                self._complex = False
                return real
        steps = np.array(rows)
        value = steps[0]
        error = 8 * abs(steps - value).max(axis=0) + 64 * EPSILON * abs(value)
        with np.errstate(invalid="ignore"):
            confirmed = (real.error <= 1e-6 * abs(value)) & (abs(value - real.value) <= real.error)
        better = confirmed & (real.left == real.right) & (error < real.error)
        value, error = np.where(better, value, real.value), np.where(better, error, real.error)
        return Slopes(value, error, np.where(better, value, real.left), np.where(better, value, real.right), real.step)

    def hessian(self) -> tuple[Floats, Floats]:
        """The matrix of the second derivatives of the one result, and the matrix of their errors."""
        numbers = self.arguments.numbers
        unmixed = [line.slopes(order=2) for line in lines_through(self.at, numbers, self.y)]
        h = [float(s.step[0]) for s in unmixed]
        value, error = [np.diag([float(getattr(s, name)[0]) for s in unmixed]) for name in ("value", "error")]
        for i in range(len(numbers)):
            for j in range(i):
                value[i, j], error[i, j] = value[j, i], error[j, i] = self._mixed_derivative(i, j, h, value, error)
        return value, error

    def _mixed_derivative(self, i: int, j: int, h: list[float], value: Floats, error: Floats) -> tuple[float, float]:
        """d²f / dxi dxj, from the second derivative along the diagonal with the steps that suited xi and xj."""
        numbers = self.arguments.numbers
        for sign in (1.0, -1.0):  # one of the two diagonals may leave the domain of f

            def diagonal(t: float, sign: float = sign) -> Floats:
                point = list(numbers)
                point[i] += t * h[i]
                point[j] += t * sign * h[j]
                return self.at(point)

            line = Line(diagonal, 0.0, self.y)
            found = line.slopes_from(line.steps(range(7, -9, -2), order=2), order=2)
            if np.isfinite(found.error[0]):
                break
        rest = h[i] ** 2 * value[i, i] + h[j] ** 2 * value[j, j]
        doubt = h[i] ** 2 * error[i, i] + h[j] ** 2 * error[j, j]
        area = 2 * sign * h[i] * h[j]
        return (float(found.value[0]) - rest) / area, (float(found.error[0]) + doubt) / abs(area)


def lines_through(f: Vector, numbers: Sequence[float], y: Floats, noise: Any = 0.0) -> list[Line]:
    """For each number, f as a function of that number alone."""

    def through(i: int) -> Line:
        return Line(lambda t: f([*numbers[:i], t, *numbers[i + 1 :]]), numbers[i], y, noise)

    return [through(i) for i in range(len(numbers))]


def require_repeatable(who: str, y: Floats, again: Floats) -> None:
    """ValueError unless the results are finite, and the second ones equal the first up to a little noise."""
    if not np.isfinite(y).all():
        raise ValueError(f"{who} the function gives {y[~np.isfinite(y)][0]} here, where it has no derivative")
    different = np.flatnonzero(~(abs(again - y) <= 1e-8 * abs(y))) if again.shape == y.shape else [0]
    if len(different):
        i = different[0]
        raise ValueError(
            f"{who} the function gives {y[i]} and, for the same arguments, {again[i]}; it must depend on its "
            "arguments only. Give its random numbers a fixed seed"
        )
