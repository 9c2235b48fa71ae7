"""What gradient_flow sees of a model: its layers and blocks, in users' Modules too, each example once."""

import copy
from typing import Any

import numpy as np
import pytest

import autograd as ag
import nn
from nn.inspect.blocks import watch

X = np.random.default_rng(7).normal(size=(12, 2))
Y = np.sign(X[:, 0] * X[:, 1])


def mlp(hidden: int, **options: Any) -> nn.MLP:
    return nn.MLP(2, [12] * hidden + [1], **options)


def flow_of(model: nn.Module) -> nn.GradientFlow:
    return nn.gradient_flow(model, X, Y, nn.mse)


def test_the_names_are_the_paths_of_layers_and_blocks() -> None:
    paths = [row.layer for row in flow_of(mlp(2, norm="batch", residual=True, dropout=0.1, seed=0)).layers]
    assert paths == ["layers.0", "layers.1", "layers.2"]
    flat = nn.Sequential(nn.Layer(2, 3, "linear"), nn.LayerNorm(3), nn.Activation("relu"), nn.Layer(3, 1, "linear"))
    assert [row.layer for row in flow_of(flat).layers] == ["layers.0", "layers.3"]
    assert flow_of(flat).layers[0].activation == "relu"
    assert [row.layer for row in flow_of(nn.MLP(2, [1])).layers] == ["MLP"]


def test_a_residual_block_is_one_row_and_gives_the_sum() -> None:
    inner = nn.Sequential(nn.Layer(2, 4, "tanh", seed=0), nn.Layer(4, 2, "linear", init="zeros"))
    flow = flow_of(nn.Sequential(nn.Residual(inner), nn.Layer(2, 1, "linear", seed=0)))
    assert [row.layer for row in flow.layers] == ["layers.0", "layers.1"]
    assert flow.layers[0].activation_mean == pytest.approx(X.mean(), rel=1e-12)


@pytest.mark.parametrize("norm", [None, "batch"])
def test_each_example_is_watched_once(norm: Any) -> None:
    model = mlp(2, norm=norm, seed=0)
    outputs, blocks = watch(copy.deepcopy(model), list(X))
    assert [len(block.outputs) for block in blocks] == [len(X)] * 3
    assert [float(x) for (x,) in blocks[-1].outputs] == [float(x) for x in outputs]
    assert [float(x) for x in outputs] == [float(x) for x in model.batch(list(X))]


class Own(nn.Module):
    """A network as users write them: neurons of its own, a function between, layers in a dict."""

    def __init__(self, bias: float = 0.0) -> None:
        rng = np.random.default_rng(5)
        self.first = OwnLayer(2, 6, rng, bias)
        self.rest = {"middle": nn.Layer(6, 6, "tanh", seed=rng), "last": nn.Layer(6, 1, "linear", seed=rng)}

    def __call__(self, x: Any) -> Any:
        hidden = [ag.relu(h) for h in self.first(x)]
        return self.rest["last"](self.rest["middle"](hidden))


class OwnNeuron(nn.Module):
    def __init__(self, n: int, rng: np.random.Generator, bias: float) -> None:
        self.w = [ag.Value(w) for w in rng.normal(size=n)]
        self.b = ag.Value(bias)

    def __call__(self, x: Any) -> Any:
        return sum((w * v for w, v in zip(self.w, x)), self.b)


class OwnLayer(nn.Module):
    def __init__(self, n: int, m: int, rng: np.random.Generator, bias: float) -> None:
        self.neurons = [OwnNeuron(n, rng, bias) for _ in range(m)]

    def __call__(self, x: Any) -> Any:
        return [neuron(x) for neuron in self.neurons]


def test_a_users_modules() -> None:
    flow = flow_of(Own())
    assert [row.layer for row in flow.layers] == ["first", "rest.middle", "rest.last"]
    assert [row.activation for row in flow.layers] == ["relu", "tanh", ""]
    assert flow.verdict == "healthy"
    dead = flow_of(Own(bias=-100.0))
    assert dead.verdict == "dead ReLUs"
    assert "first" in dead.explanation
