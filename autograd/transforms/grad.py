"""grad, value_and_grad, elementwise_grad: the gradient of a single result, or derivatives element by element."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..primitive import check_flag
from .recording import Recording, check_argnums, name_derivative

Function = Callable[..., Any]
Argnums = int | Sequence[int]


def grad(f: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """Return a function that computes the gradient of f, whose result is one number.

    One reverse sweep (A. Griewank, A. Walther, Evaluating Derivatives, 2nd ed., SIAM 2008, section
    3.2): a few times the cost of f, however many numbers the argument holds.

    Args:
        f: the function.
        argnums: which positional argument to differentiate with respect to (negative: counted from the
            end), or a tuple of them for a tuple of gradients. The other arguments are passed on unchanged.
        has_aux: whether f returns a pair (result, aux). The new function then returns (gradient, aux).

    Raises:
        TypeError, ValueError: see the docstring of autograd.transforms.

    >>> import numpy as np
    >>> grad(lambda x: x**3)(2.0), grad(grad(lambda x: x**3))(2.0)
    (12.0, 12.0)
    >>> grad(lambda p, x: p["w"] @ x + p["b"])({"w": np.array([1.0, 2.0]), "b": 0.5}, np.array([3.0, 4.0]))
    {'w': array([3., 4.]), 'b': 1.0}
    >>> grad(lambda x: x * grad(lambda y: x * y)(1.0))(3.0)  # of x · x
    6.0
    """
    argnums, has_aux = check_argnums("grad", f, argnums), check_flag(has_aux, "grad: has_aux")

    def gradient(*args: Any, **kwargs: Any) -> Any:
        run = Recording("grad", f, argnums, args, kwargs, has_aux)
        run.expect_scalar()
        slopes = run.inputs.like(run.pull([1.0]))
        return (slopes, run.aux()) if has_aux else slopes

    return name_derivative(gradient, "grad", f)


def value_and_grad(f: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """Return a function that computes the result of f and its gradient, for the cost of the gradient.

    Args:
        f, argnums: as for grad.
        has_aux: whether f returns a pair (result, aux). The new function then returns ((result, aux), gradient).

    >>> value_and_grad(lambda x, y: x * y, argnums=(0, 1))(2.0, 3.0)
    (6.0, (3.0, 2.0))
    """
    argnums, has_aux = check_argnums("value_and_grad", f, argnums), check_flag(has_aux, "value_and_grad: has_aux")

    def value_and_gradient(*args: Any, **kwargs: Any) -> Any:
        run = Recording("value_and_grad", f, argnums, args, kwargs, has_aux)
        run.expect_scalar()
        slopes = run.inputs.like(run.pull([1.0]))
        value = run.value()
        return ((value, run.aux()) if has_aux else value), slopes

    return name_derivative(value_and_gradient, "value_and_grad", f)


def elementwise_grad(f: Function, argnums: Argnums = 0) -> Function:
    """Return a function that computes, element by element, the derivative of f, which works element by element.

    As in HIPS autograd, this is the gradient of the sum of all results, in one sweep. If a result
    depends on other elements than its own, these are the column sums of the Jacobian.

    Args:
        f: a function that returns a number, an array, or a structure of them.
        argnums: as for grad.

    >>> import numpy as np
    >>> elementwise_grad(lambda x: x**2)(np.array([[1.0], [2.0]]))
    array([[2.],
           [4.]])
    """
    argnums = check_argnums("elementwise_grad", f, argnums)

    def derivative(*args: Any, **kwargs: Any) -> Any:
        run = Recording("elementwise_grad", f, argnums, args, kwargs)
        return run.inputs.like(run.pull([1.0] * len(run.numbers)))

    return name_derivative(derivative, "elementwise_grad", f)
