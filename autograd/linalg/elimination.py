"""Gaussian elimination on lists of rows, and substitution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from .. import ops
from ..node import Node
from .matrices import Rows, is_zero, less_products, quotient

TINY: Final = 2.0**-1074


def eliminate(rows: Rows, steps: int) -> Any:
    """Gaussian elimination of the first columns, in place, with partial pivoting; the sign of the exchanges.

    Each step takes the row whose number in the column is largest, or, if all are 0, another column, unless the numbers
    are traced. The multipliers, of size 1 at most, take the place of what is eliminated. Each number is computed by one
    sum of products (P. Crout, 1941; G. Golub, C. Van Loan, Matrix Computations, 4th ed., Johns Hopkins 2013, section
    3.4).

    Args:
        rows: a matrix. Columns beyond the square part are right-hand sides.
        steps: how many columns to eliminate.
    """
    sign: Any = 1.0
    for k in range(len(rows[0]) if rows else 0):
        original = [row[k] for row in rows]
        _reduce(rows, k, steps)
        if k < steps:
            other = k + 1
            while other < len(rows) and all(map(_is_known_zero, [row[k] for row in rows[k:]])):
                for row, x in zip(rows, original):
                    row[k], row[other] = row[other], x
                original = [row[k] for row in rows]
                _reduce(rows, k, steps)
                sign, other = -sign, other + 1
            for i in range(k + 1, len(rows)):
                sign = _put_larger_first(rows, k, i, sign)
            divisor = or_tiny(rows[k][k], rows[k][k])
            for row in rows[k + 1 :]:
                row[k] = quotient(row[k], divisor)
    return sign


def _reduce(rows: Rows, k: int, steps: int) -> None:
    """Subtract from the numbers of column k what the steps before have found."""
    for i in range(1, len(rows)):
        known = min(i, k, steps)
        rows[i][k] = less_products(rows[i][k], rows[i][:known], [row[k] for row in rows[:known]])


def _is_known_zero(x: Any) -> bool:
    """Whether x is 0, and not traced."""
    zero = x == 0
    return not isinstance(zero, Node) and bool(zero)


def _put_larger_first(rows: Rows, k: int, i: int, sign: Any) -> Any:
    """Exchange rows k and i if that makes the number in column k of row k larger; the new sign."""
    if is_zero(rows[i][k]):
        return sign
    larger = ops.abs(rows[i][k]) > ops.abs(rows[k][k])
    if isinstance(larger, Node):
        pairs = list(zip(rows[k], rows[i]))
        rows[k] = [a if a is b else ops.where(larger, b, a) for a, b in pairs]
        rows[i] = [a if a is b else ops.where(larger, a, b) for a, b in pairs]
        return ops.where(larger, -sign, sign)
    if larger:
        rows[k], rows[i] = rows[i], rows[k]
        return -sign
    return sign


def or_tiny(pivot: Any, divisor: Any) -> Any:
    """The divisor, but 1 if the pivot is 0, and a tiny number if it is traced.

    The pivot is the largest number of its column, so that all are 0 then, and so are their quotients. If it is traced,
    other columns may have other numbers, and derivatives through these quotients would be wrong: 1 / TINY, which is
    infinite, makes them nan.
    """
    zero = pivot == 0
    return ops.where(zero, TINY, divisor) if isinstance(zero, Node) else 1.0 if zero else divisor


def substitute_forward(rows: Rows, right: Sequence[Any], unit_diagonal: bool = False) -> list[Any]:
    """The solution of a lower triangular system."""
    found: list[Any] = []
    for i, row in enumerate(rows):
        x = less_products(right[i], row[:i], found)
        found.append(x if unit_diagonal else quotient(x, row[i]))
    return found


def substitute_back(rows: Rows, right: Sequence[Any], unit_diagonal: bool = False) -> list[Any]:
    """The solution of an upper triangular system."""
    turned = [row[len(rows) - 1 :: -1] for row in reversed(rows)]
    return substitute_forward(turned, right[::-1], unit_diagonal)[::-1]
