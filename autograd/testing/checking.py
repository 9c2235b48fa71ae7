"""check_gradients: compare a gradient, this engine's or one written by hand, with finite differences."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from ..primitive import can_take, describe, is_number
from ..value import Value
from .arguments import Arguments
from .faults import find_faults
from .numerical import Probe
from .tower import Tower
from .verdicts import Verdict, judged, table


class GradientError(AssertionError):
    """A derivative is wrong: the message says which, what it should be, and which primitive is at fault.

    Attributes:
        verdicts: on the wrong derivatives, the worst first.
    """

    __module__ = "autograd.testing"  # whence it is imported, in reports

    def __init__(self, message: str, verdicts: Sequence[Verdict] = ()) -> None:
        super().__init__(message)
        self.verdicts = list(verdicts)


class GradientWarning(UserWarning):
    """A derivative could not be told right from wrong: it is taken at a kink, or hidden by noise."""

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

    Each derivative is compared with a numerical one that comes with an estimate of its own error: a
    pass means agreement within that error and the tolerance, and a failure is not noise. How the
    numerical ones are made, see numerical_gradient. At a kink whatever lies between the derivatives on
    the two sides passes, with a GradientWarning; so does what noise hides, where the numerical error is
    as large as the gradient. At a jump there is no derivative, and nothing passes.

    Args:
        f: a function that returns one number: of Values, as grad takes it or, with a gradient, any
            function of floats and arrays.
        args: where to check: as for grad.
        order: check the derivatives of all orders up to this one: at 2 the Hessian too, which is
            compared with differences of the gradient, and so on.
        gradient: a function of the same arguments that returns the gradient to be tested instead of
            that of this engine, in the structure of the argument; of a tuple if there are several.
        argnums: which arguments to differentiate by: an int, or a tuple; all unless given.
        rtol: the relative error to forgive in a derivative.

    Raises:
        GradientError: an AssertionError that says which derivatives are wrong, the worst first, what
            they should be, and for functions of Values which primitive's rule is at fault.
        TypeError: for what is no real number, or an integer array, in an argument; for a result that is
            not one number; for a gradient that is not of the structure of the argument.
        ValueError: if f is nan or infinite at args, changes an argument in place, or gives different
            results when called twice; for argnums or an order out of range, and a gradient of the wrong
            shape. What f and gradient raise passes through.

    >>> import numpy as np
    >>> def loss(w, x):
    ...     return np.sum(np.tanh(w * x))
    >>> def my_gradient(w, x):
    ...     return (1 + np.tanh(w * x) ** 2) * x  # planted: the derivative of tanh is 1 - tanh²
    >>> w, x = np.array([0.5, -1.0]), np.array([2.0, 0.1])
    >>> check_gradients(loss, w, x, gradient=my_gradient, argnums=0)
    Traceback (most recent call last):
    ...
    autograd.testing.GradientError: check_gradients(loss): 2 of 2 derivatives are wrong
      by    given           expected                 off by          given / expected
      w[0]  3.16005131677   0.839948683228 ± 8e-07   2.8e+06 bounds  3.7622
      w[1]  0.100993370915  0.0990066290847 ± 1e-07  2e+04 bounds    1.02007
    >>> check_gradients(loss, w, x, order=2)  # and those of this engine, by w and x
    """
    __tracebackhide__ = True  # so that pytest shows the line of the test
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"check_gradients(): order is the highest order to check, 1 or more, got {describe(order)}")
    if not is_number(rtol) or not rtol >= 0:
        raise ValueError(f"check_gradients(): rtol is a relative tolerance, 0 or more, got {describe(rtol)}")
    arguments = Arguments("check_gradients", f, args, argnums)
    if gradient is not None and not callable(gradient):
        raise TypeError(
            f"{arguments.who} gradient= is a function that returns the derivatives, got {describe(gradient)}"
        )
    for name, function in (("the function", f), ("gradient=", gradient)):
        if function is not None and not can_take(function, len(args)):
            raise TypeError(
                f"{arguments.who} {name} cannot be called with {len(args)} arguments, as many as were given"
            )
    if gradient is None:
        arguments.audited(f, [Value(x) for x in arguments.numbers])
        tower = Tower(arguments)
        for k in range(1, order + 1):
            verdicts = tower.check(k, rtol)
            _conclude(arguments.who, verdicts, functools.partial(_blame, tower, k, rtol))
    elif order > 1:
        raise ValueError(f"{arguments.who} order={order} needs a function of Values; a gradient is checked to order 1")
    else:
        slopes = Probe(arguments, f, scalar=True).slopes()
        given = arguments.matching(arguments.audited(gradient, arguments.numbers), f"{arguments.who} the gradient by")
        _conclude(arguments.who, judged([""], arguments.names, [given], slopes, rtol), list)


def _conclude(who: str, verdicts: Sequence[Verdict], blame: Callable[[], list[str]]) -> None:
    """Raise for wrong derivatives, warn of those that could not be told right from wrong."""
    __tracebackhide__ = True
    wrong = sorted((v for v in verdicts if v.wrong), key=lambda v: v.off, reverse=True)
    if wrong:
        smooth = any(not v.at_kink and not v.at_jump for v in wrong)
        count = f"{len(wrong)} of {len(verdicts)} derivatives" if len(verdicts) > 1 else "the derivative"
        verb = "are" if len(wrong) > 1 else "is"
        lines = [f"{who} {count} {verb} {'wrong' if smooth else 'taken where there is none'}", *table(wrong)]
        raise GradientError("\n".join([*lines, *blame()] if smooth else lines), wrong)
    largest = max((abs(v.given) for v in verdicts if math.isfinite(v.given)), default=0.0)
    for v in verdicts:
        if v.at_kink:
            text = f"at a kink: {v.left:.6g} to the left, {v.right:.6g} to the right, given {v.given:.6g}"
        elif math.isnan(v.expected) or (abs(v.given) > v.slack and v.bound > largest / 10):
            text = f"not to be seen: finite differences give {v.expected:.6g} ± {v.bound:.1g}, given {v.given:.6g}"
        else:
            continue
        warnings.warn(f"{who} the derivative by {v.name} is {text}", GradientWarning, stacklevel=3)


def _blame(tower: Tower, order: int, rtol: float) -> list[str]:
    """The last lines of a message: the primitives at fault."""
    faults = find_faults(tower, order, rtol)
    if faults:
        return [f"at fault is {fault}" for fault in faults]
    return [
        "no primitive is at fault, for each one's partials agree with finite differences of it alone; does the",
        "function hide something from the graph, by float(x), x.data or the functions of math?",
    ]
