"""Linear algebra on numbers and Values: against NumPy, SciPy, mpmath and finite differences, compiled and not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings, strategies as st

import autograd as ag
from autograd import linalg

EPS = 2.0**-52
RANDOM = np.random.default_rng(0)


def symmetric(a: Any) -> Any:
    """A positive definite matrix, of which every number of a is a part."""
    return a @ a.T + np.eye(len(a))


FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "solve": lambda np_or_ag, a: np_or_ag.solve(a, np.array([1.0, -2.0, 3.0])),
    "solve a matrix": lambda np_or_ag, a: np_or_ag.solve(a, a[:, :2] * 2.0 + np.eye(3)[:, :2]),
    "inv": lambda np_or_ag, a: np_or_ag.inv(a),
    "det": lambda np_or_ag, a: np_or_ag.det(a),
    "logdet": lambda np_or_ag, a: np_or_ag.slogdet(a)[1],
    "sign": lambda np_or_ag, a: np_or_ag.slogdet(a)[0],
    "cholesky": lambda np_or_ag, a: np_or_ag.cholesky(symmetric(a)),
}
A = np.array([[0.1, 1.0, -0.7], [2.0, 0.3, 0.5], [1.5, -0.4, 0.8]])  # each step exchanges rows


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_are_numpys_and_compiled_ones_are_equal(name: str, form: str) -> None:
    function = FUNCTIONS[name]
    expected = function(np.linalg, A)
    found = function(linalg, A)
    np.testing.assert_allclose(found, expected, rtol=1e-14, atol=1e-14)
    np.testing.assert_array_max_ulp(np.asarray(ag.jit(lambda a: function(linalg, a))(A)), np.asarray(found), 4)


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name != "sign"])
def test_derivatives(name: str) -> None:
    function = FUNCTIONS[name]
    ag.check_jacobian(lambda a: function(linalg, a), A, jacobian=ag.jacobian(lambda a: function(linalg, a)))

    def total(a: Any) -> Any:
        found = np.ravel(function(linalg, a))
        return found @ np.sin(np.arange(1.0, len(found) + 1))

    ag.check_gradients(total, A)
    ag.check_gradients(lambda a: ag.grad(total)(a)[1, 0], A)
    second = ag.grad(lambda a: ag.grad(total)(a)[1, 0])
    compiled = ag.jit(second)(A)
    np.testing.assert_allclose(compiled, second(A), rtol=1e-12, atol=1e-12 * np.abs(compiled).max())


def test_the_sign_of_a_determinant_has_the_derivative_0() -> None:
    assert not ag.grad(lambda a: linalg.slogdet(a).sign)(A).any()


@pytest.mark.parametrize("n", range(9))
def test_numpys_functions_call_these(n: int) -> None:
    a = RANDOM.normal(size=(n, n)) + 3 * np.eye(n)
    values = ag.array([[ag.Value(x) for x in row] for row in a]).reshape(n, n)

    def check(found: Any, expected: Any) -> None:
        assert n == 0 or isinstance(found, ag.Value if np.ndim(found) == 0 else ag.Array)
        np.testing.assert_allclose(np.asarray(found, float), expected, rtol=1e-12, atol=1e-12)

    check(np.linalg.solve(values, np.ones(n)), np.linalg.solve(a, np.ones(n)))
    check(np.linalg.inv(values), np.linalg.inv(a))
    check(np.linalg.det(values), np.linalg.det(a))
    check(np.linalg.cholesky(values @ values.T), np.linalg.cholesky(a @ a.T))
    for found, expected in zip(np.linalg.slogdet(values), np.linalg.slogdet(a)):
        check(found, expected)


@pytest.mark.parametrize("n", [2, 4, 6, 8, 10, 12])
def test_hilbert_matrices_are_solved_to_the_condition_number(n: int) -> None:
    hilbert = np.array([[1 / (i + j + 1) for j in range(n)] for i in range(n)])
    bound = 0.2 * np.linalg.cond(hilbert) * EPS
    with mpmath.workdps(60):
        exact = mpmath.matrix(hilbert.tolist())
        inverse, determinant = exact**-1, mpmath.det(exact)
        solution = np.array(list(mpmath.lu_solve(exact, mpmath.ones(n, 1))), float)
        factor = np.array(mpmath.cholesky(exact).tolist(), float)
        logarithm = float(mpmath.log(determinant))
    inverse = np.array(inverse.tolist(), float)
    for found in (linalg.solve(hilbert, np.ones(n)), ag.jit(linalg.solve)(hilbert, np.ones(n))):
        assert np.abs(found - solution).max() <= bound * np.abs(solution).max()
    assert np.abs(linalg.inv(hilbert) - inverse).max() <= bound * np.abs(inverse).max()
    assert abs(linalg.det(hilbert) / float(determinant) - 1) <= bound
    assert abs(linalg.slogdet(hilbert)[1] - logarithm) <= bound
    if n <= 10:  # the gradient of the logarithm of the determinant is the inverse
        slope = ag.grad(lambda a: linalg.slogdet(a)[1])(hilbert)
        assert np.abs(slope - inverse.T).max() <= bound * np.abs(inverse).max()
        assert np.abs(linalg.cholesky(hilbert) - factor).max() <= 2 * n * EPS * np.sqrt(np.linalg.cond(hilbert))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 6), st.integers(0, 2**32 - 1), st.booleans())
def test_the_residual_of_any_system_is_small(n: int, seed: int, whole: bool) -> None:
    random = np.random.default_rng(seed)
    a = random.integers(-2, 3, (n, n)).astype(float) if whole else random.normal(size=(n, n))
    b = random.normal(size=n)
    try:
        x = linalg.solve(a, b)
    except np.linalg.LinAlgError:
        assert abs(np.linalg.det(a)) < 1e-9
        return
    if np.abs(x).max() < 1e12:  # singular but for rounding
        error = np.abs(a @ x - b) / (np.abs(a).max() * np.abs(x).sum() + np.abs(b))
        assert error.max() <= 2**n * n * EPS  # 2^n is the largest growth with partial pivoting


def test_a_batch_exchanges_rows_for_each_element() -> None:
    matrices = RANDOM.normal(size=(67, 4, 4))
    matrices[3:9, 0, 0] = 0.0
    right = RANDOM.normal(size=(67, 4))
    program = ag.jit(lambda a, b: linalg.solve(a, b), in_axes=0)
    np.testing.assert_array_equal(program(matrices, right), [linalg.solve(a, b) for a, b in zip(matrices, right)])
    slopes = ag.jit(ag.grad(lambda a: linalg.det(a)), in_axes=0)(matrices)
    expected = np.linalg.det(matrices)[:, None, None] * np.swapaxes(np.linalg.inv(matrices), 1, 2)
    np.testing.assert_allclose(slopes, expected, rtol=1e-9, atol=1e-9)


def test_stacks_and_right_hand_sides_are_broadcast_as_in_numpy() -> None:
    a = RANDOM.normal(size=(2, 1, 3, 3))
    for b in (np.ones(3), RANDOM.normal(size=(3, 2)), RANDOM.normal(size=(5, 3, 1))):
        columns = b[:, None] if b.ndim == 1 else b
        expected = np.linalg.solve(a, columns)
        found = linalg.solve(a, b)
        np.testing.assert_allclose(found, expected[..., 0] if b.ndim == 1 else expected, rtol=1e-12)
    for name in ("inv", "det"):
        np.testing.assert_allclose(getattr(linalg, name)(a), getattr(np.linalg, name)(a), rtol=1e-12)
    np.testing.assert_allclose(linalg.slogdet(a), np.linalg.slogdet(a), rtol=1e-12)
    spd = a @ np.swapaxes(a, -1, -2)
    np.testing.assert_allclose(linalg.cholesky(spd), np.linalg.cholesky(spd), rtol=1e-10)
    np.testing.assert_allclose(linalg.cholesky(spd, upper=True), np.swapaxes(np.linalg.cholesky(spd), -1, -2))


@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("trans", [True, False, 0, 1, "N", "T"])
@pytest.mark.parametrize("unit", [True, False])
def test_triangular_systems_are_scipys(lower: bool, trans: Any, unit: bool) -> None:
    a, b = A + 2 * np.eye(3), RANDOM.normal(size=(3, 2))
    expected = scipy.linalg.solve_triangular(a, b, trans=int(trans in (1, "T")), lower=lower, unit_diagonal=unit)

    def solve(a: Any) -> Any:
        return linalg.triangular_solve(a, b, lower=lower, trans=trans, unit_diagonal=unit)

    np.testing.assert_allclose(solve(a), expected, rtol=1e-14)
    np.testing.assert_array_max_ulp(ag.jit(solve)(a), solve(a), 1)
    other = np.tril(ag.jacobian(solve)(a), -1) if not lower else np.triu(ag.jacobian(solve)(a), 1)
    assert not other.any()  # the other triangle is not read
    ag.check_jacobian(solve, a, jacobian=ag.jacobian(solve))
