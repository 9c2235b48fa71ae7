"""Derivatives of roots and fixed points: against closed forms, SciPy and the derivatives through the iteration."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.optimize
import scipy.stats

import autograd as ag
import nn

M = np.linspace(-6.0, 6.0, 67)  # mean anomalies
E = np.linspace(0.0, 0.95, 67)  # eccentricities


def times_newton(x: Any, f: Callable[[Any], Any], slope: Callable[[Any], Any], steps: int) -> Any:
    for _ in range(steps):
        x = x - f(x) / slope(x)
    return x


@ag.custom_root(lambda x, a: x**3 - a)
def cube_root(x: Any, a: Any) -> Any:
    return times_newton(x, lambda x: x**3 - a, lambda x: 3 * x**2, 40)


@ag.custom_root(lambda x, m, e: x - e * ag.sin(x) - m)
def kepler(x: Any, m: Any, e: Any) -> Any:
    return times_newton(x, lambda x: x - e * ag.sin(x) - m, lambda x: 1 - e * ag.cos(x), 60)


def anomaly(m: Any, e: Any) -> Any:
    return kepler(m + ag.where(m > 0, e, -e), m, e)


def test_any_order_eager_and_compiled(form: str) -> None:
    def f(a: Any) -> Any:
        return cube_root(1.0, a)

    power, factor = 1 / 3, 1.0
    for _ in range(5):
        assert f(2.0) == pytest.approx(factor * 2**power, rel=1e-14)
        assert ag.jit(f)(2.0) == pytest.approx(f(2.0), rel=4e-16)
        factor, power = factor * power, power - 1
        f = ag.grad(f)
    slope = ag.jit(ag.grad(lambda a: cube_root(1.0, a)), in_axes=0)(np.linspace(1.0, 3.0, 67))
    np.testing.assert_allclose(slope, np.linspace(1.0, 3.0, 67) ** (-2 / 3) / 3, rtol=1e-14)


def test_keplers_equation_in_a_batch() -> None:
    program = ag.jit(anomaly, in_axes=0)
    x, (by_m, by_e) = program.value_and_grad(M, E, argnums=(0, 1))
    np.testing.assert_allclose(x - E * np.sin(x), M, rtol=1e-15, atol=1e-15)
    np.testing.assert_allclose(by_m, 1 / (1 - E * np.cos(x)), rtol=1e-14)
    np.testing.assert_allclose(by_e, np.sin(x) / (1 - E * np.cos(x)), rtol=1e-14)
    second = ag.jit(ag.grad(ag.grad(anomaly)), in_axes=0)(M, E)
    np.testing.assert_allclose(second, -E * np.sin(x) / (1 - E * np.cos(x)) ** 3, rtol=1e-12, atol=1e-14)
    eager = np.array([ag.value_and_grad(anomaly, argnums=(0, 1))(m, e) for m, e in zip(M, E)], dtype=object)
    np.testing.assert_array_equal(eager[:, 0].astype(float), x)
    np.testing.assert_array_max_ulp(np.array(list(eager[:, 1])), np.stack([by_m, by_e], 1), 4)


def test_a_solver_with_a_tolerance_is_compiled() -> None:
    @ag.custom_root(lambda x, m, e: x - e * ag.sin(x) - m)
    def solve(x: Any, m: Any, e: Any) -> Any:
        step = 1.0
        while abs(step) > 1e-12:
            step = (x - e * ag.sin(x) - m) / (1 - e * ag.cos(x))
            x = x - step
        return x

    m, e = np.linspace(0.1, 3.0, 19), np.linspace(0.0, 0.9, 19)
    x, (by_m, by_e) = ag.jit(solve, in_axes=0).value_and_grad(m, m, e, argnums=(1, 2))
    np.testing.assert_allclose(x - e * np.sin(x), m, rtol=1e-15)
    np.testing.assert_allclose(by_m, 1 / (1 - e * np.cos(x)), rtol=1e-14)
    np.testing.assert_allclose(by_e, np.sin(x) / (1 - e * np.cos(x)), rtol=1e-14)


def black_scholes(volatility: Any, spot: Any, strike: float = 100.0, rate: float = 0.02, time: float = 0.5) -> Any:
    spread = volatility * math.sqrt(time)
    d = (ag.log(spot / strike) + rate * time) / spread + 0.5 * spread
    return spot * ag.norm_cdf(d) - strike * math.exp(-rate * time) * ag.norm_cdf(d - spread)


def test_implied_volatility_by_newton_with_a_tolerance() -> None:
    @ag.custom_root(lambda s, price, spot: black_scholes(s, spot) - price)
    def implied(s: Any, price: Any, spot: Any) -> Any:
        while abs(black_scholes(s, spot) - price) > 1e-12:
            s = s - (black_scholes(s, spot) - price) / ag.grad(black_scholes)(s, spot)
        return s

    price = black_scholes(0.3, 105.0)
    by_price, by_spot = ag.grad(implied, argnums=(1, 2))(0.2, price, 105.0)
    vega, delta = ag.grad(black_scholes, argnums=(0, 1))(0.3, 105.0)
    assert (by_price, by_spot) == pytest.approx((1 / vega, -delta / vega), rel=1e-11)
    volga = ag.grad(ag.grad(black_scholes))(0.3, 105.0)
    assert ag.grad(ag.grad(implied, 1), 1)(0.2, price, 105.0) == pytest.approx(-volga / vega**3, rel=1e-9)


def test_a_solver_of_scipy_gets_plain_numbers() -> None:
    seen = []

    @ag.custom_root(lambda x, a, b: [ag.exp(-x[0]) - a * x[1], x[1] - b["c"] * ag.sin(x[0])])
    def solve(x: Any, a: Any, b: Any) -> Any:
        seen.append((type(x[0]), type(a), type(b["c"])))
        return scipy.optimize.fsolve(lambda x: [math.exp(-x[0]) - a * x[1], x[1] - b["c"] * math.sin(x[0])], x)

    jacobian = ag.jacobian(lambda a, c: solve([0.5, 0.5], a, {"c": c}), argnums=(0, 1))(1.0, 2.0)
    assert seen == [(float, float, float)]
    ag.check_jacobian(
        lambda p: solve([0.5, 0.5], p[0], {"c": p[1]}), np.array([1.0, 2.0]), jacobian=lambda p: np.stack(jacobian, 1)
    )


def quadratics(x: Any, p: Any) -> Any:
    """x₀² + x₁² = p₀ and x₀ x₁ = p₁."""
    return [x[0] ** 2 + x[1] ** 2 - p[0], x[0] * x[1] - p[1]]


@ag.custom_root(quadratics)
def solve_quadratics(x: Any, p: Any) -> Any:
    for _ in range(12):
        slopes = np.array([[2 * x[0], 2 * x[1]], [x[1], x[0]]])
        x = x - ag.linalg.solve(slopes, np.array(quadratics(x, p)))
    return x


def by_radicals(p: Any) -> Any:
    total, difference = ag.sqrt(p[0] + 2 * p[1]), ag.sqrt(p[0] - 2 * p[1])
    return ag.sin(0.5 * (total + difference)) + 0.5 * (total - difference) ** 2


def by_root(p: Any) -> Any:
    x = solve_quadratics(np.array([2.5, 0.5]), p)
    return ag.sin(x[0]) + 2 * x[1] ** 2


def third(f: Callable[..., Any]) -> Callable[..., Any]:
    return ag.grad(lambda p: ag.hvp(f, (p,), (np.array([1.0, 2.0]),))[0])  # type: ignore[no-any-return]


@pytest.mark.parametrize("transform", [lambda f: f, ag.grad, ag.hessian, third])
def test_systems_to_third_order(transform: Callable[..., Any]) -> None:
    p = np.array([5.0, 2.0])
    expected = transform(by_radicals)(p)
    np.testing.assert_allclose(transform(by_root)(p), expected, rtol=1e-12)
    np.testing.assert_allclose(ag.jit(transform(by_root))(p), transform(by_root)(p), rtol=1e-14, atol=1e-15)
    points = np.array([5.0, 2.0]) + np.linspace(0, 0.5, 9)[:, None]
    batch = ag.jit(transform(by_root), in_axes=0)(points)
    np.testing.assert_allclose(batch, [transform(by_radicals)(p) for p in points], rtol=1e-11)


def test_vectors_forward_and_with_products() -> None:
    p, v = np.array([5.0, 2.0]), np.array([0.3, -0.7])
    assert ag.jvp(by_root, (p,), (v,))[1] == pytest.approx(ag.grad(by_radicals)(p) @ v, rel=1e-13)
    jacobian = ag.jacobian(lambda p: solve_quadratics(np.array([2.5, 0.5]), p))(p)
    np.testing.assert_allclose(jacobian, np.linalg.inv([[4.0, 2.0], [1.0, 2.0]]), rtol=1e-13)


def test_a_linear_system_as_a_root() -> None:
    random = np.random.default_rng(0)
    a, b = random.normal(size=(6, 6)), random.normal(size=6)
    solve = ag.custom_root(lambda x, a, b: a @ x - b)(lambda x, a, b: np.linalg.solve(a, b))
    np.testing.assert_allclose(ag.jacobian(solve, 2)(None, a, b), np.linalg.inv(a), rtol=1e-11)
    slopes = ag.grad(lambda a: solve(None, a, b) @ b)(a)
    np.testing.assert_allclose(slopes, -np.outer(np.linalg.solve(a.T, b), np.linalg.solve(a, b)), rtol=1e-10)


def test_the_fixed_point_of_the_logistic_map() -> None:
    @ag.fixed_point(lambda x, r: r * x * (1 - x))
    def settle(x: Any, r: Any) -> Any:
        for _ in range(200):
            x = r * x * (1 - x)
        return x

    def f(r: Any) -> Any:
        return settle(0.4, r)

    r = 2.7
    for transform, expected in [(f, 1 - 1 / r), (ag.grad(f), r**-2), (ag.grad(ag.grad(f)), -2 * r**-3)]:
        assert transform(r) == pytest.approx(expected, rel=1e-13)
        assert ag.jit(transform)(r) == pytest.approx(expected, rel=1e-13)


def test_a_fixed_point_of_a_structure() -> None:
    def update(x: Any, a: Any) -> Any:
        return {"u": ag.cos(a * x["v"]), "v": 0.5 * ag.sin(x["u"]) + a}

    def iterate(x: Any, a: Any) -> Any:
        for _ in range(100):
            x = update(x, a)
        return x

    implicit = ag.fixed_point(update)(iterate)
    start = {"u": 0.5, "v": 0.5}
    expected = ag.jacobian(iterate, 1)(start, 0.4)  # through the iteration
    found = ag.jacobian(implicit, 1)(start, 0.4)
    assert found == pytest.approx(expected, rel=1e-13)
    assert ag.jit(ag.jacobian(implicit, 1))(start, 0.4) == pytest.approx(expected, rel=1e-13)


def test_what_f_closes_over_has_derivatives_too() -> None:
    b = ag.Value(3.0)
    scale = b * b  # not a leaf, and made before

    @ag.custom_root(lambda x, a: x * x - a * scale)
    def root(x: Any, a: Any) -> Any:
        return math.sqrt(a * scale.data)

    y = root(1.0, ag.Value(2.0))
    y.backward()
    assert (y.data, b.grad) == pytest.approx((3 * math.sqrt(2), math.sqrt(2)))
    again = ag.grad(lambda b: ag.custom_root(lambda x: x * x - 2.0 * b * b)(lambda x: math.sqrt(2) * b.data)(1.0))
    assert again(3.0) == pytest.approx(math.sqrt(2))
    mixed = ag.grad(lambda t: ag.grad(lambda c: ag.custom_root(lambda x: x * x - c * t)(lambda x: 2.0)(1.0))(2 * t))
    assert mixed(math.sqrt(2)) == pytest.approx(0.0, abs=1e-15)  # √(t / c) / 2 at c = 2 t is constant


def test_a_program_that_closes_over_values_reads_them_at_each_call() -> None:
    b = ag.Value(3.0)
    root = ag.custom_root(lambda x, a: x * x - a * b)(
        lambda x, a: times_newton(x, lambda x: x * x - a * b, lambda x: 2 * x, 12)
    )
    program = ag.jit(ag.grad(lambda a: root(1.0, a)))
    assert program(2.0) == pytest.approx(0.5 * math.sqrt(3 / 2))
    b.data = 5.0
    assert program(2.0) == pytest.approx(0.5 * math.sqrt(5 / 2))
    constant = ag.jit(ag.grad(lambda a: ag.custom_root(lambda x, _: a * x - 4.0)(lambda x, _: 2.0)(1.0, 1.0)))
    assert constant(2.0) == -1.0
    assert math.isnan(constant(3.0))  # where 2 is no root
    assert constant(2.0) == -1.0


def test_a_module_as_an_argument() -> None:
    model = nn.MLP(1, [3, 1], seed=0)
    for p in model.parameters():
        p.data *= 0.3

    @ag.fixed_point(lambda x, model, b: ag.tanh(model([x])) + b)
    def settle(x: Any, model: Any, b: Any) -> Any:
        for _ in range(60):
            x = ag.tanh(model([x])) + b
        return x

    slopes, by_b = ag.grad(lambda model, b: settle(0.0, model, b), argnums=(0, 1))(model, 0.2)
    by_hand = ag.grad(lambda model, b: settle.__wrapped__(0.0, model, b), argnums=(0, 1))(model, 0.2)  # type: ignore[attr-defined]
    assert slopes == pytest.approx(by_hand[0], rel=1e-12)
    assert by_b == pytest.approx(by_hand[1], rel=1e-12)
    settle(0.0, model, 0.2).backward()
    assert [p.grad for p in model.parameters()] == pytest.approx(list(slopes.values()), rel=1e-12)


def test_roots_of_roots() -> None:
    inner = ag.custom_root(lambda x, a: x**3 - a)(lambda x, a: np.cbrt(a) if type(a) is float else cube_root(1.0, a))
    outer = ag.custom_root(lambda y, a: y * y - inner(1.0, a * y))(lambda y, a: a ** (1 / 5))  # y⁶ = a y
    for transform, expected in [(lambda f: f, 2**0.2), (ag.grad, 0.2 * 2**-0.8)]:
        assert transform(lambda a: outer(1.0, a))(2.0) == pytest.approx(expected)
        assert ag.jit(transform(lambda a: outer(1.0, a)))(2.0) == pytest.approx(expected)
    second = ag.grad(ag.grad(lambda a: outer(1.0, a)))
    assert second(2.0) == pytest.approx(-0.16 * 2**-1.8)
    assert ag.jit(second)(2.0) == pytest.approx(-0.16 * 2**-1.8)


def test_floats_give_floats_and_values_values() -> None:
    assert type(cube_root(1.0, 8.0)) is float
    assert type(cube_root(1.0, ag.Value(8.0))) is ag.Value
    assert type(cube_root(ag.Value(1.0), 8.0)) is float  # the guess has no derivative
    assert solve_quadratics(np.array([2.5, 0.5]), np.array([5.0, 2.0])).dtype == float


@pytest.mark.parametrize("seed", range(5))
def test_random_contractions_have_the_derivatives_of_their_iterations(seed: int) -> None:
    random = np.random.default_rng(seed)
    n, q = random.integers(1, 4), random.integers(1, 4)
    a, b = 0.3 / n * random.uniform(-1, 1, (n, n)), random.normal(size=(n, q))
    p, v = random.normal(size=q), random.normal(size=q)

    def update(x: Any, p: Any) -> Any:
        return np.sin(a @ x + b @ p) + 0.05 * p[0] * np.tanh(x)

    def iterate(x: Any, p: Any) -> Any:
        for _ in range(30):
            x = update(x, p)
        return x

    def total(solve: Callable[..., Any]) -> Callable[[Any], Any]:
        return lambda p: np.sum(np.exp(solve(np.zeros(n), p)))

    through = total(iterate)
    slope, curvature = ag.grad(through)(p), ag.hvp(through, (p,), (v,))
    as_root = ag.custom_root(lambda x, p: np.exp(update(x, p)) - np.exp(x))(iterate)
    for implicit in map(total, (ag.fixed_point(update)(iterate), as_root)):
        np.testing.assert_allclose(ag.grad(implicit)(p), slope, rtol=1e-11, atol=1e-12)
        np.testing.assert_allclose(ag.hvp(implicit, (p,), (v,)), curvature, rtol=1e-11, atol=1e-12)
