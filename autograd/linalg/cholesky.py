"""cholesky: the triangular square root of a symmetric positive definite matrix."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..node import Node
from ..primitive import check_flag
from .matrices import Rows, for_each, less_products, one_or_nan, quotient, read_square, smallest


def cholesky(a: Any, /, *, upper: Any = False) -> Any:
    """The lower triangular matrix l with positive diagonal for which l @ l.T is the symmetric matrix a.

    As in NumPy, only the lower triangle of a is read. So the derivatives with respect to numbers above the diagonal are
    0, and those with respect to numbers below it count for both.

    Each number is computed by one sum of products (G. Golub, C. Van Loan, Matrix Computations, 4th ed., Johns Hopkins
    2013, section 4.2). It needs no exchange of rows, and no comparison of numbers.

    Args:
        a: a symmetric positive definite matrix, of shape (..., n, n).
        upper: whether to read the upper triangle instead, and to return the upper triangular matrix l.T.

    Raises:
        numpy.linalg.LinAlgError: if a is not square, or not positive definite. In compiled code all numbers below and
            on the diagonal are then nan, and so are their derivatives.

    >>> import autograd as ag
    >>> ag.linalg.cholesky([[4.0, 2.0], [2.0, 5.0]])
    array([[2., 0.],
           [1., 2.]])
    >>> ag.grad(lambda p: ag.linalg.cholesky([[p, 2.0], [2.0, 5.0]])[1, 0])(4.0)  # of 2/√p
    -0.125
    """
    upper = check_flag(upper, "cholesky(): upper")
    a = read_square(a, "cholesky()")
    found = for_each(_factor, a.shape[-2:], np.swapaxes(a, -1, -2) if upper else a)
    return np.swapaxes(found, -1, -2) if upper else found


def _factor(a: Rows) -> list[Any]:
    """The numbers of the factor."""
    n = len(a)
    rows: Rows = [[0.0] * n for _ in range(n)]
    pivots = []
    for i in range(n):
        for j in range(i):
            rows[i][j] = quotient(less_products(a[i][j], rows[i][:j], rows[j][:j]), rows[j][j])
        pivots.append(less_products(a[i][i], rows[i][:i], rows[i][:i]))
        rows[i][i] = ops.sqrt(pivots[i])
    positive = smallest(pivots) > 0
    if isinstance(positive, Node):
        factor = one_or_nan(positive)
        rows = [[x * factor if j <= i else x for j, x in enumerate(row)] for i, row in enumerate(rows)]
    elif not positive:
        raise np.linalg.LinAlgError(
            f"cholesky(): a must be positive definite, got a matrix of {n} rows that is not. Check that it is "
            "symmetric; to a covariance, add a small number on the diagonal"
        )
    return [x for row in rows for x in row]
