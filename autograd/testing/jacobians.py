"""Checks of hand-written Jacobians, Hessians, and Jacobian products (jvp, vjp) against finite differences."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..primitive import describe
from ..transforms.recording import RESULT, nest_rows
from ..transforms.tree import Tree, check, flatten, match_entries
from .arguments import Arguments, convert_like, entry_names
from .checking import check_options
from .conversion import like, to_numpy
from .differences.extrapolation import EPSILON, Floats
from .differences.sides import Slopes
from .probe import Probe
from .verdicts import Checked, Verdict, judge, report

OF = f"of {RESULT}"
DRAWS = 3  # random vectors, each of which a wrong product passes only by chance


def check_jacobian(
    f: Callable[..., Any],
    *args: Any,
    jacobian: Callable[..., Any],
    argnums: int | Sequence[int] | None = None,
    rtol: float = 1e-6,
    atol: float = 0.0,
    strict: bool = False,
) -> Checked:
    """Raise GradientError unless a Jacobian agrees with finite differences of f at args.

    Args:
        f: a function that returns a number, an array, or a structure of them.
        args: the arguments to check at.
        jacobian: a function of the same arguments that returns the Jacobian as ag.jacobian does: for an array
            of shape S and a result of shape R an array of shape R + S; for several arguments a tuple of them. It
            may be sparse.
        argnums, rtol, atol, strict: as for check_gradients, which returns and raises the same.

    >>> import numpy as np
    >>> polar = lambda x: np.array([x[0] * np.cos(x[1]), x[0] * np.sin(x[1])])
    >>> j = lambda x: np.array([[np.cos(x[1]), -x[0] * np.sin(x[1])], [np.sin(x[1]), x[0] * np.cos(x[1])]])
    >>> check_jacobian(polar, np.array([2.0, 0.3]), jacobian=j)
    <Checked: 4 derivatives agree with finite differences>
    """
    __tracebackhide__ = True
    check_options("check_jacobian", rtol, atol, strict)
    arguments = Arguments("check_jacobian", f, args, argnums)
    probe = Probe(arguments, f, scalar=False)
    given = _call(arguments, jacobian, arguments.numbers, "jacobian=")
    matrix = _read_matrix(given, probe.outputs, arguments.inputs, f"{arguments.who} the Jacobian")
    slopes, troubles = probe.slopes()
    results = _names(probe.outputs)
    verdicts = judge(results, arguments.names, matrix.tolist(), slopes, rtol, atol=atol, troubles=troubles)
    return report(arguments.who, verdicts, strict)


def check_hessian(
    f: Callable[..., Any],
    *args: Any,
    hessian: Callable[..., Any],
    gradient: Callable[..., Any] | None = None,
    argnums: int | Sequence[int] | None = None,
    rtol: float = 1e-6,
    atol: float = 0.0,
    strict: bool = False,
) -> Checked:
    """Raise GradientError unless a Hessian agrees with finite differences at args.

    Args:
        f: a function that returns one number.
        args: the arguments to check at.
        hessian: a function of the same arguments that returns the Hessian as ag.hessian does: for an array of
            shape S an array of shape S + S. It may be sparse.
        gradient: the gradient of f. With it the Hessian is compared with its differences, which is faster and
            many digits more precise; the gradient itself is checked too. Without it, with second differences of f.
        argnums, rtol, atol, strict: as for check_gradients, which returns and raises the same.

    >>> import numpy as np
    >>> f, x = lambda x: x[0] ** 2 * x[1], np.array([3.0, 5.0])
    >>> check_hessian(f, x, hessian=lambda x: np.array([[2 * x[1], 2 * x[0]], [2 * x[0], 0.0]]))
    <Checked: 4 derivatives agree with finite differences>
    """
    __tracebackhide__ = True
    check_options("check_hessian", rtol, atol, strict)
    arguments = Arguments("check_hessian", f, args, argnums)
    inputs, names = arguments.inputs, arguments.names
    probe = Probe(arguments, f, scalar=True)
    given = _call(arguments, hessian, arguments.numbers, "hessian=")
    matrix = _read_matrix(given, inputs, inputs, f"{arguments.who} the Hessian").tolist()
    verdicts: list[Verdict] = []
    if gradient is None:
        verdicts = judge(names, names, matrix, probe.second_slopes(), rtol, atol=atol)
    else:
        who = f"{arguments.who} the gradient with respect to"
        first = arguments.read_gradient(_call(arguments, gradient, arguments.numbers, "gradient="), who)
        slopes, troubles = probe.slopes()
        verdicts = judge([""], names, [first], slopes, rtol, atol=atol, troubles=troubles)
        flat = functools.wraps(gradient)(lambda *args: np.array(arguments.read_gradient(gradient(*args), who)))
        slopes, troubles = Probe(arguments, flat, scalar=False).slopes()
        verdicts += judge(names, names, matrix, slopes, rtol, atol=atol, troubles=troubles)
    return report(arguments.who, verdicts, strict)


def check_jvp(
    f: Callable[..., Any],
    *args: Any,
    jvp: Callable[..., Any],
    argnums: int | Sequence[int] | None = None,
    rtol: float = 1e-6,
    atol: float = 0.0,
    strict: bool = False,
) -> Checked:
    """Raise GradientError unless a product of the Jacobian with a vector agrees with finite differences of f at args.

    Args:
        f: a function that returns a number, an array, or a structure of them.
        args: the arguments to check at.
        jvp: a function of the same arguments and, behind them, a tangent for each of those in argnums, with its
            structure. It returns the derivative of f in that direction. It is checked for three random ones.
        argnums, rtol, atol, strict: as for check_gradients, which returns and raises the same.

    >>> import numpy as np
    >>> check_jvp(lambda x: np.sin(x), np.array([0.5, 2.0]), jvp=lambda x, dx: np.cos(x) * dx)
    <Checked: 6 derivatives agree with finite differences>
    """
    __tracebackhide__ = True
    check_options("check_jvp", rtol, atol, strict)
    arguments = Arguments("check_jvp", f, args, argnums)
    probe = Probe(arguments, f, scalar=False)
    rng = np.random.default_rng(0)
    numbers, verdicts = arguments.numbers, []
    for k in range(DRAWS):
        tangent = rng.standard_normal(len(numbers)) * np.where(numbers == 0, 1.0, abs(numbers))
        tangents = [x for i, x in enumerate(arguments.at(tangent)) if i in arguments.positions]
        given = _call(arguments, _with_more(jvp, tangents), numbers, "jvp=")
        tree = flatten(convert_like(to_numpy(given), probe.outputs.like(probe.y.tolist())), RESULT)
        who = f"{arguments.who} what jvp= returns for"
        check(tree, who, "it must have one real number for each number in the result")
        row = [float(x) for x in match_entries(probe.outputs, tree, who)]
        line = probe.line(functools.partial(_along, probe, tangent), 0.0)
        names = [", ".join(filter(None, [name, f"tangent {k + 1}"])) for name in _names(probe.outputs)]
        slopes = [line.slopes()]
        verdicts += judge(names, [""], [[x] for x in row], slopes, rtol, atol=atol, troubles=[line.trouble])
    probe.require_unchanged()
    return report(arguments.who, verdicts, strict)


def check_vjp(
    f: Callable[..., Any],
    *args: Any,
    vjp: Callable[..., Any],
    argnums: int | Sequence[int] | None = None,
    rtol: float = 1e-6,
    atol: float = 0.0,
    strict: bool = False,
) -> Checked:
    """Raise GradientError unless a product of a vector with the Jacobian agrees with finite differences of f at args.

    Args:
        f: a function that returns a number, an array, or a structure of them.
        args: the arguments to check at.
        vjp: a function of the same arguments and, behind them, a cotangent with the structure of the result of f.
            It returns the gradient of (cotangent · result), as `gradient` of check_gradients does. It is checked
            for three random cotangents.
        argnums, rtol, atol, strict: as for check_gradients, which returns and raises the same.

    >>> import numpy as np
    >>> check_vjp(lambda x: np.sin(x), np.array([0.5, 2.0]), vjp=lambda x, g: np.cos(x) * g)
    <Checked: 6 derivatives agree with finite differences>
    """
    __tracebackhide__ = True
    check_options("check_vjp", rtol, atol, strict)
    arguments = Arguments("check_vjp", f, args, argnums)
    raw = flatten(arguments.call(f, arguments.numbers), RESULT)
    probe = Probe(arguments, f, scalar=False)
    rng = np.random.default_rng(0)
    slopes, troubles = probe.slopes()
    verdicts: list[Verdict] = []
    for k in range(DRAWS):
        cotangent = rng.standard_normal(len(probe.y))
        whole = _cotangent(raw, probe.outputs, cotangent)
        given = _call(arguments, _with_more(vjp, [whole]), arguments.numbers, "vjp=")
        row = arguments.read_gradient(given, f"{arguments.who} what vjp= returns for")
        names = [f"{name}, cotangent {k + 1}" for name in arguments.names]
        combined = [_combine(s, cotangent) for s in slopes]
        verdicts += judge([""], names, [row], combined, rtol, atol=atol, troubles=troubles)
    return report(arguments.who, verdicts, strict)


def _call(arguments: Arguments, function: Any, numbers: Any, name: str) -> Any:
    """What a function under test returns; TypeError unless it is one."""
    if not callable(function):
        raise TypeError(
            f"{arguments.who} {name} must be a function that returns the derivatives, got {describe(function)}"
        )
    return arguments.call_and_check(function, numbers)


def _with_more(function: Any, more: Sequence[Any]) -> Any:
    """A function with more arguments behind those that it is called with."""
    return functools.wraps(function)(lambda *args: function(*args, *more)) if callable(function) else function


def _along(probe: Probe, tangent: Floats, t: float) -> Floats:
    return probe.at(probe.arguments.numbers + t * tangent)


def _read_matrix(given: Any, outer: Tree, inner: Tree, who: str) -> Floats:
    """The matrix in a structure like that of ag.jacobian, a row for each number of `outer`.

    Raises:
        TypeError, ValueError: if its structure or a shape is different; the message begins with `who`.
    """
    shape = len(outer.entries), len(inner.entries)
    places = nest_rows(np.arange(float(shape[0] * shape[1])).reshape(shape).tolist(), outer, inner)
    expected, tree = flatten(places, OF), flatten(convert_like(to_numpy(given), places), OF)
    check(tree, who, "it must have one real number for each pair of a result and a number")
    matrix = np.empty(shape)
    matrix.flat[[int(k) for k in expected.entries]] = [float(x) for x in match_entries(expected, tree, who)]
    return matrix


def _combine(slopes: Slopes, cotangent: Floats) -> Slopes:
    """The derivative of the sum of all results, each times a number."""
    with np.errstate(invalid="ignore"):
        value, left, right = [np.dot(cotangent, x) for x in (slopes.value, slopes.left, slopes.right)]
        rounding = 8 * EPSILON * np.dot(abs(cotangent), abs(slopes.value))
        error = np.dot(abs(cotangent), slopes.error) + rounding
        if (np.isnan(slopes.value) & (slopes.left == slopes.right)).any():  # a jump
            value, left, right = np.nan, np.inf, np.inf
    seen = np.isfinite(slopes.variation)
    variation = np.dot(abs(cotangent)[seen], slopes.variation[seen]) if seen.any() else np.inf
    return Slopes(*[np.array([x]) for x in (value, error, left, right, slopes.step.min(), variation)])


def _cotangent(raw: Tree, outputs: Tree, numbers: Any) -> Any:
    """These numbers in the structure of a result, and of its kinds of arrays."""
    parts = [like(leaf.original, np.reshape(part, plain.shape or ())) for leaf, plain, part in
             zip(raw.leaves, outputs.leaves, outputs.split(numbers))]  # fmt: skip
    return raw.build(iter([x.detach() if hasattr(x, "detach") else x for x in parts]))


def _names(outputs: Tree) -> list[str]:
    """The name of each number in a result; "" for a result that is one number."""
    if outputs.is_leaf and not outputs.leaves[0].shape:
        return [""]
    return [name for leaf in outputs.leaves for name in entry_names(leaf)]
