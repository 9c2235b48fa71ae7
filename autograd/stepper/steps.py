"""The steps of a computation: each node computed, each gradient passed back, each leaf moved, as data."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

from .. import ops
from ..chain import topological_order
from ..value import Value
from . import words
from .graph import Node, detached, has_rule, numbers, passed_back, survey
from .notation import Token, Tokens, equals, isolated, joined, number, plain, rule, signed, written

Phase = Literal["start", "forward", "seed", "backward", "update", "end"]


@dataclass(frozen=True)
class Edge:
    """An arrow of the picture, from an argument to the node computed with it."""

    source: int
    target: int


@dataclass(frozen=True)
class Line:
    """A line of a formula: what stands left of its first sign, and the rest."""

    left: tuple[Token, ...]
    right: tuple[Token, ...]

    def __str__(self) -> str:
        return plain([*self.left, *self.right])


@dataclass(frozen=True)
class Step:
    """One step of the play.

    Attributes:
        phase: what happens: nothing yet, a node is computed, the result's gradient is set to 1, a
            node passes its gradient back, a leaf is updated, or the end after updates.
        node: which node it happens to.
        edges: the arrows along which something flows.
        amounts: what flows along each of these, on the way back.
        lines: the formula, written out in the numbers at hand.
        caption: what happens, in a sentence.
        words: the same and the arithmetic, in full sentences.
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
    """The play of the graph of `loss`, all gradients being 0 at first; with `lr` leaves are updated at the end.

    Raises:
        TypeError, ValueError: as `survey` says.
    """
    story = Play(survey(loss))
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
    leaves = [isolated(node.name) for _, node in given if node.kind == "leaf"]
    words_of_start = words.start(isolated(root.name), leaves, len(nodes) - len(given))
    changes = tuple((k, "data", node.data) for k, node in given)
    pieces: list[Tokens] = [[("given", n.name, number(n.data))] for _, n in given if n.name]
    lines = (Line((), tuple(joined(pieces, ","))),) if pieces else ()
    steps = [Step("start", len(nodes) - 1, lines, words_of_start, words_of_start, changes)]
    for k, node in enumerate(nodes):
        if node.value is not None and node.value.op is not None:
            arrows = tuple(e for e in into[k] if e is not None)
            line, said = _computation(node, node.value, nodes)
            steps.append(Step("forward", k, (line,), said, said, ((k, "data", node.data),), arrows))
    return steps


def _computation(node: Node, value: Value, nodes: list[Node]) -> tuple[Line, str]:
    """How a node is computed: in names, in numbers, for a dot in products too, and the sentence."""
    alone = detached(value, _arguments(node, nodes))
    result = signed(node.data, True)
    inputs = [nodes[k].data for k in node.inputs if k is not None]
    stages: list[Tokens] = [written(alone), written(alone, in_numbers=True)]
    if value.op is ops.dot:
        ws, xs, bias = numbers(value)
        products = [w * x for w, x in zip(ws, xs)] + ([bias] if bias != 0.0 else [])
        stages.append(written(ops.sum([Value(p) for p in products]), in_numbers=True))
        inputs += products
    right: Tokens = [("sign", "="), *stages[0]]
    seen = [plain(stages[0]), plain(result)]
    for tokens in stages[1:]:
        if plain(tokens) not in seen:
            right += [equals(*inputs), *tokens]
            seen.append(plain(tokens))
    right += [equals(*inputs, node.data), *result]
    return Line((("name", node.name),), tuple(right)), words.forward(isolated(node.name), stages[0], node.data)


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
    said = words.seed(isolated(root.name))
    story.steps.append(Step("seed", last, (line,), said, said, zeros))
    arrivals = Counter(edge.source for edge in story.edges)
    for value in reversed(topological_order(root.value)):
        story.steps.append(_pass_back(story, place[value], into[place[value]], gradients, arrivals))
    return gradients


def _pass_back(story: Play, k: int, arrows: list[int | None], gradients: list[float], arrivals: Counter[int]) -> Step:
    """A node passes its gradient along its edges; adds to `gradients` what each argument receives."""
    node, value = story.nodes[k], story.nodes[k].value
    assert value is not None
    assert value.op is not None
    adjoint = gradients[k]
    rules = rule(value.op, Value(value.data, node.name), detached(value, _arguments(node, story.nodes)).args)
    shares = _shares(story, k, gradients)
    lines: list[Line] = []
    said = [f"{isolated(node.name)} passes its gradient back.", words.why(value, isolated(node.name), arrivals[k])]
    for position, share in shares.items():
        argument = story.nodes[share.source]
        formula = rules[position] or [("derivative", node.name, argument.name)]
        shared = arrivals[share.source] > 1
        lines.append(_chain_rule(story.root, node, argument, adjoint, share, formula, shared))
        if share.partial is None:
            said.append(words.receives_nothing(isolated(argument.name)))
        else:
            amounts_said = (adjoint, share.partial, share.amount, share.before, share.after)
            said.append(words.receives(isolated(argument.name), *amounts_said))
    changes = tuple((source, "grad", gradients[source]) for source in dict.fromkeys(s.source for s in shares.values()))
    edges = tuple(e for position, e in enumerate(arrows) if e is not None and position in shares)
    amounts = tuple(share.amount for share in shares.values())
    return Step("backward", k, tuple(lines), said[1], " ".join(said), changes, edges, amounts)


@dataclass(frozen=True)
class _Share:
    """What an argument receives: from which node it is, the partial, the amount, what it had, what it has then."""

    source: int
    partial: float | None
    amount: float
    before: float
    after: float


def _shares(story: Play, k: int, gradients: list[float]) -> dict[int, _Share]:
    """The share of each argument that is a Value, by position; adds them to `gradients`, in the engine's order."""
    node, value = story.nodes[k], story.nodes[k].value
    assert value is not None
    assert value.op is not None
    found: dict[int, _Share] = {}
    amounts, partials = passed_back(value, gradients[k]), passed_back(value, 1.0)
    for position, (source, ruled) in enumerate(zip(node.inputs, has_rule(value))):
        if source is not None and story.nodes[source].value is not None:
            before = gradients[source]
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
        right += [("number", "0"), ("text", "no derivative by this")]
    else:
        right += [("derivative", root.name, node.name), ("sign", "·"), *_factor(formula)]
        right += [equals(adjoint, share.partial), ("number", number(adjoint), "gradient")]
        right += [("sign", "×"), *signed(share.partial)]
        right += [equals(adjoint, share.partial, share.amount), ("number", number(share.amount))]
    if shared:
        right += [("total", "in all"), *signed(share.before, True), ("sign", "+"), *signed(share.amount)]
        right += [equals(share.before, share.amount, share.after), ("number", number(share.after))]
    return Line((("derivative", root.name, argument.name),), tuple(right))


def _factor(tokens: Tokens) -> Tokens:
    """A rule as a factor: in parentheses if it holds a sum, a quotient or a sign of its own."""
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
    moved: dict[Value, float] = {}
    for k, node in enumerate(nodes):
        if node.kind == "leaf" and node.value is not None:
            old, slope = node.data, gradients[k]
            new = moved[node.value] = old - lr * slope
            right: Tokens = [("sign", "←"), ("name", node.name), ("sign", "−"), *signed(lr), ("sign", "×")]
            right += [*signed(slope), equals(old, lr, slope), *signed(old, True), ("sign", "−"), *signed(lr * slope)]
            right += [equals(old, lr * slope, new), ("number", number(new))]
            said = words.update(isolated(node.name), lr, slope, new)
            line = Line((("name", node.name),), tuple(right))
            story.steps.append(Step("update", k, (line,), said, said, ((k, "data", new),)))
    for node in nodes:
        if node.value is not None and node.value.op is not None:
            moved[node.value] = node.value.op.evaluate(*numbers(node.value, moved))
    assert root.value is not None
    old, new = root.data, moved[root.value]
    right = [("sign", ":"), ("number", number(old)), ("sign", "→"), ("number", number(new))]
    line = Line((("name", root.name),), tuple(right))
    said = words.again(isolated(root.name), old, new)
    story.steps.append(Step("end", len(nodes) - 1, (line,), said, said))


def _arguments(node: Node, nodes: list[Node]) -> list[str]:
    """The names of a node's arguments, one by one."""
    return [nodes[k].name if k is not None else "" for k in node.inputs]
