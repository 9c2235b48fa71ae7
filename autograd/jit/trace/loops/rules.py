"""The derivatives of nodes that are no number, or are read from one.

What arrives at a Stack, or at a row, is an adjoint at a place in it, or a whole stack of adjoints, whose place is None.
At a loop it comes with the number of the Item that passed it on. The tangent of a Stack, or of a row, is a stack.
"""

from __future__ import annotations

from typing import Any

from ....transforms.choices import Choices
from ....transforms.whole import Whole, WholeRule
from ...graph.loops import At, Item, Loop, Stack
from .backward import Terms, Wanted, pull_back_loop
from .forward import push_item, push_loop
from .recorded import at_place, record_stack


def pull_back_at(node: Any, adjoint: Any, _: Choices, __: Wanted) -> Terms:
    return [(node._a, Whole(adjoint, node.op.place))]


def push_at(node: Any, found: dict[Any, Any], _: Choices) -> Any:
    return at_place(found[node._a], node.op.place) if node._a in found else None


def pull_back_item(node: Any, adjoint: Any, _: Choices, __: Wanted) -> Terms:
    number = node.op.number
    if number > node._a.op.carries:  # a row
        return [(node._a, Whole(each, number)) for each in adjoint]
    return [] if number == node._a.op.carries else [(node._a, Whole(adjoint, number))]


def pull_back_stack(node: Any, arrived: list[Whole], choices: Choices, wanted: Wanted) -> Terms:
    terms = []
    for adjoint, place in arrived:
        if place is not None:
            terms.append((node._a[place], choices.as_term(adjoint)))
            continue
        stack, arrives, _ = choices.as_partly(adjoint)
        for k, x in enumerate(node._a):
            if type(x) is not float and (wanted is None or x in wanted):
                terms.append((x, choices.as_term(at_place(stack, k), arrives)))
    return [(x, term) for x, term in terms if type(x) is not float]


def push_stack(node: Any, found: dict[Any, Any], choices: Choices) -> Any:
    tangents = [0.0 if type(x) is float else choices.result(found.get(x, 0.0)) for x in node._a]
    return record_stack(node.trace.innermost(), tangents)


RULES = {
    At: WholeRule(pull_back_at, push_at),
    Item: WholeRule(pull_back_item, push_item),
    Stack: WholeRule(pull_back_stack, push_stack),
    Loop: WholeRule(pull_back_loop, push_loop),
}
