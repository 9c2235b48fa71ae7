"""Loops of many numbers: long rows, many carries."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

import autograd as ag


@pytest.mark.parametrize("axes", [None, (0, None)])
@pytest.mark.parametrize("reduce", [ag.sum, lambda y: ag.dot(y[::-1], [0.5] * len(y))])
def test_code_does_not_grow_with_the_steps_if_the_rows_are_added_up(reduce: Any, axes: Any) -> None:
    def f(w: Any, xs: Any) -> Any:
        return reduce(ag.scan(lambda c, x: (w * c + x, c * x), 0.1, xs)[1])

    sizes = []
    for steps in (1200, 2400):  # a shorter loop is not watched, so that its code is another
        xs = np.sin(np.arange(steps))
        program, w = ag.jit(f, axes), 0.5 if axes is None else np.linspace(0.1, 0.9, 3)
        value, slope = program.value_and_grad(w, xs)
        wanted = [ag.value_and_grad(f)(each, xs) for each in np.ravel(w)]
        assert np.allclose(np.ravel(value), [v for v, _ in wanted], rtol=1e-12)
        assert np.allclose(np.ravel(slope), [d for _, d in wanted], rtol=1e-12)
        sizes.append(len(program.llvm_ir))
    assert sizes[1] < sizes[0] + 100


@pytest.mark.parametrize("axes", [None, 0])
def test_a_loop_with_many_carries(axes: Any) -> None:
    """Steps of the heat equation on 300 places, beside powers of its matrix."""
    n, steps = 300, 5
    matrix = np.eye(n) + 0.1 * (np.roll(np.eye(n), 1, 0) - 2.0 * np.eye(n) + np.roll(np.eye(n), -1, 0))

    def step(u: Any, _: Any) -> Any:
        return np.array([u[i] + 0.1 * (u[i - 1] - 2.0 * u[i] + u[(i + 1) % n]) for i in range(n)]), None

    x = np.sin(np.arange(n)) if axes is None else np.sin(np.arange(9 * n)).reshape(9, n)
    values, slopes = ag.jit(lambda u: ag.dot(*[ag.scan(step, u, length=steps)[0]] * 2), axes).value_and_grad(x)
    power = np.linalg.matrix_power(matrix, steps)
    np.testing.assert_allclose(values, ((x @ power.T) ** 2).sum(-1), rtol=1e-12)
    np.testing.assert_allclose(slopes, 2.0 * x @ power.T @ power, rtol=1e-11, atol=1e-12)


def test_the_work_of_tracing_nested_branches_is_in_proportion_to_their_number() -> None:
    def nest(depth: int, x: Any, y: Any) -> Any:
        if depth == 0:
            return ag.sqrt(x * x + y)
        first = lambda: nest(depth - 1, x * 0.9, y)  # noqa: E731
        return ag.cond(x > y * depth * 0.1, first, lambda: nest(depth - 1, x, y * 1.1 + 0.1) * x)

    traced = []
    for depth in (2, 4):
        f = functools.partial(nest, depth, y=0.5)
        slope = ag.jit(ag.grad(f))
        assert slope(0.4) == ag.grad(f)(0.4)
        traced.append(slope.stats.nodes_traced)
    assert traced[1] < 12 * traced[0]  # five times as many branches
