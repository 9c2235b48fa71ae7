"""Node: the base class of all, except floats, that primitives apply to; hooks for new nodes; graph walks."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .value import Value

try:
    from mypy_extensions import mypyc_attr as mypyc_attr
except ImportError:  # only the C build needs it

    def mypyc_attr(**_: Any) -> Any:  # type: ignore[misc]
        """A decorator that does nothing."""
        return lambda cls: cls


# on_record is called with each Value that an operation makes, on_backward with each result that is
# differentiated and its seed; detect_anomaly fills them. on_float is called with each Value that is about
# to become a plain float, on_leaf with each new leaf; lost.py fills them. An empty list costs nothing, and
# the C build can be observed in no other way.
on_record: Final[list[Callable[[Any], None]]] = []
on_backward: Final[list[Callable[[Any, Any], None]]] = []
on_float: Final[list[Callable[[Any], None]]] = []
on_leaf: Final[list[Callable[[Any], None]]] = []

# on_read is called with a Value that is nan before its data is read or assigned from outside of the engine: while
# compiled code has the number, it is given back then.
on_read: Final[list[Callable[[Any], None]]] = []

# on_compare is called with each Value that is compared or asked whether it is true, and gives what stands for it: while
# jit traces a function, the answer must not be that of one moment. If it gives None, the Value answers by its number.
on_compare: Final[list[Callable[[Any], Any]]] = []


@mypyc_attr(allow_interpreted_subclasses=True)
class Node:
    """The base class of Value. It can record that a primitive was applied to it."""

    __slots__ = ()

    def _record(self, op: Any, args: tuple[Any, ...]) -> Any:
        """Apply the primitive `op` to `args` (floats, Nodes, tuples of both; at least one Node): the new node."""
        raise NotImplementedError

    def _record_unary(self, op: Any) -> Any:
        """Apply the primitive `op`, which takes a single number, to this node: the new node."""
        return self._record(op, (self,))


def is_traced(x: Any) -> bool:
    """Whether x stands for a number that jit traces, which is not known before the program runs."""
    return isinstance(x, Node) and hasattr(x, "trace")


_fork_locks: Final[list[Any]] = []  # in the order in which a thread that needs several takes them
_held: Final[list[Any]] = []  # by the thread that forks


def safe_at_fork(lock: Any) -> Any:
    """The lock. From now on a fork waits for it, so that no child inherits it from a thread that the child lacks.

    A fork takes all such locks in the order in which they came here. A thread that holds one may take those that came
    later. LLVM's lock comes last: while any other is held, the garbage collector may free compiled code, which takes
    it.

    It is for locks that guard data that all threads share, which must be whole in the child, and that are held
    briefly. A program's own lock is held as long as the user's function is traced, so that a fork must not wait for
    it: jit/lock.py gives each program a new one in the child.
    """
    _fork_locks.append(lock)
    return lock


def _take_locks() -> None:
    for lock in _fork_locks:
        lock.__enter__()
        _held.append(lock)


def _release_locks() -> None:
    while _held:
        _held.pop().__exit__(None, None, None)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_take_locks, after_in_parent=_release_locks, after_in_child=_release_locks)


_lock: Final = safe_at_fork(threading.RLock())


class Turn:
    """A context in which marks or gradients of nodes change: in one thread at a time, and not in the middle of another.

    Raises:
        RuntimeError: in the middle of another one in the same thread.
    """

    __slots__ = ("_taken",)

    def __init__(self) -> None:
        self._taken = False

    def __enter__(self) -> None:
        _lock.acquire()
        if self._taken:
            _lock.release()
            raise RuntimeError(
                "a graph must not be used in the middle of backward() or another walk through a graph in the same "
                "thread, got a call from a signal handler or __del__. Set a flag there, and make the call afterwards"
            )
        self._taken = True

    def __exit__(self, *_: object) -> None:
        self._taken = False
        _lock.release()


turn: Final = Turn()
_stamps: Final = itertools.count(1, 2)


def reachable(roots: Sequence[Value], ends: Sequence[Value] = ()) -> tuple[list[Value], list[Value]]:
    """The leaves that the roots were computed from, and the other nodes, each after its parents, up to the roots.

    Depth first and without recursion, so that only memory limits the depth.

    Args:
        roots: the nodes to start from.
        ends: nodes at which to stop. They are not among the results.

    Raises:
        RuntimeError: in the middle of another walk or of backward() in this thread.
    """
    with turn:
        return _depth_first(roots, ends, next(_stamps))


def _depth_first(roots: Sequence[Value], ends: Sequence[Value], opened: int) -> tuple[list[Value], list[Value]]:
    """What reachable() returns. The marks of nodes become `opened`, which is greater than any, or one more."""
    leaves: list[Value] = []
    nodes: list[Value] = []
    stack = list(roots)
    closed = opened + 1
    for node in ends:
        node._mark = closed
    while stack:
        node = stack[-1]
        if node._mark >= opened:
            stack.pop()
            if node._mark == opened:
                node._mark = closed
                nodes.append(node)
        elif node.op is None:
            stack.pop()
            node._mark = closed
            leaves.append(node)
        else:
            node._mark = opened
            # Most nodes have one or two arguments. Spelled out, these take two thirds of the time in plain Python
            # and half of it in the C build.
            a, b = node._a, node._b
            if type(a) is tuple or type(b) is tuple or node._c is not None:
                _push_many((a, b, node._c), opened, stack)
                continue
            if type(a) is not float:
                parent: Value = a
                if parent._mark < opened:
                    stack.append(parent)
            if b is not None and type(b) is not float:
                parent = b
                if parent._mark < opened:
                    stack.append(parent)
    return leaves, nodes


def _push_many(arguments: tuple[Any, ...], opened: int, stack: list[Value]) -> None:
    """Put on the stack those of three arguments, or of the items in them, that are Values and not yet opened."""
    for x in arguments:
        if type(x) is tuple:
            xs: tuple[Any, ...] = x
            for p in xs:
                if type(p) is not float:
                    parent: Value = p
                    if parent._mark < opened:
                        stack.append(parent)
        elif x is not None and type(x) is not float:
            parent = x
            if parent._mark < opened:
                stack.append(parent)


def walk(roots: Sequence[Any], parents: Callable[[Any], Sequence[Any]]) -> list[Any]:
    """The nodes that can be reached from the roots, including leaves, each after its parents.

    Unlike reachable() it leaves no marks, and goes to the nodes that `parents` returns, from left to right.
    """
    order: dict[Any, None] = {}
    opened: set[Any] = set()
    stack = list(reversed(roots))
    while stack:
        node = stack[-1]
        if node in opened:
            stack.pop()
            order[node] = None
        else:
            opened.add(node)
            stack += [p for p in reversed(parents(node)) if p not in opened]
    return list(order)
