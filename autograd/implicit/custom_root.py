"""custom_root and fixed_point: a solver's result with the derivatives of the implicit function theorem."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from .. import ops
from ..lost import Guard
from ..node import is_traced, on_record
from ..primitive import describe, is_number
from ..transforms.recording import RESULT, name_of
from ..transforms.tree import Leaf, Tree, check, flatten, match_entries
from ..value import Value, number_of
from .solution import Solution, hold, inputs_of, largest

Function = Callable[..., Any]
SHARE: Final = 1e-3  # of the error that is allowed in a number of x, for being small beside others or the guess
ROUNDING: Final = 2.0**-52  # an error that is never too large
# From x, the variables in place of its numbers, what f returns, and a start for messages: the numbers that must be 0.
Residuals = Callable[[Tree, Sequence[Value], Tree, str], Sequence[Any]]


def custom_root(f: Function, tol: float = 1e-6) -> Callable[[Function], Function]:
    """Give a solver the derivatives of the root that it finds, by the implicit function theorem.

    Use it as a decorator, as in jaxopt:

        @ag.custom_root(f)
        def solve(x0, *args): ...  # any code that returns x with f(x, *args) = 0

    A call solve(x0, *args) runs the solver on plain numbers: floats and arrays of floats in place of Values. So it may
    use any function, those of math and SciPy too; nothing of it is recorded, and its steps cost no memory. The
    derivatives of its result with respect to args, and to all Values that f closes over, are

        dx/dargs = -(∂f/∂x)⁻¹ ∂f/∂args    at the root, to any order.

    The guess x0 has none. While jit traces solve, the solver runs on traced numbers, through which no derivative
    passes; what the program computes is the solver's steps, followed by one evaluation of ∂f/∂x.

    The root must be one: a step of Newton's method from it must change each of its numbers by no more than tol times
    that number plus tol / 1000 times the largest number in x and x0. Otherwise the call raises an error; in compiled
    code the result and its derivatives are nan, for those elements of a batch for which this is so.

    Args:
        f: the function (x, *args) that is 0 at the root. It must return as many numbers as x has. It is recorded at
            each call, at the root.
        tol: the largest relative error of the root, as said above; math.inf for no check.

    Returns:
        A decorator of solvers. The new function takes and returns what the solver does: x is a number, an array, or a
        structure of them. It gives floats for floats, and Values if f depends on Values.

    Raises:
        TypeError: if f or the solver is not a function, or one of them does not return real numbers; a
            LostDerivativeError, if f turns x into a plain number.
        ValueError: if f does not return as many numbers as x has, or tol is not positive.
        RuntimeError: from the call, if the solver did not find a root. Where ∂f/∂x is singular, as at a double root,
            derivatives are inf or nan.

    >>> import autograd as ag
    >>> @ag.custom_root(lambda x, a: x * x - a)
    ... def root(x, a):
    ...     while abs(x * x - a) > 1e-15 * a:
    ...         x = 0.5 * (x + a / x)
    ...     return x
    >>> slope = ag.grad(root, argnums=1)
    >>> slope(1.0, 4.0), ag.grad(slope, argnums=1)(1.0, 4.0)  # of √a
    (0.25, -0.03125)
    """
    return _make_decorator("custom_root", f, tol, lambda x, variables, found, who: found.entries)


def fixed_point(f: Function, tol: float = 1e-6) -> Callable[[Function], Function]:
    """Give an iteration the derivatives of the fixed point that it finds: x with f(x, *args) = x.

    It is `custom_root` of f(x, *args) - x.

    Args:
        f: the function (x, *args). It must return numbers in the structure of x.
        tol: as for custom_root.

    Raises: as for custom_root.

    >>> import autograd as ag
    >>> @ag.fixed_point(lambda x, a: ag.cos(a * x))
    ... def settle(x, a):
    ...     for _ in range(100):
    ...         x = ag.cos(a * x)
    ...     return x
    >>> x = settle(1.0, 1.0)
    >>> slope = ag.grad(settle, argnums=1)(1.0, 1.0)
    >>> f"{x:.6f} {slope:.6f} {-ag.sin(x) * x / (1 + ag.sin(x)):.6f}"
    '0.739085 -0.297474 -0.297474'
    """
    return _make_decorator("fixed_point", f, tol, _changes)


def _changes(x: Tree, variables: Sequence[Value], found: Tree, who: str) -> list[Any]:
    """What an iteration changes each number of x by."""
    return [after - before for before, after in zip(variables, match_entries(x, found, f"{who} f:"))]


def _make_decorator(name: str, f: Any, tol: Any, residuals: Residuals) -> Callable[[Function], Function]:
    if not callable(f):
        raise TypeError(f"{name}(): f must be a function, got {describe(f)}")
    who = f"{name}({name_of(f)}):"
    if not is_number(tol):
        raise TypeError(f"{who} tol must be a number, got {describe(tol)}")
    if not tol > 0:
        raise ValueError(f"{who} tol must be positive, got {tol}")

    def decorate(solver: Function) -> Function:
        if not callable(solver):
            raise TypeError(
                f"{who} the solver must be a function, got {describe(solver)}. Write it below the decorator "
                f"@ag.{name}(f), or ag.{name}(f)(solver)(x0, ...)"
            )

        @functools.wraps(solver)
        def solve(*args: Any, **keywords: Any) -> Any:
            args = _by_position(solver, args, keywords, who)
            given = list(map(_detach, args))
            x = flatten(solver(*given), RESULT)
            check(x, f"{who} the solver:", "it must return numbers, alone or in containers")
            numbers = [n if is_traced(n) else number_of(n) for n in x.entries]
            solution = _record(f, residuals, x, numbers, args[1:], who)
            if not math.isinf(tol):
                _check_root(solution, numbers, given[0], tol, who)
            return x.like(solution.nodes(numbers))

        return solve

    return decorate


def _by_position(solver: Function, args: Sequence[Any], keywords: dict[str, Any], who: str) -> tuple[Any, ...]:
    """The arguments of a call in the solver's order, as f takes them after x."""
    if keywords:
        bound = inspect.signature(solver).bind(*args, **keywords)
        args = bound.args
        if bound.kwargs:
            bound.apply_defaults()
            args = bound.args
            if bound.kwargs:
                raise TypeError(
                    f"{who} all arguments must be positional, got {', '.join(bound.kwargs)} by keyword alone"
                )
    if not args:
        raise TypeError(f"{who} the first argument must be a guess, got none. Give None if the solver needs none")
    return tuple(args)


def _detach(x: Any) -> Any:
    """x with plain numbers in place of Values, and traced ones without derivatives. A Module stays as it is."""
    tree = flatten(x, "")
    return tree.build(map(_detach_leaf, tree.leaves)) if any(map(_has_values, tree.leaves)) else x


def _detach_leaf(leaf: Leaf) -> Any:
    if not _has_values(leaf):
        return leaf.given
    return leaf.like([[x.detach() if is_traced(x) else number_of(x) for x in leaf.entries]])


def _has_values(leaf: Leaf) -> bool:
    floats = isinstance(leaf.given, np.ndarray) and leaf.given.dtype != object
    return leaf.names is None and not floats and any(isinstance(x, Value) for x in leaf.entries)


def _record(
    f: Function, residuals: Residuals, x: Tree, numbers: Sequence[Any], args: Sequence[Any], who: str
) -> Solution:
    """Run f at the root, on variables in place of its numbers."""
    tracer: Any = next(filter(is_traced, [*numbers, *flatten(args, "").entries]), None)
    variables: list[Any] = [Value(n) if tracer is None else tracer._record(hold, (n,)) for n in numbers]
    nodes: list[Any] = []
    on_record.append(nodes.append)
    try:
        with Guard(who, variables, ()):
            found = flatten(f(x.like(variables), *args), RESULT)
        check(found, f"{who} f:", "it must return numbers and Values, alone or in containers")
        if len(found.entries) != len(numbers):
            raise ValueError(
                f"{who} f must return as many numbers as x has, which is {len(numbers)}, got {len(found.entries)}"
            )
        entries = [r if isinstance(r, Value) else float(r) for r in residuals(x, variables, found, who)]
    finally:
        on_record.remove(nodes.append)
    tracer = next(filter(is_traced, [*variables, *entries]), None)
    if tracer is not None:  # in its graph, other nodes represent those of Values
        trace = tracer.trace
        variables, entries = list(map(trace.lift, variables)), list(map(trace.lift, entries))
        nodes = trace.nodes[min([v.index for v in variables], default=0) :]
    return Solution(variables, entries, inputs_of(variables, entries, nodes))


def _check_root(solution: Solution, numbers: Sequence[Any], x0: Any, tol: float, who: str) -> None:
    """Raise RuntimeError unless the numbers are a root; make traced ones nan."""
    step = solution.newton_step()
    guess = [x for x in flatten(x0, "").entries if is_traced(x) or (is_number(x) and math.isfinite(x))]
    size = SHARE * largest([*numbers, *guess])
    excess = [ops.abs(change) - tol * (ops.abs(x) + size) for change, x in zip(step, numbers)]
    close = functools.reduce(ops.maximum, excess, 0.0) <= ROUNDING
    if isinstance(close, Value):
        solution.spoil_unless(close)
    elif not close:
        raise RuntimeError(
            f"{who} the solver must return a solution, got {_list(numbers)}, where what must be 0 is "
            f"{_list(solution.residuals)}, and a step of Newton's method would still change x by {_list(step)}. Let "
            f"the solver take more steps, or raise tol, which is {tol}"
        )


def _list(numbers: Sequence[Any]) -> str:
    """A few numbers in a message."""
    shown = ", ".join([f"{number_of(x):.6g}" for x in numbers[:4]])
    return shown + f", ... ({len(numbers)} numbers)" * (len(numbers) > 4)
