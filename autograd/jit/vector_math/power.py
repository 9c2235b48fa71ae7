"""Powers and cube roots in LLVM IR, for whole vectors; see table.py.

A power needs the logarithm to more digits than a float has, so it is kept in two floats (T. J. Dekker, A
Floating-Point Technique for Extending the Available Precision, Numer. Math. 18, 1971).
"""

from __future__ import annotations

import math

from ..codegen.ir import Writer
from .exp import RANGE, ROUND, exp_of_sum, times_power
from .log import SMALLEST, exponent

# (log(1 + f) / s - 2 - 2 s² / 3) / s⁴ in s², where s = f / (2 + f), fitted; error 1.9e-18
_LOG = (
    0.11723306234080849,
    0.11706224135460942,
    0.13334805149611875,
    0.15384594954137945,
    0.1818181833547124,
    0.2222222222165554,
    0.2857142857142937,
    0.4,
)
# m^(-1/3) for m from 1/√2 to √2, fitted; error 7.4e-6
_CBRT = (
    -0.10476979307581417,
    0.6832577091079743,
    -1.8615402940829442,
    2.754466552328585,
    -2.4667450171045164,
    1.9953337696408187,
)
LN2, LN2_LOW = 0.6931471805598903, 5.497923018708371e-14  # the first times an integer up to 2^11 is exact
THIRDS, THIRDS_LOW = 0.6666666666666666, 3.700743415417188e-17  # 2/3
Pair = tuple[str, str]


def _sum(w: Writer, a: str, b: str) -> Pair:
    """a + b in two floats, if |a| >= |b|."""
    total = w.add(a, b)
    return total, w.add(w.sub(a, total), b)


def _product(w: Writer, a: Pair, b: Pair) -> Pair:
    """a b in two floats."""
    high = w.mul(a[0], b[0])
    low = w.exact_fma(a[0], b[0], w.neg(high))
    return high, w.add(low, w.fma(a[0], b[1], w.mul(a[1], b[0])))


def _log(w: Writer, x: str) -> Pair:
    """log(x) for a normal x > 0 in two floats, to about 2^-66 of it: 2 s + 2 s³ / 3 + s⁵ p(s²) + n ln 2."""
    n, m, _ = exponent(w, x)
    f = w.sub(m, w.c(1.0))
    bottom, bottom_low = _sum(w, w.c(2.0), f)
    inverse = w.div(w.c(1.0), bottom)
    s = w.mul(f, inverse)
    s_low = w.mul(w.fma(w.neg(s), bottom_low, w.exact_fma(w.neg(s), bottom, f)), inverse)
    square, square_low = _product(w, (s, s_low), (s, s_low))
    cube = _product(w, (square, square_low), (s, s_low))
    third, third_low = _product(w, cube, (w.c(THIRDS), w.c(THIRDS_LOW)))
    tail = w.mul(w.mul(cube[0], square), w.polynomial(square, _LOG))
    high, low = _sum(w, w.add(s, s), third)
    low = w.add(low, w.add(w.add(third_low, w.add(s_low, s_low)), tail))
    whole, rest = _sum(w, w.mul(n, w.c(LN2)), high)  # at n = 0 it is high; otherwise the first is larger
    return _sum(w, whole, w.add(rest, w.fma(n, w.c(LN2_LOW), low)))


def pow(w: Writer, x: str, y: str) -> str:
    """exp(y log |x|), negative for negative x and odd y. Unusual numbers and results are left to the C library."""
    size = w.intrinsic("fabs", x)
    high, low = _product(w, (y, w.c(0.0)), _log(w, size))
    shifted = w.add(y, w.c(ROUND))  # its lowest bit is that of the integer y
    sign = w.integer("and", w.bits(x), w.integer("shl", w.bits(shifted), w.i(63)))
    usual = w.from_bits(w.integer("or", w.bits(exp_of_sum(w, high, low)), sign))
    whole = w.compare("oeq", w.sub(shifted, w.c(ROUND)), y)
    rare = w.both(w.compare("olt", x, w.c(0.0)), w.opposite(whole))
    for number, bound in ((high, RANGE), (y, 2.0**51)):
        rare = w.either(rare, w.compare("ugt", w.intrinsic("fabs", number), w.c(bound)))
    rare = w.either(rare, _is_unusual(w, size))
    return w.unless(rare, usual, lambda: w.select(rare, w.libm("pow", x, y), usual))


def _is_unusual(w: Writer, size: str) -> str:
    return w.either(w.compare("ult", size, w.c(SMALLEST)), w.compare("oeq", size, w.c(math.inf)))


def cbrt(w: Writer, x: str) -> str:
    """A polynomial for r = m^(-1/3) and a Newton step; then m r² and a step with the exact remainder."""
    size = w.intrinsic("fabs", x)
    n, m, _ = exponent(w, size)
    shifted = w.fma(n, w.c(1 / 3), w.c(ROUND))
    third = w.sub(shifted, w.c(ROUND))
    left = w.sub(n, w.mul(third, w.c(3.0)))  # -1, 0 or 1: m is multiplied by 2 to that power
    less, more = w.compare("olt", left, w.c(0.0)), w.compare("ogt", left, w.c(0.0))

    def of_three(a: float, b: float, c: float) -> str:
        return w.select(less, w.c(a), w.select(more, w.c(c), w.c(b)))

    r = w.mul(w.polynomial(m, _CBRT), of_three(2 ** (1 / 3), 1.0, 2 ** (-1 / 3)))
    m = w.mul(m, of_three(0.5, 1.0, 2.0))
    cube = w.mul(w.mul(r, r), r)
    r = w.fma(w.mul(r, w.c(1 / 3)), w.fma(w.neg(m), cube, w.c(1.0)), r)
    square = w.mul(r, r)
    y = w.mul(m, square)
    y_square = w.mul(y, y)
    remainder = w.fma(w.neg(y), w.exact_fma(y, y, w.neg(y_square)), w.exact_fma(w.neg(y), y_square, m))
    y = w.fma(remainder, w.mul(square, w.c(1 / 3)), y)
    usual = times_power(w, y, w.bits(shifted))
    rare = _is_unusual(w, size)

    def otherwise() -> str:
        # subnormal floats are multiplied by 2^54 first; 0, inf and nan are their own roots
        tiny = w.both(w.compare("olt", size, w.c(SMALLEST)), w.compare("ogt", size, w.c(0.0)))
        again = w.call("cbrt", cbrt, w.select(tiny, w.mul(size, w.c(2.0**54)), w.c(1.0)))
        return w.select(rare, w.select(tiny, w.mul(again, w.c(2.0**-18)), size), usual)

    return w.intrinsic("copysign", w.unless(rare, usual, otherwise), x)
