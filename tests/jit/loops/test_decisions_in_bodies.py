"""Bodies of loops that decide by traced numbers: they do what the same Python does eagerly, or are refused."""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import autograd as ag
from autograd import TracingError

X = np.array([-1.3, -0.4, 0.0, 0.2, 0.7, 1.6])


def expect_same(f: Callable[..., Any], xs: Any = X, *shared: Any) -> None:
    """Values, gradients and Hessians of a batch are those of the same Python, run for each element."""
    axes = (0, *[None] * len(shared))
    for g in (f, ag.grad(f), ag.grad(ag.grad(f))):
        wanted = np.array([float(g(x, *shared)) for x in np.asarray(xs).tolist()])
        np.testing.assert_allclose(ag.jit(g, in_axes=axes)(xs, *shared), wanted, rtol=1e-12, atol=1e-13)


def test_if_and_builtin_max_in_a_scan() -> None:
    def simulated(v: Any, shocks: Any) -> Any:  # a variance that is cut off at 0, and an early return
        def step(v: Any, z: Any) -> Any:
            positive = max(v, 0.0)
            if v > 1.5:
                return v * 0.5, positive
            return v + 0.3 * (0.2 - positive) + 0.8 * ag.sqrt(positive + 0.1) * z, positive

        last, seen = ag.scan(step, v, shocks)
        return last + ag.sum(seen)

    expect_same(simulated, X, np.sin(np.arange(7.0)))


def test_sqrt_on_the_side_that_is_not_taken() -> None:
    def f(x: Any) -> Any:
        return ag.fori_loop(0, 3, lambda _, c: ag.sqrt(c) if c > 0 else c - 1.0, x)

    np.testing.assert_array_equal(ag.jit(ag.grad(f), in_axes=0)(np.array([0.0, -1.0])), [1.0, 1.0])
    expect_same(f)


def test_and_or_not_in_the_condition_of_a_while_loop() -> None:
    def root(a: Any) -> Any:
        def unfinished(carry: Any) -> Any:
            x, steps = carry
            return abs(x * x - a) > 1e-13 * a and not steps >= 40

        return ag.while_loop(unfinished, lambda c: (0.5 * (c[0] + a / c[0]), c[1] + 1), (a, 0))[0]

    xs = np.array([0.3, 1.0, 2.0, 50.0])
    np.testing.assert_allclose(ag.jit(root, in_axes=0)(xs), np.sqrt(xs), rtol=1e-12)
    expect_same(root, xs)
    never = ag.jit(lambda x: ag.while_loop(lambda c: c > 0 and False, lambda c: c + 1, x))
    assert never(2.0) == 2.0


def test_a_table_is_searched_and_a_loop_is_left() -> None:
    ends, slopes = [-1.0, 0.0, 0.5, 2.0], [0.1, 0.2, 0.3, 0.4, 0.5]

    def f(x: Any) -> Any:
        def step(_: Any, y: Any) -> Any:
            for k in range(4):
                if y < k:
                    break
            return y * slopes[bisect.bisect(ends, y)] + k

        return ag.fori_loop(0, 3, step, x)

    expect_same(f)


def test_decisions_around_and_inside_a_body() -> None:
    def f(x: Any, flag: Any) -> Any:
        sign = 1.0
        if x > 0.5:
            sign = -1.0

        def step(c: Any, k: Any) -> Any:
            if flag > 0:  # of the function around it
                c = c + k * sign
            return (c * x if x < 0 else ag.cond(c > 1, lambda: 0.5 * c if c > 2 else c - x, lambda: c + 1.0)), None

        return ag.scan(step, x * x, np.arange(4.0))[0]

    expect_same(f, X, 1.0)
    expect_same(f, X, 0.0)


def test_a_loop_runs_only_for_the_elements_that_take_its_side() -> None:
    """Below 0 it would never end."""

    def f(x: Any) -> Any:
        def step(_: Any, c: Any) -> Any:
            if c > 0:
                return ag.while_loop(lambda d: d < 3, lambda d: d * 2, c, max_steps=20)
            return c

        return ag.fori_loop(0, 2, step, x)

    def mirrored(x: Any) -> Any:
        def step(_: Any, c: Any) -> Any:
            if c > 0:
                return c
            return ag.while_loop(lambda d: d > -3, lambda d: d * 2 - 0.1, c, max_steps=20)

        return ag.fori_loop(0, 2, step, x)

    expect_same(f)
    expect_same(mirrored)

    def g(x: Any) -> Any:  # the decision is taken around a scan, and the loop in it
        if x > 0:
            return ag.scan(
                lambda c, _: (ag.while_loop(lambda d: d < 3, lambda d: d * 2, c, max_steps=20), None), x, None, 2
            )[0]
        return x

    expect_same(g, X[::-1])  # the path of the first one is tried for all


def test_equal_questions_are_asked_once() -> None:
    def f(x: Any) -> Any:
        def step(_: Any, c: Any) -> Any:
            for _ in range(100):
                x2 = 2.0 if c > 1.0 else 1.0
            return c * x2 - max(c, 0.0) + max(c, 0.0)

        return ag.fori_loop(0, 3, step, x)

    expect_same(f)


def test_code_that_catches_everything() -> None:
    def f(x: Any) -> Any:
        def step(_: Any, c: Any) -> Any:
            try:
                return c * 2 if c > 0 else c
            except BaseException:
                return c * 100

        return ag.fori_loop(0, 3, step, x)

    expect_same(f)


def test_what_is_refused() -> None:
    def loop(body: Callable[[Any, Any], Any]) -> None:
        ag.jit(lambda x: ag.fori_loop(0, 3, body, x))(1.0)

    def halve(_: Any, c: Any) -> Any:
        while c > 1:
            c = c / 2
        return c

    def tree(_: Any, c: Any) -> Any:
        return sum(max(c * k, 1.0 - c * c) for k in range(1, 8))

    def fail(_: Any, c: Any) -> Any:
        if c > 100:
            raise ValueError("it diverges")
        return c

    with pytest.raises(TracingError, match=r"test_decisions_in_bodies\.py:\d+: .*64 decisions in a row.*ag.while_loop"):
        loop(halve)
    with pytest.raises(TracingError, match=r"test_decisions_in_bodies\.py:\d+: .*more than 64 paths.*ag\.maximum"):
        loop(tree)
    with pytest.raises(TracingError, match=r"ValueError.'it diverges'.*return nan there"):
        loop(fail)
    with pytest.raises(TracingError, match=r"as an index.*read an array row by row with ag.scan"):
        loop(lambda i, c: c * [1.0, 2.0, 3.0][i])
    with pytest.raises(TracingError, match="must keep the structure"):
        loop(lambda i, c: [c] if c > 0 else c)
    with pytest.raises(TracingError, match="y in every step or in none"):
        ag.jit(lambda x: ag.scan(lambda c, _: (c, c if c > 0 else None), x, length=3))(1.0)


@st.composite
def programs(draw: st.DrawFn) -> Callable[[Any], Any]:
    """A loop whose body decides up to three times, each decision in the middle of its operations."""
    numbers = st.sampled_from([-1.0, -0.5, 0.0, 0.25, 0.5, 1.0])
    parts = draw(
        st.lists(st.tuples(numbers, numbers, st.sampled_from(["if", "max", "min", "early"])), min_size=1, max_size=3)
    )
    steps = draw(st.integers(0, 4))

    def f(x: Any) -> Any:
        def step(k: Any, c: Any) -> Any:
            for bound, factor, kind in parts:
                if kind == "max":
                    c = max(c * factor, bound)
                elif kind == "min":
                    c = min(ag.sin(c), bound + x)
                elif c > bound:
                    if kind == "early":
                        return c * factor + k
                    c = c * c - factor
                else:
                    c = ag.tanh(c + x)
            return c

        return ag.fori_loop(0, steps, step, x)

    return f


@given(programs())
@settings(max_examples=15, deadline=None)
def test_random_bodies(f: Callable[[Any], Any]) -> None:
    expect_same(f, np.array([-1.31, 0.47, 1.12]))


def test_a_chain_that_accepts_and_rejects() -> None:
    """Metropolis: the compiled chain is the one that NumPy walks."""
    rng = np.random.default_rng(0)
    steps, levels = rng.normal(size=200), rng.uniform(size=200)

    def chain(x: Any, steps: Any, levels: Any) -> Any:
        def step(x: Any, drawn: Any) -> Any:
            new = x + drawn[0]
            if drawn[1] < ag.exp(0.5 * (x * x - new * new)):
                x = new
            return x, x

        return ag.scan(step, x, (steps, levels))[1]

    wanted, x = [], 0.3
    for z, u in zip(steps, levels):
        x = x + z if u < math.exp(0.5 * (x * x - (x + z) ** 2)) else x
        wanted.append(x)
    np.testing.assert_allclose(ag.jit(chain)(0.3, steps, levels), wanted, rtol=1e-12)
