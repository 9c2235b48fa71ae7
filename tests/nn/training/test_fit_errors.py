"""fit: bad input is named before anything changes, a nan stops a run."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd as ag
import nn
from autograd import Value

RNG = np.random.default_rng(0)
X, y = RNG.normal(size=(12, 3)), RNG.integers(0, 2, 12)
SIDE = 2 * y - 1
WITH_NAN = np.where(np.arange(36).reshape(12, 3) == 7, np.nan, X)


def weights(model: nn.Module) -> list[float]:
    return [p.data for p in model.parameters()]


class Pair(nn.Module):
    """Its output is a dict, which only its own loss understands."""

    def __init__(self) -> None:
        self.w = Value(1.0)

    def __call__(self, x: Any) -> Any:
        return {"mean": self.w * x[0], "spread": self.w}


class Lookup(nn.Sequential):
    def __init__(self, offset: float = 0.0) -> None:
        super().__init__(nn.Embedding(2, 2, seed=0))
        self.offset = Value(offset)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"model": "MLP"}, TypeError, "fit: model must be a Module, got str"),
        ({"optimizer": "sgd"}, TypeError, "fit: optimizer must be an Optimizer, such as"),
        ({"loss": "mse"}, TypeError, "loss must be a function, got 'mse'"),
        (
            {"X": X[:11]},
            ValueError,
            r"X and y must have the same number of examples, got 11 and 12: .* \(11, 3\) and \(12,\)",
        ),
        (
            {"X": X[:, :2]},
            ValueError,
            r"cannot be called with an example of shape \(2,\): .* the input must have 3 numbers, got 2",
        ),
        (
            {"X": WITH_NAN},
            ValueError,
            r"X must be finite, got 1 numbers that are nan or infinite, the first at X\[2, 1\]",
        ),
        ({"X": X + np.inf}, ValueError, "X must be finite, got 36 numbers that are nan or infinite"),
        ({"y": np.where(y == 1, np.nan, 0.0)}, ValueError, "y must be finite, got .* nan"),
        ({"X": [], "y": []}, ValueError, r"X must be an array with at least one example, got one of shape \(0,\)"),
        ({"X": 3.0}, ValueError, r"at least one example, got one of shape \(\)"),
        ({"X": [[1.0], [1.0, 2.0]]}, ValueError, "rows of different lengths"),
        ({"X": [["a", "b", "c"]] * 12}, TypeError, "X must be an array of real numbers, got an array of <U1"),
        ({"X": X + 1j}, TypeError, "X must be an array of real numbers, got an array of complex128"),
        ({"y": y + 1}, ValueError, "target number .*: cross_entropy: a label must be from 0 to 1 for 2 logits, got 2"),
        ({"y": y - 1}, ValueError, "got -1"),
        ({"y": y * 1.0}, TypeError, r"the index of a class, got 0\.0\. .* y\.astype\(int\)"),
        ({"y": y[:, None]}, ValueError, "the loss cannot be computed for target number 0"),
        ({"loss": nn.hinge, "model": nn.MLP(3, [1])}, ValueError, "hinge: a label must be -1 or 1, got 0"),
        ({"loss": lambda z, t: z}, TypeError, "the loss of one example must be one number, got"),
        ({"batch_size": 0}, ValueError, "batch_size must be a whole number of 1 or more, got 0"),
        ({"batch_size": 2.5}, TypeError, "batch_size must be a whole number of 1 or more, got 2.5"),
        ({"epochs": -1}, ValueError, "epochs must be a whole number of 0 or more, got -1"),
        ({"epochs": 2.0}, TypeError, r"epochs must be a whole number of 0 or more, got 2\.0"),
        ({"validation": 1.5}, ValueError, "validation must be a fraction above 0 and below 1"),
        ({"validation": 0.01}, ValueError, "that takes at least one of the 12 examples"),
        ({"validation": "some"}, TypeError, r"validation must be a pair \(X, y\) or a fraction"),
        ({"validation": (X, y[:3])}, ValueError, "validation X and validation y must have the same number of examples"),
        (
            {"validation": (X[:, :2], y)},
            ValueError,
            r"the rows of validation X must have the shape of those of X, \(3,\), got \(2,\)",
        ),
        ({"validation": (X, y + 1)}, ValueError, "a label must be from 0 to 1 for 2 logits, got 2"),
        ({"metric": "f1"}, ValueError, "metric must be 'accuracy' or a function"),
        ({"metric": lambda outputs, targets: None}, TypeError, "must return one real number, got None"),
        (
            {"metric": "accuracy", "y": y * 0.5, "loss": lambda z, t: z[0] * z[0]},
            ValueError,
            "needs labels from 0 to 1",
        ),
        ({"loss": lambda z, t: 1.0}, TypeError, "the loss must depend on the model"),
        ({"penalty": lambda m: "much"}, TypeError, "the penalty must return one number, got 'much'"),
        (
            {"model": Pair(), "loss": lambda z, t: z["mean"], "validation": 0.5},
            TypeError,
            "the output for an example must be a number or a list of numbers, got dict",
        ),
        ({"model": Lookup(), "X": y + 1}, ValueError, r"example of shape \(\): .* a whole number from 0 to 1, got 2"),
        ({"model": Lookup(math.nan), "X": y}, ValueError, "the model's parameter offset is nan or infinite"),
        ({"clip_norm": 0.0}, ValueError, "clip_norm must be a finite number above 0, got 0.0"),
        ({"callbacks": [nn.EarlyStopping]}, TypeError, r"got a class. Write EarlyStopping\(\)"),
        ({"checkpoint": __file__}, NotADirectoryError, "checkpoint must be the path of a directory, but .* is a file"),
        ({"validation": X}, TypeError, r"or a fraction of the .*, got a NumPy array of shape \(12, 3\)"),
        (
            {"X": X[:, 0]},
            ValueError,
            r"the input must have 3 numbers, got 1. X must be a list of examples, one row each. For one example",
        ),
        ({"callbacks": [3]}, TypeError, "a callback must be a function, got 3"),
        ({"callbacks": nn.EarlyStopping()}, TypeError, r"a list of functions, such as \[nn.EarlyStopping\(\)\], got"),
        ({"seed": -1}, ValueError, "seed must be an int of 0 or more"),
        ({"seed": "one"}, TypeError, "seed must be an int, a NumPy Generator or None, got 'one'"),
        ({"schedule": 0.1}, TypeError, "schedule must be a Scheduler, such as nn.StepLR"),
        (
            {"schedule": nn.StepLR(nn.SGD([Value(0.0)]), 3)},
            ValueError,
            "schedule must be made from the optimizer that fit is given",
        ),
        ({"optimizer": nn.SGD([Value(0.0)])}, ValueError, "the optimizer's parameters must be the model's"),
        ({"resume": True, "checkpoint": None}, ValueError, "resume=True needs a checkpoint. Pass checkpoint="),
        ({"checkpoint": 3}, TypeError, "checkpoint must be the path of a directory, got 3"),
        ({"batchsize": 3}, TypeError, "unexpected keyword argument 'batchsize'"),
        ({"model": nn.MLP(3, [2, 2], norm="batch"), "batch_size": 11}, ValueError, "the last batch .* BatchNorm"),
    ],
)
def test_bad_input_is_named_and_changes_nothing(
    change: dict[str, Any], error: type[Exception], message: str, tmp_path: Path
) -> None:
    model = change.get("model", nn.MLP(3, [4, 2], seed=0))
    optimizer = nn.SGD(model.parameters(), lr=0.1, momentum=0.9) if isinstance(model, nn.Module) else None
    given = {
        "X": X,
        "y": y,
        "loss": nn.cross_entropy,
        "optimizer": optimizer,
        "epochs": 2,
        "checkpoint": tmp_path / "run",
    }
    before = weights(model) if isinstance(model, nn.Module) else None
    with pytest.raises(error, match=message):
        nn.fit(**{"model": model, **given, **change})
    if optimizer is not None:
        assert np.array_equal(weights(model), before, equal_nan=True)
        assert (optimizer.groups[0].state, optimizer.groups[0].steps) == ({}, 0)
        assert all(module.training for module in model.modules())
    assert not (tmp_path / "run").exists()


def test_a_model_may_give_what_only_its_loss_understands() -> None:
    model = Pair()
    nn.fit(model, [[1.0]], [3.0], lambda z, t: (z["mean"] * z["spread"] - t) ** 2, nn.SGD([model.w], lr=0.1), 1, seed=0)
    assert model.w.data == pytest.approx(1.0 + 0.1 * 2 * 2.0 * 2 * 1.0, rel=1e-12)  # d/dw (w² - 3)² = 2 (w² - 3) 2 w


def test_no_epochs_are_no_change() -> None:
    model = nn.MLP(3, [2], seed=0)
    before = weights(model)
    history = nn.fit(model, X, y, nn.cross_entropy, nn.SGD(model.parameters()), 0)
    assert (len(history), weights(model)) == (0, before)


class Root(nn.Module):
    """√(w · x) - a nan as soon as w · x is negative."""

    def __init__(self) -> None:
        self.w = Value(1.0, label="w")

    def __call__(self, x: Any) -> Any:
        return ag.sqrt(self.w * x)


@pytest.mark.parametrize("compiled", [True, False])
def test_a_nan_stops_the_run_names_epoch_and_batch_and_leaves_the_last_good_step(compiled: bool) -> None:
    # d/dw of √(w x) is x / (2 √(w x)) = 1/2 at x = w = 1, then 1 / (2 √0.7): w is 1, 0.7, 0.34..., -0.17...
    def run(**options: Any) -> tuple[Root, nn.Optimizer, str]:
        model = Root()
        optimizer = nn.SGD(model.parameters(), lr=0.6, momentum=1e-300)
        with pytest.raises(FloatingPointError) as error:
            nn.fit(
                model, [1.0, 1.0], [0.0, 0.0], lambda z, t: z - t, optimizer, 3,
                batch_size=1, seed=0, compiled=compiled, **options,
            )  # fmt: skip
        return model, optimizer, str(error.value)

    model, optimizer, message = run()
    w = [1.0]
    while w[-1] >= 0:
        w.append(w[-1] - 0.6 / (2 * math.sqrt(w[-1])))
    assert "the loss is nan in epoch 2, batch 2 of 2" in message
    assert "detect_anomaly=True" in message
    assert len(w) == 4
    assert model.w.data == pytest.approx(w[3], rel=1e-12)
    assert optimizer.groups[0].steps == 3
    assert "sqrt(x) made nan from x = -0.1" in run(detect_anomaly=True)[2]


@pytest.mark.parametrize("compiled", [True, False])
def test_a_gradient_without_bounds_does_not_reach_the_model(compiled: bool) -> None:
    model = Root()
    optimizer = nn.Adam(model.parameters(), lr=0.1)
    with pytest.raises(FloatingPointError, match=r"the gradient is nan or infinite in epoch 1, batch 1 of 1"):
        nn.fit(model, [0.0], [0.0], nn.mse, optimizer, 1, seed=0, compiled=compiled)  # 2 √0 · ∞ is nan
    assert (model.w.data, optimizer.groups[0].steps, optimizer.groups[0].state) == (1.0, 0, {})


def test_a_broken_loss_leaves_the_running_statistics_too() -> None:
    model = nn.MLP(3, [4, 1], norm="batch", seed=0)
    before = {name: x.tolist() for name, x in model.state_dict().items()}

    def broken(z: Any, t: Any) -> Any:
        return z / (t - t)

    with pytest.raises(FloatingPointError, match="epoch 1, batch 1 of 2"):
        nn.fit(model, X, SIDE, broken, nn.SGD(model.parameters()), 1, batch_size=6, seed=0)
    assert {name: x.tolist() for name, x in model.state_dict().items()} == before
