"""Sums over the batch: what is added up, compared with NumPy, and how it is divided into blocks."""

import itertools
import math
from typing import Any

import numpy as np
import pytest

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
