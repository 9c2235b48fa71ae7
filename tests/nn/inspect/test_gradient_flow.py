"""gradient_flow: its figures against NumPy, its verdicts on networks built to be ill and on healthy ones."""

import copy
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import autograd as ag
import nn

X = np.random.default_rng(7).normal(size=(12, 2))
Y = np.sign(X[:, 0] * X[:, 1])


def mlp(hidden: int, activation: Any = "relu", width: int = 12, **options: Any) -> nn.MLP:
    return nn.MLP(2, [width] * hidden + [1], activation=activation, **options)


def flow_of(model: nn.Module, loss: Callable[[Any, Any], Any] = nn.mse, count: int = 12) -> nn.GradientFlow:
    return nn.gradient_flow(model, X[:count], Y[:count], loss)


def rms(x: Any) -> float:
    return float(np.sqrt(np.mean(np.square(x))))


def weights_of(layer: Any) -> tuple[Any, Any]:
    return np.array([[w.data for w in n.w] for n in layer.neurons]), np.array([n.b.data for n in layer.neurons])


# The figures


def test_the_figures_are_those_of_backpropagation_in_numpy() -> None:
    model = mlp(2, "tanh", width=4, seed=3)
    (W1, b1), (W2, b2), (W3, b3) = map(weights_of, model.layers)
    H1 = np.tanh(X @ W1.T + b1)
    H2 = np.tanh(H1 @ W2.T + b2)
    out = H2 @ W3.T + b3
    D3 = 2 * (out - Y[:, None])  # of each example's squared error
    D2 = D3 @ W3
    D1 = (D2 * (1 - H2**2)) @ W2
    Z1, Z2 = D1 * (1 - H1**2), D2 * (1 - H2**2)
    by_weights = [(Z1.T @ X, Z1.sum(0)), (Z2.T @ H1, Z2.sum(0)), (D3.T @ H2, D3.sum(0))]
    flow = flow_of(model)
    for row, H, D, (dW, db), (W, b) in zip(
        flow.layers, (H1, H2, out), (D1, D2, D3), by_weights, ((W1, b1), (W2, b2), (W3, b3))
    ):
        assert row.activation_mean == pytest.approx(H.mean(), rel=1e-12)
        assert row.activation_std == pytest.approx(rms(H.std(axis=0)), rel=1e-12)
        assert row.gradient == pytest.approx(rms(D), rel=1e-12)
        assert row.weight_gradient == pytest.approx(rms(np.append(dW, db) / len(X)), rel=1e-12)
        assert row.weight == pytest.approx(rms(np.append(W, b)), rel=1e-12)
        assert row.relative_gradient == row.weight_gradient / row.weight
    assert [row.activation for row in flow.layers] == ["tanh", "tanh", ""]
    assert flow.layers[0].idle == np.mean(np.abs(H1) > 0.98)
    assert math.isnan(flow.layers[2].idle)


def test_idle_and_off_count_what_they_say() -> None:
    model = nn.MLP(1, [4, 1], activation="relu", init="ones")
    for neuron, bias in zip(model.layers[0].neurons, (0.0, -1.5, -100.0, 1.0)):
        neuron.b.data = bias
    flow = nn.gradient_flow(model, [[1.0], [2.0]], [0.0, 0.0], nn.mse)
    assert flow.layers[0].idle == 3 / 8  # of two examples: -1.5 is off for one, -100 for both
    assert flow.layers[0].off == 1 / 4
    assert flow.verdict == "healthy"


# The verdicts


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("hidden", "options", "verdict"),
    [
        (10, {"activation": "sigmoid"}, "vanishing"),
        (20, {"activation": "sigmoid"}, "vanishing"),
        (20, {"activation": "tanh", "init": partial(nn.init.normal, std=0.05)}, "vanishing"),
        (20, {"activation": "tanh", "init": partial(nn.init.normal, std=100.0)}, "vanishing"),
        (12, {"activation": "relu", "init": partial(nn.init.normal, std=1.5)}, "exploding"),
        (20, {"activation": "linear", "init": partial(nn.init.normal, std=1.5)}, "exploding"),
        (1, {"activation": "relu"}, "healthy"),
        (6, {"activation": "relu", "width": 16}, "healthy"),
        (20, {"activation": "relu", "width": 24}, "healthy"),
        (1, {"activation": "tanh"}, "healthy"),
        (20, {"activation": "tanh"}, "healthy"),
        (1, {"activation": "sigmoid"}, "healthy"),
        (20, {"activation": "sigmoid", "residual": True}, "healthy"),
        (20, {"activation": "tanh", "residual": True}, "healthy"),
        (20, {"activation": "relu", "norm": "layer", "width": 16}, "healthy"),
        (20, {"activation": "sigmoid", "norm": "batch", "width": 8}, "healthy"),
    ],
)
def test_networks_built_ill_and_healthy_ones(hidden: int, options: dict[str, Any], verdict: str, seed: int) -> None:
    flow = flow_of(mlp(hidden, seed=seed, **options), count=6)
    assert flow.verdict == verdict
    assert flow.explanation.endswith(".")


@pytest.mark.parametrize("residual", [False, True])
def test_relus_that_are_off_for_all_examples_are_dead(residual: bool) -> None:
    model = mlp(5, residual=residual, seed=0)
    ill = next(m for m in model.layers[2].modules() if isinstance(m, nn.Layer))
    for neuron in ill.neurons:
        neuron.b.data = -100.0
    flow = flow_of(model)
    assert flow.verdict == "dead ReLUs"
    assert "layers.2 " in flow.explanation  # and not those after it, which it gives nothing but zeros


def test_leaky_relus_do_not_die() -> None:
    model = mlp(3, "leaky_relu", seed=0)
    for neuron in model.layers[1].neurons:
        neuron.b.data = -100.0
    assert flow_of(model).verdict == "healthy"


def test_the_explanation_names_layers_cause_and_cure() -> None:
    told = flow_of(mlp(20, "sigmoid", seed=0)).explanation
    assert all(word in told for word in ("layers.20", "layers.0", "sigmoid, 1/4 at most", "residual=True"))
    told = flow_of(mlp(20, "tanh", init=partial(nn.init.normal, std=100.0), seed=0)).explanation
    assert "saturated" in told
    told = flow_of(mlp(12, init=partial(nn.init.normal, std=1.5), seed=0)).explanation
    assert "clip_grad_norm" in told


def test_targets_far_from_one_explode_in_a_single_layer() -> None:
    flow = nn.gradient_flow(nn.MLP(2, [1], seed=0), X, 1e5 * Y, nn.mse)
    assert flow.verdict == "exploding"
    assert "scaled" in flow.explanation


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_weights_of_zero_pass_nothing_on(activation: str) -> None:
    flow = flow_of(mlp(3, activation, init="zeros"))
    assert flow.verdict == "vanishing"
    assert "layers.3 are 0" in flow.explanation


def test_a_gradient_that_underflows_has_vanished() -> None:
    model = mlp(40, "tanh", width=2, init=partial(nn.init.normal, std=1e-9), seed=0)
    flow = flow_of(model, count=2)
    assert flow.layers[0].gradient == 0.0
    assert flow.verdict == "vanishing"


def test_a_loss_that_is_flat() -> None:
    model = nn.MLP(1, [1], init="ones")
    flow = nn.gradient_flow(model, [[2.0], [-3.0]], [1, -1], nn.hinge)
    assert flow.verdict == "no gradient"


def test_a_layer_the_loss_does_not_use() -> None:
    model = nn.Sequential(nn.Layer(2, 3, "tanh", seed=0), lambda h: [v.detach() for v in h], nn.Layer(3, 1, seed=0))
    model.layers[2].neurons[0].b.data = 10.0  # not off
    flow = flow_of(model)
    assert flow.verdict == "no gradient"
    assert "layers.0" in flow.explanation


@pytest.mark.parametrize(("bad", "named"), [(math.nan, "layers.1 "), (math.inf, "layers.1 ")])
def test_numbers_that_are_not_finite(bad: float, named: str) -> None:
    model = mlp(3, seed=0)
    model.layers[1].neurons[0].b.data = bad
    flow = flow_of(model)
    assert flow.verdict == "not finite"
    assert named in flow.explanation
    assert "nan" in repr(flow) or "inf" in repr(flow)


def test_a_loss_of_infinite_slope() -> None:
    model = nn.MLP(2, [3, 1], activation="tanh", init="zeros")
    flow = flow_of(model, loss=lambda out, target: ag.sqrt(out * out))
    assert flow.verdict == "not finite"
    assert "at layers.1" in flow.explanation


# Nothing is changed


def test_the_model_stays_as_it_was() -> None:
    model = mlp(3, norm="batch", dropout=0.5, seed=0)
    for p in model.parameters():
        p.grad = 3.0
    before, random = model.state_dict(), copy.deepcopy(model.layers[0].layers[-1].rng.bit_generator.state)
    kinds = [type(module) for module in model.modules()]
    first, second = flow_of(model), flow_of(model)
    assert repr(first) == repr(second)
    assert all(np.array_equal(before[path], after) for path, after in model.state_dict().items())
    assert model.layers[0].layers[-1].rng.bit_generator.state == random
    assert {p.grad for p in model.parameters()} == {3.0}
    assert [type(module) for module in model.modules()] == kinds
    assert all(module.training for module in model.modules())


def test_a_model_in_evaluation_mode_is_measured_in_it() -> None:
    model = mlp(2, norm="batch", seed=0)
    assert flow_of(model).layers[0].gradient != flow_of(model.eval()).layers[0].gradient
    assert flow_of(model, count=1).verdict == "healthy"  # of which batch normalisation has no variance in training


# What it shows


def test_the_table() -> None:
    lines = repr(flow_of(mlp(2, "sigmoid", seed=0))).splitlines()
    assert lines[0].split() == ["layer", "activation", "idle", "gradient", "of", "weights", "/", "weights"]
    assert [line.split()[0] for line in lines[1:4]] == ["layers.0", "layers.1", "layers.2"]
    assert len({len(line) for line in lines[:4]}) == 1
    assert lines[4].startswith("healthy: ")


def test_columns_of_one_length() -> None:
    flow = flow_of(mlp(2, "sigmoid", seed=0))
    columns = flow.to_dict()
    assert columns["layer"] == ["layers.0", "layers.1", "layers.2"]
    assert columns["gradient"] == [row.gradient for row in flow.layers]
    assert columns["relative_gradient"] == [row.relative_gradient for row in flow.layers]
    assert {len(column) for column in columns.values()} == {3}


@pytest.mark.parametrize("bias", [0.0, -100.0, math.nan])
def test_the_plot_shows_each_gradient_or_marks_its_absence(bias: float) -> None:
    import matplotlib

    matplotlib.use("Agg")
    model = mlp(4, seed=0)
    for neuron in model.layers[2].neurons:
        neuron.b.data = bias
    flow = flow_of(model)
    figure = flow.plot()
    figure.canvas.draw()
    axes = figure.axes
    drawn = np.asarray(axes[0].lines[0].get_ydata(), dtype=float)
    absent = np.asarray(axes[0].lines[2].get_xdata(), dtype=int) - 1 if len(axes[0].lines) > 2 else []
    for k, row in enumerate(flow.layers):
        assert (drawn[k] == row.gradient) != (k in absent)
    assert flow.verdict in axes[0].get_title()


# Bad input


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((lambda x: x, X, Y, nn.mse), TypeError, "model must be a Module"),
        ((nn.MLP(2, [1]), X, Y[:3], nn.mse), ValueError, "got 12 and 3"),
        ((nn.MLP(2, [1]), [], [], nn.mse), ValueError, "got 0 and 0"),
        ((nn.MLP(2, [1]), X, Y, lambda out, target: 1.0), TypeError, "must return a Value, got"),
        ((nn.MLP(3, [1]), X, Y, nn.mse), ValueError, "the input must have 3 numbers, got 2"),
    ],
)
def test_bad_input(arguments: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        nn.gradient_flow(*arguments)


@ag.primitive(lambda out, x: ag.where(ag.abs(x) < 1, 2.0, 0.0), steepest=2.0, native=lambda x: 2 * ag.clip(x, -1, 1))
def hard(x: float) -> float:
    """2 x between -1 and 1, and flat beyond: an activation of a user's."""
    return 2 * min(max(x, -1.0), 1.0)


def test_an_activation_that_declares_its_slope_is_measured() -> None:
    model = mlp(2, hard, width=6, seed=0)
    flow = flow_of(model)
    W, b = weights_of(model.layers[0])
    assert [row.activation for row in flow.layers] == ["hard", "hard", ""]
    assert flow.layers[0].idle == np.mean(np.abs(X @ W.T + b) >= 1)
    assert 0 < flow.layers[0].idle < 1


@pytest.mark.parametrize("steepest", [0, -1.0, "1", float("nan")])
def test_a_steepest_slope_is_a_number_above_0(steepest: Any) -> None:
    with pytest.raises(TypeError, match="primitive f: steepest must be a number above 0, of one argument, got"):

        @ag.primitive(lambda out, x: 1.0, steepest=steepest)
        def f(x: float) -> float:
            return x
