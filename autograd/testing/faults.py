"""Which primitive is at fault for a wrong derivative: each node's partials against finite differences of it alone."""

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
from .finite_differences import Line
from .tower import Tower
from .verdicts import Verdict, judged

ENOUGH = 500  # nodes of one primitive to look at


class Fault(NamedTuple):
    """A wrong partial derivative.

    Attributes:
        op: the primitive.
        call: where its rule is wrong.
        verdict: what the rule gave there and what it should have.
        order: 1 where the rule gives wrong numbers, more where the derivatives of its numbers are wrong.
    """

    op: Primitive
    call: str
    verdict: Verdict
    order: int

    def __str__(self) -> str:
        name, given, expected, *_ = self.verdict.cells()
        if self.order == 1:
            return f"{self.op}: by {name} its rule gives {given}, expected {expected}, in {self.call}"
        return (
            f"{self.op}: the numbers of its rule are right, but their derivatives by {name} come to {given}, "
            f"expected {expected}, in {self.call}; a rule must reckon with Values, not with floats made of them"
        )


def find_faults(tower: Tower, order: int, rtol: float) -> list[Fault]:
    """The faults in derivatives of this order, one for each primitive, the worst first."""
    found = [fault for node in _different(tower.graph(order - 1)) for fault in _wrong_partials(node, rtol)]
    if not found and order > 1:
        found = [fault for node in _different(tower.graph(0)) for fault in _wrong_rules(node, order, rtol)]
    found.sort(key=lambda fault: fault.verdict.off, reverse=True)
    return list({fault.op: fault for fault in reversed(found)}.values())[::-1]


def _different(roots: Iterable[Any]) -> Iterator[Value]:
    """The nodes that the roots were computed from, those of the same numbers once."""
    seen: set[Any] = set()
    count: Counter[Any] = Counter()
    for root in roots:
        for node in topological_order(root) if isinstance(root, Value) else ():
            key = node.op, *_numbers(node)
            if key not in seen and count[node.op] < ENOUGH and math.isfinite(node.data):
                seen.add(key)
                count[node.op] += 1
                yield node


def _numbers(node: Value) -> list[Any]:
    """The arguments of a node as floats and tuples of floats."""
    return [data_of(x) for x in node.args]


def _places(node: Value) -> list[tuple[str, int, int | None]]:
    """The name of each argument that is a Value, its position and, in a sequence, its index; as local_derivatives."""
    op = node.op
    assert op is not None
    found: list[tuple[str, int, int | None]] = []
    for i, (name, x, partial) in enumerate(zip(op.signature.parameters, node.args, op.partials)):
        if partial is not None and type(x) is tuple:
            found += [(f"{name}[{k}]", i, k) for k, item in enumerate(x) if type(item) is not float]
        elif partial is not None and type(x) is not float:
            found.append((name, i, None))
    return found


def _replaced(numbers: list[Any], places: list[tuple[str, int, int | None]], new: Iterable[Any]) -> list[Any]:
    """The arguments of a node with other things in these places."""
    result = [list(x) if type(x) is tuple else x for x in numbers]
    for (_, i, k), x in zip(places, new):
        if k is None:
            result[i] = x
        else:
            result[i][k] = x
    return [tuple(x) if type(x) is list else x for x in result]


def _wrong_partials(node: Value, rtol: float) -> Iterator[Fault]:
    """The partials of a node that finite differences of its primitive contradict."""
    op, numbers = node.op, _numbers(node)
    assert op is not None
    for place, (parent, given) in zip(_places(node), local_derivatives(node)):

        def alone(t: float, place: Any = place) -> Any:
            return np.array([op.evaluate(*_replaced(numbers, [place], [t]))])

        slopes = Line(alone, parent.data, np.array([node.data])).slopes() if math.isfinite(parent.data) else None
        for verdict in judged([""], [place[0]], [[given]], [slopes], rtol) if slopes else ():
            if verdict.wrong and not verdict.at_jump:
                yield Fault(op, _call(op, numbers), verdict, 1)


def _wrong_rules(node: Value, order: int, rtol: float) -> Iterator[Fault]:
    """The derivatives, from the second to this order, of a node's primitive alone that are wrong."""
    op, numbers, places = node.op, _numbers(node), _places(node)
    assert op is not None
    given = [numbers[i] if k is None else numbers[i][k] for _, i, k in places]
    alone = Arguments(
        "check_gradients", lambda *xs: op(*_replaced(numbers, places, xs)), given, tuple(range(len(given)))
    )
    alone.names = [name for name, _, _ in places]
    for k in range(2, order + 1):
        for verdict in Tower(alone).check(k, rtol):
            if verdict.wrong and not verdict.at_jump:
                yield Fault(op, _call(op, numbers), verdict, k)


def _call(op: Primitive, numbers: list[Any]) -> str:
    texts = []
    for x in numbers:
        items = [f"{item:.6g}" for item in (x[:4] if type(x) is tuple else [x])]
        texts.append(f"[{', '.join(items)}{', …' if len(x) > 4 else ''}]" if type(x) is tuple else items[0])
    return f"{op}({', '.join(texts)})"
