"""Probe: a function of floats and arrays at some arguments, and its derivatives there by finite differences."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..transforms.tree import flatten
from .arguments import Arguments, read_outputs
from .conversion import to_numpy
from .differences.extrapolation import EPSILON, Floats
from .differences.line import Line
from .differences.noise import OUTSIDE, Precision, hidden_noise
from .differences.sides import Slopes

Vector = Callable[[Any], Floats]


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
        self._precision = Precision()
        self._again = self.at(arguments.numbers)
        require_repeatable(arguments.who, self.y, self._again)
        self._complex = arguments.plain and all(leaf.names is None for leaf in arguments.inputs.leaves)
        self.noise = hidden_noise(self._along, self.y, self._precision.rounding) if len(arguments.numbers) else 0.0

    def at(self, numbers: Any) -> Floats:
        """The results with other numbers in the arguments."""
        result = to_numpy(self.arguments.call(self.f, numbers))
        if isinstance(result, float):
            y = np.array([result])
        else:
            entries = flatten(result, "").entries
            if any(isinstance(x, complex) for x in entries):
                raise ValueError("the result is complex")  # outside the domain
            y = np.array([float(x) for x in read_outputs(self.arguments.who, result, self.scalar).entries])
        self._precision.see(y)
        return y

    def _along(self, t: float) -> Floats:
        """The results on a line through the arguments on which all numbers vary alike; nan where it leaves the domain.

        At 1 each has changed by half to all of its size, or of 1 if it is 0.
        """
        numbers = self.arguments.numbers
        rng = np.random.default_rng(0)
        size = np.where(numbers == 0, 1.0, numbers) * rng.uniform(0.5, 1.0, len(numbers))
        try:
            with np.errstate(all="ignore"):
                return self.at(numbers + t * size)
        except OUTSIDE:
            return np.full_like(self.y, np.nan)

    def line(self, f: Vector, x: float, grid: float | None = None) -> Line:
        """A function of one number with the noise of this one."""
        return Line(f, x, self.y, self.noise, self._precision.rounding, grid)

    def lines(self) -> list[Line]:
        """For each number, the results as a function of that number alone."""
        return lines_through(self.at, self.arguments.numbers, self.line, self.arguments.grid)

    def slopes(self) -> tuple[list[Slopes], list[Any]]:
        """For each number in the arguments, the derivatives of the results, and what f raised beside it or None."""
        lines = self.lines()
        found = [line.slopes() for line in lines]
        noise = np.max([line.noise for line in lines], axis=0, initial=0.0)
        for i, line in enumerate(lines):
            flat = (found[i].value == 0) & (line.noise < noise)
            if flat.any():  # or rounded: rounding that the other numbers show may hide the influence of this one
                line.noise = np.where(flat, noise, line.noise)
                found[i] = line.slopes()
            if self._complex:
                found[i] = self._complex_step(i, found[i])
        self.require_unchanged()
        return found, [line.trouble for line in lines]

    def require_unchanged(self) -> None:
        """ValueError unless the function still gives what it gave at first."""
        last = self.at(self.arguments.numbers)
        require_repeatable(self.arguments.who, self.y, last)
        if np.array_equal(self._again, self.y) and not np.array_equal(last, self.y):
            i = np.flatnonzero(last != self.y)[0]
            raise ValueError(
                f"{self.arguments.who} the function gave {self.y[i]} at first and, for the same arguments, {last[i]} "
                "after some calls; it must depend on its arguments only. Let it keep nothing from call to call"
            )

    def _complex_step(self, i: int, real: Slopes) -> Slopes:
        """The derivatives with respect to number i from an imaginary step, which loses no digits, if real ones agree.

        They are computed at neighbouring floats too: the differences show what rounding does to them.
        """
        x = self.arguments.numbers[i]
        h = max(abs(x), 1e-100) * 2.0**-70
        rows = []
        for neighbour in (0, -2, -1, 1, 2):
            point = self.arguments.numbers.astype(complex)
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
        return Slopes(value, error, np.where(better, value, real.left), np.where(better, value, real.right), *real[4:])

    def second_slopes(self) -> list[Slopes]:
        """The second derivatives of the one result: for each number those with respect to it and each other one."""
        value, error, variation = self.hessian()
        return [Slopes(v, e, v, v, np.zeros_like(v), s) for v, e, s in zip(value.T, error.T, variation.T)]

    def hessian(self) -> tuple[Floats, Floats, Floats]:
        """The matrix of the second derivatives of the one result, that of their errors, and how large they may be.

        The last is the gradient over the size of the other number.
        """
        numbers = self.arguments.numbers
        unmixed = [line.slopes(order=2) for line in self.lines()]
        h = [float(s.step[0]) for s in unmixed]
        value, error = [np.diag([float(getattr(s, name)[0]) for s in unmixed]) for name in ("value", "error")]
        for i in range(len(numbers)):
            for j in range(i):
                value[i, j], error[i, j] = value[j, i], error[j, i] = self._mixed_derivative(i, j, h, value, error)
        self.require_unchanged()
        size = np.where(numbers == 0, 1.0, abs(numbers))
        with np.errstate(all="ignore"):
            slopes = np.array([float(s.variation[0]) for s in unmixed]) * size
            typical = slopes[:, None] / size
        return value, error, np.nan_to_num(np.fmax(typical, typical.T))

    def _mixed_derivative(self, i: int, j: int, h: list[float], value: Floats, error: Floats) -> tuple[float, float]:
        """d²f / dxi dxj, from the second derivative along the diagonal with the steps that suited xi and xj."""
        numbers = self.arguments.numbers
        for sign in (1.0, -1.0):  # one of the two diagonals may leave the domain of f

            def diagonal(t: float, sign: float = sign) -> Floats:
                point = numbers.copy()
                point[i] += t * h[i]
                point[j] += t * sign * h[j]
                return self.at(point)

            line = self.line(diagonal, 0.0)
            found = line.slopes_from(line.steps(range(7, -9, -2), order=2), order=2)
            if np.isfinite(found.error[0]):
                break
        rest = h[i] ** 2 * value[i, i] + h[j] ** 2 * value[j, j]
        doubt = h[i] ** 2 * error[i, i] + h[j] ** 2 * error[j, j]
        area = 2 * sign * h[i] * h[j]
        return (float(found.value[0]) - rest) / area, (float(found.error[0]) + doubt) / abs(area)


def lines_through(f: Vector, numbers: Floats, line: Callable[..., Line], grid: Floats) -> list[Line]:
    """For each number, f as a function of that number alone."""

    def through(i: int) -> Line:
        def alone(t: float) -> Floats:
            point = numbers.copy()
            point[i] = t
            return f(point)

        return line(alone, float(numbers[i]), float(grid[i]))

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
