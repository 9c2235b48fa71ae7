"""Neuron, Layer and MLP: weighted sums with an activation, in columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

import autograd as ag
from autograd import Value

from . import init as initialisers
from .init import Initialiser
from .module import Module

Activation = Callable[[Any], Any]


def linear(x: Any) -> Any:
    """x itself: no activation."""
    return x


ACTIVATIONS: dict[str, Activation] = {
    "linear": linear,
    "relu": ag.relu,
    "leaky_relu": ag.leaky_relu,
    "elu": ag.elu,
    "gelu": ag.gelu,
    "silu": ag.silu,
    "softplus": ag.softplus,
    "sigmoid": ag.sigmoid,
    "tanh": ag.tanh,
}


class Neuron(Module):
    """One neuron: activation(w · x + b).

    Args:
        nin: the number of inputs.
        activation: a name in nn.ACTIVATIONS, or a function of one Value.
        init: the weights' initialiser, by name or as a function (see nn.init); chosen by the activation unless given.
        bias: whether there is a b, which starts at 0.
        seed: an int or a NumPy Generator to draw the weights from; the same int gives the same weights,
            None other ones each time.

    Attributes:
        w: the weights, a tuple of nin Values.
        b: the bias, a Value, or the number 0.0 without one.

    Raises:
        ValueError: for an unknown activation or initialiser, or nin less than 1.

    >>> neuron = Neuron(2, "relu", init="ones", seed=0)
    >>> neuron([1.0, 2.0]).data
    3.0
    """

    def __init__(
        self,
        nin: int,
        activation: str | Activation = "relu",
        *,
        init: str | Initialiser | None = None,
        bias: bool = True,
        seed: int | np.random.Generator | None = None,
    ) -> None:
        self.nin = _size(nin, "nin")
        self.activation_name, self.activation = _activation(activation)
        weights = _draw(init, self.activation_name, nin, 1, seed)
        self.w = tuple([Value(x) for x in weights[0].tolist()])
        self.b = Value(0.0) if bias else 0.0

    def __call__(self, x: Any) -> Any:
        """The neuron's output, a Value, for a list of nin numbers or Values."""
        return self.activation(ag.dot(self.w, _inputs(x, self.nin, "Neuron"), self.b))

    def extra_repr(self) -> str:
        return f"{self.nin} → 1, {self.activation_name}"


class Layer(Module):
    """Neurons side by side on the same inputs.

    Args:
        nin, nout: the numbers of inputs and of neurons.
        activation, init, bias, seed: as for Neuron.

    Raises:
        ValueError: as for Neuron, and for nout less than 1.

    >>> layer = Layer(2, 3, "tanh", seed=0)
    >>> [type(y) for y in layer([1.0, 2.0])] == [Value] * 3
    True
    """

    def __init__(
        self,
        nin: int,
        nout: int,
        activation: str | Activation = "relu",
        *,
        init: str | Initialiser | None = None,
        bias: bool = True,
        seed: int | np.random.Generator | None = None,
    ) -> None:
        self.nin, self.nout = _size(nin, "nin"), _size(nout, "nout")
        self.activation_name, _ = _activation(activation)
        weights = _draw(init, self.activation_name, nin, nout, seed)
        self.neurons = [Neuron(nin, activation, init=_rows(row[None]), bias=bias) for row in weights]

    def __call__(self, x: Any) -> Any:
        """The neurons' outputs for a list of nin numbers or Values: a list, or of one neuron the Value itself."""
        xs = _inputs(x, self.nin, "Layer")
        outputs = [neuron(xs) for neuron in self.neurons]
        return outputs[0] if len(outputs) == 1 else outputs

    def extra_repr(self) -> str:
        return f"{self.nin} → {self.nout}, {self.activation_name}"


class MLP(Module):
    """A multilayer perceptron: layers in a row, each on the outputs of the one before.

    Args:
        nin: the number of inputs.
        nouts: the number of neurons in each layer, the last being the outputs.
        activation: of the hidden layers, a name in nn.ACTIVATIONS or a function of one Value.
        output: the activation of the last layer.
        init, bias, seed: as for Neuron; one seed serves all layers.

    Raises:
        ValueError: for an empty `nouts`, a size less than 1, an unknown activation or initialiser.

    >>> model = MLP(2, [16, 16, 1], activation="relu", seed=1337)
    >>> model
    MLP(2 → 16 → 16 → 1, 337 parameters)
      layers.0: Layer(2 → 16, relu, 48 parameters)
        neurons.0 to neurons.15: each Neuron(2 → 1, relu, 3 parameters)
      layers.1: Layer(16 → 16, relu, 272 parameters)
        neurons.0 to neurons.15: each Neuron(16 → 1, relu, 17 parameters)
      layers.2: Layer(16 → 1, linear, 17 parameters)
        neurons.0: Neuron(16 → 1, linear, 17 parameters)
    >>> type(model([1.0, -1.0]))
    <class 'autograd.value.Value'>
    """

    def __init__(
        self,
        nin: int,
        nouts: Sequence[int],
        activation: str | Activation = "relu",
        output: str | Activation = "linear",
        *,
        init: str | Initialiser | None = None,
        bias: bool = True,
        seed: int | np.random.Generator | None = None,
    ) -> None:
        if isinstance(nouts, str) or not hasattr(nouts, "__iter__"):
            raise TypeError(f"MLP takes a list with the sizes of its layers, such as [16, 1], got {nouts!r}")
        nouts = list(nouts)
        if not nouts:
            raise ValueError("MLP takes a list with the size of at least one layer, such as [16, 1], got []")
        _activation(activation)  # checked even where there is no hidden layer to use it
        rng = _generator(seed)
        sizes = [nin, *nouts]
        self.layers = [
            Layer(a, b, activation if k < len(nouts) - 1 else output, init=init, bias=bias, seed=rng)
            for k, (a, b) in enumerate(pairwise(sizes))
        ]

    def __call__(self, x: Any) -> Any:
        """The outputs for a list of nin numbers or Values: a list, or of one output neuron the Value itself."""
        for layer in self.layers:
            x = layer(x)
        return x

    def extra_repr(self) -> str:
        return " → ".join(map(str, [self.layers[0].nin, *[layer.nout for layer in self.layers]]))


def _size(n: Any, name: str) -> int:
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)):
        raise TypeError(f"{name} is a whole number of 1 or more, got {n!r}")
    if n < 1:
        raise ValueError(f"{name} is a whole number of 1 or more, got {n}")
    return int(n)


def _activation(activation: str | Activation) -> tuple[str, Activation]:
    """Its name and itself."""
    if isinstance(activation, str):
        if activation not in ACTIVATIONS:
            raise ValueError(
                f"unknown activation {activation!r}; there are {', '.join(ACTIVATIONS)}, or give a function"
            )
        return activation, ACTIVATIONS[activation]
    if not callable(activation):
        raise TypeError(f"activation is a name or a function of one Value, got {activation!r}")
    name = getattr(activation, "__name__", type(activation).__name__)
    if not isinstance(activation(Value(0.5)), Value):
        raise TypeError(f"activation {name} of a Value must give a Value: write it with autograd functions, as ag.tanh")
    return name, activation


def _generator(seed: Any) -> np.random.Generator:
    if seed is not None and not isinstance(seed, (int, np.integer, np.random.Generator)):
        raise TypeError(f"seed is an int, a NumPy Generator or None, got {seed!r}")
    if isinstance(seed, (int, np.integer)) and seed < 0:
        raise ValueError(f"seed is an int of 0 or more, a NumPy Generator or None, got {seed}")
    return np.random.default_rng(seed)


def _draw(init: Any, activation: str, nin: int, nout: int, seed: Any) -> initialisers.Weights:
    """Initial weights of shape (nout, nin)."""
    initialiser = initialisers.for_activation(activation) if init is None else initialisers.by_name(init)
    weights = np.asarray(initialiser(nin, nout, _generator(seed)), dtype=np.float64)
    if weights.shape != (nout, nin):
        raise ValueError(f"init gave weights of shape {weights.shape} for (fan_out, fan_in) = {(nout, nin)}")
    return weights


def _rows(weights: initialisers.Weights) -> Initialiser:
    """The initialiser that gives weights already drawn."""
    return lambda fan_in, fan_out, rng: weights


def _inputs(x: Any, nin: int, name: str) -> tuple[Any, ...]:
    """One example as a tuple of nin numbers and Values."""
    if type(x) is not tuple:
        if isinstance(x, np.ndarray):
            if x.ndim > 1:
                raise ValueError(
                    f"{name} takes one example of {nin} numbers, got an array of shape {x.shape}; call it row by row"
                )
            x = x.tolist()
        if isinstance(x, (Value, int, float, np.integer, np.floating)):
            x = (x,)  # what a layer of one neuron gives, or the input of a net of one variable
        elif isinstance(x, (str, dict)) or not hasattr(x, "__iter__"):
            raise TypeError(f"{name} takes a list of {nin} numbers or Values, got {x!r}")
    xs = tuple(x)
    if len(xs) != nin:
        raise ValueError(f"{name} takes {nin} inputs, got {len(xs)}")
    if any(type(p) is not float and not isinstance(p, Value) for p in xs):
        # Once here, and not in each neuron of the layer.
        xs = tuple(
            [
                p if isinstance(p, Value) else float(p) if isinstance(p, (int, np.integer, np.floating)) else p
                for p in xs
            ]
        )
    return xs
