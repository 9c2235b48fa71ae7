"""nn.draw: the network's neurons, weights, activations and gradients, read back from the picture."""

import json
import math
import re
import subprocess
from importlib import import_module
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import autograd as ag
import nn
from autograd import Value
from autograd.drawing import picture
from autograd.drawing.picture import Drawing
from nn.inspect.draw import draw

network = import_module("nn.inspect.draw")
BLUE, ORANGE = "#2f81f7", "#e8730c"


def read(drawing: Drawing) -> tuple[dict[str, dict[str, Any]], dict[tuple[str, str], dict[str, Any]]]:
    """The nodes and edges of a drawing, as Graphviz parses them."""
    command = [picture._pure_command(), "-Kneato", "-Tdot_json"]
    run = subprocess.run(command, input=drawing.source.encode(), capture_output=True, check=True)
    parsed = json.loads(run.stdout)
    names = [node["name"] for node in parsed["objects"]]
    edges = {(names[edge["tail"]], names[edge["head"]]): edge for edge in parsed.get("edges", [])}
    assert len(edges) == len(parsed.get("edges", []))
    return {node["name"]: node for node in parsed["objects"]}, edges


def width(edge: dict[str, Any]) -> float:
    return float(edge["penwidth"])


def model() -> nn.MLP:
    return nn.MLP(3, [4, 2], "tanh", output="sigmoid", seed=0)


def test_columns_of_neurons_and_an_edge_for_each_weight_by_sign_and_size() -> None:
    net = model()
    nodes, edges = read(draw(net))
    neurons = {name for name in nodes if name[0] == "n"}
    assert neurons == {f"n{k}_{i}" for k, size in enumerate([3, 4, 2]) for i in range(size)}
    weights = {
        (f"n{k}_{i}", f"n{k + 1}_{j}"): w.data
        for k, layer in enumerate(net.layers)
        for j, neuron in enumerate(layer.neurons)
        for i, w in enumerate(neuron.w)
    }
    assert edges.keys() == weights.keys()
    for key, w in weights.items():
        assert edges[key]["color"].startswith(BLUE if w >= 0 else ORANGE)
        assert edges[key]["style"] == ("solid" if w >= 0 else "dashed")
        assert repr(w) in edges[key]["tooltip"]
    ordered = sorted(weights, key=lambda key: abs(weights[key]))
    assert [width(edges[key]) for key in ordered] == sorted(width(edge) for edge in edges.values())
    assert width(edges[ordered[-1]]) == 3.0
    written = re.findall(r"^\s(n\w+) -- (n\w+)", draw(net).source, re.MULTILINE)
    assert written == ordered  # the strongest last, and so uppermost
    columns = {k: {float(nodes[n]["pos"].split(",")[0]) for n in neurons if n[1] == str(k)} for k in range(3)}
    assert [len(xs) for xs in columns.values()] == [1, 1, 1]
    assert max(columns[0]) < max(columns[1]) < max(columns[2])
    heights = [float(nodes[f"n1_{i}"]["pos"].strip("!").split(",")[1]) for i in range(4)]
    assert heights == sorted(heights, reverse=True)
    assert [nodes[f"c{k}"]["label"] for k in range(3)] == [
        "<B>inputs</B><BR/>3",
        "<B>layers.0</B><BR/>4 tanh",
        "<B>layers.1</B><BR/>2 sigmoid",
    ]
    assert all(nodes[name].get("label", "") == "" for name in neurons)


def test_activations_of_an_input() -> None:
    net, x = model(), [1.0, -0.5, 2.0]
    nodes, _ = read(draw(net, x, format=""))
    hidden = net.layers[0](x)
    outputs = net(x)
    expected = [x, [v.data for v in hidden], [v.data for v in outputs]]
    for k, column in enumerate(expected):
        for i, number in enumerate(column):
            node = nodes[f"n{k}_{i}"]
            assert node["label"] == repr(float(number))
            red, blue = int(node["fillcolor"][1:3], 16), int(node["fillcolor"][5:7], 16)
            assert (blue > red) == (number > 0)
    assert "the output of the neuron" in draw(net, x).source
    assert "∂" not in draw(net, x).source


def test_gradients_after_backward() -> None:
    net, x = model(), [1.0, -0.5, 2.0]
    first, second = net(x)
    (first * second).backward()
    before = [(p.data, p.grad, p.label) for p in net.parameters()]
    nodes, edges = read(draw(net, x, format="", edges="gradients"))
    assert nodes["n1_2"]["label"] == f"{net.layers[0](x)[2].data!r}\\n∂ {net.layers[0].neurons[2].b.grad!r}"
    strongest = max(edges, key=lambda key: width(edges[key]))
    assert max(abs(w.grad) for n in net.layers[1].neurons + net.layers[0].neurons for w in n.w) == abs(
        net.layers[int(strongest[1][1]) - 1].neurons[int(strongest[1][3])].w[int(strongest[0][3])].grad
    )
    (plain, _), (alone, _) = read(draw(net, gradients=False)), read(draw(net, format=".1f"))
    assert plain["n1_2"].get("label", "") == ""
    assert re.fullmatch(r"∂ -?0\.\d", alone["n2_0"]["label"])
    assert [(p.data, p.grad, p.label) for p in net.parameters()] == before


def test_wide_layers_are_elided_in_the_middle_with_a_count() -> None:
    net = nn.MLP(64, [16, 17, 1], seed=0)
    drawing = draw(net)
    nodes, edges = read(drawing)
    shown = [[int(n.split("_")[1]) for n in nodes if n.startswith(f"n{k}_")] for k in range(4)]
    assert shown == [[*range(8), *range(57, 64)], [*range(16)], [*range(8), *range(10, 17)], [0]]
    assert (nodes["gap0"]["label"], nodes["gap2"]["label"]) == ("⋮\\n49 more", "⋮\\n2 more")
    assert "gap1" not in nodes
    assert len(edges) == 15 * 16 + 16 * 15 + 15
    assert drawing.note == "49 of the 64 inputs are left out; 2 of the 17 neurons of layers.1 are left out"
    middle = [float(nodes[n]["pos"].strip("!").split(",")[1]) for n in ("n0_7", "gap0", "n0_57")]
    assert middle == sorted(middle, reverse=True)
    nodes, _ = read(draw(net, max_neurons=5))
    assert len([n for n in nodes if n[0] == "n"]) == 4 * 3 + 1


def test_a_neuron_a_layer_and_modules_of_layers() -> None:
    class Residual(nn.Module):
        def __init__(self) -> None:
            self.blocks = {"a": nn.Layer(2, 2, seed=0), "b": [nn.Layer(2, 2, bias=False, seed=1)]}

        def __call__(self, x: Any) -> Any:
            h = [a + b for a, b in zip(x, self.blocks["a"](x))]  # type: ignore[operator]
            return [v * 2 for v in self.blocks["b"][0](h)]  # type: ignore[index]

    net, x = Residual(), [1.0, 2.0]
    nodes, _ = read(draw(net, x, format=""))
    h = [a + b for a, b in zip(x, net.blocks["a"](x))]  # type: ignore[operator]
    assert nodes["n2_1"]["label"] == repr(net.blocks["b"][0](h)[1].data)  # type: ignore[index]
    assert "no bias" in nodes["n2_1"]["tooltip"]
    assert "blocks.b.0" in nodes["c2"]["label"]
    for single, size in ((nn.Neuron(2, seed=0), 3), (nn.Layer(2, 3, seed=0), 5)):
        nodes, _ = read(draw(single, x))
        assert len([n for n in nodes if n[0] == "n"]) == size
    nodes, _ = read(draw(nn.Neuron(1, seed=0), 3.0))
    assert nodes["n0_0"]["label"] == "3"


def test_numbers_that_are_not_finite() -> None:
    net = nn.Neuron(2, "linear", seed=0)
    net.w[0].data = math.inf
    nodes, edges = read(draw(net, [math.nan, 1.0]))
    assert nodes["n0_0"]["label"] == nodes["n1_0"]["label"] == "nan"
    assert nodes["n0_0"]["fillcolor"] == nodes["n1_0"]["fillcolor"]
    assert edges["n0_0", "n1_0"]["color"] == "#cf222eff"
    for w in net.w:
        w.data = 0.0
    draw(net).svg()


def test_it_renders_and_saves_as_any_drawing(tmp_path: Path) -> None:
    drawing = draw(model(), [1.0, -0.5, 2.0])
    svg = ElementTree.fromstring(drawing.svg())
    assert len([x for x in svg.iter() if x.get("class") == "edge"]) == 3 * 4 + 4 * 2
    assert drawing.png().startswith(b"\x89PNG")
    drawing.save(tmp_path / "network.svg")
    assert (tmp_path / "network.svg").read_text("utf-8") == drawing._repr_svg_()


def test_names_inject_nothing() -> None:
    class Rude(nn.Module):
        def __init__(self) -> None:
            self.parts = {'<b>"x"</b>\\N{}|&amp;': nn.Layer(1, 2, lambda v: v, seed=0)}

    drawing = draw(Rude())
    text = ["".join(x.itertext()) for x in ElementTree.fromstring(drawing.svg()).iter() if x.tag.endswith("text")]
    assert 'parts.<b>"x"</b>\\N{}|&amp;' in text
    assert "2 <lambda>" in text


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: draw(3), TypeError, "draw: model must be a Module, got int 3"),  # type: ignore[arg-type]
        (lambda: draw(Value(1.0)), TypeError, "ag.draw"),  # type: ignore[arg-type]
        (
            lambda: draw(nn.Module()),
            ValueError,
            "model must be a network of neurons, but Module has no nn.Layer or nn.Neuron",
        ),
        (lambda: draw(model(), edges="both"), ValueError, "'weights' or 'gradients'"),  # type: ignore[arg-type]
        (lambda: draw(model(), max_neurons=2), ValueError, "3 or more, got 2"),
        (lambda: draw(model(), format="q"), ValueError, "format must be a format for floats"),
        (lambda: draw(model(), [1.0]), ValueError, "the input must have 3 numbers, got 1"),
        (lambda: draw(model(), engine="x"), ValueError, "'pure' or 'system'"),  # type: ignore[arg-type]
        (lambda: draw(nn.MLP(100, [100, 100], seed=0), max_neurons=100), ValueError, "20,000 edges.*max_neurons=50"),
    ],
)
def test_wrong_arguments(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_layers_that_do_not_follow_one_another_are_refused() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            self.left, self.right = nn.Layer(2, 3, seed=0), nn.Layer(2, 3, seed=0)

        def __call__(self, x: Any) -> Any:
            return ag.dot(self.left(x), self.right(x))

    with pytest.raises(ValueError, match=r"left has 3 neurons and right, the next, takes 2 inputs"):
        draw(Two())
