"""Optimizers, schedules and clipping against PyTorch itself, every option, for 200 steps."""

import math
from typing import Any

import numpy as np
import pytest

import nn
from autograd import Value

torch = pytest.importorskip("torch", reason="PyTorch comes with the bench extra alone; other tests hold its formulas")

START = [3.0, -2.0, 5.0, 0.1]
CURVATURE = [1.0, 10.0, 0.3, 100.0]
STEPS = 200


def gradient(x: float, curvature: float, step: int) -> float:
    return 2 * curvature * x + math.cos(step)  # the second term as noise between batches


def pair(name: str, options: dict[str, Any]) -> tuple[list[Value], nn.Optimizer, Any, Any]:
    """Ours with its parameters, and PyTorch's with its own, in two groups with learning rates of their own."""
    ours = [Value(x) for x in START]
    theirs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in START]
    kind = getattr(nn, name)([{"params": ours[:2]}, {"params": ours[2:], "lr": 0.003}], **options)
    peer = getattr(torch.optim, name)([{"params": theirs[:2]}, {"params": theirs[2:], "lr": 0.003}], **options)
    return ours, kind, theirs, peer


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SGD", {"lr": 0.005}),
        ("SGD", {"lr": 0.005, "weight_decay": 0.1}),
        ("SGD", {"lr": 0.005, "momentum": 0.9, "weight_decay": 0.1}),
        ("SGD", {"lr": 0.005, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
        ("Adam", {}),
        ("Adam", {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.1}),
        ("AdamW", {}),
        ("AdamW", {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.1}),
        ("RMSprop", {}),
        ("RMSprop", {"alpha": 0.9, "eps": 1e-3, "momentum": 0.5}),
        ("RMSprop", {"alpha": 0.9, "centered": True}),
        ("RMSprop", {"alpha": 0.9, "weight_decay": 0.1, "momentum": 0.5, "centered": True}),
        ("Adagrad", {}),
        ("Adagrad", {"lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.1, "eps": 1e-3}),
    ],
)
def test_200_steps_are_pytorchs(name: str, options: dict[str, Any]) -> None:
    ours, optimizer, theirs, peer = pair(name, options)
    for step in range(STEPS):
        for x, t, c in zip(ours, theirs, CURVATURE):
            x.grad = gradient(x.data, c, step)
            t.grad = torch.tensor(gradient(t.item(), c, step), dtype=torch.float64)
        optimizer.step()
        peer.step()
        np.testing.assert_allclose([x.data for x in ours], [t.item() for t in theirs], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("StepLR", {"step_size": 30, "gamma": 0.5}),
        ("ExponentialLR", {"gamma": 0.99}),
        ("CosineAnnealingLR", {"T_max": 200, "eta_min": 1e-4}),
        ("LinearLR", {}),
        ("LinearLR", {"start_factor": 0.1, "end_factor": 0.7, "total_iters": 50}),
    ],
)
def test_200_epochs_of_schedules_are_pytorchs(name: str, options: dict[str, Any]) -> None:
    _, optimizer, _, peer = pair("SGD", {"lr": 0.05})
    schedule = getattr(nn, name)(optimizer, **options)
    other = getattr(torch.optim.lr_scheduler, name)(peer, **options)
    for _ in range(STEPS):
        rates = [group.options["lr"] for group in optimizer.groups]
        np.testing.assert_allclose(rates, [group["lr"] for group in peer.param_groups], rtol=1e-12, atol=1e-15)
        schedule.step()
        peer.step()  # which PyTorch wants before its schedule's
        other.step()


@pytest.mark.parametrize(
    "options",
    [
        {"patience": 3},
        {"patience": 2, "factor": 0.5, "cooldown": 4, "min_lr": 1e-3, "threshold": 0.05, "eps": 1e-4},
        {"mode": "max", "patience": 5, "factor": 0.8},
    ],
)
def test_reduce_on_plateau_is_pytorchs(options: dict[str, Any]) -> None:
    _, optimizer, _, peer = pair("SGD", {"lr": 0.05})
    schedule = nn.ReduceLROnPlateau(optimizer, **options)
    other = torch.optim.lr_scheduler.ReduceLROnPlateau(peer, **options)
    metrics = 1.0 / np.sqrt(np.arange(1, STEPS + 1)) + 0.05 * np.random.default_rng(0).normal(size=STEPS)
    for metric in metrics.tolist():
        schedule.step(metric)
        other.step(metric)
        rates = [group.options["lr"] for group in optimizer.groups]
        np.testing.assert_allclose(rates, [group["lr"] for group in peer.param_groups], rtol=1e-12)
    assert optimizer.lr < 0.05


@pytest.mark.parametrize("limit", [0.5, 100.0])
def test_clipping_is_pytorchs(limit: float) -> None:
    ours, theirs = [Value(0.0) for _ in START], [torch.tensor(0.0, dtype=torch.float64) for _ in START]
    for kind, peer in (
        (nn.clip_grad_norm, torch.nn.utils.clip_grad_norm_),
        (nn.clip_grad_value, torch.nn.utils.clip_grad_value_),
    ):
        for x, t, g in zip(ours, theirs, START):
            x.grad, t.grad = g, torch.tensor(g, dtype=torch.float64)
        kind(ours, limit)
        peer(theirs, limit)
        np.testing.assert_allclose([x.grad for x in ours], [t.grad.item() for t in theirs], rtol=1e-12)
