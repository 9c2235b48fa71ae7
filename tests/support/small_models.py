"""Small models, and a fit of one, for cases of a line each."""

from collections.abc import Callable
from typing import Any

import numpy as np

import nn
from autograd import Value

Case = tuple[str, Callable[[], Any], str]  # its name, what is refused, and the message

RNG = np.random.default_rng(0)
X = RNG.normal(size=(8, 2))
y = np.sign(X[:, 0])
MASKED = np.ma.array([1.0, 2.0], mask=[False, True])
REFUSED = (TypeError, ValueError, RuntimeError, FloatingPointError)


def two() -> list[Value]:
    return [Value(1.0), Value(2.0)]


def mlp(outputs: int = 1) -> nn.MLP:
    return nn.MLP(2, [3, outputs], "tanh", seed=0)


def sgd(model: nn.Module) -> nn.Optimizer:
    return nn.SGD(model.parameters(), lr=0.1)


def fit(model: nn.Module, loss: Any = nn.mse, X: Any = X, y: Any = y, epochs: int = 1, **options: Any) -> nn.History:
    optimizer = options.pop("optimizer", None) or sgd(model)
    return nn.fit(model, X, y, loss, optimizer, epochs, seed=0, progress=False, **options)


class Line(nn.Module):
    """A model with one parameter, and whatever else a test gives it."""

    def __init__(self, forward: Callable[[Any, Any], Any] | None = None, **attributes: Any) -> None:
        self.slope = Value(1.0)
        self.forward = forward or (lambda self, x: self.slope * x[0])
        vars(self).update(attributes)

    def __call__(self, x: Any) -> Any:
        return self.forward(self, x)
