"""jit: the same scalar code at machine speed. A function of Values is traced, differentiated, and compiled by LLVM.

How it works, folder by folder, in the order of the pipeline (each folder's docstring says what its files do):

- program.py: Program, what `jit` returns; compile.py: from a function to code, one line for each stage.
- trace/: the function runs once on Tracers, Values without a number, which record what is done to them.
  Branching on one is an error, never a guess. The engine's own rules, run on the trace, add the gradient.
- graph/: the trace as a flat list of nodes; equal nodes merged, constants folded, identities that hold for
  every float applied.
- codegen/: LLVM IR. What the whole batch shares is computed once, as plain doubles. Every other node is one
  SIMD instruction for 8 (4, 2) elements of the batch. Large graphs become tables, which a small machine walks
  through, so that compiling costs microseconds a node.
- vector_math/: exp, log, sin, pow and the rest for whole vectors, to about 2 units in the last place.
- runtime/: from IR to machine code, kept on disk; arguments in, results out, on one core or several.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

from .program import Axes, Program
from .trace.tracer import TracingError

__all__ = ["Program", "TracingError", "jit"]


@overload
def jit(f: Callable[..., Any], in_axes: Axes = None) -> Program: ...


@overload
def jit(*, in_axes: Axes = None) -> Callable[[Callable[..., Any]], Program]: ...


def jit(f: Callable[..., Any] | None = None, in_axes: Axes = None) -> Any:
    """Compile a function to machine code, at its first call for each structure of arguments.

    The program computes what the function does, each operation to 4 units in the last place, inf and
    nan included. `program.value_and_grad(*args, argnums=0)` computes its gradient too. It composes
    with the transforms: `jit(grad(f))`, `jit(hessian(f))`.

    Args:
        f: a function of numbers, arrays, Modules, and lists, tuples, dicts and dataclasses of these,
            that returns the like; without it, as in `@jit(in_axes=0)`, the result is a decorator.
            It must do the same operations whatever the numbers are: ag.where
            in place of if. Leaf Values and parameters from outside are read at each call; but a plain
            number, and what Python made of a Value's (`if p > 0`, `p.data`, `p.detach()`), stays what
            it was when the function was traced, as do the shape and settings of a Module.
        in_axes: each argument's batch axis, as in jax.vmap: an int, from the end if negative, or None for
            what the whole batch shares; a tuple with one for each argument. f sees one element of the
            batch, and results have the batch as their first axis.

    Returns:
        A Program. It may be called from several threads, and pickled if f may; large batches are
        spread over all cores. If the environment variable AUTOGRAD_JIT_CACHE names a directory,
        machine code is kept there and later processes do not compile it again. Called with Values
        it is f itself, so that they can be differentiated.

    Raises:
        TypeError: for what is no function. The program raises TracingError for a function that needs
            a number while it is traced, TypeError for arguments that are no numbers or have no batch
            axis, ValueError for batches of different lengths.

    >>> import autograd as ag
    >>> import numpy as np
    >>> from autograd.jit import jit
    >>> program = jit(lambda w, x: ag.tanh(w @ x), in_axes=(None, 0))
    >>> w, X = np.array([0.5, -0.25]), np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    >>> program(w, X).round(4)
    array([0.    , 0.4621, 0.7616])
    >>> values, slope = program.value_and_grad(w, X)
    >>> slope.round(4)  # the sum over the three rows
    array([5.4592, 7.6656])
    """
    if f is None:
        return lambda f: Program(f, in_axes)
    return Program(f, in_axes)
