"""Optimizers: how gradients move parameters. Names, defaults and formulas are PyTorch's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd import Value

Flat = NDArray[np.float64]


class Optimizer:
    """The base of optimizers: it holds parameters and changes them by the rule that a subclass gives.

    Args:
        parameters: leaf Values, as from model.parameters().
        lr: the learning rate, 0 or more; may be assigned to between steps.

    Raises:
        TypeError: if the parameters are not leaf Values.
        ValueError: if there are none, one comes twice, or the learning rate is negative or not a number.
    """

    def __init__(self, parameters: Iterable[Value], lr: float) -> None:
        try:
            self.parameters = list(parameters)
        except TypeError:
            raise TypeError(
                f"{type(self).__name__} takes the parameters, as from model.parameters(), "
                f"got {type(parameters).__name__}"
            ) from None
        for p in self.parameters:
            if not isinstance(p, Value) or p.op is not None:
                raise TypeError(f"{type(self).__name__}: a parameter is a leaf Value, got {p!r}")
        if not self.parameters:
            raise ValueError(f"{type(self).__name__} takes at least one parameter, got none")
        if len(set(self.parameters)) < len(self.parameters):
            raise ValueError(f"{type(self).__name__}: a parameter comes twice; give each once")
        self.lr = lr

    @property
    def lr(self) -> float:
        """The learning rate."""
        return self._lr

    @lr.setter
    def lr(self, lr: float) -> None:
        self._lr = at_least_zero(lr, "the learning rate lr")

    def zero_grad(self) -> None:
        """Set every parameter's grad to 0."""
        for p in self.parameters:
            p.grad = 0.0

    def step(self) -> None:
        """Move every parameter once, by its grad."""
        data = np.array([p.data for p in self.parameters])
        grad = np.array([p.grad for p in self.parameters])
        for p, x in zip(self.parameters, self.update(data, grad).tolist()):
            p.data = x

    def update(self, data: Flat, grad: Flat) -> Flat:
        """The rule: new numbers for all parameters, as a flat array, from their numbers and gradients."""
        raise NotImplementedError


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum and weight decay.

    For each parameter p with gradient g, as in torch.optim.SGD:

        g ← g + weight_decay · p
        v ← g the first time, then momentum · v + g
        p ← p - lr · v, or with nesterov p - lr · (g + momentum · v)

    Momentum is B. Polyak's (1964), nesterov that of I. Sutskever, J. Martens, G. Dahl, G. Hinton,
    On the importance of initialization and momentum in deep learning, 2013.

    Args:
        parameters: leaf Values, as from model.parameters().
        lr: the learning rate.
        momentum: the share of the last velocity that is kept.
        nesterov: whether to look ahead along the velocity.
        weight_decay: the strength of the pull to zero.

    Raises:
        ValueError: for a negative lr, momentum or weight_decay, or nesterov without momentum.

    >>> x = Value(3.0)
    >>> optimizer = SGD([x], lr=0.1)
    >>> (x * x).backward()
    >>> optimizer.step()
    >>> round(x.data, 6)  # 3 - 0.1 · 6
    2.4
    """

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float = 1e-3,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr)
        self.momentum = at_least_zero(momentum, "momentum")
        self.weight_decay = at_least_zero(weight_decay, "weight_decay")
        if nesterov and not momentum:
            raise ValueError("nesterov needs momentum: give a momentum greater than 0")
        self.nesterov = nesterov
        self.velocity: Flat | None = None

    def update(self, data: Flat, grad: Flat) -> Flat:
        if self.weight_decay:
            grad = grad + self.weight_decay * data
        if self.momentum:
            self.velocity = grad if self.velocity is None else self.momentum * self.velocity + grad
            grad = grad + self.momentum * self.velocity if self.nesterov else self.velocity
        return data - self.lr * grad


def at_least_zero(x: Any, name: str) -> float:
    """x as a float; TypeError or ValueError, naming it, unless it is a finite number of 0 or more."""
    if isinstance(x, bool) or not isinstance(x, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name} is a number of 0 or more, got {x!r}")
    if not 0 <= x < float("inf"):
        raise ValueError(f"{name} is a number of 0 or more, got {x}")
    return float(x)
