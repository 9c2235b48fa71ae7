"""Sums over the batch: what is added up, compared with NumPy, and how it is divided into blocks.

At the end: the bounds of sums, dots and powers.
"""

import itertools
import math
from typing import Any

import numpy as np
import pytest
from fresh import same, seeds
from mpmath import mp, mpf

import autograd as ag
from autograd import ops
from autograd.jit import jit, tuning
from autograd.jit.codegen.batch_sums import plan_sums
from autograd.jit.codegen.layout import lay_out
from autograd.jit.graph.graph import Graph, Input

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("size", [1, 2, 7, 8, 9, 31, 32, 33, 100, 127, 128, 129, 600, 2100])
def test_the_gradient_of_a_layer_is_an_outer_product(size: int) -> None:
    X, Y = RNG.normal(size=(size, 5)), RNG.normal(size=(size, 11))
    W, b = RNG.normal(size=(11, 5)), RNG.normal(size=11)

    def loss(W: Any, b: Any, x: Any, y: Any) -> Any:
        return ag.sum([(ag.dot(tuple(w), tuple(x), c) - t) ** 2 for w, c, t in zip(W, b, y)])

    value, (by_w, by_b) = jit(loss, in_axes=(None, None, 0, 0)).value_and_grad(W, b, X, Y, argnums=(0, 1))
    error = X @ W.T + b - Y
    assert np.allclose(value, (error**2).sum(axis=1), rtol=1e-12)
    assert np.allclose(by_w, 2 * error.T @ X, rtol=1e-11, atol=1e-11 * size)
    assert np.allclose(by_b, 2 * error.sum(axis=0), rtol=1e-11, atol=1e-11 * size)


@pytest.mark.parametrize("most", [12_000, -1])
def test_elements_that_the_last_vector_lacks_count_for_nothing(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(tuning, "STRAIGHT_BATCHED", most)
    program = jit(lambda w, v, x: w * ag.log(x) + v / x, in_axes=(None, None, 0))  # log(0) and 1/0 are infinite
    for size in range(1, 40):
        X = RNG.uniform(1.0, 2.0, size)
        _, (by_w, by_v) = program.value_and_grad(2.0, 3.0, X, argnums=(0, 1))
        assert math.isclose(by_w, np.log(X).sum(), rel_tol=1e-12)
        assert math.isclose(by_v, (1 / X).sum(), rel_tol=1e-12)


def test_infinite_and_missing_terms_are_summed_as_they_are() -> None:
    program = jit(lambda w, x: w * x, in_axes=(None, 0))
    for bad in (math.inf, -math.inf, math.nan):
        X = np.ones(13)
        X[4] = bad
        assert np.array_equal(program.value_and_grad(1.0, X)[1], bad, equal_nan=True)


def test_blocks_hold_each_sum_once() -> None:
    rows, columns = 3, 5
    inputs = [Input(k, True) for k in range(rows + columns)]
    pairs = list(itertools.product(range(rows), range(rows, rows + columns)))
    what = (*inputs, *[ops.mul] * len(pairs), ops.exp)
    operands = (*[()] * len(inputs), *pairs, (0,))
    outputs = (*range(len(inputs), len(what)), 1, 1)
    graph = Graph(what, operands, outputs)
    plan = plan_sums(graph, lay_out(graph, 0, [1] * len(inputs), []), 4, 4)
    places = sorted(place for block in plan.blocks for row in block.places for place in row)
    assert places == list(range(len(outputs)))
    assert plan.fused == set(range(len(inputs), len(inputs) + len(pairs)))
    assert set(plan.kept) == {*range(len(inputs)), len(what) - 1}
    for block in plan.blocks:
        for row, its in zip(block.rows, block.places):
            for column, place in zip(block.columns, its):
                assert set(operands[outputs[place]]) == {row, column}


# The bounds that docs/compiling.md states


def magnitudes(ws: list[float], xs: list[float], bias: float) -> float:
    return math.fsum([abs(w * x) for w, x in zip(ws, xs)]) + abs(bias)


@pytest.mark.parametrize("n", [1, 2, 3, 8, 9, 30, 100])
def test_a_sum_is_rounded_once_and_a_dot_is_within_an_ulp_of_the_magnitudes_for_each_product(n: int, form: str) -> None:
    programs = [
        jit(lambda x: ag.sum(list(x[:n])), in_axes=0),
        jit(lambda x: ag.dot(list(x[:n]), list(x[n:-1])), in_axes=0),
        jit(lambda x: ag.dot(list(x[:n]), list(x[n:-1]), x[-1]), in_axes=0),
    ]
    for seed in seeds():
        rng = np.random.default_rng(seed)
        points = rng.normal(size=(21, 2 * n + 1)) * 10.0 ** rng.integers(-6, 6, size=(21, 2 * n + 1))
        points[:, n - 1] = -points[:, :-1].sum(axis=1)  # so that it cancels
        for x, total, product, neuron in zip(points.tolist(), *[program(points).tolist() for program in programs]):
            ws, xs, bias = x[:n], x[n:-1], x[-1]
            wanted = math.fsum(ws)
            assert abs(total - wanted) <= math.ulp(wanted) + 1e-31 * n * n * math.fsum(map(abs, ws)), seed
            wanted = ag.dot(ws, xs)
            rounded_once = math.ulp(wanted) + 1e-30 * magnitudes(ws, xs, 0.0)
            assert abs(product - wanted) <= (rounded_once if n <= 8 else n * math.ulp(magnitudes(ws, xs, 0.0))), seed
            assert abs(neuron - ag.dot(ws, xs, bias)) <= n * math.ulp(magnitudes(ws, xs, bias)), seed


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
def test_a_sum_over_the_batch_is_within_an_ulp_of_the_magnitudes_for_each_element(size: int) -> None:
    program = jit(lambda w, x: w * x * x, in_axes=(None, 0))
    for seed in seeds():
        x = np.random.default_rng(seed).normal(size=size)
        slope = program.value_and_grad(0.7, x)[1]
        terms = [each * each for each in x.tolist()]
        assert abs(slope - math.fsum(terms)) <= size * math.ulp(math.fsum(map(abs, terms))), seed


@pytest.mark.parametrize("n", [2, 3, 10, 60])
def test_logsumexp_and_norm_are_within_4_ulp_however_many_they_take(n: int) -> None:
    """Of logsumexp 4 ulp of its arguments, weighted by the softmax: near 0, where these cancel, no formula has more."""
    program = jit(lambda x: [ag.logsumexp(list(x)), ag.norm(list(x))], in_axes=0)
    for seed in seeds():
        rng = np.random.default_rng(seed)
        points = rng.normal(size=(31, n)) * rng.choice([0.01, 1.0, 30.0], size=(31, 1))
        points[:11] -= np.log(np.exp(points[:11]).sum(axis=1))[:, None]  # the result is near 0
        found = program(points)
        for x, total, length in zip(points.tolist(), found[0].tolist(), found[1].tolist()):
            with mp.workdps(100):
                exact = mp.log(mp.fsum([mp.exp(mpf(each)) for each in x]))
                size = max(abs(exact), mp.fsum([mp.exp(each - exact) * abs(each) for each in x]))
                assert abs(total - exact) <= 4 * math.ulp(size), (seed, x)
                assert abs(length - mp.norm(list(map(mpf, x)))) <= 4 * math.ulp(length), (seed, x)


@pytest.mark.parametrize("x", [5e-324, -5e-324, 1e-310, 5.5e-309, 6e-309, 0.0, 1.0, 1e308, math.inf])
@pytest.mark.parametrize("y", [0.0, -0.0, 1.0, 2.0, -1.0, 0.5])
def test_derivatives_of_a_power_at_the_edges(x: float, y: float) -> None:
    f = ag.pow
    wanted = ag.grad(f, (0, 1))(x, y)
    found = jit(f).value_and_grad(x, y, argnums=(0, 1))[1]
    assert all(same(a, b) or a == pytest.approx(b, rel=1e-14) for a, b in zip(found, wanted)), (found, wanted)
    if y == 0.0 and x > 0:
        assert wanted[0] == found[0] == 0.0
        mixed = 1 / x if x > 5.6e-309 else math.inf  # the derivative of y x^(y-1) with respect to y
        assert jit(ag.grad(ag.grad(f), 1))(x, y) == ag.grad(ag.grad(f), 1)(x, y) == mixed
