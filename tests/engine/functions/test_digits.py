"""Derivatives keep their digits where the textbook's formula cancels: near 0, and in the tails."""

import math
from collections.abc import Callable
from typing import Any

import mpmath
import pytest
from mpmath import mp, mpf

import autograd as ag
import nn
from autograd import Value


@pytest.fixture(autouse=True)
def _sixty_digits():
    with mpmath.workdps(60):
        yield


def ulps(got: float, exact: Any) -> float:
    return float(abs(mpf(got) - exact) / math.ulp(float(exact)))


SECOND = {
    "asin": lambda x: x / mp.sqrt(1 - x * x) ** 3,
    "acos": lambda x: -x / mp.sqrt(1 - x * x) ** 3,
    "atanh": lambda x: 2 * x / (1 - x * x) ** 2,
}


@pytest.mark.parametrize("name", SECOND)
@pytest.mark.parametrize("x", [1e-300, 1.21053e-12, 1e-8, 1e-4, 0.1, -0.5, 0.99, 1 - 1e-12])
def test_second_derivatives_of_inverse_functions_near_0(name: str, x: float) -> None:
    assert ulps(ag.grad(ag.grad(getattr(ag, name)))(x), SECOND[name](mpf(x))) <= 12


def exact_softmax(xs: list[float]) -> list[Any]:
    exps = [mp.exp(mpf(x) - max(xs)) for x in xs]
    return [e / mp.fsum(exps) for e in exps]


@pytest.mark.parametrize("xs", [[0.0, 30.0], [38.0, 0.0], [0.0, 100.0, 99.0, -3.0], [700.0, 0.0], [1.0, 1.0]])
def test_the_tails_of_softmax_log_softmax_and_cross_entropy(xs: list[float]) -> None:
    exact = exact_softmax(xs)
    jacobian = ag.jacobian(lambda xs: ag.softmax(xs))(xs)
    logarithmic = ag.jacobian(lambda xs: ag.log_softmax(xs))(xs)
    for i, p in enumerate(exact):
        others = mp.fsum([*exact[:i], *exact[i + 1 :]])
        loss = ag.grad(lambda xs, i=i: nn.cross_entropy(xs, i))(xs)
        for j, q in enumerate(exact):
            # The exponents are rounded differences of up to 700, each half an ulp off.
            bound = 12 + 2 * (max(xs) - min(xs[i], xs[j]))
            slope = p * others if i == j else -p * q
            assert slope == 0 == jacobian[i][j] or ulps(jacobian[i][j], slope) <= bound
            slope = others if i == j else -q
            assert slope == 0 == logarithmic[i][j] or ulps(logarithmic[i][j], slope) <= bound
            assert slope == 0 == loss[j] or ulps(loss[j], -slope) <= bound
        value = nn.cross_entropy(xs, i)
        assert p == 1 or ulps(value, -mp.log(p)) <= 8


def test_second_derivatives_in_the_tail_of_cross_entropy() -> None:
    """The Hessian of -log softmax is diag(p) - p pᵀ."""
    p, q = exact_softmax([38.0, 0.0])
    for row, signs in zip(ag.hessian(lambda xs: nn.cross_entropy(xs, 0))([38.0, 0.0]), ((1, -1), (-1, 1))):
        assert all(ulps(found, sign * p * q) <= 90 for found, sign in zip(row, signs))


@pytest.mark.parametrize("x", [-37.0, -35.0, -20.0, -5.0, -0.3, 0.0, 1e-200, 2.0])
def test_the_tail_of_gelu(x: float) -> None:
    exact = mpf(x) * mp.erfc(-mpf(x) / mp.sqrt(2)) / 2
    slope = mp.erfc(-mpf(x) / mp.sqrt(2)) / 2 + x * mp.npdf(mpf(x))
    assert exact == 0 == ag.gelu(x) or ulps(ag.gelu(x), exact) <= 4
    assert ulps(ag.grad(ag.gelu)(x), slope) <= 8


FLAT: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "log_sigmoid": (ag.log_sigmoid, lambda x: 1 / (1 + mp.exp(x))),
    "softplus with beta": (lambda x: ag.softplus(x, 2.0), lambda x: 1 / (1 + mp.exp(-2 * x))),
    "softsign": (ag.softsign, lambda x: 1 / (1 + abs(x)) ** 2),
    "mish": (ag.mish, lambda x: mp.diff(lambda t: t * mp.tanh(mp.log1p(mp.exp(t))), x)),
}


@pytest.mark.parametrize("name", FLAT)
@pytest.mark.parametrize("x", [-100.0, -30.0, -1.0, 0.0, 1.0, 40.0])
def test_activations_in_their_tails(name: str, x: float) -> None:
    function, slope = FLAT[name]
    leaf = Value(x)
    function(leaf).backward()
    assert ulps(leaf.grad, slope(mpf(x))) <= 8
