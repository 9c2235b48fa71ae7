"""Second derivatives: of every primitive against mpmath, and Hessians against closed forms."""

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from mpmath import mp
from registry import PRIMITIVES

import autograd as ag
from autograd import ops
from autograd.transforms import grad, hessian


def close(got: Any, expected: Any, rtol: float = 1e-12) -> bool:
    """Whether both hold floats that differ by at most `rtol` times the largest of them."""
    return got.dtype == float and bool(np.abs(got - expected).max() <= rtol * np.abs(expected).max())


# Second derivatives of every primitive, along a line through a point, against mpmath's numerical differentiation

LINES: dict[str, tuple[Callable[..., Any], tuple[float, ...]]] = {
    "add": (lambda a, b: a + b, (0.7, -0.4)),
    "sech2": (lambda x: mp.sech(x) ** 2, (0.7,)),
    "sub": (lambda a, b: a - b, (0.7, -0.4)),
    "mul": (lambda a, b: a * b, (0.7, -0.4)),
    "div": (lambda a, b: a / b, (0.7, -0.4)),
    "neg": (lambda a: -a, (0.7,)),
    "pow": (lambda a, b: a**b, (0.7, -1.4)),
    "mod": (lambda a, b: a - b * mp.floor(a / b), (0.7, 0.4)),
    "fmod": (lambda a, b: a - b * mp.floor(a / b), (0.7, 0.4)),
    "remainder": (lambda a, b: a - b * mp.nint(a / b), (0.7, 0.4)),
    "abs": (abs, (-0.7,)),
    "exp2": (lambda x: mp.mpf(2) ** x, (0.7,)),
    "log2": (lambda x: mp.log(x, 2), (0.7,)),
    "cbrt": (lambda x: mp.cbrt(x), (0.7,)),
    "acosh": (mp.acosh, (1.7,)),
    "atan2": (mp.atan2, (0.7, -0.4)),
    "gaussian": (lambda x: mp.exp(-x * x), (0.7,)),
    "sigmoid": (lambda x: 1 / (1 + mp.exp(-x)), (0.7,)),
    "softplus": (lambda x: mp.log1p(mp.exp(x)), (0.7,)),
    "relu": (lambda x: max(x, 0), (0.7,)),
    "minimum": (min, (0.7, -0.4)),
    "maximum": (max, (0.7, -0.4)),
    "heaviside": (lambda x, h: mp.mpf(1), (0.7, 0.2)),
    "where": (lambda c, a, b: a, (1.0, 0.7, -0.4)),
    "sum": (lambda *xs: mp.fsum(xs), (0.7, -0.4, 1.3)),
    "prod": (lambda *xs: mp.fprod(xs), (0.7, -0.4, 1.3)),
    "norm": (lambda *xs: mp.norm(xs), (0.7, -0.4, 1.3)),
    "hypot": (mp.hypot, (0.7, -0.4)),
    "logsumexp": (lambda *xs: mp.log(mp.fsum(map(mp.exp, xs))), (0.7, -0.4, 1.3)),
    "dot": (lambda a, b, c, d, e: a * c + b * d + e, (0.7, -0.4, 1.3, 0.2, 2.0)),
}
# mpmath has most of them under the same name; tests/engine/primitives/test_every_primitive.py tests the others.
KNOWN = sorted(op.name for op in PRIMITIVES if op.name in LINES or hasattr(mp, op.name))


@pytest.mark.parametrize("name", KNOWN)
def test_second_derivatives_of_every_primitive(name: str) -> None:
    exact, point = LINES.get(name) or (getattr(mp, name), (0.7,))
    op = getattr(ops, name)
    slopes = (1.3, -0.6, 0.9, 1.1, -0.3)

    def along(t: Any) -> Any:
        xs = [x + t * slope for x, slope in zip(point, slopes)]
        if name == "dot":
            return op(xs[:2], xs[2:4], xs[4])
        return op(xs) if any(op.takes_sequence) else op(*xs)

    with mpmath.workdps(40):
        expected = mp.diff(lambda t: exact(*[x + t * mp.mpf(slope) for x, slope in zip(point, slopes)]), 0, 2)
    assert grad(grad(along))(0.0) == pytest.approx(float(expected), rel=1e-12, abs=1e-14)


# Hessians against closed forms


def rosenbrock(x: Any) -> Any:
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def rosenbrock_hessian(x: Any) -> Any:
    inner = 1200 * x[:-1] ** 2 - 400 * x[1:] + 2
    diagonal = np.append(inner, 0.0) + np.append(0.0, np.full(len(x) - 1, 200.0))
    return np.diag(diagonal) + np.diag(-400 * x[:-1], 1) + np.diag(-400 * x[:-1], -1)


@given(st.lists(st.floats(-3, 3, allow_subnormal=False), min_size=10, max_size=10))
@settings(max_examples=20, derandomize=True, database=None)
def test_hessians_of_rosenbrock_and_rastrigin(numbers: list[float]) -> None:
    x = np.array(numbers)
    assert close(hessian(rosenbrock)(x), rosenbrock_hessian(x))
    waves = hessian(lambda x: 10 * len(x) + np.sum(x**2 - 10 * np.cos(2 * math.pi * x)))(x)
    assert close(waves, np.diag(2 + 40 * math.pi**2 * np.cos(2 * math.pi * x)))


def test_hessian_of_logistic_regression() -> None:
    rng = np.random.default_rng(1)
    rows, labels, w = rng.normal(size=(40, 5)), rng.integers(0, 2, 40), rng.normal(size=5)

    def loss(w: Any) -> Any:
        return ag.sum(ag.softplus(z) - y * z for z, y in zip(rows @ w, labels)) + 0.05 * ag.dot(w, w)

    p = 1 / (1 + np.exp(-(rows @ w)))
    assert close(grad(loss)(w), rows.T @ (p - labels) + 0.1 * w)
    found = hessian(loss)(w)
    assert close(found, rows.T @ np.diag(p * (1 - p)) @ rows + 0.1 * np.eye(5))
    assert np.array_equal(found, found.T)


def test_hessians_are_symmetric_to_the_last_bit() -> None:
    def f(x: Any) -> Any:
        return np.prod(np.exp(np.sin(x)) / (1 + x**2)) * ag.norm(x) ** 1.7

    for seed in range(20):
        x = np.random.default_rng(seed).normal(size=6)
        found = hessian(f)(x)
        assert np.array_equal(found, found.T)
        (xx, xy), (yx, yy) = hessian(lambda a, b: f(np.append(a, b)), argnums=(0, 1))(x[:2], x[2:])
        assert np.array_equal(xy, yx.T)
        assert close(np.block([[xx, xy], [yx, yy]]), found, 1e-13)
