"""Logarithms in LLVM IR, for whole vectors, and the inverse hyperbolic functions, which use them.

All rest on log(1 + f) = 2 s + s³ p(s²) with s = f / (2 + f), and add its terms as fdlibm's e_log.c does (Sun
Microsystems, 1993). Each holds for every float; see table.py.
"""

from __future__ import annotations

import dataclasses
import math

from ..codegen.ir import Writer

LN2, LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10  # the first times an integer up to 2^20 is exact
SMALLEST = 2.2250738585072014e-308  # normal double
# (log(1 + f) / s - 2) / s² in s², where s = f / (2 + f) and 1 + f lies between 1/√2 and √2, fitted; error 3.1e-16
_LOG = (
    0.14616721179861816,
    0.15331699633543858,
    0.18182889786191042,
    0.2222221112572281,
    0.28571428626031065,
    0.3999999999989938,
    0.666666666666667,
)


@dataclasses.dataclass
class Parts:
    """x = 2^n (1 + f), and log(1 + f) = f - rest, with rest = half - s (half + series), half = f² / 2."""

    n: str
    f: str
    s: str
    half: str
    series: str


def exponent(w: Writer, x: str) -> tuple[str, str, str]:
    """For a normal x > 0 the integer n as a double, m from 1/√2 to √2, and the bits of 2^n, where x = 2^n m."""
    bits = w.bits(x)
    shifted = w.integer("add", w.integer("sub", bits, w.i(0x3FE6A09E667F3BCD)), w.i(0x3FF0000000000000))
    number = w.integer("lshr", shifted, w.i(52))
    n = w.sub(w.from_bits(w.integer("or", number, w.i(0x4330000000000000))), w.c(2.0**52 + 1023.0))
    high = w.integer("and", shifted, w.i(-(1 << 52)))
    m = w.from_bits(w.integer("add", w.integer("sub", bits, high), w.i(0x3FF0000000000000)))
    return n, m, high


def _to_parts(w: Writer, n: str, f: str) -> Parts:
    s = w.div(f, w.add(w.c(2.0), f))
    z = w.mul(s, s)
    return Parts(n, f, s, w.mul(w.mul(w.c(0.5), f), f), w.mul(z, w.polynomial(z, _LOG)))


def _natural_log(w: Writer, p: Parts) -> str:
    """n ln 2 + log(1 + f), added from the small terms to the large ones."""
    low = w.fma(p.s, w.add(p.half, p.series), w.mul(p.n, w.c(LN2_LOW)))
    return w.fma(p.n, w.c(LN2), w.sub(p.f, w.sub(p.half, low)))


def _log_in_base(w: Writer, p: Parts, inverse: float, inverse_low: float, log2: float, log2_low: float) -> str:
    """n log(2) + log(1 + f) / ln(base). The second term is in two floats, so that powers of the base are exact."""
    high = w.sub(p.f, p.half)
    low = w.fma(p.s, w.add(p.half, p.series), w.sub(w.sub(p.f, high), p.half))
    product = w.mul(high, w.c(inverse))
    rest = w.exact_fma(high, w.c(inverse), w.neg(product))
    rest = w.add(rest, w.fma(low, w.c(inverse), w.mul(high, w.c(inverse_low))))
    whole = w.mul(p.n, w.c(log2))
    total = w.add(whole, product)
    rest = w.add(rest, w.add(w.sub(whole, total), product))
    return w.add(total, w.fma(p.n, w.c(log2_low), rest))


def _normal_log(w: Writer, x: str, base: str) -> str:
    """The logarithm of a normal x > 0."""
    n, m, _ = exponent(w, x)
    p = _to_parts(w, n, w.sub(m, w.c(1.0)))
    if base == "e":
        return _natural_log(w, p)
    if base == "2":
        return _log_in_base(w, p, 1.4426950408889634, 2.0355273740931033e-17, 1.0, 0.0)
    return _log_in_base(w, p, 0.4342944819032518, 1.098319650216765e-17, 0.3010299955494702, 1.1451100898021838e-10)


def _logarithm(w: Writer, x: str, base: str) -> str:
    usual = _normal_log(w, x, base)
    span = 0x7FF0000000000000 - 0x0010000000000000
    above = w.integer("sub", w.bits(x), w.i(0x0010000000000000))
    rare = w.put(f"icmp uge {w.long} {above}, {w.i(span)}", "b")  # below the normal floats, infinite, negative or nan

    def otherwise() -> str:
        return w.select(rare, w.call(f"any_log{base}", lambda v, y: _any_log(v, y, base), x), usual)

    return w.unless(rare, usual, otherwise)


def _any_log(w: Writer, x: str, base: str) -> str:
    """The logarithm of a subnormal; -inf at 0, inf at inf, nan below 0 and at nan."""
    shift = {"e": math.log(2.0), "2": 1.0, "10": math.log10(2.0)}[base] * 54
    result = w.sub(_normal_log(w, w.mul(x, w.c(2.0**54)), base), w.c(shift))
    result = w.select(w.compare("oeq", x, w.c(math.inf)), w.c(math.inf), result)
    result = w.select(w.compare("oeq", x, w.c(0.0)), w.c(-math.inf), result)
    return w.select(w.compare("uge", x, w.c(0.0)), w.select(w.compare("uno", x, x), x, result), w.c(math.nan))


def log(w: Writer, x: str) -> str:
    return _logarithm(w, x, "e")


def log2(w: Writer, x: str) -> str:
    return _logarithm(w, x, "2")


def log10(w: Writer, x: str) -> str:
    return _logarithm(w, x, "10")


def log1p_of_parts(w: Writer, one: str, x: str) -> str:
    """log(one + x) for a normal sum. Its rounding error is added to f, which is small if the sum is near 1."""
    u = w.add(one, x)
    back = w.sub(u, one)
    lost = w.add(w.sub(one, w.sub(u, back)), w.sub(x, back))
    n, m, power = exponent(w, u)
    inverse = w.from_bits(w.integer("sub", w.i(0x7FE0000000000000), power))  # 2^-n, or 0 if `lost` does not matter
    return _natural_log(w, _to_parts(w, n, w.fma(lost, inverse, w.sub(m, w.c(1.0)))))


def log1p(w: Writer, x: str) -> str:
    usual = w.intrinsic("copysign", log1p_of_parts(w, w.c(1.0), x), x)
    rare = w.either(w.compare("ule", x, w.c(-1.0)), w.compare("uge", x, w.c(1e308)))

    def otherwise() -> str:
        return w.select(rare, w.call("log", log, w.add(x, w.c(1.0))), usual)

    return w.unless(rare, usual, otherwise)


FAR = 2.0**500  # larger squares may overflow, and asinh and acosh are log(2 x) there


def _log_of_twice(w: Writer, x: str) -> str:
    return w.add(w.call("log", log, x), w.c(math.log(2.0)))


def asinh(w: Writer, x: str) -> str:
    """log1p(a + a² / (1 + √(a² + 1))) with a = |x|."""
    one = w.c(1.0)
    size = w.intrinsic("fabs", x)
    square = w.mul(size, size)
    root = w.intrinsic("sqrt", w.add(square, one))
    usual = log1p_of_parts(w, one, w.add(size, w.div(square, w.add(one, root))))
    rare = w.compare("uge", size, w.c(FAR))
    result = w.unless(rare, usual, lambda: w.select(rare, _log_of_twice(w, size), usual))
    return w.intrinsic("copysign", result, x)


def acosh(w: Writer, x: str) -> str:
    """log1p(t + √(t (t + 2))) with t = x - 1."""
    t = w.sub(x, w.c(1.0))
    usual = log1p_of_parts(w, w.c(1.0), w.add(t, w.intrinsic("sqrt", w.mul(t, w.add(t, w.c(2.0))))))
    low = w.compare("ult", x, w.c(1.0))
    rare = w.either(low, w.compare("uge", x, w.c(FAR)))

    def otherwise() -> str:
        return w.select(low, w.c(math.nan), w.select(rare, _log_of_twice(w, x), usual))

    return w.unless(rare, usual, otherwise)


def atanh(w: Writer, x: str) -> str:
    """(n ln 2 + log(1 + f)) / 2, where (1 + a) / (1 - a) = 2^n (1 + f) with a = |x|.

    Then s = f / (2 + f) = ((1 + a) - 2^n (1 - a)) / ((1 + a) + 2^n (1 - a)), which takes one division. For
    small a, where n is 0, s is a.
    """
    one = w.c(1.0)
    a = w.intrinsic("fabs", x)
    plus, minus = w.add(one, a), w.sub(one, a)
    k, m, power = exponent(w, minus)
    more = w.compare("ogt", plus, w.mul(w.c(math.sqrt(2.0)), m))
    n = w.select(more, w.sub(one, k), w.neg(k))
    power = w.from_bits(w.integer("sub", w.i(0x7FE0000000000000), power))
    power = w.select(more, w.add(power, power), power)
    near = w.fma(a, w.add(one, power), w.sub(one, power))
    numerator = w.select(w.compare("olt", a, w.c(0.5)), near, w.fma(w.neg(power), minus, plus))
    s = w.div(numerator, w.fma(power, minus, plus))
    z = w.mul(s, s)
    half = w.mul(w.c(0.5), w.mul(z, w.polynomial(z, _LOG)))
    low = w.fma(s, half, w.mul(n, w.c(0.5 * LN2_LOW)))
    usual = w.fma(n, w.c(0.5 * LN2), w.add(s, low))
    rare = w.compare("uge", a, one)

    def otherwise() -> str:
        return w.select(rare, w.select(w.compare("oeq", a, one), w.c(math.inf), w.c(math.nan)), usual)

    return w.intrinsic("copysign", w.unless(rare, usual, otherwise), x)
