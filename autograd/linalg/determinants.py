"""det and slogdet: the determinant, and its logarithm."""

from __future__ import annotations

from typing import Any, NamedTuple

from .. import ops
from .elimination import eliminate, or_tiny
from .matrices import Rows, for_each, quotient, read_square


def det(a: Any) -> Any:
    """The determinant of a square matrix.

    For up to three rows it is the sum of products, whose derivatives are right everywhere. Of a larger matrix,
    Gaussian elimination leaves three rows.

    Args:
        a: a square matrix, of shape (..., n, n).

    Returns:
        A number, or an array of shape (...). It is 0 for a singular matrix, as in NumPy. In compiled code its
        derivatives may then be nan or inf: if elimination meets a column of zeros before only three rows are left.

    Raises:
        numpy.linalg.LinAlgError: if a is not square.

    >>> import autograd as ag
    >>> ag.linalg.det([[2.0, 1.0], [1.0, 3.0]])
    5.0
    >>> ag.grad(lambda p: ag.linalg.det([[p, 1.0], [1.0, 3.0]]))(2.0)
    3.0
    """
    return for_each(_det, (), read_square(a, "det()"))


def _det(rows: Rows) -> list[Any]:
    steps = max(len(rows) - 3, 0)
    sign = eliminate(rows, steps)
    factors = [quotient(row[k], or_tiny(row[k], 1.0)) for k, row in enumerate(rows[:steps])]
    rest = _small_det([row[steps:] for row in rows[steps:]])
    return [ops.prod((sign, *factors, rest)) if factors else rest]


def _small_det(rows: Rows) -> Any:
    """The determinant of a matrix of up to three rows, along the first."""
    if not rows:
        return 1.0
    first, *others = rows
    if not others:
        return first[0]
    if len(rows) == 2:
        return first[0] * others[0][1] - first[1] * others[0][0]
    minors = [_small_det([[x for j, x in enumerate(row) if j != k] for row in others]) for k in range(3)]
    return first[0] * minors[0] - first[1] * minors[1] + first[2] * minors[2]


class LogDeterminant(NamedTuple):
    """What slogdet returns: the sign of a determinant, and the logarithm of its size."""

    sign: Any
    logabsdet: Any


def slogdet(a: Any) -> LogDeterminant:
    """The sign of the determinant of a square matrix, and the logarithm of its absolute value, without overflow.

    Args:
        a: a square matrix, of shape (..., n, n).

    Returns:
        (sign, logabsdet), two numbers, or arrays of shape (...). For a singular matrix they are 0 and -inf, as in
        NumPy. The derivative of the sign is 0.

    Raises:
        numpy.linalg.LinAlgError: if a is not square.

    >>> slogdet([[0.0, 1.0], [1.0, 0.0]])
    LogDeterminant(sign=-1.0, logabsdet=0.0)
    """
    a = read_square(a, "slogdet()")
    if a.ndim == 2:
        return LogDeterminant(*_slogdet(a.tolist()))
    pairs = for_each(_slogdet, (2,), a)
    return LogDeterminant(pairs[..., 0], pairs[..., 1])


def _slogdet(rows: Rows) -> list[Any]:
    sign = eliminate(rows, len(rows))
    pivots = [row[k] for k, row in enumerate(rows)]
    return [ops.prod((sign, *map(ops.sign, pivots))), ops.sum([ops.log(ops.abs(x)) for x in pivots])]
