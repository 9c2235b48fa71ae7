"""jacobian and hessian: all first or all second derivatives of a function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .recording import Recording, check_argnums, name_derivative, nest_rows

Function = Callable[..., Any]
Argnums = int | Sequence[int]


def jacobian(f: Function, argnums: Argnums = 0) -> Function:
    """Return a function that computes all first derivatives of f.

    One reverse sweep for every 256 results; one for each result if derivatives are Values or infinite.

    Args:
        f: a function that returns a number, an array, or a structure of them.
        argnums: as for grad.

    Returns:
        A function whose result has the structure of the result of f and, in place of each number or
        array in it, the structure of the argument. An array there has the shape of the result's array
        followed by the shape of the argument's. If both are numbers, it is a number.

    >>> import numpy as np
    >>> jacobian(lambda x: np.array([x[0] * x[1], x[1]]))(np.array([2.0, 3.0]))
    array([[3., 2.],
           [0., 1.]])
    >>> jacobian(lambda x: {"square": x * x, "double": 2 * x})(3.0)
    {'square': 6.0, 'double': 2.0}
    """
    argnums = check_argnums("jacobian", f, argnums)

    def derivatives(*args: Any, **kwargs: Any) -> Any:
        run = Recording("jacobian", f, argnums, args, kwargs)
        return nest_rows(run.pull_each(run.numbers), run.outputs, run.inputs)

    return name_derivative(derivatives, "jacobian", f)


def hessian(f: Function, argnums: Argnums = 0) -> Function:
    """Return a function that computes all second derivatives of f, whose result is one number.

    One sweep on Values for the gradient, then its Jacobian. The result is symmetric to the last bit:
    each entry below the diagonal is copied above it, because rounding may have made the two differ. This
    saves no time, because a sweep gives whole rows.

    Args:
        f, argnums: as for grad.

    Returns:
        A function whose result has the structure of the argument and, in place of each number or array
        in it, that structure again: an array of shape s + s for an array of shape s, a tuple of tuples
        for a tuple of argnums.

    >>> import numpy as np
    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([3.0, 5.0]))
    array([[10.,  6.],
           [ 6.,  0.]])
    """
    argnums = check_argnums("hessian", f, argnums)

    def second_derivatives(*args: Any, **kwargs: Any) -> Any:
        run = Recording("hessian", f, argnums, args, kwargs)
        run.expect_scalar()
        rows = run.pull_each(run.gradient())
        for i, row in enumerate(rows):
            for j in range(i):
                rows[j][i] = row[j]
        return nest_rows(rows, run.inputs, run.inputs)

    return name_derivative(second_derivatives, "hessian", f)
