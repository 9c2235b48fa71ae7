"""The error function and exp(-x²) in LLVM IR, for whole vectors, within 2 ulp.

The method is that of autograd.special.corrected, with fma in place of split products. For |x| < 0.48 it is a
polynomial.
"""

from __future__ import annotations

from ...special.corrected import ERFCX
from ..codegen.ir import Writer
from .exp import exp

# erf(x) / x in x² for |x| < 0.5, fitted; error 2.4e-20
_ERF = (
    -1.4620256114391553e-07,
    1.6371164552892836e-06,
    -1.4923000283850108e-05,
    0.00012055286128871108,
    -0.0008548326509718547,
    0.005223977622008845,
    -0.026866170644999358,
    0.11283791670954868,
    -0.3761263890318375,
    1.1283791670955126,
)


def gaussian(w: Writer, x: str) -> str:
    square = w.mul(x, x)
    rest = w.exact_fma(x, x, w.neg(square))
    e = w.call("exp", exp, w.neg(square))
    inside = w.compare("olt", w.intrinsic("fabs", x), w.c(28.0))
    return w.select(inside, w.fma(w.neg(e), rest, e), e)


def _erf_small(w: Writer, x: str) -> str:
    return w.mul(x, w.polynomial(w.mul(x, x), _ERF))


def _erfc_large(w: Writer, x: str) -> str:
    """erfc(x) for x >= 0.48, as in autograd.special.corrected.erfc, with fma for the exact products."""
    x = w.select(w.compare("ogt", x, w.c(28.0)), w.c(28.0), x)
    t = w.div(w.sub(x, w.c(2.5)), w.add(x, w.c(2.5)))
    p = w.mul(w.polynomial(t, ERFCX[:-1]), t)
    square = w.mul(x, x)
    twice = w.add(x, x)
    denominator = w.add(twice, w.c(1.0))
    inverse = w.div(w.c(1.0), denominator)
    rounding = w.add(w.sub(w.c(1.0), denominator), twice)
    rest = w.fma(rounding, inverse, w.exact_fma(x, x, w.neg(square)))
    numerator = w.add(p, w.c(ERFCX[-1]))
    low = w.fma(w.neg(numerator), rest, w.sub(p, w.sub(numerator, w.c(ERFCX[-1]))))
    quotient = w.mul(numerator, inverse)
    low = w.mul(w.add(w.exact_fma(w.neg(quotient), denominator, numerator), low), inverse)
    e = w.call("exp", exp, w.neg(square))
    return w.fma(e, quotient, w.mul(e, low))


def erfc(w: Writer, x: str) -> str:
    size = w.intrinsic("fabs", x)
    large = w.call("erfc_large", _erfc_large, w.select(w.compare("olt", size, w.c(0.48)), w.c(0.48), size))
    large = w.select(w.compare("olt", x, w.c(0.0)), w.sub(w.c(2.0), large), large)
    return w.select(w.compare("olt", size, w.c(0.48)), w.sub(w.c(1.0), _erf_small(w, x)), large)


def erf(w: Writer, x: str) -> str:
    size = w.intrinsic("fabs", x)
    small = w.compare("olt", size, w.c(0.48))
    large = w.sub(w.c(1.0), w.call("erfc_large", _erfc_large, w.select(small, w.c(0.48), size)))
    return w.select(small, _erf_small(w, x), w.intrinsic("copysign", large, x))
