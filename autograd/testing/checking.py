"""check_gradients: compare a gradient, this engine's or one written by hand, with finite differences."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

from ..primitive import can_take, describe, is_number
from ..user_line import warn
from ..value import Value
from .arguments import Arguments
from .derivatives import Derivatives
from .faults import find_faults
from .numerical import Probe
from .verdicts import Verdict, format_table, judge


class GradientError(AssertionError):
    """A derivative is wrong: the message says which, what it should be, and which primitive is at fault.

    Attributes:
        verdicts: one for each wrong derivative, the worst first.
    """

    __module__ = "autograd.testing"  # where users import it from, for reports

    def __init__(self, message: str, verdicts: Sequence[Verdict] = ()) -> None:
        super().__init__(message)
        self.verdicts = list(verdicts)


class GradientWarning(UserWarning):
    """A derivative could not be checked: it is taken at a kink, or noise hides it."""

    __module__ = "autograd.testing"


def check_gradients(
    f: Callable[..., Any],
    *args: Any,
    order: int = 1,
    gradient: Callable[..., Any] | None = None,
    argnums: int | Sequence[int] | None = None,
    rtol: float = 1e-6,
) -> None:
    """Raise GradientError unless the derivatives of f at args agree with finite differences.

    Each derivative is compared with a numerical one, which comes with an estimate of its own error: a
    pass means agreement within that error and the tolerance, and a failure is not noise. See
    numerical_gradient for how that is computed. At a kink any value between the derivatives on the two
    sides passes, with a GradientWarning. So does a derivative that noise hides, because the numerical
    error is as large as the gradient. At a jump there is no derivative, and nothing passes.

    Args:
        f: a function that returns one number: a function of Values, as for grad, or, if `gradient` is
            given, any function of floats and arrays.
        args: the arguments to check at, as for grad.
        order: check the derivatives of all orders up to this one. With 2 the Hessian is compared with
            differences of the gradient, and so on.
        gradient: a function of the same arguments that returns the gradient to test in place of this
            engine's. It has the structure of the argument; for several arguments it is a tuple.
        argnums: which arguments to differentiate with respect to: an int or a tuple; by default all.
        rtol: the relative error to accept in a derivative.

    Raises:
        GradientError: an AssertionError that says which derivatives are wrong, the worst first, what
            they should be, and for functions of Values which primitive's rule is at fault.
        TypeError: if an argument holds something other than real numbers, or is an integer array; if
            the result is not one number; if a gradient does not have the structure of the argument.
        ValueError: if f is nan or infinite at args, changes an argument in place, or gives different
            results when called twice; if argnums or the order is out of range, or a gradient has the
            wrong shape. Exceptions from f and gradient pass through.

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
    """
    __tracebackhide__ = True  # so that pytest shows the line of the test
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"check_gradients(): order must be a whole number of 1 or more, got {describe(order)}")
    if not is_number(rtol) or not rtol >= 0:
        raise ValueError(f"check_gradients(): rtol must be a number of 0 or more, got {describe(rtol)}")
    arguments = Arguments("check_gradients", f, args, argnums)
    if gradient is not None and not callable(gradient):
        raise TypeError(
            f"{arguments.who} gradient= must be a function that returns the derivatives, got {describe(gradient)}"
        )
    for name, function in (("the function", f), ("gradient=", gradient)):
        if function is not None and not can_take(function, len(args)):
            raise TypeError(
                f"{arguments.who} {name} must accept the {len(args)} argument{'s' * (len(args) != 1)} given"
            )
    if gradient is None:
        arguments.call_and_check(f, [Value(x) for x in arguments.numbers])
        derivatives = Derivatives(arguments)
        for k in range(1, order + 1):
            verdicts = derivatives.check(k, rtol)
            _conclude(arguments.who, verdicts, functools.partial(_blame, derivatives, k, rtol))
    elif order > 1:
        raise ValueError(
            f"{arguments.who} order={order} needs a function of Values; a gradient is checked at order 1 only"
        )
    else:
        slopes = Probe(arguments, f, scalar=True).slopes()
        given = arguments.read_gradient(
            arguments.call_and_check(gradient, arguments.numbers), f"{arguments.who} the gradient with respect to"
        )
        _conclude(arguments.who, judge([""], arguments.names, [given], slopes, rtol), list)


def _conclude(who: str, verdicts: Sequence[Verdict], blame: Callable[[], list[str]]) -> None:
    """Raise for wrong derivatives; warn of those that could not be checked."""
    __tracebackhide__ = True
    wrong = sorted((v for v in verdicts if v.wrong), key=lambda v: v.off, reverse=True)
    if wrong:
        smooth = any(not v.at_kink and not v.at_jump for v in wrong)
        count = f"{len(wrong)} of {len(verdicts)} derivatives" if len(verdicts) > 1 else "the derivative"
        verb = "are" if len(wrong) > 1 else "is"
        lines = [
            f"{who} {count} {verb} {'wrong' if smooth else 'taken where the function has none'}",
            *format_table(wrong),
        ]
        raise GradientError("\n".join([*lines, *blame()] if smooth else lines), wrong)
    largest = max((abs(v.given) for v in verdicts if math.isfinite(v.given)), default=0.0)
    for v in verdicts:
        if v.at_kink:
            text = f"is at a kink: {v.left:.6g} to the left, {v.right:.6g} to the right, given {v.given:.6g}"
        elif math.isnan(v.expected) or (abs(v.given) > v.slack and v.bound > largest / 10):
            text = f"cannot be checked: finite differences give {v.expected:.6g} ± {v.bound:.1g}, given {v.given:.6g}"
        else:
            continue
        warn(f"{who} the derivative with respect to {v.name} {text}", GradientWarning)


def _blame(derivatives: Derivatives, order: int, rtol: float) -> list[str]:
    """The last lines of a message: the primitives at fault."""
    faults = find_faults(derivatives, order, rtol)
    if faults:
        return [f"at fault is {fault}" for fault in faults]
    return [
        "no primitive is at fault: the partials of each agree with finite differences of it alone. Does the",
        "function hide something from the graph, with x.data or x.detach()?",
    ]
