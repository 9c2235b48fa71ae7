"""check_gradients where finite differences see little or nothing: no false alarm, and nothing passes without a word."""

import cmath
import math
import warnings
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

from autograd.testing import GradientError, GradientWarning, check_gradients, numerical_gradient


def said(f: Callable[..., Any], x: Any, gradient: Any, **options: Any) -> str:
    """ "wrong", "doubted" with a warning, or "right" for a gradient: a function, or a number."""
    given = gradient if callable(gradient) else lambda _: gradient
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", GradientWarning)
        try:
            check_gradients(f, x, gradient=given, **options)
        except GradientError:
            return "wrong"
    assert len(caught) <= 1
    return "doubted" if caught else "right"


# Rounding inside the function


def softmax(z: Any) -> Any:
    e = np.exp(z - z.max())
    return e / e.sum()


def single(w: float) -> float:
    return float(np.float32(1000) + np.float32(1e-5) * np.tanh(np.float32(w)))


@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [
        (lambda x: 1 - math.tanh(x), 20.0, lambda x: -1 / mpmath.cosh(x) ** 2),
        (lambda z: math.log(1 + math.exp(z)), -37.0, lambda z: 1 / (1 + mpmath.exp(-z))),
        (lambda x: ((1 + x * x) - 1) / x, 1e-7, lambda x: 1),
        (lambda x: (1 - math.cos(x)) / x**2, 5e-8, lambda x: -x / 12),
        (single, 0.3, lambda w: 1e-5 * mpmath.sech(w) ** 2),
        (lambda x: 1e12 + 1e-5 * x, 1.0, lambda x: 1e-5),
        (math.erf, 5.5, lambda x: 2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-x * x)),
    ],
)
def test_what_rounding_inside_hides_gives_no_false_alarm(f: Any, x: float, slope: Any) -> None:
    exact = float(slope(mpmath.mpf(x)))
    assert said(f, x, exact) != "wrong"
    value, error = numerical_gradient(f, x)
    assert math.isnan(value) or abs(value - exact) <= error


def test_saturated_cross_entropies_give_no_false_alarm_and_planted_mistakes_do() -> None:
    rng = np.random.default_rng(0)
    found = []
    for scale in (1.0, 10.0, 30.0):
        for k in range(8):
            z = rng.normal(size=6) * scale
            target = int(z.argmax()) if k % 2 else int(rng.integers(6))
            right = softmax(z) - np.eye(6)[target]
            for f in (
                lambda z, t=target: float(-np.log(softmax(z)[t])),
                lambda z, t=target: float(np.log(np.exp(z - z.max()).sum()) + z.max() - z[t]),
            ):
                assert said(f, z, right) != "wrong"
                if abs(right).max() > 1e-3:
                    found.append(said(f, z, np.where(abs(right) == abs(right).max(), 1.01 * right, right)))
    assert len(found) > 20
    assert set(found) == {"wrong"}


def network_in_single_precision(weights: Any, out: Any, factors: Any, offset: float) -> Callable[[Any], float]:
    weights, out = weights.astype("f4"), out.astype("f4")
    return lambda x: float(np.float32(offset) + out @ np.tanh(weights @ (factors * x).astype("f4")))


@pytest.mark.parametrize(("scale", "offset"), [(1e-6, 0), (1.0, 1000), (1.0, 0)])
def test_single_precision_gives_no_false_alarm(scale: float, offset: float) -> None:
    rng = np.random.default_rng(1)
    for _ in range(5):
        weights, out, x = rng.normal(size=(8, 4)), rng.normal(size=8), rng.normal(size=4)
        factors = np.array([scale, 1.0, 1.0, 1.0])
        f = network_in_single_precision(weights, out, factors, offset)
        slopes = factors * (weights.T @ (out * (1 - np.tanh(weights @ (factors * x)) ** 2)))
        assert said(f, x, slopes) != "wrong"
        assert said(f, x, slopes * [1, -1, 1, 1]) == "wrong"


def test_tangents_of_huge_numbers() -> None:
    """Their period is shorter than most steps."""
    rng = np.random.default_rng(0)
    points = [33560910506.356144, *10 ** rng.uniform(6, 13, size=60)]
    seen = 0
    for x in points:
        value, error = numerical_gradient(math.tan, x)
        exact = 1 / mpmath.cos(mpmath.mpf(x)) ** 2
        assert math.isnan(value) or abs(value - exact) <= error
        seen += error < 0.01 * exact
    assert seen > 40


@pytest.mark.parametrize("x", [1e-300, 1e-170, 1e170, 1e300])
def test_numbers_whose_square_underflows_or_overflows(x: float) -> None:
    assert said(math.log, x, 1 / x) == "right"
    assert said(math.log, x, 1.001 / x) == "wrong"


# Jumps


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: float(x >= 0), 0.0),
        (lambda x: float(math.floor(x)), 2.0),
        (lambda x: x % 1, 3.0),
        (lambda x: math.atan2(x, -1.0), 0.0),
        (lambda x: cmath.phase(complex(-1, x)), -0.0),
        (lambda x: float(round(x)), 2.5),
        (lambda x: x if x < 1 else x + 1e-3, 1.0),
        (lambda x: (x + math.pi) % (2 * math.pi) - math.pi, math.pi),
        (lambda x: x + math.ceil(x), 3.0),
        (lambda x: (x > 1.5) * x * x, 1.5),
        (lambda x: float(np.sign(x)), 0.0),
    ],
)
def test_at_a_jump_nothing_passes(f: Any, x: float) -> None:
    for slope in (0.0, 1.0, 2.0, math.inf):
        with pytest.raises(GradientError, match="none: the function jumps"):
            check_gradients(f, x, gradient=lambda x, d=slope: d)


def test_beside_a_jump_gradients_are_checked_as_elsewhere() -> None:
    for f, x, right in ((lambda x: x % 1, 0.3, 1.0), (lambda x: x * x + math.floor(x), 2.5, 5.0)):
        assert said(f, x, right) == "right"
        assert said(f, x, 1.01 * right) == "wrong"


# Functions that are not functions, and errors beside the point


def test_a_function_that_changes_from_call_to_call_is_refused() -> None:
    calls = 0

    def warms_up(x: float) -> float:
        nonlocal calls
        calls += 1
        return x * x + (calls > 2) * 1e-9

    with pytest.raises(ValueError, match=r"gave 1\.0 at first and, for the same arguments, 1\.00.* after some calls"):
        check_gradients(warms_up, 1.0, gradient=lambda x: 2 * x)


def test_an_error_beside_the_point_passes_through() -> None:
    with pytest.raises(NameError, match="undefined_name"):
        check_gradients(
            lambda w: w * w if w == 1.0 else undefined_name,  # type: ignore[name-defined] # noqa: F821
            1.0,
            gradient=lambda w: 7 * w,
        )

    def only_here(w: float) -> float:
        if w != 1.0:
            raise ValueError("not there")
        return w

    with pytest.raises(ValueError, match="not there"):
        check_gradients(only_here, 1.0, gradient=lambda w: 7 * w)


def test_an_error_that_hides_a_derivative_is_named() -> None:
    def narrow(x: float) -> float:
        if 0 < abs(x - 1) < 1e-3:
            raise ValueError("too close to 1")
        return math.sin(1e8 * x)

    with pytest.warns(GradientWarning, match="the function raises ValueError beside the point: too close to 1"):
        check_gradients(narrow, 1.0, gradient=lambda x: 1e8 * math.cos(1e8 * x))


# What passes without a word, and what strict makes of the rest


def test_a_gradient_of_0_that_noise_hides_is_doubted_as_the_right_one_is() -> None:
    for given in (0.0, 1e-5):
        assert said(lambda x: 1e12 + 1e-5 * x, 1.0, given) == "doubted"
    forgotten = np.array([-1e12 * math.sin(1.0), 0.0])
    assert said(lambda w: 1e12 * math.cos(w[0]) + 1e-6 * w[1] ** 2, np.array([1.0, 2.0]), forgotten) == "doubted"


def test_nothing_is_said_at_a_minimum_or_of_numbers_without_influence() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(30, 6)), rng.normal(size=30)
    best = np.linalg.lstsq(a, b, rcond=None)[0]
    assert said(lambda x: ((a @ x - b) ** 2).sum(), best, lambda x: 2 * a.T @ (a @ x - b), strict=True) == "right"
    assert said(lambda x: (x - 1) ** 2, 1.0, 0.0, strict=True) == "right"
    assert said(lambda x: 5 + max(x, 0.0), -1.0, 0.0, strict=True) == "right"
    assert said(lambda x: x[0] ** 2, np.array([1.0, 2.0]), lambda x: np.array([2 * x[0], 0.0]), strict=True) == "right"


def test_strict_fails_where_nothing_can_be_told_unless_atol_allows_it() -> None:
    with pytest.raises(GradientError, match="the derivative cannot be told") as caught:
        check_gradients(lambda x: 1e12 + 1e-5 * x, 1.0, gradient=lambda x: 0.0, strict=True)
    assert "noise in the function hides it" in str(caught.value)
    assert said(lambda x: 1e12 + 1e-5 * x, 1.0, 0.0, strict=True, atol=0.01) == "right"
    assert said(abs, 0.0, 0.3, strict=True) == "doubted"  # a kink: any value between passes


def test_one_warning_has_a_table_of_all_and_the_result_has_them_too() -> None:
    def f(x: Any) -> Any:
        return abs(x[0]) + x[1] ** 2 + 1e-20 * np.sum(x[2:])

    with pytest.warns(GradientWarning) as caught:
        checked = check_gradients(
            f, np.array([0.0, 1.0, *np.ones(20)]), gradient=lambda x: np.r_[0.0, 2.0, np.full(20, 1e-20)]
        )
    (warning,) = caught
    lines = str(warning.message).splitlines()
    assert lines[0] == "check_gradients(f): 20 of 22 derivatives cannot be told and 1 of 22 derivatives is at a kink"
    assert lines[1].split() == ["variable", "given", "found", "because"]
    assert lines[-1] == "  and 11 more"
    assert [v.name for v in checked.checked] == ["x[1]"]
    assert [v.name for v in checked.at_kinks] == ["x[0]"]
    assert len(checked.unseen) == 20
    assert repr(checked) == "<Checked: 1 derivative agrees with finite differences, 1 at a kink, 20 cannot be told>"


def test_tolerances() -> None:
    for option in ("rtol", "atol"):
        with pytest.raises(ValueError, match=rf"check_gradients\(\): {option} must be a number of 0 or more, got"):
            check_gradients(abs, 1.0, gradient=lambda x: 1.0, **{option: -1.0})
    assert said(lambda x: x * x, 1.0, 2.001) == "wrong"
    assert said(lambda x: x * x, 1.0, 2.001, rtol=1e-3) == said(lambda x: x * x, 1.0, 2.001, atol=2e-3) == "right"
