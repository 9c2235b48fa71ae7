"""SGD against PyTorch's published formula, computed independently in NumPy, and its checks of what it is given."""

from typing import Any

import numpy as np
import pytest

import autograd as ag
import nn
from autograd import Value

CURVATURE = np.array([1.0, 10.0, 0.3])
START = np.array([3.0, -2.0, 5.0])


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.9, False), (0.9, True)])
def test_a_trajectory_of_200_steps_is_that_of_the_published_formula(
    momentum: float, nesterov: bool, weight_decay: float
) -> None:
    xs = [Value(x) for x in START.tolist()]
    optimizer = nn.SGD(xs, lr=0.03, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay)
    theta, buffer = START.copy(), None
    for step in range(200):
        loss = ag.sum([c * x * x for c, x in zip(CURVATURE.tolist(), xs)]) + ag.sin(xs[0] * xs[1])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

        # torch.optim.SGD, from its documentation
        cosine = np.cos(theta[0] * theta[1])
        g = 2 * CURVATURE * theta + np.array([theta[1] * cosine, theta[0] * cosine, 0.0])
        if weight_decay != 0:
            g = g + weight_decay * theta
        if momentum != 0:
            buffer = momentum * buffer + g if step > 0 else g
            g = g + momentum * buffer if nesterov else buffer
        theta = theta - 0.03 * g
        np.testing.assert_allclose([x.data for x in xs], theta, rtol=1e-12)


def test_the_learning_rate_may_change_between_steps() -> None:
    x = Value(1.0)
    optimizer = nn.SGD([x], lr=0.5)
    x.grad = 1.0
    optimizer.lr = 0.25
    optimizer.step()
    assert x.data == 0.75
    with pytest.raises(ValueError, match="got -1"):
        optimizer.lr = -1
    assert optimizer.lr == 0.25


def test_zero_grad() -> None:
    x = Value(1.0)
    x.grad = 3.0
    nn.SGD([x], lr=0.1).zero_grad()
    assert x.grad == 0.0


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda x: nn.SGD([x], lr=-0.1), ValueError, "learning rate lr must be a finite number of 0 or more, got -0.1"),
        (lambda x: nn.SGD([x], lr=float("nan")), ValueError, "got nan"),
        (lambda x: nn.SGD([x], lr=float("inf")), ValueError, "lr must be a finite number of 0 or more, got inf"),
        (lambda x: nn.SGD([x], lr=True), TypeError, "lr must be a finite number of 0 or more, got True"),
        (lambda x: nn.SGD([x], lr="fast"), TypeError, "got 'fast'"),
        (lambda x: nn.SGD([x], lr=0.1, momentum=0.9, nesterov=1), TypeError, "nesterov must be True or False, got 1"),
        (
            lambda x: nn.SGD([x], lr=0.1, momentum=-1),
            ValueError,
            "momentum must be a finite number of 0 or more, got -1",
        ),
        (
            lambda x: nn.SGD([x], lr=0.1, weight_decay=-1),
            ValueError,
            "weight_decay must be a finite number of 0 or more, got -1",
        ),
        (lambda x: nn.SGD([x], lr=0.1, nesterov=True), ValueError, "nesterov needs momentum"),
        (lambda x: nn.SGD([], lr=0.1), ValueError, "parameters must hold at least one Value"),
        (lambda x: nn.SGD([x, x], lr=0.1), ValueError, "duplicate parameter. Pass each parameter once"),
        (lambda x: nn.SGD([x * 2], lr=0.1), TypeError, "a parameter must be a leaf Value"),
        (lambda x: nn.SGD([1.0], lr=0.1), TypeError, "a parameter must be a leaf Value, got float 1.0"),
        (lambda x: nn.SGD(nn.Neuron(1), lr=0.1), TypeError, r"SGD: .* got Neuron. Pass model.parameters\(\)"),
        (lambda x: nn.SGD(3, lr=0.1), TypeError, r"got int 3. Pass model.parameters\(\)"),
        (lambda x: nn.clip_grad_norm(nn.Neuron(1), 1.0), TypeError, r"clip_grad_norm: .* got Neuron. Pass model.param"),
        (lambda x: nn.clip_grad_value(nn.Neuron(1), 1.0), TypeError, r"clip_grad_value: .* got Neuron. Pass model.pa"),
    ],
)
def test_bad_input_is_named(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make(Value(1.0))


def test_repr_shows_the_groups_and_their_options() -> None:
    optimizer = nn.SGD([{"params": [Value(0.0), Value(0.0)]}, {"params": [Value(0.0)], "lr": 0.5}], lr=0.1)
    text = repr(optimizer)
    assert text.startswith("SGD (\nParameter Group 0: 2 parameters\n    lr: 0.1\n    momentum: 0.0\n")
    assert "Parameter Group 1: 1 parameter\n    lr: 0.5\n" in text
