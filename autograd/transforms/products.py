"""jvp, vjp, hvp: products of a Jacobian or a Hessian with a vector, without the matrix."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..primitive import describe
from .recording import RESULT, Recording, check_argnums, name_of
from .tree import flatten, join

Function = Callable[..., Any]


def jvp(f: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """Compute the result of f and its derivative in a direction: Jacobian times vector.

    It needs no rules of its own. The partial derivatives that multiply adjoints on the way from the
    result to the arguments also multiply tangents on the way from the arguments to the result
    (Griewank and Walther, section 3.1). It costs as much as vjp, a recording of f and one sweep. The
    alternative, differentiating the vjp, which is linear, with respect to its cotangent, would need
    two sweeps, one of them on Values.

    Args:
        f: a function that returns a number, an array, or a structure of them.
        primals: its positional arguments, a tuple or list.
        tangents: the direction, in the structure of primals; for a Module a dict by name.

    >>> jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 10.0))
    (6.0, 23.0)
    """
    run = _record("jvp", f, primals)
    derivatives = run.push(_read_direction(run, tangents, len(primals)))
    return run.value(), run.outputs.like(derivatives)


def vjp(f: Function, *primals: Any) -> tuple[Any, Function]:
    """Compute the result of f, and return it with a function that multiplies vectors by the Jacobian.

    Each product takes one reverse sweep.

    Args:
        f: a function that returns a number, an array, or a structure of them.
        primals: its positional arguments.

    Returns:
        (result, pull). pull takes a cotangent, which has the structure of the result, and returns the product
        as a tuple, which has the structure of primals. It keeps the graph of f alive as long as it exists.

    >>> result, pull = vjp(lambda x, y: [x * y, x + y], 2.0, 3.0)
    >>> result, pull([1.0, 10.0])
    ([6.0, 5.0], (13.0, 12.0))
    """
    run = _record("vjp", f, primals)
    result, expect_unchanged = run.value(), run.hold()

    def pull(cotangent: Any) -> Any:
        expect_unchanged()
        seeds = run.read_vector(run.outputs, flatten(cotangent, RESULT), "cotangent")
        return run.inputs.like(run.pull(seeds))

    return result, pull


def hvp(f: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """Compute Hessian times vector: the gradient of (gradient · vector), without the Hessian itself.

    Two sweeps, the first on Values (B. Pearlmutter, Fast exact multiplication by the Hessian, Neural
    Computation 6, 1994): a few times the cost of the gradient, however many numbers there are.

    Args:
        f: a function that returns one number.
        primals: its positional arguments, a tuple or list.
        tangents: the vector, in the structure of primals; for a Module a dict by name.

    Returns:
        The product in the structure of the single primal, or of the tuple of primals if there are several.

    >>> import numpy as np
    >>> hvp(lambda x: x[0] ** 2 * x[1], (np.array([3.0, 5.0]),), (np.array([1.0, 0.0]),))
    array([10.,  6.])
    """
    run = _record("hvp", f, primals)
    run.expect_scalar()
    product = run.inputs.like(run.directional(_read_direction(run, tangents, len(primals))))
    return product[0] if len(primals) == 1 else product


def _record(transform: str, f: Function, primals: Any) -> Recording:
    check_argnums(transform, f, ())
    if not isinstance(primals, (tuple, list)):
        raise TypeError(
            f"{transform}({name_of(f)}): primals must be a tuple or list of arguments, got {describe(primals)}. "
            "For a single argument x write (x,)"
        )
    return Recording(transform, f, range(len(primals)), primals, {})


def _read_direction(run: Recording, tangents: Any, count: int) -> list[Any]:
    if not isinstance(tangents, (tuple, list)) or len(tangents) != count:
        raise TypeError(
            f"{run.who} tangents must be a tuple or list with one tangent for each of {count} primals, "
            f"got {describe(tangents)}"
        )
    given = join([flatten(x, f"argument {i}") for i, x in enumerate(tangents)])
    return run.read_vector(run.inputs, given, "tangent")
