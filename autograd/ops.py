"""Every primitive: its value on floats and its partial derivatives, which run on both floats and Values.

A partial is a function of (out, *arguments). If the textbook formula would lose digits, another one
is used, so that a derivative is as exact as a value. The derivatives chosen at kinks are listed in the
docstring of the package.
"""

# The rules use primitives that are defined further down. mypy cannot infer their types inside a decorator.
# mypy: disable-error-code="has-type"

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .node import Node
from .primitive import NOT_TAKEN, REALS, Primitive, primitive
from .special import corrected


class Choice(NamedTuple):
    """What the rule of a choice returns while jit traces a function, and nobody knows yet what is taken.

    Attributes:
        condition: a traced number, true where it is not 0.
        when: whether the argument is taken where the condition is true; otherwise, where it is false.
        partial: the partial of the argument where it is taken.
    """

    condition: Node
    when: bool
    partial: Any = 1.0


def _unless(untaken: Any, partial: Any = 1.0) -> Any:
    """The partial of an argument, or NOT_TAKEN, so that nothing is passed back to it.

    0 would not do: 0 times the infinite derivative of what was not taken is nan.
    """
    if isinstance(untaken, Node):
        return Choice(untaken, False, partial)
    return NOT_TAKEN if untaken else partial


def _if(condition: Any, when: bool) -> Any:
    """The partial 1, or NOT_TAKEN if the truth of the condition is not as said."""
    known = condition != 0
    if isinstance(known, Node):
        return Choice(condition, when)
    return 1.0 if bool(known) is when else NOT_TAKEN


# Arithmetic


@primitive(lambda out, a, b: 1.0, lambda out, a, b: 1.0, symbol="+", native="fadd")
def add(a: float, b: float) -> float:
    """a + b."""
    return a + b


@primitive(lambda out, a, b: 1.0, lambda out, a, b: -1.0, symbol="−", native="fsub")
def sub(a: float, b: float) -> float:
    """a - b."""
    return a - b


@primitive(lambda out, a, b: b, lambda out, a, b: a, symbol="×", native="fmul")
def mul(a: float, b: float) -> float:
    """a * b."""
    return a * b


@primitive(lambda out, a, b: div(1.0, b), lambda out, a, b: div(-out, b), symbol="÷", native="fdiv")
def div(a: float, b: float) -> float:
    """a / b; a / 0 is inf or nan, as IEEE 754 defines it."""
    return a / b


@primitive(lambda out, x: -1.0, symbol="−", native="fneg")
def neg(x: float) -> float:
    """-x."""
    return -x


def _base_partial(out: Any, a: Any, b: Any) -> Any:
    """b a^(b-1). At b = 0 it is 0, as a^0 is constant, even at a = 0, where the formula gives 0 · inf.

    The power alone may be subnormal or infinite where the product is not. Then it is the product of two roots.
    """
    if type(b) is float and b == 0:
        return NOT_TAKEN
    power = pow(a if type(b) is float else where(b == 0, 1.0, a), b - 1)
    slope = b * power
    if _is_normal(a) and not _is_normal(power):
        root = pow(abs(a), 0.5 * (b - 1))
        slope = b * root * root * copysign(1.0, power)
    if type(b) is float:
        return slope
    # At b = 0 it is b / a, which has the same derivatives and is 0 where a^-1 is infinite.
    return where(b == 0, b / where(b == 0, where(abs(a) > 0, a, 1.0), 1.0), slope)


def _exponent_partial(out: Any, a: Any, b: Any) -> Any:
    """a^b ln a, and 0 at a = 0 for b >= 0; with two roots in place of a^b where that is subnormal or infinite."""
    logarithm = log(where(a == 0, where(b < 0, 0.0, 1.0), a))
    if _is_normal(out) or not _is_normal(a):
        return out * logarithm
    root = pow(a, 0.5 * b)
    return root * logarithm * root


def _is_normal(x: Any) -> bool:
    """Whether x is neither subnormal nor infinite. A traced number, which is not known yet, is taken for normal."""
    above = x > -(2.0**-1022)
    if isinstance(above, Node):
        return True
    return not (above and x < 2.0**-1022) and x != math.inf and x != -math.inf


@primitive(
    _base_partial,
    _exponent_partial,
    symbol="^",
    ieee=np.power,
    domain=[(0, math.inf), REALS],
)
def pow(a: float, b: float) -> float:
    """a to the power b; nan for a negative base with a fractional exponent.

    >>> pow(2.0, 10.0)
    1024.0
    """
    return math.pow(a, b)


@primitive(lambda out, x: sign(x), symbol="|x|", native="llvm.fabs")
def abs(x: float) -> float:
    """The absolute value of x; derivative 0 at 0."""
    return math.fabs(x)


# Remainders and rounding. What is rounded has the derivative 0, also where it jumps, and passes nothing back.


def _floor_divide(a: Any, b: Any) -> Any:
    """floor_divide as a formula: the quotient without the remainder is a whole number but for its rounding."""
    rest = fmod(a, b)
    quotient = (a - rest) / b
    quotient = where(rest != 0, where((rest < 0) != (b < 0), quotient - 1, quotient), quotient)
    whole = floor(quotient)
    whole = where(quotient - whole > 0.5, whole + 1, whole)
    return where(b == 0, a / b, where(quotient == 0, copysign(0.0, a / b), whole))


def _mod(a: Any, b: Any) -> Any:
    rest = fmod(a, b)
    return where(rest == 0, copysign(0.0, b), where((rest < 0) != (b < 0), rest + b, rest))


@primitive(None, None, symbol="//", native=_floor_divide, ieee=np.floor_divide)
def floor_divide(a: float, b: float) -> float:
    """a // b: the quotient rounded down; inf or nan for b = 0, as NumPy's floor_divide; derivatives 0.

    >>> floor_divide(7.0, -2.0)
    -4.0
    """
    return a // b


@primitive(
    lambda out, a, b: 1.0, lambda out, a, b: -floor_divide(a, b), symbol="%", native=_mod, ieee=np.mod,
    domain=[REALS, (0, math.inf)],
)  # fmt: skip
def mod(a: float, b: float) -> float:
    """a % b, which has the sign of b; nan for b = 0. NumPy calls it mod or remainder.

    >>> mod(7.0, -2.0)
    -1.0
    """
    return a % b


@primitive(
    lambda out, a, b: 1.0, lambda out, a, b: -rint((a - out) / b), native="fmod", ieee=np.fmod,
    domain=[REALS, (0, math.inf)],
)  # fmt: skip
def fmod(a: float, b: float) -> float:
    """The remainder of a / b that has the sign of a, as math.fmod and np.fmod; nan for b = 0.

    >>> fmod(7.0, -2.0), fmod(-7.0, 2.0)
    (1.0, -1.0)
    """
    return math.fmod(a, b)


def _remainder_or_nan(a: Any, b: Any) -> float:
    """math.remainder, but nan where it raises. NumPy's function of this name is another."""
    return math.nan if b == 0 or math.isinf(a) or a != a or b != b else math.remainder(a, b)


@primitive(
    lambda out, a, b: 1.0, lambda out, a, b: -rint((a - out) / b), native="remainder", ieee=_remainder_or_nan,
    domain=[REALS, (0, math.inf)],
)  # fmt: skip
def remainder(a: float, b: float) -> float:
    """a minus b times the whole number nearest to a / b, as math.remainder; nan for b = 0.

    NumPy's remainder is `mod`.

    >>> remainder(7.0, 4.0), remainder(5.0, 4.0)
    (-1.0, 1.0)
    """
    return math.remainder(a, b)


@primitive(None, native="llvm.floor")
def floor(x: float) -> float:
    """The largest whole number that is at most x, as a float; derivative 0.

    >>> floor(-2.5)
    -3.0
    """
    return float(np.floor(x))


@primitive(None, native="llvm.ceil")
def ceil(x: float) -> float:
    """The smallest whole number that is at least x, as a float; derivative 0.

    >>> ceil(2.5)
    3.0
    """
    return float(np.ceil(x))


@primitive(None, native="llvm.trunc")
def trunc(x: float) -> float:
    """x without its fraction; derivative 0.

    >>> trunc(-2.5)
    -2.0
    """
    return float(np.trunc(x))


@primitive(None, native="llvm.rint")
def rint(x: float) -> float:
    """The whole number nearest to x, the even one of two; derivative 0.

    >>> rint(2.5), rint(3.5)
    (2.0, 4.0)
    """
    return float(np.rint(x))


@primitive(lambda out, x, y: sign(x) * copysign(1.0, y), None, native="llvm.copysign")
def copysign(x: float, y: float) -> float:
    """|x| with the sign of y; derivative 0 at x = 0, and with respect to y.

    >>> copysign(3.0, -0.0)
    -3.0
    """
    return math.copysign(x, y)


@primitive(lambda out, x: math.pi / 180, native=lambda x: x * (math.pi / 180))
def deg2rad(x: float) -> float:
    """An angle in degrees, in radians. NumPy calls it radians too.

    >>> deg2rad(180.0)
    3.141592653589793
    """
    return math.radians(x)


@primitive(lambda out, x: 180 / math.pi, native=lambda x: x * (180 / math.pi))
def rad2deg(x: float) -> float:
    """An angle in radians, in degrees. NumPy calls it degrees too.

    >>> rad2deg(math.pi)
    180.0
    """
    return math.degrees(x)


# Exponentials and logarithms


@primitive(lambda out, x: out, ieee=np.exp)
def exp(x: float) -> float:
    """e to the power x.

    >>> exp(1.0)
    2.718281828459045
    """
    return math.exp(x)


@primitive(lambda out, x: exp(x), ieee=np.expm1)
def expm1(x: float) -> float:
    """exp(x) - 1, exact near 0.

    >>> expm1(1e-20)
    1e-20
    """
    return math.expm1(x)


@primitive(lambda out, x: out * math.log(2), ieee=np.exp2)
def exp2(x: float) -> float:
    """2 to the power x.

    >>> exp2(10.0)
    1024.0
    """
    return math.pow(2.0, x)


@primitive(lambda out, x: 1 / x, ieee=np.log, domain=(0, math.inf))
def log(x: float) -> float:
    """The natural logarithm of x; -inf at 0, nan below.

    >>> log(10.0)
    2.302585092994046
    """
    return math.log(x)


@primitive(lambda out, x: 1 / (1 + x), ieee=np.log1p, domain=(-1, math.inf))
def log1p(x: float) -> float:
    """log(1 + x), exact near 0.

    >>> log1p(1e-20)
    1e-20
    """
    return math.log1p(x)


@primitive(lambda out, x: (1 / math.log(2)) / x, ieee=np.log2, domain=(0, math.inf))
def log2(x: float) -> float:
    """The logarithm of x to base 2.

    >>> log2(1024.0)
    10.0
    """
    return math.log2(x)


@primitive(lambda out, x: (1 / math.log(10)) / x, ieee=np.log10, domain=(0, math.inf))
def log10(x: float) -> float:
    """The logarithm of x to base 10.

    >>> log10(1000.0)
    3.0
    """
    return math.log10(x)


def _xlogy_by_x(logarithm: Any, x: Any, y: Any, at: float) -> Any:
    """The logarithm; 0 where it meets x = 0 at or below the end `at` of its domain, as in PyTorch."""
    return where(x == 0, where(y <= at, 0.0, logarithm), logarithm)


def _xlogy_by_y(quotient: Any, x: Any, y: Any, at: float) -> Any:
    return where(y == at, where(x == 0, 0.0, quotient), quotient)


@primitive(
    lambda out, x, y: _xlogy_by_x(log(y), x, y, 0.0),
    lambda out, x, y: _xlogy_by_y(div(x, y), x, y, 0.0),
    native=lambda x, y: where(x == 0, where(y == y, 0.0, y), x * log(y)),
    ieee=lambda x, y: x * np.log(y),
    domain=[REALS, (0, math.inf)],
)
def xlogy(x: float, y: float) -> float:
    """x log(y), but 0 where x is 0, even for y = 0.

    >>> xlogy(0.0, 0.0), xlogy(2.0, 1.0)
    (0.0, 0.0)
    """
    return 0.0 if x == 0 and y == y else x * math.log(y)


@primitive(
    lambda out, x, y: _xlogy_by_x(log1p(y), x, y, -1.0),
    lambda out, x, y: _xlogy_by_y(div(x, 1 + y), x, y, -1.0),
    native=lambda x, y: where(x == 0, where(y == y, 0.0, y), x * log1p(y)),
    ieee=lambda x, y: x * np.log1p(y),
    domain=[REALS, (-1, math.inf)],
)
def xlog1py(x: float, y: float) -> float:
    """x log(1 + y), exact near y = 0, but 0 where x is 0, even for y = -1.

    >>> xlog1py(0.0, -1.0), xlog1py(2.0, 0.0)
    (0.0, 0.0)
    """
    return 0.0 if x == 0 and y == y else x * math.log1p(y)


@primitive(lambda out, x: 0.5 / out, native="llvm.sqrt", ieee=np.sqrt, domain=(0, math.inf))
def sqrt(x: float) -> float:
    """The square root of x; derivative inf at 0, nan below.

    >>> sqrt(2.0)
    1.4142135623730951
    """
    return math.sqrt(x)


@primitive(lambda out, x: 1 / (3 * out * out))
def cbrt(x: float) -> float:
    """The real cube root of x, negative for negative x; derivative inf at 0.

    >>> cbrt(-27.0)
    -3.0
    """
    return corrected.cbrt(x)


# Trigonometric and hyperbolic functions, and their inverses


@primitive(lambda out, x: cos(x), ieee=np.sin)
def sin(x: float) -> float:
    """The sine of x, in radians.

    >>> sin(1.0)
    0.8414709848078965
    """
    return math.sin(x)


@primitive(lambda out, x: -sin(x), ieee=np.cos)
def cos(x: float) -> float:
    """The cosine of x, in radians.

    >>> cos(1.0)
    0.5403023058681398
    """
    return math.cos(x)


@primitive(lambda out, x: 1 + out * out, ieee=np.tan)
def tan(x: float) -> float:
    """The tangent of x, in radians.

    >>> round(tan(1.0), 12)
    1.557407724655
    """
    return math.tan(x)


# The derivative of (1 - x) (1 + x) by the rules of its parts is a difference, which loses digits near 0.
@primitive(lambda out, x: -2 * x, symbol="1−x²", native=lambda x: (1 - x) * (1 + x), domain=(-1, 1))
def one_minus_square(x: float) -> float:
    """1 - x², exact near ±1.

    >>> one_minus_square(0.5)
    0.75
    """
    return (1 - x) * (1 + x)


@primitive(lambda out, x: 1 / sqrt(one_minus_square(x)), ieee=np.arcsin, domain=(-1, 1))
def asin(x: float) -> float:
    """The angle in [-π/2, π/2] whose sine is x; nan beyond ±1.

    >>> asin(1.0)
    1.5707963267948966
    """
    return math.asin(x)


@primitive(lambda out, x: -1 / sqrt(one_minus_square(x)), ieee=np.arccos, domain=(-1, 1))
def acos(x: float) -> float:
    """The angle in [0, π] whose cosine is x; nan beyond ±1.

    >>> acos(-1.0)
    3.141592653589793
    """
    return math.acos(x)


@primitive(lambda out, x: 1 / hypot(x, 1.0) / hypot(x, 1.0))
def atan(x: float) -> float:
    """The angle in (-π/2, π/2) whose tangent is x.

    >>> atan(1.0)
    0.7853981633974483
    """
    return math.atan(x)


@primitive(
    lambda out, y, x: x / hypot(x, y) / hypot(x, y),
    lambda out, y, x: -y / hypot(x, y) / hypot(x, y),
)
def atan2(y: float, x: float) -> float:
    """The angle in [-π, π] of the point (x, y); derivatives nan at the origin.

    >>> atan2(1.0, -1.0)
    2.356194490192345
    """
    return math.atan2(y, x)


@primitive(lambda out, x: cosh(x), ieee=np.sinh)
def sinh(x: float) -> float:
    """The hyperbolic sine of x.

    >>> sinh(1.0)
    1.1752011936438014
    """
    return math.sinh(x)


@primitive(lambda out, x: sinh(x), ieee=np.cosh)
def cosh(x: float) -> float:
    """The hyperbolic cosine of x.

    >>> cosh(0.0)
    1.0
    """
    return math.cosh(x)


@primitive(lambda out, x: -2 * tanh(x) * out, symbol="sech²")
def sech2(x: float) -> float:
    """1 / cosh²(x), the derivative of tanh.

    >>> sech2(0.0)
    1.0
    """
    return corrected.sech2(x)


# The textbook derivative 1 - tanh² loses digits where tanh is near 1.
@primitive(lambda out, x: sech2(x), steepest=1.0)
def tanh(x: float) -> float:
    """The hyperbolic tangent of x.

    >>> round(tanh(0.5), 12)
    0.46211715726
    """
    return math.tanh(x)


@primitive(lambda out, x: 1 / hypot(x, 1.0))
def asinh(x: float) -> float:
    """The number whose hyperbolic sine is x.

    >>> asinh(0.0)
    0.0
    """
    return math.asinh(x)


@primitive(lambda out, x: 1 / (sqrt(x - 1) * sqrt(x + 1)), ieee=np.arccosh, domain=(1, math.inf))
def acosh(x: float) -> float:
    """The number of 0 or more whose hyperbolic cosine is x; nan below 1.

    >>> acosh(1.0)
    0.0
    """
    return math.acosh(x)


@primitive(lambda out, x: 1 / one_minus_square(x), ieee=np.arctanh, domain=(-1, 1))
def atanh(x: float) -> float:
    """The number whose hyperbolic tangent is x; ±inf at ±1, nan beyond.

    >>> atanh(0.0)
    0.0
    """
    return math.atanh(x)


# The error function and the functions of neural networks


@primitive(lambda out, x: -2 * where(out == 0, 0.0, x) * out)  # 0 at infinity, not inf · 0
def gaussian(x: float) -> float:
    """exp(-x²), exact where x² is large.

    >>> gaussian(0.0)
    1.0
    """
    return corrected.gaussian(x)


@primitive(lambda out, x: 2 / math.sqrt(math.pi) * gaussian(x))
def erf(x: float) -> float:
    """The error function: 2/√π times the integral of exp(-t²) from 0 to x.

    >>> erf(0.0)
    0.0
    """
    return math.erf(x)


@primitive(lambda out, x: -2 / math.sqrt(math.pi) * gaussian(x))
def erfc(x: float) -> float:
    """1 - erf(x), exact where erf(x) is near 1.

    >>> erfc(0.0)
    1.0
    """
    return corrected.erfc(x)


# The textbook derivative s (1 - s) loses digits where s is near 1.
@primitive(lambda out, x: 0.25 * sech2(0.5 * x), symbol="σ", steepest=0.25)
def sigmoid(x: float) -> float:
    """The logistic function 1 / (1 + exp(-x)).

    >>> sigmoid(0.0), sigmoid(1000.0), sigmoid(-1000.0)
    (0.5, 1.0, 0.0)
    """
    return math.exp(x) if x < -700 else 1 / (1 + math.exp(-x))


@primitive(lambda out, x: sigmoid(x))
def softplus(x: float) -> float:
    """log(1 + exp(x)), a smooth relu.

    >>> softplus(1000.0), softplus(-1000.0)
    (1000.0, 0.0)
    """
    return (x if x > 0 else 0.0) + math.log1p(math.exp(-math.fabs(x))) if x == x else x


def _logaddexp(a: Any, b: Any) -> Any:
    top = maximum(a, b)
    return top + log1p(exp(-abs(where(a == b, 0.0, a - b))))


def _logaddexp2(a: Any, b: Any) -> Any:
    top = maximum(a, b)
    return top + log1p(exp2(-abs(where(a == b, 0.0, a - b)))) * (1 / math.log(2))


@primitive(
    lambda out, a, b: sigmoid(where(a == b, 0.0, a - b)), lambda out, a, b: sigmoid(where(a == b, 0.0, b - a)),
    native=_logaddexp,
)  # fmt: skip
def logaddexp(a: float, b: float) -> float:
    """log(exp(a) + exp(b)), without overflow.

    >>> logaddexp(1000.0, 1000.0)
    1000.6931471805599
    """
    distance = 0.0 if a == b else math.fabs(a - b)  # equal infinities have the difference nan
    return (a if a > b else b) + math.log1p(math.exp(-distance))


@primitive(
    lambda out, a, b: sigmoid(math.log(2) * where(a == b, 0.0, a - b)),
    lambda out, a, b: sigmoid(math.log(2) * where(a == b, 0.0, b - a)),
    native=_logaddexp2,
)
def logaddexp2(a: float, b: float) -> float:
    """The logarithm to base 2 of 2^a + 2^b, without overflow.

    >>> logaddexp2(1000.0, 1000.0)
    1001.0
    """
    distance = 0.0 if a == b else math.fabs(a - b)
    return (a if a > b else b) + math.log1p(math.pow(2.0, -distance)) * (1 / math.log(2))


# The rules of the parts, 1 / (1 + |x|) - |x| / (1 + |x|)², lose digits for large x.
@primitive(
    lambda out, x: 1 / (1 + abs(x)) / (1 + abs(x)),
    native=lambda x: where(abs(x) == math.inf, sign(x), x / (1 + abs(x))),
)
def softsign(x: float) -> float:
    """x / (1 + |x|).

    >>> softsign(3.0)
    0.75
    """
    return math.copysign(1.0, x) if math.isinf(x) else x / (1 + math.fabs(x))


@primitive(lambda out, x: _unless(x <= 0), symbol="ReLU", steepest=1.0)
def relu(x: float) -> float:
    """The larger of x and 0; derivative 0 at 0.

    >>> relu(2.0), relu(-2.0)
    (2.0, 0.0)
    """
    return 0.0 if x <= 0 else x


# Comparison and choice


@primitive(
    lambda out, a, b: _unless(a > b, where(a == b, 0.5, 1.0)),
    lambda out, a, b: _unless(b > a, where(a == b, 0.5, 1.0)),
    symbol="min",
)
def minimum(a: float, b: float) -> float:
    """The smaller of a and b, nan if either is; equal arguments share the derivative.

    >>> minimum(2.0, 3.0)
    2.0
    """
    return a if a <= b or a != a else b


@primitive(
    lambda out, a, b: _unless(a < b, where(a == b, 0.5, 1.0)),
    lambda out, a, b: _unless(b < a, where(a == b, 0.5, 1.0)),
    symbol="max",
)
def maximum(a: float, b: float) -> float:
    """The larger of a and b, nan if either is; equal arguments share the derivative.

    >>> maximum(2.0, 3.0)
    3.0
    """
    return a if a >= b or a != a else b


@primitive(None)
def sign(x: float) -> float:
    """-1, 0 or 1 with the sign of x, nan for nan; derivative 0 everywhere.

    >>> sign(-3.0)
    -1.0
    """
    return 0.0 if x == 0 else x if x != x else math.copysign(1.0, x)


@primitive(None, lambda out, x, at_zero: _unless(x != 0), symbol="H")
def heaviside(x: float, at_zero: float = 0.5) -> float:
    """0 for negative x, 1 for positive x, `at_zero` at 0; derivative 0 with respect to x everywhere.

    >>> heaviside(-3.0), heaviside(0.0), heaviside(3.0)
    (0.0, 0.5, 1.0)
    """
    return at_zero if x == 0 else x if x != x else float(x > 0)


def check_condition(x: Any, what: str) -> None:
    """Raise TypeError if x is what Python makes of ~ and a bool: -2 or -1, which both count as true."""
    if type(x) is int and x in (-2, -1):
        raise TypeError(
            f"{what} a bool, a number or a Value, got {x}, which Python makes of ~{x == -2}. "
            "Write (x > 0) == 0 in place of ~(x > 0)"
        )


class _Where(Primitive):
    """The primitive `where`, which looks at its condition before it is a float like any other."""

    def apply(self, args: tuple[Any, ...]) -> Any:
        if type(args[0]) is int:
            check_condition(args[0], "the condition of where must be")
        return Primitive.apply(self, args)  # with super() a call takes a tenth longer


def _choice(function: Callable[..., float]) -> Primitive:
    partials = (
        None,
        lambda out, condition, a, b: _if(condition, True),
        lambda out, condition, a, b: _if(condition, False),
    )
    return _Where(function, partials, "?")


@_choice
def where(condition: float, a: float, b: float) -> float:
    """a if condition is true (a bool, a number or a Value; nonzero is true), otherwise b.

    Both are computed before one is chosen. Nothing is passed back to the other one, not even the nan of 0 · inf.
    Python makes -2 and -1 of ~True and ~False, so these ints are refused as conditions.

    >>> where(2.0 > 1.0, 10.0, 20.0)
    10.0
    """
    return a if condition else b


# Many arguments, one node


def _add_up(xs: Sequence[float]) -> float:
    """The sum in order, rounded at each step: inf or nan where the sum that is rounded once does not exist."""
    return functools.reduce(operator.add, xs, 0.0)


@primitive(lambda out, xs: (1.0,) * len(xs), symbol="Σ", sequences=["xs"], ieee=_add_up)
def sum(xs: Sequence[float]) -> float:
    """The sum of xs, rounded once."""
    return math.fsum(xs)


@primitive(
    lambda out, ws, xs, bias: xs,
    lambda out, ws, xs, bias: ws,
    lambda out, ws, xs, bias: 1.0,
    symbol="·",
    sequences=["ws", "xs"],
    ieee=lambda ws, xs, bias: _add_up([*_products(ws, xs), bias]),
)
def dot(ws: Sequence[float], xs: Sequence[float], bias: float = 0.0) -> float:
    """The sum of the products of ws and xs, plus bias, the sum rounded once."""
    return math.fsum([*_products(ws, xs), bias])


def _products(ws: Sequence[float], xs: Sequence[float]) -> list[float]:
    check_lengths(ws, xs)
    return list(map(operator.mul, ws, xs))


def check_lengths(ws: Sequence[Any], xs: Sequence[Any]) -> None:
    """Raise ValueError unless ws and xs have the same length."""
    if len(ws) != len(xs):
        raise ValueError(f"dot(): ws and xs must have the same length, got {len(ws)} and {len(xs)} numbers")


def _products_of_others(out: Any, xs: Sequence[Any]) -> list[Any]:
    """For each item, the product of the others, without division, so that zeros are allowed."""
    after: list[Any] = [1.0]
    for x in reversed(xs):
        after.append(after[-1] * x)
    before: Any = 1.0
    result = []
    for k, x in enumerate(xs):
        result.append(before * after[len(xs) - 1 - k])
        before = before * x
    return result


@primitive(_products_of_others, symbol="Π", sequences=["xs"])
def prod(xs: Sequence[float]) -> float:
    """The product of xs; 1 if there are none.

    >>> prod([2.0, 3.0, 4.0])
    24.0
    """
    return math.prod(xs, start=1.0)


def _unless_zero(length: Any) -> Any:
    """length, but 1 in place of 0: at the origin, where x is 0, x / length becomes 0 / 1."""
    return where(length == 0, 1.0, length)


@primitive(lambda out, x, y: x / _unless_zero(out), lambda out, x, y: y / _unless_zero(out))
def hypot(x: float, y: float) -> float:
    """The length of the vector (x, y), without overflow; derivatives 0 at the origin.

    >>> hypot(3.0, 4.0)
    5.0
    """
    return math.hypot(x, y)


@primitive(lambda out, xs: [x / _unless_zero(out) for x in xs], symbol="‖x‖", sequences=["xs"])
def norm(xs: Sequence[float]) -> float:
    """The Euclidean length of xs, without overflow; derivatives 0 at the origin.

    >>> norm([2.0, 3.0, 6.0])
    7.0
    """
    return math.hypot(*xs)


def _softmax(out: Any, xs: Sequence[Any]) -> list[Any]:
    """exp(x - out) for each x, divided by their sum, which is 1 except for the rounding of out."""
    exps = [exp(x - out) for x in xs]
    total = sum(exps)
    return [e / total for e in exps]


@primitive(_softmax, symbol="LSE", sequences=["xs"])
def logsumexp(xs: Sequence[float]) -> float:
    """log(Σ exp(x)), without overflow; its partials are the softmax of xs.

    >>> logsumexp([1000.0, 1000.0])
    1000.6931471805599
    """
    if not xs:
        raise ValueError("logsumexp(): xs must hold at least one number, got an empty sequence")
    top = max(xs)
    if not math.isfinite(top):
        return top if not any(x != x for x in xs) else math.nan
    others = list(xs)
    others.remove(top)
    return top + math.log1p(math.fsum([math.exp(x - top) for x in others]))


degrees, radians = rad2deg, deg2rad  # NumPy's other names

if not TYPE_CHECKING:  # for type checkers every name without an underscore is public, with the same effect
    __all__ = [name for name, x in list(globals().items()) if isinstance(x, Primitive)]
