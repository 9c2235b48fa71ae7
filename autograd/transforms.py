"""Transforms: grad, jacobian, hessian and their kin make derivatives, of any order, of ordinary functions.

What they have in common:

- **Arguments** are numbers, NumPy float arrays of any shape, Values, Modules, and lists, tuples, dicts
  and dataclasses of these, nested. The function is called with Values in place of numbers, an object
  array in place of an array, and new containers, so that what it does to them the caller does not see.
  Derivatives come in the structure of the argument, as floats and float arrays. A Module is passed on
  as it is, for its parameters are Values; its derivatives are a dict from name to number.
- **Nesting.** Numbers in, numbers out. Values in, Values out, which depend on those given and can be
  differentiated again. Inside another transform what depends on its variables, through arguments or
  closures, is a Value too. Any other Value that a function closes over is a constant. So is what
  `float(x)` and the functions of `math` return: use `ag.sin(x)` or `np.sin(x)`.
- **Nothing is disturbed.** No `grad` of a Value is read or written and no graph outlives the call,
  unless the results are Values. An exception inside the function passes through unchanged.
- **Errors.** TypeError for what is no real number, or an integer array, in an argument; for a result
  that is no real number, or not one where one is needed; for a structure that does not match another.
  ValueError for argnums out of range or twice the same, and for shapes that do not match.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .primitive import describe
from .recording import RESULT, Recording, blocks, checked_argnums, name_of
from .tree import flatten, join

Function = Callable[..., Any]
Argnums = int | Sequence[int]


def grad(f: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """A function that computes the gradient of f, whose result is one number.

    One reverse sweep (A. Griewank, A. Walther, Evaluating Derivatives, 2nd ed., SIAM 2008, section
    3.2): a few times the cost of f, however many numbers the argument holds.

    Args:
        f: the function.
        argnums: which positional argument to differentiate by (negative: counted from the end), or a
            tuple of them for a tuple of gradients. All other arguments are passed on as they are.
        has_aux: whether f returns a pair (result, aux). The gradient then comes as (gradient, aux).

    Raises:
        TypeError, ValueError: see the docstring of this file.

    >>> import numpy as np
    >>> grad(lambda x: x**3)(2.0), grad(grad(lambda x: x**3))(2.0)
    (12.0, 12.0)
    >>> grad(lambda p, x: p["w"] @ x + p["b"])({"w": np.array([1.0, 2.0]), "b": 0.5}, np.array([3.0, 4.0]))
    {'w': array([3., 4.]), 'b': 1.0}
    >>> grad(lambda x: x * grad(lambda y: x * y)(1.0))(3.0)  # of x · x
    6.0
    """
    argnums = checked_argnums("grad", f, argnums)

    def gradient(*args: Any, **kwargs: Any) -> Any:
        run = Recording("grad", f, argnums, args, kwargs, has_aux)
        run.expect_scalar()
        slopes = run.inputs.like(run.pull([1.0]))
        return (slopes, run.aux()) if has_aux else slopes

    return _named(gradient, "grad", f)


def value_and_grad(f: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """A function that computes the result of f and its gradient, for the cost of the gradient.

    Args:
        f, argnums: as for grad.
        has_aux: whether f returns a pair (result, aux). All then comes as ((result, aux), gradient).

    >>> value_and_grad(lambda x, y: x * y, argnums=(0, 1))(2.0, 3.0)
    (6.0, (3.0, 2.0))
    """
    argnums = checked_argnums("value_and_grad", f, argnums)

    def value_and_gradient(*args: Any, **kwargs: Any) -> Any:
        run = Recording("value_and_grad", f, argnums, args, kwargs, has_aux)
        run.expect_scalar()
        slopes = run.inputs.like(run.pull([1.0]))
        value = run.value()
        return ((value, run.aux()) if has_aux else value), slopes

    return _named(value_and_gradient, "value_and_grad", f)


def elementwise_grad(f: Function, argnums: Argnums = 0) -> Function:
    """A function that computes the derivative, element by element, of f, which works element by element.

    As in HIPS autograd this is the gradient of the sum of all results, in one sweep. Where a result
    depends on other elements than its own it is the column sums of the Jacobian.

    Args:
        f: a function that returns a number, an array, or a structure of them.
        argnums: as for grad.

    >>> import numpy as np
    >>> elementwise_grad(lambda x: x**2)(np.array([[1.0], [2.0]]))
    array([[2.],
           [4.]])
    """
    argnums = checked_argnums("elementwise_grad", f, argnums)

    def derivative(*args: Any, **kwargs: Any) -> Any:
        run = Recording("elementwise_grad", f, argnums, args, kwargs)
        return run.inputs.like(run.pull([1.0] * len(run.numbers)))

    return _named(derivative, "elementwise_grad", f)


def jacobian(f: Function, argnums: Argnums = 0) -> Function:
    """A function that computes all first derivatives of f.

    One reverse sweep for every 256 results; one for each where derivatives are Values or infinite.

    Args:
        f: a function that returns a number, an array, or a structure of them.
        argnums: as for grad.

    Returns:
        A function whose result has the structure of f's with, at each number or array, the structure
        of the argument. An array there has the shape of the result's array followed by the shape of
        the argument's; where both are numbers there is a number.

    >>> import numpy as np
    >>> jacobian(lambda x: np.array([x[0] * x[1], x[1]]))(np.array([2.0, 3.0]))
    array([[3., 2.],
           [0., 1.]])
    >>> jacobian(lambda x: {"square": x * x, "double": 2 * x})(3.0)
    {'square': 6.0, 'double': 2.0}
    """
    argnums = checked_argnums("jacobian", f, argnums)

    def derivatives(*args: Any, **kwargs: Any) -> Any:
        run = Recording("jacobian", f, argnums, args, kwargs)
        return blocks(run.pull_each(run.numbers), run.outputs, run.inputs)

    return _named(derivatives, "jacobian", f)


def hessian(f: Function, argnums: Argnums = 0) -> Function:
    """A function that computes all second derivatives of f, whose result is one number.

    A sweep on Values for the gradient, then its Jacobian. It is symmetric to the last bit: of two
    entries that rounding may have set apart the one below the diagonal is taken for both. This costs
    nothing and saves nothing, as a sweep gives whole rows.

    Args:
        f, argnums: as for grad.

    Returns:
        A function whose result has the structure of the argument with, at each number or array, that
        structure again: for an array of shape s an array of shape s + s, for a tuple of argnums a
        tuple of tuples.

    >>> import numpy as np
    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([3.0, 5.0]))
    array([[10.,  6.],
           [ 6.,  0.]])
    """
    argnums = checked_argnums("hessian", f, argnums)

    def second_derivatives(*args: Any, **kwargs: Any) -> Any:
        run = Recording("hessian", f, argnums, args, kwargs)
        run.expect_scalar()
        rows = run.pull_each(run.gradient())
        for i, row in enumerate(rows):
            for j in range(i):
                rows[j][i] = row[j]
        return blocks(rows, run.inputs, run.inputs)

    return _named(second_derivatives, "hessian", f)


def jvp(f: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """The result of f and its derivative in a direction: Jacobian times vector.

    It takes no rules of its own: the partial derivatives that multiply adjoints on the way from the
    result to the arguments multiply tangents on the way from the arguments to the result (Griewank
    and Walther, section 3.1). It costs what vjp costs, a recording of f and one sweep. The way round,
    differentiating the linear vjp by its cotangent, gives the same with two sweeps, one on Values.

    Args:
        f: a function that returns a number, an array, or a structure of them.
        primals: its positional arguments, a tuple or list.
        tangents: the direction, in the structure of primals; for a Module a dict by name.

    >>> jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 10.0))
    (6.0, 23.0)
    """
    run = _recording("jvp", f, primals)
    moved = run.push(_direction(run, tangents, len(primals)))
    return run.value(), run.outputs.like(moved)


def vjp(f: Function, *primals: Any) -> tuple[Any, Function]:
    """The result of f, and a function that multiplies vectors by its Jacobian, one reverse sweep each.

    Args:
        f: a function that returns a number, an array, or a structure of them.
        primals: its positional arguments.

    Returns:
        (result, pull): pull takes a cotangent, in the structure of the result, and returns the tuple of
        its products, in the structure of primals. It keeps the graph of f for as long as it lives.

    >>> result, pull = vjp(lambda x, y: [x * y, x + y], 2.0, 3.0)
    >>> result, pull([1.0, 10.0])
    ([6.0, 5.0], (13.0, 12.0))
    """
    run = _recording("vjp", f, primals)
    result = run.value()

    def pull(cotangent: Any) -> Any:
        seeds = run.matching(run.outputs, flatten(cotangent, RESULT), "cotangent")
        return run.inputs.like(run.pull(seeds))

    return result, pull


def hvp(f: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """Hessian times vector: the gradient of gradient times vector, without the Hessian.

    Two sweeps, the first on Values (B. Pearlmutter, Fast exact multiplication by the Hessian, Neural
    Computation 6, 1994): a few times the cost of the gradient, however many numbers there are.

    Args:
        f: a function that returns one number.
        primals: its positional arguments, a tuple or list.
        tangents: the vector, in the structure of primals; for a Module a dict by name.

    Returns:
        The product in the structure of the one primal, or of the tuple of them if there are several.

    >>> import numpy as np
    >>> hvp(lambda x: x[0] ** 2 * x[1], (np.array([3.0, 5.0]),), (np.array([1.0, 0.0]),))
    array([10.,  6.])
    """
    run = _recording("hvp", f, primals)
    run.expect_scalar()
    product = run.inputs.like(run.directional(_direction(run, tangents, len(primals))))
    return product[0] if len(primals) == 1 else product


def _recording(transform: str, f: Function, primals: Any) -> Recording:
    checked_argnums(transform, f, ())
    if not isinstance(primals, (tuple, list)):
        raise TypeError(
            f"{transform}({name_of(f)}): primals must be a tuple or list of arguments, got {describe(primals)}; "
            "for one argument x write (x,)"
        )
    return Recording(transform, f, range(len(primals)), primals, {})


def _direction(run: Recording, tangents: Any, count: int) -> list[Any]:
    if not isinstance(tangents, (tuple, list)) or len(tangents) != count:
        raise TypeError(
            f"{run.who} tangents must be a tuple or list with one tangent for each of {count} primals, "
            f"got {describe(tangents)}"
        )
    given = join([flatten(x, f"argument {i}") for i, x in enumerate(tangents)])
    return run.matching(run.inputs, given, "tangent")


def _named(derivative: Function, transform: str, f: Function) -> Function:
    """The function with the signature of f and a name that says what it is."""
    derivative.__name__ = derivative.__qualname__ = f"{transform}({name_of(f)})"
    derivative.__doc__ = f"Made by autograd.{transform} of:\n\n{f.__doc__}"
    derivative.__wrapped__ = f  # type: ignore[attr-defined]
    return derivative
