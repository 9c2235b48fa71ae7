"""Comparisons, & | ^ ~ of them, and stop_gradient: tracers record them, while Values answer at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import ops
from ...primitive import primitive
from ...value import Value


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


def both(a: Any, b: Any) -> Any:
    """a & b of two conditions."""
    return _combine(ops.mul, a, b)


def either(a: Any, b: Any) -> Any:
    """a | b of two conditions."""
    return _combine(ops.add, a, b)


def differ(a: Any, b: Any) -> Any:
    """a ^ b of two conditions."""
    return _combine(ops.sub, a, b)


def negate(a: Any) -> Any:
    """~a of a condition."""
    if not _is_condition(a):
        raise TypeError("~ must be given a condition, such as x > 0, got a traced number")
    return equal.apply((a, 0.0))


def _combine(op: Any, a: Any, b: Any) -> Any:
    if not (_is_condition(a) and _is_condition(b)):
        return NotImplemented
    return not_equal.apply((op.apply((a, b)), 0.0))


def _is_condition(x: Any) -> bool:
    return x.op in COMPARISONS if isinstance(x, Value) else isinstance(x, (bool, np.bool_))
