"""The primitives in mpmath: for each of them where its points are drawn, its value and its partial derivatives."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from mpmath import mp, mpf

SMALLEST, SMALLEST_NORMAL, LARGEST = math.ulp(0.0), sys.float_info.min, sys.float_info.max

# Points. The logarithm of a magnitude is drawn, so that 1e-300 is as likely as 1; st.floats adds the round numbers.


def reals(high: float = LARGEST, low: float = SMALLEST_NORMAL) -> st.SearchStrategy[float]:
    """Both signs, and 0, with magnitudes from low to high."""
    smallest, largest = math.log2(low), math.log2(high)

    def at(u: float) -> float:
        magnitude = 2.0 ** min(smallest + abs(u) * (largest - smallest), 1023.999)
        return math.copysign(magnitude, u) if u else 0.0

    plain = st.floats(-high, high).filter(lambda x: x == 0 or abs(x) >= low)
    return st.floats(-1.0, 1.0).map(at) | plain


def magnitudes(low: float, high: float) -> st.SearchStrategy[float]:
    return reals(high, low).filter(bool).map(abs)


def near(point: float, high: float) -> st.SearchStrategy[float]:
    """Floats on both sides of `point`, from the next float to a distance of `high`."""
    return reals(high, 2.0**-52).map(lambda d: point + d)


def vectors(least: int, most: int, spread: float = 2.0**60) -> st.SearchStrategy[list[float]]:
    """Numbers within a factor of `spread` of a common magnitude, which may be any that a float can have."""
    items = st.lists(reals(spread, 1 / spread), min_size=least, max_size=most)
    return st.builds(lambda xs, k: [math.ldexp(x, k) for x in xs], items, st.integers(-450, 450))


def bases_and_exponents() -> st.SearchStrategy[tuple[float, float]]:
    """Exponents that are multiples of 1/1024 within ±50; bases that keep the power in range, negative if it is real.

    For these exponents b - 1 is exact. Rounding it in b a^(b-1) would cost |ln a| |b| / 2 ulp, up to
    hundreds. That would not be an error of the rule, but the condition number of a^(b-1), |ln a| |b|.
    """

    def base(k: int, unit: float, mantissa: float, negative: bool) -> tuple[float, float]:
        b = k / 1024
        a = math.ldexp(mantissa, int(unit * 1015 / (abs(b) + 1.1)))
        return (-a if negative and b == int(b) else a), b

    exponents = st.integers(-50 * 1024, 50 * 1024) | st.integers(-50, 50).map(lambda k: 1024 * k)
    mantissas = st.floats(1.0, 2.0, exclude_max=True)
    return st.builds(base, exponents, st.floats(-1.0, 1.0), mantissas, st.booleans())


ANY = st.tuples(reals())
NONZERO = st.tuples(reals(LARGEST, SMALLEST).filter(bool))
POSITIVE = st.tuples(magnitudes(SMALLEST, LARGEST))
TWO = st.tuples(reals(), reals())
TIES = TWO | reals().map(lambda x: (x, x))


def within(high: float) -> st.SearchStrategy[tuple[float]]:
    return st.tuples(reals(high))


def around(point: float, low: float, high: float) -> st.SearchStrategy[tuple[float]]:
    """Magnitudes up to high, and the neighbourhood of a point where the function vanishes or its domain ends."""
    return st.tuples((reals(high) | near(point, 0.5) | near(-point, 0.5)).filter(lambda x: low < x < high))


# Textbook formulas, in a form for which 50 digits suffice.


@dataclass(frozen=True)
class Row:
    points: st.SearchStrategy[Any]
    value: Callable[..., Any]
    partials: tuple[Callable[..., Any] | None, ...]
    # The condition numbers of the value and of the partials, needed where a sum in them may cancel.
    scale: Callable[..., Any] = lambda *args: 1
    partial_scales: Callable[..., Any] | None = None


def unary(points: st.SearchStrategy[Any], value: Callable[[Any], Any], partial: Callable[[Any], Any]) -> Row:
    return Row(points, value, (partial,))


def weighted(ws: list[float], xs: list[float], share: float) -> tuple[list[float], list[float], float]:
    """Arguments for dot, with a bias of the size of the products."""
    return ws[: len(xs)], xs[: len(ws)], share * max((abs(w * x) for w, x in zip(ws, xs)), default=1.0)


def step(x: Any) -> Any:
    return mpf(1) if x > 0 else mpf(0) if x < 0 else mpf("0.5")


def log_add_exp(xs: Any) -> Any:
    *rest, top = sorted(xs)
    return top + mp.log1p(mp.fsum(mp.exp(x - top) for x in rest))


def length(*xs: Any) -> Any:
    return mp.sqrt(mp.fsum(x * x for x in xs))


def others(xs: Any) -> list[Any]:
    return [mp.fprod(xs[:k] + xs[k + 1 :]) for k in range(len(xs))]


def power_by_exponent(a: Any, b: Any) -> Any:
    return a**b * mp.log(a) if a > 0 else mp.nan


LN2, LN10, ROOT_PI = (lambda: mp.log(2)), (lambda: mp.log(10)), (lambda: mp.sqrt(mp.pi))
ONE, ZERO = (lambda *args: mpf(1)), (lambda *args: mpf(0))


def log_add_exp2(*xs: Any) -> Any:
    return log_add_exp([x * mp.log(2) for x in xs]) / mp.log(2)


QUOTIENTS = st.tuples(reals(1e6, 1e-3), magnitudes(1e-3, 1e3)) | st.tuples(
    st.integers(-99, 99).map(float), st.integers(-9, 9).filter(bool).map(float)
)  # of which floor and round are known exactly

ROWS = {
    "add": Row(TWO, lambda a, b: a + b, (ONE, ONE)),
    "sub": Row(TWO, lambda a, b: a - b, (ONE, lambda a, b: mpf(-1))),
    "mul": Row(TWO, lambda a, b: a * b, (lambda a, b: b, lambda a, b: a)),
    "div": Row(TWO.filter(lambda t: t[1] != 0), lambda a, b: a / b, (lambda a, b: 1 / b, lambda a, b: -a / (b * b))),
    "neg": unary(ANY, lambda x: -x, lambda x: mpf(-1)),
    "pow": Row(bases_and_exponents(), lambda a, b: a**b, (lambda a, b: b * a ** (b - 1), power_by_exponent)),
    "abs": unary(ANY, abs, mp.sign),
    "floor_divide": Row(QUOTIENTS, lambda a, b: mp.floor(a / b), (None, None)),
    "mod": Row(QUOTIENTS, lambda a, b: a - b * mp.floor(a / b), (ONE, lambda a, b: -mp.floor(a / b))),
    "fmod": Row(
        QUOTIENTS,
        lambda a, b: a - b * mp.sign(a / b) * mp.floor(abs(a / b)),
        (ONE, lambda a, b: -mp.sign(a / b) * mp.floor(abs(a / b))),
    ),
    "remainder": Row(QUOTIENTS, lambda a, b: a - b * mp.nint(a / b), (ONE, lambda a, b: -mp.nint(a / b))),
    "floor": Row(ANY, mp.floor, (None,)),
    "ceil": Row(ANY, mp.ceil, (None,)),
    "trunc": Row(ANY, lambda x: mp.sign(x) * mp.floor(abs(x)), (None,)),
    "rint": Row(ANY, mp.nint, (None,)),
    "copysign": Row(
        TWO.filter(lambda t: t[1] != 0),
        lambda x, y: abs(x) * mp.sign(y),
        (lambda x, y: mp.sign(x) * mp.sign(y), None),
    ),
    "deg2rad": unary(ANY, lambda x: x * mp.pi / 180, lambda x: mp.pi / 180),
    "rad2deg": unary(within(1e300), lambda x: x * 180 / mp.pi, lambda x: 180 / mp.pi),
    "xlogy": Row(
        st.tuples(reals(1e200, 1e-200), magnitudes(1e-100, 1e100)),
        lambda x, y: x * mp.log(y),
        (lambda x, y: mp.log(y), lambda x, y: x / y),
    ),
    "xlog1py": Row(
        st.tuples(reals(1e200, 1e-100), reals(1e100, 1e-100).filter(lambda y: y > -1)),
        lambda x, y: x * mp.log1p(y),
        (lambda x, y: mp.log1p(y), lambda x, y: x / (1 + y)),
    ),
    "one_minus_square": unary(around(1.0, -9.0, 9.0), lambda x: (1 - x) * (1 + x), lambda x: -2 * x),
    # The exponent of the weights is a - b, rounded, so their errors are relative to it.
    "logaddexp": Row(
        st.tuples(reals(1000.0), reals(30.0, 0.01)),
        lambda a, b: log_add_exp([a, b]),
        (lambda a, b: 1 / (1 + mp.exp(b - a)), lambda a, b: 1 / (1 + mp.exp(a - b))),
        scale=lambda a, b: max(abs(a), abs(b)) / abs(log_add_exp([a, b])),
        partial_scales=lambda a, b: [abs(a - b)] * 2,
    ),
    "logaddexp2": Row(
        st.tuples(reals(1000.0), reals(30.0, 0.01)),
        log_add_exp2,
        (lambda a, b: 1 / (1 + mpf(2) ** (b - a)), lambda a, b: 1 / (1 + mpf(2) ** (a - b))),
        scale=lambda a, b: max(abs(a), abs(b)) / abs(log_add_exp2(a, b)),
        partial_scales=lambda a, b: [abs(a - b)] * 2,
    ),
    "softsign": unary(within(1e150), lambda x: x / (1 + abs(x)), lambda x: 1 / (1 + abs(x)) ** 2),
    "exp": unary(within(745.0), mp.exp, mp.exp),
    "expm1": unary(within(745.0), mp.expm1, mp.exp),
    "exp2": unary(within(1074.0), lambda x: mpf(2) ** x, lambda x: LN2() * mpf(2) ** x),
    "log": unary(POSITIVE | around(1.0, 0.0, 9.0), mp.log, lambda x: 1 / x),
    "log1p": unary(POSITIVE | around(1.0, -1.0, 9.0), mp.log1p, lambda x: 1 / (1 + x)),
    "log2": unary(POSITIVE | around(1.0, 0.0, 9.0), lambda x: mp.log(x) / LN2(), lambda x: 1 / x / LN2()),
    "log10": unary(POSITIVE | around(1.0, 0.0, 9.0), mp.log10, lambda x: 1 / x / LN10()),
    "sqrt": unary(POSITIVE, mp.sqrt, lambda x: 1 / (2 * mp.sqrt(x))),
    "cbrt": unary(NONZERO, lambda x: mp.sign(x) * mp.cbrt(abs(x)), lambda x: mp.cbrt(abs(x)) / abs(x) / 3),
    "sin": unary(ANY | around(math.pi, -9.0, 9.0), mp.sin, mp.cos),
    "cos": unary(ANY | around(math.pi / 2, -9.0, 9.0), mp.cos, lambda x: -mp.sin(x)),
    "tan": unary(ANY | around(math.pi / 2, -9.0, 9.0), mp.tan, lambda x: 1 + mp.tan(x) ** 2),
    "asin": unary(around(1.0, -1.0, 1.0), mp.asin, lambda x: 1 / mp.sqrt(1 - x * x)),
    "acos": unary(around(1.0, -1.0, 1.0), mp.acos, lambda x: -1 / mp.sqrt(1 - x * x)),
    "atan": unary(ANY, mp.atan, lambda x: 1 / (1 + x * x)),
    "atan2": Row(
        TWO.filter(any).map(lambda point: tuple(x + 0.0 for x in point)),  # mpmath has no -0.0; see test_ieee
        mp.atan2,
        (lambda y, x: x / (x * x + y * y), lambda y, x: -y / (x * x + y * y)),
    ),
    "sinh": unary(within(710.0), mp.sinh, mp.cosh),
    "cosh": unary(within(710.0), mp.cosh, mp.sinh),
    "tanh": unary(within(354.0), mp.tanh, lambda x: 1 / mp.cosh(x) ** 2),
    "asinh": unary(ANY, mp.asinh, lambda x: 1 / mp.sqrt(1 + x * x)),
    "acosh": unary(
        st.tuples(magnitudes(1 + 2.0**-52, LARGEST)) | around(1.0, 1.0, 9.0), mp.acosh, lambda x: 1 / mp.sqrt(x * x - 1)
    ),
    "atanh": unary(around(1.0, -1.0, 1.0), mp.atanh, lambda x: 1 / (1 - x * x)),
    "gaussian": unary(within(26.6), lambda x: mp.exp(-x * x), lambda x: -2 * x * mp.exp(-x * x)),
    "sech2": unary(within(350.0), lambda x: mp.sech(x) ** 2, lambda x: -2 * mp.tanh(x) * mp.sech(x) ** 2),
    "erf": unary(within(28.0), mp.erf, lambda x: 2 * mp.exp(-x * x) / ROOT_PI()),
    "erfc": unary(within(26.5), mp.erfc, lambda x: -2 * mp.exp(-x * x) / ROOT_PI()),
    "sigmoid": unary(within(708.0), lambda x: 1 / (1 + mp.exp(-x)), lambda x: 1 / (2 + 2 * mp.cosh(x))),
    "softplus": unary(within(708.0), lambda x: log_add_exp([mpf(0), x]), lambda x: 1 / (1 + mp.exp(-x))),
    "relu": unary(ANY, lambda x: max(x, mpf(0)), lambda x: mpf(x > 0)),
    "minimum": Row(TIES, min, (lambda a, b: step(b - a), lambda a, b: step(a - b))),
    "maximum": Row(TIES, max, (lambda a, b: step(a - b), lambda a, b: step(b - a))),
    "sign": Row(ANY, mp.sign, (None,)),
    "heaviside": Row(
        TWO | reals().map(lambda h: (0.0, h)),
        lambda x, h: h if x == 0 else step(x),
        (None, lambda x, h: mpf(x == 0)),
    ),
    "where": Row(
        st.tuples(st.sampled_from([0.0, 1.0, -3.0]), reals(), reals()),
        lambda c, a, b: a if c != 0 else b,
        (None, lambda c, a, b: mpf(c != 0), lambda c, a, b: mpf(c == 0)),
    ),
    # math.fsum rounds the exact sum once, so there is no allowance for cancellation.
    "sum": Row(st.tuples(vectors(1, 8)), mp.fsum, (lambda xs: [mpf(1)] * len(xs),)),
    # Each product is rounded before the sum, so the error is relative to Σ |w x|, not to a sum that cancels.
    "dot": Row(
        st.builds(weighted, vectors(0, 8), vectors(0, 8), reals(4.0, 1e-9)),
        lambda ws, xs, b: mp.fdot(ws, xs) + b,
        (lambda ws, xs, b: xs, lambda ws, xs, b: ws, lambda ws, xs, b: mpf(1)),
        scale=lambda ws, xs, b: (mp.fdot(map(abs, ws), map(abs, xs)) + abs(b)) / abs(mp.fdot(ws, xs) + b),
    ),
    "prod": Row(st.tuples(vectors(1, 3)), mp.fprod, (others,)),  # two roundings; longer products in test_compositions
    "hypot": Row(TWO.filter(any), length, (lambda x, y: x / length(x, y), lambda x, y: y / length(x, y))),
    "norm": Row(
        st.tuples(vectors(1, 8).filter(any)), lambda xs: length(*xs), (lambda xs: [x / length(*xs) for x in xs],)
    ),
    # The value has its textbook condition number, Σ p |x| / |out|, which is above 1 only near its zero. A partial is
    # exp(x - out), whose exponent is rounded, so its error is relative to |x - out|.
    "logsumexp": Row(
        st.tuples(st.lists(reals(1000.0) | reals(30.0, 0.01), min_size=1, max_size=8)),
        log_add_exp,
        (lambda xs: [mp.exp(x - log_add_exp(xs)) for x in xs],),
        scale=lambda xs: mp.fsum(abs(x) * mp.exp(x - log_add_exp(xs)) for x in xs) / abs(log_add_exp(xs)),
        partial_scales=lambda xs: [log_add_exp(xs) - x for x in xs],
    ),
}


# Points whose values or partials are at the edges of range, or whose parts are beyond it; the others draw such, too.


def at_the_edge(*ends: tuple[float, float]) -> st.SearchStrategy[tuple[float]]:
    return st.tuples(st.one_of(*[st.floats(low, high) for low, high in ends]))


def powers_at_the_edge() -> st.SearchStrategy[tuple[float, float]]:
    """Bases and exponents b, whole or fractional, whose b-th or (b-1)-th power is about 2^-1022 or 2^1024."""

    def point(target: float, b: float, less: int, negative: bool) -> tuple[float, float]:
        a = 2.0 ** min(max(target / (b - less or 1.0), -1000.0), 1000.0)
        return (-a if negative and b == int(b) else a), b

    exponents = st.integers(-60, 60).map(float) | st.integers(-9999, 9999).map(lambda k: k / 1024)
    targets = st.integers(-160, 160).map(lambda k: math.copysign(1022 + abs(k) / 32, k))
    return st.builds(point, targets, exponents.filter(bool), st.integers(0, 1), st.booleans())


EDGES = {
    "pow": powers_at_the_edge(),
    "exp": at_the_edge((700, 709.7), (-708.4, -700)),
    "expm1": at_the_edge((700, 709.7), (-708.4, -700)),
    "exp2": at_the_edge((1000, 1023.9), (-1022, -1000)),
    "sinh": at_the_edge((700, 710.4), (-710.4, -700)),
    "cosh": at_the_edge((700, 710.4), (-710.4, -700)),
    "sigmoid": at_the_edge((-708.3, -690), (690, 708.3)),
    "softplus": at_the_edge((-708.3, -690), (690, 708.3)),
    "gaussian": at_the_edge((26.0, 26.6), (-26.6, -26.0)),
    "erfc": at_the_edge((26.0, 26.5)),
    "erf": at_the_edge((26.0, 26.6)),
    "tanh": at_the_edge((340, 354)),
    "sech2": at_the_edge((340, 354)),
    "xlogy": st.tuples(reals(1e304, 1e-304), magnitudes(SMALLEST_NORMAL, LARGEST)),
}
