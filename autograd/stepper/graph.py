"""The graph of a result as the page shows it: every node, its name, and what it passes back to its arguments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .. import ops
from ..chain import add_in_order, adjoints, local_derivatives, topological_order
from ..drawing.nodes import nodes_to_draw
from ..primitive import describe
from ..value import Value

LIMIT = 300  # nodes, plain numbers included, with twice as many edges: an hour of steps and a second of layout

Kind = Literal["leaf", "operation", "constant"]


@dataclass(frozen=True)
class Node:
    """A node of the picture: a Value, or a plain number that is an argument of one.

    Attributes:
        kind: leaf, operation or constant.
        name: its name in formulas, unique to it; "" for constants.
        label: the user's label.
        symbol: what it computes, "" for leaves and constants.
        data: its number.
        value: the Value, None for a constant.
        inputs: for each argument in order, the index of its node; None for a bias of 0, which is not drawn.
    """

    kind: Kind
    name: str
    label: str
    symbol: str
    data: float
    value: Value | None
    inputs: tuple[int | None, ...]


def list_nodes(root: Any) -> list[Node]:
    """The nodes that `root` was computed from, each after its arguments, left ones first; `root` is the last.

    Raises:
        TypeError: if `root` is not a Value.
        ValueError: if there are more than LIMIT nodes or 2 * LIMIT edges, or if leaves were changed after
            `root` was computed.
    """
    if not isinstance(root, Value):
        raise TypeError(f"step_through(): loss must be a Value, got {describe(root)}")
    order = nodes_to_draw([root], None)
    arguments = {value: _arguments(value) for value in order}
    edges = sum(p is not None for parents in arguments.values() for p in parents)
    count = len(order) + sum(type(p) is float for parents in arguments.values() for p in parents)
    if count > LIMIT or edges > 2 * LIMIT:
        raise ValueError(
            f"step_through() plays graphs of up to {LIMIT} nodes and {2 * LIMIT} edges, including plain numbers; "
            f"this one has {count:,} and {edges:,}. Take a smaller piece of it, such as the loss of a single example "
            "or of a model with few neurons, or draw all of it with ag.draw()"
        )
    names = _name_nodes(order)
    nodes: list[Node] = []
    place: dict[Value, int] = {}
    for value in order:
        inputs: list[int | None] = []
        for p in arguments[value]:
            if isinstance(p, Value):
                inputs.append(place[p])
            elif p is None:
                inputs.append(None)
            else:
                inputs.append(len(nodes))
                nodes.append(Node("constant", "", "", "", p, None, ()))
        if value.op is not None and not _is_same(value.op.evaluate(*numbers(value)), value.data):
            raise ValueError(
                f"step_through(): {names[value]} holds {value.data}, but {value.op} of its arguments is now "
                f"{value.op.evaluate(*numbers(value))}: leaves were changed after it was computed. Compute it again "
                "and step through the new one"
            )
        kind: Kind = "leaf" if value.op is None else "operation"
        symbol = "" if value.op is None else "√" if value.op is ops.sqrt else value.op.symbol
        place[value] = len(nodes)
        nodes.append(Node(kind, names[value], value.label, symbol, float(value.data), value, tuple(inputs)))
    return nodes


def numbers(value: Value, data: dict[Value, float] | None = None) -> list[Any]:
    """The arguments of a node in floats, in the form its primitive takes: their data, or their numbers in `data`."""

    def read(x: Any) -> float:
        return x if type(x) is float else float(x.data if data is None else data[x])

    return [tuple(map(read, arg)) if type(arg) is tuple else read(arg) for arg in value.args]


def recompute(value: Value, names: Sequence[str]) -> Value:
    """A copy of the node, computed from new leaves that have the names of its arguments; floats stay floats."""
    rest = iter(names)

    def leaf(x: Any) -> Any:
        name = next(rest)
        return x if type(x) is float else Value(x.data, name)

    assert value.op is not None
    again: Value = value.op(*[tuple(map(leaf, arg)) if type(arg) is tuple else leaf(arg) for arg in value.args])
    return again


def pass_back(value: Value, adjoint: float) -> list[float]:
    """What backward() adds to the gradient of each argument, in the order of the arguments; 0 for floats.

    The engine itself runs, on this node alone, so the numbers are its own, with its short cuts for zeros.
    """
    alone = recompute(value, [""] * len(value.parents))
    alone.backward(adjoint)
    return [x.grad if isinstance(x, Value) else 0.0 for x in alone.parents]


def reached(root: Value) -> set[Value]:
    """The Values at which anything arrives in backward(): not those that were not taken."""
    found = adjoints(topological_order(root), [(root, 1.0)], lambda node, _: local_derivatives(node), add_in_order)
    return {node for node, _ in found}


def which_have_rules(value: Value) -> list[bool]:
    """For each argument, whether the primitive has a rule for it, so that anything is passed back."""
    assert value.op is not None
    return [
        partial is not None
        for arg, partial in zip(value.args, value.op.partials)
        for _ in (arg if type(arg) is tuple else (arg,))
    ]


def _arguments(value: Value) -> list[Value | float | None]:
    """The arguments one by one; None for the bias of a dot without a bias."""
    parents: list[Value | float | None] = list(value.parents)
    if value.op is ops.dot and type(parents[-1]) is float and parents[-1] == 0.0:
        parents[-1] = None
    return parents


def _name_nodes(order: Sequence[Value]) -> dict[Value, str]:
    """A name for each Value: its label, numbered if others share it; without a label L for the result, v1, v2 …"""
    labels = {value: value.label if value.label.strip() else "" for value in order}
    taken = set(labels.values())
    times = Counter[str]()
    names: dict[Value, str] = {}
    count = 0
    for value in order:
        name = labels[value]
        if name:
            times[name] += 1
            while times[name] > 1 and f"{name}#{times[name]}" in taken:
                times[name] += 1
            name = name if times[name] == 1 else f"{name}#{times[name]}"
        elif value is order[-1] and "L" not in taken:
            name = "L"
        else:
            count += 1
            while f"v{count}" in taken:
                count += 1
            name = f"v{count}"
        names[value] = name
    return names


def _is_same(a: float, b: float) -> bool:
    return a == b or (a != a and b != b)
