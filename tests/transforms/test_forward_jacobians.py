"""The Jacobian of few numbers and many results takes forward sweeps, and equals what reverse sweeps give."""

import math
from typing import Any

import numpy as np
import pytest

import autograd as ag
from autograd import Value

STEPS = 600


def trajectory(p: Any, steps: int = STEPS) -> list[Any]:
    position, speed, found = p[0], p[1], []
    for _ in range(steps):
        speed = speed - 0.01 * p[2] * ag.sin(position)
        position = position + 0.01 * speed
        found.append(position)
    return found


P = np.array([1.0, 0.5, 2.0])


def test_it_equals_reverse_sweeps() -> None:
    jacobian = np.array(ag.jacobian(trajectory)(P))
    _, pull = ag.vjp(trajectory, P)
    for k in (0, 1, 17, STEPS - 1):
        (row,) = pull(np.eye(STEPS)[k].tolist())
        assert jacobian[k] == pytest.approx(row, rel=1e-12, abs=1e-14)


def test_each_rule_runs_once() -> None:
    """Reverse sweeps would go through the beginning of the chain again for every 256 results."""
    calls = []

    @ag.primitive(lambda out, x: calls.append(x) or 0.999)
    def shrink(x: float) -> float:
        return 0.999 * x

    def chain(x: Any) -> list[Any]:
        found = []
        for _ in range(STEPS):
            x = shrink(x)
            found.append(x)
        return found

    assert ag.jacobian(chain)(1.0)[-1] == pytest.approx(0.999**STEPS, rel=1e-12)
    assert len(calls) == STEPS


def test_it_is_differentiated_again_and_compiled() -> None:
    def last_slope(p: Any) -> Any:
        return ag.jacobian(lambda q: trajectory(q, 5))(p)[-1][0]

    ag.check_gradients(last_slope, P, order=2)
    program = ag.jit(ag.jacobian(lambda q: trajectory(q, 5)))
    assert np.array(program(P)) == pytest.approx(np.array(ag.jacobian(lambda q: trajectory(q, 5))(P)), rel=1e-13)


def test_zeros_and_infinities_stay_where_they_are() -> None:
    def f(p: Any) -> list[Any]:
        return [ag.sqrt(p[0]), p[1] * 2.0, 7.0, p[0] + p[1]]

    assert ag.jacobian(f)([0.0, 1.0]) == [[math.inf, 0.0], [0.0, 2.0], [0.0, 0.0], [1.0, 1.0]]
    rows = ag.jacobian(f)([Value(0.0), Value(1.0)])
    assert [[float(x) for x in row] for row in rows] == [[math.inf, 0.0], [0.0, 2.0], [0.0, 0.0], [1.0, 1.0]]
    assert ag.jacobian(lambda p: [1.0, 2.0])([]) == [[], []]
