"""Models from practice as they are written in plain Python: branches, loops to a tolerance, tables, compiled."""

import bisect
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd as ag
from autograd.jit import jit


def rotate(p: Any) -> Any:
    """The first coordinate of a point after Rodrigues' rotation about r, which has no axis at angle 0."""
    r, x = p[:3], p[3:]
    square = r[0] * r[0] + r[1] * r[1] + r[2] * r[2]
    if square == 0:
        return x[0] + r[1] * x[2] - r[2] * x[1]
    angle = ag.sqrt(square)
    k = [e / angle for e in r]
    along = (k[0] * x[0] + k[1] * x[1] + k[2] * x[2]) * (1 - ag.cos(angle))
    return x[0] * ag.cos(angle) + (k[1] * x[2] - k[2] * x[1]) * ag.sin(angle) + k[0] * along


def american_put(spot: Any, strike: Any, volatility: Any) -> Any:
    steps, rate = 8, 0.05
    up = ag.exp(volatility * ag.sqrt(1 / steps))
    chance = (ag.exp(rate / steps) - 1 / up) / (up - 1 / up)
    values = [max(strike - spot * up ** (steps - 2 * i), 0.0) for i in range(steps + 1)]
    for step in reversed(range(steps)):
        hold = [
            ag.exp(-rate / steps) * (chance * high + (1 - chance) * low) for high, low in itertools.pairwise(values)
        ]
        values = [max(h, strike - spot * up ** (step - 2 * i)) for i, h in enumerate(hold)]
    return values[0]


def kepler(mean_anomaly: Any, eccentricity: Any) -> Any:
    e = mean_anomaly
    f = e - eccentricity * ag.sin(e) - mean_anomaly
    while abs(f) > 1e-12:
        e = e - f / (1 - eccentricity * ag.cos(e))
        f = e - eccentricity * ag.sin(e) - mean_anomaly
    return e


def adaptive(start: Any, rate: Any) -> Any:
    """Heun's method with steps that are accepted or rejected, for y' = sin t - rate · y²."""
    t, y, h, done = 0.0, start, 0.5, False
    while not done:
        done = bool(t + h >= 1.0)
        step = 1.0 - t if done else h
        slope = ag.sin(t) - rate * y * y
        end = y + step * slope
        other = ag.sin(t + step) - rate * end * end
        error = abs(step * (other - slope) / 2)
        if error <= 1e-2:
            t, y = t + step, y + step * (slope + other) / 2
        else:
            done = False
        h = step * min(2.0, max(0.3, 0.9 * ag.sqrt(1e-2 / (error + 1e-30))))
    return y


def tax(income: Any) -> Any:
    if income <= 10_000:
        return 0.1 * income
    elif income <= 40_000:
        return 1_000 + 0.2 * (income - 10_000)
    elif income <= 100_000:
        return 7_000 + 0.3 * (income - 40_000)
    return 25_000 + 0.4 * (income - 100_000)


PLACES, HEIGHTS = [0.0, 1.0, 2.5, 4.0, 7.0], [1.0, 2.0, -1.0, 3.0, 5.0]


def table(x: Any) -> Any:
    i = min(max(bisect.bisect_right(PLACES, x) - 1, 0), len(PLACES) - 2)
    share = (x - PLACES[i]) / (PLACES[i + 1] - PLACES[i])
    return ((1 - share) * HEIGHTS[i] + share * HEIGHTS[i + 1]) ** 2


POINTS = np.random.default_rng(0).normal(size=(7, 6))
POINTS[[2, 5], :3] = 0.0
MODELS: dict[str, tuple[Callable[..., Any], tuple[Any, ...], Any, int]] = {  # and how many paths
    "rotation": (rotate, (POINTS,), 0, 2),
    "American put": (american_put, (np.array([90.0, 95, 100, 105, 110]), 100.0, 0.25), (0, None, None), 3),
    "Kepler": (kepler, (np.linspace(0, 3, 33), 0.6), (0, None), 4),
    "adaptive steps": (adaptive, (np.linspace(0.5, 2, 5), np.linspace(0.5, 3, 5)), (0, 0), 3),
    "tax": (tax, (np.array([5e3, 2e4, 1e4, 4e4, 5e4, 1e5, 2e5, 4e4 + 1e-9]),), 0, 4),
    "table": (table, (np.linspace(-1, 8, 41),), 0, 6),
}


def element(args: Any, axes: Any, k: int) -> list[Any]:
    axes = axes if isinstance(axes, tuple) else (axes,) * len(args)
    rows = [x if axis is None else x[k] for x, axis in zip(args, axes)]
    return [x if isinstance(x, np.ndarray) else float(x) for x in rows]


@pytest.mark.parametrize("name", MODELS)
def test_a_model_as_it_is_written(name: str) -> None:
    f, args, axes, least = MODELS[name]
    program, second = jit(f, in_axes=axes), jit(ag.hessian(f), in_axes=axes)
    values, slopes = program.value_and_grad(*args)
    hessians = second(*args)
    for k in range(len(args[0])):
        value, slope = ag.value_and_grad(f)(*element(args, axes, k))
        assert float(values[k]) == pytest.approx(float(value), rel=1e-13)
        assert slopes[k] == pytest.approx(slope, rel=1e-11, abs=1e-13)
        assert hessians[k] == pytest.approx(ag.hessian(f)(*element(args, axes, k)), rel=1e-9, abs=1e-11)
    assert len(program.paths) >= least
    assert sum(path.elements for path in program.paths) == len(args[0])
    assert np.array_equal(program.value_and_grad(*args)[1], slopes)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_one_element_at_a_time(name: str) -> None:
    f, args, axes, _ = MODELS[name]
    program = jit(f)
    for k in [0, 1, len(args[0]) - 1, 0]:
        one = element(args, axes, k)
        assert program(*one) == pytest.approx(float(f(*one)), rel=1e-13)
