"""solve, inv and triangular_solve: systems of linear equations."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..node import Node
from ..primitive import check_flag
from .elimination import eliminate, substitute_back, substitute_forward
from .matrices import Rows, for_each, one_or_nan, read, read_square, smallest


def solve(a: Any, b: Any) -> Any:
    """The solution x of a @ x = b, by Gaussian elimination with partial pivoting.

    The derivatives are those of the elimination, of any order. For a symmetric positive definite matrix, `cholesky`
    and two calls of `triangular_solve` are fewer operations: in compiled code, which then exchanges no rows, a third of
    them at 10 rows.

    Args:
        a: a square matrix, of shape (..., n, n).
        b: a vector of shape (n,), or right-hand sides as the columns of a matrix of shape (..., n, m), as in NumPy 2.

    Returns:
        An array: of floats if all arguments are, otherwise of Values. Its shape is that of b, with the leading axes of
        a and b broadcast.

    Raises:
        numpy.linalg.LinAlgError: if a is not square, or is singular. In compiled code all numbers of the solution of a
            singular system are nan, and so are their derivatives. A matrix that is singular but for rounding gives
            large numbers, as in NumPy.
        ValueError: if the shapes do not match.

    >>> import autograd as ag
    >>> ag.linalg.solve([[2.0, 1.0], [1.0, 3.0]], [3.0, 5.0])
    array([0.8, 1.4])
    >>> slope = ag.grad(lambda p: ag.linalg.solve([[p, 1.0], [1.0, 3.0]], [3.0, 5.0])[1])(2.0)
    >>> round(slope, 12)  # of (5 p - 3) / (3 p - 1)
    0.16
    """
    a, b = read_square(a, "solve()"), read(b, "solve()", "b")
    columns = _as_columns(b, a, "solve()")
    found = for_each(lambda a, b: _solve_rows(a, b, "solve()"), columns.shape[-2:], a, columns)
    return found[..., 0] if b.ndim == 1 else found


def inv(a: Any) -> Any:
    """The inverse of a square matrix. To multiply it by something, use `solve`, which is more exact.

    Args:
        a: a square matrix, of shape (..., n, n).

    Raises:
        numpy.linalg.LinAlgError: if a is not square, or is singular, as for `solve`.

    >>> inv([[2.0, 0.0], [1.0, 4.0]])
    array([[ 0.5  ,  0.   ],
           [-0.125,  0.25 ]])
    """
    a = read_square(a, "inv()")
    return for_each(lambda rows: _solve_rows(rows, identity(len(rows)), "inv()"), a.shape[-2:], a)


def identity(n: int) -> Rows:
    """The rows of the identity matrix."""
    return np.eye(n).tolist()


def _solve_rows(a: Rows, b: Rows, who: str) -> list[Any]:
    """The numbers of the solution of a @ x = b."""
    columns, smallest_pivot = solve_columns(a, b)
    regular = smallest_pivot != 0
    numbers = [x for row in zip(*columns) for x in row]
    if isinstance(regular, Node):
        factor = one_or_nan(regular)
        return [x * factor for x in numbers]
    if not regular:
        raise np.linalg.LinAlgError(f"{who}: a must be invertible, got a singular matrix of {len(a)} rows")
    return numbers


def solve_columns(a: Rows, b: Rows) -> tuple[list[list[Any]], Any]:
    """The columns of the solution of a @ x = b, and the size of the smallest pivot, which is 0 if a is singular."""
    n = len(a)
    rows = [left + right for left, right in zip(a, b)]
    eliminate(rows, n)
    columns = list(zip(*rows))[n:]
    pivot = smallest([ops.abs(row[k]) for k, row in enumerate(rows)])
    return [substitute_back([row[:n] for row in rows], column) for column in columns], pivot


def triangular_solve(a: Any, b: Any, lower: Any = False, trans: Any = False, unit_diagonal: Any = False) -> Any:
    """The solution x of a @ x = b for a triangular matrix a, as scipy.linalg.solve_triangular gives it.

    Args:
        a: a square matrix, of shape (..., n, n). Only one triangle of it is read.
        b: a vector of shape (n,), or right-hand sides as the columns of a matrix of shape (..., n, m).
        lower: whether that is the lower triangle.
        trans: whether to solve a.T @ x = b instead; as in SciPy, 0, 1, "N" and "T" are allowed too.
        unit_diagonal: whether the diagonal consists of ones, and is not read.

    Raises:
        numpy.linalg.LinAlgError: if a is not square, or has a 0 on its diagonal; in compiled code the results are then
            nan.
        ValueError: if the shapes do not match, or if only zeros are in the triangle to be read, and others are not.
        TypeError: if lower, trans or unit_diagonal is not a bool or what is allowed for it.

    >>> import numpy as np
    >>> l = np.array([[2.0, 0.0], [1.0, 4.0]])
    >>> triangular_solve(l, [2.0, 9.0], lower=True)
    array([1., 2.])
    >>> triangular_solve(l, triangular_solve(l, [2.0, 9.0], lower=True), lower=True, trans=True)  # (l @ l.T)⁻¹
    array([0.25, 0.5 ])
    """
    who = "triangular_solve()"
    lower, transposed = check_flag(lower, f"{who}: lower"), _check_trans(trans, who)
    unit = check_flag(unit_diagonal, f"{who}: unit_diagonal")
    a, b = read_square(a, who), read(b, who, "b")
    _check_side(a, lower, who)
    if transposed:
        a, lower = np.swapaxes(a, -1, -2), not lower
    columns = _as_columns(b, a, who)
    substitute = substitute_forward if lower else substitute_back

    def solve_rows(a: Rows, b: Rows) -> list[Any]:
        factor: Any = 1.0
        if not unit:
            regular = smallest([ops.abs(row[k]) for k, row in enumerate(a)]) != 0
            if isinstance(regular, Node):
                factor = one_or_nan(regular)
            elif not regular:
                raise np.linalg.LinAlgError(f"{who}: a must be invertible, got a 0 on the diagonal")
        solutions = [substitute(a, column, unit) for column in zip(*b)]
        return [x * factor if isinstance(factor, Node) else x for row in zip(*solutions) for x in row]

    found = for_each(solve_rows, columns.shape[-2:], a, columns)
    return found[..., 0] if b.ndim == 1 else found


def _check_trans(trans: Any, who: str) -> bool:
    if isinstance(trans, (str, int)) and trans in (0, 1, "N", "T"):
        return trans in (1, "T")
    return bool(check_flag(trans, f"{who}: trans"))


def _check_side(a: Any, lower: bool, who: str) -> None:
    """Raise ValueError if a looks like the other kind of triangular matrix."""
    its_own, other = (np.tril(a, -1), np.triu(a, 1)) if lower else (np.triu(a, 1), np.tril(a, -1))
    if not _any_number(its_own) and _any_number(other):
        which, where = ("lower", "above") if lower else ("upper", "below")
        raise ValueError(
            f"{who}: a must be {which} triangular, got one with all its numbers {where} the diagonal. "
            f"Write lower={not lower}"
        )


def _any_number(a: Any) -> bool:
    """Whether any item is something else than the constant 0."""
    return any(isinstance(x, Node) or x != 0 for x in a.ravel().tolist())


def _as_columns(b: Any, a: Any, who: str) -> Any:
    """The right-hand sides as the columns of a matrix."""
    n = a.shape[-1]
    columns = b[:, None] if b.ndim == 1 else b
    if b.ndim == 0 or columns.shape[-2] != n:
        raise ValueError(f"{who}: b must have {n} rows, as a has, got shape {b.shape}")
    return columns
