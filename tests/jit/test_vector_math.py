"""The vector mathematics of compiled code compared with mpmath at 50 digits: within 2.5 ulp, mostly within 1."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
import registry
from mpmath import mp, mpf

import autograd as ag
from autograd import ops
from autograd.jit import jit
from autograd.jit.vector_math.table import FUNCTIONS
from autograd.primitive import Primitive

pytestmark = pytest.mark.once  # of machine code, which knows nothing of how the engine is built

POINTS = 1500
Oracle = Callable[[Any], Any]


def sigmoid(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


def cbrt(x: Any) -> Any:
    return mp.cbrt(x) if x >= 0 else -mp.cbrt(-x)


# name: the oracle, the largest error in ulp, the range of magnitudes drawn, both signs unless it is positive
ROWS: dict[str, tuple[Oracle, float, float, float, bool]] = {
    "exp": (mp.exp, 1.25, 1e-10, 745.0, False),
    "expm1": (mp.expm1, 2.0, 1e-300, 709.0, False),
    "exp2": (lambda x: mpf(2) ** x, 1.25, 1e-10, 1074.0, False),
    "log": (mp.log, 1.0, 5e-324, 1e308, True),
    "log1p": (mp.log1p, 1.0, 1e-300, 1e308, True),
    "log2": (lambda x: mp.log(x) / mp.log(2), 1.0, 5e-324, 1e308, True),
    "log10": (mp.log10, 1.0, 5e-324, 1e308, True),
    "cbrt": (cbrt, 0.6, 5e-324, 1e308, False),
    "sin": (mp.sin, 1.0, 1e-300, 2.0**20, False),
    "cos": (mp.cos, 1.0, 1e-10, 2.0**20, False),
    "tan": (mp.tan, 2.0, 1e-300, 2.0**20, False),
    "asin": (mp.asin, 1.5, 1e-300, 1.0, False),
    "acos": (mp.acos, 1.5, 1e-20, 1.0, False),
    "atan": (mp.atan, 1.5, 1e-300, 1e300, False),
    "asinh": (mp.asinh, 2.0, 1e-300, 1e308, False),
    "acosh": (mp.acosh, 2.5, 1.0, 1e308, True),
    "atanh": (mp.atanh, 2.0, 1e-300, 1.0, False),
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
    x = np.concatenate([sizes, rng.uniform(low, min(high, 40.0), POINTS), rng.uniform(low, min(high, 2.0), POINTS)])
    if not positive:
        x *= rng.choice([-1.0, 1.0], len(x))
    assert worst_error(getattr(ag, name), oracle, x) <= most


@pytest.mark.parametrize("op", FUNCTIONS, ids=str)
def test_every_vector_function_is_within_4_ulp_of_its_primitive(op: Primitive) -> None:
    rng = np.random.default_rng(0)
    sizes = [10.0 ** rng.uniform(-320, 308, 2 * POINTS), np.exp(rng.normal(0, 3, 4 * POINTS))]
    points = rng.choice([-1.0, 1.0], (6 * POINTS, op.arity)) * np.concatenate(sizes)[:, None]
    points[:, 1:] = rng.permutation(points[:, 1:])
    for x, found in zip(points.tolist(), jit(lambda x: op(*x), in_axes=0)(points).tolist()):
        wanted = op.evaluate(*x)
        if math.isfinite(wanted):
            assert abs(found - wanted) <= 4 * math.ulp(wanted), x
        else:
            assert found == wanted or (math.isnan(found) and math.isnan(wanted)), x


@pytest.mark.parametrize(("name", "most"), [("sin", 1.0), ("cos", 1.0), ("tan", 2.0)])
def test_error_at_the_floats_nearest_to_multiples_of_a_right_angle(name: str, most: float) -> None:
    rng = np.random.default_rng(0)
    turns = [*range(1, 300), *rng.integers(300, 660_000, POINTS).tolist()]
    with mpmath.workdps(50):
        x = np.array([float(k * mp.pi / 2) for k in turns])
    assert worst_error(getattr(ag, name), getattr(mp, name), x) <= most


def worst_error(op: Any, oracle: Oracle, *args: Any) -> float:
    """In units in the last place."""
    worst = 0.0
    with mpmath.workdps(50):
        for *given, found in zip(*[x.tolist() for x in args], jit(op, in_axes=0)(*args).tolist()):
            exact = oracle(*map(mpf, given))
            if not math.isinf(float(exact)):
                worst = max(worst, float(abs(mpf(found) - exact) / math.ulp(float(exact))))
    return worst


def test_error_of_powers() -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate([np.exp(rng.uniform(-300, 300, POINTS)), rng.uniform(0.5, 2.0, POINTS), [1.0, 2.0**0.5]])
    y = rng.uniform(-700, 700, len(x)) / np.maximum(np.abs(np.log(x)), 1e-3)
    assert worst_error(ag.pow, mp.power, x, y) <= 1.5
    assert worst_error(ag.pow, mp.power, x, rng.uniform(-3, 3, len(x))) <= 1.5
    assert worst_error(ag.pow, mp.power, -x, rng.integers(-40, 40, len(x)).astype(float)) <= 1.0


@pytest.mark.parametrize("k", [2, 3, 4])
def test_error_of_small_powers_which_become_products(k: int) -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate([np.exp(rng.uniform(-150, 150, POINTS)), rng.uniform(1.0, 2.0, POINTS), -rng.random(POINTS)])
    assert worst_error(lambda x: x**k, lambda x: x**k, x) <= 2.0


def test_error_of_angles() -> None:
    rng = np.random.default_rng(0)
    y = rng.choice([-1.0, 1.0], 2 * POINTS) * np.exp(rng.uniform(-300, 300, 2 * POINTS))
    near, far = rng.uniform(-4, 4, POINTS) * y[:POINTS], y[:POINTS:-1] * rng.choice([-1.0, 1.0], POINTS - 1)
    assert worst_error(ag.atan2, mp.atan2, y[: len(near) + len(far)], np.concatenate([near, far])) <= 2.0


@pytest.mark.parametrize("name", ["exp", "log", "sigmoid", "softplus", "asinh", "cbrt", "tan"])
def test_a_rare_number_changes_nothing_for_its_neighbours(name: str) -> None:
    op = getattr(ag, name)
    x = np.random.default_rng(0).uniform(0.1, 3.0, 64)
    alone = jit(op, in_axes=0)(x)
    for rare in (0.0, -1.0, math.inf, -math.inf, math.nan, 1e308, -1e308, 5e-324, 800.0, -800.0, 1e22):
        mixed = x.copy()
        mixed[::5] = rare
        among = jit(op, in_axes=0)(mixed)
        kept = np.arange(64) % 5 > 0
        assert among[kept].tobytes() == alone[kept].tobytes()
        assert np.array_equal(among[::5], np.full(13, op(rare)), equal_nan=True) or np.allclose(
            among[::5], op(rare), rtol=5e-16, atol=0
        )


@pytest.mark.parametrize("name", sorted(ROWS))
def test_special_numbers_give_what_the_engine_gives(name: str) -> None:
    op = getattr(ag, name)
    points = [0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, -5e-324, 1e308, -1e308, 709.9, -745.2, -1.0, 2.0**70]
    found = jit(op, in_axes=0)(np.array(points))
    for x, y in zip(points, found.tolist()):
        wanted = op(x)
        assert (math.isnan(y) and math.isnan(wanted)) or y == pytest.approx(wanted, rel=1e-15, abs=0), x
        assert math.isnan(wanted) or math.copysign(1.0, y) == math.copysign(1.0, wanted), x


def test_angles_beyond_a_million_are_left_to_the_c_library() -> None:
    for op, exact in ((ag.sin, math.sin), (ag.cos, math.cos), (ag.tan, math.tan)):
        assert jit(op)(1e22) == exact(1e22)


SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -3.0, math.inf, -math.inf, math.nan, 5e-324, -1e-310, 1e308, -1e308, 1e-160]
# A formula meets infinities in its own way.
PRIMITIVES = [op for op in registry.PRIMITIVES if not callable(op.native)]


@pytest.mark.parametrize("op", PRIMITIVES, ids=str)
def test_every_primitive_on_every_pair_of_special_numbers(op: Primitive) -> None:
    points = np.array(list(itertools.product(SPECIAL, repeat=2)))

    def f(x: Any) -> Any:
        args = [x[0], x[1], x[0] + 1.0][: op.arity]
        return op(*[(arg, x[1]) if many else arg for arg, many in zip(args, op.takes_sequence)])

    for x, found in zip(points.tolist(), jit(f, in_axes=0)(points).tolist()):
        wanted = float(f(x))
        if math.isnan(wanted):
            assert math.isnan(found), x
        else:
            magnitude = abs(x[0]) if op is ops.dot and abs(x[0]) >= 1e308 else 0.0  # of what cancels
            assert found == pytest.approx(wanted, rel=1e-15, abs=1e-323 + 1e-15 * magnitude), x
            assert found != 0 or magnitude or math.copysign(1.0, found) == math.copysign(1.0, wanted), x
