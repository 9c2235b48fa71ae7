"""Loops as they are traced: what a body may use, what it costs, where nothing is passed on, what is refused."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd as ag
import nn
from autograd import TracingError
from autograd.jit.trace.tracer import Trace

X = np.array([0.1, 0.3, 0.5, 0.7])


def expect_same(f: Callable[[Any], Any], x: Any, orders: int = 2) -> None:
    """The compiled value and derivatives are those of the same Python, run eagerly."""
    direction = np.ones_like(x) if isinstance(x, np.ndarray) else 1.0
    for g in [f, ag.grad(f), lambda x: ag.hvp(f, (x,), (direction,))][: 1 + orders]:
        np.testing.assert_allclose(ag.jit(g)(x), g(x), rtol=1e-12, atol=1e-14)


# What a body may use


def test_a_gradient_in_a_body_and_a_loop_in_a_gradient() -> None:
    def cube_root(a: Any) -> Any:
        return ag.fori_loop(0, 8, lambda _, x: x - (x**3 - a) / ag.grad(lambda y: y**3)(x), 1.5)

    assert abs(ag.jit(ag.grad(cube_root))(2.0) - 2.0 ** (-2 / 3) / 3) < 1e-14
    expect_same(cube_root, 2.0)
    expect_same(lambda k: ag.grad(lambda y: ag.fori_loop(0, 4, lambda i, c: c * y * k, 1.0))(2.0), 0.7)
    expect_same(lambda a: ag.fori_loop(0, 3, lambda i, x: x + ag.grad(lambda y: y * y * x * a)(2.0), a), 1.3)
    expect_same(lambda a: ag.grad(lambda y: ag.fori_loop(0, 3, lambda i, c: ag.sin(c * y) + a * y, y))(a), 0.7)


def test_values_and_computed_values_from_outside() -> None:
    v = ag.Value(1.5)
    w = v * 2
    program = ag.jit(lambda a: ag.fori_loop(0, 3, lambda i, c: ag.fori_loop(0, 2, lambda j, d: d * w + v * c, c), a))

    def wanted(a: float, v: float) -> float:
        for _ in range(3):
            c = a
            for _ in range(2):
                a = a * 2 * v + v * c
        return a

    assert program(0.7) == pytest.approx(wanted(0.7, 1.5), rel=1e-15)
    v.data, w = 1.25, v * 2
    assert program(0.7) == pytest.approx(wanted(0.7, 1.25), rel=1e-15)
    # y, which was computed before the body, and y · y, which is computed in it
    slope = ag.jit(lambda k: ag.grad(lambda y: ag.fori_loop(0, 2, lambda i, c: c * (y * y) * k, 1.0))(v))(0.7)
    assert slope == pytest.approx(4 * 1.25**3 * 0.7**2, rel=1e-14)
    slope = ag.grad(lambda u: ag.jit(lambda a: ag.fori_loop(0, 3, lambda i, c: c * u + a, a))(0.7))(2.0)
    assert slope == pytest.approx(0.7 * (3 * 4 + 2 * 2 + 1))  # of 0.7 (u³ + u² + u + 1)


def test_a_module_in_a_scan() -> None:
    cell = nn.MLP(3, [2], seed=0)

    def last(cell: Any, xs: Any) -> Any:
        def body(state: Any, x: Any) -> Any:
            return [ag.tanh(s) for s in cell([*state, x])], None

        return ag.sum(ag.scan(body, [0.1, 0.2], xs)[0])

    value, slopes = ag.value_and_grad(last)(cell, X)
    compiled, found = ag.jit(last).value_and_grad(cell, X)
    assert compiled == pytest.approx(value, rel=1e-14)
    assert found == pytest.approx(slopes, rel=1e-12)


def test_scans_of_structures_forward_and_in_reverse() -> None:
    def f(x: Any) -> Any:
        def body(carry: Any, row: Any) -> Any:
            total = {"a": carry["a"] * row["p"][0], "b": carry["b"] + row["q"] * carry["a"]}
            return total, (total["a"], row["p"] * total["b"])

        xs = {"p": np.stack([x, x * x], axis=1), "q": x}
        last, (first, second) = ag.scan(body, {"a": 1.0, "b": x[0]}, xs, reverse=True)
        return last["b"] + ag.sum((first * x).tolist()) + ag.sum((second**2).ravel().tolist())

    expect_same(f, X)
    expect_same(lambda x: ag.scan(lambda c, y: (c + y * y, None), 0.0, ag.scan(_step, x[0], x)[1])[0], X)


def _step(carry: Any, x: Any) -> Any:
    return carry * 0.5 + ag.sin(x), carry * x


def test_bools_and_whole_numbers_are_carried() -> None:
    expect_same(lambda x: ag.while_loop(lambda c: c[1] == 0, lambda c: (c[0] / 2, c[0] < x / 9), (x, False))[0], 3.0)
    expect_same(lambda x: ag.while_loop(lambda c: c[0] < 5, lambda c: (c[0] + 1, c[1] * x), (0, 1.0))[1], 1.1)
    expect_same(lambda x: ag.fori_loop(x, x + 3, lambda i, c: c + i * ag.sin(x * c), 1.0), 2.0, orders=0)


def test_each_element_takes_its_own_number_of_steps() -> None:
    counts = np.array([0.0, 1.0, 5.0, 2.0])
    power = ag.jit(ag.value_and_grad(lambda x, n: ag.fori_loop(0, n, lambda _, y: x * y, 1.0)), in_axes=(0, 0))
    values, slopes = power(X, counts)
    np.testing.assert_allclose(values, X**counts, rtol=1e-14)
    np.testing.assert_allclose(slopes, counts * X ** (counts - 1), rtol=1e-14)


# What it costs


@pytest.mark.parametrize("derivative", [lambda f: f, ag.grad, lambda f: ag.grad(ag.grad(f))], ids=["0", "1", "2"])
def test_the_graph_does_not_grow_with_the_steps(derivative: Any) -> None:
    def nodes(steps: int) -> str:
        f = derivative(lambda x: ag.fori_loop(0, steps, lambda i, y: ag.sin(x * y) + i, x))
        program = ag.jit(f)
        program(0.5)
        return str(program.graph).replace(f"{float(steps)}", "steps")

    assert nodes(10) == nodes(20)


def test_what_is_the_same_in_each_step_is_computed_before_the_loop() -> None:
    program = ag.jit(lambda x: ag.fori_loop(0, 9, lambda _, y: y * ag.exp(x), 1.0))
    program(0.5)
    assert str(program.graph).index("exp") < str(program.graph).index("loop")
    program = ag.jit(lambda x, y: ag.cond(y > 0, lambda: ag.exp(x), lambda: x))  # of a branch it is not
    program(0.5, 1.0)
    assert str(program.graph).index("loop") < str(program.graph).index("exp")


# Where nothing arrives, nothing is passed on, not even the nan of 0 · inf


@pytest.mark.parametrize(
    "f",
    [
        lambda x: ag.cond(x > 0, lambda: ag.sqrt(x), lambda: x * 2),
        lambda x: ag.cond(x > 0, lambda r: r, lambda r: 0.0, ag.sqrt(x)) + x,
        lambda x: ag.fori_loop(0, x, lambda i, c, r=None: c + ag.sqrt(x), 1.0) + x,
        lambda x: _no_step(x, ag.sqrt(x)),
        lambda x: ag.fori_loop(0, 3, lambda i, c: ag.where(i == 1, x, c * 2), ag.sqrt(x)),
        lambda x: ag.fori_loop(0, 3, lambda i, c: (x + 1.0, c[0]), (ag.sqrt(x), ag.sqrt(x)))[0],
        lambda x: ag.where(x > 0, ag.fori_loop(0, 3, lambda i, c: ag.sqrt(c), x), x),
        lambda x: ag.fori_loop(0, 2, lambda i, c: (c[0] + c[1], ag.sqrt(c[1]) - 1), (0.0, x + 1))[0],
        lambda x: _unused_constant(x, ag.sqrt(x)),
    ],
)  # fmt: skip
def test_nothing_from_what_was_not_taken(f: Any) -> None:
    """At 0, where the slope of the root is infinite."""
    for derivative in (f, ag.grad(f), lambda x: ag.jvp(f, (x,), (1.0,))[1]):
        assert ag.jit(derivative)(0.0) == derivative(0.0)
        assert math.isfinite(derivative(0.0))


def _no_step(x: Any, root: Any) -> Any:
    return ag.fori_loop(0, x, lambda i, c: c + root, 1.0) + x


def _unused_constant(x: Any, root: Any) -> Any:
    return ag.fori_loop(0, 3, lambda i, c: ag.where(i == 7, root, c * 2), x)


# What is refused


def message(f: Callable[..., Any], *args: Any) -> str:
    with pytest.raises(TracingError) as caught:
        ag.jit(f)(*args)
    assert __file__ in str(caught.value)
    return str(caught.value)


def test_digits_and_indices_in_a_body() -> None:
    assert "ag.scan" in message(lambda x: ag.fori_loop(0, 3, lambda i, c: c + [1.0, 2.0, 3.0][i], x), 1.0)

    def catches(c: Any) -> Any:
        try:
            return float(c)
        except TypeError:
            return c

    assert "float" in message(lambda x: ag.fori_loop(0, 3, lambda i, c: catches(c), x), 1.0)


def test_leaks() -> None:
    def leaks(x: Any, keep: Callable[[Any], None], use: Callable[[], Any]) -> Any:
        def body(_: Any, c: Any) -> Any:
            keep(c)
            return 2 * c

        return ag.fori_loop(0, 3, body, x) + use()

    kept: list[Any] = []
    array = ag.array([1.0, ag.Value(1.0)])
    for keep, use in [
        (kept.append, lambda: kept[-1]),
        (lambda c: array.__setitem__(0, array[0] + c), lambda: array[0]),
    ]:
        assert "leaked from the body of the loop" in message(lambda x, k=keep, u=use: leaks(x, k, u), 1.0)


def test_a_loop_that_does_not_end() -> None:
    with pytest.raises(RuntimeError, match=r"test_tracing_loops\.py:\d+: the loop must end within 100 steps"):
        ag.jit(lambda x: ag.while_loop(lambda c: c > 0, lambda c: c + 1, x, max_steps=100))(1.0)


def test_branches_of_two_structures() -> None:
    with pytest.raises(TypeError, match=r"false_fun must keep the structure: .*\[0\] was a number, got nothing"):
        ag.jit(lambda x: ag.cond(x > 0, lambda: (x, x), lambda: x))(1.0)


def test_a_trace_survives_an_error_in_a_body() -> None:
    def f(x: Any) -> Any:
        with pytest.raises(ZeroDivisionError):
            ag.fori_loop(0, 3, lambda i, c: c + 1 / 0, x)
        return ag.fori_loop(0, 3, lambda i, c: c + x, x)

    assert ag.jit(f)(2.0) == 8.0


def test_graphs_with_loops_print() -> None:
    def f(x: Any) -> Any:
        return ag.while_loop(lambda c: c < 9, lambda c: c * x, x)

    program = ag.jit(f)
    assert program(2.0) == 16.0
    assert str(program.graph).splitlines() == [
        "%0 = shared input argument 0",
        "%1 = inf",
        "%2 = loop of %1 steps, carries %0, constants %0",
        "  while",
        "    %0 = shared input 1",
        "    %1 = 9.0",
        "    %2 = less %0 %1",
        "    return %2",
        "  step",
        "    %0 = shared input 1",
        "    %1 = shared input argument 0",
        "    %2 = mul %0 %1",
        "    return %2",
        "%3 = item 0 of %2",
        "return %3",
    ]


def test_nothing_of_a_loop_or_a_root_is_kept_after_its_program() -> None:
    root = ag.custom_root(lambda x, a: x * x - a)(lambda x, a: ag.sqrt(a))

    def in_a_loop(x: Any) -> Any:
        return ag.scan(lambda c, r: (c * r, root(1.0, c)), x[0], x)[1]

    def outside(x: Any) -> Any:
        return root(1.0, x[0]) * ag.fori_loop(0, 3, lambda _, y: y * x[1], 1.0)

    def go() -> None:
        for f in (ag.jacobian(in_a_loop, sparse=True), ag.hessian(outside, sparse=True)):
            ag.jit(f)(np.array([0.3, 0.7]))

    before = count_traces()
    go()
    assert count_traces() <= before


def count_traces() -> int:
    for _ in range(2):
        gc.collect()
    return sum(type(x) is Trace for x in gc.get_objects())
