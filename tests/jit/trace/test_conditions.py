"""`&`, `|`, `^` and `~` of comparisons in compiled functions: as Python's bools, which Values give, combine them.

All but `~`, of which Python makes numbers: what would be wrong without a word is refused.
"""

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
    return ag.where(((x > 0) & (y > 0)) | True & (y < x) ^ (x > 1), x, y)


def negated(x: Any, y: Any) -> Any:
    return np.where(~(ag.array([x, 0.5]) > y), ag.array([3 * x, x]), ag.array([x * y, y])) @ [1.0, 10.0]


@pytest.mark.parametrize("f", [inside, outside, mixed, negated])
def test_conditions_join_as_bools_do(f: Any) -> None:
    pairs = list(itertools.product(POINTS, POINTS))
    xs, ys = np.array(pairs).T
    values, slopes = ag.jit(f, in_axes=0).value_and_grad(xs, ys)
    for (x, y), value, slope in zip(pairs, values, slopes):
        wanted = f(x, y), ag.grad(f)(x, y)
        assert np.array_equal([value, slope], wanted, equal_nan=True), (x, y)


@pytest.mark.parametrize(
    "f",
    [lambda x: x & (x > 0), lambda x: (x > 0) & 2.0, lambda x: 1.0 | (x > 0), lambda x: x | x, lambda x: x & True],
)
def test_numbers_do_not_join(f: Any) -> None:
    with pytest.raises(TypeError, match="unsupported operand"):
        f(0.5)
    with pytest.raises(TypeError, match="unsupported operand"):
        ag.jit(f)(0.5)


@pytest.mark.filterwarnings("ignore:Bitwise inversion")  # Python 3.12 and later
def test_what_python_makes_of_a_negated_bool_is_no_condition() -> None:
    functions: list[Any] = [
        lambda x: ag.where(~(x > 0), 3 * x, x),
        lambda x: np.where(~(x > 0), 3 * x, x),
        lambda x: ag.cond(~(x > 0), lambda: 3 * x, lambda: x),
        lambda x: ag.while_loop(lambda c: ~(c > 0), lambda c: c + 1, x),
    ]
    for f in functions:
        for x in (0.5, -0.5):
            with pytest.raises(TypeError, match=r"must \w+ a bool, a number or a Value, got -[12], which Python makes"):
                ag.grad(f)(x)
        assert [ag.jit(f)(0.5), ag.jit(f)(-0.5)] == [0.5, 0.5 if f is functions[-1] else -1.5]
    with pytest.raises(TypeError, match="must be given a condition"):
        ag.jit(lambda x: ~x)(0.5)
