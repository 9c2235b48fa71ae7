"""Sequential and Residual: layers in a row, and a connection that skips a layer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..attributes import list_in_order
from ..checks import check_example, describe_layer, make_output
from ..module import Module


class Sequential(Module):
    """Layers in a row, each called with the output of the one before.

    Args:
        layers: Modules, and plain functions of the whole output of the layer before, such as
            ag.softmax. For a function of single numbers, such as ag.relu, use nn.Activation.

    Attributes:
        layers: the list of them; `len`, iteration and indexing are the list's.

    Raises:
        TypeError: if a layer cannot be called.

    >>> import autograd as ag
    >>> from nn import Activation, Layer, LayerNorm
    >>> model = Sequential(Layer(2, 3, "linear", seed=0), LayerNorm(3), Activation("relu"), ag.softmax)
    >>> round(float(ag.sum(model([1.0, -1.0]))), 12)
    1.0
    >>> len(model), model[1]
    (4, LayerNorm(3, 6 parameters))
    """

    def __init__(self, *layers: Module | Callable[[Any], Any]) -> None:
        for layer in layers:
            if not callable(layer) or isinstance(layer, type):
                raise TypeError(
                    f"Sequential: a layer must be a Module or a function, got {layer!r}. Pass each by itself"
                )
        self.layers = list(layers)

    def __call__(self, x: Any) -> Any:
        """The output of the last layer for one example."""
        for layer in self.layers:
            x = layer(x)
        return x

    def batch(self, xs: Iterable[Any]) -> list[Any]:
        """The outputs for each of a list of examples, computed layer by layer."""
        xs = list_in_order(xs, "a batch")
        for layer in self.layers:
            xs = layer.batch(xs) if isinstance(layer, Module) else [layer(x) for x in xs]
        return xs

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Module | Callable[[Any], Any]]:
        return iter(self.layers)

    def __getitem__(self, k: int) -> Any:
        return self.layers[k]


class Residual(Module):
    """A connection that skips a layer: x + layer(x).

    K. He, X. Zhang, S. Ren, J. Sun, Deep residual learning for image recognition, arXiv:1512.03385.

    Args:
        layer: a Module that returns as many numbers as it takes.

    Raises:
        TypeError: if it is not a Module. A call raises ValueError if the layer returns more or fewer numbers.

    >>> from nn import Neuron
    >>> Residual(Neuron(1, "linear", init="ones"))(3.0).data
    6.0
    """

    is_one_block = True  # because its output is the sum, not the output of the last layer inside

    def __init__(self, layer: Module) -> None:
        if not isinstance(layer, Module):
            raise TypeError(f"Residual: layer must be a Module, got {layer!r}")
        self.layer = layer

    def __call__(self, x: Any) -> Any:
        """x plus the layer's output for it, number by number."""
        xs = check_example(x, self)
        return self._sum(xs, self.layer(xs))

    def batch(self, xs: Iterable[Any]) -> list[Any]:
        """The outputs for each of a list of examples, with the layer called on all of them at once."""
        examples = [check_example(x, self) for x in list_in_order(xs, "a batch")]
        return [self._sum(x, y) for x, y in zip(examples, self.layer.batch(examples))]

    def _sum(self, xs: tuple[Any, ...], y: Any) -> Any:
        ys = check_example(y, self)
        if len(xs) != len(ys):
            raise ValueError(
                f"Residual: the layer must return as many numbers as it takes, but {describe_layer(self.layer)} takes "
                f"{len(xs)} and returns {len(ys)}"
            )
        return make_output([a + b for a, b in zip(xs, ys)])
