"""Values that a function closes over, or is given for other arguments: derivatives depend on them."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import autograd as ag
import nn
from autograd import Value
from autograd.transforms import elementwise_grad, grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp

X = np.array([0.5, -1.5])

# Each computes w · x² · ..., so that its derivative with respect to w is known: see test_derivatives_depend_on_w.
DERIVATIVES: dict[str, tuple[Any, float]] = {
    "grad": (lambda w: grad(lambda x: w * w * x**3)(2.0), 12.0),
    "argument": (lambda w: grad(lambda x, w: w * w * x**3)(2.0, w), 12.0),
    "keyword": (lambda w: grad(lambda x, w: w * w * x**3)(2.0, w=w), 12.0),
    "in a container": (lambda w: grad(lambda x, p: p["w"][0] ** 2 * x**3)(2.0, {"w": [w]}), 12.0),
    "computed before": (lambda w: (lambda v: grad(lambda x: v * x**3)(2.0))(w * w), 12.0),
    "value_and_grad": (lambda w: value_and_grad(lambda x: w * w * x**3)(2.0)[1], 12.0),
    "value": (lambda w: value_and_grad(lambda x: w * w * x**3)(2.0)[0], 8.0),
    "aux": (lambda w: grad(lambda x: (x * x, w * w * x), has_aux=True)(3.0)[1], 3.0),
    "elementwise_grad": (lambda w: elementwise_grad(lambda x: w * w * x**3)(np.array([2.0, 1.0]))[0], 12.0),
    "jacobian": (lambda w: jacobian(lambda x: [w * w * x**3, x])(2.0)[0], 12.0),
    "hessian": (lambda w: hessian(lambda x: w * w * x[0] ** 3 * x[1])(np.array([2.0, 1.0]))[0, 0], 12.0),
    "jvp": (lambda w: jvp(lambda x: w * w * x**3, (2.0,), (1.0,))[1], 12.0),
    "vjp": (lambda w: vjp(lambda x: w * w * x**3, 2.0)[1](1.0)[0], 12.0),
    "hvp": (lambda w: hvp(lambda x: w * w * x**3, (2.0,), (1.0,)), 12.0),
    "nested": (lambda w: grad(grad(lambda x: w * w * x**3))(2.0), 12.0),
    "through both": (lambda w: grad(lambda x: grad(lambda y: w * w * x * y**3)(2.0))(5.0), 12.0),
}


@pytest.mark.parametrize("name", DERIVATIVES)
def test_derivatives_depend_on_w(name: str) -> None:
    compute, factor = DERIVATIVES[name]  # the result is factor · w²
    w = Value(3.0)
    result = compute(w)
    assert result.data == factor * 9.0
    result.backward()
    assert w.grad == factor * 6.0


def test_what_the_function_makes_itself_is_a_constant() -> None:
    def f(x: Any) -> Any:
        total = Value(0.0)
        for k in range(3):
            total += Value(float(k)) * x**k
        return total

    assert type(grad(f)(2.0)) is float
    assert type(grad(lambda x: grad(f)(x))(2.0)) is float
    assert type(grad(lambda x: f(x) + grad(f)(3.0))(2.0)) is float


def test_a_constant_that_a_function_makes_in_another_thread() -> None:
    def f(x: Any) -> Any:
        found: list[Any] = []
        thread = threading.Thread(target=lambda: found.append(Value(3.0) * x))
        thread.start()
        thread.join()
        return found[0]

    assert type(grad(f)(2.0)) is float


def test_a_result_that_does_not_depend_on_the_argument() -> None:
    w = Value(3.0)
    value, slope = value_and_grad(lambda x: w)(2.0)
    assert (value.data, slope.data) == (3.0, 0.0)
    value.backward()
    assert w.grad == 1.0


def test_a_loss_with_the_slope_of_a_network_has_the_gradient_that_differences_give() -> None:
    model = nn.MLP(1, [3, 1], activation="tanh", seed=0)

    def loss() -> Any:
        return (grad(lambda x: model([x]))(0.5) - 1.0) ** 2 + grad(grad(lambda x: model([x])))(0.2) ** 2

    loss().backward()
    for p in model.parameters():
        p0, h = p.data, 1e-5
        p.data = p0 + h
        up = loss().data
        p.data = p0 - h
        down = loss().data
        p.data = p0
        assert abs((up - down) / (2 * h) - p.grad) <= 1e-8 * (1 + abs(p.grad))  # h² times the third derivative


def test_modules_as_arguments_and_closed_over_alike() -> None:
    model, other = nn.MLP(1, [2, 1], seed=0), nn.MLP(1, [2, 1], seed=1)
    slopes = grad(lambda m: m([2.0]))(model)
    assert {type(x) for x in slopes.values()} == {float}
    slopes = grad(lambda m: m([2.0]) * other([1.0]))(model)
    assert {type(x) for x in slopes.values()} == {Value}
    curvature = grad(lambda m: ag.sum([s * s for s in grad(lambda k: k([2.0]))(m).values()]))(model)
    assert {type(x) for x in curvature.values()} == {float}


def test_two_threads_may_differentiate_the_same_module() -> None:
    model = nn.MLP(1, [2, 1], seed=0)
    inside, finish = threading.Event(), threading.Event()

    def slow(m: Any) -> Any:
        inside.set()
        assert finish.wait(10)
        return m([1.0])

    thread = threading.Thread(target=lambda: grad(slow)(model))
    thread.start()
    try:
        assert inside.wait(10)
        assert {type(x) for x in grad(lambda m: m([1.0]))(model).values()} == {float}
        assert float(model.parameters()[0]) == model.parameters()[0].data  # this thread differentiates nothing
    finally:
        finish.set()
        thread.join()


def test_compiled_derivatives_read_what_they_close_over() -> None:
    w = Value(2.0)
    slope = ag.jit(grad(lambda x: w * x * x))
    assert slope(3.0) == 12.0
    w.data = 5.0
    assert slope(3.0) == 30.0


@given(st.floats(-2, 2), st.floats(-2, 2))
def test_closing_over_equals_passing_as_an_argument(a: float, b: float) -> None:
    def f(x: Any, w: Any) -> Any:
        return ag.sin(w * x) * ag.exp(x - w)

    mixed = grad(lambda w: grad(lambda x: f(x, w))(a))(b)
    w = Value(b)
    grad(lambda x: f(x, w))(a).backward()
    assert w.grad == pytest.approx(mixed, rel=1e-14, abs=1e-14)
