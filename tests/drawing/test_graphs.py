"""ag.draw of random graphs against the graphs themselves; sums expanded, depth, several roots, size limits."""

import math
import random
import sys
from collections import Counter
from typing import Any
from xml.etree import ElementTree

import pytest
from drawings import Picture, ancestors, read, state, texts

import autograd as ag
import nn
from autograd import Value, ops
from autograd.drawing import picture
from autograd.drawing.draw import draw

UNARY = [ag.exp, ag.tanh, ag.relu, ag.sin, ag.log, ag.sqrt, ag.sigmoid, ag.softplus, ag.abs, lambda a: -a, ag.cbrt]
BINARY = [
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b,
    lambda a, b: a / b,
    lambda a, b: a**b,
    ag.maximum,
    ag.minimum,
    ag.atan2,
    ag.hypot,
    ag.heaviside,
    lambda a, b: ag.where(a > b, a, b),
    lambda a, b: ag.where(a, b, 0.5),
    lambda a, b: ag.sum([a, 2.0, b, a]),
    lambda a, b: ag.dot([a, 1.5], [b, a]),
    lambda a, b: ag.dot([a, b], [0.25, b], a),
    lambda a, b: ag.dot([], [], a),
    lambda a, b: ag.sum([a]),
    lambda a, b: ag.prod([a, b, 3.0]),
    lambda a, b: ag.norm([a, b]),
    lambda a, b: ag.logsumexp([a, b, 0.0]),
]


def random_graph(rng: random.Random) -> Value:
    """A graph of up to 40 nodes with shared ones, each labelled, with nan and inf in some."""
    nodes = [Value(rng.choice([rng.gauss(0, 1), 0.0, -0.0, 1e300, math.inf, math.nan])) for _ in range(3)]
    nodes += [Value(rng.gauss(0, 1)) for _ in range(3)]
    for _ in range(rng.randrange(34)):
        a, b = rng.choice(nodes), rng.choice([*nodes[-6:], rng.gauss(0, 1)])
        nodes.append(rng.choice(UNARY)(a) if rng.random() < 0.4 else rng.choice(BINARY)(a, b))
    for k, node in enumerate(nodes):
        node.label = f"node {k}"
    nodes[-1].backward()
    return nodes[-1]


def expected_inputs(node: Value) -> list[str]:
    """The operands of a node: labels, and the numbers of constants, without the 0 if dot() has no bias."""
    parents = list(node.parents)
    if node.op is ops.dot and repr(parents[-1]) == "0.0":
        parents.pop()
    return [p.label if isinstance(p, Value) else repr(p) for p in parents]


def test_the_dot_of_400_random_graphs_has_exactly_their_nodes_and_edges_with_the_engines_numbers() -> None:
    rng = random.Random(4)
    for _ in range(8):
        roots = [random_graph(rng) for _ in range(50)]
        before = [state(ancestors(root)) for root in roots]
        pictures = [draw(root, format="") for root in roots]
        assert [state(ancestors(root)) for root in roots] == before
        for root, each in zip(roots, read(*pictures)):
            nodes = ancestors(root)
            shown = each.boxes("value", "leaf")
            assert sorted(map(each.cells, shown)) == sorted(
                [v.label, f"data {v.data!r}", f"grad {v.grad!r}"] for v in nodes
            )
            names = {each.cells(name)[0]: name for name in shown}
            constants = 0
            for node in nodes:
                name = names[node.label]
                assert sorted(each.cells(x)[0] for x in each.inputs(name)) == sorted(expected_inputs(node))
                constants += sum(x in each.boxes("constant") for x in each.inputs(name))
                assert (f"o{name[1:]}" in each.nodes) == (node.op is not None)
                assert node.op is None or each.symbol(name) == node.op.symbol
                assert ("peripheries" in each.nodes[name]) == (node is root)
            operations = [name for name in each.nodes if name[0] == "o"]
            assert len(operations) == sum(node.op is not None for node in nodes)
            assert len(each.nodes) == len(nodes) + len(operations) + len(each.boxes("constant"))
            assert constants >= len(each.boxes("constant"))
            assert len(each.edges) == len(operations) + sum(len(expected_inputs(node)) for node in nodes)


def test_the_svg_of_100_random_graphs_is_xml_with_all_nodes_and_edges() -> None:
    rng = random.Random(5)
    for _ in range(100):
        each = draw(random_graph(rng), direction=rng.choice(["LR", "TB"]), shade=rng.random() < 0.5)
        svg = ElementTree.fromstring(each.svg())
        classes = Counter((x.get("class") or "").split(" ")[0] for x in svg.iter())
        (graph,) = read(each)
        assert (classes["node"], classes["edge"]) == (len(graph.nodes), len(graph.edges))


# dot and sum, whole and expanded


def evaluate(each: Picture, name: str) -> float:
    """The number of an expanded box, computed from what the picture shows."""
    inputs = [evaluate(each, x) for x in each.inputs(name)]
    if not inputs:
        return float(each.cells(name)[-1].removeprefix("data "))
    return {"×": math.prod, "+": sum}[each.symbol(name)](inputs)


@pytest.mark.parametrize("bias", [0.0, 0.5, "Value"])
@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_a_dot_is_one_node_or_its_products_and_partial_sums(n: int, bias: Any) -> None:
    ws = [Value(0.5 + k, f"w{k}") for k in range(n)]
    xs = [Value(0.25 * k) if k % 2 else 0.25 * k for k in range(n)]
    b = Value(3.0, "b") if bias == "Value" else bias
    y = ag.dot(ws, xs, b)
    y.label = "y"
    (2 * y).backward()
    whole, expanded = read(draw(y, format="", gradients=False), draw(y, format="", gradients=False, expand=True))
    terms = n + (b != 0.0)
    assert (whole.symbol(whole.find_box("y")), len(whole.boxes("term"))) == ("·", 0)
    assert expanded.symbol(expanded.find_box("y")) == ("×" if terms == 1 else "+")
    assert len(expanded.boxes("term")) == (0 if terms == 1 else n + terms - 2)
    for name in expanded.boxes("term", "value"):
        assert float(expanded.cells(name)[-1].removeprefix("data ")) == pytest.approx(evaluate(expanded, name))
    (with_gradients,) = read(draw(y, expand=True))
    assert all(with_gradients.cells(name)[1] == "grad 2" for name in with_gradients.boxes("term"))


def test_a_sum_expanded() -> None:
    xs = [Value(float(k), f"x{k}") for k in range(4)]
    (each,) = read(draw(ag.sum(xs), format="", gradients=False, expand=True))
    assert sorted(each.cells(name) for name in each.boxes("term")) == [["data 1.0"], ["data 3.0"]]
    (root,) = each.boxes("value")
    assert each.symbol(root) == "+"
    for few, symbol in (([xs[0]], "Σ"), (xs[:2], "+")):
        (each,) = read(draw(ag.sum(few), expand=True))
        assert (each.symbol(each.boxes("value")[0]), each.boxes("term")) == (symbol, [])


# Depth, several roots, gradients as graphs


def test_depth_cuts_and_says_so() -> None:
    x = Value(1.0, "x")
    y = ag.exp(ag.sin(ag.exp(x) + x) * 2.0)
    picture = draw(y, depth=2)
    (each,) = read(picture)
    assert len(each.boxes("value")) == 3
    assert len(each.boxes("hidden")) == 1
    assert each.cells(each.boxes("hidden")[0]) == ["…"]
    assert picture.note == each.caption == "… stands for nodes more than 2 operations back"
    (all_of_it,) = read(draw(y, depth=100))
    assert (all_of_it.boxes("hidden"), all_of_it.caption) == ([], "")
    # A node that is near along one path is drawn, however far it is along another.
    (each,) = read(draw(ag.exp(ag.exp(x)) * x, depth=1))
    assert [each.cells(name)[0] for name in each.boxes("leaf")] == ["x"]


def test_several_roots() -> None:
    x = Value(1.0, "x")
    (each,) = read(draw([ag.exp(x), ag.sin(x), x]))
    assert sum("peripheries" in node for node in each.nodes.values()) == 3
    assert len(each.boxes("value", "leaf")) == 3


def test_the_graph_of_gradients_draws_as_any_other() -> None:
    x, z = Value(2.0, "x"), Value(3.0)
    y = x**3 * z
    gradients = y.backward(create_graph=True)
    (one,) = read(draw(gradients[x], format=""))
    assert [one.cells(name) for name in one.boxes("value") if "peripheries" in one.nodes[name]] == [
        ["data 36.0", "grad 0.0"]
    ]
    (both,) = read(draw(gradients, format="", gradients=False))
    assert sorted(both.cells(name) for name, node in both.nodes.items() if "peripheries" in node) == [
        ["data 8.0"],
        ["∂/∂x", "data 36.0"],
    ]
    assert gradients[x].label == ""


# Size


def chain(length: int) -> Value:
    x = Value(0.5)
    for _ in range(length):
        x = ag.tanh(x)
    return x


def test_a_graph_past_what_is_laid_out_in_ten_seconds_is_refused_with_what_helps() -> None:
    with pytest.raises(ValueError, match=r"would have 100,001 boxes.*ten seconds.*depth=3.*model="):
        draw(chain(100_000))
    xs = [Value(1.0) for _ in range(71)]
    dense = ag.sum([ag.sum(xs) for _ in range(71)])
    with pytest.raises(ValueError, match=r"would have 5,112 arrows"):
        draw(dense)
    with pytest.raises(ValueError, match=r"boxes.*expand=False"):
        draw(dense, expand=True)
    model = nn.MLP(4, [40, 40, 1], seed=0)
    with pytest.raises(ValueError, match=r"boxes.*collapse=1"):
        draw(model([1.0] * 4), model, collapse=0)
    assert draw(model([1.0] * 4), model).note


def test_a_layout_that_takes_too_long_is_stopped_with_what_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    each = draw(chain(500), expand=True)
    monkeypatch.setattr(picture, "SECONDS", 0.001)
    with pytest.raises(TimeoutError, match=r"more than .* seconds.*depth=3.*expand=False"):
        each.svg()


def test_deep_graphs_are_drawn_without_recursion() -> None:
    limit = sys.getrecursionlimit()
    deep = chain(100_000)
    long = chain(1_900)
    try:
        sys.setrecursionlimit(150)
        (each,) = read(draw(deep, depth=3))
        picture = draw(long)
    finally:
        sys.setrecursionlimit(limit)
    assert len(each.boxes("value")) == 4
    assert texts(picture.svg()).count("tanh") == 1_900
