"""predict: what it returns, what it keeps of a model, what it notices; bad input is named."""

import gc
import weakref
from typing import Any

import numpy as np
import pytest

import autograd as ag
import nn
from autograd import Value
from nn.training import predict as predicting

RNG = np.random.default_rng(0)
X, y = RNG.normal(size=(12, 3)), RNG.integers(0, 2, 12)
WITH_NAN = np.where(np.arange(36).reshape(12, 3) == 7, np.nan, X)


def test_predict_gives_what_the_model_gives() -> None:
    model = nn.MLP(3, [4, 2], "tanh", seed=0, norm="batch", dropout=0.5)
    norm = next(module for module in model.modules() if isinstance(module, nn.BatchNorm))
    norm.running_mean.replace([0.5, -1.0, 0.25, 2.0])
    model.train()
    found, eager = nn.predict(model, X), nn.predict(model, X, compiled=False)
    model.eval()
    np.testing.assert_allclose(found, [[float(z) for z in model(x)] for x in X], rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(found, eager, rtol=1e-12, atol=1e-15)
    assert nn.predict(nn.MLP(3, [1], seed=0), X).shape == (12,)
    assert nn.predict(nn.MLP(1, [2], seed=0), [1.0, 2.0]).shape == (2, 2)


def test_predict_of_many_rows_is_that_of_each() -> None:
    model = nn.MLP(3, [2], seed=0)
    many = np.random.default_rng(0).normal(size=(predicting.ROWS + 3, 3))
    np.testing.assert_allclose(nn.predict(model, many)[-5:], nn.predict(model, many[-5:]), rtol=1e-14)


def test_predict_compiles_once_and_reads_the_model_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    model = nn.MLP(3, [2, 1], seed=0)
    call = nn.MLP.__call__
    monkeypatch.setattr(nn.MLP, "__call__", lambda self, x: calls.append(1) or call(self, x))
    nn.predict(model, X)
    for p in model.parameters():
        p.data *= 2.0
    found = nn.predict(model, X[:5])
    assert len(calls) == 1
    np.testing.assert_allclose(found, [float(model(x)) for x in X[:5]], rtol=1e-12)
    model.layers[0].neurons[1].b = Value(3.0)
    np.testing.assert_allclose(nn.predict(model, X), [float(model(x)) for x in X], rtol=1e-12)
    model.layers[0].neurons[0].activation = ag.sin
    np.testing.assert_allclose(nn.predict(model, X), [float(model(x)) for x in X], rtol=1e-12)


class Scaled(nn.Module):
    """A forward pass by an array, and by a method that is kept as an attribute."""

    def __init__(self) -> None:
        self.w, self.scale, self.forward = Value(2.0), np.array([1.0, 1.0, 1.0]), self.scaled

    def scaled(self, x: Any) -> Any:
        return self.w * ag.sum(list(self.scale * x))

    def __call__(self, x: Any) -> Any:
        return self.forward(x)


class Negative(Scaled):
    def __call__(self, x: Any) -> Any:
        return -self.forward(x)


def test_predict_sees_arrays_and_classes_change() -> None:
    model = nn.Sequential(Scaled())
    nn.predict(model, X)
    model.layers[0].scale[1] = 0.0
    np.testing.assert_allclose(nn.predict(model, X), 2.0 * (X[:, 0] + X[:, 2]), rtol=1e-12)
    model.layers[0].__class__ = Negative
    np.testing.assert_allclose(nn.predict(model, X), -2.0 * (X[:, 0] + X[:, 2]), rtol=1e-12)


@pytest.mark.parametrize("make", [lambda: nn.MLP(3, [1], seed=0), Scaled])
def test_predict_does_not_keep_the_model_alive(make: Any) -> None:
    model = make()
    nn.predict(model, X)
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (lambda m: nn.predict(X, m), TypeError, r"predict\(model, X\): model must be a Module, got a NumPy array"),
        (lambda m: nn.predict(m, X[:, :2]), ValueError, "the input must have 3 numbers, got 2"),
        (
            lambda m: nn.predict(m, X[0]),
            ValueError,
            r"numbers, got 1. X must be .* one row each. For one .* write \[\[1",
        ),
        (lambda m: nn.predict(m, X[0], compiled=False), ValueError, r"numbers, got 1. X must be a list of examples"),
        (
            lambda m: nn.compile_step(m, nn.mse, nn.SGD(m.parameters()))(X[:, 0], X[:, :2]),
            ValueError,
            "X must be a list",
        ),
        (lambda m: nn.predict(m, []), ValueError, "at least one example"),
        (lambda m: nn.predict(m, WITH_NAN), ValueError, r"X\[2, 1\]"),
    ],
)
def test_bad_input_of_predict_is_named(given: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        given(nn.MLP(3, [2], seed=0))
