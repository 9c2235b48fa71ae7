"""erfc, cbrt, exp(-x²) and 1 / cosh²(x) to the last bit or two, where C libraries or plain formulas lose several."""

from __future__ import annotations

import math

_SPLITTER = 134217729.0  # 2**27 + 1, which splits the 53-bit significand in half

# (1 + 2x) exp(x²) erfc(x) as a polynomial in t = (x - 2.5) / (x + 2.5), highest power first. The
# variable and the factor are those of M. M. Shepherd and J. G. Laframboise, Chebyshev Approximation of
# (1+2x)exp(x²)erfc x in 0 ≤ x < ∞, Math. Comp. 36 (1981). Fitted with mpmath's chebyfit at 300 bits
# for 0.4 ≤ x ≤ 28, where its relative error is 1.9e-18.
ERFCX = (
    4.847370892775091e-09,
    1.4784114580186882e-08,
    -2.922615656224523e-08,
    -1.1856662817030562e-07,
    2.0613604002433236e-08,
    5.263797862893496e-07,
    5.355020102780151e-07,
    -1.5804714936074897e-06,
    -4.221682383629478e-06,
    2.6067592111036765e-06,
    2.2700842523954892e-05,
    6.266664052106802e-06,
    -0.00011352263201714298,
    -8.847935840309951e-05,
    0.0006321243805178583,
    0.0004918658266497747,
    -0.004382078343835507,
    0.000931892816451389,
    0.03276089326883116,
    -0.102967056038544,
    0.15762991902321474,
    -0.09902453957360213,
    -0.12235676308240427,
    1.2648381843668615,
)


def _split(x: float) -> tuple[float, float]:
    """x as the sum of two floats of half the length."""
    c = _SPLITTER * x
    high = c - (c - x)
    return high, x - high


def _product(a: float, b: float) -> tuple[float, float]:
    """a * b as the unevaluated sum of two floats, exactly (T. J. Dekker, Numer. Math. 18, 1971)."""
    p = a * b
    a1, a0 = _split(a)
    b1, b0 = _split(b)
    return p, ((a1 * b1 - p) + a1 * b0 + a0 * b1) + a0 * b0


def gaussian(x: float) -> float:
    """exp(-x²), corrected for the rounding of x²."""
    if not abs(x) < 28.0:  # where the result is 0, and for inf and nan
        return math.exp(-x * x)
    square, rest = _product(x, x)
    e = math.exp(-square)
    return e - e * rest


def cbrt(x: float) -> float:
    """The real cube root of x: the result of pow, corrected by a Newton step with y³ - x to 106 bits."""
    size = math.fabs(x)
    if not 0.0 < size < math.inf:
        return x
    if size < 1e-200:  # where the low part of y³ would underflow
        return cbrt(x * 2.0**300) * 2.0**-100
    if size > 1e200:  # where y³ might overflow
        return cbrt(x * 2.0**-300) * 2.0**100
    y = math.pow(size, 1 / 3)
    square, rest = _product(y, y)
    cube, low = _product(square, y)
    y -= (((cube - size) + low) + rest * y) / (3 * square)
    return math.copysign(y, x)


def sech2(x: float) -> float:
    """1 / cosh²(x) as 4 t / (1 + t)², t = exp(-2 |x|), corrected for the rounding of 1 + t and of its square."""
    t = math.exp(-2.0 * math.fabs(x))
    total = 1.0 + t
    square, rest = _product(total, total)
    rest += 2.0 * total * ((1.0 - total) + t)
    quotient = 4.0 * t / square
    return quotient - quotient * (rest / square)


def erfc(x: float) -> float:
    """1 - erf(x), without loss of digits where erf(x) is near 1."""
    if not 0.48 <= x < 28.0:
        return 1.0 - math.erf(x) if x < 0.48 else math.erfc(x)
    t = (x - 2.5) / (x + 2.5)
    p = 0.0
    for coefficient in ERFCX[:-1]:
        p = (p + coefficient) * t
    # erfc = exp(-x²) (c + p) / (1 + 2x), where each factor is a sum of two floats until the last rounding.
    square, rest = _product(x, x)
    denominator = 1.0 + 2.0 * x
    rest += ((1.0 - denominator) + 2.0 * x) / denominator
    numerator = ERFCX[-1] + p
    low = p - (numerator - ERFCX[-1]) - numerator * rest
    quotient = numerator / denominator
    back, back_low = _product(quotient, denominator)
    low = ((numerator - back) - back_low + low) / denominator
    e = math.exp(-square)
    high, high_low = _product(e, quotient)
    return high + (high_low + e * low)
