"""The vector mathematics of compiled code against mpmath at 50 digits: never more than 4 ulp off, mostly 1 to 2."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from mpmath import mp, mpf

import autograd as ag
from autograd import ops
from autograd.jit import jit
from autograd.primitive import Primitive

POINTS = 1500
Oracle = Callable[[Any], Any]


def sigmoid(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


# name: the oracle, the largest error in ulp, the range of magnitudes drawn, both signs unless it is positive
ROWS: dict[str, tuple[Oracle, float, float, float, bool]] = {
    "exp": (mp.exp, 1.0, 1e-10, 745.0, False),
    "expm1": (mp.expm1, 1.5, 1e-300, 709.0, False),
    "exp2": (lambda x: mpf(2) ** x, 1.0, 1e-10, 1074.0, False),
    "log": (mp.log, 1.0, 5e-324, 1e308, True),
    "log1p": (mp.log1p, 1.5, 1e-300, 1e308, True),
    "sin": (mp.sin, 1.5, 1e-300, 2.0**20, False),
    "cos": (mp.cos, 1.5, 1e-10, 2.0**20, False),
    "sinh": (mp.sinh, 2.5, 1e-300, 710.0, False),
    "cosh": (mp.cosh, 1.5, 1e-10, 710.0, False),
    "tanh": (mp.tanh, 2.5, 1e-300, 30.0, False),
    "sigmoid": (sigmoid, 2.0, 1e-10, 700.0, False),
    "sech2": (lambda x: mp.sech(x) ** 2, 2.5, 1e-10, 350.0, False),
    "softplus": (lambda x: mp.log1p(mp.exp(-abs(x))) + max(x, 0), 2.0, 1e-10, 700.0, False),
    "gaussian": (lambda x: mp.exp(-x * x), 1.5, 1e-10, 27.0, False),
    "erf": (mp.erf, 1.5, 1e-300, 7.0, False),
    "erfc": (mp.erfc, 2.0, 1e-10, 26.5, False),
    "sqrt": (mp.sqrt, 0.5, 5e-324, 1e308, True),
}


@pytest.mark.parametrize("name", ROWS)
def test_error_in_ulp(name: str) -> None:
    oracle, most, low, high, positive = ROWS[name]
    rng = np.random.default_rng(0)
    sizes = np.exp(rng.uniform(np.log(max(low, 1e-323)), np.log(high), POINTS))
    x = np.concatenate([sizes, rng.uniform(low, min(high, 40.0), POINTS)])
    if not positive:
        x *= rng.choice([-1.0, 1.0], len(x))
    worst = 0.0
    with mpmath.workdps(50):
        for given, found in zip(x.tolist(), jit(getattr(ag, name), in_axes=0)(x).tolist()):
            exact = oracle(mpf(given))
            worst = max(worst, float(abs(mpf(found) - exact) / math.ulp(float(exact))))
    assert worst <= most, worst


@pytest.mark.parametrize("name", sorted(ROWS))
def test_special_numbers_are_the_engines(name: str) -> None:
    op = getattr(ag, name)
    points = [0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, -5e-324, 1e308, -1e308, 709.9, -745.2, -1.0, 2.0**70]
    found = jit(op, in_axes=0)(np.array(points))
    for x, y in zip(points, found.tolist()):
        wanted = op(x)
        assert (math.isnan(y) and math.isnan(wanted)) or y == pytest.approx(wanted, rel=1e-15, abs=0), x
        assert math.isnan(wanted) or math.copysign(1.0, y) == math.copysign(1.0, wanted), x


def test_large_angles_do_not_change_their_neighbours() -> None:
    small = np.linspace(-3, 3, 16)
    mixed = small.copy()
    mixed[::3] = 1e22
    for op, exact in ((ag.sin, math.sin), (ag.cos, math.cos)):
        alone, among = jit(op, in_axes=0)(small), jit(op, in_axes=0)(mixed)
        assert among[0] == exact(1e22)
        assert np.array_equal(np.delete(alone, slice(0, 16, 3)), np.delete(among, slice(0, 16, 3)))


SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -3.0, math.inf, -math.inf, math.nan, 5e-324, -1e-310, 1e308, -1e308, 1e-160]
PRIMITIVES = [p for p in vars(ops).values() if isinstance(p, Primitive)]


@pytest.mark.parametrize("op", PRIMITIVES, ids=str)
def test_every_primitive_on_every_pair_of_special_numbers(op: Primitive) -> None:
    points = np.array(list(itertools.product(SPECIAL, repeat=2)))

    def f(x: Any) -> Any:
        args = [x[0], x[1], x[0] + 1.0][: op.arity]
        return op(*[(arg, x[1]) if many else arg for arg, many in zip(args, op.takes_sequence)])

    for x, found in zip(points.tolist(), jit(f, in_axes=0)(points).tolist()):
        wanted = float(f(x))
        if op in (ops.sum, ops.dot) and not abs(x[0]) + abs(x[1]) < 1e154:
            continue  # near overflow and among infinities a sum depends on its order
        if math.isnan(wanted):
            assert math.isnan(found), x
        else:
            assert found == pytest.approx(wanted, rel=1e-15, abs=1e-323), x
            assert found != 0 or math.copysign(1.0, found) == math.copysign(1.0, wanted), x
