"""The incomplete gamma and beta functions, regularized: the probabilities of the gamma and beta distributions.

They are differentiated with respect to x, to any order. Their derivatives with respect to a and b have no formula in
known functions; asking for one is an error.
"""

# mypy: disable-error-code="has-type"

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NoReturn

from .. import ops
from ..primitive import primitive
from .gamma import lgamma

EPSILON, TINY, MOST = 2.0**-54, 1e-300, 100_000


def _refuse(name: str, argument: str) -> Callable[..., NoReturn]:
    def rule(*args: Any) -> NoReturn:
        raise NotImplementedError(
            f"{name}(): the derivative with respect to {argument} is not known to this package. "
            f"Pass {argument} as a plain number, or as {argument}.detach()"
        )

    return rule


def _log1p_less(m: float) -> float:
    """log(1 + m) - m, without cancellation near 0."""
    if not -0.4 < m < 0.6:
        return math.log1p(m) - m
    total, power, k = 0.0, m, 1
    while True:
        k += 1
        power *= -m
        if math.fabs(power) <= EPSILON * k * math.fabs(total) * 0.5:
            return total
        total += power / k


def _stirling(a: float) -> float:
    """The logarithm of gamma(a) without Stirling's leading terms (Abramowitz and Stegun, 6.1.41)."""
    square = a * a
    return (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - 1 / 1188 / square) / square) / square) / square) / a


def _gamma_factor(a: float, x: float) -> float:
    """x^a exp(-x) / gamma(a + 1)."""
    if a < 15.0:
        return math.exp(a * math.log(x) - x - lgamma(a + 1.0))
    return math.exp(a * _log1p_less((x - a) / a) - _stirling(a)) / math.sqrt(2 * math.pi * a)


def _gammas(a: float, x: float) -> tuple[float, float]:
    """The lower and the upper incomplete gamma function: a series or a continued fraction (6.5.29 and 6.5.31)."""
    if not (a > 0 and x >= 0) or a == math.inf:
        return math.nan, math.nan
    if x in (0.0, math.inf):
        return (0.0, 1.0) if x == 0 else (1.0, 0.0)
    factor = _gamma_factor(a, x)
    if x < a + 1:
        term = total = 1.0
        for k in range(1, MOST):
            term *= x / (a + k)
            total += term
            if term < EPSILON * total:
                break
        return factor * total, 1.0 - factor * total
    upper = factor * a * _fraction(lambda k: (-k * (k - a), x + 2 * k + 1 - a), x + 1 - a)
    return 1.0 - upper, upper


def _fraction(part: Callable[[int], tuple[float, float]], first: float) -> float:
    """1 / (first + a1 / (b1 + a2 / (b2 + ...))) by Lentz's method (W. Lentz, Applied Optics 15, 1976)."""
    c, d = 1 / TINY, 1 / (first or TINY)
    result = d
    for k in range(1, MOST):
        a, b = part(k)
        d = 1 / ((a * d + b) or TINY)
        c = (b + a / c) or TINY
        result *= c * d
        if math.fabs(c * d - 1) < 4 * EPSILON:
            break
    return result


@primitive(
    _refuse("gamma_density", "a"),
    lambda out, a, x: out * (ops.where(a == 1, 0.0, (a - 1) / x) - 1),
    domain=[(0, 20), (0, math.inf)],
)
def gamma_density(a: float, x: float) -> float:
    """x^(a-1) exp(-x) / gamma(a), the derivative of gammainc.

    >>> gamma_density(1.0, 0.0)
    1.0
    """
    if not (a > 0 and x >= 0) or a == math.inf:
        return math.nan
    if x == 0:
        return 1.0 if a == 1 else 0.0 if a > 1 else math.inf
    return 0.0 if x == math.inf else _gamma_factor(a, x) * a / x


@primitive(_refuse("gammainc", "a"), lambda out, a, x: gamma_density(a, x), symbol="P", domain=[(0, 20), (0, math.inf)])
def gammainc(a: float, x: float) -> float:
    """The lower incomplete gamma function, regularized: the probability that a gamma variable of shape a is at most x.

    nan for a <= 0 or x < 0. Its error, and that of its derivative, are a few units in the last place times the
    logarithm of the density, or of a. It is not differentiated with respect to a.

    >>> gammainc(1.0, 0.0)
    0.0
    """
    return _gammas(a, x)[0]


@primitive(
    _refuse("gammaincc", "a"), lambda out, a, x: -gamma_density(a, x), symbol="Q", domain=[(0, 20), (0, math.inf)]
)
def gammaincc(a: float, x: float) -> float:
    """1 - gammainc(a, x), exact where that is near 1.

    >>> gammaincc(1.0, 0.0)
    1.0
    """
    return _gammas(a, x)[1]


def _log_beta(a: float, b: float) -> float:
    """The logarithm of gamma(a) gamma(b) / gamma(a + b), without cancellation if both are large."""
    a, b = min(a, b), max(a, b)
    if b < 15.0:
        return lgamma(a) + lgamma(b) - lgamma(a + b)
    if a < 15.0:  # Stirling's terms of b and a + b nearly cancel
        rest = _stirling(b) - _stirling(a + b)
        return lgamma(a) + rest - (b - 0.5) * math.log1p(a / b) - a * (math.log(a + b) - 1)
    rest = _stirling(a) + _stirling(b) - _stirling(a + b)
    half = 0.5 * math.log(2 * math.pi)
    return half + rest - (a - 0.5) * math.log1p(b / a) - b * math.log1p(a / b) - 0.5 * math.log(b)


def _beta_fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of Numerical Recipes (3rd ed., 6.4), for x below (a + 1) / (a + b + 2)."""

    def part(k: int) -> tuple[float, float]:
        m = k // 2
        if k % 2:
            return -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)), 1.0
        return m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)), 1.0

    factor = math.exp(a * math.log(x) + b * math.log1p(-x) - _log_beta(a, b))
    return factor * _fraction(part, 1.0) / a


@primitive(
    _refuse("beta_density", "a"),
    _refuse("beta_density", "b"),
    lambda out, a, b, x: out * (ops.where(a == 1, 0.0, (a - 1) / x) - ops.where(b == 1, 0.0, (b - 1) / (1 - x))),
    domain=[(0, 20), (0, 20), (0, 1)],
)
def beta_density(a: float, b: float, x: float) -> float:
    """x^(a-1) (1-x)^(b-1) gamma(a + b) / (gamma(a) gamma(b)), the derivative of betainc.

    >>> beta_density(1.0, 1.0, 0.25)
    1.0
    """
    if not (a > 0 and b > 0 and 0 <= x <= 1 and a + b < math.inf):
        return math.nan
    if x in (0.0, 1.0):
        power = a if x == 0 else b
        return math.exp(-_log_beta(a, b)) if power == 1 else 0.0 if power > 1 else math.inf
    return math.exp((a - 1) * math.log(x) + (b - 1) * math.log1p(-x) - _log_beta(a, b))


@primitive(
    _refuse("betainc", "a"),
    _refuse("betainc", "b"),
    lambda out, a, b, x: beta_density(a, b, x),
    symbol="I",
    domain=[(0, 20), (0, 20), (0, 1)],
)
def betainc(a: float, b: float, x: float) -> float:
    """The incomplete beta function, regularized: the probability that a beta variable of shape (a, b) is at most x.

    nan for a <= 0, b <= 0 or x outside [0, 1]. Its error, and that of its derivative, are within 300 units in the
    last place, and four times the logarithms in the density more; where x exceeds (a + 1) / (a + b + 2), units of
    1 - betainc. It is not differentiated with respect to a and b.

    >>> betainc(1.0, 1.0, 0.25)
    0.25
    """
    if not (a > 0 and b > 0 and 0 <= x <= 1 and a + b < math.inf):
        return math.nan
    if x in (0.0, 1.0):
        return x
    if x <= (a + 1) / (a + b + 2):
        return _beta_fraction(a, b, x)
    return 1.0 - _beta_fraction(b, a, 1.0 - x)
