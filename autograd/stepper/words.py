"""Each step in sentences: why a node passes back what it does, and what its arguments receive."""

from __future__ import annotations

from collections.abc import Sequence

from .. import ops
from ..value import Value
from .notation import Token, format_number, to_speech

# How each operation passes its gradient on, in the words of a teacher; the formulas have the numbers.
_WHY = {
    ops.add: "A sum passes its gradient on unchanged to both terms.",
    ops.sub: "A difference passes its gradient on: unchanged to the first term, with its sign turned to the second.",
    ops.mul: "A product passes to each factor its gradient times the other factor.",
    ops.neg: "A minus sign passes the gradient on with its sign turned.",
    ops.pow: "A power passes on its gradient times its slope: the exponent times the power one lower.",
    ops.abs: "An absolute value passes its gradient on, with its sign turned where the argument is negative.",
    ops.relu: "ReLU passes its gradient on where its argument is positive, and nothing where it is not.",
    ops.maximum: "A maximum passes its gradient to the larger argument alone.",
    ops.minimum: "A minimum passes its gradient to the smaller argument alone.",
    ops.where: "A choice passes its gradient to the one chosen alone.",
    ops.sum: "A sum passes its gradient on unchanged to each of its terms.",
    ops.dot: (
        "A weighted sum passes to each weight its gradient times the input, to each input its gradient times "
        "the weight, and to the bias its gradient unchanged."
    ),
    ops.prod: "A product passes to each factor its gradient times the product of the others.",
}

_NOUNS = {
    ops.div: "A quotient",
    ops.sqrt: "A square root",
    ops.exp: "An exponential",
    ops.log: "A logarithm",
    ops.sigmoid: "A sigmoid",
    ops.tanh: "A hyperbolic tangent",
}


def start(root: str, leaves: Sequence[str], operations: int) -> str:
    """Before the first step."""
    if not operations:
        return f"{root} is a leaf: nothing is computed."
    hold = (
        f"{_list_leaves(leaves)} {'hold their numbers' if len(leaves) != 1 else 'holds its number'}" if leaves else ""
    )
    todo = f"the other {operations} nodes are still empty" if operations > 1 else f"{root} is still empty"
    head = f"At the start {hold or 'there are only plain numbers'}; {todo}."
    return f"{head} First forward, to compute {root}; then backward, to find how {root} changes with each of them."


def forward(name: str, formula: Sequence[Token], result: float) -> str:
    """A node is computed."""
    return f"{name} is {to_speech(formula)}, which makes {_say(result)}."


def seed(root: str) -> str:
    """The turn from forward to backward."""
    return (
        f"{root} is computed. Now backward: the gradient of a node says how fast {root} changes when that node's "
        f"number changes. {root} changes just as fast as {root} itself, so its gradient is 1."
    )


def why(value: Value, name: str, arrivals: int) -> str:
    """How a node passes its gradient on, and that all of it has arrived."""
    parts = "Both parts" if arrivals == 2 else f"All {arrivals} parts"
    full = f"{parts} of the gradient of {name} have arrived, so it can pass it on. " if arrivals > 1 else ""
    assert value.op is not None
    slope = "slope" if sum(isinstance(p, Value) for p in value.parents) == 1 else "slope along each argument"
    function = _NOUNS.get(value.op, f"The function {value.op.name}")
    return full + _WHY.get(value.op, f"{function} passes its gradient on, times its {slope} here.")


def receives(name: str, adjoint: float, partial: float, amount: float, before: float, after: float) -> str:
    """An argument receives its share, and its total so far."""
    said = f"{name} receives {_say(adjoint)} times {_say(partial)}, which is {_say(amount)}"
    if before == 0.0:
        return f"{said}."
    return f"{said}; with the {_say(before)} it had that makes {_say(after)}."


def receives_nothing(name: str) -> str:
    """An argument for which the operation has no rule."""
    return f"{name} receives nothing."


def update(name: str, lr: float, gradient: float, new: float) -> str:
    """A leaf is moved."""
    if gradient == 0.0:
        return f"{name} stays at {_say(new)}: its gradient is 0."
    way = "down" if gradient > 0 else "up"
    return f"{name} goes {way} by {_say(lr)} times its gradient, {_say(gradient)}, to {_say(new)}."


def again(root: str, old: float, new: float) -> str:
    """What the update achieves."""
    said = f"Computed again from the moved leaves, {root} would be {_say(new)}"
    if new < old:
        return f"{said}: less than the {_say(old)} it was. That is learning."
    if new > old:
        return f"{said}: more than the {_say(old)} it was. The step was too long; try a smaller learning rate."
    return f"{said}, and it was {_say(old)}."


def _say(x: float) -> str:
    return to_speech([("number", format_number(x))])


def _list_leaves(names: Sequence[str]) -> str:
    if len(names) > 6:
        return f"the {len(names)} leaves"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
