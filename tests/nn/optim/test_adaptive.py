"""Adam, AdamW, RMSprop, Adagrad, schedules and clipping against PyTorch's published formulas, computed in NumPy."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nn
from autograd import Value

START = np.array([3.0, -2.0, 5.0, 0.1])
CURVATURE = np.array([1.0, 10.0, 0.3, 100.0])
Rule = Callable[[np.ndarray, np.ndarray, int, dict[str, Any]], np.ndarray]


def adam(
    theta: np.ndarray, g: np.ndarray, t: int, s: dict[str, Any], decay: float = 0.0, eps: float = 1e-8
) -> np.ndarray:
    g = g + decay * theta
    s["m"] = 0.9 * s.get("m", 0.0) + 0.1 * g
    s["v"] = 0.99 * s.get("v", 0.0) + 0.01 * g**2
    m_hat, v_hat = s["m"] / (1 - 0.9**t), s["v"] / (1 - 0.99**t)
    return theta - 0.05 * m_hat / (np.sqrt(v_hat) + eps)


def adamw(theta: np.ndarray, g: np.ndarray, t: int, s: dict[str, Any]) -> np.ndarray:
    return adam(theta - 0.05 * 0.1 * theta, g, t, s)


def rmsprop(theta: np.ndarray, g: np.ndarray, t: int, s: dict[str, Any]) -> np.ndarray:
    s["v"] = 0.9 * s.get("v", 0.0) + 0.1 * g**2
    return theta - 0.02 * g / (np.sqrt(s["v"]) + 1e-3)


def rmsprop_all(theta: np.ndarray, g: np.ndarray, t: int, s: dict[str, Any]) -> np.ndarray:
    g = g + 0.01 * theta
    s["v"] = 0.9 * s.get("v", 0.0) + 0.1 * g**2
    s["g"] = 0.9 * s.get("g", 0.0) + 0.1 * g
    s["b"] = 0.5 * s.get("b", 0.0) + g / (np.sqrt(s["v"] - s["g"] ** 2) + 1e-8)
    return theta - 0.001 * s["b"]


def adagrad_all(theta: np.ndarray, g: np.ndarray, t: int, s: dict[str, Any]) -> np.ndarray:
    g = g + 0.2 * theta
    s["sum"] = s.get("sum", 0.0) + g**2
    return theta - 0.5 / (1 + (t - 1) * 0.01) * g / (np.sqrt(s["sum"]) + 1e-3)


def adagrad(theta: np.ndarray, g: np.ndarray, t: int, s: dict[str, Any]) -> np.ndarray:
    s["sum"] = s.get("sum", 0.1) + g**2
    return theta - 0.5 / (1 + (t - 1) * 0.01) * g / (np.sqrt(s["sum"]) + 1e-10)


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda p: nn.Adam(p, lr=0.05, betas=(0.9, 0.99)), adam),
        (
            lambda p: nn.Adam(p, lr=0.05, betas=(0.9, 0.99), weight_decay=0.1),
            lambda theta, g, t, s: adam(theta, g, t, s, decay=0.1),
        ),
        (
            lambda p: nn.Adam(p, lr=0.05, betas=(0.9, 0.99), eps=0.01),
            lambda theta, g, t, s: adam(theta, g, t, s, eps=0.01),
        ),
        (lambda p: nn.AdamW(p, lr=0.05, betas=(0.9, 0.99), weight_decay=0.1), adamw),
        (lambda p: nn.RMSprop(p, lr=0.02, alpha=0.9, eps=1e-3), rmsprop),
        (lambda p: nn.RMSprop(p, lr=0.001, alpha=0.9, weight_decay=0.01, momentum=0.5, centered=True), rmsprop_all),
        (lambda p: nn.Adagrad(p, lr=0.5, lr_decay=0.01, initial_accumulator_value=0.1), adagrad),
        (lambda p: nn.Adagrad(p, lr=0.5, lr_decay=0.01, weight_decay=0.2, eps=1e-3), adagrad_all),
    ],
)
def test_200_steps_are_those_of_the_published_formula(make: Any, rule: Rule) -> None:
    xs = [Value(x) for x in START.tolist()]
    optimizer = make(xs)
    theta, state = START.copy(), dict[str, Any]()
    for t in range(1, 201):
        for x, c in zip(xs, CURVATURE.tolist()):
            x.grad = 2 * c * x.data + math.cos(t)  # the second term as noise between batches
        optimizer.step()
        theta = rule(theta, 2 * CURVATURE * theta + math.cos(t), t, state)
        np.testing.assert_allclose([x.data for x in xs], theta, rtol=1e-12, atol=1e-12)


def test_groups_have_options_of_their_own() -> None:
    a, b = Value(1.0), Value(1.0)
    optimizer = nn.SGD([{"params": [a]}, {"params": [b], "lr": 0.5}], lr=0.25)
    a.grad = b.grad = 1.0
    optimizer.step()
    assert (a.data, b.data) == (0.75, 0.5)
    optimizer.lr = 0.125
    assert [g.options["lr"] for g in optimizer.groups] == [0.125, 0.125]


@pytest.mark.parametrize("make", [nn.Adam, nn.AdamW, nn.RMSprop, nn.Adagrad, lambda p: nn.SGD(p, momentum=0.9)])
def test_an_optimizer_goes_on_from_its_state(make: Any) -> None:
    def run(optimizer: Any, xs: list[Value], steps: range) -> list[float]:
        for t in steps:
            for x in xs:
                x.grad = math.sin(x.data + t)
            optimizer.step()
        return [x.data for x in xs]

    xs, ys = [Value(1.0), Value(2.0)], [Value(1.0), Value(2.0)]
    whole = run(make(xs), xs, range(20))
    first = make(ys)
    run(first, ys, range(10))
    second = make(ys)
    second.load_state_dict(first.state_dict())
    assert run(second, ys, range(10, 20)) == whole


def test_a_state_of_another_optimizer_is_refused() -> None:
    optimizer = nn.Adam([Value(1.0)])
    with pytest.raises(ValueError, match="is of the optimizer SGD, not of Adam"):
        optimizer.load_state_dict(nn.SGD([Value(1.0)]).state_dict())
    other = nn.Adam([Value(1.0), Value(2.0)])
    for p in other.parameters:
        p.grad = 1.0
    other.step()
    with pytest.raises(ValueError, match="the state is of 2 parameters, but the group has 1"):
        optimizer.load_state_dict(other.state_dict())


@pytest.mark.parametrize("state", [{}, {"groups": 3}, {"groups": [{"lr": 0.1}]}, {"param_groups": []}])
def test_what_is_not_a_state_of_an_optimizer_is_refused(state: Any) -> None:
    optimizer = nn.Adam([Value(1.0)])
    before = optimizer.state_dict()
    with pytest.raises(ValueError, match=r"Adam: the state must be a dict that state_dict\(\) returned"):
        optimizer.load_state_dict(state)
    assert optimizer.state_dict() == before


def test_a_schedule_goes_on_from_its_state_and_refuses_that_of_another() -> None:
    def schedule(gamma: float) -> Any:
        return nn.StepLR(nn.SGD([Value(0.0)], lr=1.0), step_size=2, gamma=gamma)

    first, second = schedule(0.5), schedule(0.5)
    first.step()
    second.load_state_dict(first.state_dict())
    second.step()
    assert second.optimizer.lr == 0.5
    for state, message in [
        (schedule(0.1).state_dict(), "with gamma=0.5, got 0.1"),
        ({}, "must have the entries"),
        (nn.ExponentialLR(nn.SGD([Value(0.0)]), 0.5).state_dict(), "must have the entries"),
    ]:
        with pytest.raises(ValueError, match=message):
            second.load_state_dict(state)
    assert second.steps == 2


@pytest.mark.parametrize(
    ("make", "formula"),
    [
        (lambda o: nn.StepLR(o, step_size=3, gamma=0.5), lambda t: 0.5 ** (t // 3)),
        (lambda o: nn.ExponentialLR(o, gamma=0.9), lambda t: 0.9**t),
        (lambda o: nn.CosineAnnealingLR(o, T_max=20), lambda t: (1 + math.cos(math.pi * t / 20)) / 2),
        (lambda o: nn.LinearLR(o, start_factor=0.25, total_iters=4), lambda t: 0.25 + 0.75 * min(t, 4) / 4),
    ],
)
def test_schedules_follow_their_closed_forms(make: Any, formula: Callable[[int], float]) -> None:
    optimizer = nn.SGD([{"params": [Value(0.0)]}, {"params": [Value(0.0)], "lr": 4.0}], lr=2.0)
    schedule = make(optimizer)
    for t in range(20):
        rates = [g.options["lr"] for g in optimizer.groups]
        assert rates == pytest.approx([2.0 * formula(t), 4.0 * formula(t)], rel=1e-13)
        schedule.step()


def test_reduce_on_plateau_waits_reduces_and_cools_down() -> None:
    optimizer = nn.SGD([Value(0.0)], lr=1.0)
    schedule = nn.ReduceLROnPlateau(optimizer, factor=0.5, patience=2, cooldown=1, min_lr=0.2)
    rates = []
    for metric in [1.0, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.5]:
        schedule.step(metric)
        rates.append(optimizer.lr)
    # best at the second epoch; the third bad one reduces; then one epoch of cooldown and three more bad ones
    assert rates == [1.0] * 4 + [0.5] * 4 + [0.25] * 4 + [0.2] * 4


def test_clipping() -> None:
    xs = [Value(0.0) for _ in range(3)]
    for x, g in zip(xs, (3.0, -4.0, 12.0)):
        x.grad = g
    assert nn.clip_grad_norm(xs, 100.0) == 13.0
    assert [x.grad for x in xs] == [3.0, -4.0, 12.0], "a norm below the limit changes nothing"
    assert nn.clip_grad_norm(xs, 1.3) == 13.0
    assert [x.grad for x in xs] == pytest.approx([0.3, -0.4, 1.2], rel=1e-6)
    nn.clip_grad_value(xs, 0.35)
    assert [x.grad for x in xs] == pytest.approx([0.3, -0.35, 0.35], rel=1e-6)


@pytest.mark.parametrize("kind", [nn.SGD, nn.Adam, nn.AdamW, nn.RMSprop, nn.Adagrad])
def test_groups_move_as_optimizers_of_their_own_do(kind: type[nn.Optimizer]) -> None:
    xs, alone = [Value(1.0), Value(-2.0)], [Value(1.0), Value(-2.0)]
    whole = kind([{"params": [xs[0]]}, {"params": [xs[1]], "lr": 0.5}], lr=0.1)
    apart = [kind([alone[0]], lr=0.1), kind([alone[1]], lr=0.5)]
    for grad in (0.5, -3.0, 1.0):
        for x in [*xs, *alone]:
            x.grad = grad * x.data
        whole.step()
        for optimizer in apart:
            optimizer.step()
        assert [x.data for x in xs] == [x.data for x in alone]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda x: nn.Adam([x], betas=(0.9, 1.0)),
            "each of betas must be a number from 0 up to but not including 1, got 1.0",
        ),
        (lambda x: nn.Adam([x], eps=-1e-8), "eps must be a finite number of 0 or more, got -1e-08"),
        (lambda x: nn.RMSprop([x], alpha=1.5), "alpha must be a number from 0 up to but not including 1, got 1.5"),
        (lambda x: nn.SGD([{"params": [x], "speed": 1}]), "unknown option"),
        (lambda x: nn.SGD([{"lr": 1.0}]), 'a group must have "params"'),
        (
            lambda x: nn.ExponentialLR(nn.SGD([x]), gamma=math.nan),
            "gamma must be a finite number of 0 or more, got nan",
        ),
        (lambda x: nn.StepLR(nn.SGD([x]), step_size=0), "step_size must be a whole number of 1 or more, got 0"),
        (
            lambda x: nn.LinearLR(nn.SGD([x]), start_factor=0),
            "start_factor must be a number above 0 and at most 1, got 0",
        ),
        (lambda x: nn.ReduceLROnPlateau(nn.SGD([x]), mode="best"), "mode must be 'min' or 'max', got 'best'"),
        (
            lambda x: nn.ReduceLROnPlateau(nn.SGD([x]), factor=1.0),
            "factor must be a number from 0 up to but not including 1",
        ),
        (
            lambda x: nn.ReduceLROnPlateau(nn.SGD([x]), patience=-1),
            "patience must be a whole number of 0 or more, got -1",
        ),
        (lambda x: nn.ReduceLROnPlateau(nn.SGD([x]), min_lr=-1), "min_lr must be a finite number of 0 or more, got -1"),
        (lambda x: nn.clip_grad_norm([x], -1.0), "max_norm must be a number of 0 or more, got -1.0"),
        (lambda x: nn.clip_grad_value([x], -1.0), "clip_value must be a number of 0 or more, got -1.0"),
    ],
)
def test_bad_input_is_named(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(Value(1.0))
