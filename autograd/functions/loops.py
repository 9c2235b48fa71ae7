"""Loops and branches as functions. They are the plain Python that they stand for; jit makes machine loops of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ..primitive import check_flag, describe, is_number
from ..transforms.tree import Tree
from ..user_line import user_line
from ..value import Value, number_of
from .structure import (
    at_line,
    check_functions,
    expect_number,
    flatten_numbers,
    match_structure,
    row_of,
    split_pair,
    stack_rows,
    too_many,
)

# Each is called with the name of one of these functions. While jit traces, it returns what records a loop in place of
# running it; otherwise None. jit fills it.
on_loop: Final[list[Callable[[str], Callable[..., Any] | None]]] = []

MAX_STEPS = 1_000_000


def fori_loop(lower: Any, upper: Any, body: Callable[[Any, Any], Any], init: Any) -> Any:
    """Call body for each whole number from lower to upper - 1, as jax.lax.fori_loop does.

        carry = init
        for i in range(lower, upper):
            carry = body(i, carry)
        return carry

    Args:
        lower, upper: numbers. They may be traced, and then differ from one element of a batch to the next. They only
            count: nothing is passed back to them.
        body: a function of (i, carry) that returns the next carry, which has the structure of init.
        init: the first carry: a number, an array, or a structure of them, without Modules.

    Returns:
        The last carry.

    Raises:
        TypeError: if the body returns a carry of another structure, or an argument is of the wrong kind.

    >>> import autograd as ag
    >>> ag.fori_loop(0, 5, lambda i, total: total + i * i, 0.0)
    30.0
    >>> ag.grad(lambda x: ag.fori_loop(0, 3, lambda i, y: x * y, 1.0))(2.0)  # of x³
    12.0
    """
    check_functions("fori_loop", body=body)
    for name, x in {"lower": lower, "upper": upper}.items():
        if not isinstance(x, Value) and not is_number(x):
            raise TypeError(f"fori_loop(): {name} must be a number, got {describe(x)}{at_line()}")
    if (traced := _traced("fori_loop")) is not None:
        return traced(lower, upper, body, init)
    i, stop = _whole(number_of(lower)), number_of(upper)
    tree, carry = flatten_numbers("fori_loop", init, "the carry"), init
    while i < stop:
        carry = body(i, carry)
        match_structure("fori_loop", "the carry", tree, carry)
        i += 1
    return carry


def while_loop(cond: Callable[[Any], Any], body: Callable[[Any], Any], init: Any, *, max_steps: int = MAX_STEPS) -> Any:
    """Call body as long as cond is true, as jax.lax.while_loop does. Unlike there, gradients pass through it.

        carry = init
        while cond(carry):
            carry = body(carry)
        return carry

    Args:
        cond: a function of the carry that returns a bool or a number; nonzero is true.
        body: a function of the carry that returns the next one, which has the structure of init.
        init: the first carry: a number, an array, or a structure of them, without Modules.
        max_steps: how many steps there may be, so that a condition that is never false is an error.

    Returns:
        The last carry.

    Raises:
        RuntimeError: if cond is still true after max_steps steps.
        TypeError: if the body returns a carry of another structure, or an argument is of the wrong kind.

    >>> import autograd as ag
    >>> def newton(a):  # the square root of a
    ...     return ag.while_loop(lambda x: abs(x * x - a) > 1e-12, lambda x: 0.5 * (x + a / x), a)
    >>> round(newton(2.0), 12), round(ag.grad(newton)(2.0), 12)
    (1.414213562373, 0.353553390593)
    """
    check_functions("while_loop", cond=cond, body=body)
    if isinstance(max_steps, bool) or not isinstance(max_steps, int) or max_steps < 0:
        raise TypeError(
            f"while_loop(): max_steps must be a whole number of at least 0, got {describe(max_steps)}{at_line()}"
        )
    if (traced := _traced("while_loop")) is not None:
        return traced(cond, body, init, max_steps)
    tree, carry = flatten_numbers("while_loop", init, "the carry"), init
    steps = 0
    while expect_number("while_loop", "cond must return", cond(carry)):
        if steps == max_steps:
            raise RuntimeError(too_many(user_line(), max_steps))
        carry = body(carry)
        match_structure("while_loop", "the carry", tree, carry)
        steps += 1
    return carry


def scan(
    body: Callable[[Any, Any], Any], init: Any, xs: Any = None, length: int | None = None, reverse: bool = False
) -> tuple[Any, Any]:
    """Call body for each row of xs, passing the carry on, and stack what it returns, as jax.lax.scan does.

        carry, ys = init, []
        for x in xs:
            carry, y = body(carry, x)
            ys.append(y)
        return carry, np.stack(ys)

    Args:
        body: a function of (carry, x) that returns a pair: the next carry, which has the structure of init, and y,
            which may be None.
        init: the first carry: a number, an array, or a structure of them, without Modules.
        xs: an array, whose first axis is that of the steps, or a structure of such arrays; or None, with a length.
        length: the number of steps, if xs is None.
        reverse: whether to go from the last row to the first. The rows of ys are in the order of those of xs.

    Returns:
        (carry, ys): the last carry, and the structure of y with an array in place of each number or array, whose
        first axis is that of the steps; None if y is.

    Raises:
        TypeError: if the body returns a carry of another structure, or an argument is of the wrong kind.
        ValueError: if there is no step, or arrays in xs differ in length.

    >>> import autograd as ag
    >>> import numpy as np
    >>> ag.scan(lambda total, x: (total + x, total), 0.0, np.array([1.0, 2.0, 3.0]))
    (6.0, array([0., 1., 3.]))
    >>> ag.scan(lambda y, _: (2 * y, None), 1.0, length=10)
    (1024.0, None)
    """
    check_functions("scan", body=body)
    reverse = check_flag(reverse, "scan: reverse")
    tree, steps = _rows(xs, length)
    if (traced := _traced("scan")) is not None:
        return traced(body, init, tree, steps, reverse)  # type: ignore[no-any-return]
    structure, carry = flatten_numbers("scan", init, "the carry"), init
    found: list[Any] = [None] * steps
    for k in range(steps)[::-1] if reverse else range(steps):
        x = None if tree is None else tree.build(iter([row_of(leaf, k, steps) for leaf in tree.leaves]))
        carry, found[k] = split_pair(body(carry, x))
        match_structure("scan", "the carry", structure, carry)
    if found[0] is None and all(y is None for y in found):
        return carry, None
    first = flatten_numbers("scan", found[0], "y")
    columns = [first.split(match_structure("scan", "y", first, y)) for y in found]
    return carry, stack_rows(first, [list(column) for column in columns])


def cond(pred: Any, true_fun: Callable[..., Any], false_fun: Callable[..., Any], *operands: Any) -> Any:
    """true_fun(*operands) if pred is true, otherwise false_fun(*operands), as jax.lax.cond.

    Unlike ag.where it computes only one of the two.

    Args:
        pred: a bool or a number; nonzero is true.
        true_fun, false_fun: functions of the operands. Compiled, both must return the same structure.
        operands: what they are called with.

    Raises:
        TypeError: if pred is not a number, or, in a compiled function, the two return different structures.

    >>> import autograd as ag
    >>> def sinc(x):
    ...     return ag.cond(x == 0, lambda x: 1.0 - x * x / 6, lambda x: ag.sin(x) / x, x)
    >>> sinc(0.0), ag.grad(sinc)(0.0), round(sinc(1.0), 12)
    (1.0, 0.0, 0.841470984808)
    """
    check_functions("cond", true_fun=true_fun, false_fun=false_fun)
    if isinstance(pred, Value) and (traced := _traced("cond")) is not None:
        return traced(pred, true_fun, false_fun, operands)
    return (true_fun if expect_number("cond", "pred must be", pred) else false_fun)(*operands)


def _traced(name: str) -> Callable[..., Any] | None:
    """What records a loop, if a function is being traced now."""
    for hook in on_loop:
        if (found := hook(name)) is not None:
            return found
    return None


def _whole(x: float) -> float:
    """x as an int, so that it may be an index, if it is a whole number."""
    return int(x) if x.is_integer() else x


def _rows(xs: Any, length: Any) -> tuple[Tree | None, int]:
    """xs taken apart, or None, and the number of steps."""
    if length is not None and (isinstance(length, bool) or not hasattr(length, "__index__")):
        raise TypeError(f"scan(): length must be a whole number, got {describe(length)}{at_line()}")
    tree = None if xs is None else flatten_numbers("scan", xs, "xs")
    sizes = {} if length is None else {"length": int(length)}
    for leaf in [] if tree is None else tree.leaves:
        if not leaf.shape:
            raise TypeError(
                f"scan(): {leaf.path} must be an array, whose first axis is that of the steps, got "
                f"{describe(leaf.given)}. Make an array of a list by np.array(xs) or, with Values, ag.array(xs)"
                f"{at_line()}"
            )
        sizes[leaf.path] = leaf.shape[0]
    if not sizes:
        raise TypeError(f"scan(): without arrays in xs, length must be the number of steps, got None{at_line()}")
    if len(set(sizes.values())) > 1:
        given = ", ".join(f"{size} in {name}" for name, size in sizes.items())
        raise ValueError(f"scan(): there must be one number of steps, got {given}{at_line()}")
    steps = next(iter(sizes.values()))
    if steps < 1:
        raise ValueError(f"scan(): there must be at least one step, got {steps}{at_line()}")
    return tree, steps
