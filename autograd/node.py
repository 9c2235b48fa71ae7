"""Node: the base class of all, except floats, that primitives apply to; hooks for new nodes; a graph walk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

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


def walk(roots: Sequence[Any], parents: Callable[[Any], Sequence[Any]]) -> list[Any]:
    """The nodes that can be reached from the roots, including leaves, each after its parents.

    Unlike reachable() in chain.py it leaves no marks, and goes to the nodes that `parents` returns, from left to right.
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
