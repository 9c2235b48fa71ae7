"""Rows: what is computed from all results of a scan costs code for one step, and is what the engine computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd as ag

STEPS = 70  # rolled
MANY = 300  # also long
XS = np.linspace(-1.0, 1.5, MANY)


def scan(a: Any, xs: Any, reverse: bool = False) -> Any:
    return ag.scan(lambda h, x: ((h2 := ag.tanh(a * h + x)), h2), 0.25 * a, xs, reverse=reverse)[1]


def chained(ys: Any) -> Any:
    total = 0.0
    for y in ys:
        total = total * 0.5 + y
    return total


USES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "sum": lambda a, xs, ys: ag.sum(ys),
    "sum of the last to the first": lambda a, xs, ys: ag.sum(ys[::-1]),
    "dot": lambda a, xs, ys: ag.dot(ys, ys),
    "dot with inputs": lambda a, xs, ys: ag.dot(ys, xs),
    "dot with constants": lambda a, xs, ys: ag.dot(ys, np.linspace(0.0, 1.0, len(ys))),
    "one after the other": lambda a, xs, ys: ys @ (a * ys) + np.sum(ys),
    "mean of squares": lambda a, xs, ys: ag.sum((ys - xs) ** 2) / len(ys),
    "list": lambda a, xs, ys: ag.sum([ag.exp(a * y) - a for y in ys]),
    "differences": lambda a, xs, ys: ag.sum((ys[1:] - ys[:-1]) ** 2),
    "every other": lambda a, xs, ys: ag.sum(ys[::2] * ys[1::2]),
    "logsumexp": lambda a, xs, ys: ag.logsumexp(3.0 * ys),
    "prod": lambda a, xs, ys: ag.prod(1.0 + 0.01 * ys),
    "part and whole": lambda a, xs, ys: ag.sum(ys) * ag.sum(ys[3:]) + ys[5] * ag.sum(ys * ys[0]),
    "chain of differences": lambda a, xs, ys: np.sum((ys[:-1] - a * xs[1:]) ** 2) * np.max(ys),
    "chain": lambda a, xs, ys: chained(ys),
    "sum and chain": lambda a, xs, ys: ag.sum(ys * a) + chained(ys * a),
    "scan": lambda a, xs, ys: ag.sum(scan(a, ys * a - xs, True)),
    "scan of a part": lambda a, xs, ys: ag.sum(scan(a, ys[2:])) + ag.sum(scan(a, ys[::-1])),
    "choices": lambda a, xs, ys: ag.sum([ag.where(y > x, y * y, ag.maximum(x, a)) for x, y in zip(xs, ys)]),
    "sums that need one another": lambda a, xs, ys: ag.sum(ys * ag.sum(ys * a)),
}


def flat(x: Any) -> Any:
    return np.concatenate([np.ravel(np.asarray(part, float)) for part in (x if isinstance(x, tuple) else (x,))])


@pytest.mark.parametrize("steps", [STEPS, MANY])
@pytest.mark.parametrize("name", USES)
def test_what_is_computed_from_rows_is_as_eager(name: str, steps: int) -> None:
    def f(a: Any, xs: Any) -> Any:
        return USES[name](a, xs, scan(a, xs))

    xs = XS[:steps]
    wanted, slopes = ag.value_and_grad(f, argnums=(0, 1))(0.7, xs)
    program = ag.jit(f)
    got = program.value_and_grad(0.7, xs, argnums=(0, 1))
    np.testing.assert_allclose(flat(got[0]), flat(wanted), rtol=1e-13)
    np.testing.assert_allclose(flat(got[1]), flat(slopes), rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(flat(program(0.7, xs)), flat(wanted), rtol=1e-13)


@pytest.mark.parametrize("axes", [(0, None), (None, 0), 0])
@pytest.mark.parametrize("name", USES)
def test_so_it_is_in_a_batch(name: str, axes: Any) -> None:
    def f(a: Any, xs: Any) -> Any:
        return USES[name](a, xs, scan(a, xs))

    batch = 3
    a = np.array([0.7, -0.2, 1.1]) if axes != (None, 0) else 0.7
    xs = np.stack([XS[:STEPS], -XS[:STEPS], XS[9 : 9 + STEPS]]) if axes != (0, None) else XS[:STEPS]
    wanted = [f(float(np.broadcast_to(a, (batch,))[k]), np.broadcast_to(xs, (batch, STEPS))[k]) for k in range(batch)]
    np.testing.assert_allclose(ag.jit(f, in_axes=axes)(a, xs), wanted, rtol=1e-13)


def test_results_that_are_computed_from_rows() -> None:
    def f(a: Any, xs: Any) -> Any:
        ys = scan(a, xs)
        return ys * a, ys[1:] - xs[:-1], a, ys[::-1], [a * a, *(ag.sin(y) for y in ys)]

    for got, wanted in zip(ag.jit(f)(0.7, XS), f(0.7, XS)):
        np.testing.assert_allclose(flat(got), flat(wanted), rtol=1e-13)


@pytest.mark.parametrize("name", ["sum", "dot", "mean of squares", "one after the other"])
def test_code_does_not_grow_with_the_steps(name: str) -> None:
    sizes = []
    for steps in (400, 800):
        program = ag.jit(lambda a, xs: USES[name](a, xs, scan(a, xs)))
        program.value_and_grad(0.7, np.linspace(0.0, 1.0, steps), argnums=(0, 1))
        sizes.append(program.stats.code_bytes)
    assert sizes[1] < 1.1 * sizes[0]


def test_a_row_of_many_shared_numbers_is_read_in_a_batch() -> None:
    xs = np.random.default_rng(0).normal(size=70_000)
    program = ag.jit(lambda a, xs: ag.scan(lambda y, x: (a * y + x, None), 0.0, xs)[0], in_axes=(0, None))
    wanted = []
    for a in (0.5, 0.9):
        y = 0.0
        for x in xs.tolist():
            y = a * y + x
        wanted.append(y)
    np.testing.assert_allclose(program(np.array([0.5, 0.9]), xs), wanted, rtol=1e-13)


def test_carries_may_become_infinite() -> None:
    def relus(x: Any) -> Any:  # relu(1 - x·h) is 0 where h is infinite
        return ag.fori_loop(0, 6, lambda i, c: (ag.exp(c[0] * 200), c[1] + ag.relu(1.0 - x * c[0])), (0.001, 0.0))[1]

    def smaller(x: Any) -> Any:
        return ag.fori_loop(0, 6, lambda i, c: (ag.exp(c[0] * 200), c[1] + ag.minimum(x * c[0], 1.0)), (0.001, 0.0))[1]

    # h is 0.001, then exp(0.2) = 1.22, and from then on so large that x·h > 1
    np.testing.assert_allclose(ag.jit(relus).value_and_grad(2.0), (0.998, -0.001), rtol=1e-12)
    np.testing.assert_allclose(ag.jit(smaller).value_and_grad(2.0), (5.002, 0.001), rtol=1e-12)
    assert float(ag.jit(ag.grad(ag.grad(smaller)))(2.0)) == 0.0
