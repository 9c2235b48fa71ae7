"""Sweeps through a recorded graph that change nothing in it: adjoints from results back, tangents from variables on.

Both multiply the partials that the primitives give, edge by edge (A. Griewank, A. Walther, Evaluating
Derivatives, 2nd ed., SIAM 2008, chapter 3): on floats or, for derivatives that can be differentiated
again, on Values.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from .. import ops
from ..chain import edges, local_derivatives, on_values, times
from ..node import on_backward
from ..value import Value

BLOCK = 256  # rows of a Jacobian that one sweep computes: enough to share its cost, few enough for the memory


def pull_back(outputs: Sequence[Any], seeds: Iterable[Any], variables: Sequence[Value], on_values: bool) -> list[Any]:
    """Reverse: the derivative of the sum of the outputs, each times its seed, by each variable.

    Args:
        outputs: Values, and plain numbers, which depend on nothing.
        seeds: a number for each output or, on floats, an array for each, to have several sums at once.
        variables: the nodes to differentiate by.
        on_values: whether to run the rules on Values.

    Returns:
        For each variable a float or array or, with on_values, a Value where it is no constant.
    """
    _tell(outputs)
    order, dependent = _paths(outputs, variables)
    seeded = [(out, seed) for out, seed in zip(outputs, seeds) if isinstance(out, Value)]
    found = (_adjoints_on_values if on_values else _adjoints_on_floats)(order, dependent, seeded)
    return [found.get(v, 0.0) for v in variables]


def pull_back_each(outputs: Sequence[Any], variables: Sequence[Value], on_values: bool) -> list[list[Any]]:
    """The rows of the Jacobian: for each output its derivative by each variable, as pull_back gives it."""
    rows: list[list[Any]] = []
    for start in range(0, len(outputs), BLOCK):
        block = outputs[start : start + BLOCK]
        matrix: Any = None if on_values or len(block) == 1 else _matrix(block, variables)  # Any: NumPy's stubs differ
        # Where one output has an infinite derivative, the zeros of the others in its block have become nan.
        if matrix is None or not np.isfinite(matrix).all():
            rows += [pull_back([out], [1.0], variables, on_values) for out in block]
        else:
            rows += matrix.tolist()
    return rows


def push_forward(
    outputs: Sequence[Any], variables: Sequence[Value], tangents: Sequence[Any], on_values: bool
) -> list[Any]:
    """Forward: the derivative of each output in the direction of the tangents, one for each variable."""
    _tell(outputs)
    found: dict[Value, Any] = {}
    for v, tangent in zip(variables, tangents):
        found[v] = found[v] + tangent if v in found else tangent
    order, dependent = _paths(outputs, variables)
    for node in order:
        partials = _partials_on_values(node, dependent) if on_values else local_derivatives(node)
        terms = [(found[parent], partial) for parent, partial in partials if parent in found]
        if terms:  # a rule may pass nothing on
            found[node] = _total(terms) if on_values else sum([tangent * partial for tangent, partial in terms])
    return [found.get(out, 0.0) if isinstance(out, Value) else 0.0 for out in outputs]


def reaches(outputs: Sequence[Any], nodes: Iterable[Value]) -> bool:
    """Whether any output was computed from, or is, one of the nodes."""
    _, dependent = _paths(outputs, nodes)
    return any(out in dependent for out in outputs if isinstance(out, Value))


def _tell(outputs: Sequence[Any]) -> None:
    """Say to whom it concerns (see Node) what is about to be differentiated."""
    for tell in on_backward:
        for out in outputs:
            if type(out) is Value:  # a tracer has no derivatives yet
                tell(out, 1.0)


def _paths(outputs: Sequence[Any], variables: Iterable[Value]) -> tuple[list[Value], set[Value]]:
    """The nodes on the way from variables to outputs, each after its parents, and the set of them and the variables.

    What the variables were computed from is not looked at.
    """
    order: list[Value] = []
    dependent = set(variables)
    opened = set(dependent)
    stack = [out for out in outputs if isinstance(out, Value) and out.op is not None and out not in opened]
    while stack:
        node = stack[-1]
        arguments = (node.a, node.b, node.c)
        if node not in opened:
            opened.add(node)
            for x in arguments:
                if type(x) is tuple:
                    stack += [p for p in x if type(p) is not float and p.op is not None and p not in opened]
                elif x is not None and type(x) is not float and x.op is not None and x not in opened:
                    stack.append(x)
        else:
            stack.pop()
            if node not in dependent and _any_in(dependent, arguments):
                dependent.add(node)
                order.append(node)
    return order, dependent


def _any_in(dependent: set[Value], arguments: Iterable[Any]) -> bool:
    return any(not dependent.isdisjoint(x) if type(x) is tuple else x in dependent for x in arguments)


def _adjoints_on_floats(order: Sequence[Value], _: set[Value], seeded: Sequence[tuple[Value, Any]]) -> dict[Value, Any]:
    found: dict[Value, Any] = {}
    for out, seed in seeded:
        found[out] = found.get(out, 0.0) + seed
    for node in reversed(order):
        if node in found:
            adjoint = found.pop(node)
            for parent, partial in _partials_on_floats(node, adjoint):
                found[parent] = found.get(parent, 0.0) + adjoint * partial
    return found


def _adjoints_on_values(
    order: Sequence[Value], dependent: set[Value], seeded: Sequence[tuple[Value, Any]]
) -> dict[Value, Any]:
    terms: dict[Value, list[tuple[Any, Any]]] = {}
    for out, seed in seeded:
        terms.setdefault(out, []).append((seed, 1.0))
    for node in reversed(order):
        if node in terms:
            adjoint = _total(terms.pop(node))
            for parent, partial in _partials_on_values(node, dependent):
                terms.setdefault(parent, []).append((adjoint, partial))
    return {node: _total(pairs) for node, pairs in terms.items()}


def _partials_on_floats(node: Value, adjoint: Any) -> Sequence[tuple[Value, float]]:
    """The parents of a node, each with the partial. Of dot, where networks spend their time, without its rule."""
    if node.op is not ops.dot:
        return local_derivatives(node)
    if type(adjoint) is float and adjoint == 0.0 and math.isfinite(node._data):
        return ()  # every factor is finite, so all that could be passed on is zeros
    found = [(w, x if type(x) is float else x._data) for w, x in zip(node.a, node.b) if type(w) is not float]
    found += [(x, w if type(w) is float else w._data) for w, x in zip(node.a, node.b) if type(x) is not float]
    return found if type(node.c) is float else [*found, (node.c, 1.0)]


def _partials_on_values(node: Value, dependent: set[Value]) -> Iterator[tuple[Value, Any]]:
    """Those parents of a node that are in `dependent`, each with the partial: the rule, run on Values."""
    op, operands = node.op, node.args
    assert op is not None
    for x, partial in zip(operands, op.partials):
        if partial is not None and _any_in(dependent, [x]):
            for parent, d in edges(op, x, on_values(partial, node, operands)):
                if parent in dependent:
                    yield parent, d


def _total(pairs: Sequence[tuple[Any, Any]]) -> Any:
    """The sum of the products of pairs of an adjoint and a partial: one node at most."""
    if len(pairs) == 1:
        return times(*pairs[0])
    adjoints, partials = zip(*pairs)
    return ops.dot.apply((adjoints, partials, 0.0))


def _matrix(outputs: Sequence[Any], variables: Sequence[Value]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The Jacobian in one sweep, an adjoint of each node being the array of its adjoints for each output."""
    count = len(outputs)
    with np.errstate(all="ignore"):
        columns = pull_back(outputs, np.eye(count), variables, False)
    return np.array([np.broadcast_to(column, count) for column in columns]).reshape(len(variables), count).T
