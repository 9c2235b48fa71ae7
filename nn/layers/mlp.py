"""MLP: a multilayer perceptron, with optional normalisation, residual connections and dropout."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from ..attributes import list_in_order
from ..checks import check_count, check_example, check_flag, check_fraction, make_generator
from ..module import Module
from .activations import Activation, Function, find_activation
from .containers import Residual, Sequential
from .dropout import Dropout
from .init import Initialiser, for_activation
from .neuron import Layer
from .normalization import BatchNorm, LayerNorm

Norm = Callable[[int], Module]

_NORMS: dict[str, Norm] = {"layer": LayerNorm, "batch": BatchNorm}


class MLP(Sequential):
    """A multilayer perceptron: layers in a row, each on the outputs of the one before.

    A hidden layer is a weighted sum, then normalisation (if there is a norm), the activation, and dropout
    (if it is not 0). The output layer is a weighted sum and its activation.

    Args:
        nin: the number of inputs.
        nouts: the number of neurons in each layer, the last being the outputs.
        activation: of the hidden layers, a name in nn.ACTIVATIONS or a function of one Value.
        output: the activation of the last layer.
        norm: what normalises the weighted sums of hidden layers: "layer" for LayerNorm, "batch" for
            BatchNorm, None for nothing, or a function that makes a Module for a number of neurons.
        residual: whether the input of a hidden layer is added to its output (after dropout). This is
            done in the hidden layers that have as many outputs as inputs.
        dropout: the fraction of each hidden layer's outputs that Dropout sets to 0 in training.
        init, bias, seed: as for Neuron. One seed serves all layers, and their dropouts after them. None of the
            options changes the weights that a seed gives.

    Raises:
        TypeError: if `nouts` is not a list, or an argument has the wrong type.
        ValueError: for an empty `nouts`, a size less than 1, an unknown activation, initialiser or norm, or a
            dropout outside [0, 1].

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
    >>> MLP(2, [2, 1], norm="layer", residual=True, dropout=0.1, seed=1337)
    MLP(2 → 2 → 1, 13 parameters)
      layers.0: Residual(10 parameters)
        layer: Sequential(10 parameters)
          layers.0: Layer(2 → 2, linear, 6 parameters)
            neurons.0 to neurons.1: each Neuron(2 → 1, linear, 3 parameters)
          layers.1: LayerNorm(2, 4 parameters)
          layers.2: Activation(relu, 0 parameters)
          layers.3: Dropout(0.1, 0 parameters)
      layers.1: Layer(2 → 1, linear, 3 parameters)
        neurons.0: Neuron(2 → 1, linear, 3 parameters)
    """

    def __init__(
        self,
        nin: int,
        nouts: Sequence[int],
        activation: str | Function = "relu",
        output: str | Function = "linear",
        *,
        norm: Literal["layer", "batch"] | Norm | None = None,
        residual: bool = False,
        dropout: float = 0.0,
        init: str | Initialiser | None = None,
        bias: bool = True,
        seed: int | np.random.Generator | None = None,
    ) -> None:
        if not hasattr(nouts, "__iter__"):
            raise TypeError(f"MLP: nouts must be a list of the sizes of layers, such as [16, 1], got {nouts!r}")
        nouts = list_in_order(nouts, "MLP: nouts")
        if not nouts:
            raise ValueError("MLP: nouts must hold the size of at least one layer, such as [16, 1], got []")
        if isinstance(norm, str):
            norm = _NORMS.get(norm, norm)
        if norm is not None and not callable(norm):
            raise ValueError(f"norm must be 'layer', 'batch', None or a function of a size, got {norm!r}")
        check_fraction(dropout, "dropout")
        check_flag(residual, "residual")
        name, _ = find_activation(activation)  # checked even if no hidden layer uses it
        rng = make_generator(seed)
        self.sizes = [check_count(nin, "nin"), *[check_count(n, "nout") for n in nouts]]
        inner = activation if norm is None else "linear"
        hidden = [
            Layer(a, b, inner, init=for_activation(name) if init is None else init, bias=bias, seed=rng)
            for a, b in pairwise(self.sizes[:-1])
        ]
        last = Layer(self.sizes[-2], self.sizes[-1], output, init=init, bias=bias, seed=rng)
        super().__init__(
            *[_make_hidden_layer(layer, norm, activation, residual, dropout, rng) for layer in hidden], last
        )

    def __call__(self, x: Any) -> Any:
        """The outputs for a list of nin numbers or Values: a list, or the Value itself if there is only one."""
        return super().__call__(check_example(x, self, self.sizes[0]))

    def batch(self, xs: Iterable[Any]) -> list[Any]:
        """The outputs for each of a list of examples, computed layer by layer."""
        return super().batch([check_example(x, self, self.sizes[0]) for x in list_in_order(xs, "a batch")])

    def extra_repr(self) -> str:
        return " → ".join(map(str, self.sizes))


def _make_hidden_layer(
    layer: Layer,
    norm: Norm | None,
    activation: str | Function,
    residual: bool,
    dropout: float,
    rng: np.random.Generator,
) -> Module:
    """A hidden layer, with what follows it."""
    parts: list[Module] = [layer]
    if norm is not None:
        parts += [norm(layer.nout), Activation(activation)]
    if dropout:
        parts.append(Dropout(dropout, seed=rng))
    block = Sequential(*parts) if len(parts) > 1 else layer
    return Residual(block) if residual and layer.nin == layer.nout else block
