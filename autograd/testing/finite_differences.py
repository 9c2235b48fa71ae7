"""Derivatives along a line from values of the function alone, each with an estimate of its own error.

The function is sampled at x ± h for steps h, each about a quarter of the one before, and the differences
are extrapolated to h = 0 (see extrapolation.py). If differences at smaller steps contradict the best
candidate, either the function has a feature too narrow for the larger steps (a kink nearby, an
oscillation), or it has more noise than was known (from a cancellation inside it, for example). Bisection
shows which: a jump that does not shrink with its interval is noise, and its size is measured. If there
is no jump, the larger steps are given up.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .extrapolation import DOUBT, Best, Differences, Floats, Tableau

Mask = NDArray[np.bool_]

FIRST_STEPS = 8  # steps to try at first
UNRESOLVED = 0.01  # the change between neighbouring floats that is too much, as a part of the change further off
PRECISE = {1: 1e-8, 2: 1e-6}  # for each order, the relative error at which the first steps suffice


class Slopes(NamedTuple):
    """Derivatives of the outputs of a function along a line: in each array a number for each output.

    Attributes:
        value: the derivative. It is ±inf if differences grow without bound; nan at a jump, and where it
            cannot be known because the function is undefined nearby or varies too fast.
        error: how far the value may be from the derivative; at a kink, how far left and right may be.
        left, right: at a kink the derivatives on either side, with the value in the middle; ±inf at a jump;
            otherwise the value.
        step: the smallest step used for the value.
    """

    value: Floats
    error: Floats
    left: Floats
    right: Floats
    step: Floats


class Line:
    """A function of one number, sampled around x for its derivatives there.

    Args:
        f: returns an array, always of the same length. If it raises, it counts as nan: not defined there.
        x: where to differentiate.
        y: f(x), finite.
        noise: how far off the values of f may be, for each output, as far as this is known. The rounding
            of the results themselves need not be included.

    >>> line = Line(lambda x: np.array([math.sin(x)]), 1.0, np.array([math.sin(1.0)]))
    >>> slopes = line.slopes()
    >>> bool(abs(slopes.value[0] - math.cos(1.0)) <= slopes.error[0] <= 1e-9)
    True
    """

    def __init__(self, f: Callable[[float], Floats], x: float, y: Floats, noise: Any = 0.0) -> None:
        self.f, self.x, self.y = f, x, y
        self.noise = np.zeros_like(y) + noise
        self._stairs_measured = np.zeros(y.shape, dtype=bool)
        self._known: dict[float, Floats] = {}

    def slopes(self, order: int = 1) -> Slopes:
        """The first derivatives, or with order=2 the second: from a few steps if they suffice, otherwise from all."""
        size = math.frexp(self.x)[1] if self.x else 0
        largest = size - 1 + max(0, 2 - size) // 2 * 2  # like x or, where x is small, like 1
        middle = size - 3 - 2 * FIRST_STEPS
        smallest = size - 52 if self.x else -62
        few = self.steps(range(size - 3, middle, -2), order)
        found = self.slopes_from(few, order)
        precise = found.error <= PRECISE[order] * abs(found.value)
        if precise.all():
            return found
        flat = self._is_flat(few)
        if (precise | flat).all():  # no influence, or one that rounding hides; larger steps show which
            known = self.noise.copy()
            found = self.slopes_from(self.steps(range(largest, middle, -2), order), order)
            if (self.noise == known).all():
                return found
        return self._slopes_if_resolved(self.steps(range(largest, smallest, -2), order), order)

    def steps(self, exponents: range, order: int = 1) -> Floats:
        """A step for each exponent e, 0.6 to 0.9 times 2^e, such that x ± step is a float.

        The factors vary so that the steps do not share a period with the function or with the rounding
        inside it. For one-sided second differences, though, the ratio of steps must be constant.
        """
        grid = math.ulp(self.x)
        factors = [0.6 + 0.3 * (0.618 * e % 1.0) if order == 1 else 0.739 for e in exponents]
        rough = [math.ldexp(factor, max(e, -1070)) for factor, e in zip(factors, exponents)]
        return np.array([grid * round(h / grid) if h < 2.0**53 * grid else h for h in rough])

    def slopes_from(self, h: Floats, order: int = 1) -> Slopes:
        """The derivatives from the steps h, each of which is about a quarter of the one before."""
        with np.errstate(all="ignore"):
            d = self._differences(h, order)
            to_right, to_left, center = Tableau(d.right, h, 6), Tableau(d.left, h, 6), Tableau(d.central, h * h, 5)
            self._measure_stairs(d)
            found = self._settle(center, d, to_right.values[2], to_left.values[2])
            outputs = np.arange(len(self.y))
            up, down = d.right[found.k, outputs], d.left[found.k, outputs]
            clear = found.error <= np.fmax(0.1 * abs(up - down), 1e-6 * abs(found.value))
            if (clear | ((up == 0) & (down == 0))).all():
                return Slopes(found.value, found.error, found.value, found.value, h[found.k])
            left = self._settle(to_left, d, to_left.values[2])
            right = self._settle(to_right, d, to_right.values[2])
            return _combine_sides(d, found, left, right)

    def _slopes_if_resolved(self, h: Floats, order: int) -> Slopes:
        """As slopes_from(), but nan if rounding hides how f varies, as the rounding of x does for sin(1e20)."""
        known = self.noise.copy()
        found = self.slopes_from(h, order)
        changes = np.nan_to_num([abs(self._at(self.x + sign * d) - self.y) for d in h for sign in (1, -1)])
        near, far = changes[-4:].max(axis=0), np.sort(changes, axis=0)[-4]
        lost = (near > UNRESOLVED * far) | ((known > far) & (far > 0))
        lost &= np.isfinite(found.value) & (found.left == found.right)
        value, left, right = [np.where(lost, np.nan, a) for a in (found.value, found.left, found.right)]
        return Slopes(value, np.where(lost, np.inf, found.error), left, right, found.step)

    def _differences(self, h: Floats, order: int) -> Differences:
        above = np.array([self._at(self.x + step) for step in h])
        below = np.array([self._at(self.x - step) for step in h])
        width = h[:, None]
        right, left = (above - self.y) / width, (self.y - below) / width
        rounding = np.spacing(np.fmax(abs(self.y), np.fmax(abs(above), abs(below))))
        conditioning = math.ulp(self.x) * np.fmax(abs(right), abs(left))
        shrinks = (width[1:] / width[:-1]) ** order
        for _ in range(4):  # extrapolation passes on the rounding at larger steps
            rounding[1:] = np.fmax(rounding[1:], rounding[:-1] * shrinks)
        if order == 1:
            return Differences(h, width, right, left, (above - below) / (2 * width), rounding, conditioning)
        half = np.diff(width, axis=0, prepend=np.nan) / 2
        right2, left2 = np.diff(right, axis=0, prepend=np.nan) / half, -np.diff(left, axis=0, prepend=np.nan) / half
        return Differences(h, width**2, right2, left2, (right - left) / width, rounding, conditioning)

    def _settle(self, tableau: Tableau, differences: Differences, *witnesses: Floats) -> Best:
        """The winners once all objections have been answered."""
        tableau.compare_with(list(witnesses), differences.weight)
        given_up = np.full(len(self.y), -1)
        while True:
            best, objections = tableau.best(differences, self.noise, given_up)
            if not objections:
                return best
            for output, within, give_up in objections:
                noise = self._measure_noise(differences.h[within], differences.h[give_up], output)
                if noise > 2 * self.noise[output]:
                    self.noise[output] = noise
                    given_up[output] = -1  # this noise may explain why they were given up
                else:
                    given_up[output] = give_up

    def _measure_stairs(self, d: Differences) -> None:
        """Where f does not change at all over small steps but does over larger ones, measure its jumps, if any."""
        still = (d.right == 0) & (d.left == 0)
        for i in np.flatnonzero(still[-1] & ~still.all(axis=0) & ~self._stairs_measured):
            self._stairs_measured[i] = True
            moving = np.flatnonzero(~still[:, i] & np.isfinite(d.central[:, i]))
            if len(moving):
                self.noise[i] = max(self.noise[i], self._measure_noise(d.h[moving[-1]], d.h[moving[0]], i))

    def _measure_noise(self, h: float, larger: float, output: Any) -> float:
        """The size of the jumps of f within h of x, if the other side has jumps too, within a larger step; or 0.

        Noise jumps everywhere, a discontinuity in one place.
        """
        h = max(h, 2**12 * math.ulp(self.x))  # to leave room for bisection
        jumps = {sign: self._find_jump(sign * h, output) for sign in (1, -1)}
        side = max(jumps, key=lambda sign: jumps[sign])
        return min(jumps[side], max(jumps[-side], self._find_jump(-side * larger, output))) if jumps[side] else 0.0

    def _find_jump(self, h: float, output: Any) -> float:
        """How far f jumps somewhere between x and x + h; 0 if it does not."""
        slope = (self._at(self.x + h)[output] - self.y[output]) / h
        return self._bisect(h, output, 0.0) or self._bisect(h, output, slope)

    def _bisect(self, h: float, output: Any, slope: float) -> float:
        """How far f, less a slope, jumps between x and x + h, by bisection to where it changes most."""

        def at(t: float) -> float:
            return float(self._at(t)[output] - slope * (t - self.x))

        a, at_a, b, at_b = self.x, at(self.x), self.x + h, at(self.x + h)
        changes: list[float] = []
        while (middle := a + (b - a) / 2) not in (a, b) and len(changes) < 60:
            at_middle = at(middle)
            if abs(at_middle - at_a) >= abs(at_b - at_middle):
                b, at_b = middle, at_middle
            else:
                a, at_a = middle, at_middle
            changes.append(abs(at_b - at_a))
            if not changes[-1] > 2 * math.ulp(self.y[output]):  # the rounding of results, or nan
                return 0.0
        last, before = max(changes[-4:], default=0.0), max(changes[-8:-4], default=math.inf)
        # Where f is continuous, the change shrinks with the interval, to 1/8 in three steps; it grows towards a pole.
        if last < before / 8 and changes[-1] < changes[-4] / 4:
            return 0.0
        return float(last) if last < 4 * max(changes[:8]) else 0.0

    def _is_flat(self, h: Floats) -> Mask:
        """For each output, whether f stays the same over these steps."""
        same: Mask = np.logical_and.reduce([self._at(self.x + sign * d) == self.y for d in h for sign in (1, -1)])
        return same

    def _at(self, t: float) -> Floats:
        if t not in self._known:
            try:
                y = self.f(float(t))
                self._known[t] = np.where(np.isfinite(y), y, np.nan)
            except Exception:  # of any kind: f says that t is outside its domain
                self._known[t] = np.full_like(self.y, np.nan)
        return self._known[t]


def _combine_sides(d: Differences, middle: Best, left: Best, right: Best) -> Slopes:
    """Central differences where they hold; one-sided ones at the edge of the domain; then kinks, jumps and poles."""
    edge = ~np.isfinite(d.central).any(axis=0)
    at_right = edge & (right.error <= left.error)
    value, error, k = [
        np.where(edge, np.where(at_right, above, below), both) for both, below, above in zip(middle, left, right)
    ]
    # At a kink the error of central differences is about as large as the kink.
    gap = abs(right.value - left.value)
    kink = ~edge & (gap > np.fmax(left.error + right.error, 1e-6 * abs(value))) & (error > 0.1 * gap)
    low, high = np.where(kink, left.value, value), np.where(kink, right.value, value)
    value = np.where(kink, (low + high) / 2, value)
    error = np.where(kink, np.fmax(left.error, right.error), error)

    # Differences that grow with every smaller step: an infinite derivative or, if f * step does not shrink, a jump.
    seen_left, seen_right = np.isfinite(d.left).any(axis=0), np.isfinite(d.right).any(axis=0)
    steep_left, jump_left = _steepness(np.where(seen_left, d.left, d.right), d)
    steep_right, jump_right = _steepness(np.where(seen_right, d.right, d.left), d)
    low, high = np.where(steep_left, steep_left, low), np.where(steep_right, steep_right, high)
    steep, infinite = (steep_left != 0) | (steep_right != 0), (low == high) & ~jump_left & ~jump_right
    value = np.where(steep, np.where(infinite, low, np.nan), value)
    error = np.where(steep, np.where(infinite, 0.0, np.inf), error)
    return Slopes(value, error, low, high, d.h[k])


def _steepness(side: Floats, d: Differences) -> tuple[Floats, Mask]:
    """±inf where the differences on one side grow without bound, otherwise 0; and whether f itself jumps there."""
    start = len(side) // 4
    size, moved = abs(side[start:]), abs(side * d.weight)[start:]
    grows = (size[1:] > 1.1 * size[:-1]) & (side[start + 1 :] * side[start:-1] > 0)
    seen = moved[1:] > DOUBT * d.rounding[start + 1 :]
    steep: Mask = np.logical_and((grows & seen).all(axis=0), len(side) > 2 * FIRST_STEPS)
    jumps: Mask = np.logical_and(steep, moved[-1] > moved[0] / 2)
    return np.where(steep, np.copysign(np.inf, side[-1]), 0.0), jumps
