"""The gamma function, its logarithm, and the derivatives of that: digamma and polygamma."""

# mypy: disable-error-code="has-type"

from __future__ import annotations

import math
from typing import Any

from ..primitive import primitive

# (ζ(k) - 1) (-1)^k / k from k = 2 on: the series of lgamma about 1 and 2 (M. Abramowitz, I. Stegun, Handbook of
# Mathematical Functions, 6.1.33), computed with mpmath.
SERIES = (
    0.3224670334241132,
    -0.0673523010531981,
    0.020580808427784546,
    -0.007385551028673986,
    0.0028905103307415234,
    -0.001192753911703261,
    0.0005096695247430425,
    -0.00022315475845357939,
    9.945751278180853e-05,
    -4.492623673813314e-05,
    2.050721277567069e-05,
    -9.439488275268397e-06,
    4.374866789907488e-06,
    -2.039215753801366e-06,
    9.55141213040742e-07,
    -4.492469198764566e-07,
    2.1207184805554665e-07,
    -1.0043224823968099e-07,
    4.7698101693639804e-08,
    -2.2711094608943164e-08,
    1.0838659214896955e-08,
    -5.183475041970047e-09,
    2.4836745438024785e-09,
    -1.1921401405860912e-09,
    5.731367241678862e-10,
)
ONE_LESS_EULER = 0.42278433509846713
# B_2k / 2k and B_2k / (2k)!, where B are Bernoulli's numbers.
LOGARITHMIC = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12, -3617 / 8160)
EULER_MACLAURIN = (
    1 / 12,
    -1 / 720,
    1 / 30240,
    -1 / 1209600,
    1 / 47900160,
    -5.284190138687493e-10,
    1.3382536530684679e-11,
    -3.3896802963225827e-13,
    8.586062056277845e-15,
    -2.174868698558062e-16,
    5.5090028283602295e-18,
)


def _at_a_pole(x: Any) -> float:
    """The gamma function where math.gamma raises, as in C: ±inf at ±0, nan at -1, -2 and so on, else an overflow."""
    x = float(x)
    return math.copysign(math.inf, x) if x == 0 else math.inf if x > 0 else math.nan


@primitive(
    lambda out, x: out * digamma(x), symbol="Γ", native="tgamma", ieee=_at_a_pole, domain=(0, math.inf)
)  # fmt: skip
def gamma(x: float) -> float:
    """The gamma function: (x - 1)! for whole x; nan at -1, -2 and so on.

    It is Python's, whose error is below 10 units in the last place, as measured.

    >>> gamma(5.0)
    24.0
    """
    return math.gamma(x)


@primitive(
    lambda out, x: digamma(x), symbol="lnΓ", native="lgamma", ieee=lambda x: math.inf, domain=(0, math.inf)
)  # fmt: skip
def lgamma(x: float) -> float:
    """The logarithm of |gamma(x)|, exact near its zeros 1 and 2.

    The series about 1 and 2 up to 8, by the recurrence lgamma(x) = lgamma(x - 1) + log(x - 1); beyond it, and below 0,
    that of Python. Its error is below 8 units in the last place, as measured; below 0, of the larger term of the
    reflection.

    >>> lgamma(1.0), lgamma(2.0)
    (0.0, 0.0)
    """
    if not 0.0 < x < 8.0:
        return math.lgamma(x)
    factor = 1.0
    while x > 2.5:
        x -= 1.0
        factor *= x
    z = x if x < 0.5 else x - 1.0 if x < 1.5 else x - 2.0
    total = 0.0
    for c in reversed(SERIES):
        total = (total + c) * z
    total = (ONE_LESS_EULER + total) * z
    if x < 1.5:
        total -= math.log1p(z)
    return total + math.log(factor) - (math.log(x) if x < 0.5 else 0.0)


def _cotangent(x: float) -> float:
    """cot(πx), by the distance to the nearest whole number or, if it is nearer, to its zero: both are exact."""
    distance = math.remainder(x, 1.0)
    if math.fabs(distance) <= 0.25:
        return 1 / math.tan(math.pi * distance)
    return math.tan(math.pi * (math.copysign(0.5, distance) - distance))


@primitive(lambda out, x: polygamma(1.0, x), symbol="ψ", domain=(0, math.inf))
def digamma(x: float) -> float:
    """The derivative of lgamma; -inf at 0, nan at -1, -2 and so on.

    The recurrence up to 10, then the asymptotic series (Abramowitz and Stegun, 6.3.5 and 6.3.18); reflection below 0
    (6.3.7). Its error is a few units in the last place of the larger of |result| and 1. Zeros: 1.46, -0.50, -1.57 ...

    >>> round(digamma(1.0), 12)  # minus Euler's constant
    -0.577215664902
    """
    if x != x or x == math.inf:
        return x
    if x <= 0:
        return (
            -math.copysign(math.inf, x)
            if x == 0
            else math.nan
            if x == math.floor(x)
            else (digamma(1.0 - x) - math.pi * _cotangent(x))
        )
    terms = []
    while x < 10.0:
        terms.append(-1.0 / x)
        x += 1.0
    terms += [math.log(x), -0.5 / x]
    square, power = x * x, 1.0
    for b in LOGARITHMIC:
        power /= square
        terms.append(-b * power)
    return math.fsum(terms)


def _order(n: float, who: str) -> int:
    if not (n >= 0 and n == math.floor(n) and n < math.inf):
        raise ValueError(f"{who}(): the order n must be a whole number of 0 or more, got {n}")
    return int(n)


@primitive(None, lambda out, n, x: polygamma(n + 1, x), symbol="ψ⁽ⁿ⁾", domain=[(0, 5), (0, math.inf)])
def polygamma(n: float, x: float) -> float:
    """The n-th derivative of digamma, for whole n of 0 or more; it is not differentiated with respect to n.

    (-1)^(n+1) n! times Hurwitz's zeta function of (n + 1, x), by Euler and Maclaurin's sum (F. Johansson,
    arXiv:1309.2877); reflection below 0. For n up to 6 its error is below 20 units in the last place, as measured;
    below 0, of the larger term of the reflection.

    >>> round(polygamma(1.0, 1.0), 12)  # π² / 6
    1.644934066848
    """
    order = _order(n, "polygamma")
    if order == 0 or x != x:
        return float(digamma(x)) if x == x else x
    if x <= 0:
        if x == math.floor(x):
            return math.inf if order % 2 else math.nan
        return (-1.0) ** order * polygamma(n, 1.0 - x) - math.pi ** (order + 1) * _derivative_of_cotangent(order, x)
    if x == math.inf:
        return 0.0
    s = order + 1.0
    terms = []
    while x < 15.0 + order:
        terms.append(_power(x, -s))
        x += 1.0
    power = _power(x, -s)
    terms += [_power(x, -order) / order, 0.5 * power]
    factor = s * power / x
    for k, b in enumerate(EULER_MACLAURIN):
        terms.append(b * factor)
        factor *= (s + 2 * k + 1) * (s + 2 * k + 2) / (x * x)
    return (-1.0) ** (order + 1) * math.factorial(order) * math.fsum(terms)


def _power(x: float, exponent: float) -> float:
    try:
        return math.pow(x, exponent)
    except OverflowError:
        return math.inf


def _derivative_of_cotangent(order: int, x: float) -> float:
    """The derivative of that order of cot at πx, a polynomial in the cotangent, whose derivative is -(1 + cot²)."""
    polynomial = [0.0, 1.0]
    for _ in range(order):
        slope = [k * c for k, c in enumerate(polynomial)][1:]
        polynomial = [-(a + b) for a, b in zip([*slope, 0.0, 0.0], [0.0, 0.0, *slope])]
    cotangent, total = _cotangent(x), 0.0
    for c in reversed(polynomial):
        total = total * cotangent + c
    return total
