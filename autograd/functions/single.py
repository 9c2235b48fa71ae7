"""Functions of single numbers composed of primitives. They need no derivative rules of their own."""

from __future__ import annotations

from typing import Any

from .. import ops
from ..primitive import as_float
from ..special.normal import norm_cdf
from ..value import Value, number_of


def leaky_relu(x: Any, slope: float = 0.01) -> Any:
    """x if it is positive, otherwise slope times x; derivative `slope` at 0.

    >>> leaky_relu(-2.0)
    -0.02
    """
    require_numbers("leaky_relu", x, slope)
    return ops.where(x > 0, x, slope * x)


def elu(x: Any, alpha: float = 1.0) -> Any:
    """x if it is positive, otherwise alpha (exp(x) - 1); derivative `alpha` at 0.

    D.-A. Clevert, T. Unterthiner, S. Hochreiter, arXiv:1511.07289.

    >>> elu(1.0), elu(-1000.0)
    (1.0, -1.0)
    """
    require_numbers("elu", x, alpha)
    return ops.where(x > 0, x, alpha * ops.expm1(ops.where(x > 0, 0.0, x)))


def gelu(x: Any) -> Any:
    """x Φ(x), where Φ is the exact normal distribution function; D. Hendrycks, K. Gimpel, arXiv:1606.08415.

    >>> gelu(0.0)
    0.0
    """
    require_numbers("gelu", x)
    return x * norm_cdf(x)


def silu(x: Any) -> Any:
    """x sigmoid(x), also called swish.

    >>> silu(0.0)
    0.0
    """
    require_numbers("silu", x)
    return x * ops.sigmoid(x)


def softplus(x: Any, beta: float = 1.0) -> Any:
    """log(1 + exp(beta x)) / beta, a smooth relu; the larger beta, the sharper its bend.

    >>> softplus(1000.0), softplus(-1000.0), softplus(0.0, beta=1000.0) < 0.001
    (1000.0, 0.0, True)
    """
    require_numbers("softplus", x, beta)
    return ops.softplus(x) if type(beta) in (int, float) and beta == 1 else ops.softplus(beta * x) / beta


def log_sigmoid(x: Any) -> Any:
    """The logarithm of sigmoid(x), without overflow.

    >>> log_sigmoid(-1000.0), log_sigmoid(1000.0)
    (-1000.0, -0.0)
    """
    require_numbers("log_sigmoid", x)
    return -ops.softplus(-x)


def mish(x: Any) -> Any:
    """x tanh(softplus(x)); D. Misra, arXiv:1908.08681.

    >>> mish(0.0)
    0.0
    """
    require_numbers("mish", x)
    return x * ops.tanh(ops.softplus(x))


def hardtanh(x: Any, low: float = -1.0, high: float = 1.0) -> Any:
    """x, but at least `low` and at most `high`; derivative 0 where x equals either, as in PyTorch.

    >>> hardtanh(5.0), hardtanh(0.5)
    (1.0, 0.5)
    """
    require_numbers("hardtanh", x, low, high)
    return ops.where(x <= low, low, ops.where(x >= high, high, x))


def round(x: Any, digits: int = 0) -> Any:
    """x rounded to so many decimal digits as NumPy does it: rint(x · 10^digits) / 10^digits; derivative 0.

    >>> round(2.5), round(-1.2345, 2), round(1250.0, -2)
    (2.0, -1.23, 1200.0)
    """
    require_numbers("round", x)
    if digits == 0:
        return ops.rint(x)
    scale = 10.0 ** (digits if digits > 0 else -digits)
    return ops.rint(x * scale) / scale if digits > 0 else ops.rint(x / scale) * scale


def clip(x: Any, low: Any, high: Any) -> Any:
    """x, but at least `low` and at most `high`; derivative 1 where x equals either.

    Values as bounds are differentiated too: where a bound is the result, the derivative is the bound's.

    Raises:
        ValueError: if low is greater than high, or either is nan.

    >>> clip(5.0, 0.0, 1.0)
    1.0
    """
    require_numbers("clip", x, low, high)
    ordered = low <= high
    if not isinstance(ordered, Value) and not ordered:  # while jit traces it, it is a Value
        low, high = (number_of(x) for x in (low, high))
        raise ValueError(f"clip(): low must not be greater than high, got low={low} and high={high}")
    return ops.where(x < low, low, ops.where(x > high, high, x))


def require_numbers(name: str, *xs: Any) -> None:
    """Raise TypeError, naming the function, unless all are real numbers or Values."""
    for x in xs:
        if type(x) is not float and not isinstance(x, Value):
            as_float(x, name, "the argument of ")
