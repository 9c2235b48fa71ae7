"""Numerical derivatives: within their own error of the true ones at every scale, and tight enough to show mistakes."""

import math
import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from autograd.testing import numerical_gradient, numerical_hessian, numerical_jacobian
from autograd.testing.finite_differences import Line

mpmath.mp.dps = 60
DRAWS = 100  # for each function


class Case(NamedTuple):
    """A function with its exact derivatives.

    `length` is how far from x the function is of one piece, `noise` how far its values are off.
    """

    f: Callable[[float], float]
    slope: Callable[[Any], Any]
    curvature: Callable[[Any], Any]
    length: Callable[[float], float] = lambda x: 1.0
    noise: Callable[[float], float] = lambda x: 0.0
    draw: Callable[[random.Random], float] | None = None


def anywhere(rng: random.Random) -> float:
    """About 1, a small whole number, or of any size from 1e-12 to 1e12."""
    kind = rng.random()
    if kind < 0.4:
        return rng.gauss(0.0, 1.0)
    return float(rng.randint(-3, 3)) if kind < 0.5 else rng.choice([-1, 1]) * 10.0 ** rng.uniform(-12, 12)


def positive(rng: random.Random) -> float:
    return abs(anywhere(rng)) or 1.0


def moderate(rng: random.Random) -> float:
    return rng.choice([-1, 1]) * 10.0 ** rng.uniform(-12, 2)


CASES = {
    "sin": Case(math.sin, mpmath.cos, lambda x: -mpmath.sin(x)),
    "exp": Case(math.exp, mpmath.exp, mpmath.exp, draw=moderate),
    "log": Case(math.log, lambda x: 1 / x, lambda x: -1 / x**2, length=abs, draw=positive),
    "sqrt": Case(math.sqrt, lambda x: x**-0.5 / 2, lambda x: -(x**-1.5) / 4, length=abs, draw=positive),
    "cube": Case(lambda x: x * x * x, lambda x: 3 * x**2, lambda x: 6 * x, length=abs),
    "reciprocal": Case(lambda x: 1 / x, lambda x: -1 / x**2, lambda x: 2 / x**3, length=abs, draw=positive),
    "tanh": Case(
        math.tanh, lambda x: mpmath.sech(x) ** 2, lambda x: -2 * mpmath.sech(x) ** 2 * mpmath.tanh(x), draw=moderate
    ),
    "oscillation": Case(
        lambda x: math.sin(50 * x),
        lambda x: 50 * mpmath.cos(50 * x),
        lambda x: -2500 * mpmath.sin(50 * x),
        length=lambda x: 0.02,
        noise=lambda x: math.ulp(50 * x),
        draw=moderate,
    ),
    "fast oscillation": Case(
        lambda x: math.cos(1000 * x) + x,
        lambda x: 1 - 1000 * mpmath.sin(1000 * x),
        lambda x: -1000000 * mpmath.cos(1000 * x),
        length=lambda x: 0.001,
        noise=lambda x: math.ulp(1000 * x),
        draw=moderate,
    ),
    "steep step": Case(
        lambda x: math.atan(1e6 * x),
        lambda x: mpf(10) ** 6 / (1 + mpf(10) ** 12 * x**2),
        lambda x: -2 * mpf(10) ** 18 * x / (1 + mpf(10) ** 12 * x**2) ** 2,
        length=lambda x: max(1e-6, abs(x)),
    ),
    "bell": Case(
        lambda x: math.exp(-x * x),
        lambda x: -2 * x * mpmath.exp(-x * x),
        lambda x: (4 * x**2 - 2) * mpmath.exp(-x * x),
        length=lambda x: min(1.0, 1 / abs(x)),
        noise=lambda x: math.exp(-x * x) * math.ulp(x * x),
        draw=lambda rng: moderate(rng) / 10,
    ),
    "sum that cancels": Case(
        lambda x: (x + 1e8) - 1e8,
        lambda x: mpf(1),
        lambda x: mpf(0),
        length=abs,
        noise=lambda x: math.ulp(abs(x) + 1e8),
    ),
    "square that cancels": Case(
        lambda x: (x + 1e6) ** 2 - 1e12,
        lambda x: 2 * (x + 10**6),
        lambda x: mpf(2),
        length=lambda x: max(1.0, abs(x)),
        noise=lambda x: math.ulp((x + 1e6) ** 2 + 1e12) + 1e6 * math.ulp(abs(x) + 1e6),
    ),
    "1 - cos": Case(lambda x: 1 - math.cos(x), mpmath.sin, mpmath.cos, noise=lambda x: 2e-16),
    "expanded power": Case(
        lambda x: x**6 - 6 * x**5 + 15 * x**4 - 20 * x**3 + 15 * x * x - 6 * x + 1,
        lambda x: 6 * (x - 1) ** 5,
        lambda x: 30 * (x - 1) ** 4,
        noise=lambda x: math.ulp(64 * max(1.0, abs(x)) ** 6),
        draw=lambda rng: rng.uniform(-3, 3),
    ),
    "1e15 cos": Case(
        lambda x: 1e15 * math.cos(x),
        lambda x: -(mpf(10) ** 15) * mpmath.sin(x),
        lambda x: -(mpf(10) ** 15) * mpmath.cos(x),
    ),
    "1e15 + 1e6 sin": Case(
        lambda x: 1e15 + 1e6 * math.sin(x),
        lambda x: 10**6 * mpmath.cos(x),
        lambda x: -(10**6) * mpmath.sin(x),
        noise=lambda x: 0.125,
    ),
    "1e15 + square": Case(
        lambda x: 1e15 + x * x,
        lambda x: 2 * x,
        lambda x: mpf(2),
        length=lambda x: max(1.0, abs(x)),
        noise=lambda x: 0.125,
    ),
    "single precision": Case(
        lambda x: float(np.sin(np.float32(x))),
        mpmath.cos,
        lambda x: -mpmath.sin(x),
        noise=lambda x: 1e-7 * max(abs(math.sin(x)), abs(x)),
        draw=lambda rng: rng.uniform(-3, 3),
    ),
    "beside a kink": Case(
        lambda x: 5 * x + abs(x),
        lambda x: 5 + mpmath.sign(x),
        lambda x: mpf(0),
        length=abs,
        draw=lambda rng: anywhere(rng) or 1.0,
    ),
    "beside a jump": Case(
        lambda x: math.atan2(x, -1.0),
        lambda x: -1 / (1 + x**2),
        lambda x: 2 * x / (1 + x**2) ** 2,
        length=abs,
        draw=lambda rng: moderate(rng),
    ),
    "half flat": Case(
        lambda x: 5 + max(x, 0.0),
        lambda x: mpf(int(x > 0)),
        lambda x: mpf(0),
        length=abs,
        draw=lambda rng: anywhere(rng) or 1.0,
    ),
    "sum of waves": Case(
        lambda x: sum(math.sin(k * x) for k in range(20)),
        lambda x: mpmath.fsum(k * mpmath.cos(k * x) for k in range(20)),
        lambda x: mpmath.fsum(-k * k * mpmath.sin(k * x) for k in range(20)),
        length=lambda x: 0.05,
        noise=lambda x: 20 * math.ulp(20 * x),
        draw=moderate,
    ),
}


class Draw(NamedTuple):
    """A point, the numerical derivative and its error, the true one, and whether 1e-4 of that should be seen."""

    x: float
    value: float
    error: float
    exact: Any
    seeable: bool


def draws(name: str, order: int) -> Iterator[Draw]:
    case = CASES[name]
    rng = random.Random(f"{name} {order}")
    for _ in range(DRAWS):
        x = (case.draw or anywhere)(rng)
        y = case.f(x)
        slopes = Line(lambda t: np.array([case.f(t)]), x, np.array([y])).slopes(order)
        exact = (case.slope if order == 1 else case.curvature)(mpf(x))
        # A step of `reach` changes f by `change` in all, by `share` as far as this derivative goes.
        reach = min(case.length(x), max(1.0, abs(x)))
        share = float(abs(exact)) * reach**order
        change = max(abs(case.f(x + sign * reach / 2) - y) for sign in (1, -1))
        noise = case.noise(x) + math.ulp(y) + math.ulp(x) * float(abs(case.slope(mpf(x))))
        seeable = share > 1e-2 * change and share > (1e8 if order == 1 else 1e12) * noise
        yield Draw(x, float(slopes.value[0]), float(slopes.error[0]), exact, seeable)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("name", CASES)
def test_errors_are_as_small_as_estimated_and_estimates_as_small_as_needed(name: str, order: int) -> None:
    unknown = 0
    for x, value, error, exact, seeable in draws(name, order):
        size = float(abs(exact))
        if seeable:
            assert error < 5e-5 * size, f"at {x!r} an error of {error} hides a mistake of 1e-4 in {size}"
        if error == math.inf:
            unknown += 1
        else:
            off = float(abs(value - exact))
            assert off <= error + 2e-16 * size + 1e-300, f"at {x!r} off by {off}, error {error}"
    assert unknown < DRAWS / 20


def test_there_is_something_to_see_at_every_scale() -> None:
    seen = [d for name in CASES for d in draws(name, 1) if d.seeable]
    assert len(seen) > 500
    for low, high in ((1e-12, 1e-6), (1e-6, 1.0), (1.0, 1e6), (1e6, 1e12)):
        assert any(low <= abs(d.x) <= high for d in seen)


# Where there is one side, or none


@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [
        (lambda x: x**2.5 + x, 0.0, 1.0),  # complex on the left
        (lambda x: math.sqrt(x) ** 3 - 2 * x, 0.0, -2.0),  # raises on the left
        (lambda x: np.sqrt(1 - x) ** 3 + 2 * x, 1.0, 2.0),  # nan on the right
        (lambda x: 1e3 * x if x <= 0.3 else math.inf, 0.3, 1e3),
        (lambda x: math.log1p(x) if -1e-9 < x < 1e-9 else math.nan, 1e-12, 1 / (1 + 1e-12)),  # a narrow domain
    ],
)
def test_at_the_edge_of_the_domain_one_side_does(f: Callable[[float], float], x: float, slope: float) -> None:
    value, error = numerical_gradient(f, x)
    assert abs(value - slope) <= error < 1e-4 * abs(slope)


def test_a_derivative_can_be_infinite() -> None:
    assert numerical_gradient(math.sqrt, 0.0) == (math.inf, 0.0)
    assert numerical_gradient(lambda x: -math.sqrt(2 - x), 2.0) == (math.inf, 0.0)
    assert numerical_gradient(lambda x: float(np.cbrt(x)), 0.0) == (math.inf, 0.0)


def test_at_a_kink_the_error_covers_both_sides() -> None:
    value, error = numerical_gradient(lambda x: max(3 * x, -x), 0.0)
    assert abs(value - 1) < 1e-9
    assert 2 <= error < 2.001


@pytest.mark.parametrize(
    "f", [lambda x: math.copysign(1.0, x), lambda x: math.sqrt(abs(x)), lambda x: float(x >= 0) + x]
)
def test_where_there_is_no_derivative_nothing_is_claimed(f: Callable[[float], float]) -> None:
    value, error = numerical_gradient(f, 0.0)
    assert math.isnan(value)
    assert error == math.inf


def test_what_floats_cannot_resolve_is_not_guessed() -> None:
    assert numerical_gradient(lambda x: math.sin(1e20 * x), 1.0).error == math.inf
    assert numerical_gradient(math.sin, 1e20).error == math.inf


def test_a_function_of_no_influence_has_a_derivative_of_zero() -> None:
    assert numerical_gradient(lambda x: 5.0, 3.0) == (0.0, pytest.approx(0.0, abs=1e-13))
    assert numerical_gradient(lambda x: max(x, 0.0), -1.0) == (0.0, pytest.approx(0.0, abs=1e-300))


# Structures, and what f may be


def test_the_gradient_has_the_structure_of_the_arguments() -> None:
    def f(params: Any, x: Any, factor: int) -> Any:
        return factor * (np.sum(params["w"] @ x) + params["b"][0] * params["b"][1])

    params = {"w": np.arange(6.0).reshape(2, 3), "b": [2.0, 3.0]}
    value, error = numerical_gradient(f, params, np.array([1.0, 2.0, 3.0]), 2, argnums=(0, 1))
    np.testing.assert_allclose(value[0]["w"], 2 * np.array([[1.0, 2, 3], [1, 2, 3]]), rtol=1e-9)
    np.testing.assert_allclose(value[0]["b"], [6.0, 4.0], rtol=1e-9)
    np.testing.assert_allclose(value[1], [6.0, 10.0, 14.0], rtol=1e-9)
    assert error[0]["w"].shape == (2, 3)
    assert isinstance(error[0]["b"], list)
    assert error[1].max() < 1e-9


def test_the_jacobian_has_the_structure_of_the_result_and_in_it_that_of_the_argument() -> None:
    x = np.array([2.0, 3.0])
    value, error = numerical_jacobian(lambda x: {"product": x[0] * x[1], "squares": x**2}, x)
    np.testing.assert_allclose(value["product"], [3.0, 2.0], rtol=1e-12)
    np.testing.assert_allclose(value["squares"], [[4.0, 0.0], [0.0, 6.0]], rtol=1e-12)
    assert error["squares"].shape == (2, 2)
    assert error["squares"].max() < 1e-9


def test_each_result_has_its_own_error() -> None:
    value, error = numerical_jacobian(lambda x: [math.sin(x), 1e15 + math.sin(x), abs(x - 1)], 1.0)
    exact = [math.cos(1), math.cos(1), 0.0]
    assert all(abs(v - d) <= e for v, d, e in zip(value, exact, error))
    assert error[0] < 1e-8 < error[1]


def test_the_hessian_of_a_function_known_in_closed_form() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=(4, 4))
    a = (a + a.T) / 5
    x = np.array([1.0, -0.3, 1e-3, 20.0]) / 10

    def f(x: Any) -> float:
        return float(np.exp(x @ a @ x))

    value, error = numerical_hessian(f, x)
    exact = f(x) * (2 * a + 4 * np.outer(a @ x, a @ x))
    assert (abs(value - exact) <= error).all()
    assert error.max() < 1e-5
    assert (value == value.T).all()


def test_the_hessian_at_the_edge_of_the_domain() -> None:
    value, error = numerical_hessian(lambda x, y: math.sqrt(x) ** 7 + x * y + y * y, 0.0, 1.0, argnums=(0, 1))
    for row, errors, exact in zip(value, error, [(0.0, 1.0), (1.0, 2.0)]):
        assert all(abs(v - d) <= e < 1e-2 for v, d, e in zip(row, exact, errors))


def test_the_complex_step_improves_what_it_agrees_with() -> None:
    value, error = numerical_gradient(lambda x: np.exp(x) / np.sqrt(np.sin(x) ** 3 + np.cos(x) ** 3), 1.5)
    exact = mpmath.diff(lambda x: mpmath.exp(x) / mpmath.sqrt(mpmath.sin(x) ** 3 + mpmath.cos(x) ** 3), mpf(1.5))
    assert abs(value - exact) <= error < 1e-13 * abs(exact)


def test_the_complex_step_is_not_believed_where_the_function_is_not_analytic() -> None:
    for f in (
        lambda x: np.abs(x) * x,
        lambda x: (x * np.conj(x)).real,
        lambda x: np.real(x) ** 2 * np.sign(np.real(x)),
    ):
        value, error = numerical_gradient(f, 3.0)
        assert abs(value - 6) <= error < 1e-6


def test_few_calls_are_enough_for_functions_that_are_easy() -> None:
    calls = 0

    def f(x: Any) -> Any:
        nonlocal calls
        calls += 1
        return math.exp(x[0]) * math.sin(x[1]) + 3 * x[2]

    numerical_gradient(f, [0.5, 2.0, 100.0])
    assert calls < 60


# What is refused


def test_errors_say_what_is_wrong() -> None:
    def changes(x: Any) -> Any:
        x[1] = 0.0
        return x.sum()

    x = np.array([1.0, 2.0])
    with pytest.raises(ValueError, match=r"changes changed its argument x\[1\] in place"):
        numerical_gradient(changes, x)
    np.testing.assert_array_equal(x, [1.0, 2.0])
    with pytest.raises(TypeError, match="must return one number, got list"):
        numerical_gradient(lambda x: [x, x], 1.0)
    with pytest.raises(TypeError, match="must return real numbers"):
        numerical_jacobian(lambda x: "nothing", 1.0)
    with pytest.raises(TypeError, match=r"x is a NumPy array .* integer array; use x.astype\(float\)"):
        numerical_gradient(lambda x: x.sum(), np.array([1, 2]))
    with pytest.raises(ValueError, match="argnums is 2, but the function was called with 1 positional argument"):
        numerical_gradient(lambda x: x, 1.0, argnums=2)
    with pytest.raises(ValueError, match="gives nan here"):
        numerical_gradient(lambda x: math.nan, 1.0)
    with pytest.raises(ZeroDivisionError):
        numerical_gradient(lambda x: 1 / x, 0.0)
    rng = random.Random(0)
    with pytest.raises(ValueError, match=r"for the same arguments, .*seed what is random"):
        numerical_gradient(lambda x: x * rng.random(), 1.0)
