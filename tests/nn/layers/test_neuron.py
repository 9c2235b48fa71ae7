"""Neuron, Layer, MLP and their initial weights: values against NumPy, shapes, seeds, and clear errors."""

import math
from typing import Any

import numpy as np
import pytest

import autograd as ag
import nn
from autograd import Value

NUMPY_ACTIVATIONS = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "elu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "gelu": lambda x: x * np.array([0.5 * (1 + math.erf(t / math.sqrt(2))) for t in x]),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "softplus": lambda x: np.log(1 + np.exp(x)),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
}


@pytest.mark.parametrize("activation", nn.ACTIVATIONS)
def test_an_mlp_computes_what_numpy_computes(activation: str) -> None:
    model = nn.MLP(3, [5, 4, 2], activation=activation, output="tanh", seed=1)
    for p in model.parameters():
        p.data += 0.1  # so that biases count
    x = np.array([0.5, -1.0, 2.0])
    expected = x
    for k, layer in enumerate(model.layers):
        weights = np.array([[w.data for w in neuron.w] for neuron in layer.neurons])
        biases = np.array([neuron.b.data for neuron in layer.neurons])
        expected = NUMPY_ACTIVATIONS["tanh" if k == 2 else activation](weights @ expected + biases)
    np.testing.assert_allclose([float(y) for y in model(x)], expected, rtol=1e-12)


def test_the_single_neuron_example() -> None:
    """x = 2, w = 0.5, b = 0, ReLU, target 0, squared error: dL/dw = 2 (1 - 0) · 1 · 2 = 4."""
    neuron = nn.Neuron(1, "relu", init=lambda fan_in, fan_out, rng: np.array([[0.5]]))
    loss = nn.mse(neuron([2.0]), 0.0)
    loss.backward()
    assert (loss.data, neuron.w[0].grad, neuron.b.grad) == (1.0, 4.0, 2.0)


def test_the_remedies_that_an_error_names_work() -> None:
    model, X = nn.MLP(2, [3, 1], seed=0), np.eye(2)
    wanted = [model(x).data for x in X]
    np.testing.assert_allclose(ag.jit(model, in_axes=0)(X), wanted, rtol=1e-14)
    assert [y.data for y in model.batch(X)] == wanted


def test_one_neuron_gives_a_value_and_more_a_list() -> None:
    assert isinstance(nn.Layer(2, 1, seed=0)([1.0, 2.0]), Value)
    assert [type(y) for y in nn.Layer(2, 2, seed=0)([1.0, 2.0])] == [Value, Value]
    assert isinstance(nn.MLP(1, [1, 3, 1], seed=0)(0.5), Value), "a layer of one neuron may stand in the middle"


@pytest.mark.parametrize(
    "x", [[1, 2], (1.0, 2.0), np.array([1.0, 2.0]), np.array([1, 2]), [Value(1.0), 2], iter([1, 2])]
)
def test_inputs_may_be_any_sequence_of_numbers_and_values(x: Any) -> None:
    model = nn.MLP(2, [3, 1], activation="tanh", seed=0)
    assert float(model(x)) == float(model([1.0, 2.0]))


def test_gradients_reach_inputs_that_are_values() -> None:
    x = Value(0.3)
    nn.MLP(2, [4, 1], activation="tanh", seed=0)([x, 1.0]).backward()
    assert x.grad != 0.0


def test_an_activation_may_be_a_function() -> None:
    assert nn.Neuron(1, lambda v: v * v, init="ones")([3.0]).data == 9.0
    assert nn.Neuron(1, ag.sin, init="ones")([1.0]).data == math.sin(1.0)


def test_without_bias_there_is_none() -> None:
    model = nn.MLP(2, [3, 1], bias=False, seed=0)
    assert len(model.parameters()) == 9
    assert model([0.0, 0.0]).data == 0.0


def test_the_same_seed_gives_the_same_weights_and_another_others() -> None:
    def weights(seed: Any) -> list[float]:
        return [p.data for p in nn.MLP(2, [4, 1], seed=seed).parameters()]

    assert weights(1337) == weights(1337) == weights(np.random.default_rng(1337))
    assert weights(1337) != weights(1338)
    assert weights(None) != weights(None)


@pytest.mark.parametrize(
    ("init", "std", "bound"),
    [
        ("xavier_uniform", math.sqrt(2 / 150), math.sqrt(6 / 150)),
        ("xavier_normal", math.sqrt(2 / 150), math.inf),
        ("kaiming_uniform", math.sqrt(2 / 100), math.sqrt(6 / 100)),
        ("kaiming_normal", math.sqrt(2 / 100), math.inf),
        ("uniform", math.sqrt(1 / 12), 1.0),
        ("normal", 1.0, math.inf),
        ("zeros", 0.0, 0.0),
        ("ones", 0.0, 1.0),
    ],
)
def test_initial_weights_have_the_published_spread(init: str, std: float, bound: float) -> None:
    weights = nn.init.INITIALISERS[init](100, 50, np.random.default_rng(0))
    assert weights.shape == (50, 100)
    assert weights.std() == pytest.approx(std, rel=0.05)
    assert np.abs(weights).max() <= bound


def test_the_initialiser_follows_the_activation() -> None:
    def spread(activation: str) -> float:
        layer = nn.Layer(200, 100, activation, seed=0)
        return float(np.std([w.data for neuron in layer.neurons for w in neuron.w]))

    assert spread("relu") == pytest.approx(math.sqrt(2 / 200), rel=0.02)
    assert spread("tanh") == pytest.approx(5 / 3 * math.sqrt(2 / 300), rel=0.02)
    assert spread("sigmoid") == pytest.approx(math.sqrt(2 / 300), rel=0.02)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.MLP(2, []), ValueError, r"at least one layer.*got \[\]"),
        (lambda: nn.MLP(2, 3), TypeError, "nouts must be a list.*got 3"),
        (lambda: nn.MLP(0, [1]), ValueError, "nin must be a whole number of 1 or more, got 0"),
        (lambda: nn.MLP(2, [-1]), ValueError, "nout must be a whole number of 1 or more, got -1"),
        (lambda: nn.MLP(2.5, [1]), TypeError, "nin must be a whole number.*got 2.5"),
        (
            lambda: nn.MLP(2, [1], activation="rely"),
            ValueError,
            "activation must be a function or one of linear, relu, .*, got 'rely'",
        ),
        (
            lambda: nn.Neuron(3, nonlin=False),  # type: ignore[call-arg]
            TypeError,
            "^Neuron has no argument nonlin. For micrograd's nonlin=False write activation='linear'",
        ),
        (lambda: nn.Layer(3, 2, nonlin=True), TypeError, "^Layer has no argument nonlin. .* activation='relu'"),  # type: ignore[call-arg]
        (lambda: nn.MLP(2, [1], activation=3), TypeError, "a name or a function.*got 3"),
        (
            lambda: nn.MLP(2, [1], init="kaiming"),
            ValueError,
            "init must be a function or one of uniform, .*, got 'kaiming'",
        ),
        (lambda: nn.MLP(2, [1], init=lambda a, b, rng: np.zeros(3)), ValueError, r"shape \(3,\)"),
        (lambda: nn.MLP(2, [1], seed="x"), TypeError, "seed must be an int.*got 'x'"),
        (lambda: nn.MLP(2, [1])([1.0]), ValueError, "the input must have 2 numbers, got 1"),
        (lambda: nn.MLP(2, [1])("ab"), TypeError, "the input must be a list of 2 numbers or Values, got 'ab'"),
        (lambda: nn.MLP(2, [1])([1.0, "b"]), TypeError, "got str 'b'"),
        (
            lambda: nn.MLP(2, [3, 1])(np.zeros((5, 2))),
            ValueError,
            r"^MLP\(2 → 3 → 1\): the input must be one example of 2 numbers, got an array of shape \(5, 2\)\. "
            r"For many examples, call nn\.predict\(model, X\) or ag\.jit\(model, in_axes=0\)\(X\)",
        ),
        (
            lambda: nn.Layer(2, 3)([[1, 2], [3, 4]]),
            ValueError,
            r"^Layer\(2 → 3, relu\): the input must be one.*a list of 2 lists",
        ),
        (
            lambda: nn.Neuron(2)([[1, 2]] * 9),
            ValueError,
            r"^Neuron\(2 → 1, relu\): the input must be one.*a list of 9 lists",
        ),
        (lambda: nn.MLP(2, [3, 1])([1.0]), ValueError, r"^MLP\(2 → 3 → 1\): the input must have 2 numbers, got 1"),
        (lambda: nn.MLP(2, [1])(None), TypeError, "got None"),
    ],
)
def test_bad_input_is_named(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()
