"""jit: scalar code at machine speed. A function of Values is traced, differentiated, and compiled by LLVM.

How it works, folder by folder, in the order of the pipeline (each folder's docstring says what its files do):

- program.py: Program, what `jit` returns; lock.py: its lock; binding.py: keywords and static arguments; compile.py:
  from a function to code, stage by stage; eager.py: a call without code, on Values; tuning.py: the constants that
  decide which code is written, each with its measurement.
- trace/: the function runs once on Tracers, which are Values without a number and record every operation. What the
  function decides by the numbers of an element is noted. A loop is traced once for all its steps. The engine's own
  derivative rules, run on the trace, add the gradient.
- paths/: a function that decides is compiled for each sequence of decisions, and elements go down their own.
- graph/: the trace as a flat list of nodes. Equal nodes are merged, constants are folded, and identities that
  hold for every float are used.
- codegen/: LLVM IR. Nodes that the whole batch shares are computed once, as plain doubles. Every other node is
  one SIMD instruction for 8 elements of the batch (4 or 2 on older machines). Large graphs become tables, which
  a small machine executes, so that compiling them takes microseconds per node.
- vector_math/: exp, log, sin, pow and others for whole vectors, to about 2 units in the last place.
- runtime/: machine code from IR, and calls of that code on one core or several.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, overload

from .binding import Axes
from .program import Program
from .trace.state import TracingError

__all__ = ["Program", "TracingError", "jit"]


Numbers = int | Sequence[int] | None
Names = str | Sequence[str] | None


@overload
def jit(
    f: Callable[..., Any], in_axes: Axes = None, static_argnums: Numbers = None, static_argnames: Names = None
) -> Program: ...


@overload
def jit(
    *, in_axes: Axes = None, static_argnums: Numbers = None, static_argnames: Names = None
) -> Callable[[Callable[..., Any]], Program]: ...


def jit(
    f: Callable[..., Any] | None = None,
    in_axes: Axes = None,
    static_argnums: Numbers = None,
    static_argnames: Names = None,
) -> Any:
    """Compile a function to machine code, at the first call with each structure of arguments.

    The program computes what the function computes, inf and nan included: `+ - * /`, square roots and
    choices to the last bit, other functions, powers and `sum` to 4 units in the last place. `dot` with
    a bias or of more than 8 products, and sums over the batch, are within one such unit of the sum of
    the magnitudes for each term; `logsumexp` is within 4 of its arguments, weighted by their softmax.
    `program.value_and_grad(*args, argnums=0)` computes the gradient too. It composes with the
    transforms: `jit(grad(f))`, `jit(hessian(f))`.

    Args:
        f: a function of numbers, arrays, Modules, and lists, tuples, dicts and dataclasses of these,
            that returns numbers, arrays or such containers of them. If it is left out, as in
            `@jit(in_axes=0)`, the result is a decorator. It may decide by traced
            numbers (if, while, max, int(x)): it is compiled for each path that elements take, up
            to 1,000, and each element of a batch takes its own. Leaf Values and parameters from outside
            are read at each call; if another Value has taken the place of one, in a variable, list,
            dict, array or attribute, f is compiled again. But a plain number, and what is read from a
            Value (`p.data`, `p.detach()`), keeps the value that it had when the function was traced;
            so do the shape and the settings of a Module.
        in_axes: the batch axis of each argument, as in jax.vmap: an int, counted from the end if
            negative, or None for an argument that the whole batch shares; a tuple has one for each
            parameter of f in order, also for those that are passed by keyword. f sees one element of
            the batch, and the results have the batch as first axis. A list of numbers that has a batch
            axis stands for an array.
        static_argnums, static_argnames: the positions or names of arguments that f gets as the Python
            objects that they are: strings, flags, counts. They must be hashable. f is compiled for each
            of their values and types.

    Returns:
        A Program. Its arguments, by position or keyword, are numbers, arrays of any real type or of truth
        values, those of other libraries if NumPy can read them, Modules, and containers of these. Its
        results are floats and float64 arrays; `out=` says where to write them. It may be called from
        several threads, and it can be pickled if f can, or by its name if it was made by the decorator.
        Large batches are spread over all cores. If the environment variable AUTOGRAD_JIT_CACHE names a
        directory, machine code is kept there and later processes do not compile it again. A call
        with Values calls f itself, for each element of the batch, so that they can be differentiated;
        so does a call inside a transform that differentiates with respect to Values from outside.

    Raises:
        TypeError, ValueError: if f is not a function, or an option does not fit its signature. The program
            raises TracingError if the function needs the digits of a number while it is traced, or takes too
            many paths, whatever the function itself raises for an element, TypeError if an argument
            does not consist of real numbers or lacks its batch axis, ValueError if batches have different
            lengths.

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
        return lambda f: Program(f, in_axes, static_argnums, static_argnames)
    return Program(f, in_axes, static_argnums, static_argnames)
