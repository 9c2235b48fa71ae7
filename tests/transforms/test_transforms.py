"""What each transform computes. They nest, in any order and thread, without confusing perturbations."""

import math
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from mpmath import mp

import autograd as ag
from autograd.transforms import elementwise_grad, grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp

A = np.array([[2.0, -1.0, 0.5], [3.0, 0.25, -2.0], [1.0, 4.0, -3.0]])
X = np.array([0.3, -1.2, 2.0])


def close(got: Any, expected: Any, rtol: float = 1e-12) -> bool:
    """Whether both hold numbers, not Values, that differ by at most `rtol` times the largest of them."""
    got, expected = np.asarray(got), np.asarray(expected, dtype=float)
    assert got.dtype == float
    return got.shape == expected.shape and bool(np.abs(got - expected).max() <= rtol * np.abs(expected).max())


# Each transform


def test_numpy_code_runs_on_array_arguments() -> None:
    assert close(grad(lambda x: x @ A @ x)(X), (A + A.T) @ X)
    assert close(grad(lambda x: np.sum(np.exp(x)))(A), np.exp(A))
    assert close(grad(lambda x: np.sum(x[1:, ::2] * np.array([2.0, 3.0])))(A), [[0, 0, 0], [2, 0, 3], [2, 0, 3]])
    assert close(grad(lambda x: (x[:, None] * x[None, :]).sum())(X), [2 * X.sum()] * 3)
    assert close(
        grad(lambda x: np.mean(np.tanh(x.T @ x)))(A[:1]), grad(lambda x: ag.mean(np.tanh(x.T @ x).flat))(A[:1])
    )


def test_value_and_grad() -> None:
    value, slopes = value_and_grad(lambda x, y: x**2 * y, argnums=(1, 0))(3.0, 5.0)
    assert (value, slopes) == (45.0, (9.0, 30.0))
    assert type(value) is float


def test_aux_comes_back_without_graph() -> None:
    def f(x: Any) -> Any:
        return x * x, {"twice": 2 * x, "array": np.array([x, 1.0]), "note": "text", "none": None, "ints": np.arange(2)}

    (value, aux), slope = value_and_grad(f, has_aux=True)(3.0)
    assert (value, slope, aux["twice"], aux["note"], aux["none"]) == (9.0, 6.0, 6.0, "text", None)
    assert type(aux["twice"]) is float
    assert aux["array"].dtype == float
    assert aux["ints"].dtype.kind == "i"
    slope, aux = grad(f, has_aux=True)(3.0)
    assert (slope, type(aux["twice"])) == (6.0, float)
    kept = ["as", {"it": 1}]
    assert grad(lambda x: (x, kept), has_aux=True)(1.0)[1] is kept


def test_jacobian_has_the_shape_of_the_result_then_of_the_argument() -> None:
    assert close(jacobian(lambda x: A @ x)(X), A)
    third = jacobian(lambda x: x[:, None] * A)(X)
    assert third.shape == (3, 3, 3)
    assert close(third, np.einsum("ik,ij->ijk", np.eye(3), A))
    assert close(jacobian(lambda x: ag.sum(x))(X), np.ones(3))
    assert close(jacobian(lambda x: x * X)(2.0), X)
    assert jacobian(lambda x: 3 * x)(2.0) == 3.0
    by_both = jacobian(lambda x, y: {"p": x * y, "s": [x + y]}, argnums=(0, 1))(2.0, 3.0)
    assert by_both == {"p": (3.0, 2.0), "s": [(1.0, 1.0)]}


def test_jacobian_of_many_results_at_once_equals_row_by_row() -> None:
    weights = np.random.default_rng(0).normal(size=(300, 4))  # more rows than one sweep takes

    def f(x: Any) -> Any:
        return np.cumsum(np.sin(weights @ x))

    x = X[[0, 1, 2, 0]]
    rows = [grad(lambda x, k=k: f(x)[k])(x) for k in (0, 1, 150, 255, 256, 299)]
    assert close(jacobian(f)(x)[[0, 1, 150, 255, 256, 299]], rows, 1e-14)


def test_an_infinite_derivative_stays_in_its_row() -> None:
    found = jacobian(lambda x: [ag.sqrt(x[0]), x[0] * 0 + x[1], 3.0])(np.array([0.0, 1.0]))
    assert [row.tolist() for row in found] == [[math.inf, 0.0], [0.0, 1.0], [0.0, 0.0]]


def test_jvp_and_vjp_are_products_with_the_jacobian() -> None:
    def f(x: Any) -> Any:
        return np.sin(A @ x) * x[0]

    tangent, cotangent = np.array([1.0, -2.0, 0.5]), np.array([0.1, 7.0, -3.0])
    full = jacobian(f)(X)
    value, slopes = jvp(f, (X,), (tangent,))
    assert close(value, np.sin(A @ X) * X[0])
    assert close(slopes, full @ tangent)
    value, pull = vjp(f, X)
    assert close(value, np.sin(A @ X) * X[0])
    assert close(pull(cotangent)[0], cotangent @ full)
    assert close(pull(tangent)[0], tangent @ full)
    # The double backward trick: the vjp is linear in the cotangent. Its derivative with respect to it is the jvp.
    assert close(grad(lambda u: vjp(f, X)[1](u)[0] @ tangent)(np.zeros(3)), slopes)


def test_jvp_of_several_primals_and_of_variables_that_are_results() -> None:
    assert jvp(lambda x, y: (x, y * x, 7.0), (2.0, 3.0), (10.0, 1.0)) == ((2.0, 6.0, 7.0), (10.0, 32.0, 0.0))
    assert jvp(lambda x: ag.where(x, 1.0, 2.0), (2.0,), (1.0,)) == (1.0, 0.0)


def test_hvp_is_the_product_with_the_hessian() -> None:
    def f(x: Any, y: Any = 1.0) -> Any:
        return ag.exp(x @ A @ x / 10) * y**3

    vector = np.array([1.0, -2.0, 0.5])
    assert close(hvp(f, (X,), (vector,)), hessian(f)(X) @ vector)
    by_x, by_y = hvp(f, (X, 2.0), (vector, 3.0))
    (xx, xy), (yx, yy) = hessian(f, argnums=(0, 1))(X, 2.0)
    assert close(by_x, xx @ vector + xy * 3.0)
    assert close(by_y, yx @ vector + yy * 3.0)


def test_elementwise_grad() -> None:
    assert close(elementwise_grad(np.tanh)(A), 1 / np.cosh(A) ** 2)
    assert close(elementwise_grad(elementwise_grad(lambda x: x**3))(A), 6 * A)
    assert elementwise_grad(lambda x: x * x)(3.0) == 6.0
    assert close(elementwise_grad(lambda x: A @ x)(X), A.sum(axis=0))


def test_a_result_that_does_not_depend_on_the_argument_has_zero_derivatives() -> None:
    for f in (
        lambda x: 3.0,
        lambda x: 3,
        lambda x: np.float64(3),
        lambda x: ag.Value(3.0) * 2,
        lambda x: ag.sign(x[0]),
    ):
        assert close(value_and_grad(f)(X)[1], np.zeros(3))
        assert close(hessian(f)(X), np.zeros((3, 3)))
        assert close(hvp(f, (X,), (X,)), np.zeros(3))
        assert jvp(f, (X,), (X,))[1] == 0.0
    assert grad(grad(lambda x: 3 * x))(1.0) == 0.0


# Nesting


def test_orders_up_to_four() -> None:
    def f(x: Any) -> Any:
        return ag.exp(ag.sin(x)) / (1 + x * x)

    def f_mp(x: Any) -> Any:
        return mp.exp(mp.sin(x)) / (1 + x * x)

    derivative = f
    for order in range(1, 5):
        derivative = grad(derivative)
        assert derivative(0.7) == pytest.approx(float(mp.diff(f_mp, 0.7, order)), rel=1e-12)
    third = jacobian(hessian(lambda x: x[0] ** 2 * x[1]))(np.array([3.0, 5.0]))
    assert third.tolist() == [[[0.0, 2.0], [2.0, 0.0]], [[2.0, 0.0], [0.0, 0.0]]]
    assert grad(lambda x: hessian(lambda y: y[0] ** 2 * y[1] * x)(np.array([3.0, 5.0]))[0, 1])(2.0) == 6.0


CONFUSION: dict[str, tuple[Callable[..., Any], float, float]] = {
    # J. Siskind, B. Pearlmutter, Perturbation confusion and referential transparency, IFL 2005: 1, not 2.
    "x d(x+y)/dy": (lambda x: x * grad(lambda y: x + y)(1.0), 1.0, 1.0),
    "x d(xy)/dy": (lambda x: x * grad(lambda y: x * y)(1.0), 3.0, 6.0),
    "at y = x": (lambda x: x * grad(lambda y: x * y)(x), 3.0, 6.0),
    "inner slope alone": (lambda x: grad(lambda y: x * y)(x), 3.0, 1.0),
    "y twice": (lambda x: grad(lambda y: x * y * y)(x), 3.0, 12.0),  # of 2x²
    "inner constant": (lambda x: x * grad(lambda y: x)(x), 3.0, 0.0),
    "three deep": (
        lambda x: grad(lambda y: grad(lambda z: x * y * z * z)(y))(x),
        2.0,
        16.0,
    ),  # of 4x²: d/dy 2xy² is 4xy
    "one name": (lambda x: grad(lambda y: y**3 * grad(lambda y: x * y**2)(y))(x), 1.0, 32.0),  # of 8x⁴
    "through an array": (lambda x: grad(lambda y: np.sum(y * y) * x)(np.array([x, 2 * x]))[1], 3.0, 24.0),  # of 4x²
    "through jacobian": (lambda x: jacobian(lambda y: np.array([x * y, y * y]))(x)[1], 3.0, 2.0),
    "through hvp": (lambda x: hvp(lambda y: x * y**3, (2.0,), (x,)), 3.0, 72.0),  # of 12x²
    "through jvp": (lambda x: jvp(lambda y: x * y * y, (x,), (x,))[1], 2.0, 24.0),  # of 2x³
    "through vjp": (lambda x: vjp(lambda y: x * y * y, x)[1](x)[0], 2.0, 24.0),
    "cotangent alone": (lambda x: vjp(lambda y: y * y, 3.0)[1](x)[0], 2.0, 6.0),
    "tangent alone": (lambda x: jvp(lambda y: y * y, (3.0,), (x,))[1], 2.0, 6.0),
    "value from inside": (lambda x: value_and_grad(lambda y: x * y)(5.0)[0], 2.0, 5.0),
    "elementwise": (lambda x: elementwise_grad(lambda y: x * y)(np.ones(3)).sum(), 2.0, 3.0),
}


@pytest.mark.parametrize("name", CONFUSION)
def test_perturbations_are_not_confused(name: str) -> None:
    f, at, expected = CONFUSION[name]
    found = grad(f)(at)
    assert (found, type(found)) == (expected, float)
    assert jvp(f, (at,), (1.0,))[1] == expected
    assert jacobian(f)(at) == expected


def test_inner_results_are_numbers_if_they_depend_on_no_outer_variable() -> None:
    """So NumPy's linear algebra can use them, also inside an outer transform."""

    def energy(x: Any) -> Any:
        return x @ x + ag.exp(x[0] * x[1])

    def newton(x: Any) -> Any:
        start = np.array([1.0, 2.0])
        step = np.linalg.solve(hessian(energy)(start), grad(energy)(start))
        return x * x * step[0]

    start = np.array([1.0, 2.0])
    assert grad(newton)(0.5) == np.linalg.solve(hessian(energy)(start), grad(energy)(start))[0]


def test_values_in_values_out() -> None:
    x = ag.Value(3.0)
    slope = grad(lambda y: y**3 * x)(x)  # 3x³, if y = x
    assert (type(slope), slope.data) == (ag.Value, 81.0)
    slope.backward()
    assert x.grad == 6 * 9.0 + 27.0  # through y and through the closure
    array = grad(lambda y: 2.0 * y[0] + y[1] * y[1])(np.array([x, 1.0]))
    assert [type(each) for each in array] == [ag.Value, ag.Value]


def test_only_what_lies_between_variables_and_result_is_differentiated() -> None:
    def refuses(*args: Any) -> Any:
        raise AssertionError("this rule is not needed")

    @ag.primitive(refuses)
    def opaque(x: float) -> float:
        return x * x

    h = opaque(ag.Value(3.0))
    for transform in (grad, jacobian, hessian, elementwise_grad):
        assert transform(lambda y: y * h * y)(2.0) == (18.0 if transform is hessian else 36.0)
        assert transform(lambda y: y * h * y)(h) == (18.0 if transform is hessian else 162.0)
    assert jvp(lambda y: y * h * y, (h,), (1.0,))[1] == 162.0
    times = ag.primitive(lambda out, a, b: b, refuses)(lambda a, b: a * b)
    assert grad(grad(lambda y: times(y, h)))(2.0) == 0.0
    h._a = "not a node: looking below h would fail"
    assert grad(lambda y: y * y)(h) == 18.0


def test_deep_graphs_need_no_recursion() -> None:
    def f(x: Any) -> Any:
        for _ in range(20_000):
            x = x + 1.0
        return x * x

    assert (grad(f)(1.0), hessian(f)(1.0), jvp(f, (1.0,), (1.0,))[1]) == (40002.0, 2.0, 40002.0)


def test_threads_do_not_interfere() -> None:
    def outer(x: Any) -> Any:
        with ThreadPoolExecutor(4) as pool:  # closures over x in other threads
            slopes = list(pool.map(lambda c: grad(lambda y: x * y * y)(c), [1.0, 2.0, 3.0, 4.0]))
        return ag.sum(slopes)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(grad(outer), [float(k) for k in range(8)])) == [20.0] * 8


def test_no_grad_changes_even_while_a_transform_runs() -> None:
    """Another thread may be reading or accumulating it: a rule that looks during the sweep sees what was there."""
    w = ag.Value(3.0)
    w.grad = 0.25
    seen: list[float] = []

    def watch(frame: Any, event: str, arg: Any) -> Any:
        seen.append(w.grad)
        return watch

    before = sys.gettrace()
    sys.settrace(watch)
    try:
        slope = grad(lambda x: x * w * x + ag.tanh(w))(2.0)
        ag.jacobian(lambda x: [x * w, w * w])(2.0)
    finally:
        sys.settrace(before)
    assert slope == 12.0
    assert set(seen) == {0.25}
