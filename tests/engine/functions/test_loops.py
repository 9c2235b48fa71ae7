"""Loops and branches as functions, eager: the plain Python that they stand for, and what they refuse."""

from __future__ import annotations

import dataclasses
import math
import re
from typing import Any

import numpy as np
import pytest

import autograd as ag
import nn
from autograd import Value


def test_fori_loop_is_a_for_loop() -> None:
    seen: list[Any] = []
    assert ag.fori_loop(2, 5, lambda i, c: seen.append(i) or c + i, 1) == 10  # type: ignore[func-returns-value]
    assert seen == [2, 3, 4]
    assert all(type(i) is int for i in seen)
    assert ag.fori_loop(5, 2, lambda i, c: c + i, 1.0) == 1.0
    assert ag.fori_loop(Value(0.0), np.int64(3), lambda i, c: [c[0] + i], [0.0]) == [3.0]
    assert ag.fori_loop(0, math.nan, lambda i, c: c + 1, 0) == 0


def test_while_loop_is_a_while_loop() -> None:
    assert ag.while_loop(lambda c: c["x"] < 10, lambda c: {"x": c["x"] * 2}, {"x": 1}) == {"x": 16}
    assert ag.while_loop(lambda c: c < 3, lambda c: c + 1, 0, max_steps=3) == 3


def test_scan_stacks_rows() -> None:
    xs = np.arange(6.0).reshape(3, 2)
    carry, ys = ag.scan(lambda c, x: (c + x[0], {"sum": x + c, "last": x[1]}), 10.0, xs)
    assert carry == 16.0
    np.testing.assert_array_equal(ys["last"], xs[:, 1])
    np.testing.assert_array_equal(ys["sum"], xs + np.array([[10.0], [10.0], [12.0]]))
    carry, back = ag.scan(lambda c, x: (c + x, c), 0.0, np.array([1.0, 2.0, 4.0]), reverse=True)
    assert carry == 7.0
    np.testing.assert_array_equal(back, [6.0, 4.0, 0.0])
    assert ag.scan(lambda c, _: (c + 1, None), 0, length=4) == (4, None)


def test_cond_calls_one_of_the_two() -> None:
    assert ag.cond(True, lambda x: x + 1, lambda x: 1 / 0, 2.0) == 3.0
    assert ag.cond(Value(0.0), lambda: 1 / 0, lambda: 5.0) == 5.0


def test_derivatives_of_any_order() -> None:
    """Of x⁵ in four forms, by the power rule."""

    def by_scan(x: Any) -> Any:
        return ag.scan(lambda c, _: (c * x, None), 1.0, length=5)[0]

    def by_while(x: Any) -> Any:
        return ag.while_loop(lambda c: c[0] < 5, lambda c: (c[0] + 1, c[1] * x), (0, 1.0))[1]

    def by_cond(x: Any) -> Any:
        return ag.cond(x > 0, lambda x: x**5, lambda x: 0.0 * x, x)

    for f in (lambda x: ag.fori_loop(0, 5, lambda _, c: c * x, 1.0), by_scan, by_while, by_cond):
        wanted, power = 1.0, 5
        while power > 1:
            wanted, power, f = wanted * power, power - 1, ag.grad(f)
            assert f(2.0) == pytest.approx(wanted * 2.0**power)


def test_the_first_carry_may_be_any_structure() -> None:
    @dataclasses.dataclass
    class State:
        x: Any
        v: Any

    def body(_: Any, s: State) -> State:
        return State(s.x + 0.1 * s.v, s.v - 0.1 * s.x)

    last = ag.fori_loop(0, 3, body, State(np.array([1.0, 0.0]), np.zeros(2)))
    x, v = np.array([1.0, 0.0]), np.zeros(2)
    for _ in range(3):
        x, v = x + 0.1 * v, v - 0.1 * x
    np.testing.assert_allclose(last.x, x)
    np.testing.assert_allclose(last.v, v)


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda: ag.fori_loop(0, 3, lambda i, c: (c, c), 1.0), TypeError, "carry was a number, got a container"),
        (lambda: ag.fori_loop(0, 3, lambda i, c: {"a": 1.0}, {"a": np.ones(2)}), TypeError, "of shape (2,), got a num"),
        (lambda: ag.fori_loop(0, 3, lambda i, c: {"b": 1.0}, {"a": 1.0}), TypeError, "['a'] was a number, got nothing"),
        (lambda: ag.fori_loop(0, 3, lambda i, c: [*c, 1.0], [1.0]), TypeError, "carry[1] was not there, got a number"),
        (lambda: ag.fori_loop(0, 3, lambda i, c: list(c), (1.0,)), TypeError, "was in other containers, got list"),
        (lambda: ag.fori_loop(0, 3, lambda i, c: None, 1.0), TypeError, "the carry must hold numbers, got None"),
        (lambda: ag.fori_loop(0, "3", lambda i, c: c, 1.0), TypeError, "upper must be a number, got str '3'"),
        (lambda: ag.fori_loop(0, 3, 1.0, 1.0), TypeError, "body must be a function, got float 1.0"),
        (lambda: ag.fori_loop(0, 3, lambda i, c: c, nn.MLP(1, [1])), TypeError, "got the Module MLP"),
        (lambda: ag.while_loop(lambda c: True, lambda c: c, 1.0, max_steps=9), RuntimeError, "must end within 9 steps"),
        (lambda: ag.while_loop(lambda c: "yes", lambda c: c, 1.0), TypeError, "cond must return a bool or a number"),
        (lambda: ag.while_loop(lambda c: c, lambda c: c, 1.0, max_steps=2.5), TypeError, "max_steps must be a whole"),
        (lambda: ag.scan(lambda c, x: c, 1.0, np.ones(2)), TypeError, "must return a pair (carry, y), got float 1.0"),
        (lambda: ag.scan(lambda c, x: (c, x), 1.0, [1.0, 2.0]), TypeError, "with Values, ag.array(xs)"),
        (lambda: ag.scan(lambda c, x: (c, x), 1.0), TypeError, "length must be the number of steps, got None"),
        (lambda: ag.scan(lambda c, x: (c, x), 1.0, length=1.5), TypeError, "length must be a whole number, got float"),
        (lambda: ag.scan(lambda c, x: (c, x), 1.0, (np.ones(2), np.ones(3))), ValueError, "got 2 in xs[0], 3 in xs[1]"),
        (lambda: ag.scan(lambda c, x: (c, x), 1.0, np.ones(0)), ValueError, "at least one step, got 0"),
        (lambda: ag.scan(lambda c, x: (c, [x] * int(x)), 1.0, np.array([1.0, 2.0])), TypeError, "y[1] was not there"),
        (lambda: ag.cond("yes", lambda: 1.0, lambda: 2.0), TypeError, "pred must be a bool or a number, got str"),
    ],
)  # fmt: skip
def test_errors_say_what_was_wrong_and_where(call: Any, kind: Any, words: str) -> None:
    with pytest.raises(kind, match=re.escape(words)) as caught:
        call()
    assert "test_loops.py:" in str(caught.value)
