"""The operations of random graphs, each with its oracle: dual numbers in the arithmetic of a context of mpmath."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import mpmath

import autograd as ag


class Dual:
    """A number and its derivatives with respect to the inputs: forward mode, in the arithmetic of a context of mpmath.

    The context mp has 40 digits; fp computes in floats. `sizes` are what the derivatives would be if no two
    terms of opposite sign were ever added: rounding errors are relative to these.
    """

    def __init__(self, value: Any, slopes: Sequence[Any], sizes: Sequence[Any]) -> None:
        self.value, self.slopes, self.sizes = value, slopes, sizes


def combine(value: Any, *terms: tuple[Dual, Any]) -> Dual:
    """A function of numbers, from its value and its partial derivative with respect to each number."""
    if isinstance(value, (complex, mpmath.mpc)):
        raise ArithmeticError("outside the domain, by rounding")
    inputs = range(len(terms[0][0].slopes))
    slopes = [sum(d * x.slopes[k] for x, d in terms) for k in inputs]
    return Dual(value, slopes, [sum(abs(d) * x.sizes[k] for x, d in terms) for k in inputs])


class Operation(NamedTuple):
    """A part of graphs: a function with its number of arguments (0: it takes a sequence), and its oracle.

    The oracle takes the context, the engine's floats for the arguments, and the arguments. The floats
    choose the branch, so rounding cannot send engine and oracle down different ones.
    """

    name: str
    arity: int
    engine: Callable[..., Any]
    oracle: Callable[..., Dual]


def inverse_hyperbolic(c: Any, name: str, x: Any) -> Any:
    """asinh, acosh or atanh; mpmath before 1.4 lacks them for floats."""
    try:
        return getattr(math if c is mpmath.fp else c, name)(x)
    except ValueError:  # at or past the end of its domain
        return float(getattr(mpmath.mp, name)(x).real) if abs(x) != 1 else math.copysign(math.inf, x)


def smooth(name: str, value: Callable[[Any, Any], Any], slope: Callable[[Any, Any], Any]) -> Operation:
    """A function of one number, from its formula and that of its derivative in the context c."""
    return Operation(name, 1, getattr(ag, name), lambda c, f, x: combine(value(c, x.value), (x, slope(c, x.value))))


def less(a: Dual, b: Dual) -> Dual:
    return combine(a.value - b.value, (a, 1), (b, -1))


def exp(c: Any, x: Dual) -> Dual:
    return combine(c.exp(x.value), (x, c.exp(x.value)))


def power(c: Any, a: Dual, b: Dual) -> Dual:
    value = c.power(a.value, b.value)
    return combine(value, (a, b.value * value / a.value), (b, value * c.ln(a.value)))


def atan2(c: Any, y: Dual, x: Dual) -> Dual:
    square = x.value**2 + y.value**2
    return combine(c.atan2(y.value, x.value), (y, x.value / square), (x, -y.value / square))


def scaled(x: Dual, factor: Any) -> Dual:
    return combine(x.value * factor, (x, factor))


def constant(value: Any, x: Dual) -> Dual:
    return combine(value, (x, 0))


def total(xs: Sequence[Dual]) -> Dual:
    return combine(sum(x.value for x in xs), *[(x, 1) for x in xs])


def product(xs: Sequence[Dual]) -> Dual:
    values = [x.value for x in xs]
    return combine(math.prod(values), *[(x, math.prod(values[:k] + values[k + 1 :])) for k, x in enumerate(xs)])


def norm(c: Any, xs: Sequence[Dual]) -> Dual:
    length = c.sqrt(sum(x.value**2 for x in xs))
    return combine(length, *[(x, x.value / length if length else 0) for x in xs])


def logsumexp(c: Any, xs: Sequence[Dual]) -> Dual:
    values = [x.value for x in xs]
    top = max(values)
    weights = [c.exp(x - top) for x in values]
    rest = sum(c.exp(x - top) for k, x in enumerate(values) if k != values.index(top))
    return combine(top + c.log1p(rest), *[(x, w / sum(weights)) for x, w in zip(xs, weights)])


def log_softmax(c: Any, first: Dual, *others: Dual) -> Dual:
    weights = [c.exp(x.value - first.value) for x in others]
    rest = sum(weights) + c.mpf(0)
    spread = (first, 1 / (1 + rest)), (first, -1 / (1 + rest))  # the engine takes 1 less this weight
    return combine(
        -c.log1p(rest), (first, rest / (1 + rest)), *spread, *[(x, -w / (1 + rest)) for x, w in zip(others, weights)]
    )


def softmax(c: Any, *xs: Dual) -> Dual:
    logarithm = log_softmax(c, *xs)
    return combine(c.exp(logarithm.value), (logarithm, c.exp(logarithm.value)))


def shared(chosen: float, f: Sequence[float], xs: Sequence[Dual]) -> Dual:
    """The one of xs whose float is chosen; several of them share the derivative."""
    tied = [x for x, number in zip(xs, f) if number == chosen]
    return combine(tied[0].value, *[(x, 1 / mpmath.mpf(len(tied))) for x in tied])


OPERATIONS = [
    smooth("exp", lambda c, x: c.exp(x), lambda c, x: c.exp(x)),
    smooth("expm1", lambda c, x: c.expm1(x), lambda c, x: c.exp(x)),
    smooth("exp2", lambda c, x: c.power(2, x), lambda c, x: c.power(2, x) * c.ln(2)),
    smooth("log", lambda c, x: c.ln(x), lambda c, x: 1 / x),
    smooth("log1p", lambda c, x: c.log1p(x), lambda c, x: 1 / (1 + x)),
    smooth("log2", lambda c, x: c.ln(x) / c.ln(2), lambda c, x: 1 / (x * c.ln(2))),
    smooth("log10", lambda c, x: c.ln(x) / c.ln(10), lambda c, x: 1 / (x * c.ln(10))),
    smooth("sqrt", lambda c, x: c.sqrt(x), lambda c, x: 1 / (2 * c.sqrt(x))),
    smooth("cbrt", lambda c, x: c.sign(x) * c.cbrt(abs(x)), lambda c, x: 1 / (3 * c.cbrt(abs(x)) ** 2)),
    smooth("sin", lambda c, x: c.sin(x), lambda c, x: c.cos(x)),
    smooth("cos", lambda c, x: c.cos(x), lambda c, x: -c.sin(x)),
    smooth("tan", lambda c, x: c.tan(x), lambda c, x: 1 / c.cos(x) ** 2),
    smooth("asin", lambda c, x: c.asin(x), lambda c, x: 1 / c.sqrt((1 - x) * (1 + x))),
    smooth("acos", lambda c, x: c.acos(x), lambda c, x: -1 / c.sqrt((1 - x) * (1 + x))),
    smooth("atan", lambda c, x: c.atan(x), lambda c, x: 1 / (1 + x * x)),
    smooth("sinh", lambda c, x: c.sinh(x), lambda c, x: c.cosh(x)),
    smooth("cosh", lambda c, x: c.cosh(x), lambda c, x: c.sinh(x)),
    smooth("tanh", lambda c, x: c.tanh(x), lambda c, x: 1 / c.cosh(x) ** 2),
    smooth("asinh", lambda c, x: inverse_hyperbolic(c, "asinh", x), lambda c, x: 1 / c.sqrt(1 + x * x)),
    smooth("acosh", lambda c, x: inverse_hyperbolic(c, "acosh", x), lambda c, x: 1 / c.sqrt((x - 1) * (x + 1))),
    smooth("atanh", lambda c, x: inverse_hyperbolic(c, "atanh", x), lambda c, x: 1 / ((1 - x) * (1 + x))),
    smooth("erf", lambda c, x: c.erf(x), lambda c, x: 2 / c.sqrt(c.pi) * c.exp(-x * x)),
    smooth("erfc", lambda c, x: c.erfc(x), lambda c, x: -2 / c.sqrt(c.pi) * c.exp(-x * x)),
    smooth("gaussian", lambda c, x: c.exp(-x * x), lambda c, x: -2 * x * c.exp(-x * x)),
    smooth("sech2", lambda c, x: c.sech(x) ** 2, lambda c, x: -2 * c.tanh(x) * c.sech(x) ** 2),
    smooth("sigmoid", lambda c, x: 1 / (1 + c.exp(-x)), lambda c, x: 1 / (2 + 2 * c.cosh(x))),
    smooth("softplus", lambda c, x: c.log1p(c.exp(x)), lambda c, x: 1 / (1 + c.exp(-x))),
    smooth("silu", lambda c, x: x / (1 + c.exp(-x)), lambda c, x: (1 + (1 + x) * c.exp(-x)) / (1 + c.exp(-x)) ** 2),
    smooth(
        "gelu",
        lambda c, x: x * c.erfc(-x / c.sqrt(2)) / 2,
        lambda c, x: c.erfc(-x / c.sqrt(2)) / 2 + x * c.exp(-x * x / 2) / c.sqrt(2 * c.pi),
    ),
    Operation("neg", 1, ag.ops.neg, lambda c, f, x: scaled(x, -1)),
    Operation("add", 2, ag.ops.add, lambda c, f, a, b: total([a, b])),
    Operation("sub", 2, ag.ops.sub, lambda c, f, a, b: less(a, b)),
    Operation("mul", 2, ag.ops.mul, lambda c, f, a, b: product([a, b])),
    Operation(
        "div",
        2,
        ag.ops.div,
        lambda c, f, a, b: combine(a.value / b.value, (a, 1 / b.value), (b, -a.value / b.value**2)),
    ),
    Operation("pow", 2, lambda a, b: ag.pow(ag.exp(a), b), lambda c, f, a, b: power(c, exp(c, a), b)),
    Operation("cube", 1, lambda a: ag.pow(a, 3.0), lambda c, f, a: combine(a.value**3, (a, 3 * a.value**2))),
    Operation("atan2", 2, ag.atan2, lambda c, f, y, x: atan2(c, y, x)),
    Operation("hypot", 2, ag.hypot, lambda c, f, x, y: norm(c, [x, y])),
    Operation("abs", 1, ag.abs, lambda c, f, x: scaled(x, (f[0] > 0) - (f[0] < 0))),
    Operation("relu", 1, ag.relu, lambda c, f, x: scaled(x, int(f[0] > 0))),
    Operation("leaky_relu", 1, ag.leaky_relu, lambda c, f, x: scaled(x, 1 if f[0] > 0 else 0.01)),
    Operation("elu", 1, ag.elu, lambda c, f, x: x if f[0] > 0 else combine(c.expm1(x.value), (x, c.exp(x.value)))),
    Operation(
        "clip",
        1,
        lambda x: ag.clip(x, -1.5, 1.5),
        lambda c, f, x: x if abs(f[0]) <= 1.5 else constant(math.copysign(1.5, f[0]), x),
    ),
    Operation("sign", 1, ag.sign, lambda c, f, x: constant((f[0] > 0) - (f[0] < 0), x)),
    Operation("heaviside", 1, ag.heaviside, lambda c, f, x: constant((1 + (f[0] > 0) - (f[0] < 0)) / 2, x)),
    Operation("maximum", 2, ag.maximum, lambda c, f, *xs: shared(max(f), f, xs)),
    Operation("minimum", 2, ag.minimum, lambda c, f, *xs: shared(min(f), f, xs)),
    Operation("where", 4, lambda a, b, x, y: ag.where(a < b, x, y), lambda c, f, a, b, x, y: x if f[0] < f[1] else y),
    Operation("sum", 0, lambda *xs: ag.sum(xs), lambda c, f, *xs: total(xs)),
    Operation("mean", 0, lambda *xs: ag.mean(xs), lambda c, f, *xs: scaled(total(xs), c.mpf(1) / len(xs))),
    Operation("prod", 0, lambda *xs: ag.prod(xs), lambda c, f, *xs: product(xs)),
    Operation("norm", 0, lambda *xs: ag.norm(xs), lambda c, f, *xs: norm(c, xs)),
    Operation("logsumexp", 0, lambda *xs: ag.logsumexp(xs), lambda c, f, *xs: logsumexp(c, xs)),
    Operation("softmax", 0, lambda *xs: ag.softmax(xs)[0], lambda c, f, *xs: softmax(c, *xs)),
    Operation("log_softmax", 0, lambda *xs: ag.log_softmax(xs)[0], lambda c, f, *xs: log_softmax(c, *xs)),
    Operation(
        "dot",
        4,
        lambda a, b, x, y: ag.dot([a, b], [x, y], 0.5),
        lambda c, f, a, b, x, y: combine(
            a.value * x.value + b.value * y.value + 0.5, (a, x.value), (b, y.value), (x, a.value), (y, b.value)
        ),
    ),
]
