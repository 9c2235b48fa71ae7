"""check_gradients along random directions: what it finds in very many numbers, what it costs, and what it states."""

import math
from typing import Any

import numpy as np
import pytest

import autograd as ag
from autograd.testing import GradientError, GradientWarning, check_gradients


def f(x: Any) -> float:
    return float((x * np.sin(x)).sum())


def gradient(x: Any) -> Any:
    return np.sin(x) + x * np.cos(x)


def test_1e5_numbers_take_few_calls() -> None:
    calls = 0

    def counted(x: Any) -> float:
        nonlocal calls
        calls += 1
        return f(x)

    x = np.random.default_rng(0).normal(size=100_000)
    checked = check_gradients(counted, x, gradient=gradient, strict=True)
    assert calls < 800
    assert (checked.directions, len(checked.checked)) == (5, 5)
    assert 0 < checked.chance < 1e-10
    assert "5 of 5 random directions agree with finite differences, which miss a mistake" in repr(checked)


def test_the_cost_is_a_few_calls_for_each_number() -> None:
    for n in (10, 300):
        calls = 0

        def counted(x: Any) -> float:
            nonlocal calls
            calls += 1
            return f(x)

        check_gradients(counted, np.random.default_rng(0).normal(size=n), gradient=gradient)
        assert calls < 35 * n + 60


@pytest.mark.parametrize("n", [1000, 5_000])
def test_a_single_mistake_is_found_and_named(n: int) -> None:
    x = np.random.default_rng(1).normal(size=n)
    for place, mistake in (
        (7, lambda d: -d),
        (n - 1, lambda d: 1.5 * d),
        (n // 3, lambda d: 0 * d),
        (5, lambda d: math.nan),
    ):

        def wrong(x: Any, place: int = place, mistake: Any = mistake) -> Any:
            d = gradient(x)
            d[place] = mistake(d[place])
            return d

        with pytest.raises(GradientError, match="random directions the gradient is wrong") as caught:
            check_gradients(f, x, gradient=wrong)
        assert [v.name for v in caught.value.verdicts] == [f"x[{place}]"]


def test_a_mistake_in_all_is_found() -> None:
    x = np.random.default_rng(2).normal(size=5000)
    with pytest.raises(GradientError, match="along 5 of 5 random directions"):
        check_gradients(f, x, gradient=lambda x: 1.0001 * gradient(x))
    with pytest.raises(GradientError, match=r"along . of 5 random directions"):
        check_gradients(f, x, gradient=lambda x: np.roll(gradient(x), 1))


def test_the_chance_to_miss_is_no_less_than_stated() -> None:
    """A mistake as large as the bounds, tried with many directions of one number each: the formula is for any size."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=40)
    checked = check_gradients(f, x, gradient=gradient, directions=1, rtol=1e-3)
    missed = 0
    for _ in range(100):
        mistake = rng.normal(size=40) / abs(x)
        mistake *= 1e-3 * np.linalg.norm(gradient(x) * x) / np.linalg.norm(mistake * x)
        try:
            check_gradients(f, x, gradient=lambda x, m=mistake: gradient(x) + m, directions=1, rtol=1e-3)
            missed += 1
        except GradientError:
            pass
    assert 0.1 < checked.chance < 1.0
    assert missed / 100 < checked.chance + 0.15


def test_functions_of_values_and_several_arguments() -> None:
    x = [float(v) for v in np.random.default_rng(0).normal(size=1200)]
    assert check_gradients(lambda x: ag.sum([v * v for v in x]), x).directions == 5

    @ag.primitive(lambda out, x: 3 * x)
    def square(x: float) -> float:
        return x * x

    with pytest.raises(GradientError, match="at fault is square: its rule"):
        check_gradients(lambda x: ag.sum([square(v) for v in x]), x[:50], directions=3)
    w, b = np.ones((40, 40)), np.zeros(40)

    def by_both(w: Any, b: Any) -> Any:
        slopes = 1 - np.tanh(w.sum(1) + b) ** 2
        return np.outer(slopes, np.ones(40)), slopes

    checked = check_gradients(
        lambda w, b: np.sum(np.tanh(w @ np.ones(40) + b)), w, b,
        gradient=by_both,
        directions=4, atol=1e-9,
    )  # fmt: skip
    assert checked.directions == 4


def test_directions_is_what_is_asked_for() -> None:
    x = np.random.default_rng(0).normal(size=1000)
    assert check_gradients(f, x[:999], gradient=gradient, directions=2).directions == 2
    assert check_gradients(f, x[:20], gradient=gradient).directions == 0
    for wrong in (-1, 1.5, True):
        with pytest.raises(ValueError, match="directions must be a whole number of 0 or more"):
            check_gradients(f, x, gradient=gradient, directions=wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="directions are for order 1, got order=2"):
        check_gradients(f, x, gradient=gradient, directions=2, order=2)


def test_what_cannot_be_told_is_said() -> None:
    with pytest.warns(GradientWarning, match="5 of 5 derivatives cannot be told"):
        check_gradients(lambda x: 1e20 + f(x), np.ones(1000), gradient=gradient)
