"""What `ag.fori_loop`, `while_loop`, `scan` and `cond` do while a function is traced."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from .... import ops
from ....functions.structure import at_line, expect_number, flatten_numbers, match_structure, split_pair, stack_rows
from ....transforms.tree import Leaf, Tree
from ....user_line import user_line
from ....value import Value
from ..state import running
from ..tracer import Trace, Tracer
from .recorded import Recorded, at_place, record_loop, record_stack


def fori_loop(lower: Any, upper: Any, body: Callable[[Any, Any], Any], init: Any) -> Any:
    """The loop, recorded; see autograd.fori_loop."""
    trace, tree = _trace(), flatten_numbers("fori_loop", init, "the carry")
    lower, upper = (x.detach() if isinstance(x, Tracer) else x for x in (lower, upper))
    lower, upper = (trace.lift(x) if isinstance(x, Value) else float(x) for x in (lower, upper))

    def step(at: Tracer, carries: list[Tracer], _: Any) -> Any:
        result = body(at if type(lower) is float and lower == 0.0 else lower + at, tree.like(carries))
        return match_structure("fori_loop", "the carry", tree, result), []

    count = _steps_of_agreeing(trace, ops.ceil(ops.maximum(upper - lower, 0.0)))
    return _last(tree, record_loop(trace, user_line(), count, tree.entries, [], step))


def _steps_of_agreeing(trace: Trace, count: Any) -> Any:
    """A count of steps, but 0 for elements that are on another path of the function, where the loop may have no end."""
    is_bounded = type(count) is float and math.isfinite(count)
    return count if trace.decisions is None or is_bounded else ops.where(trace.decisions.agrees(), count, 0.0)


def while_loop(cond: Callable[[Any], Any], body: Callable[[Any], Any], init: Any, max_steps: int) -> Any:
    """The loop, recorded; see autograd.while_loop."""
    trace, tree = _trace(), flatten_numbers("while_loop", init, "the carry")

    def step(_: Any, carries: list[Tracer], __: Any) -> Any:
        return match_structure("while_loop", "the carry", tree, body(tree.like(carries))), []

    def condition(_: Any, carries: list[Tracer]) -> Any:
        return expect_number("while_loop", "cond must return", cond(tree.like(carries)))

    line, count = user_line(), _steps_of_agreeing(trace, float("inf"))
    loop = record_loop(trace, line, count, tree.entries, [], step, condition, limit=max_steps)
    return _last(tree, loop)


def scan(body: Callable[[Any, Any], Any], init: Any, xs: Tree | None, steps: int, reverse: bool) -> tuple[Any, Any]:
    """The loop, recorded; see autograd.scan. xs has been taken apart."""
    trace, tree = _trace(), flatten_numbers("scan", init, "the carry")
    rows = [] if xs is None else [_row_form(leaf) for leaf in xs.leaves]
    stacks = [record_stack(trace, column) for leaf in ([] if xs is None else xs.leaves) for column in _columns(leaf)]
    found: list[Tree | None] = []  # the structure of y, once it is known

    def step(_: Any, carries: list[Tracer], read: list[Tracer]) -> Any:
        row = None if xs is None else Tree(rows, xs.build).like(read)
        carry, y = split_pair(body(tree.like(carries), row))
        entries = match_structure("scan", "the carry", tree, carry)
        if not found:
            found.append(None if y is None else flatten_numbers("scan", y, "y"))
        if found[0] is None and y is None:
            return entries, []
        if found[0] is None or y is None:
            raise TypeError(f"scan(): the body must return y in every step or in none{at_line()}")
        return entries, match_structure("scan", "y", found[0], y)

    loop = record_loop(trace, user_line(), float(steps), tree.entries, stacks, step, backward=reverse)
    form = found[0]
    if form is None:
        return _last(tree, loop), None
    written = [loop.row(k) for k in range(loop.written)]
    places = [[at_place(row, k) for row in written] for k in range(steps)]
    return _last(tree, loop), stack_rows(form, [list(form.split(row)) for row in places])


def cond(pred: Any, true_fun: Callable[..., Any], false_fun: Callable[..., Any], operands: Sequence[Any]) -> Any:
    """The branches, recorded as two loops of at most one step; see autograd.cond.

    The second loop starts from the results of the first, so that it leaves them if it takes no step.
    """
    trace, line = _trace(), user_line()
    found: list[Tree] = []

    def first(_: Any, __: Any, ___: Any) -> Any:
        result = true_fun(*operands)
        if not found:
            found.append(flatten_numbers("cond", result, "the result of true_fun"))
        return match_structure("cond", "the result of true_fun", found[0], result, "true_fun"), []

    def second(_: Any, __: Any, ___: Any) -> Any:
        result = false_fun(*operands)
        return match_structure("cond", "the result of true_fun", found[0], result, "false_fun"), []

    decision = trace.lift(pred)
    results = record_loop(trace, line, ops.where(decision, 1.0, 0.0), None, [], first)
    carries = [results.carry(k) for k in range(results.loop.carries)]
    return _last(found[0], record_loop(trace, line, ops.where(decision, 0.0, 1.0), carries, [], second))


def _trace() -> Trace:
    trace: Trace = running()
    return trace.innermost()


def _last(tree: Tree, loop: Recorded) -> Any:
    """The last carry, in its structure."""
    return tree.like([loop.carry(k) for k in range(loop.loop.carries)])


def _row_form(leaf: Leaf) -> Leaf:
    """The form of a row of an array."""
    assert leaf.shape
    size = len(leaf.entries) // leaf.shape[0]
    return Leaf(leaf.path, None, [0.0] * size, leaf.shape[1:] or None)


def _columns(leaf: Leaf) -> list[Sequence[Any]]:
    """For each number of a row of an array, that number in all rows."""
    assert leaf.shape
    entries = list(leaf.entries)
    size = len(entries) // leaf.shape[0]
    return [entries[k::size] for k in range(size)]


_RECORDED: dict[str, Callable[..., Any]] = {
    "fori_loop": fori_loop,
    "while_loop": while_loop,
    "scan": scan,
    "cond": cond,
}


def recorder(name: str) -> Callable[..., Any] | None:
    """What records such a loop, if a function is being traced now."""
    return _RECORDED.get(name) if running() is not None else None
