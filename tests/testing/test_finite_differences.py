"""Numerical derivatives: within their own error of the true ones at every scale, and tight enough to show mistakes."""

import math
import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from autograd.testing.differences.line import Line

mpmath.mp.dps = 60
DRAWS = 100  # for each function


class Case(NamedTuple):
    """A function with its exact derivatives.

    `length` is how far from x the function is of one piece, `noise` how far its values are off.
    """

    f: Callable[[float], float]
    slope: Callable[[Any], Any]
    curvature: Callable[[Any], Any]
    length: Callable[[float], float] = lambda x: 1.0
    noise: Callable[[float], float] = lambda x: 0.0
    draw: Callable[[random.Random], float] | None = None


def anywhere(rng: random.Random) -> float:
    """About 1, a small whole number, or of any size from 1e-12 to 1e12."""
    kind = rng.random()
    if kind < 0.4:
        return rng.gauss(0.0, 1.0)
    return float(rng.randint(-3, 3)) if kind < 0.5 else rng.choice([-1, 1]) * 10.0 ** rng.uniform(-12, 12)


def positive(rng: random.Random) -> float:
    return abs(anywhere(rng)) or 1.0


def moderate(rng: random.Random) -> float:
    return rng.choice([-1, 1]) * 10.0 ** rng.uniform(-12, 2)


CASES = {
    "sin": Case(math.sin, mpmath.cos, lambda x: -mpmath.sin(x)),
    "exp": Case(math.exp, mpmath.exp, mpmath.exp, draw=moderate),
    "log": Case(math.log, lambda x: 1 / x, lambda x: -1 / x**2, length=abs, draw=positive),
    "sqrt": Case(math.sqrt, lambda x: x**-0.5 / 2, lambda x: -(x**-1.5) / 4, length=abs, draw=positive),
    "cube": Case(lambda x: x * x * x, lambda x: 3 * x**2, lambda x: 6 * x, length=abs),
    "reciprocal": Case(lambda x: 1 / x, lambda x: -1 / x**2, lambda x: 2 / x**3, length=abs, draw=positive),
    "tanh": Case(
        math.tanh, lambda x: mpmath.sech(x) ** 2, lambda x: -2 * mpmath.sech(x) ** 2 * mpmath.tanh(x), draw=moderate
    ),
    "oscillation": Case(
        lambda x: math.sin(50 * x),
        lambda x: 50 * mpmath.cos(50 * x),
        lambda x: -2500 * mpmath.sin(50 * x),
        length=lambda x: 0.02,
        noise=lambda x: math.ulp(50 * x),
        draw=moderate,
    ),
    "fast oscillation": Case(
        lambda x: math.cos(1000 * x) + x,
        lambda x: 1 - 1000 * mpmath.sin(1000 * x),
        lambda x: -1000000 * mpmath.cos(1000 * x),
        length=lambda x: 0.001,
        noise=lambda x: math.ulp(1000 * x),
        draw=moderate,
    ),
    "steep step": Case(
        lambda x: math.atan(1e6 * x),
        lambda x: mpf(10) ** 6 / (1 + mpf(10) ** 12 * x**2),
        lambda x: -2 * mpf(10) ** 18 * x / (1 + mpf(10) ** 12 * x**2) ** 2,
        length=lambda x: max(1e-6, abs(x)),
    ),
    "bell": Case(
        lambda x: math.exp(-x * x),
        lambda x: -2 * x * mpmath.exp(-x * x),
        lambda x: (4 * x**2 - 2) * mpmath.exp(-x * x),
        length=lambda x: min(1.0, 1 / abs(x)),
        noise=lambda x: math.exp(-x * x) * math.ulp(x * x),
        draw=lambda rng: moderate(rng) / 10,
    ),
    "sum that cancels": Case(
        lambda x: (x + 1e8) - 1e8,
        lambda x: mpf(1),
        lambda x: mpf(0),
        length=abs,
        noise=lambda x: math.ulp(abs(x) + 1e8),
    ),
    "square that cancels": Case(
        lambda x: (x + 1e6) ** 2 - 1e12,
        lambda x: 2 * (x + 10**6),
        lambda x: mpf(2),
        length=lambda x: max(1.0, abs(x)),
        noise=lambda x: math.ulp((x + 1e6) ** 2 + 1e12) + 1e6 * math.ulp(abs(x) + 1e6),
    ),
    "1 - cos": Case(lambda x: 1 - math.cos(x), mpmath.sin, mpmath.cos, noise=lambda x: 2e-16),
    "expanded power": Case(
        lambda x: x**6 - 6 * x**5 + 15 * x**4 - 20 * x**3 + 15 * x * x - 6 * x + 1,
        lambda x: 6 * (x - 1) ** 5,
        lambda x: 30 * (x - 1) ** 4,
        noise=lambda x: math.ulp(64 * max(1.0, abs(x)) ** 6),
        draw=lambda rng: rng.uniform(-3, 3),
    ),
    "1e15 cos": Case(
        lambda x: 1e15 * math.cos(x),
        lambda x: -(mpf(10) ** 15) * mpmath.sin(x),
        lambda x: -(mpf(10) ** 15) * mpmath.cos(x),
    ),
    "1e15 + 1e6 sin": Case(
        lambda x: 1e15 + 1e6 * math.sin(x),
        lambda x: 10**6 * mpmath.cos(x),
        lambda x: -(10**6) * mpmath.sin(x),
        noise=lambda x: 0.125,
    ),
    "1e15 + square": Case(
        lambda x: 1e15 + x * x,
        lambda x: 2 * x,
        lambda x: mpf(2),
        length=lambda x: max(1.0, abs(x)),
        noise=lambda x: 0.125,
    ),
    "single precision": Case(
        lambda x: float(np.sin(np.float32(x))),
        mpmath.cos,
        lambda x: -mpmath.sin(x),
        noise=lambda x: 1e-7 * max(abs(math.sin(x)), abs(x)),
        draw=lambda rng: rng.uniform(-3, 3),
    ),
    "next to a kink": Case(
        lambda x: 5 * x + abs(x),
        lambda x: 5 + mpmath.sign(x),
        lambda x: mpf(0),
        length=abs,
        draw=lambda rng: anywhere(rng) or 1.0,
    ),
    "next to a jump": Case(
        lambda x: math.atan2(x, -1.0),
        lambda x: -1 / (1 + x**2),
        lambda x: 2 * x / (1 + x**2) ** 2,
        length=abs,
        draw=lambda rng: moderate(rng),
    ),
    "half flat": Case(
        lambda x: 5 + max(x, 0.0),
        lambda x: mpf(int(x > 0)),
        lambda x: mpf(0),
        length=abs,
        draw=lambda rng: anywhere(rng) or 1.0,
    ),
    "sum of waves": Case(
        lambda x: sum(math.sin(k * x) for k in range(20)),
        lambda x: mpmath.fsum(k * mpmath.cos(k * x) for k in range(20)),
        lambda x: mpmath.fsum(-k * k * mpmath.sin(k * x) for k in range(20)),
        length=lambda x: 0.05,
        noise=lambda x: 20 * math.ulp(20 * x),
        draw=moderate,
    ),
}


class Draw(NamedTuple):
    """A point, the numerical derivative and its error, the true one, and whether 1e-4 of that should be seen."""

    x: float
    value: float
    error: float
    exact: Any
    seeable: bool


def draws(name: str, order: int) -> Iterator[Draw]:
    case = CASES[name]
    rng = random.Random(f"{name} {order}")
    for _ in range(DRAWS):
        x = (case.draw or anywhere)(rng)
        y = case.f(x)
        slopes = Line(lambda t: np.array([case.f(t)]), x, np.array([y])).slopes(order)
        exact = (case.slope if order == 1 else case.curvature)(mpf(x))
        # A step of `reach` changes f by `change` in all, by `share` as far as this derivative goes.
        reach = min(case.length(x), max(1.0, abs(x)))
        share = float(abs(exact)) * reach**order
        change = max(abs(case.f(x + sign * reach / 2) - y) for sign in (1, -1))
        noise = case.noise(x) + math.ulp(y) + math.ulp(x) * float(abs(case.slope(mpf(x))))
        seeable = share > 1e-2 * change and share > (1e8 if order == 1 else 1e12) * noise
        yield Draw(x, float(slopes.value[0]), float(slopes.error[0]), exact, seeable)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("name", CASES)
def test_errors_are_as_small_as_estimated_and_estimates_as_small_as_needed(name: str, order: int) -> None:
    unknown = 0
    for x, value, error, exact, seeable in draws(name, order):
        size = float(abs(exact))
        if seeable:
            assert error < 5e-5 * size, f"at {x!r} an error of {error} hides a mistake of 1e-4 in {size}"
        if error == math.inf:
            unknown += 1
        else:
            off = float(abs(value - exact))
            assert off <= error + 2e-16 * size + 1e-300, f"at {x!r} off by {off}, error {error}"
    assert unknown < DRAWS / 20


def test_there_is_something_to_see_at_every_scale() -> None:
    seen = [d for name in CASES for d in draws(name, 1) if d.seeable]
    assert len(seen) > 500
    for low, high in ((1e-12, 1e-6), (1e-6, 1.0), (1.0, 1e6), (1e6, 1e12)):
        assert any(low <= abs(d.x) <= high for d in seen)
