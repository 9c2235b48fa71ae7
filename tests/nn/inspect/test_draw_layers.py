"""Drawings of networks with norms, dropout and residual connections: what stands in them, and what is refused."""

import math
import re
from typing import Any

import numpy as np
import pytest

import autograd as ag
import nn
from autograd import Value


def test_a_heading_names_what_follows_the_neurons() -> None:
    model = nn.MLP(2, [3, 3, 1], "tanh", norm="layer", residual=True, dropout=0.2, seed=0)
    text = re.sub(r"<[^>]*>", "\n", nn.draw(model).svg())
    words = [line.strip() for line in text.splitlines() if line.strip()]
    headings = [words[k : k + 5] for k, word in enumerate(words) if word.endswith("layers.0")]
    assert headings == [
        ["layers.0.layers.0", "3 linear", "LayerNorm", "tanh", "Dropout"],
        ["layers.1.layer.layers.0", "3 linear", "LayerNorm", "tanh", "Dropout"],
    ]


@pytest.mark.parametrize("norm", ["layer", "batch"])
def test_neurons_show_their_weighted_sums(norm: str) -> None:
    model = nn.MLP(2, [3, 1], norm=norm, seed=0).eval()  # type: ignore[arg-type]
    source = nn.draw(model, [1.0, -2.0], format=".6f").source
    weights = np.array([[w.data for w in neuron.w] for neuron in model[0][0].neurons])
    for number in weights @ [1.0, -2.0]:
        assert f"{number:.6f}" in source
    assert f"{model([1.0, -2.0]).data:.6f}" in source


def test_a_batch_norm_in_training_draws_without_an_example() -> None:
    model = nn.MLP(2, [3, 1], norm="batch", seed=0)
    assert "BatchNorm" in nn.draw(model).source
    with pytest.raises(RuntimeError, match=r"needs the whole batch.*model\.eval\(\)"):
        nn.draw(model, [1.0, -2.0])


def test_the_graph_of_a_batch_has_a_box_for_each_layer() -> None:
    model = nn.MLP(2, [2, 2, 1], norm="batch", residual=True, dropout=0.5, seed=0)
    loss = nn.mse(model.batch([[1.0, 2.0], [2.0, 0.0], [0.0, 1.0]]), [1.0, 0.0, 1.0])
    source = ag.draw(loss, model).source
    for box in ("layers.0: Residual", "layer: Sequential", "layers.1: BatchNorm(2)", "layers.2: Layer(2 → 1, linear)"):
        assert box in source
    in_use = ag.draw(model.eval()([1.0, 2.0]), model).source
    assert "running_mean.1" in in_use
    assert "running_var.0" in in_use


class Cosine(nn.Module):
    """A neuron of a user's: it is not an nn.Neuron, but declares `is_neuron`."""

    is_neuron = True

    def __init__(self, nin: int) -> None:
        self.nin, self.activation, self.activation_name = nin, ag.cos, "cosine"
        self.w, self.b = [Value(0.5 + k) for k in range(nin)], Value(0.25)

    def __call__(self, x: Any) -> Any:
        return self.activation(ag.dot(self.w, x, self.b))


def test_neurons_of_a_user_are_drawn() -> None:
    class Cosines(nn.Module):
        def __init__(self) -> None:
            self.neurons = [Cosine(2), Cosine(2), Cosine(2)]

        def __call__(self, x: Any) -> Any:
            return [neuron(x) for neuron in self.neurons]

    model = nn.Sequential(Cosines(), Cosine(3))
    source = nn.draw(model, [1.0, 2.0], format=".6f").source
    assert "<B>layers.0</B><BR/>3 cosine" in source
    assert "<B>layers.1</B><BR/>1 cosine" in source
    assert source.count(f"{math.cos(0.25 + 0.5 + 2 * 1.5):.6f}") == 3 * 2  # in the circle, and under the pointer
    assert source.count("--") == 2 * 3 + 3
