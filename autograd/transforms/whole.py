"""Loops of jit in sweeps: nodes that are no number, and are differentiated as a whole, by rules of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple


class Whole(NamedTuple):
    """What arrives at a node that is no number.

    Attributes:
        adjoint: an adjoint.
        place: what it is the adjoint of, as the rule of the node understands it.
    """

    adjoint: Any
    place: Any


class WholeRule(NamedTuple):
    """The derivative of a node that is no number, or is read from one.

    Attributes:
        pull_back: a function of the node, its adjoint, the Choices of the sweep and the nodes that are wanted (None for
            all). It returns the parents, each with what is passed on to it. If the node is no number, its adjoint is
            the list of all that arrived.
        push_forward: a function of the node, the tangents of other nodes by node, and the Choices. It returns the
            tangent, or None if there is none.
    """

    pull_back: Callable[..., Any]
    push_forward: Callable[..., Any]


whole_rules: Final[dict[Any, WholeRule]] = {}  # by the type of the op of a node; jit fills it

# Whether a leaf is a number of a step of a loop, which may become infinite though no argument is; jit fills it.
of_step: Final[list[Callable[[Any], bool]]] = []
