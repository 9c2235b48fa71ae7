"""jvp, vjp, hvp: products of a Jacobian or a Hessian with a vector, without the matrix."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..primitive import describe
from ..tree import flatten, join
from .recording import RESULT, Recording, checked_argnums, name_of

Function = Callable[..., Any]


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
