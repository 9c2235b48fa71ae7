"""Node: anything besides a float that a primitive can be applied to; and who is told of nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from .mypyc import mypyc_attr

# Called with each Value that an operation makes, and with each result that is differentiated and the
# seed. Nobody, but for detect_anomaly: an empty list costs nothing, and native code has no other place
# to be looked at from.
on_record: Final[list[Callable[[Any], None]]] = []
on_backward: Final[list[Callable[[Any, Any], None]]] = []


@mypyc_attr(allow_interpreted_subclasses=True)
class Node:
    """The base of Value: it knows how to record that a primitive was applied to it."""

    __slots__ = ()

    def _record(self, op: Any, args: tuple[Any, ...]) -> Any:
        """Apply the primitive `op` to `args` (floats, Nodes, tuples of both; one at least a Node): the new node."""
        raise NotImplementedError

    def _record_unary(self, op: Any) -> Any:
        """Apply the primitive `op`, which takes one number, to this node: the new node."""
        return self._record(op, (self,))
