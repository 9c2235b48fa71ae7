"""check_gradients: compare a gradient, this engine's or one written by hand, with finite differences."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..primitive import can_take, check_flag, describe, is_number
from ..value import Value
from .arguments import Arguments
from .derivatives import Derivatives
from .directions import DIRECTIONS, MANY, Directions
from .faults import find_faults
from .probe import Probe
from .verdicts import Checked, Verdict, judge, refuse_wrong, report


def check_gradients(
    f: Callable[..., Any],
    *args: Any,
    order: int = 1,
    gradient: Any = None,
    argnums: int | Sequence[int] | None = None,
    rtol: float = 1e-6,
    atol: float = 0.0,
    strict: bool = False,
    directions: int | None = None,
) -> Checked:
    """Raise GradientError unless the derivatives of f at args agree with finite differences.

    Each derivative is compared with a numerical one, which comes with an estimate of its own error: a
    pass means agreement within that error and the tolerance, and a failure is not noise. See
    numerical_gradient for how that is computed. Three things are not so plain:
    - At a kink any value between the derivatives on the two sides passes.
    - A derivative cannot be told where the noise of f hides it, or where f is not defined beside the point.
      It passes or, with strict=True, fails.
    - At a jump there is no derivative, and nothing passes.
    One GradientWarning has a table of what passed for the first two reasons.

    Args:
        f: a function that returns one number: a function of Values, as for grad, or, if `gradient` is
            given, any function of numbers, arrays, or what converts to them (of PyTorch, JAX or pandas).
        args: the arguments to check at, as for grad. Integers are varied as floats.
        order: check the derivatives of all orders up to this one. With 2 the Hessian is compared with
            differences of the gradient, and so on. With `gradient` at most 2: the differences of the given
            gradient are compared with the second differences of f, which tests it around the point.
        gradient: a function of the same arguments that returns the gradient to test in place of this
            engine's, or True if f returns a pair (value, gradient). It has the structure of the argument;
            for several arguments it is a tuple. It may be sparse.
        argnums: which arguments to differentiate with respect to: an int or a tuple; by default all.
        rtol: the relative error to accept in a derivative.
        atol: the absolute error to accept. A derivative of whose numerical error is less can be told.
        strict: whether to fail if a derivative cannot be told.
        directions: check the gradient along this many random directions, instead of each number alone; 0 for
            each number alone. By default 5 directions for 1,000 numbers or more. What they miss is in the result.

    Returns:
        The derivatives checked, those at kinks, and those that cannot be told.

    Raises:
        GradientError: an AssertionError that says which derivatives are wrong, the worst first, what
            they should be, and for functions of Values which primitive's rule is at fault.
        TypeError: if an argument holds something other than real numbers; if the result is not one
            number; if a gradient does not have the structure of the argument.
        ValueError: if f is nan or infinite at args, changes an argument in place, or gives different
            results when called again; if argnums or the order is out of range, or a gradient has the
            wrong shape. Exceptions from f and gradient pass through, but for ValueError and
            ArithmeticError on one side of the point: f is not defined there.

    >>> import numpy as np
    >>> def loss(w, x):
    ...     return np.sum(np.tanh(w * x))
    >>> def my_gradient(w, x):
    ...     return (1 + np.tanh(w * x) ** 2) * x  # a planted mistake: the derivative of tanh is 1 - tanh²
    >>> w, x = np.array([0.5, -1.0]), np.array([2.0, 0.1])
    >>> check_gradients(loss, w, x, gradient=my_gradient, argnums=0)
    Traceback (most recent call last):
    ...
    autograd.testing.GradientError: check_gradients(loss): 2 of 2 derivatives are wrong
      variable  given           expected                 off by          given / expected
      w[0]      3.16005131677   0.839948683228 ± 8e-07   2.8e+06 bounds  3.7622
      w[1]      0.100993370915  0.0990066290847 ± 1e-07  2e+04 bounds    1.02007
    >>> check_gradients(loss, w, x, order=2)  # this engine's, with respect to w and x
    <Checked: 20 derivatives agree with finite differences>
    """
    __tracebackhide__ = True  # so that pytest shows the line of the test
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"check_gradients(): order must be a whole number of 1 or more, got {describe(order)}")
    check_options("check_gradients", rtol, atol, strict, directions)
    arguments = Arguments("check_gradients", f, args, argnums)
    if gradient is True:
        f, gradient = _split_pair(arguments.who, f)
    if gradient is not None and not callable(gradient):
        raise TypeError(
            f"{arguments.who} gradient= must be a function that returns the derivatives, got {describe(gradient)}"
        )
    check_arity(arguments.who, len(args), f, gradient)
    if directions is None:
        directions = DIRECTIONS if len(arguments.numbers) >= MANY and order == 1 else 0
    if directions and order > 1:
        raise ValueError(f"{arguments.who} directions are for order 1, got order={order}. Leave directions out")
    if gradient is None:
        arguments.call_and_check(f, [Value(float(x)) for x in arguments.numbers])
        derivatives = Derivatives(arguments)
        if directions:
            blame = functools.partial(_blame, derivatives, 1, rtol)
            return check_along(arguments, derivatives.along(rtol, atol), directions, strict, blame)
        found: list[Verdict] = []
        for k in range(1, order + 1):
            verdicts = derivatives.check(k, rtol, atol)
            refuse_wrong(arguments.who, verdicts, functools.partial(_blame, derivatives, k, rtol))
            found += verdicts
        return report(arguments.who, found, strict)
    if order > 2:
        raise ValueError(
            f"{arguments.who} order={order} needs a function of Values; a gradient is checked up to order 2"
        )
    probe = Probe(arguments, f, scalar=True)
    who = f"{arguments.who} the gradient with respect to"
    given = arguments.read_gradient(arguments.call_and_check(gradient, arguments.numbers), who)
    if directions:
        along = Directions(probe.at, arguments.numbers, given, probe.line, rtol, atol)
        checked = check_along(arguments, along, directions, strict, list)
        probe.require_unchanged()
        return checked
    slopes, troubles = probe.slopes()
    verdicts = judge([""], arguments.names, [given], slopes, rtol, atol=atol, troubles=troubles)
    if order == 2:
        refuse_wrong(arguments.who, verdicts, list)  # a wrong gradient has no second derivatives to compare
        verdicts += _second_order(arguments, probe, gradient, rtol, atol)
    return report(arguments.who, verdicts, strict)


def check_options(name: str, rtol: Any, atol: Any, strict: Any, directions: Any = None) -> None:
    """ValueError for tolerances and counts that are none; TypeError unless strict is a bool."""
    check_flag(strict, f"{name}(): strict")
    for option, x in (("rtol", rtol), ("atol", atol)):
        if not is_number(x) or not x >= 0:
            raise ValueError(f"{name}(): {option} must be a number of 0 or more, got {describe(x)}")
    if directions is not None and (type(directions) is not int or directions < 0):
        raise ValueError(f"{name}(): directions must be a whole number of 0 or more, got {describe(directions)}")


def check_arity(who: str, count: int, f: Any, gradient: Any) -> None:
    """TypeError unless the functions accept this many arguments."""
    for name, function in (("the function", f), ("gradient=", gradient)):
        if function is not None and not can_take(function, count):
            raise TypeError(f"{who} {name} must accept the {count} argument{'s' * (count != 1)} given")


def check_along(
    arguments: Arguments, along: Directions, count: int, strict: bool, blame: Callable[[], list[str]]
) -> Checked:
    """Check a gradient along this many random directions; name a derivative at fault if one fails."""
    __tracebackhide__ = True
    verdicts, directions = along.check(count)
    wrong = [k for k, v in enumerate(verdicts) if v.wrong]
    if wrong:
        worst = max(wrong, key=lambda k: verdicts[k].off)
        found = along.find(directions[worst], arguments.names)
        head = f"along {len(wrong)} of {count} random directions the gradient"
        refuse_wrong(arguments.who, found or verdicts, blame, head)
    return report(arguments.who, verdicts, strict, count, along.chance)


def _split_pair(who: str, f: Callable[..., Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The value and the gradient of a function that returns both."""

    def pair(*args: Any) -> Any:
        result = f(*args)
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            raise TypeError(
                f"{who} with gradient=True the function must return a pair (value, gradient), got {describe(result)}"
            )
        return result

    return functools.wraps(f)(lambda *args: pair(*args)[0]), functools.wraps(f)(lambda *args: pair(*args)[1])


def _second_order(
    arguments: Arguments, probe: Probe, gradient: Callable[..., Any], rtol: float, atol: float
) -> list[Verdict]:
    """Compare the differences of a given gradient with the second differences of the function."""
    who = f"{arguments.who} the gradient with respect to"
    of_gradient = Probe(arguments, lambda *args: np.array(arguments.read_gradient(gradient(*args), who)), scalar=False)
    slopes, _ = of_gradient.slopes()
    given = [[float(s.value[i]) for s in slopes] for i in range(len(slopes))]
    slack = [[float(s.error[i]) for s in slopes] for i in range(len(slopes))]
    expected = probe.second_slopes()
    # Where one of the two has no numerical derivative, there is nothing to compare.
    given = [
        [x if math.isfinite(x) else float(expected[j].value[i]) for j, x in enumerate(row)]
        for i, row in enumerate(given)
    ]
    return judge(arguments.names, arguments.names, given, expected, rtol, slack, atol)


def _blame(derivatives: Derivatives, order: int, rtol: float) -> list[str]:
    """The last lines of a message: the primitives at fault."""
    faults = find_faults(derivatives, order, rtol)
    if faults:
        return [f"at fault is {fault}" for fault in faults]
    return [
        "no primitive is at fault: the partials of each agree with finite differences of it alone. Does the",
        "function hide something from the graph, with x.data or x.detach()?",
    ]
