"""Sweeps through a recorded graph: adjoints from the results back, or tangents from the variables forward.

Both multiply the partials of the primitives, edge by edge (A. Griewank, A. Walther, Evaluating
Derivatives, 2nd ed., SIAM 2008, chapter 3): on floats or, for derivatives that can be differentiated
again, on Values. They leave the graph and every grad as they were.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from .. import ops
from ..chain import (
    adjoints,
    any_in,
    local_derivatives,
    reachable,
    rule_on_values,
    times,
    topological_order,
)
from ..fast import dot_partials
from ..node import is_traced, on_backward
from ..value import Value
from .choices import Choices
from .whole import Whole, whole_rules

Pair = tuple[Any, Any]  # an adjoint or a tangent, and the local derivative that multiplies it: a term of another one
BLOCK = 256  # rows of a Jacobian in one sweep: enough to share its cost, few enough for the memory


class ActiveNodes:
    """The nodes that derivatives pass through: they depend on variables, and results depend on them.

    Args:
        outputs: the results: Values, and plain numbers, which are constants.
        variables: the nodes to differentiate with respect to.
        ends: other nodes at which to stop.

    Attributes:
        order: these nodes, each after its parents.
        known: the set of these and the variables.
        leaves: the other leaves that the results were computed from.
    """

    def __init__(self, outputs: Sequence[Any], variables: Sequence[Value], ends: Sequence[Value] = ()) -> None:
        roots = [out for out in outputs if isinstance(out, Value)]
        self.leaves, nodes = reachable(roots, [*variables, *ends])
        self.known: set[Value] = set(variables)
        self.order: list[Value] = []
        for node in nodes:
            if any_in(self.known, (node._a, node._b, node._c)):
                self.known.add(node)
                self.order.append(node)


def pull_back(
    outputs: Sequence[Any],
    seeds: Iterable[Any],
    variables: Sequence[Value],
    on_values: bool,
    active: ActiveNodes | None = None,
) -> list[Any]:
    """Reverse: the derivative of the sum of the outputs, each times its seed, with respect to each variable.

    Args:
        outputs: Values, and plain numbers, which are constants.
        seeds: a number for each output.
        variables: the nodes to differentiate with respect to.
        on_values: whether to run the rules on Values.
        active: those of outputs and variables, if they are known.

    Returns:
        For each variable a float or, with on_values, a Value, unless the derivative is constant.
    """
    announce(outputs)
    seeded = [(out, seed) for out, seed in zip(outputs, seeds) if isinstance(out, Value)]
    active = active or ActiveNodes(outputs, variables)
    if not on_values:
        floats = [(out, (float(seed), 1.0)) for out, seed in seeded]
        return _gather(adjoints(active.order, floats, _pairs, sum_of_products), variables)
    choices = _choices_among(active.order)
    found = _gather(_adjoints_on_values(active.order, seeded, choices, active.known), variables)
    return found if choices is None else list(map(choices.result, found))


def pull_back_to_all(root: Value, seed: Any) -> dict[Value, Any]:
    """The derivative of a traced number, times seed, with respect to each node it was computed from."""
    choices = Choices(total_on_values)
    found = _adjoints_on_values(topological_order(root), [(root, seed)], choices, None)
    return {node: choices.result(adjoint) for node, adjoint in found if type(adjoint) is not list}


def pull_back_under(
    outputs: Sequence[Any], seeds: Sequence[Any], variables: Sequence[Value], choices: Choices
) -> list[Any]:
    """Like pull_back on Values, but the seeds and what is returned may depend on conditions, those of `choices`."""
    seeded = [(out, seed) for out, seed in zip(outputs, seeds) if isinstance(out, Value)]
    active = ActiveNodes(outputs, variables)
    return _gather(_adjoints_on_values(active.order, seeded, choices, active.known), variables)


def new_choices() -> Choices:
    """What keeps track of the conditions of a sweep through traced nodes."""
    return Choices(total_on_values)


def _choices_among(order: Sequence[Value]) -> Choices | None:
    """What keeps track of conditions, if the nodes are traced. On Values it is known what is taken."""
    return new_choices() if order and is_traced(order[0]) else None


def _adjoints_on_values(
    order: Sequence[Value], seeds: Iterable[tuple[Value, Any]], choices: Choices | None, wanted: set[Value] | None
) -> Iterator[tuple[Value, Any]]:
    def edges(node: Value, adjoint: Any) -> list[tuple[Value, Any]]:
        if type(node.op) in whole_rules:
            return whole_rules[type(node.op)].pull_back(node, adjoint, choices, wanted)  # type: ignore[no-any-return]
        pairs = rule_on_values(node, wanted)
        if choices is None:
            return [(parent, (adjoint, partial)) for parent, partial in pairs]
        terms = [(parent, choices.term(node, parent, adjoint, partial)) for parent, partial in pairs]
        return [(parent, term) for parent, term in terms if term is not None]

    def total(terms: Sequence[Any]) -> Any:
        if type(terms[0]) is Whole:
            return terms
        return total_on_values(terms) if choices is None else choices.total(terms)

    given = [(out, (seed, 1.0) if choices is None else choices.as_term(seed)) for out, seed in seeds]
    return adjoints(order, given, edges, total)


def pull_back_each(outputs: Sequence[Any], variables: Sequence[Value], on_values: bool) -> list[list[Any]]:
    """The rows of the Jacobian: for each output, the result of pull_back. Forward, if there are fewer variables."""
    rows: list[list[Any]] = []
    if 0 < len(variables) < len(outputs):
        if on_values:
            columns = [push_forward(outputs, [v], [1.0], True) for v in variables]
        else:
            blocks = [variables[start : start + BLOCK] for start in range(0, len(variables), BLOCK)]
            columns = [column for block in blocks for column in _columns(outputs, block)]
        if on_values or np.isfinite(columns).all():  # zeros of other variables times an infinite derivative are nan
            return [list(row) for row in zip(*columns)]
    for start in range(0, len(outputs), BLOCK):
        block = outputs[start : start + BLOCK]
        matrix: Any = None if on_values or len(block) == 1 else _matrix(block, variables)  # Any: NumPy's stubs differ
        # If one output has an infinite derivative, zeros of the others in its block have become nan.
        if matrix is None or not np.isfinite(matrix).all():
            rows += [pull_back([out], [1.0], variables, on_values) for out in block]
        else:
            rows += matrix.tolist()
    return rows


def push_forward(
    outputs: Sequence[Any],
    variables: Sequence[Value],
    tangents: Sequence[Any],
    on_values: bool,
    active: ActiveNodes | None = None,
) -> list[Any]:
    """Forward: the derivative of each output in the direction of the tangents, one for each variable."""
    announce(outputs)
    active = active or ActiveNodes(outputs, variables)
    choices = _choices_among(active.order)
    results = _tangents(outputs, variables, tangents, on_values, active, choices)
    return results if choices is None else list(map(choices.result, results))


def push_forward_under(
    outputs: Sequence[Any], variables: Sequence[Value], tangents: Sequence[Any], choices: Choices
) -> list[Any]:
    """Like push_forward on Values, but the tangents may depend on conditions, those of `choices`."""
    return _tangents(outputs, variables, tangents, True, ActiveNodes(outputs, variables), choices)


def _tangents(
    outputs: Sequence[Any],
    variables: Sequence[Value],
    tangents: Sequence[Any],
    on_values: bool,
    active: ActiveNodes,
    choices: Choices | None,
) -> list[Any]:
    found: dict[Value, Any] = {}
    for v, tangent in zip(variables, tangents):
        found[v] = found[v] + tangent if v in found else tangent
    total = total_on_values if choices is None else choices.total
    for node in active.order:
        if type(node.op) in whole_rules:
            tangent = whole_rules[type(node.op)].push_forward(node, found, choices)
            if tangent is not None:
                found[node] = tangent
            continue
        partials = rule_on_values(node, active.known) if on_values else local_derivatives(node)
        known = [(parent, partial) for parent, partial in partials if parent in found]
        terms: list[Any] = [(found[parent], partial) for parent, partial in known]
        if choices is not None:
            each = [choices.term(node, parent, found[parent], partial) for parent, partial in known]
            terms = [term for term in each if term is not None]
        if terms:  # a rule may pass nothing forward
            found[node] = total(terms) if on_values else sum([tangent * partial for tangent, partial in terms])
    return [found.get(out, 0.0) if isinstance(out, Value) else 0.0 for out in outputs]


def _gather(found: Iterable[tuple[Value, Any]], variables: Sequence[Value]) -> list[Any]:
    """The adjoints of the variables among those found; 0 for a variable that is not among them."""
    wanted: dict[Value, Any] = dict.fromkeys(variables, 0.0)
    for node, adjoint in found:
        if node in wanted:
            wanted[node] = adjoint
    return [wanted[v] for v in variables]


def _pairs(node: Value, adjoint: Any) -> list[tuple[Value, Pair]]:
    """The parents of a node, each with a pair: the adjoint, a float or an array, and the local derivative."""
    if node.op is not ops.dot:
        partials = local_derivatives(node)
    elif type(adjoint) is float and adjoint == 0.0 and math.isfinite(node._value):
        return []  # every factor is finite, so all that could be passed on is zeros
    else:
        partials = dot_partials(node)
    return [(parent, (adjoint, partial)) for parent, partial in partials]


def announce(outputs: Sequence[Any]) -> None:
    """Call the hooks for the results that are about to be differentiated; see node.py."""
    for hook in on_backward:
        for out in outputs:
            if type(out) is Value:  # a tracer has no derivatives yet
                hook(out, 1.0)


def total_on_values(pairs: Sequence[Pair]) -> Any:
    """The sum of the products of pairs of an adjoint and a partial: at most one node.

    The bias is -0.0, which adds nothing, and by which jit tells these sums from a user's dot.
    """
    if len(pairs) == 1:
        return times(*pairs[0])
    factors, partials = zip(*pairs)
    return ops.dot.apply((factors, partials, -0.0))


def _matrix(outputs: Sequence[Any], variables: Sequence[Value]) -> Any:
    """The Jacobian in one sweep. The adjoint of a node is an array with one entry for each output."""
    announce(outputs)
    count = len(outputs)
    seeded = [(out, (seed, 1.0)) for out, seed in zip(outputs, np.eye(count)) if isinstance(out, Value)]
    with np.errstate(all="ignore"):
        order = ActiveNodes(outputs, variables).order
        columns = _gather(adjoints(order, seeded, _pairs, sum_of_products), variables)
    return np.array([np.broadcast_to(column, count) for column in columns]).reshape(len(variables), count).T


def _columns(outputs: Sequence[Any], variables: Sequence[Value]) -> Any:
    """The columns of the Jacobian in one sweep. The tangent of a node is an array with one entry for each variable."""
    announce(outputs)
    found: dict[Value, Any] = {}
    for v, unit in zip(variables, np.eye(len(variables))):
        found[v] = found[v] + unit if v in found else unit
    with np.errstate(all="ignore"):
        for node in ActiveNodes(outputs, variables).order:
            partials = dot_partials(node) if node.op is ops.dot else local_derivatives(node)
            terms = [(found[parent], partial) for parent, partial in partials if parent in found]
            if terms:
                found[node] = sum_of_products(terms)
    rows = [found.get(out, 0.0) if isinstance(out, Value) else 0.0 for out in outputs]
    return np.array([np.broadcast_to(row, len(variables)) for row in rows]).T.tolist()


def sum_of_products(pairs: Sequence[Pair]) -> Any:
    total: Any = 0.0
    for adjoint, partial in pairs:
        total = total + adjoint * partial
    return total
