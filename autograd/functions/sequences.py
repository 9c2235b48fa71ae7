"""Functions of many numbers composed of primitives. They need no derivative rules of their own."""

from __future__ import annotations

import bisect
import functools
import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .. import ops
from ..arrays import array
from ..primitive import describe
from ..value import Value
from .single import require_numbers


def mean(xs: Iterable[Any]) -> Any:
    """The sum of xs divided by their number.

    Raises:
        ValueError: if xs is empty.

    >>> mean([1.0, 2.0, 6.0])
    3.0
    """
    numbers = as_tuple(xs, "mean")
    return ops.sum(numbers) / len(numbers)


def var(xs: Iterable[Any], ddof: int = 0) -> Any:
    """The variance of xs: the mean of the squares of their deviations from their mean.

    Args:
        xs: the numbers.
        ddof: what is subtracted from their number before dividing by it: 0 as in NumPy, 1 as in PyTorch.

    Raises:
        ValueError: if xs does not hold more numbers than ddof.

    >>> var([1.0, 2.0, 6.0])
    4.666666666666667
    """
    deviations, count = _deviations(xs, "var", ddof)
    return ops.dot(deviations, deviations) / count


def std(xs: Iterable[Any], ddof: int = 0) -> Any:
    """The square root of var(xs, ddof); derivatives 0 where all numbers are equal, where np.std gives nan.

    Args, Raises: as for var.

    >>> std([1.0, 3.0]), std([0.1, 0.1, 0.1])
    (1.0, 0.0)
    """
    deviations, count = _deviations(xs, "std", ddof)
    return ops.norm(deviations) / math.sqrt(count)


def _deviations(xs: Iterable[Any], name: str, ddof: int) -> tuple[list[Any], int]:
    """The deviations from the mean, and their number less ddof. The first of equal numbers is exactly their mean."""
    numbers = as_tuple(xs, name)
    count = len(numbers) - ddof
    if count <= 0:
        raise ValueError(f"{name}(): xs must hold more numbers than ddof={ddof}, got {len(numbers)}")
    distances = [x - numbers[0] for x in numbers]
    middle = ops.sum(distances) / len(numbers)
    return [d - middle for d in distances], count


def cumsum(xs: Iterable[Any]) -> Any:
    """The sums of the first number, the first two, and so on: a list, or an array for an array of one dimension.

    >>> cumsum([1.0, 2.0, 6.0])
    [1.0, 3.0, 9.0]
    """
    sums = list(itertools.accumulate(as_tuple(xs, "cumsum")))
    return array(sums) if isinstance(xs, np.ndarray) else sums


def softmax(xs: Iterable[Any]) -> list[Any]:
    """exp(x) / Σ exp(x) for each x, without overflow: positive numbers that sum to 1.

    Raises:
        ValueError: if xs is empty.

    >>> softmax([1000.0, 1000.0])
    [0.5, 0.5]
    """
    numbers = as_tuple(xs, "softmax")
    top = _largest(numbers)
    exps = [ops.exp(x) for x in _distances(numbers, top)]
    if top is not None and len(exps) > 1:  # the largest is 1 / total: its derivatives do not cancel, as 1 - others does
        exps[top] = 1.0
    total = ops.sum(exps)
    return [e / total for e in exps]


def log_softmax(xs: Iterable[Any]) -> list[Any]:
    """The logarithms of softmax(xs), without overflow and without the rounding of the softmax.

    Raises:
        ValueError: if xs is empty.

    >>> log_softmax([0.0, -1000.0])
    [0.0, -1000.0]
    """
    numbers = as_tuple(xs, "log_softmax")
    top = _largest(numbers)
    distances = _distances(numbers, top)
    if top is None:
        total = ops.logsumexp(distances)
        return [x - total for x in distances]
    if len(distances) == 1:
        return distances
    total = ops.log1p(ops.sum([ops.exp(x) for k, x in enumerate(distances) if k != top]))
    return [x - total if k != top else 0.0 - total for k, x in enumerate(distances)]


def as_tuple(xs: Iterable[Any], name: str) -> tuple[Any, ...]:
    """xs as a tuple, which must not be empty."""
    try:
        numbers = tuple(xs)
    except TypeError:
        raise TypeError(f"{name}(): xs must be a sequence of numbers and Values, got {describe(xs)}") from None
    if not numbers:
        raise ValueError(f"{name}(): xs must hold at least one number, got an empty sequence")
    require_numbers(name, *numbers)
    return numbers


def _largest(numbers: tuple[Any, ...]) -> int | None:
    """The place of the largest number; None if they are traced, and not known yet."""
    if any(isinstance(x < x, Value) for x in numbers):
        return None
    return max(range(len(numbers)), key=numbers.__getitem__)


def _distances(numbers: tuple[Any, ...], place: int | None) -> list[Any]:
    """The numbers minus the largest of them. Traced, that is a constant: a common shift does not change the softmax."""
    if place is not None:
        return [x - numbers[place] for x in numbers]
    top: Any = functools.reduce(ops.maximum, [x.detach() if isinstance(x, Value) else x for x in numbers])
    return [x - top for x in numbers]


def interp(x: Any, xp: Sequence[Any], fp: Sequence[Any], left: Any = None, right: Any = None) -> Any:
    """The line from point to point through (xp, fp), at x; constant beyond the first and the last point.

    Args:
        x: a number, or a list or array of them, which gives a list or an array.
        xp: where the points are, in increasing order.
        fp: the heights of the points. As xp, they may be Values, and are differentiated too.
        left, right: the results below xp[0] and above xp[-1] (default: fp[0] and fp[-1]).

    At a point, the derivative with respect to x is that of the line to its right; 0 at the last one.

    Raises:
        ValueError: if xp does not increase, or xp and fp differ in length.

    >>> interp(1.5, [1.0, 2.0, 3.0], [10.0, 20.0, 50.0])
    15.0
    """
    places, heights = as_tuple(xp, "interp"), as_tuple(fp, "interp")
    if len(places) != len(heights):
        raise ValueError(f"interp(): xp and fp must have the same length, got {len(places)} and {len(heights)} numbers")
    rising = [a < b for a, b in itertools.pairwise(places)]
    if not all(isinstance(each, Value) or each for each in rising):
        raise ValueError("interp(): xp must increase from each number to the next. Sort the points by xp")
    left, right = heights[0] if left is None else left, heights[-1] if right is None else right
    if isinstance(x, np.ndarray):
        found = [_between(each, places, heights, left, right) for each in x.ravel().tolist()]
        return array(found).reshape(x.shape)
    if isinstance(x, (list, tuple)):
        return [_between(each, places, heights, left, right) for each in x]
    return _between(x, places, heights, left, right)


def _between(x: Any, places: tuple[Any, ...], heights: tuple[Any, ...], left: Any, right: Any) -> Any:
    """The height at one x."""

    require_numbers("interp", x)

    def line(k: int) -> Any:
        return heights[k] + (x - places[k]) * ((heights[k + 1] - heights[k]) / (places[k + 1] - places[k]))

    last = len(places) - 1
    if not any(isinstance(x < place, Value) for place in places):
        k = bisect.bisect_right(places, x) - 1
        if x != x:
            return x * 1.0
        if k < 0:
            return left * 1.0
        return line(k) if k < last else heights[-1] * 1.0 if x == places[-1] else right * 1.0
    result = left
    for k in range(last):
        result = ops.where(x >= places[k], line(k), result)
    result = ops.where(x > places[-1], right, ops.where(x == places[-1], heights[-1], result))
    return ops.where(x == x, result, x)
