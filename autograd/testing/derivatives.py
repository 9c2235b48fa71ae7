"""Derivatives of every order by the rules of the primitives, and their comparison with finite differences."""

from __future__ import annotations

import functools
import itertools
from typing import Any

import numpy as np

from ..transforms.recording import Recording
from ..transforms.sweep import pull_back_each
from ..value import Value, number_of
from .arguments import Arguments
from .differences.extrapolation import Floats
from .differences.line import Line
from .differences.rounding import rounding_errors
from .directions import Directions
from .probe import lines_through, require_repeatable
from .verdicts import Verdict, judge


class Derivatives:
    """The derivatives of a function of Values with respect to all numbers in its arguments, of any order.

    Order 0 is the value, order 1 the gradient, order 2 the Hessian, each as a flat array whose last index
    runs fastest.
    """

    def __init__(self, arguments: Arguments) -> None:
        self.arguments = arguments

    def at(self, numbers: Any, order: int) -> Floats:
        """The derivatives of this order for other numbers in the arguments."""
        if order == 0:
            return np.array([number_of(self.arguments.call(self.arguments.f, [Value(float(x)) for x in numbers]))])
        with self.arguments.parameters_at(numbers):
            run, below = self._record(numbers, order - 1)
            return np.array(pull_back_each(below, run.variables, False), dtype=float).ravel()

    def graph(self, order: int) -> list[Any]:
        """The derivatives of this order as Values or, where they are constant, floats."""
        return self._record(self.arguments.numbers, order)[1]

    def check(self, order: int, rtol: float, atol: float = 0.0) -> list[Verdict]:
        """Compare the derivatives of this order with finite differences of those one order below."""
        arguments, names = self.arguments, self.arguments.names
        below, noise, slack = self._below(order)
        function = functools.partial(self.at, order=order - 1)

        def line(f: Any, x: float, grid: float) -> Line:
            return Line(f, x, below, noise, grid=grid, stairs=False)

        lines = lines_through(function, arguments.numbers, line, arguments.grid)
        slopes = [each.slopes() for each in lines]
        if order == 1:
            require_repeatable(arguments.who, below, self.at(arguments.numbers, 0))
        results = [", ".join(indices) for indices in itertools.product(names, repeat=order - 1)]
        expected = np.array([s.value for s in slopes]).T
        # The rules run on floats for `given` and on Values for `on_values`: judge whichever is further off.
        given = self.at(arguments.numbers, order).reshape(expected.shape)
        on_values = np.array([number_of(x) for x in self.graph(order)]).reshape(expected.shape)
        with np.errstate(invalid="ignore"):
            worse = np.where(abs(given - expected) <= abs(on_values - expected), on_values, given)
        troubles = [each.trouble for each in lines]
        return judge(results, names, worse.tolist(), slopes, rtol, slack, atol, troubles)

    def along(self, rtol: float, atol: float) -> Directions:
        """The gradient, to be checked along directions."""
        below, noise, _ = self._below(1)

        def line(f: Any, x: float) -> Line:
            return Line(f, x, below, noise, stairs=False)

        numbers = self.arguments.numbers
        return Directions(functools.partial(self.at, order=0), numbers, self.at(numbers, 1), line, rtol, atol)

    def _below(self, order: int) -> tuple[Floats, Floats, list[list[float]]]:
        """The derivatives one order below, their rounding errors, and those of the derivatives of this order."""
        run, roots = self._record(self.arguments.numbers, order - 1)
        below = self.at(self.arguments.numbers, order - 1)
        if order == 1:
            require_repeatable(self.arguments.who, below, self.at(self.arguments.numbers, 0))
        errors = [rounding_errors(root, run.variables) for root in roots]
        return below, np.array([noise for noise, _ in errors]), [slack for _, slack in errors]

    def _record(self, numbers: Any, order: int) -> tuple[Recording, list[Any]]:
        arguments = self.arguments
        run = Recording("check_gradients", arguments.f, arguments.argnums, arguments.at(numbers), {})
        run.expect_scalar()
        derivatives = list(run.outputs.entries)
        for _ in range(order):
            derivatives = [d for row in pull_back_each(derivatives, run.variables, True) for d in row]
        return run, derivatives
