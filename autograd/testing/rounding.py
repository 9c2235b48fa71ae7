"""How far rounding may put a result of a graph and its derivatives off, to first order, from the graph itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..chain import local_derivatives, topological_order
from ..value import Value
from .extrapolation import EPSILON

ROUNDINGS = 16  # of the terms of a derivative, to reckon with


def rounding(root: Any, variables: Sequence[Value]) -> tuple[float, list[float]]:
    """The rounding error of a result, and of its derivative by each variable.

    Every operation rounds its result. For the result of the whole these errors are multiplied by the
    adjoints and summed (S. Linnainmaa, Taylor expansion of the accumulated rounding error, BIT 16,
    1976). A derivative is off because the terms it is the sum of are rounded, and because the partials
    are taken at rounded arguments; how much these matter is tried out.

    Args:
        root: the result: a Value, or a float, which has no error.
        variables: the nodes to differentiate by.

    Returns:
        The two, 0 where they are no numbers.
    """
    if not isinstance(root, Value):
        return 0.0, [0.0] * len(variables)
    nodes = topological_order(root)
    partials = {node: local_derivatives(node) for node in nodes}
    errors: dict[Value, float] = {}
    for node in nodes:
        errors[node] = math.ulp(node.data) + sum([abs(p) * errors.get(parent, 0.0) for parent, p in partials[node]])

    total = 0.0
    adjoints, sizes, doubts = {root: 1.0}, {root: 1.0}, {root: 0.0}  # sizes: adjoints, if all terms were positive
    for node in reversed(nodes):
        adjoint, size, doubt = adjoints.get(node, 0.0), sizes.get(node, 0.0), doubts.get(node, 0.0)
        total += abs(adjoint) * math.ulp(node.data)
        for (parent, p), change in zip(partials[node], _changes(node, partials[node], errors)):
            adjoints[parent] = adjoints.get(parent, 0.0) + adjoint * p
            sizes[parent] = sizes.get(parent, 0.0) + size * abs(p)
            doubts[parent] = doubts.get(parent, 0.0) + doubt * abs(p) + size * (change + ROUNDINGS * EPSILON * abs(p))
    slack = [doubts.get(v, 0.0) for v in variables]
    return total if math.isfinite(total) else 0.0, [x if math.isfinite(x) else 0.0 for x in slack]


def _changes(node: Value, partials: Sequence[tuple[Value, float]], errors: dict[Value, float]) -> list[float]:
    """How much each partial of a node changes if its arguments are off by their errors."""
    if not any(parent in errors for parent, _ in partials):
        return [0.0] * len(partials)
    assert node.op is not None
    changes = [0.0] * len(partials)
    for sign in (1.0, -1.0):

        def moved(x: Any, sign: float = sign) -> Any:
            if type(x) is tuple:
                return tuple([moved(item) for item in x])
            return x if type(x) is float else Value(x.data + sign * errors.get(x, 0.0))

        there = local_derivatives(node.op(*[moved(x) for x in node.args]))
        changes = [max(c, abs(p - q)) for c, (_, p), (_, q) in zip(changes, partials, there)]
    return changes
