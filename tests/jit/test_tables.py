"""Large graphs, which become tables."""

from typing import Any

import numpy as np
import pytest

import autograd as ag
import nn
from autograd.jit import jit, tuning

RNG = np.random.default_rng(0)


def test_tables_compute_the_bits_that_straight_lines_do(monkeypatch: pytest.MonkeyPatch) -> None:
    model = nn.MLP(12, [10, 9, 2], "tanh", seed=1)
    w = np.array([p.data for p in model.parameters()])

    def f(w: Any, x: Any) -> Any:
        hidden = [ag.tanh(ag.dot(tuple(w[12 * j : 12 * j + 12]), tuple(x), w[-1])) for j in range(10)]
        odd = ag.norm(tuple(x)) + ag.prod(tuple(hidden)) + ag.sum(tuple(hidden)) * ag.where(x[0] > x[1], w[0], 2.0)
        return ag.logsumexp(hidden) + ag.dot(tuple(hidden), tuple(hidden)) + ag.pow(odd * odd, 0.3) + ag.sum(tuple(w))

    for size in (1, 7, 64, 129, 700):
        X = RNG.normal(size=(size, 12))
        found = []
        for most in (10**9, -1):
            monkeypatch.setattr(tuning, "STRAIGHT_BATCHED", most)
            monkeypatch.setattr(tuning, "STRAIGHT_SHARED", most)
            found.append(jit(f, in_axes=(None, 0)).value_and_grad(w, X, argnums=(0, 1)))
        (value, (by_w, by_x)), (same, (by_w_too, by_x_too)) = found
        assert np.array_equal(value, same)
        assert np.array_equal(by_x, by_x_too)
        assert np.allclose(by_w, by_w_too, rtol=1e-13, atol=1e-13 * np.abs(by_w).max())


def test_a_deep_graph() -> None:
    def f(x: Any) -> Any:
        y = x
        for _ in range(20_000):
            y = y * 0.999 + 0.001
        return y

    program = jit(f)
    value, slope = program.value_and_grad(2.0)
    assert value == pytest.approx(1 + 0.999**20_000, rel=1e-12)
    assert slope == pytest.approx(0.999**20_000, rel=1e-9)
    assert program.stats.code_bytes < 20_000
