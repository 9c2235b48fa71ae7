"""Checks of a gradient along random directions, for functions of so many numbers that each alone is too slow."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .differences.extrapolation import EPSILON, Floats
from .differences.line import Line
from .verdicts import Verdict, give_verdict, judge

MANY = 1000  # numbers from which directions are checked unless the user says otherwise
DIRECTIONS = 5
MISTAKE = 1e-3  # as a part of the gradient, in the chance that is stated


class Directions:
    """A gradient that is checked along random directions.

    The entries of a direction are normally distributed, times the size of each number. A mistake e in the
    gradient, times these sizes, shows in a direction as a normally distributed number with a standard deviation
    of |e|. It is missed if that is less than the bound of the check, with a chance of at most 0.8 bound / |e|.

    Args:
        at: the function of all numbers, as an array with one result.
        numbers: the point.
        given: the gradient under test.
        line: makes the Line for a function of one number.
        rtol, atol: the tolerances. The relative one is that of a direction: of the norm of what the numbers add to it.
    """

    def __init__(
        self,
        at: Callable[[Any], Floats],
        numbers: Floats,
        given: Any,
        line: Callable[..., Line],
        rtol: float,
        atol: float,
    ) -> None:
        self.at, self.numbers, self.given, self.line = at, numbers, np.asarray(given, dtype=float), line
        self.rtol, self.atol = rtol, atol
        typical = float(np.sqrt(np.mean(numbers**2))) or 1.0
        self.sizes = np.maximum(abs(numbers), 1e-3 * typical)
        self.chance = 1.0

    def check(self, count: int) -> tuple[list[Verdict], list[Any]]:
        """The verdict on each of this many directions, and the directions."""
        rng = np.random.default_rng(0)
        directions = [rng.standard_normal(len(self.numbers)) * self.sizes for _ in range(count)]
        verdicts = [self._verdict(f"direction {k + 1}", d) for k, d in enumerate(directions)]
        size = MISTAKE * float(np.linalg.norm(self.given * self.sizes))
        for v in verdicts:
            self.chance *= min(1.0, math.sqrt(2 / math.pi) * v.bound / size) if size > 0 and not v.reason else 1.0
        return verdicts, directions

    def find(self, direction: Any, names: Sequence[str]) -> list[Verdict]:
        """The worst derivative, found by halving a direction along which the gradient is wrong; none if that fails."""
        places = np.flatnonzero(direction)
        while len(places) > 1:
            halves = [places[: len(places) // 2], places[len(places) // 2 :]]
            verdicts = [self._verdict("", self._part(direction, half)) for half in halves]
            if not any(v.wrong for v in verdicts):
                return []
            places = halves[0] if verdicts[0].off >= verdicts[1].off else halves[1]
        i = int(places[0])

        def alone(t: float) -> Floats:
            point = self.numbers.copy()
            point[i] = t
            return self.at(point)

        slopes = self.line(alone, float(self.numbers[i])).slopes()
        found = judge([""], [names[i]], [[self.given[i]]], [slopes], self.rtol, atol=self.atol)
        return [v for v in found if v.wrong]

    def _part(self, direction: Any, places: Any) -> Any:
        part = np.zeros_like(self.numbers)
        part[places] = direction[places]
        return part

    def _verdict(self, name: str, direction: Any) -> Verdict:
        moved = np.flatnonzero(direction)
        along = float(np.linalg.norm((self.given * direction)[moved]))
        line = self.line(lambda t: self.at(self.numbers + t * direction), 0.0)
        with np.errstate(invalid="ignore"):
            shifted = float(np.linalg.norm((self.given * self.numbers)[moved]))
        line.noise = line.noise + (EPSILON * shifted if math.isfinite(shifted) else 0.0)  # the points are rounded
        given = float(np.dot(self.given[moved], direction[moved]))
        tolerance = self.atol + (self.rtol * along if math.isfinite(along) else 0.0)
        slack = EPSILON * math.sqrt(len(moved)) * along if math.isfinite(along) else 0.0
        slopes = line.slopes()
        return give_verdict(name, given, slopes, 0, tolerance + slack, self.atol, trouble=line.trouble)
