"""ag.draw: the DOT against the graph, read back by Graphviz's own parser; options, hostile text, limits and errors."""

import json
import math
import os
import random
import re
import shutil
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from importlib import import_module, metadata
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd as ag
import nn
from autograd import Value, ops
from autograd.draw import draw
from autograd.drawing import picture
from autograd.drawing.picture import Drawing

drawing = import_module("autograd.draw")
SVG = "{http://www.w3.org/2000/svg}"
COMMAND = picture._pure_command()
NEEDS_DOT = pytest.mark.skipif(shutil.which("dot") is None, reason="no Graphviz is installed")


# Reading a drawing back


class Picture:
    """A DOT file as Graphviz reads it: nodes by name, edges, and the clusters around each node."""

    def __init__(self, parsed: dict[str, Any]) -> None:
        things = {thing["_gvid"]: thing for thing in parsed.get("objects", [])}
        self.nodes = {thing["name"]: thing for thing in things.values() if "nodes" not in thing}
        self.edges = [(things[edge["tail"]]["name"], things[edge["head"]]["name"]) for edge in parsed.get("edges", [])]
        self.clusters: dict[str, list[str]] = {name: [] for name in self.nodes}
        for thing in things.values():
            for inside in thing.get("nodes", []):
                self.clusters[things[inside]["name"]].append(thing["label"])
        self.caption = parsed["label"]

    def cells(self, name: str) -> list[str]:
        """The text of each cell of a box."""
        label = self.nodes[name]["label"]
        if not label.startswith("<"):
            return [label]
        table = ElementTree.fromstring(label.replace("<BR/>", "\n").replace("\\\\", "\\"))
        return ["".join(cell.itertext()) for cell in table.iter("TD")]

    def boxes(self, *kinds: str) -> list[str]:
        """The names of the boxes of some kinds."""
        return [name for name, node in self.nodes.items() if node["class"] in kinds]

    def inputs(self, name: str) -> list[str]:
        """The boxes that a box is made of."""
        circle = "o" + name[1:]
        return [a for a, b in self.edges if b == (circle if circle in self.nodes else name) and a != circle]

    def symbol(self, name: str) -> str:
        return str(self.nodes["o" + name[1:]]["label"])

    def named(self, label: str) -> str:
        """The box with a label."""
        (name,) = [name for name in self.nodes if name[0] == "v" and self.cells(name)[0] == label]
        return name


def read(*pictures: Drawing) -> list[Picture]:
    """Parse their DOT."""
    source = "\n".join(each.source for each in pictures).encode()
    run = subprocess.run([COMMAND, "-Tdot_json"], input=source, capture_output=True, check=True)
    decoder, text, at, found = json.JSONDecoder(), run.stdout.decode(), 0, []
    while at < len(text):
        parsed, end = decoder.raw_decode(text, at)
        found.append(Picture(parsed))
        at = end + len(text[end:]) - len(text[end:].lstrip())
    return found


def texts(svg: str) -> list[str]:
    """The pieces of text in an SVG."""
    return ["".join(x.itertext()).replace("\xa0", " ") for x in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def ancestors(root: Value) -> list[Value]:
    found, stack = {root: None}, [root]
    while stack:
        for p in stack.pop().parents:
            if isinstance(p, Value) and p not in found:
                found[p] = None
                stack.append(p)
    return list(found)


def state(nodes: Iterable[Value]) -> list[Any]:
    return [(repr(v.data), repr(v.grad), v.label, v.op, v.parents) for v in nodes]


# 1,000 random graphs

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
    """The operands of a node: labels, and the numbers of constants, less the 0 where dot() has no bias."""
    parents = list(node.parents)
    if node.op is ops.dot and repr(parents[-1]) == "0.0":
        parents.pop()
    return [p.label if isinstance(p, Value) else repr(p) for p in parents]


def test_the_dot_of_1000_random_graphs_has_exactly_their_nodes_and_edges_with_the_engines_numbers() -> None:
    rng = random.Random(4)
    for _ in range(20):
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


# What a drawing shows


def neuron() -> tuple[Value, list[Value]]:
    x1, x2, w1, w2, b = [
        Value(x, label) for x, label in [(2, "x1"), (0, "x2"), (-3, "w1"), (1, "w2"), (6.8813735870195432, "b")]
    ]
    o = ag.tanh(x1 * w1 + x2 * w2 + b + 1 - 1)
    o.label = "o"
    o.backward()
    return o, [w1, w2, b]


def test_leaves_parameters_constants_and_the_root_differ_in_shape_and_colour_and_lightness() -> None:
    o, parameters = neuron()
    (each,) = read(draw(o, parameters))
    assert sorted(each.cells(name)[0] for name in each.boxes("parameter")) == ["b", "w1", "w2"]
    assert sorted(each.cells(name)[0] for name in each.boxes("leaf")) == ["x1", "x2"]
    assert [each.cells(name) for name in each.boxes("constant")] == [["1"], ["1"]]
    looks = [each.nodes[each.boxes(kind)[0]] for kind in ("value", "leaf", "parameter", "constant")]
    assert len({(x["shape"], x["style"]) for x in looks}) == 4
    assert len({x["color"] for x in looks}) == 4
    assert len({x["fillcolor"] for x in looks}) == 4
    root = each.nodes[each.named("o")]
    assert root["peripheries"] == "2"
    assert root["color"] not in [x["color"] for x in looks]
    (named,) = read(draw(o, {"weight": parameters[0]}))
    assert named.cells(named.boxes("parameter")[0])[0] == "w1"  # its own label comes first


def contrast(a: str, b: str) -> float:
    """The contrast of two colours by WCAG 2."""

    def light(colour: str) -> float:
        parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05

    return max(light(a), light(b)) / min(light(a), light(b))


def test_colours_are_legible_on_white_and_on_black() -> None:
    dot = import_module("autograd.drawing.dot")
    for _, outline, fill, _ in dot._LOOKS.values():
        assert contrast(dot.INK, fill) > 7
        assert contrast(dot.QUIET, fill) > 4.5
        assert contrast(outline, "#ffffff") > 3
    assert contrast(dot.INK, dot.HEAT[1]) > 5
    assert contrast(dot.INK, dot.ALARM) > 5
    for page in ("#ffffff", "#0d1117"):
        assert contrast(dot.LINE, page) > 3
        assert contrast(dot.ROOT, page) > 3


def test_a_leaf_alone() -> None:
    (each,) = read(draw(Value(3.0, "x")))
    assert (list(each.nodes), each.edges) == (["v0"], [])
    assert each.cells("v0") == ["x", "data 3", "grad 0"]
    (bare,) = read(draw(Value(3.0)))
    assert bare.cells("v0") == ["data 3", "grad 0"]


def test_direction() -> None:
    o, _ = neuron()
    for direction, axis, sign in (("LR", "x", 1), ("TB", "y", 1)):
        svg = draw(o, direction=direction, format=".3f").svg()  # type: ignore[arg-type]
        where = {
            text.text: float(text.get(axis) or 0) * sign for text in ElementTree.fromstring(svg).iter(f"{SVG}text")
        }
        assert where["x1"] < where["b"] < where["tanh"] < where["o"]


def test_operands_that_may_not_change_places_stand_in_order() -> None:
    a, b, c = Value(1.0, "a"), Value(2.0, "b"), Value(3.0, "c")
    for root, names in (
        (a - b, ["a", "b"]),
        (b / a, ["b", "a"]),
        (a**b, ["a", "b"]),
        (ag.atan2(b, a), ["b", "a"]),
        ((a - b) * (c - b), ["a", "c", "b"]),  # without crossings it would be a, b, c
    ):
        svg = ElementTree.fromstring(draw(root).svg())
        where = [(float(x.get("y") or 0), x.text) for x in svg.iter(f"{SVG}text")]
        assert [text for _, text in sorted(where) if text in ("a", "b", "c")] == names


def test_the_pointer_says_which_operand_is_which() -> None:
    a, b = Value(1.0, "a"), Value(2.0)
    for root, call in ((a - b, "sub(a, 2.0)"), (3 / a, "div(3.0, a)"), (a + b, "add"), (ag.exp(a), "exp")):
        (each,) = read(draw(root))
        assert [node["tooltip"] for node in each.nodes.values() if node["class"] == "operation"] == [call]


def test_number_format_and_gradients_left_out() -> None:
    x = Value(1 / 3, "x")
    y = x * 2
    y.backward()
    (each,) = read(draw(y, format="+.2f"))
    assert each.cells(each.named("x")) == ["x", "data +0.33", "grad +2.00"]
    (each,) = read(draw(y, gradients=False))
    assert each.cells(each.named("x")) == ["x", "data 0.3333"]
    assert f"data {1 / 3!r}, grad 2.0" in each.nodes[each.named("x")]["tooltip"]


def test_numbers_that_are_not_finite_stand_out() -> None:
    x = Value(0.0, "x")
    y = ag.log(x) * 1.0
    y.backward()
    picture = draw(y)
    (each,) = read(picture)
    assert each.cells(each.named("x")) == ["x", "data 0", "grad inf"]
    alarmed = [name for name in each.boxes("leaf", "value") if each.nodes[name]["fillcolor"] == "#ffc9c4"]
    assert len(alarmed) == 3
    assert "<B>inf</B>" in picture.source
    for gradients, shade, fill in ((False, False, "#e3f2ff"), (False, True, "#ffc9c4")):
        (each,) = read(draw(y, gradients=gradients, shade=shade))
        assert each.nodes[each.named("x")]["fillcolor"] == fill


def test_shading_darkens_with_the_gradient() -> None:
    xs = [Value(1.0, f"x{k}") for k in range(5)]
    y = ag.dot(xs, [0.0, 1e-4, 0.1, -1.0, 10.0])
    y.backward()
    (each,) = read(draw(y, shade=True))
    fills = [each.nodes[each.named(x.label)]["fillcolor"] for x in xs]
    light = [contrast(fill, "#000000") for fill in fills]
    assert light == sorted(light, reverse=True)
    assert fills[0] == fills[1] == "#ffffff"
    assert len(set(fills)) == 4
    draw(Value(1.0), shade=True).svg()


# dot and sum, whole and expanded


def evaluate(each: Picture, name: str) -> float:
    """The number of an expanded box, worked out from what the picture says."""
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
    assert (whole.symbol(whole.named("y")), len(whole.boxes("term"))) == ("·", 0)
    assert expanded.symbol(expanded.named("y")) == ("×" if terms == 1 else "+")
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
    assert picture.note == each.caption == "… stands for what is more than 2 operations back"
    (all_of_it,) = read(draw(y, depth=100))
    assert (all_of_it.boxes("hidden"), all_of_it.caption) == ([], "")
    # What is near by one path is drawn, however far it is by another.
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


# Modules


class Scaled(nn.Module):
    """A module with steps between its parameters, and one inside another."""

    def __init__(self) -> None:
        self.slope, self.offset = Value(2.0), Value(1.0)
        self.inner = {"first": nn.Neuron(1, "gelu", seed=0)}

    def __call__(self, x: Any) -> Any:
        return ag.cos(self.offset * ag.exp(ag.tanh(self.slope * x)) * self.inner["first"]([x]))

    def extra_repr(self) -> str:
        return "a < b"


def test_modules_are_boxes_around_their_nodes() -> None:
    model = nn.MLP(2, [2, 1], "tanh", seed=0)
    x = [Value(0.5, "x0"), Value(-1.0, "x1")]
    out = model(x)
    out.label = "out"
    loss = (out - 1) ** 2 + ag.dot(model.parameters(), model.parameters())
    loss.label = "loss"
    (each,) = read(draw(loss, model))
    titles = ["MLP(2 → 2 → 1)", "layers.0: Layer(2 → 2, tanh)", "neurons.1: Neuron(2 → 1, tanh)"]
    hidden = [name for name in each.boxes("parameter", "value") if each.clusters[name] == titles]
    assert len(hidden) == 5  # two weights, a bias, the sum, its tanh
    assert sorted(each.cells(name)[0] for name in hidden if name in each.boxes("parameter")) == ["b", "w.0", "w.1"]
    assert each.clusters[each.named("out")][-1] == "neurons.0: Neuron(2 → 1, linear)"
    for outside in ("x0", "x1", "loss"):
        assert each.clusters[each.named(outside)] == []
    penalty = next(name for name in each.boxes("value") if each.clusters[name] == [] and each.symbol(name) == "·")
    assert len(each.inputs(penalty)) == 18
    assert len(each.boxes("parameter")) == len(model.parameters())


@pytest.mark.parametrize("activation", [*nn.ACTIVATIONS, lambda v: ag.sin(v) * v + 1])
@pytest.mark.parametrize("x", [-1.5, 0.75])
def test_a_neurons_activation_is_in_its_box_and_the_loss_is_not(activation: Any, x: float) -> None:
    model = nn.Neuron(1, activation, init="ones", seed=0)
    y = model([x])
    y.label = "y"
    loss = ag.tanh(y) + 1.0 * model.b
    loss.label = "loss"
    (each,) = read(draw(loss, model))
    inside = [name for name in each.boxes("value") if each.clusters[name]]
    assert len(inside) == len([v for v in ancestors(y) if v.op is not None]) + 1  # and 1.0 * b
    assert each.clusters[each.named("y")] != []
    assert each.clusters[each.named("loss")] == []


def test_what_lies_between_nodes_of_a_module_is_in_its_box() -> None:
    model = Scaled()
    y = model(Value(0.3, "x"))
    (each,) = read(draw(y, model))
    where = {each.symbol(name): each.clusters[name] for name in each.boxes("value")}
    assert (where["tanh"], where["exp"], where["cos"]) == (["Scaled(a < b)"],) * 2 + ([],)
    assert next(c for c in each.clusters.values() if len(c) == 2)[1] == "inner.first: Neuron(1 → 1, gelu)"


def test_inputs_that_are_plain_numbers_are_drawn_once_for_all_neurons() -> None:
    model = nn.Layer(2, 5, seed=0)
    (each,) = read(draw(model([0.5, 2.0]), model))
    assert sorted(each.cells(name)[0] for name in each.boxes("constant")) == ["0.5", "2"]
    assert all(len(each.inputs(name)) == 5 for name in each.boxes("value") if each.symbol(name) == "·")


@pytest.mark.parametrize(("collapse", "modules", "rest"), [(0, 0, 26), (1, 4, 6), (2, 2, 4), (3, 1, 4), (9, 1, 4)])
def test_collapse(collapse: int, modules: int, rest: int) -> None:
    model = nn.MLP(2, [3, 1], "tanh", seed=0)
    out = model([0.5, -1.0])
    loss = (out - 1.0) ** 2
    loss.backward()
    (each,) = read(draw(loss, model, collapse=collapse, format=""))
    boxes = each.boxes("module")
    assert len(boxes) == modules
    assert len([name for name in each.nodes if name[0] == "v"]) == modules + rest
    if modules:
        last = next(name for name in boxes if f"data {out.data!r}" in each.cells(name))
        assert f"grad {out.grad!r}" in each.cells(last)
        assert Counter(each.edges).most_common(1)[0][1] == 1
    assert each.caption == ""
    draw(loss, model, collapse=collapse).svg()


def test_a_drawing_too_big_to_read_shows_neurons_then_layers_as_boxes_and_says_so() -> None:
    model = nn.MLP(2, [16, 16, 1], seed=0)
    one = draw(model([1.0, 2.0]), model)
    (each,) = read(one)
    assert len(each.boxes("module")) == 33
    assert one.note == each.caption == "each Neuron is drawn as one box, for the graph has 402 nodes"
    many = draw(nn.hinge([model([k, 2.0]) for k in range(40)], [1] * 40), model)
    (each,) = read(many)
    assert [each.cells(name)[0] for name in each.boxes("module")] == [
        f"layers.{k}: Layer({size})" for k, size in enumerate(["2 → 16, relu", "16 → 16, relu", "16 → 1, linear"])
    ]
    assert "each Neuron and each Layer is drawn as one box" in each.caption
    assert many.note in repr(many)
    (small,) = read(draw(nn.MLP(2, [4, 1], seed=0)([1.0, 2.0]), model))
    assert small.caption == ""


# Text


HOSTILE = [
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    "a \"quoted\" 'label'",
    "{x|y} | {z}",
    "<b>bold</b> <TABLE>",
    "back\\slash \\N \\G \\L \\n \\\\ end\\",
    "two\nlines\r\nand three",
    "😀 emoji 👩‍👩‍👧",
    "שלום עולם",
    "مرحبا بالعالم",
    "你好，世界",
    "&amp; &lt; &#65; &nbsp;",
    '">]; evil [label="x',
    "-->]]><!--",
    "%s {0} $x",
    "</TD></TR></TABLE>>]",
    "v0 -> v1; }",
    "  spaces   inside  ",
    "tab\tand\x00nul\x1b\x7f",
    "\ud800 \ufffe",
    "javascript:alert(1)",
]
ELEMENTS = {"svg", "g", "a", "path", "polygon", "polyline", "ellipse", "text"}
ATTRIBUTES = (
    {"role", "width", "height", "viewBox", "id", "class", "transform", "title", "fill", "stroke", "points", "d"}
    | {"x", "y", "cx", "cy", "rx", "ry", "text-anchor", "font-family", "font-weight", "font-size", "space"}
    | {"stroke-dasharray", "stroke-width", "stroke-opacity", "fill-opacity"}
)


def check_harmless(svg: str) -> None:
    """Nothing is in it but shapes and text."""
    for element in ElementTree.fromstring(svg).iter():
        assert element.tag.split("}")[1] in ELEMENTS
        assert {name.split("}")[-1] for name in element.attrib} <= ATTRIBUTES
    assert not re.search(r"<!|<\?|href|url\(", re.sub(r">[^<]*<", "><", svg).replace("&lt;!", ""))


def as_shown(label: str) -> list[str]:
    lines = re.split(r"\r\n|[\n\r\v\f\x85\u2028\u2029]", label)
    return [picture_of(line) for line in lines]


def picture_of(line: str) -> str:
    line = line.replace("\t", "    ").replace("\x00", "␀").replace("\x1b", "␛").replace("\x7f", "␡")
    return re.sub("[\ud800-\udfff\ufffe\uffff]", "\ufffd", line)


@pytest.mark.parametrize("label", HOSTILE)
def test_hostile_labels_come_out_as_written_and_inject_nothing(label: str) -> None:
    rude = ag.primitive(lambda out, x: x, symbol=label)(lambda x: x)  # type: ignore[misc]
    root = rude(Value(1.0, label))
    for each in (draw(root), draw(root, {label: root.parents[0]}, direction="TB")):
        svg = each.svg()
        check_harmless(svg)
        found = [text.strip() for text in texts(svg)]
        for line in as_shown(label):
            assert found.count(line.strip()) == 2, found  # the label and the symbol
        assert len(read(each)[0].nodes) == 3
        links = ElementTree.fromstring(svg).iter(f"{SVG}a")
        titles = [x.get("{http://www.w3.org/1999/xlink}title", "").replace("\xa0", " ") for x in links]
        assert "\n".join(as_shown(label)) + ": data 1.0, grad 0.0" in titles
        assert each.png().startswith(b"\x89PNG")


@given(st.text(max_size=30))
@settings(max_examples=60, deadline=None)
def test_any_label_comes_out_as_written(label: str) -> None:
    svg = draw(Value(1.0, label)).svg()
    check_harmless(svg)
    shown = [re.sub("[\x01-\x08\x0e-\x1f]", lambda c: chr(0x2400 + ord(c[0])), line) for line in as_shown(label)]
    shown = [re.sub("[\x80-\x9f]", "\ufffd", line) for line in shown]
    assert "".join("".join(texts(svg)).split()) == "".join(("".join(shown) + "data 1grad 0").split())


def test_hostile_names_of_modules_and_formats() -> None:
    class Rude(nn.Module):
        def __init__(self) -> None:
            self.parts = {HOSTILE[4]: nn.Neuron(1, seed=0), HOSTILE[12]: Value(1.0)}

        def __call__(self, x: Any) -> Any:
            return self.parts[HOSTILE[4]](x) * self.parts[HOSTILE[12]]  # type: ignore[operator]

        def extra_repr(self) -> str:
            return HOSTILE[5]

    model = Rude()
    for collapse in (0, 1, 2):
        picture = draw(model([1.0]), model, collapse=collapse, format="<<12")
        check_harmless(picture.svg())
    assert f"Rude({HOSTILE[5]})" in texts(draw(model([1.0]), model).svg())


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


# The Drawing


def test_a_drawing_keeps_the_numbers_it_was_made_of() -> None:
    x = Value(2.0, "x")
    each = draw(x)
    x.data = 7.0
    assert "data" in texts(each.svg())[1]
    assert "2" in texts(each.svg())
    assert each._repr_svg_() == each.svg()


def test_png_has_the_size_of_the_svg_times_the_scale() -> None:
    each = draw(Value(2.0, "x"))
    width, height = (float(found) * 4 / 3 for found in re.findall(r'="([\d.]+)pt"', each.svg())[:2])
    for scale in (1.0, 3.0):
        size = struct.unpack(">II", each.png(scale)[16:24])
        assert size == pytest.approx((width * scale, height * scale), abs=scale + 1)
    for wrong in (0, -1, math.nan):
        with pytest.raises(ValueError, match="positive"):
            each.png(wrong)


def test_save_by_extension(tmp_path: Path) -> None:
    each = draw(Value(2.0, "x"))
    for name in ("graph.svg", "graph.SVG", "graph.png", "graph.dot", "graph.gv"):
        each.save(tmp_path / name)
        each.save(str(tmp_path / name))  # over the one that is there
    assert sorted(os.listdir(tmp_path)) == ["graph.SVG", "graph.dot", "graph.gv", "graph.png", "graph.svg"]
    assert (tmp_path / "graph.svg").read_text("utf-8") == each.svg()
    assert (tmp_path / "graph.gv").read_text("utf-8") == each.source
    assert (tmp_path / "graph.png").read_bytes().startswith(b"\x89PNG")


def test_save_refuses_and_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    each = draw(Value(2.0, "x"))
    for name in ("graph.jpg", "graph", "graph.svg.exe"):
        with pytest.raises(ValueError, match=r"\.svg, \.png, .*got"):
            each.save(tmp_path / name)
    with pytest.raises(ValueError, match=r"no PDF.*engine='system'"):
        each.save(tmp_path / "graph.pdf")
    with pytest.raises(TypeError, match="takes the path of a file"):
        each.save(3)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        each.save(tmp_path / "nowhere" / "graph.svg")
    (tmp_path / "folder.svg").mkdir()
    with pytest.raises(OSError, match=r"cannot save the picture.*folder\.svg"):
        each.save(tmp_path / "folder.svg")
    with pytest.raises(OSError, match=r"cannot save the picture.*/proc/graph\.svg"):
        each.save("/proc/graph.svg")
    (tmp_path / "old.svg").write_text("as it was")

    def full(*paths: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match=r"No space left.*old\.svg"):
        each.save(tmp_path / "old.svg")
    assert (tmp_path / "old.svg").read_text() == "as it was"
    assert sorted(os.listdir(tmp_path)) == ["folder.svg", "old.svg"]


@NEEDS_DOT
def test_a_system_dot_on_request(tmp_path: Path) -> None:
    each = draw(neuron()[0], engine="system")
    ElementTree.fromstring(each.svg())
    each.save(tmp_path / "graph.pdf")
    assert (tmp_path / "graph.pdf").read_bytes().startswith(b"%PDF")
    assert Counter(texts(each.svg()))["tanh"] == 1


def test_a_missing_engine_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(FileNotFoundError, match=r"'dot' of Graphviz.*none on PATH.*engine='pure'"):
        draw(Value(1.0), engine="system")
    draw(Value(1.0)).svg()  # needs no PATH

    def missing(name: str) -> Any:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "files", missing)
    with pytest.raises(FileNotFoundError, match="pip install graphviz-pure"):
        draw(Value(1.0))


def test_a_renderer_that_fails_says_why() -> None:
    with pytest.raises(RuntimeError, match="syntax error"):
        Drawing("digraph {").svg()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: draw(3), TypeError, "draw.. takes a Value, or a list of Values, got int 3"),  # type: ignore[arg-type]
        (lambda: draw(None), TypeError, "got None"),  # type: ignore[arg-type]
        (lambda: draw("x"), TypeError, "got str 'x'"),  # type: ignore[arg-type]
        (lambda: draw([Value(1.0), 2.0]), TypeError, "in it is float 2.0"),  # type: ignore[list-item]
        (lambda: draw([]), ValueError, "no Value to draw"),
        (lambda: draw({}), ValueError, "no Value to draw"),
        (lambda: draw(Value(1.0), 3), TypeError, "model is a module"),
        (lambda: draw(Value(1.0), [3]), TypeError, "in it is int 3"),
        (lambda: draw(Value(1.0), nn.MLP), TypeError, "model is a module"),
        (lambda: draw(Value(1.0), direction="RL"), ValueError, "'LR' .left to right. or 'TB'"),  # type: ignore[arg-type]
        (lambda: draw(Value(1.0), format=".4q"), ValueError, "format is that of a float"),
        (lambda: draw(Value(1.0), format=4), ValueError, "format is that of a float"),  # type: ignore[arg-type]
        (lambda: draw(Value(1.0), depth=0), ValueError, "depth is None or a whole number of 1 or more, got 0"),
        (lambda: draw(Value(1.0), depth=1.5), ValueError, "depth is"),  # type: ignore[arg-type]
        (lambda: draw(Value(1.0), collapse=-1), ValueError, "collapse is None or a whole number of 0 or more"),
        (lambda: draw(Value(1.0), engine="neato"), ValueError, "'pure' or 'system', got 'neato'"),  # type: ignore[arg-type]
    ],
)
def test_wrong_arguments(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
