"""What check_gradients takes: numbers of other libraries, pairs of value and gradient, every layout in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autograd.testing import GradientError, GradientWarning, check_gradients, check_vjp, numerical_gradient


class Tensor:
    """What the checks need of a tensor of PyTorch: its numbers in its own precision, and no way to NumPy but detach."""

    def __init__(self, numbers: Any, dtype: Any = np.float32, requires_grad: bool = False) -> None:
        self.numbers, self.dtype, self.requires_grad = np.asarray(numbers, dtype=dtype), np.dtype(dtype), requires_grad

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        if self.requires_grad:
            raise RuntimeError("call detach first")
        return np.array(self.numbers, dtype=dtype)

    def __float__(self) -> float:
        return float(self.numbers)

    def detach(self) -> Tensor:
        return Tensor(self.numbers, self.dtype)

    def cpu(self) -> Tensor:
        return self

    def new_tensor(self, numbers: Any, dtype: Any) -> Tensor:
        return Tensor(numbers, dtype)

    def is_floating_point(self) -> bool:
        return self.dtype.kind == "f"

    def double(self) -> Tensor:
        return Tensor(self.numbers, np.float64)

    def requires_grad_(self, wanted: bool) -> Tensor:
        self.requires_grad = wanted
        return self


class Namespace:
    """Its arrays are a subclass of none of NumPy's, as those of JAX."""

    @staticmethod
    def asarray(numbers: Any, dtype: Any = None) -> Array:
        return Array(np.asarray(numbers, dtype=dtype))


class Array:
    def __init__(self, numbers: Any) -> None:
        self.numbers, self.dtype = numbers, numbers.dtype

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.array(self.numbers, dtype=dtype)

    def __array_namespace__(self) -> type[Namespace]:
        return Namespace


class Series:
    """What the checks need of a series of pandas: its numbers by label."""

    def __init__(self, numbers: Any, index: Any, name: str = "") -> None:
        self.numbers, self.index, self.name = np.asarray(numbers), index, name
        self.iloc = self.numbers

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.array(self.numbers, dtype=dtype)

    def __getitem__(self, label: str) -> Any:
        return self.numbers[self.index.index(label)]


class Sparse:
    def __init__(self, dense: Any) -> None:
        self.dense = dense

    def toarray(self) -> Any:
        return self.dense


def of_tensors(t: Any) -> Any:
    assert type(t) is Tensor
    return Tensor(np.sum(np.sin(t.numbers)), t.dtype, t.requires_grad)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("requires_grad", [False, True])
def test_tensors(dtype: Any, requires_grad: bool) -> None:
    x = Tensor([1, 2], dtype, requires_grad)
    kind = dtype if dtype is not np.int64 else np.float64
    check_gradients(of_tensors, x, gradient=lambda t: Tensor(np.cos(t.numbers), kind, True), strict=True)
    with pytest.raises(GradientError, match="2 of 2 derivatives are wrong"):
        check_gradients(of_tensors, x, gradient=lambda t: Tensor(1.01 * np.cos(t.numbers), kind), strict=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_of_other_namespaces(dtype: Any) -> None:
    def f(x: Array) -> Array:
        assert x.numbers.dtype == dtype
        return Array(np.sum(x.numbers**3))

    x = Array(np.array([[1.5], [2.0]], dtype=dtype))
    check_gradients(f, x, gradient=lambda x: Array(3 * x.numbers**2), strict=True)
    with pytest.raises(GradientError):
        check_gradients(f, x, gradient=lambda x: Array(3.03 * x.numbers**2))


def test_series() -> None:
    s = Series([1, 3], ["a", "b"])

    def gradient(s: Series) -> Series:
        return Series([2 * s["a"] * s["b"], s["a"] ** 2], s.index)

    check_gradients(lambda s: s["a"] ** 2 * s["b"], s, gradient=gradient)
    check_gradients(lambda p: p["s"]["a"] ** 2 * p["s"]["b"], {"s": s}, gradient=lambda p: {"s": gradient(p["s"])})


def test_products_get_cotangents_of_the_kind_of_the_result() -> None:
    def vjp(x: Tensor, cotangent: Tensor) -> Tensor:
        assert type(cotangent) is Tensor
        assert cotangent.dtype == np.float64
        return Tensor(np.cos(x.numbers) * cotangent.numbers, np.float64)

    check_vjp(lambda t: Tensor(np.sin(t.numbers), np.float64, True), Tensor([0.5, 2.0], np.float64, True), vjp=vjp)


def test_sparse_gradients() -> None:
    x = np.array([[1.0, 0.0], [0.0, 3.0]])
    check_gradients(lambda x: x[1, 1] ** 2, x, gradient=lambda x: Sparse(np.array([[0, 0], [0, 2 * x[1, 1]]])))


def test_integers_are_varied_as_floats() -> None:
    check_gradients(lambda x: np.sum(x**3), np.array([1, 2]), gradient=lambda x: 3 * x**2)
    check_gradients(lambda x: np.sum(x**3), np.array([1, 2]))
    check_gradients(lambda x: x**3, 2, gradient=lambda x: 3 * x**2)
    value, _ = numerical_gradient(lambda x: np.sum(x**2), np.array([[1, 2]]))
    np.testing.assert_allclose(value, [[2.0, 4.0]], rtol=1e-9)


def test_scalars_of_numpy_keep_their_methods() -> None:
    check_gradients(lambda x: x.item() ** 2, np.float64(3.0), gradient=lambda x: 2 * x.item())
    check_gradients(lambda x: x.item() ** 2, np.float32(3.0), gradient=lambda x: 2 * x.item())


def test_a_function_that_returns_value_and_gradient() -> None:
    check_gradients(lambda x: (x @ x, 2 * x), np.ones(3), gradient=True)
    with pytest.raises(GradientError, match="3 of 3 derivatives are wrong"):
        check_gradients(lambda x: (x @ x, 3 * x), np.ones(3), gradient=True)
    with pytest.raises(
        TypeError, match=r"gradient=True the function must return a pair \(value, gradient\), got float64"
    ):
        check_gradients(lambda x: x @ x, np.ones(3), gradient=True)


def base() -> Any:
    return np.arange(24.0).reshape(4, 6) + 1


@pytest.mark.parametrize(
    "x",
    [
        base().T,
        base()[::2, ::-2],
        base()[:, 1],
        np.asfortranarray(base()),
        base().astype("f4")[1:, ::3],
        base().astype(">f8")[::-1],
        base().reshape(2, 3, 4).swapaxes(0, 2),
    ],
)
def test_arrays_have_the_layout_that_they_have_in_use(x: Any) -> None:
    weights = np.arange(float(x.size)).reshape(x.shape)
    seen = set()

    def f(x: Any) -> float:
        if x.dtype.kind == "f":  # not complex
            seen.add(tuple(step // x.itemsize for step in x.strides))
        return (weights * x).sum()  # type: ignore[no-any-return]

    check_gradients(f, x, gradient=lambda x: weights)
    assert seen == {tuple(step // x.itemsize for step in x.strides)}


def test_what_is_right_for_one_layout_only_is_found() -> None:
    weights = np.arange(6.0)
    for x, right in ((np.ones((2, 3)), True), (np.ones((3, 2)).T, False)):
        if right:
            check_gradients(lambda x: (x.ravel("K") * weights).sum(), x, gradient=lambda x: weights.reshape(2, 3))
            continue
        with pytest.raises(GradientError):
            check_gradients(lambda x: (x.ravel("K") * weights).sum(), x, gradient=lambda x: weights.reshape(2, 3))


def test_overlapping_memory_is_copied() -> None:
    x = np.broadcast_to(1.5, (2, 3))
    check_gradients(lambda x: float((x**2).sum()), x, gradient=lambda x: 2 * x)


def test_order_2_of_a_given_gradient_tests_it_around_the_point() -> None:
    def f(x: Any) -> Any:
        return x[0] ** 3 * x[1] + np.exp(x[1])

    checked = check_gradients(
        f,
        np.array([1.0, 2.0]),
        gradient=lambda x: np.array([3 * x[0] ** 2 * x[1], x[0] ** 3 + np.exp(x[1])]),
        order=2,
    )
    assert len(checked.checked) == 6
    check_gradients(lambda x: x**3, 2.0, gradient=lambda x: 6 * x)  # right at 2
    with pytest.raises(GradientError, match=r"x, x +6 +12 ±"):
        check_gradients(lambda x: x**3, 2.0, gradient=lambda x: 6 * x, order=2)


def test_what_cannot_be_taken_is_named() -> None:
    with pytest.raises(TypeError, match="x must be a plain NumPy array, got a MaskedArray"):
        check_gradients(lambda x: x.sum(), np.ma.array([1.0, 2.0]), gradient=lambda x: np.ones(2))
    with pytest.raises(TypeError, match=r"x must hold real numbers, got a NumPy array"):
        check_gradients(lambda x: abs(x[0]), np.array([1j]), gradient=lambda x: np.ones(1))
    with pytest.warns(GradientWarning, match="at a kink"):
        check_gradients(lambda x: abs(x), 0, gradient=lambda x: 0.5)
