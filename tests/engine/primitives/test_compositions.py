"""The functions composed of primitives against mpmath at 50 digits, each with its own bound on the error."""

import math
from collections.abc import Callable
from typing import Any

import mpmath
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from mpmath import mp, mpf

import autograd as ag

POINTS = 200
drawn = settings(derandomize=True, max_examples=POINTS, database=None, suppress_health_check=list(HealthCheck))


def numbers(low: float, high: float) -> st.SearchStrategy[float]:
    """Between low and high, half of them near 0, none so small that a product of two underflows."""
    small = st.floats(max(low, -3.0), min(high, 3.0))
    return (st.floats(low, high) | small).filter(lambda x: x == 0 or abs(x) > 1e-100)


def vectors(high: float, least: int = 1) -> st.SearchStrategy[list[float]]:
    return st.lists(numbers(-high, high), min_size=least, max_size=6)


@pytest.fixture(autouse=True)
def _fifty_digits():
    with mpmath.workdps(50):
        yield


def ulps(got: float, exact: Any, scale: Any = 1) -> float:
    """The error of got in units in the last place of the exact result, over a condition number above 1."""
    if got == exact or math.isnan(got):
        return 0.0 if got == exact else math.inf
    return float(abs(mpf(got) - exact) / math.ulp(float(exact)) / max(1, scale)) if exact else math.inf


def errors_of_unary(function: Callable[[Any], Any], x: float, value: Any, slope: Any) -> tuple[float, float]:
    """The error in ulp of function(x) and of its derivative; value and slope are (exact, condition number)."""
    leaf = ag.Value(x)
    out = function(leaf)
    assert function(x) == float(out)  # a float in, the same float out
    (out * 1.0).backward()  # adds a node if out is the leaf itself, or a constant
    return ulps(float(out), *value), ulps(leaf.grad, *slope)


def test_leaky_relu_is_within_one_rounding() -> None:
    @drawn
    @given(numbers(-1e100, 1e100), st.floats(0.001, 10.0))
    def check(x: float, slope: float) -> None:
        exact = (mpf(x), mpf(1)) if x > 0 else (mpf(slope) * mpf(x), mpf(slope))
        errors = errors_of_unary(lambda v: ag.leaky_relu(v, slope), x, (exact[0], 1), (exact[1], 1))
        assert errors[0] <= 0.5
        assert errors[1] == 0

    check()


def test_elu_is_within_3_ulp_and_its_derivative_within_4() -> None:
    """expm1 is within 2 ulp, then there is a product."""

    @drawn
    @given(numbers(-600.0, 1e100), st.floats(0.001, 10.0))
    def check(x: float, alpha: float) -> None:
        exact = (mpf(x), mpf(1)) if x > 0 else (alpha * mp.expm1(mpf(x)), alpha * mp.exp(mpf(x)))
        errors = errors_of_unary(lambda v: ag.elu(v, alpha), x, (exact[0], 1), (exact[1], 1))
        assert errors[0] <= 3
        assert errors[1] <= 4

    check()


def test_gelu_is_within_4_ulp_times_the_conditioning_of_the_normal_tail() -> None:
    """In the left tail Φ(x) has the condition number x², which multiplies the rounding error of x√½.

    The derivative Φ + xφ vanishes at -0.75. There the error is relative to Φ + |x|φ.
    """

    @drawn
    @given(numbers(-35.0, 1e6))
    def check(x: float) -> None:
        density, probability = mp.npdf(mpf(x)), mp.erfc(-mpf(x) / mp.sqrt(2)) / 2
        tail = 1 + mpf(x) ** 2 if x < 0 else 1
        slope = probability + x * density
        value_error, slope_error = errors_of_unary(
            ag.gelu, x, (x * probability, tail), (slope, tail * (probability + abs(x) * density) / abs(slope))
        )
        assert value_error <= 4
        assert slope_error <= 4

    check()


def test_silu_is_within_4_ulp() -> None:
    """The derivative s + x s' vanishes at -1.28. There the error is relative to s + |x| s'."""

    @drawn
    @given(numbers(-690.0, 1e6))
    def check(x: float) -> None:
        s, slope = 1 / (1 + mp.exp(-mpf(x))), 1 / (2 + 2 * mp.cosh(mpf(x)))
        exact = s + x * slope
        errors = errors_of_unary(ag.silu, x, (x * s, 1), (exact, (s + abs(x) * slope) / abs(exact)))
        assert max(errors) <= 4

    check()


def test_clip_is_exact() -> None:
    @drawn
    @given(st.floats(-1e300, 1e300), numbers(-5.0, 5.0), numbers(-5.0, 5.0))
    def check(x: float, one: float, other: float) -> None:
        low, high = min(one, other), max(one, other)
        for each in (x, one, other):
            leaf = ag.Value(each)
            out = ag.clip(leaf, low, high)
            (out * 1.0).backward()
            assert float(out) == ag.clip(each, low, high) == min(max(each, low), high)
            assert leaf.grad == (1.0 if low <= each <= high else 0.0)

    check()


def test_clip_passes_derivatives_to_the_bound_that_was_taken() -> None:
    for x, grads in ((0.5, (1.0, 0.0, 0.0)), (-2.0, (0.0, 1.0, 0.0)), (3.0, (0.0, 0.0, 1.0))):
        leaves = ag.Value(x), ag.Value(0.0), ag.Value(1.0)
        ag.clip(*leaves).backward()
        assert tuple(v.grad for v in leaves) == grads


def test_mean_is_within_2_ulp_of_the_exact_mean_even_where_the_sum_cancels() -> None:
    @drawn
    @given(vectors(1e100))
    def check(xs: list[float]) -> None:
        leaves = [ag.Value(x) for x in xs]
        out = ag.mean(leaves)
        out.backward()
        assert ulps(out.data, mp.fsum(xs) / len(xs)) <= 2
        assert all(ulps(leaf.grad, mpf(1) / len(xs)) <= 0.5 for leaf in leaves)

    check()


def exact_softmax(xs: list[float]) -> list[Any]:
    exps = [mp.exp(mpf(x) - max(xs)) for x in xs]
    return [e / mp.fsum(exps) for e in exps]


def test_softmax_is_within_4_ulp_times_the_distance_to_the_largest() -> None:
    """exp(x - top) contains the rounding error of x - top, so the error is relative to 1 + |x - top|.

    The derivative of the i-th with respect to the j-th is p_i (δ - p_j). Where 1 - p_i cancels, the error is relative
    to p_i (δ + p_j).
    """

    @drawn
    @given(vectors(300.0))
    def check(xs: list[float]) -> None:
        exact = exact_softmax(xs)
        far = [1 + max(xs) - x for x in xs]
        for i, p in enumerate(exact):
            leaves = [ag.Value(x) for x in xs]
            out = ag.softmax(leaves)[i]
            out.backward()
            assert ulps(out.data, p, far[i]) <= 4
            for j, (leaf, q) in enumerate(zip(leaves, exact)):
                slope = p * mp.fsum([*exact[:i], *exact[i + 1 :]]) if i == j else -p * q
                scale = (far[i] + far[j]) * p * ((i == j) + q) / abs(slope) if slope else 1
                assert ulps(leaf.grad, slope, scale) <= 12

    check()


def test_log_softmax_is_within_4_ulp_times_its_conditioning() -> None:
    """The condition number for the distances to the largest, Σ |x_j - top| |δ - p_j| / |result|, is small.

    So the most likely class keeps its digits: -exp(-50) for (0, -50), where log(1 + exp(-50)) would lose all of them.
    """

    @drawn
    @given(vectors(300.0, least=2))
    def check(xs: list[float]) -> None:
        probabilities = exact_softmax(xs)
        *rest, top = sorted(map(mpf, xs))
        spread = mp.log1p(mp.fsum(mp.exp(x - top) for x in rest))
        for i, x in enumerate(xs):
            leaves = [ag.Value(x) for x in xs]
            out = ag.log_softmax(leaves)[i]
            out.backward()
            exact = mpf(x) - top - spread
            slopes = [-q for q in probabilities]
            slopes[i] = mp.fsum([*probabilities[:i], *probabilities[i + 1 :]])
            condition = mp.fsum((top - y) * abs(slope) for y, slope in zip(xs, slopes)) / abs(exact)
            assert ulps(out.data, exact, condition) <= 4
            for j, (leaf, slope) in enumerate(zip(leaves, slopes)):
                scale = (1 + top - xs[j]) * ((i == j) + probabilities[j]) / abs(slope)
                assert ulps(leaf.grad, slope, scale) <= 12

    check()


@drawn
@given(st.lists(numbers(-1e18, 1e18), min_size=4, max_size=12))
def test_a_long_product_is_within_one_ulp_a_factor(xs: list[float]) -> None:
    """Each product but the first is rounded, and each rounding may cost an ulp of a result near a power of two."""
    leaves = [ag.Value(x) for x in xs]
    out = ag.prod(leaves)
    out.backward()
    assert ulps(out.data, mp.fprod(map(mpf, xs))) <= len(xs)
    for k, leaf in enumerate(leaves):
        assert ulps(leaf.grad, mp.fprod(map(mpf, [*xs[:k], *xs[k + 1 :]]))) <= len(xs)
