"""fit: eager and compiled alike, validation, the metric, callbacks, schedules, and what stops a run."""

from typing import Any

import numpy as np
import pytest

import autograd as ag
import nn
from nn.metrics import accuracy
from nn.training import predict as predicting

RNG = np.random.default_rng(0)
ANGLES = RNG.uniform(0, np.pi, 100)
# Two moons: half circles of 50 points each, one upside down and shifted, with noise.
SIDE = np.repeat([-1, 1], 50)
X = np.where(
    SIDE[:, None] < 0,
    np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1),
    np.stack([1 - np.cos(ANGLES), 0.5 - np.sin(ANGLES)], axis=1),
) + RNG.normal(0, 0.1, (100, 2))


def weights(model: nn.Module) -> list[float]:
    return [p.data for p in model.parameters()]


def sgd(model: nn.Module, lr: float = 0.1) -> nn.Optimizer:
    return nn.SGD(model.parameters(), lr=lr, momentum=0.9)


def ridge(model: nn.Module) -> Any:
    return 1e-4 * ag.dot(tuple(model.parameters()), tuple(model.parameters()))


@pytest.mark.parametrize(
    ("options", "epochs"), [({}, 50), ({"norm": "layer", "dropout": 0.1}, 10), ({"norm": "batch"}, 10)]
)
def test_eager_and_compiled_runs_are_alike_on_moons(options: dict[str, Any], epochs: int) -> None:
    histories, models = [], []
    for compiled in (True, False):
        model = nn.MLP(2, [8, 8, 1], "tanh", seed=1, **options)
        histories.append(
            nn.fit(
                model, X, SIDE, nn.hinge, sgd(model), epochs,
                batch_size=16, validation=0.2, metric="accuracy", clip_norm=0.5, penalty=ridge, seed=0,
                compiled=compiled,
            )
        )  # fmt: skip
        models.append(model)
    compiled, eager = (h.to_dict() for h in histories)
    assert compiled["loss"][-1] < compiled["loss"][0]
    for column in ("loss", "validation_loss", "accuracy", "lr"):
        np.testing.assert_allclose(compiled[column], eager[column], rtol=1e-9, atol=1e-9)
    assert list(compiled) == ["epoch", "loss", "validation_loss", "accuracy", "lr", "seconds"]
    np.testing.assert_allclose(weights(models[0]), weights(models[1]), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("compiled", [True, False])
def test_an_epoch_is_one_step_a_batch_in_the_order_of_the_seed(compiled: bool) -> None:
    """The loop written out in NumPy: a linear model, squared error, a penalty, clipped gradients."""
    model = nn.Neuron(2, "linear", init="zeros")
    y = X @ [1.5, -2.0] + 0.5
    history = nn.fit(
        model, X, y, nn.mse, nn.SGD(model.parameters(), lr=0.05), 3, batch_size=30, seed=4, clip_norm=2.0,
        penalty=lambda m: 0.1 * ag.dot(m.w, m.w), compiled=compiled,
    )  # fmt: skip
    w, b, losses, clipped = np.zeros(2), 0.0, [], 0
    for epoch in (1, 2, 3):
        order = np.random.default_rng([4, epoch]).permutation(100)
        total = 0.0
        for rows in np.split(order, [30, 60, 90]):
            error = X[rows] @ w + b - y[rows]
            total += np.sum(error**2) + len(rows) * 0.1 * w @ w
            gradient = np.array([*(2 * X[rows].T @ error / len(rows) + 0.2 * w), 2 * error.mean()])
            norm = np.linalg.norm(gradient)
            if norm > 2.0:
                gradient *= 2.0 / (norm + 1e-6)  # as torch.nn.utils.clip_grad_norm_
                clipped += 1
            w, b = w - 0.05 * gradient[:2], b - 0.05 * gradient[2]
        losses.append(total / 100)
    assert 0 < clipped < 12
    np.testing.assert_allclose(history.loss, losses, rtol=1e-12)
    np.testing.assert_allclose(weights(model), [*w, b], rtol=1e-12)


def test_the_seed_decides_everything_and_none_is_another_each_time() -> None:
    def run(seed: Any) -> list[float]:
        model = nn.MLP(2, [4, 1], seed=0)
        return nn.fit(model, X, SIDE, nn.hinge, sgd(model), 2, validation=0.3, seed=seed).validation_loss

    assert run(3) == run(3) != run(4)
    assert run(np.random.default_rng(3)) == run(np.random.default_rng(3))
    assert run(None) != run(None)


@pytest.mark.parametrize("compiled", [True, False])
def test_small_ints_are_whole_numbers_that_do_not_wrap_around(compiled: bool) -> None:
    model = nn.Neuron(2, "linear", init="zeros")
    data = np.array([[200, 100], [0, 255]], dtype=np.uint8)
    history = nn.fit(
        model, data, data, lambda z, t: (z - (t[0] + t[1])) ** 2, sgd(model, 0.0), 1, seed=0, compiled=compiled
    )
    assert history.loss == [(300**2 + 255**2) / 2]


def test_validation_is_what_the_model_then_gives_without_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predicting, "ROWS", 8)  # the 20 examples are computed 8, 8 and 4 at a time
    model = nn.MLP(2, [4, 1], seed=0, dropout=0.5)
    held = (X[:20], SIDE[:20])
    history = nn.fit(model, X[20:], SIDE[20:], nn.hinge, sgd(model), 2, validation=held, metric="accuracy", seed=0)
    model.eval()
    scores = np.array([float(model(x)) for x in X[:20]])
    assert history.validation_loss[-1] == pytest.approx(np.maximum(0, 1 - SIDE[:20] * scores).mean(), rel=1e-12)
    assert history.metric[-1] == np.mean(np.sign(scores) == SIDE[:20])


def test_a_metric_without_validation_is_taken_over_the_training_examples() -> None:
    def largest_error(outputs: Any, targets: Any) -> float:
        return float(np.abs(outputs - targets).max())

    model = nn.Neuron(2, "linear", seed=0)
    history = nn.fit(model, X, X[:, 0], nn.mse, sgd(model, 0.01), 1, metric=largest_error, seed=0)
    (found,) = history.to_dict()["largest_error"]
    assert found == pytest.approx(largest_error([float(model(x)) for x in X], X[:, 0]), rel=1e-14)
    assert "validation_loss" not in history.to_dict()


def test_a_metric_whose_name_is_taken_or_none_is_called_metric() -> None:
    def loss(outputs: Any, targets: Any) -> float:
        return 0.25

    for metric in (loss, lambda outputs, targets: 0.25):
        model = nn.Neuron(2, "linear", seed=0)
        columns = nn.fit(model, X, X[:, 0], nn.mse, sgd(model, 0.01), 1, metric=metric, seed=0).to_dict()
        assert columns["metric"] == [0.25] != columns["loss"]


@pytest.mark.parametrize(
    ("outputs", "targets", "wanted"),
    [
        ([0.5, -0.5, 2.0, 0.0], [1, -1, -1, -1], 0.75),
        ([0.5, -0.5, 2.0, 0.0], [1, 0, 0, 0], 0.75),
        ([[1.0, 2.0, 0.0], [3.0, 2.0, 0.0]], [1, 2], 0.5),
        ([[1.0, 2.0, 0.0], [3.0, 2.0, 0.0]], [[0, 1, 0], [0, 0, 1]], 0.5),
    ],
)
def test_accuracy(outputs: Any, targets: Any, wanted: float) -> None:
    assert accuracy(np.array(outputs), np.array(targets)) == wanted


def test_modes_are_as_they_were_afterwards() -> None:
    model = nn.MLP(2, [4, 1], seed=0, dropout=0.5)
    model.layers[0].eval()
    before = [m.training for m in model.modules()]
    seen = []

    def callback(state: nn.TrainingState) -> None:
        seen.append([m.training for m in state.model.modules()])
        state.model.eval()

    nn.fit(model, X, SIDE, nn.hinge, sgd(model), 2, callbacks=[callback], seed=0)
    nn.predict(model, X)
    nn.predict(model, X, compiled=False)
    assert [m.training for m in model.modules()] == before
    assert seen == [[True] * len(before)] * 2


def test_the_schedule_steps_after_each_epoch() -> None:
    model = nn.MLP(2, [4, 1], seed=0)
    optimizer = sgd(model)
    history = nn.fit(model, X, SIDE, nn.hinge, optimizer, 4, schedule=nn.StepLR(optimizer, 2, gamma=0.5), seed=0)
    assert history.lr == [0.1, 0.1, 0.05, 0.05]
    assert optimizer.lr == 0.025


@pytest.mark.parametrize(("mode", "column"), [("min", "validation_loss"), ("max", "accuracy")])
def test_reduce_on_plateau_follows_the_validation_loss_or_the_metric(mode: str, column: str) -> None:
    model = nn.MLP(2, [4, 1], seed=0)
    optimizer = sgd(model, 1.0)
    schedule = nn.ReduceLROnPlateau(optimizer, mode=mode, patience=1, factor=0.5)
    history = nn.fit(
        model, X, SIDE, nn.hinge, optimizer, 12, schedule=schedule, validation=0.3, metric="accuracy", seed=0
    )
    other = nn.ReduceLROnPlateau(nn.SGD([ag.Value(0.0)], lr=1.0), mode=mode, patience=1, factor=0.5)
    rates = []
    for x in history.to_dict()[column]:
        rates.append(other.optimizer.lr)
        other.step(x)
    assert history.lr == rates
    assert rates[-1] < 1.0


@pytest.mark.parametrize("compiled", [True, False])
def test_what_a_callback_changes_in_the_model_counts_from_the_next_epoch(compiled: bool) -> None:
    def callback(state: nn.TrainingState) -> None:
        state.model.activation = ag.sin

    model = nn.Neuron(2, "linear", seed=0)
    history = nn.fit(
        model, X, SIDE, nn.mse, sgd(model, 0.0), 2, validation=(X, SIDE), callbacks=[callback], compiled=compiled
    )
    sums = np.array([float(ag.dot(model.w, tuple(x), model.b)) for x in X])
    assert history.loss == pytest.approx([np.mean((sums - SIDE) ** 2), np.mean((np.sin(sums) - SIDE) ** 2)], rel=1e-12)
    assert history.validation_loss == pytest.approx(history.loss, rel=1e-12)


def test_callbacks_see_each_epoch_change_the_model_and_stop() -> None:
    model = nn.MLP(2, [4, 1], seed=0)
    seen = []

    def callback(state: nn.TrainingState) -> None:
        seen.append((state.epoch, len(state.history), state.epochs, state.optimizer.lr))
        state.model.load_state_dict({k: np.zeros_like(x) for k, x in state.model.state_dict().items()})
        state.stop = state.epoch == 2

    history = nn.fit(model, X, SIDE, nn.hinge, sgd(model), 5, callbacks=[callback], seed=0)
    assert seen == [(1, 1, 5, 0.1), (2, 2, 5, 0.1)]
    assert set(weights(model)) == {0.0}
    assert history.stopped
    assert "stopped by a callback" in repr(history)


@pytest.mark.parametrize("epochs", [30, 12])
def test_early_stopping_waits_and_goes_back_to_the_best_epoch(epochs: int) -> None:
    # With labels at random what is learned is noise: the validation loss soon gets worse.
    y = np.random.default_rng(1).choice([-1, 1], 100)
    kept: list[list[float]] = []
    model = nn.MLP(2, [16, 1], "tanh", seed=0)
    stopping = nn.EarlyStopping(patience=10)
    history = nn.fit(
        model, X, y, nn.hinge, sgd(model, 0.3), epochs,
        validation=0.4, seed=0, callbacks=[lambda s: kept.append(weights(s.model)), stopping],
    )  # fmt: skip
    best = int(np.argmin(history.validation_loss))
    assert stopping.best_epoch == best + 1
    assert history.stopped == (epochs == 30)
    assert len(history) == min(best + 1 + 10, epochs)
    assert weights(model) == kept[best]


def test_early_stopping_starts_again_in_each_run() -> None:
    stopping = nn.EarlyStopping(patience=2)
    for start in (1.0, 3.0):  # the second run's losses are above all of the first's
        model = nn.Neuron(1, "linear", init="zeros", bias=False)
        model.w[0].data = start
        history = nn.fit(
            model, [[1.0]], [0.0], nn.mse, nn.SGD(model.parameters(), lr=0.01), 5, seed=0, callbacks=[stopping]
        )
        assert len(history) == 5
        assert stopping.best == history.loss[-1]


def test_min_delta_asks_for_more_than_a_little() -> None:
    model = nn.Neuron(1, "linear", init="zeros")
    history = nn.fit(
        model, [[1.0]], [1.0], nn.mse, nn.SGD(model.parameters(), lr=1e-4), 50,
        seed=0, callbacks=[nn.EarlyStopping(patience=3, min_delta=0.5)],
    )  # fmt: skip
    assert len(history) == 4  # the loss falls all the time, but never by 0.5


@pytest.mark.parametrize("compiled", [True, False])
def test_ctrl_c_leaves_the_model_at_the_last_finished_step(compiled: bool) -> None:
    def run(interrupt_at: int) -> tuple[nn.History, nn.Module, nn.Optimizer]:
        model = nn.MLP(2, [4, 1], seed=0)
        optimizer = nn.Adam(model.parameters(), lr=0.01)
        update, steps = optimizer.update, []

        def interrupted(*args: Any) -> Any:
            steps.append(1)
            if len(steps) == interrupt_at:
                update(*args)  # the optimizer's memory has moved by now, the model has not
                raise KeyboardInterrupt
            return update(*args)

        optimizer.update = interrupted  # type: ignore[method-assign]
        return (
            nn.fit(model, X, SIDE, nn.hinge, optimizer, 4, batch_size=20, seed=0, compiled=compiled),
            model,
            optimizer,
        )

    history, model, optimizer = run(13)  # the third step of the third epoch
    whole, _, _ = run(0)
    assert history.interrupted
    assert "interrupted in epoch 3" in repr(history)
    assert history.loss == whole.loss[:2]
    assert model.training
    two_epochs = nn.MLP(2, [4, 1], seed=0)
    other = nn.Adam(two_epochs.parameters(), lr=0.01)
    nn.fit(two_epochs, X, SIDE, nn.hinge, other, 2, batch_size=20, seed=0, compiled=compiled)
    third = X[np.random.default_rng([0, 3]).permutation(100)], SIDE[np.random.default_rng([0, 3]).permutation(100)]
    with nn.compile_step(two_epochs, nn.hinge, other) as step:
        for k in (0, 20):
            step(third[0][k : k + 20], third[1][k : k + 20])
    np.testing.assert_allclose(weights(model), weights(two_epochs), rtol=1e-10)
    assert optimizer.groups[0].steps == 12
    np.testing.assert_allclose(optimizer.groups[0].state["mean"], other.groups[0].state["mean"], rtol=1e-9, atol=1e-15)
