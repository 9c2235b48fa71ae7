"""Lost derivatives: a Value on which a derivative depends must not become a plain number.

`float(x)`, the functions of `math` and NumPy's arrays of floats take only the number of a Value. What is computed
from it then seems constant, and its derivative is lost. While a transform runs a function, and while a rule runs on
Values, each conversion of a Value to a float is checked here. At all other times there is no cost.
"""

from __future__ import annotations

import ast
import contextlib
import contextvars
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any

from .node import Node, on_float, on_leaf
from .user_line import user_call


class LostDerivativeError(TypeError):
    """A Value on which a derivative depends would have become a plain number.

    It is raised inside transforms such as `ag.grad`, in rules of primitives that run on Values, and inside
    `ag.detect_lost`. The message has the line, the expression at fault where Python can tell it, and what to write.
    """


# Rules. Those of this package are proven to keep derivatives by its tests, so only users' rules are watched.

_running = threading.local()  # .rule is the primitive whose rule runs on Values in this thread


def call_rule(op: Any, rule: Callable[..., Any], args: Sequence[Any]) -> Any:
    """The rule of a user's primitive on Values. It must not turn any of them into a float."""
    outer = getattr(_running, "rule", None)
    _running.rule = op
    on_float.append(_check)
    try:
        return rule(*args)
    finally:
        on_float.remove(_check)
        _running.rule = outer


# Transforms

_watches: list[Watch] = []  # those entered and not yet left, in all threads


class Watch:
    """A context in which a transform runs a function: it refuses to lose the variables, and collects new leaves.

    Args:
        who: the transform and the function, for messages.
        variables: the Values that stand for the numbers of the arguments. No thread may lose them.
        parameters: the parameters of Modules. Only this thread must not lose them, as others may be using them, too.
        depends: a function that tells whether the first Value was computed from any of the others.
    """

    def __init__(
        self,
        who: str,
        variables: Iterable[Any],
        parameters: Iterable[Any],
        depends: Callable[[Any, Sequence[Any]], bool],
    ) -> None:
        self.who = who
        self.variables = set(variables)
        self.parameters = set(parameters)
        self.depends = depends
        self.made: set[Node] = set()  # the leaves made in this context: constants of the function
        self._thread = threading.get_ident()

    def __enter__(self) -> Watch:
        _watches.append(self)
        on_float.append(_check)
        on_leaf.append(self.made.add)
        return self

    def __exit__(self, *_: TracebackType | type[BaseException] | BaseException | None) -> None:
        _watches.remove(self)
        on_float.remove(_check)
        on_leaf.remove(self.made.add)

    def loses(self, x: Any) -> bool:
        """Whether a derivative that this transform is to compute depends on x."""
        watched = self.variables
        if self.parameters and self._thread == threading.get_ident():
            watched = watched | self.parameters
        if x.op is None:
            return x in watched
        return self.depends(x, list(watched))


def differentiated_parameters() -> set[Any]:
    """The parameters of Modules with respect to which transforms that run in this thread differentiate."""
    here = threading.get_ident()
    return {p for watch in list(_watches) if watch._thread == here for p in watch.parameters}


# Scripts that call backward()

_detecting: contextvars.ContextVar[bool] = contextvars.ContextVar("detecting", default=False)


@contextlib.contextmanager
def detect_lost() -> Iterator[None]:
    """Within this context no Value may become a plain number, as it does in `float(x)` and `math.sin(x)`.

    Put it around the forward pass of a script that calls backward(), to find where a derivative is lost.
    Transforms such as `ag.grad` need no such context. The context applies to the thread that enters it.
    `x.data` and `x.detach()` stay allowed, and so does what has derivative 0: comparisons, `int`, `round`,
    `math.floor` and `math.ceil`.

    Raises:
        LostDerivativeError: at the first such place; a TypeError.

    >>> import math
    >>> import autograd as ag
    >>> x = ag.Value(2.0)
    >>> with detect_lost():  # doctest: +ELLIPSIS
    ...     y = math.sin(x) * x
    Traceback (most recent call last):
    ...
    autograd.lost.LostDerivativeError: detect_lost: math.sin(x) turns a Value into a plain number...
    """
    token = _detecting.set(True)
    on_float.append(_check)
    try:
        yield
    finally:
        on_float.remove(_check)
        _detecting.reset(token)


def _check(x: Any) -> None:
    """Called with each Value that is about to become a float."""
    rule = getattr(_running, "rule", None)
    if rule is not None:
        _refuse(f"the rule of {rule}", "its derivatives of higher order would be lost")
    for watch in reversed(_watches.copy()):
        if watch.loses(x):
            _refuse(watch.who.rstrip(":"), "its derivative would be lost")
    if _detecting.get():
        _refuse("detect_lost", "its derivative would be lost")


def _refuse(who: str, loss: str) -> None:
    place, expression = user_call()
    what = f"{expression} turns" if expression else "this line turns"
    raise LostDerivativeError(
        f"{who}: {what} a Value into a plain number, so {loss}. {_advice(expression)}. Where a constant is meant, "
        f"write x.data or x.detach(){f' (at {place})' if place else ''}"
    )


def _advice(expression: str) -> str:
    """What to write in place of an expression."""
    public = sys.modules[__name__.partition(".")[0]]
    try:
        node = ast.parse(expression.strip(), mode="eval").body
    except SyntaxError:
        node = None
    if isinstance(node, ast.Call):
        name = ast.unparse(node.func).rpartition(".")[2]
        name = _SAME.get(name, name)
        if callable(getattr(public, name, None)):
            return f"Use ag.{name}"
        if name in ("copy", "deepcopy", "dumps"):
            return "Use the Value itself: no operation changes it, so it needs no copy"
        if name in ("array", "asarray", "astype", "full", "fromiter"):
            return "Use an array of dtype=object or a list"
    if isinstance(node, (ast.Subscript, ast.Name)) or (expression and node is None):
        return "Fill a list or an array of dtype=object"
    return "Use the functions of autograd (ag.sin, ag.interp), which take Values, and lists or arrays of dtype=object"


_SAME = {"fabs": "abs", "fsum": "sum", "fmean": "mean", "arcsin": "asin", "arccos": "acos", "arctan": "atan"}
