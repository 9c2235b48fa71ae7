"""Every primitive against mpmath at 50 digits: its value to 2 ulp and each partial derivative to 4 ulp."""

import math
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import mpmath
import pytest
from hypothesis import HealthCheck, assume, given, seed, settings, strategies as st
from mpmath import mp, mpf
from registry import PRIMITIVES

import autograd as ag
from autograd import ops

POINTS = 200
SMALLEST, SMALLEST_NORMAL, LARGEST = math.ulp(0.0), sys.float_info.min, sys.float_info.max
drawn = settings(
    derandomize=True, max_examples=POINTS, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


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


# The comparison


def flat(xs: Any) -> list[Any]:
    return [each for x in xs for each in (x if isinstance(x, (list, tuple)) else (x,))]


def is_in_range(exact: Any) -> bool:
    """Whether it is zero, or a number that a float holds with all of its 53 bits."""
    return bool(exact == 0 or SMALLEST_NORMAL <= abs(exact) <= LARGEST)


def ulps(got: float, exact: Any, scale: Any) -> float:
    """The error of got in units in the last place of the exact result, divided by `scale` if that is above 1."""
    if got == exact or mp.isnan(got) or mp.isnan(exact):
        return 0.0 if mp.isnan(got) == mp.isnan(exact) else math.inf
    return float(abs(mpf(got) - exact) / math.ulp(float(exact)) / max(1, scale)) if exact else math.inf


def errors(name: str, point: Any) -> tuple[float, list[float]]:
    """The error of the value and of each partial, in ulp, over the condition numbers. Skip points out of range."""
    row = ROWS[name]
    args = [list(map(mpf, x)) if isinstance(x, list) else mpf(x) for x in point]
    value = row.value(*args)
    partials = [ZERO() if f is None else f(*args) for f in row.partials]
    expected = flat(partials)
    assume(all(is_in_range(x) for x in [value, *expected] if not mp.isnan(x)))
    inputs = [tuple(map(ag.Value, x)) if isinstance(x, list) else ag.Value(x) for x in point]
    function = getattr(ag, name, None) or getattr(ops, name)  # the operators' primitives have no public name
    out = function(*inputs)
    assert function(*point) == out.data  # floats give the same number, as a float
    out.backward()
    found = [leaf.grad for leaf in flat(inputs)]
    scales = row.partial_scales(*args) if row.partial_scales else [1] * len(found)
    return ulps(out.data, value, row.scale(*args) if value else 1), list(map(ulps, found, expected, scales))


@pytest.fixture(autouse=True)
def _fifty_digits():
    with mpmath.workdps(50):
        yield


def test_every_row_is_of_a_primitive() -> None:
    """A primitive without a row is tested only by test_every_primitive.py, against finite differences."""
    primitives = {op.name: op for op in PRIMITIVES}
    assert len(ROWS) >= 46
    for name, row in ROWS.items():
        assert [f is None for f in row.partials] == [f is None for f in primitives[name].partials]


@pytest.mark.parametrize("name", ROWS)
def test_value_to_2_ulp_and_partials_to_4_ulp(name: str) -> None:
    seen = []

    @drawn
    @given(ROWS[name].points)
    def check(point: Any) -> None:
        value, partials = errors(name, point)
        assert value <= 2, f"{name}{point}: the value is {value:.1f} ulp off"
        assert max(partials, default=0) <= 4, f"{name}{point}: the partials are {partials} ulp off"
        seen.append(point)

    check()
    assert len(seen) >= POINTS


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
SEED = random.SystemRandom().randrange(2**31)  # fresh points in each run


@pytest.mark.parametrize("name", ROWS)
def test_the_same_on_fresh_points_also_at_the_edges_of_range(name: str) -> None:
    @seed(SEED)
    @settings(max_examples=POINTS, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(EDGES.get(name, ROWS[name].points))
    def check(point: Any) -> None:
        value, partials = errors(name, point)
        assert value <= 2, f"{name}{point}: the value is {value:.1f} ulp off (seed {SEED})"
        assert max(partials, default=0) <= 4, f"{name}{point}: the partials are {partials} ulp off (seed {SEED})"

    check()


@given(st.sampled_from([(2031616.0, -48.0), (659956037.8533365, -34.0), (8.67537400419798e-223, -0.3896484375)]))
def test_powers_of_which_a_part_is_subnormal(point: tuple[float, float]) -> None:
    with mpmath.workdps(50):
        assert max(errors("pow", point)[1]) <= 4


@pytest.mark.parametrize("name", ROWS)
def test_the_formulas_of_the_table_are_derivatives_of_its_values(name: str) -> None:
    """The oracle is checked by mpmath's numerical differentiation, at points where nothing has a kink."""
    row, takes_sequence = ROWS[name], getattr(ops, name).takes_sequence
    for numbers in (["0.7", "0.3", "-1.6"], ["0.3", "-1.6", "0.7"], ["-1.6", "0.7", "0.3"]):
        args = [list(map(mpf, numbers)) if many else mpf(x) for x, many in zip(numbers, takes_sequence)]
        if isinstance(row.value(*args), mpf):  # a complex number: outside the domain
            expected = flat([f(*args) if f else mpf(0) for f in row.partials])
            slopes = [mp.diff(partial(call_with, row.value, args, k), x) for k, x in enumerate(flat(args))]
            assert all(mp.isnan(e) or mp.almosteq(s, e, 1e-20, 1e-20) for s, e in zip(slopes, expected))


def call_with(function: Callable[..., Any], args: list[Any], k: int, x: Any) -> Any:
    """The function with x in place of the k-th number of its arguments, counting the items of sequences."""
    items = iter([*flat(args)[:k], x, *flat(args)[k + 1 :]])
    return function(*[[next(items) for _ in each] if isinstance(each, list) else next(items) for each in args])
