"""Data, losses and runs: an input that has no right answer is refused, with what to do. One line a case."""

import math
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import pytest

import autograd as ag
import nn
from autograd import Value
from tests.support.small_models import MASKED, REFUSED, Case, Line, X, fit, mlp, sgd, two, y

BCE, CE = nn.binary_cross_entropy_with_logits, nn.cross_entropy


def steps(loss: Any, *targets: Any, outputs: int = 1) -> list[float]:
    model = mlp(outputs)
    step = nn.compile_step(model, loss, sgd(model))
    return [step(X, t) for t in targets]


def pinball(y_true: Any, y_pred: Any) -> Any:
    return ag.maximum(0.9 * (y_true - y_pred), -0.1 * (y_true - y_pred))


def through_math(self: Any, x: Any) -> Any:
    return self.slope * math.tanh(self.slope * x[0])


def slope_of(model: Any) -> Any:
    return ag.grad(lambda m: m.slope**2)(model)["slope"]


def plain(loss: Any = nn.mse, forward: Any = None, **options: Any) -> Any:
    return fit(Line(forward), loss, compiled=False, **options)


def closing(loss: Any) -> Any:
    """fit with a loss that also takes the model, through a closure."""
    model: Any = Line()
    vars(model)["program"] = ag.jit(lambda x: model.slope * x)
    return fit(model, lambda z, t: loss(model, z, t), compiled=True)


def lossy(z: Any, t: Any) -> Any:
    return (float(z) - t) ** 2 + 0.0 * z


def other_model(z: Any, t: Any, other: Any = mlp()) -> Any:  # noqa: B008
    return (other(X[0]) - t) ** 2


def chance() -> dict[str, Callable[[Any, Any], Any]]:
    def count(self: Any, x: Any) -> Any:
        self.n = getattr(self, "n", 0) + 1
        return self.slope * x[0] / self.n

    return {
        "numpy's random numbers": lambda self, x: self.slope * x[0] * np.random.rand(),  # noqa: NPY002
        "a generator of another name": lambda self, x: self.slope * x[0] * self.noise.random(),
        "a counter": count,
    }


LOSSES: list[Case] = [
    ("a column against numbers", lambda: nn.mse(two(), [[1.0], [2.0]]), r"y\[:, 0\]"),
    ("numbers against a column", lambda: nn.mse([[p] for p in two()], [1.0, 2.0]), "lists of the same length"),
    ("a table against another", lambda: nn.mse(np.ones((2, 2)), np.ones((2, 3))), "lists of the same length"),
    ("masked targets", lambda: nn.mse(two(), MASKED), "must not have masked entries"),
    ("masked labels", lambda: CE([two(), two()], np.ma.array([0, 1], mask=[0, 1])), "masked entries"),
    ("targets in a set", lambda: nn.mse(two(), {1.0, 2.0}), "lists of the same length"),
    ("targets in a dict", lambda: nn.mse(two(), {0: 1.0, 1: 2.0}), "lists of the same length"),
    ("bce, arguments swapped", lambda: BCE([1, 0], two()), "takes the model's output first, .* Swap them"),
    ("hinge, arguments swapped", lambda: nn.hinge([1, -1], two()), "takes the model's output first, .* Swap them"),
    ("cross entropy, arguments swapped", lambda: CE(1, two()), "lists of the same length"),
    ("hinge, a Value as label", lambda: nn.hinge(Value(0.5), Value(0.5)), "a label must be -1 or 1"),
    ("hinge, a fraction", lambda: nn.hinge(Value(0.5), Fraction(1, 2)), "a label must be -1 or 1"),
    ("hinge, a 0-d array", lambda: nn.hinge(Value(0.5), np.array(0)), "a label must be -1 or 1"),
    ("hinge, False", lambda: nn.hinge(Value(0.5), np.False_), "a label must be -1 or 1"),
    ("hinge, text", lambda: nn.hinge(0.5, "1"), "a label must be a number"),
    ("bce, a Value of 2", lambda: BCE(Value(0.5), Value(2.0)), "a target must be from 0 to 1"),
    ("bce, a 0-d array", lambda: BCE(Value(0.5), np.array(2)), "a target must be from 0 to 1"),
    ("bce, complex", lambda: BCE(Value(0.5), 1j), "a target must be a number"),
    ("bce, nan", lambda: BCE(Value(0.5), math.nan), "a target must be from 0 to 1"),
    ("cross entropy, one class", lambda: CE([Value(3.0)], 0), "must be two or more, .* whose loss is always 0"),
    ("cross entropy, class 1.5", lambda: CE(two(), 1.5), "a label must be the index of a class, got 1.5"),
    ("cross entropy, a Value of 1.5", lambda: CE(two(), Value(1.5)), "a label must be the index of a class"),
    ("cross entropy, class -1", lambda: CE(two(), -1), "a label must be from 0 to 1"),
    ("hinge, a later batch", lambda: steps(nn.hinge, y, y / 2), "a label must be -1 or 1"),
    ("bce, a later batch", lambda: steps(BCE, y > 0, y * 5), "a target must be from 0 to 1"),
    (
        "cross entropy, a later batch",
        lambda: steps(CE, y.astype(int) % 2, np.full(8, 5), outputs=3),
        "must be from 0 to 2",
    ),
]

INPUTS: list[Case] = [
    ("a set as example", lambda: nn.Neuron(2)({1.0, 2.0}), "must be a list of 2 numbers"),
    ("keys as example", lambda: nn.Neuron(2)({1.0: 0, 2.0: 0}.keys()), "must be a list of 2 numbers"),
    ("bytes as example", lambda: nn.Neuron(2)(b"12"), "must be a list of 2 numbers"),
    ("a masked example", lambda: nn.Neuron(2)(MASKED), "an example must not have masked entries"),
    ("a set as batch", lambda: mlp().batch({(1.0, 2.0), (2.0, 1.0)}), "a batch must be in a list"),
    ("a set as batch of a norm", lambda: nn.BatchNorm(1).batch({1.0, 2.0}), "a batch must be in a list"),
    ("a dict as batch", lambda: Line().batch({(1.0, 2.0): 0}), "a batch must be in a list"),
    ("a set in a Residual", lambda: nn.Residual(nn.Neuron(1)).batch({1.0, 2.0}), "a batch must be in a list"),
    ("masked X in fit", lambda: fit(mlp(), X=np.ma.array(X, mask=X > 0)), "X must not have masked entries"),
    ("masked y in fit", lambda: fit(mlp(), y=np.ma.array(y, mask=y > 0)), "y must not have masked entries"),
    ("a masked row", lambda: fit(mlp(), X=[MASKED] * 8), "X must not have masked entries"),
    ("masked validation", lambda: fit(mlp(), validation=(X, np.ma.array(y, mask=y > 0))), "validation y must not"),
    ("masked X in predict", lambda: nn.predict(mlp(), np.ma.array(X, mask=X > 0)), "X must not have masked"),
    ("masked X in a step", lambda: steps(nn.mse, np.ma.array(y, mask=y > 0)), "y must not have masked"),
    ("masked y in gradient_flow", lambda: nn.gradient_flow(mlp(), X, np.ma.array(y, mask=y > 0), nn.mse), "y must"),
    ("sets in gradient_flow", lambda: nn.gradient_flow(mlp(), {(1.0, 2.0)}, {1.0}, nn.mse), "must be in a list"),
    ("X and y swapped", lambda: fit(mlp(), X=y, y=X), "must have 2 numbers, got 1"),
    ("a column as y", lambda: fit(mlp(), y=y[:, None]), r"y\[:, 0\]"),
    ("a row as y", lambda: fit(mlp(), y=y[None]), "same number of examples, got 8 and 1"),
    ("nan in y", lambda: fit(mlp(), y=np.where(y > 0, np.nan, y)), "y must be finite"),
    ("a set as X", lambda: fit(mlp(), X={(1.0, 2.0)}, y=[1.0]), "X must be an array of real numbers"),
    ("no examples", lambda: fit(mlp(), X=X[:0], y=y[:0]), "at least one example"),
    ("layer sizes in a set", lambda: nn.MLP(2, {16, 1}), "nouts must be in a list"),  # type: ignore[arg-type]
    ("layer sizes in a dict", lambda: nn.MLP(2, {16: 1}), "nouts must be in a list"),  # type: ignore[arg-type]
    ("weights of nan", lambda: nn.Neuron(2, init=lambda a, b, rng: np.full((b, a), np.nan)), "finite real numbers"),
    ("weights of text", lambda: nn.Neuron(1, init=lambda a, b, rng: np.array([["1"]])), "finite real numbers"),  # type: ignore[arg-type,return-value]
    ("complex weights", lambda: nn.Neuron(1, init=lambda a, b, rng: np.array([[1j]])), "finite real numbers"),  # type: ignore[arg-type,return-value]
    ("masked weights", lambda: nn.Neuron(2, init=lambda a, b, rng: MASKED[None]), "masked entries"),
    ("an index of 1.5", lambda: nn.Embedding(3, 2)(1.5), "a whole number from 0 to 2"),
    ("a Buffer of a set", lambda: nn.Buffer({1.0, 2.0}), "numbers of a Buffer must be in a list"),
    ("a shorter Buffer", lambda: nn.Buffer([0.0, 0.0]).replace([1.0]), "there must be 2 numbers, .* got 1"),
    ("a longer Buffer", lambda: nn.Buffer([0.0]).replace([1.0, 2.0]), "there must be 1 numbers, .* got 2"),
    ("a Buffer of text", lambda: nn.Buffer([0.0]).replace(["1"]), "must be a real number"),
]

FLAGS: list[Case] = [
    ("bias", lambda: nn.Neuron(2, bias="no"), "bias must be True or False"),  # type: ignore[arg-type]
    ("residual", lambda: nn.MLP(2, [2, 1], residual="no"), "residual must be True or False"),  # type: ignore[arg-type]
    ("restore_best", lambda: nn.EarlyStopping(restore_best="no"), "restore_best must be True"),  # type: ignore[arg-type]
    ("resume", lambda: fit(mlp(), resume="no"), "resume must be True or False"),
    ("compiled", lambda: fit(mlp(), compiled="no"), "compiled must be True"),
    ("detect_anomaly", lambda: fit(mlp(), detect_anomaly="no"), "detect_anomaly must be True or False"),
    ("train", lambda: mlp().train("no"), "mode must be True"),  # type: ignore[arg-type]
    ("seed", lambda: nn.Neuron(2, seed=True), "seed must be an int"),
]

TRAINING: list[Case] = [
    (
        "a detached loss",
        lambda: fit(mlp(), lambda z, t: (z.detach() - t) ** 2),
        "must depend on the model's parameters",
    ),
    ("a loss of .data", lambda: fit(mlp(), lambda z, t: Value(z.data - t) ** 2), "must depend on the model's param"),
    ("a loss of another model", lambda: fit(mlp(), other_model), "must depend on the model's parameters"),
    ("a constant loss", lambda: fit(mlp(), lambda z, t: 1.0), "must depend on the model's parameters"),
    ("bce swapped in fit", lambda: fit(mlp(), lambda z, t: BCE(t, z), y=y > 0), "Swap them"),
    ("math in a model", lambda: plain(forward=through_math), r"^fit: .* plain number, so its derivative would be lost"),
    ("math in a loss", lambda: plain(lambda z, t: (math.tanh(z) - t) ** 2 + 0.0 * z), "^fit: .* Use ag.tanh|^fit"),
    ("a float in a penalty", lambda: plain(penalty=lambda m: float(m.slope) ** 2), "^fit: .* plain number"),
    (
        "a parameter as a number",
        lambda: closing(lambda m, z, t: (z - t) ** 2 + float(m.slope) ** 2),
        "a compiled step: ",
    ),
    ("weights as numbers", lambda: closing(lambda m, z, t: (z - m.state_dict()["slope"]) ** 2), "a compiled step: .* "),
    ("a program with a parameter", lambda: closing(lambda m, z, t: (z - m.program(1.0)) ** 2), "through a closure"),
    ("math, seen by gradient_flow", lambda: nn.gradient_flow(Line(through_math), X, y, nn.mse), "^gradient_flow: .* "),
    ("a float, seen by gradient_flow", lambda: nn.gradient_flow(Line(), X, y, lossy), "^gradient_flow: .* plain "),
    ("y_true first", lambda: fit(mlp(), pinball), r"^fit: loss .* pinball\(y_true, y_pred\), which takes y_true first"),
    ("y_true first, in part", lambda: fit(mlp(), partial(pinball)), "takes y_true first. Write loss=lambda .* f\\("),
    ("y_true first, in a step", lambda: steps(pinball, y), "^compile_step: loss .* output, target: pinball"),
    ("y_true first, plain", lambda: plain(pinball), "^fit: loss .* takes y_true first"),
    ("y_true first, seen by gradient_flow", lambda: nn.gradient_flow(mlp(), X, y, pinball), "^gradient_flow: loss"),
    ("the target first", lambda: fit(mlp(), lambda target, z: (z - target) ** 2), "takes target first"),
    ("the output second", lambda: fit(mlp(), lambda y, pred: (pred - y) ** 2), "takes y first"),
    *[
        (name, lambda forward=forward: fit(Line(forward, noise=np.random.default_rng(0))), "the same loss")  # type: ignore[misc]
        for name, forward in chance().items()
    ],
]


@pytest.mark.parametrize(
    ("case", "message"),
    [pytest.param(case, message, id=name) for name, case, message in [*LOSSES, *INPUTS, *FLAGS, *TRAINING]],
)
def test_what_has_no_right_answer_is_refused(case: Callable[[], Any], message: str) -> None:
    with pytest.raises(REFUSED, match=message):
        case()


def test_a_forward_pass_may_draw_from_rng_and_keep_numbers_in_a_buffer() -> None:
    def forward(self: Any, x: Any) -> Any:
        self.count.replace([self.count[0].detach() + 1])
        return self.slope * x[0] * self.rng.random(1)[0]

    model = Line(forward, rng=np.random.default_rng(0), count=nn.Buffer([0.0]))
    assert len(fit(model, epochs=2)) == 2
    assert ag.sum(model.count).data > 0  # type: ignore[attr-defined]


@pytest.mark.parametrize("compiled", [True, False])
def test_a_penalty_may_hold_a_derivative_of_the_model(compiled: bool) -> None:
    model = Line()
    fit(model, lambda z, t: 0.0 * z, penalty=lambda m: slope_of(m) ** 2, compiled=compiled)
    assert model.slope.data == pytest.approx(1.0 - 0.1 * 8.0, rel=1e-12)  # of 4 slope²


def test_a_loss_with_the_output_first_is_taken_whatever_the_names() -> None:
    for loss in (
        lambda y_pred, y_true: (y_pred - y_true) ** 2,
        lambda z, target: (z - target) ** 2,
        lambda y, t: (y - t) ** 2,
    ):
        assert fit(mlp(), loss).loss == fit(mlp()).loss
