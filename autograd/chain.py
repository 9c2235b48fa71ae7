"""The chain rule on a recorded graph.

The idea is in `adjoints`. It goes through the nodes from the result back to the leaves. The adjoint of a node is the
derivative of the result with respect to it. Each node passes its adjoint, times its local derivatives, on to its
parents, and what arrives at a node is added up.

`adjoints` keeps the adjoints outside the graph. It runs on Values, for derivatives that can be differentiated again,
and on floats and arrays. `accumulate`, which is backward(), is the same sweep on floats, but keeps the adjoint of each
node in its grad.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import fast
from .lost import call_rule
from .node import Node, reachable as reachable, turn
from .primitive import NOT_IEEE, NOT_TAKEN, Primitive, as_float, describe, on_ieee_floats

if TYPE_CHECKING:
    from .value import Value


# The reverse sweep


def adjoints(
    nodes: Sequence[Value],
    seeds: Iterable[tuple[Value, Any]],
    edges: Callable[[Value, Any], Iterable[tuple[Value, Any]]],
    total: Callable[[Sequence[Any]], Any],
) -> Iterator[tuple[Value, Any]]:
    """The chain rule: each node that the results depend on, with its adjoint.

    Args:
        nodes: the nodes to go through, each after its parents.
        seeds: the results, each with the term to start from.
        edges: a function of a node and its adjoint that returns the parents, each with the term of its adjoint that
            the node passes on to it: the adjoint of the node times the local derivative.
        total: a function that adds up the terms that arrive at a node.
    """
    terms: dict[Value, list[Any]] = {}
    for root, seed in seeds:
        terms.setdefault(root, []).append(seed)
    for node in reversed(nodes):
        if node in terms:
            adjoint = total(terms.pop(node))
            for parent, term in edges(node, adjoint):
                terms.setdefault(parent, []).append(term)
            yield node, adjoint
    for node, arrived in terms.items():
        yield node, total(arrived)


def adjoints_on_values(root: Value, seed: Any = 1.0) -> dict[Value, Value | float]:
    """The derivative of `root`, times `seed`, with respect to each node it was computed from, as Values.

    No `grad` is read or written. A derivative that is constant is a float.
    """
    if not isinstance(seed, Node):
        seed = as_float(seed, "the seed of backward")

    def edges(node: Value, adjoint: Any) -> list[tuple[Value, Any]]:
        return [(parent, times(adjoint, partial)) for parent, partial in rule_on_values(node)]

    return dict(adjoints(topological_order(root), [(root, seed)], edges, add_in_order))


def add_in_order(terms: Sequence[Any]) -> Any:
    """The sum of the terms in their order, so that on Values it equals the sweep on floats, bit for bit."""
    return functools.reduce(operator.add, terms)


def accumulate(root: Value, seed: float) -> None:
    """Set the grad of every node to seed times the derivative of `root`. For leaves, add this to their grad."""
    leaves, nodes = reachable([root])
    derivatives, has_conditions = _prepare(nodes)
    with turn:
        before = [leaf._grad for leaf in leaves]
        try:
            for node in leaves:
                node._grad = 0.0
            for node in nodes:
                node._grad = 0.0
            root._grad = seed
            _sweep(nodes, derivatives)
            if _any_nan(leaves) or (has_conditions and _any_nan(nodes)):
                _sweep_where_anything_arrives(root, seed, leaves, nodes, derivatives)
            found = [leaf._grad for leaf in leaves]
        except BaseException:  # an interrupt from the keyboard
            found = [0.0] * len(leaves)
            raise
        finally:
            _add_in_whole(leaves, before, found)


def accumulate_on_values(root: Value, seed: Any) -> dict[Value, Value | float]:
    """Like accumulate(), but the derivatives are Values, returned for every node."""
    leaves, nodes = reachable([root])
    found = adjoints_on_values(root, seed)
    with turn:
        before = [leaf._grad for leaf in leaves]
        slopes = [data_of(found.get(leaf, 0.0)) for leaf in leaves]
        for node in nodes:
            node._grad = data_of(found.get(node, 0.0))
        _add_in_whole(leaves, before, slopes)
    return found


def _add_in_whole(leaves: list[Value], before: list[float], slopes: list[float]) -> None:
    """_add, to the end even if a signal handler raises in the middle: what is set already is set to the same again."""
    try:
        _add(leaves, before, slopes)
    except BaseException:
        _add(leaves, before, slopes)
        raise


def _add(leaves: list[Value], before: list[float], slopes: list[float]) -> None:
    """Set the grad of each leaf to what it was before, plus its derivative."""
    for leaf, old, new in zip(leaves, before, slopes):
        leaf._grad = old + new


def _prepare(nodes: list[Value]) -> tuple[list[list[tuple[Value, float]]], bool]:
    """The local derivatives of nodes without a copy in fast.py, and whether any argument has no rule.

    If a rule raises an exception, it does so here, before any gradient has changed.
    """
    others = [node for node in nodes if not fast.is_fast(node.op)]
    has_conditions = any(None in node.op.partials for node in others)  # type: ignore[union-attr]
    return [local_derivatives(node) for node in others], has_conditions


def _sweep(nodes: list[Value], derivatives: list[list[tuple[Value, float]]]) -> None:
    """Let each node pass its grad on to its parents, the last node first."""
    at = len(derivatives)
    for k in range(len(nodes) - 1, -1, -1):
        node = nodes[k]
        adjoint = node._grad
        if fast.is_fast(node.op):
            fast.pass_back(node, adjoint)
        else:
            at -= 1
            for parent, partial in derivatives[at]:
                parent._grad += adjoint * partial


def _any_nan(nodes: list[Value]) -> bool:
    for node in nodes:  # noqa: SIM110 - a loop is faster than any() in the C build
        if node._grad != node._grad:
            return True
    return False


def _sweep_where_anything_arrives(
    root: Value, seed: float, leaves: list[Value], nodes: list[Value], derivatives: list[list[tuple[Value, float]]]
) -> None:
    """The sweep without what was not taken. _sweep, which is faster, lets that pass on zeros, which may meet an inf."""
    for node in leaves + nodes:
        node._grad = 0.0
    known = dict(zip([node for node in nodes if not fast.is_fast(node.op)], derivatives))

    def edges(node: Value, adjoint: Any) -> list[tuple[Value, float]]:
        pairs = known[node] if node in known else local_derivatives(node)
        return [(parent, adjoint * partial) for parent, partial in pairs]

    for node, adjoint in adjoints(nodes, [(root, seed)], edges, add_in_order):
        node._grad = 0.0 + adjoint


# Local derivatives


def local_derivatives(node: Value, with_untaken: Any = False) -> list[tuple[Value, float]]:
    """The parents of a node, each with the local derivative: the rule of the node, run on floats.

    An argument for which the rule gives NOT_TAKEN is left out or, `with_untaken`, has the derivative 0.
    """
    op, operands = node.op, node.args
    assert op is not None
    args = [node._value] + [x if type(x) is float else data_of(x) for x in operands]
    derivatives: list[tuple[Value, float]] = []
    for x, partial in zip(operands, op.partials):
        if partial is not None and type(x) is not float:
            try:
                d = partial(*args)
            except NOT_IEEE:
                d = on_ieee_floats(partial, tuple(args))
            if d is NOT_TAKEN and with_untaken:
                d = 0.0 if type(x) is not tuple else (0.0,) * len(x)
            if d is not NOT_TAKEN:
                derivatives += [
                    (parent, each if type(each) is float else as_float(each, f"the partial of {op}"))
                    for parent, each in pair_items(op, x, d)
                ]
    return derivatives


def rule_on_values(node: Value, wanted: set[Value] | None = None) -> list[tuple[Value, Any]]:
    """Like local_derivatives(), but the rule runs on Values. Only the parents in `wanted` are returned, if given."""
    op, operands = node.op, node.args
    assert op is not None
    found: list[tuple[Value, Any]] = []
    for x, partial in zip(operands, op.partials):
        if partial is None or type(x) is float or (wanted is not None and not any_in(wanted, (x,))):
            continue
        try:
            d = partial(node, *operands) if op.built_in else call_rule(op, partial, (node, *operands))
        except NOT_IEEE:  # IEEE 754 holds for the constants among the operands too
            with np.errstate(all="ignore"):
                constants = [np.float64(x) if type(x) is float else x for x in operands]
                d = partial(node, *constants) if op.built_in else call_rule(op, partial, (node, *constants))
        if d is not NOT_TAKEN:
            found += [pair for pair in pair_items(op, x, d) if wanted is None or pair[0] in wanted]
    return found


def pair_items(op: Primitive, x: Any, d: Any) -> Sequence[tuple[Value, Any]]:
    """An argument x of `op` with its derivative d. If x is a tuple, each Value in it with its own derivative."""
    if type(x) is not tuple:
        return ((x, d),)
    if not isinstance(d, (list, tuple, np.ndarray)):
        raise TypeError(f"the partial of {op} must return a list of derivatives, one for each item, got {describe(d)}")
    if len(d) != len(x):
        raise ValueError(f"the partial of {op} must return {len(x)} derivatives, one for each item, got {len(d)}")
    return [(parent, each) for parent, each in zip(x, d) if type(parent) is not float]


def times(adjoint: Any, partial: Any) -> Any:
    """The product of an adjoint and a partial. A factor of one makes no node."""
    if not isinstance(partial, Node):
        partial = as_float(partial, "a partial derivative")
        if partial == 1.0:
            return adjoint
    return partial if type(adjoint) is float and adjoint == 1.0 else adjoint * partial


def data_of(x: Any) -> Any:
    """x with floats in place of Values: a Value, a float, or a tuple of both."""
    if type(x) is tuple:
        return tuple([p if type(p) is float else p._value for p in x])
    return x if type(x) is float else x._value


# Walks


def topological_order(root: Value) -> list[Value]:
    """The nodes that `root` was computed from, without leaves, each after its parents, and `root` as the last."""
    return reachable([root])[1]


def any_in(known: set[Value], arguments: Iterable[Any]) -> bool:
    """Whether any argument, or any item of an argument that is a sequence, is in a set."""
    for x in arguments:  # noqa: SIM110 - a loop is faster than any() in the C build
        if (not known.isdisjoint(x)) if type(x) is tuple else x in known:
            return True
    return False
