"""Every primitive against mpmath at 50 digits: its value to 2 ulp and each partial derivative to 4 ulp."""

import math
import random
from collections.abc import Callable
from functools import partial
from typing import Any

import mpmath
import pytest
from exact import EDGES, LARGEST, ROWS, SMALLEST_NORMAL, ZERO
from hypothesis import HealthCheck, given, seed, settings, strategies as st
from mpmath import mp, mpf
from registry import PRIMITIVES

import autograd as ag
from autograd import ops

POINTS = 200
SEED = random.SystemRandom().randrange(2**31)  # fresh points in each run
BATCH = 10  # points in an example: most of the time of an example is Hypothesis's, whatever it holds
drawn = settings(
    max_examples=2 * POINTS // BATCH, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


def batches(points: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(points, min_size=BATCH, max_size=BATCH)


# The comparison


def flat(xs: Any) -> list[Any]:
    return [each for x in xs for each in (x if isinstance(x, (list, tuple)) else (x,))]


def is_in_range(exact: Any) -> bool:
    """Whether it is zero, or a number that a float holds with all of its 53 bits."""
    return bool(exact == 0 or SMALLEST_NORMAL <= abs(exact) <= LARGEST)


def ulps(got: float, exact: Any, scale: Any) -> float:
    """The error of got in units in the last place of the exact result, divided by `scale` if that is above 1."""
    if got == exact or mp.isnan(got) or mp.isnan(exact):
        return 0.0 if mp.isnan(got) == mp.isnan(exact) else math.inf
    return float(abs(mpf(got) - exact) / math.ulp(float(exact)) / max(1, scale)) if exact else math.inf


def errors(name: str, point: Any) -> tuple[float, float] | None:
    """The largest error of the value and of the partials, in ulp, over the condition numbers; None out of range."""
    row = ROWS[name]
    args = [list(map(mpf, x)) if isinstance(x, list) else mpf(x) for x in point]
    value = row.value(*args)
    partials = [ZERO() if f is None else f(*args) for f in row.partials]
    expected = flat(partials)
    if not all(is_in_range(x) for x in [value, *expected] if not mp.isnan(x)):
        return None
    inputs = [tuple(map(ag.Value, x)) if isinstance(x, list) else ag.Value(x) for x in point]
    function = getattr(ag, name, None) or getattr(ops, name)  # the operators' primitives have no public name
    out = function(*inputs)
    assert function(*point) == out.data  # floats give the same number, as a float
    out.backward()
    found = [leaf.grad for leaf in flat(inputs)]
    scales = row.partial_scales(*args) if row.partial_scales else [1] * len(found)
    worst = max(map(ulps, found, expected, scales), default=0.0)
    return ulps(out.data, value, row.scale(*args) if value else 1), worst


def compare(name: str, points: st.SearchStrategy[Any], how: Callable[[Any], Any]) -> None:
    """Raise AssertionError unless the primitive is exact at POINTS of the points, drawn as the settings say."""
    seen: list[Any] = []

    @how
    @given(batches(points))
    def check(batch: list[Any]) -> None:
        for point in batch if len(seen) < POINTS else ():
            found = errors(name, point)
            if found is not None:
                seen.append(point)
                value, partial = found
                assert value <= 2, f"{name}{point}: the value is {value:.1f} ulp off (seed {SEED})"
                assert partial <= 4, f"{name}{point}: a partial is {partial:.1f} ulp off (seed {SEED})"

    check()
    assert len(seen) >= POINTS // 2  # of some primitives half of the points are out of range


@pytest.fixture(autouse=True)
def _fifty_digits():
    with mpmath.workdps(50):
        yield


def test_every_row_is_of_a_primitive() -> None:
    """A primitive without a row is tested only by test_every_primitive.py, against finite differences."""
    primitives = {op.name: op for op in PRIMITIVES}
    assert len(ROWS) >= 46
    for name, row in ROWS.items():
        assert [f is None for f in row.partials] == [f is None for f in primitives[name].partials]


@pytest.mark.parametrize("name", ROWS)
def test_value_to_2_ulp_and_partials_to_4_ulp(name: str) -> None:
    compare(name, ROWS[name].points, drawn)


@pytest.mark.parametrize("name", ROWS)
def test_the_same_on_fresh_points_also_at_the_edges_of_range(name: str) -> None:
    more = 6 * POINTS // BATCH if name in EDGES else drawn.max_examples  # many of these are just out of range
    fresh = settings(drawn, derandomize=False, max_examples=more)
    compare(name, EDGES.get(name, ROWS[name].points), lambda check: seed(SEED)(fresh(check)))


@given(st.sampled_from([(2031616.0, -48.0), (659956037.8533365, -34.0), (8.67537400419798e-223, -0.3896484375)]))
def test_powers_of_which_a_part_is_subnormal(point: tuple[float, float]) -> None:
    with mpmath.workdps(50):
        assert (errors("pow", point) or (0, 9))[1] <= 4


@pytest.mark.parametrize("name", ROWS)
def test_the_formulas_of_the_table_are_derivatives_of_its_values(name: str) -> None:
    """The oracle is checked by mpmath's numerical differentiation, at points where nothing has a kink."""
    row, takes_sequence = ROWS[name], getattr(ops, name).takes_sequence
    for numbers in (["0.7", "0.3", "-1.6"], ["0.3", "-1.6", "0.7"], ["-1.6", "0.7", "0.3"]):
        args = [list(map(mpf, numbers)) if many else mpf(x) for x, many in zip(numbers, takes_sequence)]
        if isinstance(row.value(*args), mpf):  # a complex number: outside the domain
            expected = flat([f(*args) if f else mpf(0) for f in row.partials])
            slopes = [mp.diff(partial(call_with, row.value, args, k), x) for k, x in enumerate(flat(args))]
            assert all(mp.isnan(e) or mp.almosteq(s, e, 1e-20, 1e-20) for s, e in zip(slopes, expected))


def call_with(function: Callable[..., Any], args: list[Any], k: int, x: Any) -> Any:
    """The function with x in place of the k-th number of its arguments, counting the items of sequences."""
    items = iter([*flat(args)[:k], x, *flat(args)[k + 1 :]])
    return function(*[[next(items) for _ in each] if isinstance(each, list) else next(items) for each in args])
