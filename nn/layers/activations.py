"""Activations: functions of one number between weighted sums, by name; and Activation, which makes a layer of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd as ag
from autograd import Value

from ..checks import check_example, make_output
from ..module import Module

Function = Callable[[Any], Any]


def linear(x: Any) -> Any:
    """x itself: no activation."""
    return x


ACTIVATIONS: dict[str, Function] = {
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


class Activation(Module):
    """A layer that applies an activation to each number.

    Args:
        activation: a name in nn.ACTIVATIONS, or a function of one Value.

    Raises:
        ValueError: for an unknown name.
        TypeError: for what is neither a name nor a function from Value to Value.

    >>> Activation("relu")([-1.0, 2.0])
    [0.0, 2.0]
    """

    def __init__(self, activation: str | Function) -> None:
        self.activation_name, self.activation = find_activation(activation)

    def __call__(self, x: Any) -> Any:
        """The activation of each number of a list; or of one number that of the number."""
        return make_output([self.activation(v) for v in check_example(x, self)])

    def extra_repr(self) -> str:
        return self.activation_name


def find_activation(activation: str | Function) -> tuple[str, Function]:
    """The name of an activation, and itself; see Activation."""
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
