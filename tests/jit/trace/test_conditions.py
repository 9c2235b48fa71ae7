"""`&` and `|` of comparisons in compiled functions: as Python's bools, which Values give, combine them."""

import itertools
import math
from typing import Any

import numpy as np
import pytest

import autograd as ag

POINTS = [-1.0, -0.0, 0.0, 0.5, 1.0, 2.0, math.inf, -math.inf, math.nan]


def inside(x: Any, y: Any) -> Any:
    return ag.where((x > 0) & (y <= 1) & (x != y), x * y, y)


def outside(x: Any, y: Any) -> Any:
    return ag.where((x < 0) | (y >= 1) | (x == y), 3 * x, x * y)


def mixed(x: Any, y: Any) -> Any:
    return ag.where(((x > 0) & (y > 0)) | True & (y < x), x, y)


@pytest.mark.parametrize("f", [inside, outside, mixed])
def test_conditions_join_as_bools_do(f: Any) -> None:
    pairs = list(itertools.product(POINTS, POINTS))
    xs, ys = np.array(pairs).T
    values, slopes = ag.jit(f, in_axes=0).value_and_grad(xs, ys)
    for (x, y), value, slope in zip(pairs, values, slopes):
        wanted = f(x, y), ag.grad(f)(x, y)
        assert np.array_equal([value, slope], wanted, equal_nan=True), (x, y)


@pytest.mark.parametrize(
    "f", [lambda x: x & (x > 0), lambda x: (x > 0) & 2.0, lambda x: 1.0 | (x > 0), lambda x: x | x]
)
def test_numbers_do_not_join(f: Any) -> None:
    with pytest.raises(TypeError, match="unsupported operand"):
        f(0.5)
    with pytest.raises(TypeError, match="unsupported operand"):
        ag.jit(f)(0.5)
