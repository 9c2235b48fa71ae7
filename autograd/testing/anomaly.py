"""detect_anomaly: stop at the first operation that makes a nan or an infinity from finite numbers."""

from __future__ import annotations

import contextlib
import contextvars
import math
import threading
from collections.abc import Iterator
from typing import Any

from ..chain import add_in_order, adjoints, data_of, local_derivatives, topological_order
from ..node import on_backward, on_record, safe_at_fork
from ..primitive import Primitive
from ..user_line import user_line
from ..value import Value


class AnomalyError(FloatingPointError):
    """An operation made a nan or an infinity from finite numbers, or a leaf was changed before backward().

    Attributes:
        op: the primitive.
        place: "file:line" of the user's line that applied it; "" if that was before detect_anomaly.
    """

    def __init__(self, message: str, op: Primitive, place: str) -> None:
        super().__init__(message)
        self.op = op
        self.place = place


@contextlib.contextmanager
def detect_anomaly() -> Iterator[None]:
    """Within this context the first operation that makes a nan or an infinity from finite numbers raises.

    So do backward() and every transform, at the first derivative that is nan or infinite. The message has
    the operation, its arguments with their labels, and the line that applied it. Gradients keep their
    numbers. They also raise where the data of a leaf was changed after an operation had used it, as its derivative
    would then mix two numbers. The context applies to the thread that enters it, and costs nothing outside. Inside, an
    operation takes several times as long. Put it around a loop rather than into it.

    Raises:
        AnomalyError: a FloatingPointError.

    >>> import autograd as ag
    >>> x = ag.Value(0.0, label="rate")
    >>> with detect_anomaly():  # doctest: +ELLIPSIS
    ...     y = ag.log(x) + 1
    Traceback (most recent call last):
    ...
    autograd.testing.anomaly.AnomalyError: log(x) made -inf from x = 0.0 (rate), at <doctest ...>:2
    """
    token = _watching.set(True)
    _enter(1)
    try:
        yield
    finally:
        _enter(-1)
        _watching.reset(token)


_watching: contextvars.ContextVar[bool] = contextvars.ContextVar("watching", default=False)
_lock = safe_at_fork(threading.RLock())
_contexts = 0  # entered and not yet left, in all threads
# For each node made in a context, by its id: the line that made it, and the numbers of its arguments at that time.
_made: dict[int, tuple[str, tuple[float, ...]]] = {}


def _enter(change: int) -> None:
    """Watch nodes while any thread is in the context; at other times there is no cost."""
    global _contexts
    with _lock:
        before = _contexts
        _contexts += change
        if before == 0:
            on_record.append(_check_result)
            on_backward.append(_check_derivatives)
        elif _contexts == 0:
            on_record.remove(_check_result)
            on_backward.remove(_check_derivatives)
            _made.clear()


def _check_result(node: Value) -> None:
    """Check a node that was just made."""
    if not _watching.get():
        _made.pop(id(node), None)  # it may be left from a node that no longer exists
        return
    assert node.op is not None
    place = user_line()
    _made[id(node)] = place, tuple([data_of(x) for _, x in _arguments(node)])
    if not math.isfinite(node.data) and _all_finite(node.args):
        raise AnomalyError(
            f"{_format_call(node)} made {node.data} from {_format_inputs(node)}, at {place}", node.op, place
        )


def _check_derivatives(root: Value, seed: Any) -> None:
    """Apply the chain rule as backward() does, without changing the graph."""
    if not _watching.get():
        return
    sums: dict[Value, float] = {}

    def check_edges(node: Value, adjoint: float) -> Iterator[tuple[Value, float]]:
        known = math.isfinite(node.data) and _all_finite(node.args) and math.isfinite(adjoint)
        for parent, partial in local_derivatives(node):
            before = sums.get(parent, 0.0)
            sums[parent] = before + adjoint * partial
            if known and math.isfinite(before) and not math.isfinite(sums[parent]):
                assert node.op is not None
                place, _ = _made.get(id(node), ("", ()))
                variable = next(name for name, x in _arguments(node) if x is parent)
                message = f"the derivative of {_format_call(node)} with respect to {variable} made {sums[parent]} from "
                message += f"{_format_inputs(node)}: {adjoint} from above times {partial}"
                raise AnomalyError(message + (f"; applied at {place}" if place else ""), node.op, place)
            yield parent, adjoint * partial

    order = topological_order(root)
    for node in order:
        _check_unchanged(node)
    for _ in adjoints(order, [(root, float(seed))], check_edges, add_in_order):
        pass


def _check_unchanged(node: Value) -> None:
    """Check that no number was assigned to an argument after the node was computed from it."""
    op = node.op
    assert op is not None
    place, before = _made.get(id(node), ("", ()))
    then = " and ".join(
        f"{name}{_label(x)} was {old} and is {data_of(x)}"
        for old, (name, x) in zip(before, _arguments(node))
        if not _same(old, data_of(x))
    )
    if not then and not before and not _same(now := op.evaluate(*[data_of(x) for x in node.args]), node.data):
        then = f"it was {node.data} and is {now} now that {_format_inputs(node)}"
    if then:
        raise AnomalyError(
            f"a number was assigned after {_format_call(node)} was computed from it: {then}. backward() would mix the "
            "two. Call it before you assign, or compute the result again" + (f"; applied at {place}" if place else ""),
            op,
            place,
        )


def _same(a: float, b: float) -> bool:
    return a == b or (a != a and b != b)


def _label(x: Any) -> str:
    return f" ({x.label})" if isinstance(x, Value) and x.label else ""


def _all_finite(args: tuple[Any, ...]) -> bool:
    numbers = [x for arg in args for x in (arg if type(arg) is tuple else (arg,))]
    return all(math.isfinite(data_of(x)) for x in numbers)


def _format_call(node: Value) -> str:
    assert node.op is not None
    return f"{node.op}({', '.join(node.op.signature.parameters)})" + (f" ({node.label})" if node.label else "")


def _arguments(node: Value) -> Iterator[tuple[str, Any]]:
    """Each argument of a node, and each item of a sequence, with its name."""
    assert node.op is not None
    for name, arg in zip(node.op.signature.parameters, node.args):
        if type(arg) is tuple:
            yield from ((f"{name}[{k}]", x) for k, x in enumerate(arg))
        else:
            yield name, arg


def _format_inputs(node: Value) -> str:
    """The arguments of a node, up to as many as a person can read."""
    shown = []
    for name, x in _arguments(node):
        shown.append(f"{name} = {data_of(x)!r}{_label(x)}")
    return ", ".join(shown[:8]) + (f" and {len(shown) - 8} more" if len(shown) > 8 else "")
