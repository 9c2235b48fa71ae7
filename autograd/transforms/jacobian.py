"""jacobian and hessian: all first or all second derivatives of a function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..primitive import check_flag
from .recording import Recording, check_argnums, name_derivative, nest_rows
from .sparse.arrays import hessian_rows, jacobian_rows, load_scipy, sparse_hessian, sparse_jacobian

Function = Callable[..., Any]
Argnums = int | Sequence[int]


def jacobian(f: Function, argnums: Argnums = 0, sparse: bool = False) -> Function:
    """Return a function that computes all first derivatives of f.

    One reverse sweep for every 256 results or, if there are fewer numbers in the argument than results, one forward
    sweep for every 256 of them. If derivatives are Values or infinite, one sweep for each.

    Args:
        f: a function that returns a number, an array, or a structure of them.
        argnums: as for grad.
        sparse: whether to compute only the entries that can be other than 0; see hessian.

    Returns:
        A function whose result has the structure of the result of f and, in place of each number or
        array in it, the structure of the argument. An array there has the shape of the result's array
        followed by the shape of the argument's. If both are numbers, it is a number. With `sparse` it is a
        scipy.sparse.csr_array with a row for each number of the result and a column for each of the argument.

    >>> import numpy as np
    >>> jacobian(lambda x: np.array([x[0] * x[1], x[1]]))(np.array([2.0, 3.0]))
    array([[3., 2.],
           [0., 1.]])
    >>> jacobian(lambda x: {"square": x * x, "double": 2 * x})(3.0)
    {'square': 6.0, 'double': 2.0}
    >>> jacobian(lambda x: x**2, sparse=True)(np.array([1.0, 2.0])).data
    array([2., 4.])
    """
    argnums, sparse = check_argnums("jacobian", f, argnums), check_flag(sparse, "jacobian: sparse")
    if sparse:
        load_scipy("ag.jacobian(sparse=True)")

    def derivatives(*args: Any, **kwargs: Any) -> Any:
        run = Recording("jacobian", f, argnums, args, kwargs)
        if sparse:
            return sparse_jacobian(run)
        return nest_rows(jacobian_rows(run), run.outputs, run.inputs)

    return name_derivative(derivatives, "jacobian", f)


def hessian(f: Function, argnums: Argnums = 0, sparse: bool = False) -> Function:
    """Return a function that computes all second derivatives of f, whose result is one number.

    One sweep on Values for the gradient, then its Jacobian. The result is symmetric to the last bit:
    of two equal entries one is copied to the other, because rounding may have made the two differ.

    With `sparse`, only the entries that can be other than 0 are computed. Which these are follows from the
    operations of f alone: a product of x and y has the entries (x, y) and (y, x), a sum has none, and of a
    choice both sides count. So the pattern is the same at every call with arguments of one structure, as long as f
    does the same operations (an `if` changes them), and entries that happen to be 0 are stored. Compiled by ag.jit, f
    gives the same pattern; in a batch, the result is a list of sparse arrays.

    Args:
        f, argnums: as for grad.
        sparse: whether to return a sparse array.

    Returns:
        A function whose result has the structure of the argument and, in place of each number or array
        in it, that structure again: an array of shape s + s for an array of shape s, a tuple of tuples
        for a tuple of argnums. With `sparse` it is a scipy.sparse.csr_array with a row and a column for each number
        of the argument, whatever its structure, in the order in which they stand there (arrays in C order).

    Raises:
        TypeError, ValueError: see the docstring of autograd.transforms. With `sparse`, also TypeError if the
            derivatives would be Values, because f closes over Values, is called with some, or is
            differentiated again: a sparse array holds plain numbers only.
        ModuleNotFoundError: with `sparse`, if SciPy is not installed.

    >>> import numpy as np
    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([3.0, 5.0]))
    array([[10.,  6.],
           [ 6.,  0.]])
    >>> found = hessian(lambda x: x[0] ** 2 * x[1] + x[2], sparse=True)(np.array([3.0, 5.0, 7.0]))
    >>> found.indices, found.indptr, found.data  # the columns of each row, where rows begin, the entries
    (array([0, 1, 0], dtype=int32), array([0, 2, 3, 3], dtype=int32), array([10.,  6.,  6.]))
    """
    argnums, sparse = check_argnums("hessian", f, argnums), check_flag(sparse, "hessian: sparse")
    if sparse:
        load_scipy("ag.hessian(sparse=True)")

    def second_derivatives(*args: Any, **kwargs: Any) -> Any:
        run = Recording("hessian", f, argnums, args, kwargs)
        run.expect_scalar()
        if sparse:
            return sparse_hessian(run)
        return nest_rows(hessian_rows(run), run.inputs, run.inputs)

    return name_derivative(second_derivatives, "hessian", f)
