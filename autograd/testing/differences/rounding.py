"""The rounding errors of a result and of its derivatives, to first order, computed from the graph."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ...chain import local_derivatives, topological_order
from ...value import Value
from .extrapolation import EPSILON

ROUNDINGS = 16  # assumed in each term of a derivative


def rounding_errors(root: Any, variables: Sequence[Value]) -> tuple[float, list[float]]:
    """The rounding error of a result, and of its derivative with respect to each variable.

    Every operation rounds its result. The error of the final result is the sum of these errors, each
    times its adjoint (S. Linnainmaa, Taylor expansion of the accumulated rounding error, BIT 16, 1976).
    A derivative is off because the terms that it sums are rounded, and because the partials are taken at
    rounded arguments. The second effect is measured by shifting the arguments.

    Args:
        root: the result: a Value, or a float, which has no error.
        variables: the nodes to differentiate with respect to.

    Returns:
        Both errors; 0 for one that is not finite.
    """
    if not isinstance(root, Value):
        return 0.0, [0.0] * len(variables)
    nodes = topological_order(root)
    partials = {node: local_derivatives(node, with_untaken=True) for node in nodes}
    errors: dict[Value, float] = {}
    for node in nodes:
        errors[node] = math.ulp(node.data) + sum([abs(p) * errors.get(parent, 0.0) for parent, p in partials[node]])

    total = 0.0
    adjoints, sizes, doubts = (
        {root: 1.0},
        {root: 1.0},
        {root: 0.0},
    )  # sizes: what adjoints would be if all terms were positive
    for node in reversed(nodes):
        adjoint, size, doubt = adjoints.get(node, 0.0), sizes.get(node, 0.0), doubts.get(node, 0.0)
        total += abs(adjoint) * math.ulp(node.data)
        for (parent, p), change in zip(partials[node], _partial_changes(node, partials[node], errors)):
            adjoints[parent] = adjoints.get(parent, 0.0) + adjoint * p
            sizes[parent] = sizes.get(parent, 0.0) + size * abs(p)
            doubts[parent] = doubts.get(parent, 0.0) + doubt * abs(p) + size * (change + ROUNDINGS * EPSILON * abs(p))
    slack = [doubts.get(v, 0.0) for v in variables]
    return total if math.isfinite(total) else 0.0, [x if math.isfinite(x) else 0.0 for x in slack]


def _partial_changes(node: Value, partials: Sequence[tuple[Value, float]], errors: dict[Value, float]) -> list[float]:
    """How much each partial of a node changes if the arguments are shifted by their errors."""
    if not any(parent in errors for parent, _ in partials):
        return [0.0] * len(partials)
    assert node.op is not None
    changes = [0.0] * len(partials)
    for sign in (1.0, -1.0):

        def shift(x: Any, sign: float = sign) -> Any:
            if type(x) is tuple:
                return tuple([shift(item) for item in x])
            return x if type(x) is float else Value(x.data + sign * errors.get(x, 0.0))

        shifted = local_derivatives(node.op(*[shift(x) for x in node.args]), with_untaken=True)
        changes = [max(c, abs(p - q)) for c, (_, p), (_, q) in zip(changes, partials, shifted)]
    return changes
