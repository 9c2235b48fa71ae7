"""Lost derivatives: a Value on which a derivative depends must not become a plain number.

`float(x)`, the functions of `math` and NumPy's arrays of floats take only the number of a Value. What is computed
from it then seems constant, and its derivative is lost. While a transform runs a function, and while a rule runs on
Values, each conversion of a Value to a float is checked here. At all other times there is no cost.
"""

from __future__ import annotations

import ast
import contextlib
import contextvars
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, Final

from .node import Node, on_float, on_leaf
from .user_line import task, user_call


class LostDerivativeError(TypeError):
    """A Value on which a derivative depends would have become a plain number.

    It is raised inside transforms such as `ag.grad`, in rules of primitives that run on Values, and inside
    `ag.detect_lost`. The message has the line, the expression at fault where Python can tell it, and what to write.
    """


# Rules. Those of this package are proven to keep derivatives by its tests, so only users' rules are watched.

_running = threading.local()  # .rule: the primitive whose rule runs on Values in this thread; .refusal: see Guard


def call_rule(op: Any, rule: Callable[..., Any], args: Sequence[Any]) -> Any:
    """The rule of a user's primitive on Values. It must not turn any of them into a float."""
    outer = getattr(_running, "rule", None), getattr(_running, "refusal", None)
    _running.rule, _running.refusal = op, None
    on_float.append(_check_rule)
    try:
        result = rule(*args)
        if _running.refusal is not None:  # the rule caught it
            raise _running.refusal
        return result
    finally:
        on_float.remove(_check_rule)
        _running.rule, _running.refusal = outer


def _check_rule(x: Any) -> None:
    rule = getattr(_running, "rule", None)
    if rule is not None:  # otherwise it runs in another thread
        _running.refusal = _refusal(f"the rule of {rule}", "its derivatives of higher order would be lost")
        raise _running.refusal


# Transforms

guards: Final[list[Guard]] = []  # those entered and not yet left, in all threads


class Guard:
    """A context in which a transform runs a function: it refuses to lose the variables, and collects new leaves.

    Args:
        who: the transform and the function, for messages.
        variables: the Values that stand for the numbers of the arguments. No thread may lose them.
        parameters: the parameters of Modules. Other threads may be using them, too. A thread may lose them if it has
            been at its task since before this context: it does not work for the function, as one in a pool may.

    Attributes:
        made: the leaves made in this context. They are constants of the function.

    Raises:
        LostDerivativeError: at its end, if the function caught one and went on: what it did instead cannot be trusted.
    """

    def __init__(self, who: str, variables: Iterable[Any], parameters: Iterable[Any]) -> None:
        self.who = who
        self.parameters = set(parameters)
        self.made: set[Node] = set()
        self._variables = set(variables)
        self._all = self._variables | self.parameters
        self._constants: set[Node] = set()  # found not to depend on any of them
        self._thread = threading.get_ident()
        self._tasks: dict[int, Any] = {}  # what other threads were doing at the start
        self._refusal: LostDerivativeError | None = None

    def __enter__(self) -> Guard:
        if self.parameters and threading.active_count() > 1:
            frames = sys._current_frames()
            self._tasks = {thread: task(frame) for thread, frame in frames.items() if thread != self._thread}
            del frames  # it has the frame of this function
        guards.append(self)
        on_float.append(self._check)
        on_leaf.append(self.made.add)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.leave()
        refusal, self._refusal = self._refusal, None
        if refusal is not None and error is None:
            raise refusal

    def leave(self) -> None:
        """End the context."""
        guards.remove(self)
        on_float.remove(self._check)
        on_leaf.remove(self.made.add)
        self._tasks.clear()

    @property
    def is_here(self) -> bool:
        """Whether this thread runs the function."""
        return self._thread == threading.get_ident()

    def watches(self, x: Any) -> bool:
        """Whether x was computed from what this thread must not lose here."""
        return self._depends(
            x, *((self._variables, set()) if self._is_busy_elsewhere() else (self._all, self._constants))
        )

    def _is_busy_elsewhere(self) -> bool:
        """Whether this thread is at the same task as before the function was called: it is no part of it."""
        if self.is_here or not self.parameters:
            return False
        before = self._tasks.get(threading.get_ident())
        return before is not None and before is task(sys._getframe(1))

    def _depends(self, x: Any, watched: set[Node], constants: set[Node]) -> bool:
        """Whether x was computed from any that is watched. If not, it is added to the constants, with what is below."""
        seen: set[Node] = set()
        stack = [x]
        while stack:
            node = stack.pop()
            if node in watched:
                return True
            if node not in seen and node not in constants:
                seen.add(node)
                stack += [p for p in node.parents if type(p) is not float]
        constants |= seen
        return False

    def _check(self, x: Any) -> None:
        if self.watches(x):
            self._remember(_refusal(self.who.rstrip(":") + self._elsewhere(), "its derivative would be lost"))

    def check_backward(self, root: Any) -> None:
        """Refuse backward() of what depends on the variables: the grads that it sets are plain numbers."""
        if self.watches(root):
            who = self.who.rstrip(":") + self._elsewhere()
            error = LostDerivativeError(
                f"{who}: backward() sets grads to plain numbers, so the derivative of what the function computes "
                "from them would be lost. Use ag.grad, or what backward(create_graph=True) returns"
            )
            self._remember(error)

    def _elsewhere(self) -> str:
        return "" if self.is_here else " is running in another thread, which may be waiting for this one"

    def _remember(self, error: LostDerivativeError) -> None:
        """Raise an error, and keep it for the end, unless the thread may be using the Module for something else."""
        if self._refusal is None and (self.is_here or not self.parameters):
            self._refusal = error
        raise error


def differentiated_parameters() -> set[Any]:
    """The parameters of Modules with respect to which transforms that run in this thread differentiate."""
    return {p for guard in list(guards) if guard.is_here for p in guard.parameters}


def is_watched(x: Any) -> bool:
    """Whether the Value x must not become a plain number here and now."""
    return (
        getattr(_running, "rule", None) is not None
        or _detecting.get()
        or any(guard.watches(x) for guard in list(guards))
    )


def _leave_others() -> None:
    """In the child of a fork: leave the contexts of threads that it does not have."""
    for guard in guards[::-1]:
        if not guard.is_here:
            guard.leave()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_others)


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
    on_float.append(_check_detecting)
    try:
        yield
    finally:
        on_float.remove(_check_detecting)
        _detecting.reset(token)


def _check_detecting(x: Any) -> None:
    if _detecting.get():  # otherwise another thread detects
        raise _refusal("detect_lost", "its derivative would be lost")


def _refusal(who: str, loss: str) -> LostDerivativeError:
    place, expression = user_call()
    what = f"{expression} turns" if expression else "this line turns"
    return LostDerivativeError(
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
        owner, _, name = ast.unparse(node.func).rpartition(".")
        name = _SAME.get(name, name)
        if name in ("isnan", "isfinite", "isinf", "isclose"):
            return f"Use np.{name}"
        if owner != "ag" and callable(getattr(public, name, None)):
            return f"Use ag.{name}"
        if name in ("copy", "deepcopy", "dumps"):
            return "Use the Value itself: no operation changes it, so it needs no copy"
        if name in ("array", "asarray", "astype", "full", "fromiter"):
            return "Use an array of dtype=object or a list"
    if isinstance(node, (ast.Subscript, ast.Name)) or (expression and node is None):
        return "Fill a list or an array of dtype=object"
    return "Use the functions of autograd (ag.sin, ag.interp), which take Values, and lists or arrays of dtype=object"


_SAME = {"fabs": "abs", "fsum": "sum", "fmean": "mean", "arcsin": "asin", "arccos": "acos", "arctan": "atan"}
