"""Numerical derivatives at edges and kinks, of structures, and what is refused."""

import math
import random
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from autograd.testing import numerical_gradient, numerical_hessian, numerical_jacobian

# At edges, kinks and jumps


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
    assert numerical_gradient(lambda x: 5.1, 3.0) == (0.0, pytest.approx(0.0, abs=1e-13))
    assert numerical_gradient(lambda x: 5.0, 3.0) == (0.0, pytest.approx(0.0, abs=1e-4))  # in single precision, maybe
    assert numerical_gradient(lambda x: max(x, 0.0), -1.0) == (0.0, pytest.approx(0.0, abs=1e-40))


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
    assert calls < 80


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
    with pytest.raises(ValueError, match="argnums is 2, but the function was called with 1 positional argument"):
        numerical_gradient(lambda x: x, 1.0, argnums=2)
    with pytest.raises(ValueError, match="gives nan here"):
        numerical_gradient(lambda x: math.nan, 1.0)
    with pytest.raises(ZeroDivisionError):
        numerical_gradient(lambda x: 1 / x, 0.0)
    rng = random.Random(0)
    with pytest.raises(ValueError, match=r"for the same arguments, .*Give its random numbers a fixed seed"):
        numerical_gradient(lambda x: x * rng.random(), 1.0)
