"""Compiled steps of models with norms, residuals, dropout and embeddings: the numbers of the eager loop."""

import copy
from typing import Any

import numpy as np
import pytest

import autograd as ag
import nn
from autograd.jit import TracingError
from nn.training.compiled.compile_step import CompiledStep
from nn.training.step import EagerStep

RNG = np.random.default_rng(0)
X, y = RNG.normal(size=(12, 3)), RNG.normal(size=12)
STEPS = 40


def adam(model: nn.Module) -> nn.Optimizer:
    return nn.Adam(model.parameters(), lr=0.02)


def eager(model: nn.Module, inputs: Any = X) -> list[float]:
    """The losses of a loop over batches of 7 and 5."""
    optimizer, losses = adam(model), []
    for step in range(STEPS):
        rows = slice(0, 7) if step % 2 else slice(7, 12)
        loss = nn.mse(model.batch(list(inputs[rows])), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.data)
    return losses


def compiled(model: nn.Module, inputs: Any = X) -> list[float]:
    with nn.compile_step(model, nn.mse, adam(model)) as step:
        batches = [slice(0, 7) if k % 2 else slice(7, 12) for k in range(STEPS)]
        return [step(inputs[rows], y[rows]) for rows in batches]


def same(a: nn.Module, b: nn.Module, rtol: float = 1e-8) -> None:
    """Everything that both save, including running statistics, and the states of their generators."""
    state, other = a.state_dict(), b.state_dict()
    for name, x in state.items():
        np.testing.assert_allclose(x, other[name], rtol=rtol, atol=1e-10, err_msg=name)
    for m, n in zip(a.modules(), b.modules(), strict=True):
        if hasattr(m, "rng"):
            assert m.rng.bit_generator.state == n.rng.bit_generator.state


@pytest.mark.parametrize("norm", [None, "layer", "batch"])
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_it_trains_as_the_eager_loop_does(norm: Any, residual: bool, dropout: float) -> None:
    # A bias before BatchNorm has no gradient but rounding, of which Adam makes steps: so there is none.
    models = [
        nn.MLP(3, [4, 4, 1], "tanh", norm=norm, residual=residual, dropout=dropout, bias=norm != "batch", seed=1)
        for _ in range(2)
    ]
    np.testing.assert_allclose(compiled(models[1]), eager(models[0]), rtol=1e-9)
    same(models[0], models[1])
    for model in models:
        model.eval()
    np.testing.assert_allclose([models[0](x).data for x in X], [models[1](x).data for x in X], rtol=1e-9)


def test_dropout_example_by_example_is_the_same_stream() -> None:
    models = [nn.MLP(3, [4, 1], dropout=0.5, seed=1) for _ in range(2)]
    with nn.compile_step(models[0], nn.mse, adam(models[0])) as step:
        found = step(X, y)
    assert found == pytest.approx(nn.mse([models[1](x) for x in X], y).data, rel=1e-12)


def test_masks_are_new_at_each_step() -> None:
    model = nn.MLP(3, [8, 1], dropout=0.5, seed=1)
    with nn.compile_step(model, nn.mse, nn.SGD(model.parameters(), lr=0.0)) as step:
        assert len({step(X, y) for _ in range(5)}) == 5


def test_embeddings_train() -> None:
    def model() -> nn.Module:
        return nn.Sequential(nn.Embedding(4, 3, seed=0), nn.Layer(3, 1, "linear", seed=1))

    inputs = np.array([0, 1, 2, 3, 3, 2, 0, 0, 1, 2, 3, 1])
    models = model(), model()
    np.testing.assert_allclose(compiled(models[1], inputs), eager(models[0], inputs), rtol=1e-9)
    same(*models)


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_the_mode_is_looked_up_on_entering_the_context(dropout: float) -> None:
    model = nn.MLP(3, [4, 1], norm="batch", dropout=dropout, seed=1)
    step = nn.compile_step(model, nn.mse, nn.SGD(model.parameters(), lr=0.0))
    with step:
        step(X, y)
    statistics = model.state_dict()["layers.0.layers.1.running_mean"]
    assert statistics.any()
    assert step.program.stats.lanes == 1
    model.eval()
    with step:
        found = step(X, y)
    assert step.program.stats.lanes > 1, "in use examples are independent"
    assert found == pytest.approx(nn.mse([model(x) for x in X], y).data, rel=1e-12)
    assert (model.state_dict()["layers.0.layers.1.running_mean"] == statistics).all()
    model.load_state_dict({k: 2 * x + 1 for k, x in model.state_dict().items()})
    with step:
        found = step(X, y)
    assert found == pytest.approx(nn.mse([model(x) for x in X], y).data, rel=1e-12), "of other statistics"


def test_the_statistics_are_read_on_entering_the_context() -> None:
    norm = nn.BatchNorm(3)
    model = nn.Sequential(norm, nn.Neuron(3, seed=0))
    step = nn.compile_step(model, nn.mse, nn.SGD(model.parameters(), lr=0.0))
    norm.running_mean.replace([10.0, 20.0, 30.0])
    with step:
        step(X, y)
    expected = 0.9 * np.array([10.0, 20.0, 30.0]) + 0.1 * X.mean(0)
    np.testing.assert_allclose(norm.state_dict()["running_mean"], expected, rtol=1e-13)


def test_the_statistics_of_a_step_that_failed_do_not_count() -> None:
    model = nn.MLP(3, [4, 1], norm="batch", seed=1)
    step = nn.compile_step(model, nn.mse, nn.SGD(model.parameters(), lr=0.1))
    step(X, y)
    with pytest.raises(ValueError, match="a batch must have at least two examples in training, got 1"):
        step(X[:1], y[:1])
    reached = model.state_dict()
    twin = nn.MLP(3, [4, 1], norm="batch", seed=1)
    with nn.compile_step(twin, nn.mse, nn.SGD(twin.parameters(), lr=0.1)) as other:
        other(X, y)
    assert all((reached[k] == x).all() for k, x in twin.state_dict().items())


def test_parameters_that_are_not_trained_and_the_penalty() -> None:
    def penalty(model: nn.Module) -> Any:
        return 0.1 * ag.dot(tuple(model.parameters()), tuple(model.parameters()))

    models = [nn.MLP(3, [4, 1], norm="batch", seed=1) for _ in range(2)]
    optimizers = [nn.SGD(m.layers[1].parameters(), lr=0.1) for m in models]
    with nn.compile_step(models[0], nn.mse, optimizers[0], penalty) as step:
        found = step(X, y)
    loss = nn.mse(models[1].batch(X), y) + penalty(models[1])
    loss.backward()
    optimizers[1].step()
    assert found == pytest.approx(loss.data, rel=1e-12)
    same(models[0], models[1])


@pytest.mark.parametrize("training", [True, False])
def test_a_users_model_may_draw_from_rng_random(training: bool) -> None:
    class Noisy(nn.Module):
        def __init__(self, kind: str) -> None:
            self.weight, self.rng, self.kind = ag.Value(1.0), np.random.default_rng(0), kind

        def __call__(self, x: Any) -> Any:
            return self.weight * x[0] + ag.sum(list(getattr(self.rng, self.kind)(2)))

    models = [Noisy("random").train(training) for _ in range(2)]
    np.testing.assert_allclose(compiled(models[1]), eager(models[0]), rtol=1e-9)
    same(*models)
    with pytest.raises(AttributeError, match=r"rng\.random\(n\).*got rng\.normal"):
        compiled(Noisy("normal"))


def test_a_users_buffers_are_carried_from_step_to_step() -> None:
    class Counting(nn.Module):
        def __init__(self) -> None:
            self.weight, self.kept = ag.Value(1.0), {"calls": nn.Buffer([0.0]), "largest": nn.Buffer([-9.0])}

        def __call__(self, x: Any) -> Any:
            calls, largest = self.kept["calls"], self.kept["largest"]
            calls.replace([calls[0] + 1])
            largest.replace([ag.maximum(largest[0], x[0])])
            return self.weight * x[1] + calls[0]

    models = [nn.Sequential(Counting()) for _ in range(2)]
    np.testing.assert_allclose(compiled(models[1]), eager(models[0]), rtol=1e-9)
    same(*models)
    assert models[1].state_dict()["layers.0.kept.calls"] == [STEPS * 6]
    assert models[1].state_dict()["layers.0.kept.largest"] == [X[:, 0].max()]


def test_a_model_may_keep_what_it_computed() -> None:
    class Keeping(nn.Module):
        def __init__(self) -> None:
            self.weight, self.kept = ag.Value(1.0), []

        def __call__(self, x: Any) -> Any:
            self.kept = [self.weight * x[0], {"last": self.weight * x[1]}]
            return self.kept[0] + self.kept[1]["last"]

    models = [Keeping() for _ in range(2)]
    models[1](X[0])
    np.testing.assert_allclose(compiled(models[1]), eager(models[0]), rtol=1e-9)
    same(*models)
    kept = models[1].kept
    assert nn.predict(models[1], X) == pytest.approx(models[1].weight.data * (X[:, 0] + X[:, 1]), rel=1e-12)
    assert models[1].kept is kept


def test_a_users_batch_that_branches_is_refused() -> None:
    class Branching(nn.Module):
        def __init__(self) -> None:
            self.norm = nn.BatchNorm(3)

        def batch(self, xs: Any) -> Any:
            return [y[0] if y[0] > 0 else y[1] for y in self.norm.batch(xs)]

    model = Branching()
    with pytest.raises(TracingError, match="test_compiled_layers"):
        compiled(model)


def test_a_copy_trains_alone() -> None:
    model = nn.MLP(3, [4, 1], norm="batch", dropout=0.3, seed=1)
    twin = copy.deepcopy(model)
    before = model.state_dict()
    compiled(twin)
    assert all((before[k] == x).all() for k, x in model.state_dict().items())
    compiled(model)
    same(model, twin)


def test_gradients_do_not_flow_through_buffers() -> None:
    class Scaled(nn.Module):
        """Divided by a running size, which is a number for the gradient."""

        def __init__(self) -> None:
            self.weight, self.size = ag.Value(1.5), nn.Buffer([1.0])

        def __call__(self, x: Any) -> Any:
            z = self.weight * x[0]
            self.size.replace([0.9 * self.size[0].detach() + 0.1 * ag.abs(z)])
            return z / (self.size[0] + 1.0)

    found = []
    for kind in (CompiledStep, EagerStep):
        model = nn.Sequential(Scaled())
        with kind(model, nn.mse, nn.SGD(model.parameters(), lr=0.1)) as step:
            found.append([step(X[:1], y[:1]) for _ in range(5)])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-12)
