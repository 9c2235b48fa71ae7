"""Comparisons, `&` and `|` of them, and stop_gradient as primitives: tracers record them, Values answer at once."""

from __future__ import annotations

from ...ops import where
from ...primitive import primitive


@primitive(None, None, symbol="<", native="olt")
def less(a: float, b: float) -> float:
    """1 where a < b, otherwise 0."""
    return float(a < b)


@primitive(None, None, symbol="≤", native="ole")
def less_equal(a: float, b: float) -> float:
    """1 where a <= b, otherwise 0."""
    return float(a <= b)


@primitive(None, None, symbol=">", native="ogt")
def greater(a: float, b: float) -> float:
    """1 where a > b, otherwise 0."""
    return float(a > b)


@primitive(None, None, symbol="≥", native="oge")
def greater_equal(a: float, b: float) -> float:
    """1 where a >= b, otherwise 0."""
    return float(a >= b)


@primitive(None, None, symbol="=", native="oeq")
def equal(a: float, b: float) -> float:
    """1 where a == b, otherwise 0."""
    return float(a == b)


@primitive(None, None, symbol="≠", native="une")
def not_equal(a: float, b: float) -> float:
    """1 where a != b, otherwise 0."""
    return float(a != b)


@primitive(None, None, symbol="and", native=lambda a, b: where(a, b, 0.0))
def both(a: float, b: float) -> float:
    """1 where both conditions hold, otherwise 0."""
    return float(a != 0 and b != 0)


@primitive(None, None, symbol="or", native=lambda a, b: where(a, 1.0, b))
def either(a: float, b: float) -> float:
    """1 where at least one condition holds, otherwise 0."""
    return float(a != 0 or b != 0)


@primitive(None, symbol="stop")
def stop_gradient(x: float) -> float:
    """x; no gradient flows back through it."""
    return x


COMPARISONS = (less, less_equal, greater, greater_equal, equal, not_equal)
CONDITIONS = (*COMPARISONS, both, either)
