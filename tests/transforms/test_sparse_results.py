"""Sparse results: structures, programs of ag.jit, batches, what SciPy does with them, and what is refused."""

import itertools
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from scipy.optimize import NonlinearConstraint, least_squares, minimize
from scipy.sparse.linalg import spsolve

import autograd as ag
import nn
from autograd.transforms import grad, hessian, jacobian


def rosenbrock(x: Any) -> Any:
    return ag.sum([100.0 * (x[k + 1] - x[k] ** 2) ** 2 + (1.0 - x[k]) ** 2 for k in range(len(x) - 1)])


curvature = hessian(rosenbrock, sparse=True)


def residuals(x: Any) -> Any:
    return np.array([r for k in range(len(x) - 1) for r in (10 * (x[k + 1] - x[k] ** 2), 1 - x[k])])


# Structures


def test_numbers_count_in_the_order_in_which_they_stand() -> None:
    def f(p: Any, q: Any) -> Any:
        return p["a"][1, 0] * q[1] + p["b"] ** 2 * q[0]

    p, q = {"a": np.arange(4.0).reshape(2, 2), "b": 3.0}, [5.0, 7.0]
    both = hessian(f, argnums=(0, 1), sparse=True)(p, q)
    assert both.shape == (7, 7)
    assert both.toarray().nonzero()[0].tolist() == [2, 4, 4, 5, 6]
    assert [both[2, 6], both[4, 4], both[4, 5]] == [1.0, 10.0, 6.0]
    assert hessian(f, argnums=1, sparse=True)(p, q).shape == (2, 2)
    slopes = jacobian(lambda x: {"m": x @ x, "s": x[0, 1]}, sparse=True)(np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert slopes.toarray().tolist() == [
        [2.0, 3.0, 2.0, 0.0], [2.0, 5.0, 0.0, 2.0], [3.0, 0.0, 5.0, 3.0], [0.0, 3.0, 2.0, 8.0], [0.0, 1.0, 0.0, 0.0],
    ]  # fmt: skip
    assert hessian(lambda x: x**3, sparse=True)(2.0).toarray().tolist() == [[12.0]]


def test_a_module_has_a_row_for_each_parameter() -> None:
    model = nn.MLP(2, [3, 1], seed=0)

    def loss(model: Any) -> Any:
        return model([0.5, -0.25]) ** 2

    names = [name for name, _ in model.named_parameters()]
    dense = hessian(loss)(model)
    expected = np.array([[dense[a][b] for b in names] for a in names])
    for found in (hessian(loss, sparse=True)(model), ag.jit(hessian(loss, sparse=True))(model)):
        np.testing.assert_allclose(found.toarray(), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("compiled", [False, True])
def test_results_without_entries(compiled: bool) -> None:
    def call(f: Any, x: Any) -> Any:
        return (ag.jit(f) if compiled else f)(x)

    x = np.ones(3)
    for f, shape in (
        (jacobian(lambda x: [2.0, 3.0], sparse=True), (2, 3)),
        (jacobian(lambda x: [], sparse=True), (0, 3)),
        (jacobian(np.floor, sparse=True), (3, 3)),
        (hessian(lambda x: 2.0, sparse=True), (3, 3)),
        (hessian(ag.sum, sparse=True), (3, 3)),
    ):
        found = call(f, x)
        assert found.shape == shape
        assert found.nnz == 0
    assert call(hessian(lambda x: ag.dot(x, x), sparse=True), x).data.tolist() == [2.0, 2.0, 2.0]


# Programs


def test_a_program_returns_sparse_arrays_beside_other_results() -> None:
    program = ag.jit(lambda x: {"f": rosenbrock(x), "slope": grad(rosenbrock)(x), "curvature": curvature(x)})
    for x in np.random.default_rng(0).normal(size=(3, 20)):
        found = program(x)
        assert found["f"] == pytest.approx(rosenbrock(x), rel=1e-13)
        np.testing.assert_allclose(found["curvature"].toarray(), hessian(rosenbrock)(x), rtol=1e-12, atol=1e-10)
    slopes = ag.jit(jacobian(residuals, sparse=True))(x)
    np.testing.assert_allclose(slopes.toarray(), jacobian(residuals)(x), rtol=1e-13)


def test_what_is_done_to_one_result_does_not_reach_the_next() -> None:
    program, x = ag.jit(curvature), np.zeros(4)
    first = program(x)
    first.eliminate_zeros()  # changes all three arrays in place
    first.data[:] = 7.0
    second = program(x)
    assert (first.nnz, second.nnz) == (4, 10)
    assert second.diagonal().tolist() == [2.0, 202.0, 202.0, 200.0]


@pytest.mark.parametrize("size", [1, 3, 2000])
def test_a_batch_gives_a_list(size: int) -> None:
    X = np.random.default_rng(0).normal(size=(size, 5))
    found = ag.jit(curvature, in_axes=0)(X)
    assert len(found) == size
    for k in (0, size // 2, size - 1):
        assert type(found[k]) is scipy.sparse.csr_array
        np.testing.assert_allclose(found[k].toarray(), curvature(X[k]).toarray(), rtol=1e-12, atol=1e-10)
    both = ag.jit(lambda x: ag.jit(curvature, in_axes=0)(x))(X[:3])
    assert [(a != b).nnz for a, b in zip(both, found)] == [0] * min(size, 3)


def test_all_elements_of_a_batch_must_have_one_pattern() -> None:
    def f(x: Any) -> Any:
        return x[0] * x[1] * x[2] if x[0] > 0 else x[1] * x[2] * x[3]

    X = np.array([[1.0, 2.0, 3.0, 4.0], [-1.0, 2.0, 3.0, 4.0]])
    program = ag.jit(hessian(f, sparse=True))
    for x in X:
        assert (program(x) != hessian(f, sparse=True)(x)).nnz == 0
    with pytest.raises(TypeError, match="must return the same structure for each element of a batch"):
        ag.jit(hessian(f, sparse=True), in_axes=0)(X)


def test_values_closed_over_are_read_at_each_call_of_a_program() -> None:
    scale = ag.Value(1.0)

    def f(x: Any) -> Any:
        return scale * rosenbrock(x)

    x = np.full(3, 0.5)
    program = ag.jit(hessian(f, sparse=True))
    assert (program(x) != curvature(x)).nnz == 0
    scale.data = 2.0
    assert (program(x) != 2 * curvature(x)).nnz == 0
    with pytest.raises(TypeError, match=r"must be plain numbers, got Values: .* Use sparse=False"):
        hessian(f, sparse=True)(x)


@pytest.mark.parametrize("compiled", [False, True])
def test_the_side_not_taken_contributes_nothing(compiled: bool) -> None:
    def parts(x: Any) -> Any:
        return [ag.where(a > 0, ag.sqrt(a) * b, a * b) for a, b in itertools.pairwise(x)]

    x = np.array([4.0, 0.0, -1.0, 3.0])  # the slope of the square root at 0 is infinite
    make = ag.jit if compiled else lambda f: f
    slopes = make(jacobian(parts, sparse=True))(x)
    assert slopes.toarray().tolist() == [[0.0, 2.0, 0.0, 0.0], [0.0, -1.0, 0.0, 0.0], [0.0, 0.0, 3.0, -1.0]]
    bends = make(hessian(lambda x: ag.sum(parts(x)), sparse=True))(x)
    assert bends.nnz == 9
    assert bends.toarray().tolist() == [
        [0.0, 0.25, 0.0, 0.0], [0.25, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0], [0.0, 0.0, 1.0, 0.0],
    ]  # fmt: skip


def test_what_goes_into_a_loop_of_a_program_counts_as_acting_with_all_of_it() -> None:
    def f(x: Any) -> Any:
        scanned, _ = ag.scan(lambda c, a: (ag.sin(c + x[0] * a), c), 0.3, np.linspace(0.0, 1.0, 5))
        root = ag.while_loop(lambda c: c > 0.5, lambda c: c * ag.sigmoid(x[1]), x[2] + 3.0)
        return scanned * x[3] + root * x[4] + x[5] ** 2

    x = np.array([0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
    for transform, g in ((hessian, f), (jacobian, lambda x: [f(x), x[5], x[0] * x[1]])):
        plain, compiled = transform(g, sparse=True)(x), ag.jit(transform(g, sparse=True))(x)
        np.testing.assert_allclose(compiled.toarray(), plain.toarray(), rtol=1e-13, atol=1e-15)
        assert plain.nnz <= compiled.nnz < plain.shape[0] * plain.shape[1]


# In SciPy


def test_newton() -> None:
    x = np.full(200, 1.3)
    program, slope = ag.jit(curvature), ag.jit(grad(rosenbrock))
    for _ in range(30):
        x = x - spsolve(program(x), slope(x))
    np.testing.assert_allclose(x, 1.0, rtol=1e-12)


@pytest.mark.parametrize("compiled", [False, True])
def test_trust_constr_and_least_squares(compiled: bool) -> None:
    n = 12
    make = ag.jit if compiled else lambda f: f
    f, slope, bend = make(rosenbrock), make(grad(rosenbrock)), make(curvature)
    start = np.full(n, 1.2)
    found = minimize(f, start, jac=slope, hess=bend, method="trust-constr")
    np.testing.assert_allclose(found.x, 1.0, rtol=1e-6)

    def discs(x: Any) -> Any:
        return np.array([x[k] ** 2 + x[k + 1] ** 2 for k in range(0, n, 2)])

    bound = NonlinearConstraint(
        make(discs), -np.inf, 1.0, jac=make(jacobian(discs, sparse=True)),
        hess=lambda x, v: hessian(lambda x: ag.dot(discs(x), v), sparse=True)(x),
    )  # fmt: skip
    held = minimize(f, start, jac=slope, hess=bend, method="trust-constr", constraints=[bound], options={"gtol": 1e-6})
    assert held.constr_violation == 0.0
    other = minimize(f, start, jac=slope, method="SLSQP", constraints={"type": "ineq", "fun": lambda x: 1 - discs(x)})
    np.testing.assert_allclose(held.fun, other.fun, rtol=1e-3)
    fit = least_squares(make(residuals), start, jac=make(jacobian(residuals, sparse=True)), tr_solver="lsmr")
    np.testing.assert_allclose(fit.x, 1.0, rtol=1e-6)


# What is refused


NESTED = {
    "differentiated again": lambda: grad(lambda x: curvature(x)[0, 0])(np.ones(3)),
    "a Jacobian of it": lambda: jacobian(curvature)(np.ones(3)),
    "compiled": lambda: ag.jit(jacobian(curvature))(np.ones(3)),
    "a product in a program": lambda: ag.jit(lambda x: ag.jvp(curvature, (x,), (x,)))(np.ones(3)),
    "called with Values": lambda: curvature([ag.Value(1.0), 2.0]),
    "a program called with Values": lambda: ag.jit(curvature)([ag.Value(1.0), 2.0]),
    "a program inside a transform": lambda: grad(lambda x: ag.jit(curvature)(x)[0, 0])(np.ones(3)),
}


@pytest.mark.parametrize("name", NESTED)
def test_derivatives_that_would_be_values_are_refused(name: str) -> None:
    with pytest.raises(TypeError, match=r"with sparse=True the derivatives must be plain numbers, got Values"):
        NESTED[name]()


def test_inside_another_transform_constants_may_be_sparse() -> None:
    slope = grad(lambda x: x * float(curvature(np.ones(2))[0, 0]))(3.0)
    assert slope == 802.0


COMPUTED = {
    "@": lambda h, x: h @ x, "reversed @": lambda h, x: x @ h, "*": lambda h, x: 2.0 * h, "+": lambda h, x: h + h,
    "-": lambda h, x: -h, "[]": lambda h, x: h[0, 0], "a method": lambda h, x: h.toarray(),
    "a ufunc": lambda h, x: np.sin(h), "a loop": lambda h, x: list(h), "bool": lambda h, x: h or x,
}  # fmt: skip


@pytest.mark.parametrize("name", COMPUTED)
def test_a_program_cannot_compute_with_a_sparse_array(name: str) -> None:
    with pytest.raises(TypeError, match=r"must be returned as it is|does not support ufuncs"):
        ag.jit(lambda x: COMPUTED[name](curvature(x), x))(np.ones(3))


def test_the_flag_is_a_bool() -> None:
    for transform in (jacobian, hessian):
        with pytest.raises(TypeError, match=rf"{transform.__name__}: sparse must be True or False, got 1"):
            transform(rosenbrock, sparse=1)
    with pytest.raises(TypeError, match=r"hessian\(residuals\): the function must return one number"):
        hessian(residuals, sparse=True)(np.ones(3))
