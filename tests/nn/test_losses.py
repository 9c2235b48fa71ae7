"""Losses: values against NumPy and mpmath, gradients against closed forms, stability, reductions, clear errors."""

import math
from typing import Any

import mpmath
import numpy as np
import pytest

import autograd as ag
import nn
from autograd import Value


def test_mse_of_one_example_and_of_many() -> None:
    p = Value(3.0)
    loss = nn.mse(p, 1.0)
    loss.backward()
    assert (loss.data, p.grad) == (4.0, 4.0)
    assert nn.mse([1.0, 2.0, 4.0], [1.0, 0.0, 0.0]) == pytest.approx(20 / 3)
    assert nn.mse([[1.0, 2.0], [3.0, 4.0]], [[0.0, 0.0], [0.0, 0.0]]) == pytest.approx(30 / 4)
    assert nn.mse(np.array([1.0, 2.0]), np.array([0, 0])) == 2.5


@pytest.mark.parametrize(
    ("score", "label", "loss", "slope"), [(2.0, 1, 0.0, 0.0), (0.5, 1, 0.5, -1.0), (0.5, -1, 1.5, 1.0)]
)
def test_hinge(score: float, label: int, loss: float, slope: float) -> None:
    s = Value(score)
    result = nn.hinge(s, label)
    result.backward()
    assert (result.data, s.grad) == (loss, slope)


@pytest.mark.parametrize("z", [-1000.0, -40.0, -1.0, 0.0, 1.0, 40.0, 1000.0])
@pytest.mark.parametrize("t", [0, 0.25, 1])
def test_binary_cross_entropy_is_exact_and_stable(z: float, t: float) -> None:
    logit = Value(z)
    loss = nn.binary_cross_entropy_with_logits(logit, t)
    loss.backward()
    with mpmath.workdps(1000):
        p = 1 / (1 + mpmath.exp(-mpmath.mpf(z)))
        expected = -t * mpmath.log(p) - (1 - t) * mpmath.log(1 - p)
        slope = p - t
    assert loss.data == pytest.approx(float(expected), rel=1e-14, abs=5e-324)
    assert logit.grad == pytest.approx(float(slope), rel=1e-14, abs=1e-16)


@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_cross_entropy_and_its_gradient_softmax_less_one_hot(scale: float) -> None:
    numbers = [scale * x for x in (0.5, -1.0, 0.25)]
    logits = [Value(x) for x in numbers]
    loss = nn.cross_entropy(logits, 2)
    loss.backward()
    with mpmath.workdps(50):
        exps = [mpmath.exp(mpmath.mpf(x)) for x in numbers]
        softmax = [e / mpmath.fsum(exps) for e in exps]
        assert loss.data == pytest.approx(float(-mpmath.log(softmax[2])), rel=1e-14)
        for k, (logit, p) in enumerate(zip(logits, softmax)):
            assert logit.grad == pytest.approx(float(p - (k == 2)), rel=1e-12, abs=1e-16)


def test_reductions() -> None:
    scores, labels = [0.0, 0.5], [1, 1]
    assert nn.hinge(scores, labels, reduction="none") == [1.0, 0.5]
    assert nn.hinge(scores, labels, reduction="sum") == 1.5
    assert nn.hinge(scores, labels) == nn.hinge(scores, labels, reduction="mean") == 0.75
    assert nn.cross_entropy([[0.0, 0.0], [0.0, 0.0]], np.array([0, 1])) == pytest.approx(math.log(2))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.mse([1.0], [1.0, 2.0]), ValueError, "lists of the same length, got a list of 1 and a list of 2"),
        (lambda: nn.mse([1.0], 1.0), ValueError, "got a list of 1 and one number"),
        (
            lambda: nn.mse([1.0, 2.0, 3.0], 1),
            ValueError,
            r"such as the one-hot row \[0, 1, 0\] for a class. .* use nn.cross_entropy",
        ),
        (lambda: nn.mse(1.0, [1.0]), ValueError, r"as y\[:, 0\]"),
        (lambda: nn.mse([], []), ValueError, "at least one example"),
        (lambda: nn.mse(1.0, 2.0, reduction="max"), ValueError, "'mean', 'sum' or 'none', got 'max'"),
        (lambda: nn.hinge(1.0, 0), ValueError, "a label must be -1 or 1, got 0"),
        (lambda: nn.binary_cross_entropy_with_logits(1.0, 2), ValueError, "from 0 to 1, got 2"),
        (lambda: nn.cross_entropy([1.0, 2.0], 2), ValueError, "from 0 to 1 for 2 logits, got 2"),
        (lambda: nn.cross_entropy([1.0, 2.0], -1), ValueError, "from 0 to 1 for 2 logits, got -1"),
        (lambda: nn.cross_entropy([1.0, 2.0], 0.5), TypeError, "index of a class, got 0.5"),
        (lambda: nn.cross_entropy(1.0, 0), TypeError, "logits must be a list"),
        (lambda: nn.cross_entropy([1.0, 2.0], [0, 1]), TypeError, "logits must be a list"),
    ],
)
def test_bad_input_is_named(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_a_soft_target_has_a_derivative_too() -> None:
    def loss(p: Any) -> Any:
        return nn.binary_cross_entropy_with_logits(Value(0.7), ag.sigmoid(p))

    share = 1 / (1 + mpmath.exp(-0.3))
    assert ag.grad(loss)(0.3) == pytest.approx(float(-0.7 * share * (1 - share)), rel=1e-14)  # of -z sigmoid(p)
