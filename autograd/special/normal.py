"""The normal distribution: its density, its probabilities and their inverse; the inverse of the error function."""

# mypy: disable-error-code="has-type"

from __future__ import annotations

import math
from typing import Any

from .. import ops
from ..primitive import primitive
from . import corrected

ROOT_HALF, ITS_REST = 0.7071067811865476, -4.833646656726457e-17  # √½ as the sum of two floats
ROOT_2PI = math.sqrt(2 * math.pi)

# M. J. Wichura, Algorithm AS 241: the percentage points of the normal distribution, Applied Statistics 37 (1988): the
# coefficients of numerators and denominators, highest power first.
CENTRE = (
    (
        2.5090809287301226727e3,
        3.3430575583588128105e4,
        6.7265770927008700853e4,
        4.5921953931549871457e4,
        1.3731693765509461125e4,
        1.9715909503065514427e3,
        1.3314166789178437745e2,
        3.3871328727963666080,
    ),
    (
        5.2264952788528545610e3,
        2.8729085735721942674e4,
        3.9307895800092710610e4,
        2.1213794301586595867e4,
        5.3941960214247511077e3,
        6.8718700749205790830e2,
        4.2313330701600911252e1,
        1.0,
    ),
)
NEAR = (
    (
        7.7454501427834140764e-4,
        2.27238449892691845833e-2,
        2.4178072517745061177e-1,
        1.27045825245236838258,
        3.64784832476320460504,
        5.7694972214606914055,
        4.6303378461565452959,
        1.42343711074968357734,
    ),
    (
        1.05075007164441684324e-9,
        5.475938084995344946e-4,
        1.51986665636164571966e-2,
        1.4810397642748007459e-1,
        6.8976733498510000455e-1,
        1.6763848301838038494,
        2.05319162663775882187,
        1.0,
    ),
)
FAR = (
    (
        2.01033439929228813265e-7,
        2.71155556874348757815e-5,
        1.24266094738807843860e-3,
        2.65321895265761230930e-2,
        2.96560571828504891230e-1,
        1.78482653991729133580,
        5.46378491116411436990,
        6.65790464350110377720,
    ),
    (
        2.04426310338993978564e-15,
        1.42151175831644588870e-7,
        1.84631831751005468180e-5,
        7.86869131145613259100e-4,
        1.48753612908506148525e-2,
        1.36929880922735805310e-1,
        5.99832206555887937690e-1,
        1.0,
    ),
)


def _ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], r: float) -> float:
    above = below = 0.0
    for a, b in zip(*coefficients):
        above, below = above * r + a, below * r + b
    return above / below


def _split(x: Any) -> tuple[Any, Any]:
    high = x * 134217729.0
    high = high - (high - x)
    return high, x - high


def _times_root_half(x: Any) -> tuple[Any, Any]:
    """x √½ as the unevaluated sum of two numbers: T. J. Dekker's product, Numer. Math. 18, 1971."""
    product = x * ROOT_HALF
    (a1, a0), (b1, b0) = _split(x), corrected.split(ROOT_HALF)
    return product, ((a1 * b1 - product) + a1 * b0 + a0 * b1) + a0 * b0 + x * ITS_REST


def _density(x: Any) -> Any:
    product, rest = _times_root_half(ops.where(ops.abs(x) > 60.0, 60.0, x))
    return ops.gaussian(product) * (1 - 2 * product * rest) * (1 / ROOT_2PI)


def _probability(x: Any) -> Any:
    """erfc(-x √½) / 2, corrected for the rounding of x √½, which costs x² units in the last place in the tail."""
    product, rest = _times_root_half(ops.where(ops.abs(x) > 60.0, ops.copysign(60.0, x), x))
    return 0.5 * ops.erfc(-product) + (1 / math.sqrt(math.pi)) * ops.gaussian(product) * rest


@primitive(lambda out, x: -ops.where(out == 0, 0.0, x) * out, symbol="φ", native=_density)
def norm_pdf(x: float) -> float:
    """The density of the standard normal distribution, exp(-x²/2) / √(2π).

    >>> norm_pdf(0.0)
    0.3989422804014327
    """
    return float(_density(x))


@primitive(lambda out, x: norm_pdf(x), symbol="Φ", native=_probability)
def norm_cdf(x: float) -> float:
    """The probability that a standard normal variable is at most x, exact in the tail.

    >>> norm_cdf(0.0)
    0.5
    """
    return float(_probability(x))


def _quantile(q: float, tail: float) -> float:
    """The x with norm_cdf(x) - 1/2 = q. `tail`, which is 1/2 - |q|, is given apart, to be exact."""
    if not tail > 0:
        return math.nan if tail != 0 else math.copysign(math.inf, q)
    if math.fabs(q) <= 0.425:
        return q * _ratio(CENTRE, 0.180625 - q * q)
    r = math.sqrt(-math.log(tail))
    x = _ratio(NEAR, r - 1.6) if r <= 5.0 else _ratio(FAR, r - 5.0)
    for _ in range(2):  # Newton, with the relative error of the probability, so that nothing underflows
        probability = _probability(-x)
        if probability > 0:
            x += (probability - tail) / float(_density(x)) if probability > 1e-290 else 0.0
    return math.copysign(x, q)


@primitive(lambda out, p: 1 / norm_pdf(out), symbol="Φ⁻¹", domain=(0, 1))
def norm_ppf(p: float) -> float:
    """The inverse of norm_cdf: the number that a standard normal variable is below with probability p.

    -inf at 0, inf at 1, nan beyond. Its error is below 8 units in the last place, as measured. The derivative has the
    condition number out².

    >>> norm_ppf(0.5)
    0.0
    """
    return _quantile(p - 0.5, p if p < 0.5 else 1.0 - p)


@primitive(lambda out, y: 0.5 * math.sqrt(math.pi) / ops.gaussian(out), symbol="erf⁻¹", domain=(-1, 1))
def erfinv(y: float) -> float:
    """The inverse of erf: ±inf at ±1, nan beyond.

    Its error is below 8 units in the last place, as measured. The derivative has the condition number 2 out².

    >>> erfinv(0.0), erfinv(1.0)
    (0.0, inf)
    """
    return _quantile(0.5 * y, 0.5 - 0.5 * math.fabs(y)) * ROOT_HALF
