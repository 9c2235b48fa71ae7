"""Compiled choices: what is not taken contributes nothing, whatever is in it. Programs equal the eager engine."""

import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd as ag

# Functions that are infinite or nan, or have such slopes, at some of the points below.
SINGULAR: list[Callable[[Any], Any]] = [
    ag.sqrt, ag.log, ag.sqrt, ag.cbrt, ag.log1p, abs, lambda x: 1 / x, lambda x: x**-2, lambda x: x**3,
    lambda x: ag.exp(ag.where(x > 1.5, 1000.0, x)), lambda x: -x, lambda x: ag.xlogy(x, x), lambda x: x * math.inf,
]  # fmt: skip
BINARY: list[Callable[[Any, Any], Any]] = [
    lambda x, y: x * y, lambda x, y: x + y, lambda x, y: x - y, lambda x, y: x / y, ag.atan2, ag.hypot, ag.xlogy,
    lambda x, y: ag.norm([x, y, x - y]), lambda x, y: ag.dot([x, y], [y, 2.0], x),
]  # fmt: skip
CHOICES: list[Callable[[Any, Any, Any], Any]] = [
    lambda x, y, z: ag.where(x > 0, y, z), lambda x, y, z: ag.where(x, y, z), lambda x, y, z: ag.where(x == y, 1.0, z),
    lambda x, y, z: ag.maximum(x, y), lambda x, y, z: ag.minimum(y, z), lambda x, y, z: ag.relu(y),
    lambda x, y, z: ag.clip(z, -1.0, 2.0), lambda x, y, z: ag.maximum(y, 0.5), lambda x, y, z: ag.heaviside(x, z),
    lambda x, y, z: ag.leaky_relu(y), lambda x, y, z: ag.hardtanh(z), lambda x, y, z: ag.elu(x),
    lambda x, y, z: ag.interp(x, [-1.0, 0.0, 1.0], [y, z, 2.0]), lambda x, y, z: ag.where(x <= y, ag.relu(z), y),
]  # fmt: skip
SPECIAL = [0.0, -0.0, 1.0, -1.0, 2.0, 0.5, 10.0]


def random_program(rng: random.Random) -> Callable[[Any], Any]:
    """A function of three numbers: choices between what singular functions make of them."""
    steps: list[tuple[Callable[..., Any], list[int]]] = []
    for k in range(3, 3 + rng.randint(4, 14)):
        group, count = rng.choice([(SINGULAR, 1), (BINARY, 2), (CHOICES, 3), (CHOICES, 3)])
        steps.append((rng.choice(group), [rng.randrange(max(0, k - 6), k) for _ in range(count)]))

    def program(xs: Any) -> Any:
        values = [x * 1.0 for x in xs]
        for function, picks in steps:
            values.append(function(*[values[k] for k in picks]))
        return ag.where(values[-1] > values[-2], values[-1], values[-3]) + ag.relu(values[-2] * values[0])

    return program


def random_point(rng: random.Random) -> list[float]:
    return [rng.choice(SPECIAL) if rng.random() < 0.6 else rng.gauss(0.0, 2.0) for _ in range(3)]


def derivatives(f: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    """The value, the gradient, and products of a Hessian, backward over backward and forward over backward."""

    def function(xs: Any, vs: Any) -> Any:
        value, slope = ag.value_and_grad(f)(xs)
        forward = ag.jvp(ag.grad(f), (xs,), (vs,))[1]
        return [value, ag.jvp(f, (xs,), (vs,))[1], *slope, *ag.hvp(f, (xs,), (vs,)), *forward]

    return function


@pytest.mark.parametrize("block", range(4) if ag.__build__ == "C" else range(4, 8))
def test_random_choices_between_singular_functions_equal_eager(block: int) -> None:
    rng = random.Random(block)
    for _ in range(8):
        function = derivatives(random_program(rng))
        points, directions = (np.array([random_point(rng) for _ in range(11)]) for _ in "xv")
        # On Values, because on floats the engine takes a short cut where an adjoint is 0.
        eager = np.array(
            [function(np.array(list(map(ag.Value, x))), v) for x, v in zip(points, directions)], dtype=float
        )
        batch = np.array(ag.jit(function, in_axes=0)(points, directions)).T
        np.testing.assert_allclose(batch, eager, rtol=1e-6, atol=1e-9)
        np.testing.assert_array_equal(ag.jit(function)(points[0], directions[0]), batch[0])


def rotate(r: Any) -> Any:
    """(0, 1, 0) turned by the rotation vector r: O. Rodrigues' formula, with its limits where the angle is 0."""
    v = [0.0, 1.0, 0.0]
    square = r[0] * r[0] + r[1] * r[1] + r[2] * r[2]
    angle = ag.sqrt(square)
    a = ag.where(square == 0, 1.0, ag.sin(angle) / angle)
    b = ag.where(square == 0, 0.5, (1 - ag.cos(angle)) / square)
    return np.array([x + a * y + b * z for x, y, z in zip(v, cross(r, v), cross(r, cross(r, v)))])


def cross(a: Any, b: Any) -> list[Any]:
    return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]


@pytest.mark.parametrize("axes", ["eager", None, 0])
def test_a_rotation_by_the_angle_0_has_derivatives(axes: Any) -> None:
    def last(r: Any) -> Any:
        return rotate(r)[2]

    def derivatives(r: Any) -> Any:
        return [ag.jacobian(rotate)(r), ag.hessian(last)(r), ag.jvp(rotate, (r,), (np.array([1.0, 2.0, 3.0]),))[1]]

    if axes == 0:
        batch = np.outer(np.arange(-5.0, 7.0), [0.1, 0.2, 0.3])
        slopes, curvature, moved = (x[5] for x in ag.jit(derivatives, in_axes=0)(batch))
    else:
        slopes, curvature, moved = (derivatives if axes == "eager" else ag.jit(derivatives))(np.zeros(3))
    np.testing.assert_array_equal(slopes, [[0, 0, -1], [0, 0, 0], [1, 0, 0]])  # r × (0, 1, 0) = (-z, 0, x)
    np.testing.assert_array_equal(curvature, [[0, 0, 0], [0, 0, 0.5], [0, 0.5, 0]])  # of r × (r × v) / 2: y z / 2
    np.testing.assert_array_equal(moved, [-3, 0, 1])


def integrate(p: Any, steps: int | None) -> Any:
    """y' = sin(b t) - a y from y(0) = 1 to t = 1, step by step: a loop that ends or, with `steps`, masked steps."""
    t, y, h = 0.0 * p[0], 1.0 + 0.0 * p[0], 0.1 + 0.0 * p[0]
    count = 0
    while count < steps if steps else t < 1.0:
        count += 1
        active = t < 1.0
        step = ag.minimum(h, 1.0 - t)
        k1 = slope(p, t, y)
        k2 = slope(p, t + step / 2, y + step / 2 * k1)
        k3 = slope(p, t + step, y - step * k1 + 2 * step * k2)
        better, worse = y + step / 6 * (k1 + 4 * k2 + k3), y + step * k2
        error = ag.abs(better - worse)
        accepted = error <= 1e-4
        factor = ag.clip(0.9 * (1e-4 / error) ** (1 / 3), 0.2, 5.0)  # 1 / 0 when all is done
        t = ag.where(active, ag.where(accepted, t + step, t), t)
        y = ag.where(active, ag.where(accepted, better, y), y)
        h = ag.where(active, step * factor, h)
    return y


def slope(p: Any, t: Any, y: Any) -> Any:
    return ag.sin(p[1] * t) - p[0] * y


def test_masked_steps_after_the_last_one_do_not_disturb_the_gradient() -> None:
    p = np.array([1.3, 2.1])
    value, gradient = ag.value_and_grad(lambda p: integrate(p, None))(p)
    masked, its_gradient = ag.jit(lambda p: integrate(p, 40)).value_and_grad(p)
    assert masked == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(its_gradient, gradient, rtol=1e-9)


@pytest.mark.parametrize("wrt", ["w", "b"])
def test_missing_data_do_not_reach_the_weights(wrt: str) -> None:
    """A nan in the batch, which a where replaces, as weights of a network would meet it."""

    def loss(p: Any, x: Any) -> Any:
        layer = [ag.relu(ag.dot(row, [x, 1.0])) for row in zip(p["w"], p["b"])]
        return ag.where(x == x, ag.sum(layer), 0.0)

    p, xs = {"w": [0.5] * 12, "b": [0.25] * 12}, np.array([1.0, math.nan, 2.0, -3.0, math.nan])
    gradient = ag.jit(loss, in_axes=(None, 0)).value_and_grad(p, xs)[1]
    assert gradient == {"w": [3.0] * 12, "b": [2.0] * 12}


def count_choices(f: Callable[..., Any], *args: Any) -> int:
    program = ag.jit(f)
    program.value_and_grad(*args, argnums=tuple(range(len(args))))
    return sum(what is ag.where for what in program.graph.what)


def test_few_choices_are_enough() -> None:
    """One where a region ends, none within it; two sides that meet are one choice."""
    assert count_choices(lambda x: ag.where(x > 0, ag.log(ag.sqrt(x) * ag.exp(x)), 0.0), 1.0) == 2
    assert count_choices(lambda x: ag.where(x > 0, x, 0.1 * x), 1.0) == 2
    assert count_choices(lambda x: ag.relu(ag.log(x)), 1.0) == 1
    assert count_choices(lambda x, y: ag.where(x > 0, ag.where(y > 0, x, 2.0 * x), x * x), 1.0, 1.0) == 4
    layer = [[0.5, 0.25], [1.5, -2.0], [0.75, -0.5]]
    assert count_choices(lambda w: ag.sum([ag.relu(ag.dot(row, [1.0, 2.0])) for row in w]), layer) == 3
    # As nn.hinge, which refuses a label by a nan: the label's where, one for the margin, one where the label ends.
    label = [1.0]
    assert (
        count_choices(
            lambda w, y: ag.relu(1.0 - ag.dot(w, w) * ag.where(y[0] == 1.0, y[0], math.nan)), [0.5] * 9, label
        )
        == 3
    )
