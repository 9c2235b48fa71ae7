"""Exponentials in LLVM IR, for whole vectors: exp, expm1, exp2, hyperbolic and logistic functions.

All rest on exp(x) = 2^n exp(r) with the reduction of W. J. Cody and W. Waite, Software Manual for the
Elementary Functions, 1980. Each holds for every float; see table.py.
"""

from __future__ import annotations

import math

from ..codegen.ir import Writer
from .log import LN2, LN2_LOW, log1p_of_parts

# (exp(r) - 1 - r) / r² for |r| <= ln 2 / 2, fitted; error 1.1e-16, times r² at most 0.12
_EXP = (
    2.5100472505694996e-08,
    2.7620201591031547e-07,
    2.7557268276905696e-06,
    2.4801521057868204e-05,
    0.00019841269863171557,
    0.0013888888917367081,
    0.008333333333330039,
    0.041666666666623824,
    0.16666666666666669,
    0.5000000000000001,
)
ROUND = 6755399441055744.0  # 1.5 · 2^52: adding it leaves a number's nearest integer in the low bits
RANGE = 708.0  # exp(x) and exp(-x) are normal floats for x up to this


def _reduce(w: Writer, x: str) -> tuple[str, str]:
    """exp(r) - 1 and, in the low bits, the integer n, where x = n ln 2 + r and |r| <= ln 2 / 2."""
    shifted = w.fma(x, w.c(1.0 / math.log(2.0)), w.c(ROUND))
    n = w.sub(shifted, w.c(ROUND))
    r = w.fma(n, w.c(-LN2_LOW), w.fma(n, w.c(-LN2), x))
    return w.fma(w.mul(r, r), w.polynomial(r, _EXP), r), w.bits(shifted)


def _power_of_two(w: Writer, n: str) -> str:
    """2^n for n, in the low bits of an integer, from -1022 to 1023."""
    return w.from_bits(w.integer("shl", w.integer("add", n, w.i(1023)), w.i(52)))


def times_power(w: Writer, x: str, n: str) -> str:
    """x · 2^n where that is a normal float: n is added to the exponent."""
    return w.from_bits(w.integer("add", w.bits(x), w.integer("shl", n, w.i(52))))


def _halve_power(w: Writer, n: str) -> tuple[str, str]:
    """2^n as two factors, because it may overflow alone where its product with a number does not."""
    n = w.integer("ashr", w.integer("shl", n, w.i(48)), w.i(48))
    half = w.integer("ashr", n, w.i(1))
    return _power_of_two(w, half), _power_of_two(w, w.integer("sub", n, half))


def _clamp(w: Writer, x: str, low: float, high: float) -> str:
    x = w.select(w.compare("ogt", x, w.c(high)), w.c(high), x)
    return w.select(w.compare("olt", x, w.c(low)), w.c(low), x)


def _is_beyond(w: Writer, x: str, bound: float) -> str:
    """Whether |x| is above a bound, or nan."""
    return w.compare("ugt", w.intrinsic("fabs", x), w.c(bound))


def _usual_exp(w: Writer, x: str) -> str:
    """exp(x) for |x| <= RANGE."""
    p, n = _reduce(w, x)
    return times_power(w, w.add(p, w.c(1.0)), n)


def exp_of_sum(w: Writer, x: str, low: str) -> str:
    """exp(x + low) for |x| <= RANGE, where low is no larger than a rounding error of x."""
    shifted = w.fma(x, w.c(1.0 / math.log(2.0)), w.c(ROUND))
    n = w.sub(shifted, w.c(ROUND))
    r = w.add(w.fma(n, w.c(-LN2_LOW), w.fma(n, w.c(-LN2), x)), low)
    p = w.fma(w.mul(r, r), w.polynomial(r, _EXP), r)
    return times_power(w, w.add(p, w.c(1.0)), w.bits(shifted))


def _any_exp(w: Writer, x: str) -> str:
    p, n = _reduce(w, _clamp(w, x, -760.0, 720.0))
    first, second = _halve_power(w, n)
    return w.mul(w.mul(w.add(p, w.c(1.0)), first), second)


def exp(w: Writer, x: str) -> str:
    return w.unless(_is_beyond(w, x, RANGE), _usual_exp(w, x), lambda: w.call("any_exp", _any_exp, x))


def _usual_expm1(w: Writer, x: str) -> str:
    """2^n p + (2^n - 1), for |x| <= RANGE. It gives +0 for both zeros."""
    p, n = _reduce(w, x)
    power = _power_of_two(w, n)
    return w.fma(power, p, w.sub(power, w.c(1.0)))


def expm1(w: Writer, x: str) -> str:
    usual = w.intrinsic("copysign", _usual_expm1(w, x), x)
    rare = _is_beyond(w, x, RANGE)

    def otherwise() -> str:
        far = w.sub(w.call("any_exp", _any_exp, x), w.c(1.0))  # 2^1021 or more, or -1
        return w.select(rare, far, usual)

    return w.unless(rare, usual, otherwise)


def _any_exp2(w: Writer, x: str) -> str:
    y, n = _exp2_parts(w, _clamp(w, x, -1100.0, 1100.0))
    first, second = _halve_power(w, n)
    return w.mul(w.mul(y, first), second)


def _exp2_parts(w: Writer, x: str) -> tuple[str, str]:
    """2^f and the integer n, where x = n + f. The r of exp is f ln 2, here in two floats."""
    shifted = w.add(x, w.c(ROUND))
    f = w.sub(x, w.sub(shifted, w.c(ROUND)))
    r = w.mul(f, w.c(math.log(2.0)))
    rest = w.fma(f, w.c(2.3190468138462996e-17), w.exact_fma(f, w.c(math.log(2.0)), w.neg(r)))
    p = w.add(w.fma(w.mul(r, r), w.polynomial(r, _EXP), r), rest)
    return w.add(p, w.c(1.0)), w.bits(shifted)


def exp2(w: Writer, x: str) -> str:
    usual = times_power(w, *_exp2_parts(w, x))
    return w.unless(_is_beyond(w, x, 1021.0), usual, lambda: w.call("any_exp2", _any_exp2, x))


def tanh(w: Writer, x: str) -> str:
    """t / (t + 2) with t = expm1(2 |x|). It is 1 if 2 |x| > 40."""
    twice = w.intrinsic("fabs", w.add(x, x))
    t = _usual_expm1(w, w.select(w.compare("ogt", twice, w.c(40.0)), w.c(40.0), twice))
    return w.intrinsic("copysign", w.div(t, w.add(t, w.c(2.0))), x)


def _half_exp(w: Writer, size: str) -> str:
    """exp(size) / 2, which is finite for some sizes whose exponential is not."""
    p, n = _reduce(w, _clamp(w, size, 0.0, 720.0))
    first, second = _halve_power(w, w.integer("sub", n, w.i(1)))
    return w.mul(w.mul(w.add(p, w.c(1.0)), first), second)


def cosh(w: Writer, x: str) -> str:
    size = w.intrinsic("fabs", x)
    p, n = _reduce(w, size)
    half = times_power(w, w.add(p, w.c(1.0)), w.integer("sub", n, w.i(1)))
    usual = w.add(half, w.div(w.c(0.25), half))
    rare = _is_beyond(w, x, RANGE)
    return w.unless(rare, usual, lambda: w.select(rare, w.call("half_exp", _half_exp, size), usual))


def sinh(w: Writer, x: str) -> str:
    """(t + t / (t + 1)) / 2 with t = expm1(|x|)."""
    size = w.intrinsic("fabs", x)
    t = _usual_expm1(w, size)
    usual = w.mul(w.c(0.5), w.add(t, w.div(t, w.add(t, w.c(1.0)))))
    rare = _is_beyond(w, x, RANGE)
    result = w.unless(rare, usual, lambda: w.select(rare, w.call("half_exp", _half_exp, size), usual))
    return w.intrinsic("copysign", result, x)


def sigmoid(w: Writer, x: str) -> str:
    one = w.c(1.0)
    usual = w.div(one, w.add(one, _usual_exp(w, w.neg(x))))
    rare = _is_beyond(w, x, 700.0)

    def otherwise() -> str:
        e = w.call("any_exp", _any_exp, w.neg(w.intrinsic("fabs", x)))
        return w.select(rare, w.select(w.compare("ogt", x, w.c(0.0)), one, e), usual)

    return w.unless(rare, usual, otherwise)


def sech2(w: Writer, x: str) -> str:
    """4 t / (1 + t)² with t = exp(-2 |x|), corrected for the rounding errors of 1 + t and of its square."""
    t = w.call("exp", exp, w.mul(w.c(-2.0), w.intrinsic("fabs", x)))
    total = w.add(w.c(1.0), t)
    square = w.mul(total, total)
    low = w.add(w.sub(w.c(1.0), total), t)
    rest = w.fma(w.add(total, total), low, w.exact_fma(total, total, w.neg(square)))
    inverse = w.div(w.c(1.0), square)
    four = w.mul(w.c(4.0), t)
    quotient = w.mul(four, inverse)
    error = w.sub(w.exact_fma(w.neg(quotient), square, four), w.mul(quotient, rest))
    return w.fma(error, inverse, quotient)


def softplus(w: Writer, x: str) -> str:
    """max(x, 0) + log1p(exp(-|x|))."""
    down = w.neg(w.intrinsic("fabs", x))
    positive = w.select(w.compare("olt", x, w.c(0.0)), w.c(0.0), x)
    usual = w.add(positive, log1p_of_parts(w, w.c(1.0), _usual_exp(w, down)))
    rare = _is_beyond(w, x, 700.0)

    def otherwise() -> str:
        return w.select(rare, w.add(positive, w.call("any_exp", _any_exp, down)), usual)

    return w.unless(rare, usual, otherwise)
