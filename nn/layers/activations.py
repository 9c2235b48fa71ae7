"""Activations: functions of one number after weighted sums, by name; and Activation, which makes a layer of one."""

from __future__ import annotations

import math
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


# Each activation with the initialiser of the weights before it and its gain. The gains are those of
# torch.nn.init.calculate_gain; the smooth relus take relu's.
_TABLE: dict[str, tuple[Function, str, float]] = {
    "linear": (linear, "xavier_uniform", 1.0),
    "relu": (ag.relu, "kaiming_uniform", math.sqrt(2.0)),
    "leaky_relu": (ag.leaky_relu, "kaiming_uniform", math.sqrt(2.0 / (1.0 + 0.01**2))),
    "elu": (ag.elu, "kaiming_uniform", math.sqrt(2.0)),
    "gelu": (ag.gelu, "kaiming_uniform", math.sqrt(2.0)),
    "silu": (ag.silu, "kaiming_uniform", math.sqrt(2.0)),
    "softplus": (ag.softplus, "kaiming_uniform", math.sqrt(2.0)),
    "sigmoid": (ag.sigmoid, "xavier_uniform", 1.0),
    "tanh": (ag.tanh, "xavier_uniform", 5.0 / 3.0),
}

ACTIVATIONS: dict[str, Function] = {name: function for name, (function, _, _) in _TABLE.items()}
GAINS: dict[str, tuple[str, float]] = {name: (initialiser, gain) for name, (_, initialiser, gain) in _TABLE.items()}


class Activation(Module):
    """A layer that applies an activation to each number.

    Args:
        activation: a name in nn.ACTIVATIONS, or a function of one Value.

    Raises:
        ValueError: for an unknown name.
        TypeError: if it is neither a name nor a function from Value to Value.

    >>> Activation("relu")([-1.0, 2.0])
    [0.0, 2.0]
    """

    follows = True

    def __init__(self, activation: str | Function) -> None:
        self.activation_name, self.activation = find_activation(activation)

    def __call__(self, x: Any) -> Any:
        """The activation of each number of a list: a list, or the number itself if there is only one."""
        return make_output([self.activation(v) for v in check_example(x, self)])

    def extra_repr(self) -> str:
        return self.activation_name

    def heading(self) -> str:
        return self.activation_name


def find_activation(activation: str | Function) -> tuple[str, Function]:
    """The name of an activation, and the function; see Activation."""
    if isinstance(activation, str):
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation must be a function or one of {', '.join(ACTIVATIONS)}, got {activation!r}")
        return activation, ACTIVATIONS[activation]
    if not callable(activation):
        raise TypeError(f"activation must be a name or a function of one Value, got {activation!r}")
    name = getattr(activation, "__name__", type(activation).__name__)
    if not isinstance(activation(Value(0.5)), Value):
        raise TypeError(
            f"activation {name} must return a Value for a Value. Write it with autograd functions, such as ag.tanh"
        )
    return name, activation
