"""Functions composed of primitives. They need no derivative rules of their own."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from typing import Any

from . import ops
from .primitive import as_float, describe
from .value import Value


def leaky_relu(x: Any, slope: float = 0.01) -> Any:
    """x if it is positive, otherwise slope times x; derivative `slope` at 0.

    >>> leaky_relu(-2.0)
    -0.02
    """
    _require_numbers("leaky_relu", x, slope)
    return ops.where(x > 0, x, slope * x)


def elu(x: Any, alpha: float = 1.0) -> Any:
    """x if it is positive, otherwise alpha (exp(x) - 1); derivative `alpha` at 0.

    D.-A. Clevert, T. Unterthiner, S. Hochreiter, arXiv:1511.07289.

    >>> elu(1.0), elu(-1000.0)
    (1.0, -1.0)
    """
    _require_numbers("elu", x, alpha)
    return ops.where(x > 0, x, alpha * ops.expm1(ops.where(x > 0, 0.0, x)))


def gelu(x: Any) -> Any:
    """x Φ(x), where Φ is the exact normal distribution function; D. Hendrycks, K. Gimpel, arXiv:1606.08415.

    >>> gelu(0.0)
    0.0
    """
    _require_numbers("gelu", x)
    return 0.5 * x * ops.erfc(x * -math.sqrt(0.5))


def silu(x: Any) -> Any:
    """x sigmoid(x), also called swish.

    >>> silu(0.0)
    0.0
    """
    _require_numbers("silu", x)
    return x * ops.sigmoid(x)


def clip(x: Any, low: Any, high: Any) -> Any:
    """x, but at least `low` and at most `high`; derivative 1 where x equals either.

    Raises:
        ValueError: if low is greater than high, or either is nan.

    >>> clip(5.0, 0.0, 1.0)
    1.0
    """
    _require_numbers("clip", x, low, high)
    ordered = low <= high
    if not isinstance(ordered, Value) and not ordered:  # while jit traces it, it is a Value
        raise ValueError(f"clip(): low must not be greater than high, got low={float(low)} and high={float(high)}")
    return ops.where(x < low, low, ops.where(x > high, high, x))


def mean(xs: Iterable[Any]) -> Any:
    """The sum of xs divided by their number.

    Raises:
        ValueError: if xs is empty.

    >>> mean([1.0, 2.0, 6.0])
    3.0
    """
    numbers = _as_tuple(xs, "mean")
    return ops.sum(numbers) / len(numbers)


def softmax(xs: Iterable[Any]) -> list[Any]:
    """exp(x) / Σ exp(x) for each x, without overflow: positive numbers that sum to 1.

    Raises:
        ValueError: if xs is empty.

    >>> softmax([1000.0, 1000.0])
    [0.5, 0.5]
    """
    exps = [ops.exp(x) for x in _shift(xs, "softmax")]
    total = ops.sum(exps)
    return [e / total for e in exps]


def log_softmax(xs: Iterable[Any]) -> list[Any]:
    """The logarithms of softmax(xs), without overflow and without the rounding of the softmax.

    Raises:
        ValueError: if xs is empty.

    >>> log_softmax([0.0, -1000.0])
    [0.0, -1000.0]
    """
    shifted = _shift(xs, "log_softmax")
    total = ops.logsumexp(shifted)
    return [x - total for x in shifted]


def _as_tuple(xs: Iterable[Any], name: str) -> tuple[Any, ...]:
    """xs as a tuple, which must not be empty."""
    try:
        numbers = tuple(xs)
    except TypeError:
        raise TypeError(f"{name}(): xs must be a sequence of numbers and Values, got {describe(xs)}") from None
    if not numbers:
        raise ValueError(f"{name}(): xs must hold at least one number, got an empty sequence")
    _require_numbers(name, *numbers)
    return numbers


def _require_numbers(name: str, *xs: Any) -> None:
    """Raise TypeError, naming the function, unless all are real numbers or Values."""
    for x in xs:
        if type(x) is not float and not isinstance(x, Value):
            as_float(x, name)


def _shift(xs: Iterable[Any], name: str) -> list[Any]:
    """xs minus the largest of them, which is taken as a constant: a common shift does not change the softmax."""
    numbers = _as_tuple(xs, name)
    try:
        top: Any = max(map(float, numbers))
    except TypeError:  # traced numbers, whose data are not known yet
        top = functools.reduce(ops.maximum, [x.detach() if isinstance(x, Value) else x for x in numbers])
    return [x - top for x in numbers]
