"""Finds the primitive at fault for a wrong derivative: compares each node's partials with finite differences of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from ..chain import data_of, local_derivatives, topological_order
from ..primitive import Primitive
from ..value import Value
from .arguments import Arguments
from .derivatives import Derivatives
from .differences.line import Line
from .verdicts import Verdict, judge

MOST_NODES = 500  # of one primitive that are checked


class Fault(NamedTuple):
    """A wrong partial derivative.

    Attributes:
        op: the primitive.
        call: where its rule is wrong.
        verdict: what the rule gave there and what it should have.
        order: 1 if the rule gives wrong numbers; more if the derivatives of its numbers are wrong.
    """

    op: Primitive
    call: str
    verdict: Verdict
    order: int

    def __str__(self) -> str:
        name, given, expected, *_ = self.verdict.cells()
        if self.order == 1:
            return f"{self.op}: its rule with respect to {name} gives {given}, expected {expected}, in {self.call}"
        return (
            f"{self.op}: the numbers of its rule are right, but their derivatives with respect to {name} are {given}, "
            f"expected {expected}, in {self.call}; a rule must compute with its Values, not with floats made from them"
        )


def find_faults(derivatives: Derivatives, order: int, rtol: float) -> list[Fault]:
    """The faults in derivatives of this order, one for each primitive, the worst first."""
    found = [fault for node in _distinct_nodes(derivatives.graph(order - 1)) for fault in _wrong_partials(node, rtol)]
    if not found and order > 1:
        found = [fault for node in _distinct_nodes(derivatives.graph(0)) for fault in _wrong_rules(node, order, rtol)]
    found.sort(key=lambda fault: fault.verdict.off, reverse=True)
    return list({fault.op: fault for fault in reversed(found)}.values())[::-1]


def _distinct_nodes(roots: Iterable[Any]) -> Iterator[Value]:
    """The nodes that the roots were computed from; of nodes with the same numbers only the first."""
    seen: set[Any] = set()
    count: Counter[Any] = Counter()
    for root in roots:
        for node in topological_order(root) if isinstance(root, Value) else ():
            key = node.op, *_floats(node)
            if key not in seen and count[node.op] < MOST_NODES and math.isfinite(node.data):
                seen.add(key)
                count[node.op] += 1
                yield node


def _floats(node: Value) -> list[Any]:
    """The arguments of a node as floats and tuples of floats."""
    return [data_of(x) for x in node.args]


def _operand_places(node: Value) -> list[tuple[str, int, int | None]]:
    """Name, position and, in a sequence, index of each argument that is a Value, as local_derivatives orders them."""
    op = node.op
    assert op is not None
    found: list[tuple[str, int, int | None]] = []
    for i, (name, x, partial) in enumerate(zip(op.signature.parameters, node.args, op.partials)):
        if partial is not None and type(x) is tuple:
            found += [(f"{name}[{k}]", i, k) for k, item in enumerate(x) if type(item) is not float]
        elif partial is not None and type(x) is not float:
            found.append((name, i, None))
    return found


def _replace(numbers: list[Any], places: list[tuple[str, int, int | None]], new: Iterable[Any]) -> list[Any]:
    """The arguments of a node with others put in these places."""
    result = [list(x) if type(x) is tuple else x for x in numbers]
    for (_, i, k), x in zip(places, new):
        if k is None:
            result[i] = x
        else:
            result[i][k] = x
    return [tuple(x) if type(x) is list else x for x in result]


def _wrong_partials(node: Value, rtol: float) -> Iterator[Fault]:
    """The partials of a node that finite differences of its primitive contradict."""
    op, numbers = node.op, _floats(node)
    assert op is not None
    for place, (parent, given) in zip(_operand_places(node), local_derivatives(node, with_untaken=True)):

        def function(t: float, place: Any = place) -> Any:
            return np.array([op.evaluate(*_replace(numbers, [place], [t]))])

        slopes = (
            Line(function, parent.data, np.array([node.data]), stairs=False).slopes()
            if math.isfinite(parent.data)
            else None
        )
        for verdict in judge([""], [place[0]], [[given]], [slopes], rtol) if slopes else ():
            if verdict.wrong and not verdict.at_jump:
                yield Fault(op, _format_call(op, numbers), verdict, 1)


def _wrong_rules(node: Value, order: int, rtol: float) -> Iterator[Fault]:
    """The wrong derivatives, from the second order to this one, of a node's primitive alone."""
    op, numbers, places = node.op, _floats(node), _operand_places(node)
    assert op is not None
    given = [numbers[i] if k is None else numbers[i][k] for _, i, k in places]
    alone = Arguments(
        "check_gradients", lambda *xs: op(*_replace(numbers, places, xs)), given, tuple(range(len(given)))
    )
    alone.names = [name for name, _, _ in places]
    for k in range(2, order + 1):
        for verdict in Derivatives(alone).check(k, rtol):
            if verdict.wrong and not verdict.at_jump:
                yield Fault(op, _format_call(op, numbers), verdict, k)


def _format_call(op: Primitive, numbers: list[Any]) -> str:
    texts = []
    for x in numbers:
        items = [f"{item:.6g}" for item in (x[:4] if type(x) is tuple else [x])]
        texts.append(f"[{', '.join(items)}{', …' if len(x) > 4 else ''}]" if type(x) is tuple else items[0])
    return f"{op}({', '.join(texts)})"
