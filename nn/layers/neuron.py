"""Neuron and Layer: weighted sums with an activation."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd as ag
from autograd import Value
from autograd.primitive import describe

from ..checks import check_count, check_example, check_flag, make_generator, make_output, refuse_keyword, refuse_masked
from ..module import Module
from . import init as initialisers
from .activations import Function, find_activation
from .init import Initialiser

NONLIN = "For micrograd's nonlin=False write activation='linear', and for nonlin=True activation='relu'"


class Neuron(Module):
    """One neuron: activation(w · x + b).

    Args:
        nin: the number of inputs.
        activation: a name in nn.ACTIVATIONS, or a function of one Value.
        init: the weights' initialiser, a name or a function (see nn.init); None for the one that suits the activation.
        bias: whether there is a b, which starts at 0.
        seed: an int or a NumPy Generator to draw the weights from. The same int gives the same weights;
            None gives different weights each time.

    Attributes:
        w: the weights, a tuple of nin Values.
        b: the bias, a Value; without a bias the number 0.0.

    Raises:
        ValueError: for an unknown activation or initialiser, or nin less than 1.
        TypeError: if an argument has the wrong type.

    >>> neuron = Neuron(2, "relu", init="ones", seed=0)
    >>> neuron([1.0, 2.0]).data
    3.0
    """

    is_neuron = True

    @refuse_keyword("nonlin", NONLIN)
    def __init__(
        self,
        nin: int,
        activation: str | Function = "relu",
        *,
        init: str | Initialiser | None = None,
        bias: bool = True,
        seed: int | np.random.Generator | None = None,
    ) -> None:
        self.nin = check_count(nin, "nin")
        self.activation_name, self.activation = find_activation(activation)
        weights = _draw_weights(init, self.activation_name, nin, 1, seed)
        self.w = tuple([Value(x) for x in weights[0].tolist()])
        self.b = Value(0.0) if check_flag(bias, "bias") else 0.0

    def __call__(self, x: Any) -> Any:
        """The neuron's output, a Value, for a list of nin numbers or Values."""
        return self.forward(check_example(x, self, self.nin))

    def forward(self, xs: tuple[Any, ...]) -> Any:
        """The output for a tuple of nin floats and Values that is already checked: a Layer does so for all neurons."""
        return self.activation(ag.dot(self.w, xs, self.b))

    def extra_repr(self) -> str:
        return f"{self.nin} → 1, {self.activation_name}"


class Layer(Module):
    """Neurons side by side on the same inputs.

    Args:
        nin, nout: the numbers of inputs and of neurons.
        activation, init, bias, seed: as for Neuron.

    Raises:
        TypeError, ValueError: as for Neuron, and for nout less than 1.

    >>> layer = Layer(2, 3, "tanh", seed=0)
    >>> [type(y) for y in layer([1.0, 2.0])] == [Value] * 3
    True
    """

    @refuse_keyword("nonlin", NONLIN)
    def __init__(
        self,
        nin: int,
        nout: int,
        activation: str | Function = "relu",
        *,
        init: str | Initialiser | None = None,
        bias: bool = True,
        seed: int | np.random.Generator | None = None,
    ) -> None:
        self.nin, self.nout = check_count(nin, "nin"), check_count(nout, "nout")
        self.activation_name, _ = find_activation(activation)
        weights = _draw_weights(init, self.activation_name, nin, nout, seed)
        self.neurons = [Neuron(nin, activation, init=_fixed_weights(row[None]), bias=bias) for row in weights]

    def __call__(self, x: Any) -> Any:
        """The outputs for a list of nin numbers or Values: a list, or the Value itself if there is only one neuron."""
        xs = check_example(x, self, self.nin)
        return make_output([neuron.forward(xs) for neuron in self.neurons])

    def extra_repr(self) -> str:
        return f"{self.nin} → {self.nout}, {self.activation_name}"


def _draw_weights(
    init: str | Initialiser | None, activation: str, nin: int, nout: int, seed: Any
) -> initialisers.Weights:
    """Initial weights of shape (nout, nin)."""
    initialiser = initialisers.for_activation(activation) if init is None else initialisers.by_name(init)
    drawn = initialiser(nin, nout, make_generator(seed))
    refuse_masked(drawn, "the weights from init")
    weights = np.asarray(drawn)
    if weights.dtype.kind not in "fiu" or not np.isfinite(weights).all():
        raise ValueError(f"init must return finite real numbers, got {describe(drawn)}")
    weights = weights.astype(np.float64)
    if weights.shape != (nout, nin):
        raise ValueError(
            f"init must return weights of shape (fan_out, fan_in) = {(nout, nin)}, got shape {weights.shape}"
        )
    return weights


def _fixed_weights(weights: initialisers.Weights) -> Initialiser:
    """The initialiser that returns these weights."""
    return lambda fan_in, fan_out, rng: weights
