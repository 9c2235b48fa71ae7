"""The steps of a computation: each node computed, each gradient passed back, each leaf moved, as data."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

from .. import ops
from ..chain import topological_order
from ..value import Value
from . import words
from .graph import Node, list_nodes, numbers, pass_back, reached, recompute, which_have_rules
from .notation import (
    Token,
    Tokens,
    equals_sign,
    format_number,
    isolate,
    join_tokens,
    number_tokens,
    to_text,
    write_formula,
    write_partials,
)

Phase = Literal["start", "forward", "seed", "backward", "update", "end"]


@dataclass(frozen=True)
class Edge:
    """An arrow of the picture, from an argument to the node computed with it."""

    source: int
    target: int


@dataclass(frozen=True)
class Line:
    """A line of a formula: the part left of its first sign, and the rest."""

    left: tuple[Token, ...]
    right: tuple[Token, ...]

    def __str__(self) -> str:
        return to_text([*self.left, *self.right])


@dataclass(frozen=True)
class Step:
    """One step of the play.

    Attributes:
        phase: what happens: nothing yet, a node is computed, the result's gradient is set to 1, a
            node passes its gradient back, a leaf is updated, or the end after updates.
        node: which node it happens to.
        edges: the arrows along which something flows.
        amounts: what flows back along each of these arrows.
        lines: the formula, in names and then in numbers.
        caption: what happens, in a sentence.
        words: the same with the arithmetic, in full sentences.
        changes: which numbers change: (node, "data" or "grad", the new number).
    """

    phase: Phase
    node: int
    lines: tuple[Line, ...]
    caption: str
    words: str
    changes: tuple[tuple[int, str, float], ...] = ()
    edges: tuple[int, ...] = ()
    amounts: tuple[float, ...] = ()


@dataclass
class Play:
    """A graph, and the steps in which it is computed, differentiated and improved."""

    nodes: list[Node]
    edges: list[Edge] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    @property
    def root(self) -> Node:
        """The result."""
        return self.nodes[-1]


def play(loss: Any, lr: float | None = None) -> Play:
    """The steps for the graph of `loss`, with gradients that start at 0; with `lr`, leaves are updated at the end.

    Raises:
        TypeError, ValueError: as for list_nodes().
    """
    story = Play(list_nodes(loss))
    into: list[list[int | None]] = []  # for each node its edges, one for each argument
    for k, node in enumerate(story.nodes):
        arrows: list[int | None] = []
        for source in node.inputs:
            arrows.append(None if source is None else len(story.edges))
            if source is not None:
                story.edges.append(Edge(source, k))
        into.append(arrows)
    story.steps += _forward(story, into)
    gradients = _backward(story, into)
    if lr is not None:
        _update(story, lr, gradients)
    return story


def _forward(story: Play, into: list[list[int | None]]) -> list[Step]:
    nodes, root = story.nodes, story.root
    given = [(k, node) for k, node in enumerate(nodes) if node.kind != "operation"]
    leaves = [isolate(node.name) for _, node in given if node.kind == "leaf"]
    words_of_start = words.start(isolate(root.name), leaves, len(nodes) - len(given))
    changes = tuple((k, "data", node.data) for k, node in given)
    pieces: list[Tokens] = [[("given", n.name, format_number(n.data))] for _, n in given if n.name]
    lines = (Line((), tuple(join_tokens(pieces, ","))),) if pieces else ()
    steps = [Step("start", len(nodes) - 1, lines, words_of_start, words_of_start, changes)]
    for k, node in enumerate(nodes):
        if node.value is not None and node.value.op is not None:
            arrows = tuple(e for e in into[k] if e is not None)
            line, sentence = _describe_computation(node, node.value, nodes)
            steps.append(Step("forward", k, (line,), sentence, sentence, ((k, "data", node.data),), arrows))
    return steps


def _describe_computation(node: Node, value: Value, nodes: list[Node]) -> tuple[Line, str]:
    """How a node is computed: in names and in numbers, for a dot in products too; and the sentence."""
    alone = recompute(value, _arguments(node, nodes))
    result = number_tokens(node.data, True)
    inputs = [nodes[k].data for k in node.inputs if k is not None]
    stages: list[Tokens] = [write_formula(alone), write_formula(alone, in_numbers=True)]
    if value.op is ops.dot:
        ws, xs, bias = numbers(value)
        products = [w * x for w, x in zip(ws, xs)] + ([bias] if bias != 0.0 else [])
        stages.append(write_formula(ops.sum([Value(p) for p in products]), in_numbers=True))
        inputs += products
    right: Tokens = [("sign", "="), *stages[0]]
    shown = [to_text(stages[0]), to_text(result)]
    for tokens in stages[1:]:
        if to_text(tokens) not in shown:
            right += [equals_sign(*inputs), *tokens]
            shown.append(to_text(tokens))
    right += [equals_sign(*inputs, node.data), *result]
    return Line((("name", node.name),), tuple(right)), words.forward(isolate(node.name), stages[0], node.data)


def _backward(story: Play, into: list[list[int | None]]) -> list[float]:
    """Append the backward steps, in the order of backward(); return the gradients at the end."""
    nodes, root = story.nodes, story.root
    assert root.value is not None
    last = len(nodes) - 1
    place = {node.value: k for k, node in enumerate(nodes) if node.value is not None}
    gradients = [0.0] * len(nodes)
    gradients[last] = 1.0
    zeros = tuple((k, "grad", gradients[k]) for k in place.values())
    line = Line((("derivative", root.name, root.name),), (("sign", "="), ("number", "1")))
    sentence = words.seed(isolate(root.name))
    story.steps.append(Step("seed", last, (line,), sentence, sentence, zeros))
    arrivals = Counter(edge.source for edge in story.edges)
    taken = reached(root.value)
    for value in reversed(topological_order(root.value)):
        story.steps.append(_backward_step(story, place[value], into[place[value]], gradients, arrivals, taken))
    return gradients


def _backward_step(
    story: Play, k: int, arrows: list[int | None], gradients: list[float], arrivals: Counter[int], taken: set[Value]
) -> Step:
    """A node passes its gradient along its edges; adds to `gradients` what each argument receives."""
    node, value = story.nodes[k], story.nodes[k].value
    assert value is not None
    assert value.op is not None
    adjoint = gradients[k]
    rules = write_partials(value.op, Value(value.data, node.name), recompute(value, _arguments(node, story.nodes)).args)
    shares = _shares(story, k, gradients, value in taken)
    lines: list[Line] = []
    sentences = [f"{isolate(node.name)} passes its gradient back.", words.why(value, isolate(node.name), arrivals[k])]
    for position, share in shares.items():
        argument = story.nodes[share.source]
        formula = rules[position] or [("derivative", node.name, argument.name)]
        shared = arrivals[share.source] > 1
        lines.append(_chain_rule(story.root, node, argument, adjoint, share, formula, shared))
        if share.partial is None:
            sentences.append(words.receives_nothing(isolate(argument.name)))
        else:
            numbers_here = (adjoint, share.partial, share.amount, share.before, share.after)
            sentences.append(words.receives(isolate(argument.name), *numbers_here))
    changes = tuple((source, "grad", gradients[source]) for source in dict.fromkeys(s.source for s in shares.values()))
    edges = tuple(e for position, e in enumerate(arrows) if e is not None and position in shares)
    amounts = tuple(share.amount for share in shares.values())
    return Step("backward", k, tuple(lines), sentences[1], " ".join(sentences), changes, edges, amounts)


@dataclass(frozen=True)
class _Share:
    """What an argument receives: its node, the partial, the amount, and its gradient before and after."""

    source: int
    partial: float | None
    amount: float
    before: float
    after: float


def _shares(story: Play, k: int, gradients: list[float], is_taken: bool) -> dict[int, _Share]:
    """The share of each argument that is a Value, by position. Adds them to `gradients`, in the engine's order."""
    node, value = story.nodes[k], story.nodes[k].value
    assert value is not None
    assert value.op is not None
    found: dict[int, _Share] = {}
    amounts, partials = pass_back(value, gradients[k]), pass_back(value, 1.0)
    for position, (source, ruled) in enumerate(zip(node.inputs, which_have_rules(value))):
        if source is not None and story.nodes[source].value is not None:
            before = gradients[source]
            if not is_taken and math.isnan(amounts[position]):  # not even 0 · inf is passed back
                amounts[position], ruled = 0.0, False
            gradients[source] += amounts[position]
            partial = partials[position] if ruled else None
            found[position] = _Share(source, partial, amounts[position], before, gradients[source])
    return found


def _chain_rule(
    root: Node, node: Node, argument: Node, adjoint: float, share: _Share, formula: Tokens, shared: bool
) -> Line:
    """The chain rule along an edge, in names and in numbers, and what the gradient of a shared argument adds up to."""
    right: Tokens = [("sign", "+=")]
    if share.partial is None:
        right += [("number", "0"), ("text", "no derivative with respect to this")]
    else:
        right += [("derivative", root.name, node.name), ("sign", "·"), *_factor(formula)]
        right += [equals_sign(adjoint, share.partial), ("number", format_number(adjoint), "gradient")]
        right += [("sign", "×"), *number_tokens(share.partial)]
        right += [equals_sign(adjoint, share.partial, share.amount), ("number", format_number(share.amount))]
    if shared:
        right += [("total", "in all"), *number_tokens(share.before, True), ("sign", "+"), *number_tokens(share.amount)]
        right += [equals_sign(share.before, share.amount, share.after), ("number", format_number(share.after))]
    return Line((("derivative", root.name, argument.name),), tuple(right))


def _factor(tokens: Tokens) -> Tokens:
    """A rule as a factor: in parentheses if it has a sum, a quotient or a sign of its own."""
    depth = 0
    for at, token in enumerate(tokens):
        text = token[1] if token[0] == "sign" else ""
        depth += text.endswith("(") - (text == ")")
        negative = at == 0 and token[0] in ("number", "prefix") and token[1][0] == "−"
        if negative or (depth == 0 and text in ("+", "−", "/")):
            return [("sign", "("), *tokens, ("sign", ")")]
    return tokens


def _update(story: Play, lr: float, gradients: list[float]) -> None:
    """Append a step for each leaf, and the end."""
    nodes, root = story.nodes, story.root
    new_data: dict[Value, float] = {}
    for k, node in enumerate(nodes):
        if node.kind == "leaf" and node.value is not None:
            old, slope = node.data, gradients[k]
            new = new_data[node.value] = old - lr * slope
            right: Tokens = [("sign", "←"), ("name", node.name), ("sign", "−"), *number_tokens(lr), ("sign", "×")]
            right += [
                *number_tokens(slope),
                equals_sign(old, lr, slope),
                *number_tokens(old, True),
                ("sign", "−"),
                *number_tokens(lr * slope),
            ]
            right += [equals_sign(old, lr * slope, new), ("number", format_number(new))]
            sentence = words.update(isolate(node.name), lr, slope, new)
            line = Line((("name", node.name),), tuple(right))
            story.steps.append(Step("update", k, (line,), sentence, sentence, ((k, "data", new),)))
    for node in nodes:
        if node.value is not None and node.value.op is not None:
            new_data[node.value] = node.value.op.evaluate(*numbers(node.value, new_data))
    assert root.value is not None
    old, new = root.data, new_data[root.value]
    right = [("sign", ":"), ("number", format_number(old)), ("sign", "→"), ("number", format_number(new))]
    line = Line((("name", root.name),), tuple(right))
    sentence = words.again(isolate(root.name), old, new)
    story.steps.append(Step("end", len(nodes) - 1, (line,), sentence, sentence))


def _arguments(node: Node, nodes: list[Node]) -> list[str]:
    """The names of a node's arguments, one by one."""
    return [nodes[k].name if k is not None else "" for k in node.inputs]
