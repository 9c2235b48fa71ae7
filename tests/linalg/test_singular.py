"""Matrices that cannot be inverted or factorized, and what is no matrix: refused with what was given, or nan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd as ag
from autograd import linalg

SINGULAR = {
    "ones": np.ones((2, 2)),
    "zeros": np.zeros((3, 3)),
    "equal rows": np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [0.0, 1.0, 1.0]]),
    "a zero": np.array([[0.0]]),
    "a row of zeros among others": np.diag([1.0, 2.0, 0.0, 4.0]),
}


@pytest.mark.parametrize("name", SINGULAR)
def test_singular_matrices_are_refused_as_in_numpy_and_nan_where_compiled(name: str) -> None:
    a = SINGULAR[name]
    functions: dict[str, Callable[[Any], Any]] = {
        "solve()": lambda a: linalg.solve(a, np.arange(1.0, len(a) + 1)),
        "inv()": linalg.inv,
    }
    for who, function in functions.items():
        with pytest.raises(np.linalg.LinAlgError, match=rf"^{who[:-2]}\(\): a must be invertible, got a singular"):
            function(a)
        with pytest.raises(np.linalg.LinAlgError):
            function(ag.array(a))
        assert np.isnan(ag.jit(function)(a)).all()
        slope = ag.grad(lambda a, function=function: np.sum(function(a)))
        assert np.isnan(ag.jit(slope)(a)).all()
    assert linalg.det(a) == ag.jit(linalg.det)(a) == 0
    assert linalg.slogdet(a) == ag.jit(linalg.slogdet)(a) == (0, -np.inf)


def cofactors(a: Any) -> Any:
    """The derivatives of the determinant, by the determinants of all submatrices."""
    places = np.ndindex(a.shape)
    parts = [(-1.0) ** sum(p) * np.linalg.det(np.delete(np.delete(a, p[0], 0), p[1], 1)) for p in places]
    return np.reshape(parts, a.shape)


@pytest.mark.parametrize("n", range(2, 8))
@pytest.mark.parametrize("case", range(6))
def test_determinants_of_singular_matrices_have_derivatives(n: int, case: int) -> None:
    a = np.random.default_rng(n).integers(-3, 4, (n, n)).astype(float)
    if case == 1:
        a[:, 1] = a[:, 0]
    elif case == 2:
        a[:, 0] = 0
    elif case == 3:
        a[:, -1] = a[:, 0] + a[:, 1]
    elif case == 4:
        a[-1] = a[0]
    elif case == 5:
        a[:, :2] = 0
    exact = cofactors(a)
    np.testing.assert_allclose(ag.grad(linalg.det)(a), exact, rtol=1e-9, atol=1e-9 * (1 + np.abs(exact).max()))
    compiled = ag.jit(linalg.det).value_and_grad(a)[1]
    known = np.isfinite(compiled)
    np.testing.assert_allclose(compiled[known], exact[known], rtol=1e-9, atol=1e-9 * (1 + np.abs(exact).max()))


@pytest.mark.parametrize(
    "a", [-np.eye(3), np.diag([1.0, -1.0, 1.0]), np.zeros((2, 2)), np.ones((3, 3)), np.diag([1.0, np.nan])]
)
def test_what_is_not_positive_definite_is_refused_and_nan_where_compiled(a: Any) -> None:
    with pytest.raises(np.linalg.LinAlgError, match=r"^cholesky\(\): a must be positive definite, got a matrix of \d"):
        linalg.cholesky(a)
    found = ag.jit(linalg.cholesky)(a)
    assert np.isnan(found[np.tril_indices(len(a))]).all()
    assert not found[np.triu_indices(len(a), 1)].any()
    slope = ag.jit(ag.grad(lambda a: linalg.cholesky(a)[0, 0]))(a)
    assert np.isnan(slope).any()


def test_a_zero_on_the_diagonal_of_a_triangular_matrix_is_refused_and_nan_where_compiled() -> None:
    a = np.array([[1.0, 2.0], [0.0, 0.0]])
    with pytest.raises(np.linalg.LinAlgError, match="a must be invertible, got a 0 on the diagonal"):
        linalg.triangular_solve(a, [1.0, 1.0])
    assert np.isnan(ag.jit(lambda a: linalg.triangular_solve(a, [1.0, 1.0]))(a)).all()
    assert linalg.triangular_solve(a, [1.0, 1.0], unit_diagonal=True).tolist() == [-1.0, 1.0]


def test_a_triangular_matrix_of_the_other_kind_is_refused() -> None:
    factor = linalg.cholesky(np.array([[4.0, 2.0], [2.0, 5.0]]))
    with pytest.raises(ValueError, match=r"must be upper triangular, got one with all .* Write lower=True"):
        linalg.triangular_solve(factor, [1.0, 1.0])
    with pytest.raises(ValueError, match=r"must be lower triangular, got one with all .* Write lower=False"):
        linalg.triangular_solve(factor.T, [1.0, 1.0], lower=True)


@pytest.mark.parametrize("name", ["solve", "inv", "det", "slogdet", "cholesky", "triangular_solve"])
@pytest.mark.parametrize(
    ("a", "kind", "words"),
    [
        ([[1.0, 2.0]], np.linalg.LinAlgError, r"a must be a square matrix, or several .*, got shape \(1, 2\)"),
        ([1.0, 2.0], np.linalg.LinAlgError, r"got shape \(2,\)"),
        (5.0, np.linalg.LinAlgError, r"got shape \(\)"),
        ([[1.0, 2.0], [3.0]], ValueError, "the rows of a must have equal lengths|inhomogeneous"),
        ([["a"]], TypeError, "each item of a of .* must be a real number or a Value, got str 'a'"),
        ([[1j]], TypeError, "must be a real number or a Value, got complex"),
        (np.ma.array([[1.0]], mask=[[True]]), TypeError, "a must be a plain array, got a masked one"),
    ],
)
def test_what_is_no_matrix_is_refused(name: str, a: Any, kind: type[Exception], words: str) -> None:
    more = [[1.0, 2.0]] if name in ("solve", "triangular_solve") else []
    with pytest.raises(kind, match=words):
        getattr(linalg, name)(a, *more)


@pytest.mark.parametrize("b", [5.0, [1.0], [1.0, 2.0, 3.0], [[1.0, 2.0, 3.0]]])
@pytest.mark.parametrize("name", ["solve", "triangular_solve"])
def test_right_hand_sides_that_do_not_fit_are_refused(name: str, b: Any) -> None:
    with pytest.raises(ValueError, match=r"b must have 2 rows, as a has, got shape"):
        getattr(linalg, name)(np.eye(2), b)
