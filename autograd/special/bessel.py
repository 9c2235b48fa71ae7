"""Bessel functions of the first kind, and sin(πx) / (πx).

Their errors, as measured, are below 15 units in the last place of the larger of |result| and their size, the root of
2 / (π x), and below 20 for orders up to 40: near a zero, digits are lost.
"""

# mypy: disable-error-code="has-type"

from __future__ import annotations

import math
from typing import Any

from .. import ops
from ..primitive import primitive


def _series(n: int, x: float) -> float:
    """(x/2)^n Σ (-x²/4)^k / (k! (n + k)!) (Abramowitz and Stegun, 9.1.10), for small x."""
    term = 1.0
    for k in range(1, n + 1):
        term *= 0.5 * x / k
    total, k, quarter = term, 0, -0.25 * x * x
    while math.fabs(term) > 2.0**-56 * math.fabs(total):
        k += 1
        term *= quarter / (k * (n + k))
        total += term
    return total


def _miller(n: int, x: float) -> float:
    """The recurrence downwards from a large order, where it is stable, scaled by J0 + 2 J2 + 2 J4 + ... = 1 (9.12)."""
    top = max(n, int(x))
    start = 2 * ((top + int(math.sqrt(200.0 * top)) + 20) // 2)
    above, here, total, found = 0.0, 1e-300, 0.0, 0.0
    for k in range(start, 0, -1):
        above, here = here, 2 * k / x * here - above
        if math.fabs(here) > 1e250:
            above, here, total, found = above * 1e-250, here * 1e-250, total * 1e-250, found * 1e-250
        if k - 1 == n:
            found = here
        if (k - 1) % 2 == 0 and k > 1:
            total += here
    return found / (here + 2 * total)


def _asymptotic(n: int, x: float) -> float:
    """Hankel's expansion for the orders 0 and 1 and large x (9.2.5)."""
    mu, term, p, q, k = 4.0 * n * n, 1.0, 1.0, 0.0, 0
    while math.fabs(term) > 2.0**-60:
        k += 1
        term *= (mu - (2 * k - 1) ** 2) / (8 * k * x)
        if k % 2:
            q += term if k % 4 == 1 else -term
        else:
            p += term if k % 4 == 0 else -term
    plus, minus = math.cos(x) + math.sin(x), math.sin(x) - math.cos(x)
    cosine, sine = (plus, minus) if n == 0 else (minus, -plus)
    return (p * cosine - q * sine) / (math.sqrt(math.pi) * math.sqrt(x))  # π x may overflow


def _bessel(n: int, x: float) -> float:
    if n < 0:
        return (-1.0) ** n * _bessel(-n, x)
    if x < 0:
        return (-1.0) ** n * _bessel(n, -x)
    if x != x or x == math.inf:
        return 0.0 if x == x else x
    if x * x <= 4.0 * (n + 1):
        return _series(n, x)
    if x <= 25.0 or n > x:
        return _miller(n, x)
    before, here = _asymptotic(0, x), _asymptotic(1, x)
    if n == 0:
        return before
    for k in range(1, n):
        before, here = here, 2 * k / x * here - before
    return here


@primitive(lambda out, x: -j1(x), symbol="J₀", native="j0")
def j0(x: float) -> float:
    """Bessel's function of the first kind and order 0.

    >>> j0(0.0)
    1.0
    """
    return _bessel(0, x)


@primitive(lambda out, x: 0.5 * (j0(x) - jn(2.0, x)), symbol="J₁", native="j1")
def j1(x: float) -> float:
    """Bessel's function of the first kind and order 1.

    >>> j1(0.0)
    0.0
    """
    return _bessel(1, x)


@primitive(None, lambda out, n, x: 0.5 * (jn(n - 1, x) - jn(n + 1, x)), symbol="Jₙ", domain=[(0, 5), (0, math.inf)])
def jn(n: float, x: float) -> float:
    """Bessel's function of the first kind and whole order n; it is not differentiated with respect to n.

    >>> jn(2.0, 0.0)
    0.0
    """
    if n != math.floor(n) or math.isinf(n):
        raise ValueError(f"jn(): the order n must be a whole number, got {n}")
    return _bessel(int(n), x)


def _half_turns(x: Any) -> Any:
    """sin(πx), by the distance to the nearest whole number, which is exact, so that it is 0 there."""
    rest = ops.remainder(x, 2.0)
    near = ops.where(ops.abs(rest) > 0.5, ops.copysign(1.0, rest) - rest, rest)
    return ops.sin(math.pi * near)


def _sinc(x: Any) -> Any:
    size = ops.abs(x)
    return ops.where(size == 0, 1.0, ops.where(size == math.inf, 0.0, _half_turns(x) / (math.pi * x)))


@primitive(lambda out, x: -math.pi * (math.pi * x) * sinc_part(1.0, math.pi * x), native=_sinc)
def sinc(x: float) -> float:
    """sin(πx) / (πx), and 1 at 0, as in NumPy.

    >>> sinc(0.0), sinc(2.0)
    (1.0, 0.0)
    """
    if x == 0:
        return 1.0
    return 0.0 if math.isinf(x) else float(_half_turns(x)) / (math.pi * x)


@primitive(None, lambda out, n, z: -z * sinc_part(n + 1, z), symbol="jₙ/zⁿ")
def sinc_part(n: float, z: float) -> float:
    """The spherical Bessel function of whole order n at z, divided by z^n: sin(z) / z for n = 0.

    The derivative is -z times that of order n + 1 (Abramowitz and Stegun, 10.1.23), so derivatives of sinc of any
    order need no division by x. A series near 0 (10.1.2), the recurrence (10.1.19) elsewhere. Up to order 5 its error
    is below 10 units in the last place, as measured, of the larger of |result| and its size: |z|^-(n + 1) or, if that
    is smaller, the value at 0.

    >>> sinc_part(0.0, 0.0)
    1.0
    """
    order = int(n)
    if math.isinf(z):
        return 0.0
    square = z * z
    if square < 4.0 * (order + 1.5):
        term = 1.0
        for k in range(1, order + 1):
            term /= 2 * k + 1
        total, k = term, 0
        while math.fabs(term) > 2.0**-56 * math.fabs(total):
            k += 1
            term *= -0.5 * square / (k * (2 * order + 2 * k + 1))
            total += term
        return total
    before, here = math.cos(z), math.sin(z) / z
    for k in range(order):
        before, here = here, ((2 * k + 1) * here - before) / square
    return here
