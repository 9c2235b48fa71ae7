"""The side of a choice that is not taken contributes nothing, not even the nan of 0 · inf, to any order.

Compiled, too, where nobody knows before the call what is taken: tests/jit/trace/test_choices.py has more of that.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd as ag
from autograd import Value

# Functions, each with a point where the side that is not taken has an infinite derivative or none; there they are
# constant or x, so their derivatives are known without a computation.
CHOICES: dict[str, tuple[Callable[[Any], Any], float, float]] = {
    "sqrt at 0": (lambda x: ag.where(x > 0, ag.sqrt(x), 0.0), 0.0, 0.0),
    "sqrt below 0": (lambda x: ag.where(x > 0, ag.sqrt(x), 0.0), -1.0, 0.0),
    "the other side": (lambda x: ag.where(x <= 0, x, ag.log(x)), 0.0, 1.0),
    "x log x": (lambda x: ag.where(x > 0, x * ag.log(x), 0.0), 0.0, 0.0),
    "sin(x) / x": (lambda x: ag.where(x == 0, 1.0, ag.sin(x) / x), 0.0, 0.0),
    "softplus": (lambda x: ag.where(x > 50, x, ag.log1p(ag.exp(x))), 1000.0, 1.0),
    "a Value as condition": (lambda x: ag.where(x, ag.log(x), x), 0.0, 1.0),
    "maximum": (lambda x: ag.maximum(ag.sqrt(x), 1e-3), 0.0, 0.0),
    "minimum": (lambda x: ag.minimum(1 / x**2, 1), 0.0, 0.0),
    "relu": (lambda x: ag.relu(ag.log(x)), 0.0, 0.0),
    "leaky_relu of elu": (lambda x: ag.elu(ag.leaky_relu(ag.maximum(x, 0.0) + 1.0)), -1.0, 0.0),
    "clip": (lambda x: ag.clip(1 / x, 0, 10), 0.0, 0.0),
    "sign": (lambda x: ag.sign(ag.log(x)), 0.0, 0.0),
    "heaviside": (lambda x: ag.heaviside(ag.log(x), 0.5), 0.0, 0.0),
    "heaviside's value at 0": (lambda x: ag.heaviside(x + 1.0, ag.log(x)), 0.0, 0.0),
    "power 0": (lambda x: ag.sqrt(x) ** 0, 0.0, 0.0),
    "deep below": (lambda x: ag.where(x > 0, ag.exp(ag.sin(ag.sqrt(x) + x * x)) * x, 2.0 * x), 0.0, 2.0),
    "one in another": (lambda x: ag.where(x > 0, ag.maximum(ag.log(x), -1.0), ag.relu(ag.sqrt(x)) + x), 0.0, 1.0),
}
# What is taken keeps its nan: sqrt(0)² has the derivative 0 · inf.
TAKEN: dict[str, Callable[[Any], Any]] = {
    "where": lambda x: ag.where(x <= 0, ag.sqrt(x) * ag.sqrt(x), 0.0),
    "maximum": lambda x: ag.maximum(ag.sqrt(x) * ag.sqrt(x), -1.0),
    "a nan chosen": lambda x: ag.where(x > -1, ag.sqrt(x - 1.0), 0.0),
    "relu": lambda x: ag.relu(ag.sqrt(x) * ag.sqrt(x) + 1.0),
}


def all_derivatives(f: Callable[[Any], Any], x: float) -> dict[str, float]:
    """The first derivative by everything that computes it."""
    leaf, again = Value(x), Value(x)
    (f(leaf) * 1.0).backward()
    found = (f(again) * 1.0).backward(create_graph=True)
    return {
        "backward": leaf.grad,
        "backward on Values": again.grad,
        "its graph": float(found.get(again, 0.0)),
        "grad": ag.grad(f)(x),
        "value_and_grad": ag.value_and_grad(f)(x)[1],
        "jvp": ag.jvp(f, (x,), (1.0,))[1],
        "vjp": ag.vjp(f, x)[1](1.0)[0],
        "elementwise_grad": ag.elementwise_grad(f)(x),
        "jacobian": ag.jacobian(f)(x),
        "jacobian in a block": ag.jacobian(lambda x: [f(x), 2.0 * x, f(x)])(x)[0],
    }


def all_compiled(f: Callable[[Any], Any], x: float) -> list[float]:
    """The first derivative by everything that a program computes it with, for one number and for a batch."""

    def several(x: Any) -> list[Any]:
        found = (f(x) * 1.0).backward(create_graph=True)
        return [ag.grad(f)(x), ag.jvp(f, (x,), (1.0,))[1], found.get(x, 0.0), *ag.jacobian(lambda x: [f(x), x])(x)]

    single = ag.jit(several)(x)
    return [*single[:4], ag.jit(f).value_and_grad(x)[1], *ag.jit(several, in_axes=0)(np.array([1.5, x]))[0][1:]]


@pytest.mark.parametrize("name", CHOICES)
def test_what_is_not_taken_contributes_nothing(name: str) -> None:
    f, x, slope = CHOICES[name]
    assert all_derivatives(f, x) == dict.fromkeys(all_derivatives(f, x), slope)
    assert set(all_compiled(f, x)) == {slope}


@pytest.mark.parametrize("name", CHOICES)
def test_nor_to_higher_orders(name: str) -> None:
    f, x, _ = CHOICES[name]
    assert ag.grad(ag.grad(f))(x) == ag.hessian(f)(x) == ag.hvp(f, (x,), (1.0,)) == 0.0
    assert ag.grad(ag.grad(ag.grad(f)))(x) == 0.0
    assert ag.jvp(ag.grad(f), (x,), (1.0,))[1] == ag.jacobian(ag.grad(f))(x) == 0.0
    # Multiplied by x, it has second derivatives that are not zero.
    slope = CHOICES[name][2]

    def times_x(x: Any) -> Any:
        return f(x) * (x + 1.0)

    assert ag.grad(ag.grad(times_x))(x) == 2 * slope

    def several(x: Any) -> list[Any]:
        twice = ag.grad(ag.grad(f))
        return [twice(x), ag.hvp(f, (x,), (1.0,)), ag.jvp(ag.grad(f), (x,), (1.0,))[1], ag.grad(twice)(x)]

    assert ag.jit(several)(x) == [0.0] * 4
    assert ag.jit(ag.hessian(times_x), in_axes=0)(np.array([1.5, x]))[1] == 2 * slope


@pytest.mark.parametrize("name", TAKEN)
def test_what_is_taken_keeps_its_nan(name: str) -> None:
    assert all(map(math.isnan, [*all_derivatives(TAKEN[name], 0.0).values(), *all_compiled(TAKEN[name], 0.0)]))


def test_nodes_that_are_not_taken_have_the_gradient_0() -> None:
    x = Value(0.0)
    root, whole = ag.sqrt(x), ag.sign(x)
    low = ag.log(whole)  # nothing but a condition leads from here to x
    ag.where(x > 0, root + low, x).backward()
    assert (x.grad, root.grad, low.grad, whole.grad) == (1.0, 0.0, 0.0, 0.0)


def test_equal_arguments_share_the_derivative_also_where_one_is_infinite() -> None:
    x, y = Value(0.0), Value(0.0)
    ag.maximum(ag.sqrt(x), y).backward()
    assert (x.grad, y.grad) == (math.inf, 0.5)


def test_leaves_accumulate_and_the_seed_counts() -> None:
    x = Value(0.0)
    y = ag.where(x > 0, ag.sqrt(x), 3.0 * x)
    y.backward(2.0)
    y.backward(2.0)
    assert x.grad == 12.0
