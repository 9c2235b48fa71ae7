"""ag.draw with modules: boxes of neurons and layers around their nodes."""

from collections import Counter
from typing import Any

import pytest
from drawings import ancestors, read

import autograd as ag
import nn
from autograd import Value
from autograd.drawing.draw import draw


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
    assert each.clusters[each.find_box("out")][-1] == "neurons.0: Neuron(2 → 1, linear)"
    for outside in ("x0", "x1", "loss"):
        assert each.clusters[each.find_box(outside)] == []
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
    assert each.clusters[each.find_box("y")] != []
    assert each.clusters[each.find_box("loss")] == []


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
    assert one.note == each.caption == "each Neuron is drawn as one box, because the graph has 402 nodes"
    many = draw(nn.hinge([model([k, 2.0]) for k in range(40)], [1] * 40), model)
    (each,) = read(many)
    assert [each.cells(name)[0] for name in each.boxes("module")] == [
        f"layers.{k}: Layer({size})" for k, size in enumerate(["2 → 16, relu", "16 → 16, relu", "16 → 1, linear"])
    ]
    assert "each Neuron and each Layer is drawn as one box" in each.caption
    assert many.note in repr(many)
    (small,) = read(draw(nn.MLP(2, [4, 1], seed=0)([1.0, 2.0]), model))
    assert small.caption == ""
