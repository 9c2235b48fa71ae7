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
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .extrapolation import SAFETY, Best, Differences, Floats, Tableau
from .noise import OUTSIDE, find_jump, is_sudden, resolution, stair_size
from .sides import Slopes, combine_sides

Mask = NDArray[np.bool_]

FIRST_STEPS = 8  # steps to try at first
UNRESOLVED = 0.01  # the change between neighbouring floats that is too much, as a part of the change further off
PRECISE = {1: 1e-8, 2: 1e-6}  # for each order, the relative error at which the first steps suffice
FAR = (2.0**4, 2.0**12, 2.0**24, 2.0**60, 2.0**100)  # how far to look, as a multiple of the size of x, where f is flat


class Line:
    """A function of one number, sampled around x for its derivatives there.

    Args:
        f: returns an array, always of the same length. If it raises ValueError or ArithmeticError, that counts
            as nan: it is not defined there. If it does so everywhere beside x, the error passes through.
        x: where to differentiate.
        y: f(x), finite.
        noise: how far off the values of f may be, for each output, as far as this is known. The rounding
            of the results themselves need not be included.
        rounding: gives this rounding, for results of a certain size.
        grid: the distance from x to the next number that f can tell from it.
        stairs: whether stairs may be rounding inside f that `noise` does not have; False if the graph gave it.

    >>> line = Line(lambda x: np.array([math.sin(x)]), 1.0, np.array([math.sin(1.0)]))
    >>> slopes = line.slopes()
    >>> bool(abs(slopes.value[0] - math.cos(1.0)) <= slopes.error[0] <= 1e-9)
    True
    """

    def __init__(
        self,
        f: Callable[[float], Floats],
        x: float,
        y: Floats,
        noise: Any = 0.0,
        rounding: Callable[[Floats], Floats] = np.spacing,
        grid: float | None = None,
        stairs: bool = True,
    ) -> None:
        self.f, self.x, self.y = f, x, y
        self.grid = grid or math.ulp(x)
        self.noise = np.zeros_like(y) + noise
        self.stairs = stairs
        self.trouble: Exception | None = None  # the last one that f raised
        self._rounding = rounding
        self._stairs_measured = np.zeros(y.shape, dtype=bool)
        self._known: dict[float, Floats] = {}

    def slopes(self, order: int = 1) -> Slopes:
        """The first derivatives, or with order=2 the second: from a few steps if they suffice, otherwise from all."""
        found = self._slopes(order)
        if self.trouble is not None and all(np.isnan(y).all() for y in self._known.values()):
            raise self.trouble
        return found

    def _slopes(self, order: int) -> Slopes:
        size = math.frexp(self.x)[1] if self.x else 0
        largest = size - 1 + max(0, 2 - size) // 2 * 2  # like x or, where x is small, like 1
        middle = size - 3 - 2 * FIRST_STEPS
        smallest = max(size - 52, math.frexp(self.grid)[1]) if self.x else -62
        few = self.steps(range(size - 3, middle, -2), order)
        found = self.slopes_from(few, order)
        precise = found.error <= PRECISE[order] * abs(found.value)
        if precise.all():
            return found
        flat = self._is_flat(few)
        if (precise | flat).all():  # no influence, or one that rounding hides; larger steps show which
            known = self.noise.copy()
            many = self.steps(range(largest, middle, -2), order)
            found = self.slopes_from(many, order)
            flat = self._is_flat(many)
            far = self._far_slope(flat)
            if (self.noise != known).any():  # what looks flat is a stair
                found = self.slopes_from(many, order)
            if flat.all() or (self.noise == known).all():
                # Nothing shows whether f, where it is flat, varies over steps like x or over the largest ones.
                unseen = SAFETY * (self._rounding(self.y) + self.noise) / (abs(self.x) or 1.0)
                error = np.where(flat, np.fmax(found.error, unseen), found.error)
                return found._replace(error=error, variation=np.where(flat, far, found.variation))
        return self._slopes_if_resolved(self.steps(range(largest, smallest, -2), order), order)

    def _far_change(self) -> Floats:
        """How far the results go from f(x) further off."""
        size, trouble = abs(self.x) or 1.0, self.trouble
        changes = [np.nan_to_num(abs(self._at(self.x + sign * k * size) - self.y)) for k in FAR for sign in (1, -1)]
        self.trouble = trouble
        largest: Floats = np.max(changes, axis=0)
        return largest

    def _far_slope(self, flat: Mask) -> Floats:
        """Where f is flat, how steep it is further off, as soon as it moves at all; inf if it never does.

        If it moves in jumps, it is not flat, but rounded: they are noise.
        """
        size, trouble = abs(self.x) or 1.0, self.trouble
        steep = np.full(len(self.y), np.inf)
        for far in FAR:
            away = [np.nan_to_num(abs(self._at(self.x + sign * far * size) - self.y)) for sign in (1, -1)]
            slope = np.max(away, axis=0) / (far * size)
            for i in np.flatnonzero(flat & np.isinf(steep) & (slope > 0)):
                self.noise[i] = max(self.noise[i], self._measure_noise(far * size, far * size, i))
                steep[i] = slope[i]
        self.trouble = trouble
        return steep

    def steps(self, exponents: range, order: int = 1) -> Floats:
        """A step for each exponent e, 0.6 to 0.9 times 2^e, such that x ± step is a float.

        The factors vary so that the steps do not share a period with the function or with the rounding
        inside it. For one-sided second differences, though, the ratio of steps must be constant.
        """
        grid = self.grid
        factors = [0.6 + 0.3 * (0.618 * e % 1.0) if order == 1 else 0.739 for e in exponents]
        rough = [math.ldexp(factor, max(e, -1070)) for factor, e in zip(factors, exponents)]
        return np.array([grid * round(h / grid) if h < 2.0**53 * grid else h for h in rough])

    def slopes_from(self, h: Floats, order: int = 1) -> Slopes:
        """The derivatives from the steps h, each of which is about a quarter of the one before."""
        with np.errstate(all="ignore"):
            d = self._differences(h, order)
            to_right, to_left, center = Tableau(d.right, h, 1, 6), Tableau(d.left, h, 1, 6), Tableau(d.central, h, 2, 5)
            variation = self._variation(d)
            self._measure_stairs(d)
            found = self._settle(center, d, to_right.values[2], to_left.values[2])
            outputs = np.arange(len(self.y))
            up, down = d.right[found.k, outputs], d.left[found.k, outputs]
            clear = found.error <= np.fmax(0.1 * abs(up - down), 1e-6 * abs(found.value))
            # Rounding inside f may act like a shift of x, which no value of f shows.
            shift = SAFETY * self.grid * abs(up - down) / h[found.k]
            found = found._replace(error=found.error + np.where(np.isfinite(shift) & (order == 1), shift, 0.0))
            if (clear | ((up == 0) & (down == 0))).all():
                return Slopes(found.value, found.error, found.value, found.value, h[found.k], variation)
            left = self._settle(to_left, d, to_left.values[2])
            right = self._settle(to_right, d, to_right.values[2])
            return combine_sides(d, found, left, right)._replace(variation=variation)

    def _variation(self, d: Differences) -> Floats:
        """By how much the differences to the right and to the left differ at steps of x / 8 and less, but for noise.

        For second derivatives: how large the first ones are, for a change of x by itself.
        """
        limit = math.ldexp(1.0, (math.frexp(self.x)[1] if self.x else 0) - 3)
        if d.order == 2:
            changes = [abs(self._at(self.x + sign * h) - self.y) / h for h in d.h if h <= limit for sign in (1, -1)]
            steepest: Floats = np.max([np.nan_to_num(c) for c in changes], axis=0, initial=0.0)
            return steepest / (abs(self.x) or 1.0)
        change = abs(d.right - d.left) - 4 * d.over(d.rounding + self.noise)
        some = (d.h <= limit) & (d.h > limit / 256)
        largest: Floats = np.max(np.nan_to_num(change[some], posinf=0.0, neginf=0.0), axis=0, initial=0.0)
        return largest

    def _slopes_if_resolved(self, h: Floats, order: int) -> Slopes:
        """As slopes_from(), but nan if rounding hides how f varies, as the rounding of x does for sin(1e20)."""
        known = self.noise.copy()
        found = self.slopes_from(h, order)
        changes = np.nan_to_num([abs(self._at(self.x + sign * d) - self.y) for d in h for sign in (1, -1)])
        near, far = changes[-4:].max(axis=0), np.sort(changes, axis=0)[-4]
        lost = (near > UNRESOLVED * far) | ((known > far) & (far > 0))
        hidden = (SAFETY * self.noise > far) & (far > 0)
        if hidden.any():  # what f does beside its noise shows further off, or nowhere
            lost |= hidden & (SAFETY * self.noise > self._far_change())
        lost &= np.isfinite(found.value) & (found.left == found.right)
        value, left, right = [np.where(lost, np.nan, a) for a in (found.value, found.left, found.right)]
        return Slopes(value, np.where(lost, np.inf, found.error), left, right, found.step, found.variation)

    def _differences(self, h: Floats, order: int) -> Differences:
        above = np.array([self._at(self.x + step) for step in h])
        below = np.array([self._at(self.x - step) for step in h])
        width = h[:, None]
        right, left = (above - self.y) / width, (self.y - below) / width
        sizes = np.fmax(abs(self.y), np.fmax(abs(above), abs(below)))
        rounding = self._rounding(sizes)
        conditioning = self.grid * np.fmax(abs(right), abs(left))
        shrinks = (width[1:] / width[:-1]) ** order
        for _ in range(4):  # extrapolation passes on the rounding at larger steps
            rounding[1:] = np.fmax(rounding[1:], rounding[:-1] * shrinks)
        if order == 1:
            central = above / (2 * width) - below / (2 * width)
            return Differences(h, 1, right, left, central, rounding, conditioning, sizes)
        half = np.diff(width, axis=0, prepend=np.nan) / 2
        right2, left2 = np.diff(right, axis=0, prepend=np.nan) / half, -np.diff(left, axis=0, prepend=np.nan) / half
        return Differences(h, 2, right2, left2, (right - left) / width, rounding, conditioning, sizes)

    def _settle(self, tableau: Tableau, differences: Differences, *witnesses: Floats) -> Best:
        """The winners once all objections have been answered."""
        tableau.compare_with(list(witnesses), differences.h, differences.order)
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
        """The size of the jumps of f within h of x, or 0.

        Noise jumps everywhere, a discontinuity in one place: there must be another jump, on the other side within
        a larger step. Where f is flat, it may be a stair.
        """
        x, smallest = self.x, 2 * float(self._rounding(self.y)[output])

        def at(t: float) -> float:
            return float(self._at(t)[output])

        smooth = resolution(at, x, self.grid)

        def jump(step: float) -> float:
            found = find_jump(at, x, x + step, smallest)
            return found.size if found.size <= 8 * smooth or is_sudden(at, found, self.grid) else 0.0

        h = max(h, 2**12 * self.grid)  # to leave room for bisection
        jumps = {sign: jump(sign * h) for sign in (1, -1)}
        side = max(jumps, key=lambda sign: jumps[sign])
        if jumps[side]:
            other = max(jumps[-side], jump(-side * larger))
            if other:
                return min(jumps[side], other)
        return max(stair_size(at, x, x + sign * larger, smallest) for sign in (1, -1)) if self.stairs else 0.0

    def _is_flat(self, h: Floats) -> Mask:
        """For each output, whether f stays the same over these steps."""
        same: Mask = np.logical_and.reduce([self._at(self.x + sign * d) == self.y for d in h for sign in (1, -1)])
        return same

    def _at(self, t: float) -> Floats:
        if t not in self._known:
            try:
                with np.errstate(all="ignore"):
                    y = self.f(float(t))
                self._known[t] = np.where(np.isfinite(y), y, np.nan)
            except OUTSIDE as error:  # f says that t is outside its domain
                self.trouble = error
                self._known[t] = np.full_like(self.y, np.nan)
        return self._known[t]
