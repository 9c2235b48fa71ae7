"""The compiled training step: it trains as the eager loop does, and the model never holds half a step."""

from typing import Any

import numpy as np
import pytest

import autograd as ag
import nn
from autograd.jit import TracingError
from nn.compiled import compile_step

RNG = np.random.default_rng(0)
X, y = RNG.normal(size=(20, 2)), RNG.choice([-1.0, 1.0], 20)


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


def test_the_model_is_written_when_asked_and_on_errors() -> None:
    model = nn.MLP(2, [3, 1], seed=0)
    step = compile_step(model, nn.mse, nn.SGD(model.parameters(), lr=0.1))
    before = [p.data for p in model.parameters()]
    step(X, y)
    assert [p.data for p in model.parameters()] == before
    step.write_back()
    assert [p.data for p in model.parameters()] == step.flat.tolist() != before
    step(X, y)
    with pytest.raises(ValueError, match="as many targets as inputs"):
        step(X, y[:-1])
    reached = step.flat.tolist()
    with pytest.raises(ValueError, match="takes 2 inputs"):
        step(np.ones((4, 3)), np.ones(4))
    assert [p.data for p in model.parameters()] == reached


def test_a_loss_that_branches_is_told_so() -> None:
    model = nn.Neuron(2, "linear", seed=0)
    step = compile_step(model, lambda z, t: z if z > t else t, nn.SGD(model.parameters(), lr=0.1))
    with pytest.raises(TracingError, match="test_nn_compiled"):
        step(X, y)


def test_parameters_that_the_optimizer_does_not_have_stay() -> None:
    model = nn.MLP(2, [3, 1], seed=0)
    fixed = [p.data for p in model.layers[0].parameters()]
    with compile_step(model, nn.mse, nn.SGD(model.layers[1].parameters(), lr=0.1)) as step:
        first = step(X, y)
        assert step(X, y) < first
    assert [p.data for p in model.layers[0].parameters()] == fixed
    with pytest.raises(ValueError, match="not the model's"):
        compile_step(model.layers[0], nn.mse, nn.SGD(model.parameters(), lr=0.1))


def test_batches_of_other_sizes() -> None:
    model = nn.MLP(2, [3, 1], seed=0)
    with compile_step(model, nn.mse, nn.SGD(model.parameters(), lr=0.0)) as step:
        for size in (1, 8, 20):
            wanted = nn.mse([model(x) for x in X[:size]], y[:size].tolist()).data
            assert step(X[:size], y[:size]) == pytest.approx(wanted, rel=1e-12)
