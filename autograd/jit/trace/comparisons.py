"""Comparisons and stop_gradient as primitives: tracers record them, while Values answer at once."""

from __future__ import annotations

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


@primitive(None, symbol="stop")
def stop_gradient(x: float) -> float:
    """x; no gradient flows back through it."""
    return x


COMPARISONS = (less, less_equal, greater, greater_equal, equal, not_equal)
