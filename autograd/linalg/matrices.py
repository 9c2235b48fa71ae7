"""Matrices of numbers and Values: read as arrays, taken apart into lists of rows, and put together again."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import ops
from ..chain import times
from ..node import Node
from ..primitive import as_float, describe
from ..transforms.tree import pack

Rows = list[list[Any]]  # a matrix


def read(given: Any, who: str, name: str) -> Any:
    """An argument as an array of floats, or of floats and Values.

    Raises:
        TypeError: if an item is neither a real number nor a Value.
        ValueError: if it is not rectangular.
    """
    if isinstance(given, np.ma.MaskedArray):
        raise TypeError(f"{who}: {name} must be a plain array, got a masked one. Fill it: x.filled(0.0)")
    if isinstance(given, np.ndarray) and given.dtype.kind in "fiub":
        return np.asarray(given, dtype=float)
    result = np.array(given, dtype=object)
    for place, x in enumerate(result.flat):
        if not isinstance(x, Node):
            if isinstance(x, (list, tuple)):
                raise ValueError(f"{who}: the rows of {name} must have equal lengths, got {describe(given)}")
            result.flat[place] = as_float(x, f"{name} of {who}", "each item of ")
    return result


def read_square(given: Any, who: str, name: str = "a") -> Any:
    """An argument as an array whose last two axes are those of a square matrix.

    Raises:
        numpy.linalg.LinAlgError: if they are not, a ValueError.
    """
    a = read(given, who, name)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise np.linalg.LinAlgError(
            f"{who}: {name} must be a square matrix, or several along leading axes, got shape {a.shape}"
        )
    return a


def for_each(function: Callable[..., Any], shape: Sequence[int], *stacks: Any) -> Any:
    """The results of a function of matrices, for each of those along the leading axes, as one array.

    Args:
        function: takes a list of rows for each stack and returns the numbers of its result, one after the other.
        shape: the shape of its result.
        stacks: arrays whose last two axes are matrices. Their leading axes are broadcast.
    """
    lead = np.broadcast_shapes(*[a.shape[:-2] for a in stacks])
    stacks = tuple([np.broadcast_to(a, lead + a.shape[-2:]) for a in stacks])
    numbers = [x for place in np.ndindex(lead) for x in function(*[a[place].tolist() for a in stacks])]
    return pack(numbers, lead + tuple(shape)) if lead or shape else numbers[0]


def products(ws: Sequence[Any], xs: Sequence[Any]) -> Any:
    """The sum of the products of ws and xs. A factor that is the constant 0 makes no term."""
    pairs = [pair for pair in zip(ws, xs) if not (is_zero(pair[0]) or is_zero(pair[1]))]
    if len(pairs) == 1:
        return times(*pairs[0])
    return ops.dot(*map(tuple, zip(*pairs))) if pairs else 0.0


def less_products(x: Any, ws: Sequence[Any], xs: Sequence[Any]) -> Any:
    """x minus the sum of the products of ws and xs."""
    total = products(ws, xs)
    return x if is_zero(total) else x - total


def quotient(x: Any, divisor: Any) -> Any:
    """x / divisor, as IEEE 754 defines it; the constant 0 stays one."""
    return x if is_zero(x) else ops.div(x, divisor)


def is_zero(x: Any) -> bool:
    """Whether x is the constant 0."""
    return type(x) is float and x == 0.0


def smallest(numbers: Sequence[Any]) -> Any:
    """The smallest number, nan if any is; inf if there is none."""
    return functools.reduce(ops.minimum, numbers, math.inf)


def one_or_nan(condition: Any) -> Any:
    """1 where a traced condition holds, otherwise nan: as a factor it spoils the number and its derivatives."""
    return ops.where(condition, 1.0, math.nan)
