"""Circular functions and their inverses in LLVM IR, for whole vectors.

Angles are reduced by W. J. Cody and W. Waite's method (Software Manual for the Elementary Functions,
1980) with π/2 in three floats; sin and cos have the polynomials of fdlibm (Sun Microsystems, 1993), the
inverses the identities asin(x) = π/2 - 2 asin(√((1 - x) / 2)) and atan(x) = π/4 + atan((x - 1) / (x + 1)).
Each holds for every float; see table.py.
"""

from __future__ import annotations

import math

from ..codegen.ir import Writer
from .exp import ROUND

# fdlibm, k_sin.c and k_cos.c
_SIN = (
    1.58969099521155010221e-10,
    -2.50507602534068634195e-08,
    2.75573137070700676789e-06,
    -1.98412698298579493134e-04,
    8.33333333332248946124e-03,
    -1.66666666666666324348e-01,
)
_COS = (
    -1.13596475577881948265e-11,
    2.08757232129817482790e-09,
    -2.75573143513906633035e-07,
    2.48015872894767294178e-05,
    -1.38888888888741095749e-03,
    4.16666666666666019037e-02,
)
# (asin(t) / t - 1) / t² in t² for |t| <= 1/2, fitted; error 1.5e-17
_ASIN = (
    0.02877844261259304,
    -0.014881409392818066,
    0.017419357964884856,
    0.00545087818772055,
    0.010324318288744113,
    0.011478952690257387,
    0.013971235301124539,
    0.017352391265909227,
    0.022372173002005596,
    0.030381944137085216,
    0.04464285714637338,
    0.07499999999998425,
    0.16666666666666669,
)
# (atan(t) / t - 1) / t² in t² for |t| <= tan(π/8), fitted; error 3.2e-17
_ATAN = (
    -0.01917392228554793,
    0.03922923713835943,
    -0.05085365922344248,
    0.05858132894427922,
    -0.06664509603255386,
    0.07692183059894114,
    -0.09090904572487347,
    0.11111111015117626,
    -0.1428571428466482,
    0.19999999999995513,
    -0.3333333333333333,
)
HALF_PI, HALF_PI_LOW = 1.5707963267948966, 6.123233995736766e-17
FAR = 2.0**20  # larger angles are left to the C library, which knows enough digits of π


def _reduce(w: Writer, x: str) -> tuple[str, str, str]:
    """The quadrant of x, in the low bits of an integer, and the rest of x, in two floats."""
    shifted = w.fma(x, w.c(2.0 / math.pi), w.c(ROUND))
    number = w.sub(shifted, w.c(ROUND))
    near = w.exact_fma(number, w.c(-HALF_PI), x)
    # near - product, its rounding error (by D. Knuth's two-sum, because near may be the smaller one), and product's
    product = w.mul(number, w.c(HALF_PI_LOW))
    r = w.sub(near, product)
    back = w.sub(r, near)
    lost = w.sub(w.sub(near, w.sub(r, back)), w.add(product, back))
    low = w.sub(lost, w.exact_fma(number, w.c(HALF_PI_LOW), w.neg(product)))
    return w.bits(shifted), r, w.fma(number, w.c(1.4973849048591698e-33), low)


def _sine(w: Writer, r: str, low: str) -> str:
    z = w.mul(r, r)
    return w.add(r, w.fma(w.mul(z, r), w.polynomial(z, _SIN), low))


def _cosine(w: Writer, r: str, low: str) -> str:
    z = w.mul(r, r)
    half = w.mul(w.c(0.5), z)
    head = w.sub(w.c(1.0), half)
    tail = w.fma(w.neg(r), low, w.sub(w.sub(w.c(1.0), head), half))
    return w.add(head, w.fma(w.mul(z, z), w.polynomial(z, _COS), tail))


def _is_odd(w: Writer, n: str) -> str:
    return w.put(f"trunc {w.long} {n} to {w.truth_type}", "b")


def _call_libm_beyond(w: Writer, x: str, usual: str, name: str) -> str:
    """`usual` for |x| up to FAR, and the results of the C library beyond."""
    rare = w.compare("ugt", w.intrinsic("fabs", x), w.c(FAR))
    return w.unless(rare, usual, lambda: w.select(rare, w.libm(name, x), usual))


def _sin_or_cos(w: Writer, x: str, quarter: int) -> str:
    """sin(x + quarter · π/2)."""
    n, r, low = _reduce(w, x)
    if quarter:
        n = w.integer("add", n, w.i(1))
    value = w.bits(w.select(_is_odd(w, n), _cosine(w, r, low), _sine(w, r, low)))
    sign = w.integer("shl", w.integer("and", n, w.i(2)), w.i(62))
    return w.from_bits(w.integer("xor", value, sign))


def sin(w: Writer, x: str) -> str:
    usual = w.select(w.compare("oeq", x, w.c(0.0)), x, _sin_or_cos(w, x, 0))
    return _call_libm_beyond(w, x, usual, "sin")


def cos(w: Writer, x: str) -> str:
    return _call_libm_beyond(w, x, _sin_or_cos(w, x, 1), "cos")


def tan(w: Writer, x: str) -> str:
    n, r, low = _reduce(w, x)
    sine, cosine = _sine(w, r, low), _cosine(w, r, low)
    odd = _is_odd(w, n)
    top, bottom = w.select(odd, cosine, sine), w.select(odd, w.neg(sine), cosine)
    usual = w.select(w.compare("oeq", x, w.c(0.0)), x, w.div(top, bottom))
    return _call_libm_beyond(w, x, usual, "tan")


def _asin_parts(w: Writer, x: str) -> tuple[str, str, str, str]:
    """Whether |x| <= 1/2, t, t², and asin(t) - t. If so t = |x|; otherwise asin(|x|) = π/2 - 2 asin(t)."""
    size = w.intrinsic("fabs", x)
    small = w.compare("ole", size, w.c(0.5))
    z = w.select(small, w.mul(size, size), w.fma(size, w.c(-0.5), w.c(0.5)))
    t = w.select(small, size, w.intrinsic("sqrt", z))
    return small, t, z, w.mul(w.mul(t, z), w.polynomial(z, _ASIN))


def asin(w: Writer, x: str) -> str:
    small, t, _, rest = _asin_parts(w, x)
    twice = w.add(t, t)
    head = w.sub(w.c(HALF_PI), twice)
    lost = w.sub(w.sub(w.c(HALF_PI), head), twice)
    large = w.add(head, w.add(lost, w.fma(rest, w.c(-2.0), w.c(HALF_PI_LOW))))
    return w.intrinsic("copysign", w.select(small, w.add(t, rest), large), x)


def acos(w: Writer, x: str) -> str:
    small, t, _, rest = _asin_parts(w, x)
    negative = w.compare("olt", x, w.c(0.0))
    # π/2 -+ asin(t) for small x; otherwise 2 asin(t), or π less that. All are base + sign · (t + rest), or twice that
    base = w.select(small, w.c(HALF_PI), w.select(negative, w.c(2 * HALF_PI), w.c(0.0)))
    low = w.select(small, w.c(HALF_PI_LOW), w.select(negative, w.c(2 * HALF_PI_LOW), w.c(0.0)))
    t, rest = w.select(small, t, w.add(t, t)), w.select(small, rest, w.add(rest, rest))
    down = w.put(f"xor {w.truth_type} {small}, {negative}", "b")  # small and positive, or large and negative
    t, rest = w.select(down, w.neg(t), t), w.select(down, w.neg(rest), rest)
    head = w.add(base, t)
    lost = w.add(w.sub(base, head), t)
    return w.add(head, w.add(lost, w.add(rest, low)))


def _angle_parts(w: Writer, y: str, x: str) -> tuple[str, str, str]:
    """For x, y >= 0 the angle of (x, y) as base + t + rest, where base is 0, π/4 or π/2."""
    steep = w.compare("ogt", w.mul(y, w.c(math.tan(math.pi / 8))), x)
    flat = w.compare("olt", y, w.mul(x, w.c(math.tan(math.pi / 8))))
    top = w.select(flat, y, w.select(steep, w.neg(x), w.sub(y, x)))
    bottom = w.select(flat, x, w.select(steep, y, w.add(x, y)))
    t = w.div(top, bottom)
    z = w.mul(t, t)
    rest = w.mul(w.mul(t, z), w.polynomial(z, _ATAN))
    base = w.select(flat, w.c(0.0), w.select(steep, w.c(HALF_PI), w.c(0.5 * HALF_PI)))
    low = w.select(flat, w.c(0.0), w.select(steep, w.c(HALF_PI_LOW), w.c(0.5 * HALF_PI_LOW)))
    return base, t, w.add(rest, low)


def atan(w: Writer, x: str) -> str:
    base, t, rest = _angle_parts(w, w.intrinsic("fabs", x), w.c(1.0))
    return w.intrinsic("copysign", w.add(base, w.add(t, rest)), x)


def atan2(w: Writer, y: str, x: str) -> str:
    a, b = w.intrinsic("fabs", y), w.intrinsic("fabs", x)
    base, t, rest = _angle_parts(w, a, b)
    left = w.compare("olt", x, w.c(0.0))
    # π - angle for negative x
    base = w.select(left, w.sub(w.c(2 * HALF_PI), base), base)
    t, rest = w.select(left, w.neg(t), t), w.select(left, w.sub(w.c(2 * HALF_PI_LOW), rest), rest)
    usual = w.intrinsic("copysign", w.add(base, w.add(t, rest)), y)
    total = w.add(a, b)
    rare = w.either(w.compare("ult", total, w.c(2.0**-900)), w.compare("ugt", total, w.c(2.0**900)))
    return w.unless(rare, usual, lambda: w.select(rare, w.libm("atan2", y, x), usual))
