"""Node: anything besides a float that a primitive can be applied to."""

from __future__ import annotations

from typing import Any


class Node:
    """The base of Value: it knows how to record that a primitive was applied to it."""

    __slots__ = ()

    def record(self, op: Any, args: tuple[Any, ...]) -> Any:
        """Apply the primitive `op` to `args` (floats, Nodes, tuples of both; one at least a Node): the new node."""
        raise NotImplementedError
