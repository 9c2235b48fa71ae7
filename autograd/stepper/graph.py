"""The graph of a result as the page shows it: every node with a name, and what each passes back to its arguments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .. import ops
from ..primitive import describe
from ..value import Value

LIMIT = 300  # nodes, plain numbers among them, and as many edges again: an hour of steps, and a second of layout

Kind = Literal["leaf", "operation", "constant"]


@dataclass(frozen=True)
class Node:
    """A node of the picture: a Value, or a plain number among the arguments of one.

    Attributes:
        kind: leaf, operation or constant.
        name: what formulas call it; no two nodes share one, numbers excepted.
        label: the user's label.
        symbol: what it computes, "" for leaves and constants.
        data: its number.
        value: the Value, None for a constant.
        inputs: for each argument, in order, the node it is; None for a bias of 0, which is not drawn.
    """

    kind: Kind
    name: str
    label: str
    symbol: str
    data: float
    value: Value | None
    inputs: tuple[int | None, ...]


def survey(root: Any) -> list[Node]:
    """The nodes that `root` was computed from, each after its arguments, the left ones first; `root` is the last.

    Raises:
        TypeError: if `root` is not a Value.
        ValueError: if there are more than LIMIT nodes or twice as many edges, or leaves were changed
            after `root` was computed.
    """
    if not isinstance(root, Value):
        raise TypeError(f"step_through() plays the graph of one Value, such as a loss, got {describe(root)}")
    order = _in_order(root)
    arguments = {value: _arguments(value) for value in order}
    edges = sum(p is not None for parents in arguments.values() for p in parents)
    count = len(order) + sum(type(p) is float for parents in arguments.values() for p in parents)
    if count > LIMIT or edges > 2 * LIMIT:
        raise ValueError(
            f"step_through() plays graphs of up to {LIMIT} nodes and {2 * LIMIT} edges, plain numbers counted; this "
            f"one has {count:,} and {edges:,}. Take a smaller piece of it, such as the loss of a single example or "
            "of a model with few neurons, or draw it whole with ag.draw()"
        )
    names = _names(order)
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
        if value.op is not None and not _same(value.op.evaluate(*numbers(value)), value.data):
            raise ValueError(
                f"step_through(): {names[value]} holds {value.data}, but {value.op} of its arguments is now "
                f"{value.op.evaluate(*numbers(value))}: leaves were changed after it was computed. Compute it again, "
                "then step through it"
            )
        kind: Kind = "leaf" if value.op is None else "operation"
        symbol = "" if value.op is None else "√" if value.op is ops.sqrt else value.op.symbol
        place[value] = len(nodes)
        nodes.append(Node(kind, names[value], value.label, symbol, float(value.data), value, tuple(inputs)))
    return nodes


def numbers(value: Value, data: dict[Value, float] | None = None) -> list[Any]:
    """The arguments of a node as its primitive takes them, in floats: their data, or as `data` has it."""

    def read(x: Any) -> float:
        return x if type(x) is float else float(x.data if data is None else data[x])

    return [tuple(map(read, arg)) if type(arg) is tuple else read(arg) for arg in value.args]


def detached(value: Value, names: Sequence[str]) -> Value:
    """The node computed again from leaves of its own, labelled with the names of its arguments; floats stay floats."""
    left = iter(names)

    def leaf(x: Any) -> Any:
        name = next(left)
        return x if type(x) is float else Value(x.data, name)

    assert value.op is not None
    again: Value = value.op(*[tuple(map(leaf, arg)) if type(arg) is tuple else leaf(arg) for arg in value.args])
    return again


def passed_back(value: Value, adjoint: float) -> list[float]:
    """What backward() adds to the gradient of each argument, in the order of the arguments; 0 for floats.

    The engine itself is run, on the node alone, so that the numbers are its own, short cuts for
    zeros and all.
    """
    alone = detached(value, [""] * len(value.parents))
    alone.backward(adjoint)
    return [x.grad if isinstance(x, Value) else 0.0 for x in alone.parents]


def has_rule(value: Value) -> list[bool]:
    """For each argument whether the primitive passes anything back to it at all."""
    assert value.op is not None
    return [
        partial is not None
        for arg, partial in zip(value.args, value.op.partials)
        for _ in (arg if type(arg) is tuple else (arg,))
    ]


def _in_order(root: Value) -> list[Value]:
    """`root` and all it was computed from, each after its parents, in the order in which Python computes."""
    order: list[Value] = []
    seen: set[Value] = set()
    stack = [(root, False)]
    while stack:
        value, done = stack.pop()
        if done:
            order.append(value)
        elif value not in seen:
            seen.add(value)
            stack.append((value, True))
            stack += [(p, False) for p in reversed(value.parents) if isinstance(p, Value)]
    return order


def _arguments(value: Value) -> list[Value | float | None]:
    """The arguments one by one; None for the bias of a dot that has none."""
    parents: list[Value | float | None] = list(value.parents)
    if value.op is ops.dot and type(parents[-1]) is float and parents[-1] == 0.0:
        parents[-1] = None
    return parents


def _names(order: Sequence[Value]) -> dict[Value, str]:
    """A name for each Value: its label, numbered if others share it; without one L for the result, v1, v2 …"""
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


def _same(a: float, b: float) -> bool:
    return a == b or (a != a and b != b)
