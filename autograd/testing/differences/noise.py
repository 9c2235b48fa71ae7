"""The noise of a function, which is mostly rounding inside it, estimated from its values alone.

A function may be computed much more coarsely than its result is rounded. 1 - tanh(x) at x = 20 is a multiple
of 2^-53, and a result computed in single precision has 24 digits at most. What this hides looks like a
derivative of 0. Three things give it away:
- Differences of a high order, of values at equal distances, leave nothing of a smooth function and all of its
  noise (J. J. Moré, S. M. Wild, Estimating computational noise, SIAM J. Sci. Comput. 33, 2011: ECNoise).
- Noise jumps, however close one looks, and a smooth function does not. Bisection finds out.
- Results that are all numbers of single or half precision were rounded to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Function = Callable[[float], float]

SPACINGS = (2.0**-4, 2.0**-8, 2.0**-16)  # of the values whose differences are taken, as parts of the size of x
COARSE = 4.0  # noise is looked for if differences show more than this, as a multiple of the rounding of results
OUTSIDE = (ValueError, ArithmeticError, RuntimeWarning)  # what a function raises outside its domain
NARROW = (np.float16, np.float32)
ENOUGH = 4  # different results that show half precision


class Jump(NamedTuple):
    """A jump of a function: how far it goes, and a place just behind it."""

    size: float
    place: float


NONE = Jump(0.0, math.nan)


def noise_level(values: Floats) -> Floats:
    """The standard deviation of the noise in values at equal distances (first axis), for each output; 0 if unclear.

    The k-th differences of noise with variance s² have the variance s² (2k)! / (k!)². The level is believed if
    three columns of the table of differences agree on it to a factor 4 and the first of them changes its sign.
    """
    table, columns, turns = values, [], []
    for k in range(1, len(values)):
        table = np.diff(table, axis=0)
        columns.append(np.sqrt((table**2).mean(axis=0) * math.factorial(k) ** 2 / math.factorial(2 * k)))
        turns.append((table.min(axis=0) < 0) & (table.max(axis=0) > 0))
    found = np.zeros(values.shape[1:])
    for k in reversed(range(len(columns) - 2)):
        three = np.array(columns[k : k + 3])
        found = np.where(turns[k] & (three.max(axis=0) <= 4 * three.min(axis=0)), columns[k], found)
    return np.nan_to_num(found, posinf=0.0)


def hidden_noise(along: Callable[[float], Floats], y: Floats, rounding: Callable[[Floats], Floats]) -> Floats:
    """The noise of each output that is larger than the rounding of results explains, or 0.

    Args:
        along: the function on a line through the point of interest, which is at 0. At 1 all that varies has
            changed by about its own size.
        y: its value at 0.
        rounding: the rounding of results of a certain size.
    """
    found = np.zeros_like(y)
    with np.errstate(all="ignore"):
        for spacing in SPACINGS:
            values = np.array([along(k * spacing) if k else y for k in range(-3, 4)])
            level = noise_level(values)
            suspects = (level > COARSE * rounding(abs(values).max(axis=0))) & (level > 2 * found)
            confirmed = False
            for i in np.flatnonzero(suspects)[:3]:  # the same operations make the noise of the others
                at = _component(along, i)
                jumps = (find_jump(at, k * spacing, (k + 1) * spacing, level[i] / 8) for k in (0, -1, 1, -2))
                confirmed = confirmed or all(is_sudden(at, jump, 2.0**-51) for jump in jumps)
            if confirmed:
                found = np.where(suspects, level, found)
    return found


def _component(along: Callable[[float], Floats], i: Any) -> Function:
    return lambda t: float(along(t)[i])


def is_sudden(at: Function, jump: Jump, grid: float) -> bool:
    """Whether a function jumps at a place, alone or up and down, and is not just steep there, as tan is at a pole."""
    if not jump.size:
        return False
    near = np.diff([at(jump.place + k * grid) for k in range(-4, 5)])
    up_and_down = near.max() > jump.size / 4 and near.min() < -jump.size / 4
    return bool(up_and_down or jump.size > 8 * np.median(abs(near)))


def find_jump(at: Function, a: float, b: float, smallest: float) -> Jump:
    """The jump of a function between a and b, if it has one larger than `smallest` there."""
    slope = (at(b) - at(a)) / (b - a)
    found = _bisect(at, a, b, smallest, 0.0)
    return found if found.size else _bisect(at, a, b, smallest, slope)


def _bisect(at: Function, a: float, b: float, smallest: float, slope: float) -> Jump:
    """The jump of a function, less a slope, by bisection to where it changes most."""
    start, at_a, at_b = a, at(a), at(b) - slope * (b - a)
    changes: list[float] = []
    while (middle := a + (b - a) / 2) not in (a, b) and len(changes) < 60:
        at_middle = at(middle) - slope * (middle - start)
        if abs(at_middle - at_a) >= abs(at_b - at_middle):
            b, at_b = middle, at_middle
        else:
            a, at_a = middle, at_middle
        changes.append(abs(at_b - at_a))
        if not changes[-1] > smallest:  # or nan
            return NONE
    return _jump(changes, b)


def stair_size(at: Function, x: float, b: float, smallest: float) -> float:
    """The height of the stairs, if that is what a function is between x, where it is flat, and b; otherwise 0."""
    first = _find_departure(at, x, b, smallest)
    second = _find_departure(at, first.place, first.place + 2 * (b - x), smallest) if first.size else NONE
    alike = first.size < 16 * second.size and second.size < 16 * first.size
    return max(first.size, second.size) if alike else 0.0


def _find_departure(at: Function, a: float, b: float, smallest: float) -> Jump:
    """The jump, if it is one, by which a function that is flat at a begins to change on the way to b."""
    start = at(a)
    changes: list[float] = []
    while (middle := a + (b - a) / 2) not in (a, b) and len(changes) < 80:
        at_middle = at(middle)
        if at_middle == start:
            a = middle
        else:
            b = middle
        changes.append(abs(at(b) - start))
        if not changes[-1] > smallest:  # or nan
            return NONE
    return _jump(changes, b)


def _jump(changes: list[float], place: float) -> Jump:
    """The jump at a place, from the changes of the function over the intervals of a bisection that leads there."""
    last, before = max(changes[-4:], default=0.0), max(changes[-8:-4], default=math.inf)
    # Where f is continuous, the change shrinks with the interval, to 1/8 in three steps; it grows towards a pole.
    if last < before / 8 and changes[-1] < changes[-4] / 4:
        return NONE
    return Jump(float(last), place) if last < 4 * max(changes[:8]) else NONE


def resolution(at: Function, x: float, grid: float) -> float:
    """By how much a function varies from each float to the next if it does so smoothly; else inf."""
    values = np.array([at(x + k * grid) for k in range(-3, 4)])
    first, third = abs(np.diff(values)), abs(np.diff(values, 3))
    return float(first.max()) if first.min() > 0 and third.max() <= 0.1 * first.min() else math.inf


class Precision:
    """The precision of results, from all of them that were seen: half or single if they all fit in it.

    Half needs some results to be believed. Single is assumed of a constant too, which 1000 + 1e-5 x is.
    """

    def __init__(self) -> None:
        self._narrow: list[Any] = list(NARROW)
        self._seen: set[bytes] = set()

    def see(self, y: Floats) -> None:
        """Take note of results."""
        if self._narrow:
            with np.errstate(all="ignore"):
                self._narrow = [t for t in self._narrow if np.array_equal(y.astype(t), y, equal_nan=True)]
            if len(self._seen) < ENOUGH:
                self._seen.add(y.tobytes())

    def rounding(self, y: Floats) -> Floats:
        """The distance of numbers of this size from the next ones."""
        if not self._narrow:
            return np.spacing(y)
        kind = self._narrow[0 if len(self._seen) >= ENOUGH else -1]
        with np.errstate(all="ignore"):
            spacing = np.spacing(y.astype(kind)).astype(float)
        return np.where(np.isfinite(spacing), np.fmax(spacing, np.spacing(y)), np.spacing(y))
