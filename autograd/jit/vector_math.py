"""Exponentials, logarithms, circular functions and erf in LLVM IR, whole vectors at a time.

Each writes its result into a Writer and holds for every float, infinities, nan and signed zeros
included. The error function is in vector_erf.py. The polynomials marked
"fitted" are mpmath's chebyfit at 300 bits; tests/test_jit_math.py measures every function against mpmath.

============  =========  ==============================================================
function      error      method
============  =========  ==============================================================
exp, expm1    1.0, 1.5   x = n ln 2 + r, a fitted polynomial of degree 12 in r
log, log1p    1.0, 1.5   x = 2^n m, fdlibm's e_log.c
sin, cos      1.5        three-part reduction by π/2, fdlibm's kernels; |x| > 2^20: libm
tanh          2.5        expm1(2x) / (expm1(2x) + 2)
sigmoid       2          1 / (1 + exp(-x))
sech2         2          4 t / (1 + t)², t = exp(-2 |x|), roundings made good
============  =========  ==============================================================

in units in the last place (ulp), the largest seen.
"""

from __future__ import annotations

import math

from .writer import Writer

LN2, LN2_LOW = 0.6931471805599453, 2.3190468138462996e-17
# (exp(r) - 1 - r) / r² for |r| <= ln 2 / 2, fitted; error 1.4e-18
_EXP = (
    2.0914686968086876e-09,
    2.5105217004720745e-08,
    2.75572736431103e-07,
    2.7557255400206422e-06,
    2.4801587325547743e-05,
    0.00019841269874820627,
    0.0013888888888883748,
    0.008333333333326136,
    0.04166666666666667,
    0.1666666666666667,
    0.5,
)
# fdlibm, e_log.c: the series of (log(1 + f) - 2s) / s in s², where s = f / (2 + f)
_LOG = (
    0.14798198605116586,
    0.1531383769920937,
    0.1818357216161805,
    0.22222198432149784,
    0.2857142874366239,
    0.3999999999940942,
    0.6666666666666735,
)
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
ROUND = 6755399441055744.0  # 1.5 · 2^52: adding it leaves a number's nearest integer in the low bits


def _whole(w: Writer, x: str) -> tuple[str, str]:
    """The nearest whole number, as a double and as an integer, for |x| < 2^51."""
    shifted = w.add(x, w.c(ROUND))
    number = w.sub(shifted, w.c(ROUND))
    return number, w.integer("sub", w.bits(shifted), w.i(0x4338000000000000))


def _power_of_two(w: Writer, n: str) -> str:
    """2^n for an integer n from -1022 to 1023."""
    return w.from_bits(w.integer("shl", w.integer("add", n, w.i(1023)), w.i(52)))


def _clamp(w: Writer, x: str, low: float, high: float) -> str:
    x = w.select(w.compare("ogt", x, w.c(high)), w.c(high), x)
    return w.select(w.compare("olt", x, w.c(low)), w.c(low), x)


def _reduced(w: Writer, x: str) -> tuple[str, str, str]:
    """exp(r) - 1 and the whole n (as a double and an integer) such that x = n ln 2 + r, |r| <= ln 2 / 2."""
    n, integer = _whole(w, w.mul(x, w.c(1.0 / math.log(2.0))))
    r = w.fma(n, w.c(-LN2_LOW), w.fma(n, w.c(-LN2), x))
    return w.fma(w.mul(r, r), w.polynomial(r, _EXP), r), n, integer


def _scaled_exp(w: Writer, x: str, shift: int) -> str:
    """exp(x) · 2^shift, in two factors lest the power of two leave the range before the result does."""
    p, _, n = _reduced(w, _clamp(w, x, -760.0, 720.0))
    if shift:
        n = w.integer("add", n, w.i(shift))
    half = w.integer("ashr", n, w.i(1))
    rest = w.integer("sub", n, half)
    return w.mul(w.mul(w.add(p, w.c(1.0)), _power_of_two(w, half)), _power_of_two(w, rest))


def exp(w: Writer, x: str) -> str:
    return _scaled_exp(w, x, 0)


def expm1(w: Writer, x: str) -> str:
    p, number, n = _reduced(w, _clamp(w, x, -40.0, 720.0))
    half = w.integer("ashr", n, w.i(1))
    first, second = _power_of_two(w, half), _power_of_two(w, w.integer("sub", n, half))
    # 2^n p + (2^n - 1); above 2^60 the -1 is lost anyway and 2^n alone may be infinite.
    large = w.mul(w.mul(w.add(p, w.c(1.0)), first), second)
    power = w.mul(first, second)
    small = w.fma(power, p, w.sub(power, w.c(1.0)))
    result = w.select(w.compare("ogt", number, w.c(60.0)), large, small)
    return w.select(w.compare("oeq", x, w.c(0.0)), x, result)


def exp2(w: Writer, x: str) -> str:
    """2^n exp(f ln 2) with n whole, f of magnitude 1/2 at most, and f ln 2 in two floats."""
    x = _clamp(w, x, -1100.0, 1100.0)
    number, n = _whole(w, x)
    f = w.sub(x, number)
    r = w.mul(f, w.c(LN2))
    rest = w.fma(f, w.c(LN2_LOW), w.fma(f, w.c(LN2), w.neg(r)))
    p = w.add(w.fma(w.mul(r, r), w.polynomial(r, _EXP), r), rest)
    half = w.integer("ashr", n, w.i(1))
    return w.mul(w.mul(w.add(p, w.c(1.0)), _power_of_two(w, half)), _power_of_two(w, w.integer("sub", n, half)))


def _log_parts(w: Writer, x: str) -> tuple[str, str, str]:
    """For x > 0: the whole n as a double, f and the log of 1 + f less f, such that x = 2^n (1 + f), |f| small."""
    tiny = w.compare("olt", x, w.c(2.2250738585072014e-308))
    scaled = w.select(tiny, w.mul(x, w.c(2.0**54)), x)
    bits = w.bits(scaled)
    # the exponent of x / sqrt(1/2), so that 1 + f lies between sqrt(1/2) and sqrt(2)
    shifted = w.integer("sub", bits, w.i(0x3FE6A09E667F3BCD))
    exponent = w.integer("ashr", shifted, w.i(52))
    mantissa = w.from_bits(w.integer("sub", bits, w.integer("shl", exponent, w.i(52))))
    n = w.sub(w.to_double(exponent), w.select(tiny, w.c(54.0), w.c(0.0)))
    f = w.sub(mantissa, w.c(1.0))
    s = w.div(f, w.add(w.c(2.0), f))
    z = w.mul(s, s)
    series = w.mul(z, w.polynomial(z, _LOG))
    half_square = w.mul(w.mul(w.c(0.5), f), f)
    # log(1 + f) = f - (f²/2 - s (f²/2 + series)): the last two terms
    return n, f, w.sub(half_square, w.mul(s, w.add(half_square, series)))


def _log_with(w: Writer, x: str, correction: str | None) -> str:
    """log(x) plus a small correction, for any x."""
    n, f, rest = _log_parts(w, x)
    low = w.mul(n, w.c(1.90821492927058770002e-10))
    if correction is not None:
        low = w.add(low, correction)
    result = w.sub(w.mul(n, w.c(6.93147180369123816490e-01)), w.sub(w.sub(rest, low), f))
    return _log_ends(w, x, result)


def _log_ends(w: Writer, x: str, result: str) -> str:
    """The result for proper x, -inf at 0, inf at inf, nan below 0 and at nan."""
    result = w.select(w.compare("oeq", x, w.c(math.inf)), w.c(math.inf), result)
    result = w.select(w.compare("oeq", x, w.c(0.0)), w.c(-math.inf), result)
    return w.select(w.compare("uge", x, w.c(0.0)), w.select(w.compare("uno", x, x), x, result), w.c(math.nan))


def log(w: Writer, x: str) -> str:
    return _log_with(w, x, None)


def log1p(w: Writer, x: str) -> str:
    """log(u) + c / u, where u is 1 + x rounded and c the rounding."""
    u = w.add(x, w.c(1.0))
    lost = w.select(w.compare("ogt", x, w.c(1.0)), w.sub(w.c(1.0), w.sub(u, x)), w.sub(x, w.sub(u, w.c(1.0))))
    proper = w.both(w.compare("olt", u, w.c(math.inf)), w.compare("ogt", u, w.c(0.0)))
    correction = w.select(proper, w.div(lost, u), w.c(0.0))
    return w.select(w.compare("oeq", x, w.c(0.0)), x, _log_with(w, u, correction))


def tanh(w: Writer, x: str) -> str:
    size = w.intrinsic("fabs", x)
    t = w.call("expm1", expm1, w.select(w.compare("ogt", size, w.c(20.0)), w.c(40.0), w.add(size, size)))
    return w.intrinsic("copysign", w.div(t, w.add(t, w.c(2.0))), x)


def cosh(w: Writer, x: str) -> str:
    half = _scaled_exp(w, w.intrinsic("fabs", x), -1)
    return w.add(half, w.div(w.c(0.25), half))


def sinh(w: Writer, x: str) -> str:
    size = w.intrinsic("fabs", x)
    half = _scaled_exp(w, size, -1)
    t = w.call("expm1", expm1, w.select(w.compare("ogt", size, w.c(1.0)), w.c(1.0), size))
    small = w.mul(w.c(0.5), w.add(t, w.div(t, w.add(t, w.c(1.0)))))
    large = w.sub(half, w.div(w.c(0.25), half))
    return w.intrinsic("copysign", w.select(w.compare("ole", size, w.c(1.0)), small, large), x)


def sigmoid(w: Writer, x: str) -> str:
    tiny = w.compare("olt", x, w.c(-700.0))  # exp(-x) is or soon would be inf, and exp(x) is the answer
    e = w.call("exp", exp, w.select(tiny, x, w.neg(x)))
    return w.select(tiny, e, w.div(w.c(1.0), w.add(w.c(1.0), e)))


def sech2(w: Writer, x: str) -> str:
    t = w.call("exp", exp, w.mul(w.c(-2.0), w.intrinsic("fabs", x)))
    total = w.add(w.c(1.0), t)
    square = w.mul(total, total)
    low = w.add(w.sub(w.c(1.0), total), t)
    rest = w.fma(w.mul(w.c(2.0), total), low, w.fma(total, total, w.neg(square)))
    quotient = w.div(w.mul(w.c(4.0), t), square)
    return w.sub(quotient, w.mul(quotient, w.div(rest, square)))


def softplus(w: Writer, x: str) -> str:
    e = w.call("exp", exp, w.neg(w.intrinsic("fabs", x)))
    positive = w.select(w.compare("olt", x, w.c(0.0)), w.c(0.0), x)
    return w.add(positive, w.call("log1p", log1p, e))


def _circular(w: Writer, x: str) -> tuple[str, str, str]:
    """The quadrant of x as an integer, and sin and cos of what is left of it."""
    number, n = _whole(w, w.mul(x, w.c(2.0 / math.pi)))
    r = x
    for part in (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33):
        r = w.fma(number, w.c(-part), r)
    z = w.mul(r, r)
    sine = w.fma(w.mul(z, r), w.polynomial(z, _SIN), r)
    half = w.mul(w.c(0.5), z)
    head = w.sub(w.c(1.0), half)
    tail = w.sub(w.sub(w.c(1.0), head), half)
    cosine = w.add(head, w.fma(w.mul(z, z), w.polynomial(z, _COS), tail))
    return n, sine, cosine


def _sine(w: Writer, x: str, quarter: int) -> str:
    """sin(x + quarter · π/2) for |x| up to 2^20."""
    n, sine, cosine = _circular(w, x)
    if quarter:
        n = w.integer("add", n, w.i(1))
    odd = w.put(f"trunc {w.long} {n} to {w.truth_type}", "b")
    value = w.bits(w.select(odd, cosine, sine))
    sign = w.integer("shl", w.integer("and", n, w.i(2)), w.i(62))
    result = w.from_bits(w.integer("xor", value, sign))
    return result if quarter else w.select(w.compare("oeq", x, w.c(0.0)), x, result)


def sin(w: Writer, x: str) -> str:
    return _guarded(w, x, 0, "sin")


def cos(w: Writer, x: str) -> str:
    return _guarded(w, x, 1, "cos")


def _guarded(w: Writer, x: str, quarter: int, name: str) -> str:
    small = _sine(w, x, quarter)
    large = w.compare("ugt", w.intrinsic("fabs", x), w.c(2.0**20))
    start, far, end = w.label("start"), w.label("far"), w.label("end")
    w.do(f"br label %{start}")
    w.at(start)
    w.do(f"br i1 {w.any(large)}, label %{far}, label %{end}")
    w.at(far)
    exact = w.select(large, w.libm(name, x), small)
    w.do(f"br label %{end}")
    w.at(end)
    return w.put(f"phi {w.type} [ {small}, %{start} ], [ {exact}, %{far} ]")
