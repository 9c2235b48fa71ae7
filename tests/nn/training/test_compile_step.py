"""The compiled training step: it trains as the eager loop does, and the model never holds half a step."""

from typing import Any

import numpy as np
import pytest

import autograd as ag
import nn
from autograd.jit import TracingError
from nn.training.compiled.compile_step import CompiledStep, compile_step
from nn.training.step import EagerStep, Step

RNG = np.random.default_rng(0)
X, y = RNG.normal(size=(20, 2)), RNG.choice([-1.0, 1.0], 20)


OUTER = nn.Neuron(2, "linear", seed=0)


def penalty(model: nn.Module) -> Any:
    return 1e-3 * ag.dot(tuple(model.parameters()), tuple(model.parameters()))


def eager(model: nn.Module, optimizer: nn.Optimizer, loss: Any, steps: int) -> list[float]:
    losses = []
    for _ in range(steps):
        total = loss([model(x) for x in X], y.tolist()) + penalty(model)
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        losses.append(total.data)
    return losses


def momentum(parameters: Any) -> nn.Optimizer:
    return nn.SGD(parameters, lr=0.1, momentum=0.9)


def adam(parameters: Any) -> nn.Optimizer:
    return nn.Adam(parameters, lr=0.01)


# Not Adam with hinge: there a gradient that cancels to zero is rounded to 1e-17, of which Adam makes a step.
@pytest.mark.parametrize(("loss", "make"), [(nn.hinge, momentum), (nn.mse, momentum), (nn.mse, adam)])
def test_it_trains_as_the_eager_loop_does(loss: Any, make: Any) -> None:
    models = [nn.MLP(2, [5, 1], "tanh", seed=3) for _ in range(2)]
    wanted = eager(models[0], make(models[0].parameters()), loss, 10)
    with compile_step(models[1], loss, make(models[1].parameters()), penalty) as step:
        found = [step(X, y) for _ in range(10)]
    assert np.allclose(found, wanted, rtol=1e-10)
    assert np.allclose([p.data for p in models[1].parameters()], [p.data for p in models[0].parameters()], rtol=1e-9)


def weights(model: nn.Module) -> list[float]:
    return [p.data for p in model.parameters()]


def test_a_step_that_fails_leaves_the_last_finished_one() -> None:
    model = nn.MLP(2, [3, 1], seed=0)
    step = compile_step(model, nn.mse, nn.SGD(model.parameters(), lr=0.1))
    with step:
        step(X, y)
        with pytest.raises(ValueError, match="the same number of examples, at least one"):
            step(X, y[:-1])
    reached = weights(model)
    assert reached == step.flat.tolist() != weights(nn.MLP(2, [3, 1], seed=0))
    with pytest.raises(ValueError, match="the input must have 2 numbers"):
        step(np.ones((4, 3)), np.ones(4))
    assert weights(model) == reached


def test_a_call_outside_of_a_block_reads_and_writes_the_model() -> None:
    models = [nn.MLP(2, [3, 1], norm="batch", seed=0) for _ in range(2)]
    steps = [compile_step(m, nn.mse, momentum(m.parameters())) for m in models]
    for _ in range(3):
        loss = steps[0](X, y)
        with steps[1]:
            assert steps[1](X, y) == loss
        assert {k: x.tolist() for k, x in models[0].state_dict().items()} == {
            k: x.tolist() for k, x in models[1].state_dict().items()
        }
        for model in models:
            model.parameters()[0].data += 1.0
    assert weights(models[0]) != weights(nn.MLP(2, [3, 1], norm="batch", seed=0))


def test_a_model_with_other_parts_is_compiled_again() -> None:
    model = nn.MLP(2, [3, 1], seed=0)
    step = compile_step(model, nn.mse, nn.SGD(model.parameters(), lr=0.0))
    step(X, y)
    program = step.program
    model.layers[1].neurons[0].w[0].data += 1.0
    step(X, y)
    assert step.program is program
    model.layers[0].neurons[0].activation = ag.sin
    assert step(X, y) == pytest.approx(nn.mse([model(x) for x in X], y.tolist()).data, rel=1e-12)
    model.layers[1].neurons[0].b = ag.Value(0.5)
    with pytest.raises(ValueError, match=r"must be the model's. Make it from model\.parameters\(\)"):
        step(X, y)


@pytest.mark.parametrize(
    ("loss", "extra"),
    [(lambda z, t: (z - t) ** 2 + OUTER.w[0] ** 2, None), (nn.mse, lambda model: OUTER.w[0] ** 2)],
)
def test_a_parameter_that_would_be_left_out_of_the_gradient_is_named(loss: Any, extra: Any) -> None:
    before = weights(OUTER)
    step = compile_step(OUTER, loss, nn.SGD(OUTER.parameters(), lr=0.1), extra)
    with pytest.raises(ValueError, match=r"uses the parameter w\.0 through a closure, so it would not be trained"):
        step(X, y)
    assert weights(OUTER) == before
    others = nn.SGD([OUTER.b], lr=0.1)  # the weights are constants then
    wanted = np.mean([float(loss(OUTER(x), t)) for x, t in zip(X, y)]) + (extra(OUTER).data if extra else 0.0)
    assert compile_step(OUTER, loss, others, extra)(X, y) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("kind", [CompiledStep, EagerStep])
def test_gradients_are_clipped_to_a_norm(kind: type[Step]) -> None:
    models = [nn.MLP(2, [3, 1], seed=0) for _ in range(2)]
    optimizers = [nn.SGD(m.parameters(), lr=0.1) for m in models]
    with kind(models[0], nn.mse, optimizers[0], clip_norm=0.3) as step:
        step(X, y)
    nn.mse([models[1](x) for x in X], y.tolist()).backward()
    assert nn.clip_grad_norm(models[1].parameters(), 0.3) > 0.3
    optimizers[1].step()
    np.testing.assert_allclose(weights(models[0]), weights(models[1]), rtol=1e-12)
    with pytest.raises(ValueError, match="clip_norm must be a finite number above 0, got -1"):
        kind(models[0], nn.mse, optimizers[0], clip_norm=-1)


@pytest.mark.parametrize("kind", [CompiledStep, EagerStep])
@pytest.mark.parametrize(
    ("loss", "targets", "message"),
    [
        (nn.mse, np.full(20, np.nan), "the loss is nan; the step was not taken"),
        (lambda z, t: (z * z + 1.0) * 1e308 * 10.0, y, "the loss is inf"),
        (lambda z, t: ag.sqrt(0.0 * z), y, "the gradient is nan or infinite"),
    ],
)
def test_a_step_without_finite_loss_and_gradient_is_not_taken(
    kind: type[Step], loss: Any, targets: Any, message: str
) -> None:
    model = nn.MLP(2, [3, 1], seed=0)
    optimizer = nn.Adam(model.parameters())
    before = weights(model)
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match=message):
        kind(model, loss, optimizer)(X, targets)
    assert (weights(model), optimizer.groups[0].steps, optimizer.groups[0].state) == (before, 0, {})


def test_a_loss_that_branches_is_refused() -> None:
    model = nn.Neuron(2, "linear", seed=0)
    step = compile_step(model, lambda z, t: z if z > t else t, nn.SGD(model.parameters(), lr=0.1))
    with pytest.raises(TracingError, match="test_compile_step"):
        step(X, y)


def test_parameters_that_the_optimizer_does_not_have_stay() -> None:
    model = nn.MLP(2, [3, 1], seed=0)
    fixed = [p.data for p in model.layers[0].parameters()]
    with compile_step(model, nn.mse, nn.SGD(model.layers[1].parameters(), lr=0.1)) as step:
        first = step(X, y)
        assert step(X, y) < first
    assert [p.data for p in model.layers[0].parameters()] == fixed
    with pytest.raises(ValueError, match="must be the model's"):
        compile_step(model.layers[0], nn.mse, nn.SGD(model.parameters(), lr=0.1))


def test_batches_of_other_sizes() -> None:
    model = nn.MLP(2, [3, 1], seed=0)
    with compile_step(model, nn.mse, nn.SGD(model.parameters(), lr=0.0)) as step:
        for size in (1, 8, 20):
            wanted = nn.mse([model(x) for x in X[:size]], y[:size].tolist()).data
            assert step(X[:size], y[:size]) == pytest.approx(wanted, rel=1e-12)


def test_labels_that_no_program_would_refuse_are_refused_before() -> None:
    model = nn.MLP(2, [1], seed=0)
    step = compile_step(model, nn.hinge, nn.SGD(model.parameters()))
    with pytest.raises(ValueError, match="target number 0: hinge: a label must be -1 or 1, got 0"):
        step(X, 0 * y)


def test_fit_tries_model_and_loss_once() -> None:
    def tries(epochs: int) -> int:
        calls = []

        def loss(output: Any, target: Any) -> Any:
            calls.append(type(output) is ag.Value)  # and not traced
            return nn.mse(output, target)

        model = nn.MLP(2, [1], seed=0)
        nn.fit(model, X, y, loss, nn.SGD(model.parameters()), epochs, batch_size=20, seed=0)
        return sum(calls)

    assert tries(2) == tries(0) + 2, "twice in training, to see whether the model is left to chance"


def test_a_step_is_compiled_anew_when_a_setting_becomes_another_of_the_same_value() -> None:
    """1 == True and 0.0 == -0.0, but a forward pass may tell them apart."""

    class Scaled(nn.Module):
        def __init__(self) -> None:
            self.w, self.mode = ag.Value(2.0), 1

        def __call__(self, x: Any) -> Any:
            return self.w * x * (100.0 if self.mode is True else 1.0)

    model = Scaled()
    step = nn.compile_step(model, nn.mse, nn.SGD(model.parameters(), lr=0.0))
    X, y = np.array([1.0]), np.array([0.0])
    losses = []
    for mode in (1, True, 1):
        model.mode = mode
        losses.append(float(step(X, y)))
    assert losses == [4.0, 40000.0, 4.0]
