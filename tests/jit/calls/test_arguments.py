"""Numbers as users have them: arrays of other libraries, truth values, lists, masked arrays, narrow and wide floats.

pandas, polars, PyTorch and JAX are no dependency of the tests. Small classes that offer what theirs offer stand in for
them: what counts is the protocol, `__array__`, `__dlpack__` or a buffer.
"""

from __future__ import annotations

import array
from typing import Any

import numpy as np
import pytest

import autograd as ag
from autograd.jit import jit

X = np.arange(6.0).reshape(3, 2) - 2.0
TABLE = "   a  b\n0  1  2\n1  3  4"


class Frame:
    """As of pandas: a table, whose repr has several lines."""

    def __init__(self, numbers: Any) -> None:
        self._numbers, self.reads = numbers, 0

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        self.reads += 1
        if isinstance(self._numbers, Exception):
            raise self._numbers
        return self._numbers

    def __repr__(self) -> str:
        return TABLE


class Tensor:
    """An array that can be had through DLPack alone."""

    def __init__(self, numbers: Any) -> None:
        self._numbers = numbers

    def __dlpack__(self, **options: Any) -> Any:
        return self._numbers.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self._numbers.__dlpack_device__()


class Interface:
    """An array that describes its memory."""

    def __init__(self, numbers: Any) -> None:
        self.numbers = numbers
        self.__array_interface__ = numbers.__array_interface__

    @property
    def __array_interface__(self) -> Any:
        return self.numbers.__array_interface__

    @__array_interface__.setter
    def __array_interface__(self, _: Any) -> None: ...


FOREIGN = {"frame": Frame, "tensor": Tensor, "interface": Interface, "memoryview": memoryview}


def weigh(w: Any, x: Any) -> Any:
    return w * (x[0] * x[1] + x[1])


PROGRAM = jit(weigh, in_axes=(None, 0))
WANTED = 2.0 * (X[:, 0] * X[:, 1] + X[:, 1])


@pytest.mark.parametrize("kind", FOREIGN)
def test_arrays_of_other_libraries(kind: str) -> None:
    make = FOREIGN[kind]
    for _ in range(2):  # the first call compiles
        assert np.array_equal(PROGRAM(2.0, make(X)), WANTED)
        assert PROGRAM(2.0, make(X[:2])).shape == (2,)
        value, (by_w, by_x) = PROGRAM.value_and_grad(2.0, make(X), argnums=(0, 1))
        assert np.array_equal(value, WANTED)
        assert by_w == (WANTED / 2.0).sum()
        assert type(by_x) is np.ndarray
        assert np.array_equal(by_x, np.stack([2.0 * X[:, 1], 2.0 * (X[:, 0] + 1.0)], axis=1))
    inside = jit(lambda d: d["x"][0] @ d["x"][0] + d["y"])
    assert inside({"x": [make(X[0])], "y": 1.0}) == X[0] @ X[0] + 1.0


@pytest.mark.parametrize("kind", FOREIGN)
def test_transforms_take_arrays_of_other_libraries(kind: str) -> None:
    x = FOREIGN[kind](X[0])
    slope = ag.grad(lambda x: x[0] ** 2 * x[1])(x)
    assert type(slope) is np.ndarray
    assert np.array_equal(slope, [2 * X[0, 0] * X[0, 1], X[0, 0] ** 2])
    assert np.array_equal(ag.hessian(lambda x: x[0] ** 2 * x[1])(x), [[2 * X[0, 1], 2 * X[0, 0]], [2 * X[0, 0], 0.0]])
    assert ag.jvp(lambda d: d["x"][1] * 2.0, ({"x": x},), ({"x": FOREIGN[kind](np.array([0.0, 1.0]))},))[1] == 2.0
    assert ag.grad(lambda x, other: x * other["other"], has_aux=False)(2.0, {"other": 3.0}) == 3.0


def test_what_a_function_gives_besides_its_result_keeps_its_kind() -> None:
    given = Frame(X)
    _, (label, frame) = ag.grad(lambda x: (x * x, (x + 1.0, given)), has_aux=True)(2.0)
    assert label == 3.0
    assert frame is given


def test_an_array_of_another_library_is_read_once_a_call() -> None:
    """Reading it may be a computation, as in dask."""
    frame = Frame(X)
    PROGRAM(2.0, frame)
    before = frame.reads
    PROGRAM(2.0, frame)
    assert frame.reads - before <= 2  # once for the key, once for the numbers


def test_an_array_of_another_library_that_cannot_be_read_says_why_on_one_line() -> None:
    for call in (jit(lambda x: x), ag.grad(lambda x: x)):
        with pytest.raises(
            TypeError, match=r"Can't call numpy.. on a tensor that requires grad. Use x.detach"
        ) as caught:
            call(Frame(RuntimeError("Can't call numpy() on a tensor that requires grad.\nUse x.detach().numpy()")))
        assert "\n" not in str(caught.value)
    for numbers, got in ((np.array(["a"]), "dtype <U1"), (np.array([None]), "got None"), (np.array([1j]), "complex")):
        with pytest.raises(TypeError, match=rf"argument 0 must hold real numbers, .*{got}"):
            jit(lambda x: x)(Frame(numbers))


def test_no_error_shows_several_lines_of_what_was_given() -> None:
    class Sparse:
        __repr__ = Frame.__repr__

    for call in (jit(lambda x: x), ag.grad(lambda x: x), ag.Value, lambda x: ag.exp(x)):
        with pytest.raises(TypeError, match="got Sparse") as caught:
            call(Sparse())
        assert "\n" not in str(caught.value)


def test_masked_arrays_are_refused_whether_anything_is_masked_or_not() -> None:
    for masked in (np.ma.array(X), np.ma.array(X, mask=X > 0)):
        for given in (masked, Frame(masked), {"x": masked}):
            with pytest.raises(TypeError, match=r"got a MaskedArray; use x\.filled\(value\) or x\.compressed\(\)"):
                jit(lambda x: x)(given)
            with pytest.raises(TypeError, match=r"got a MaskedArray; use x\.filled\(value\)"):
                ag.grad(lambda x: x)(given)


def test_truth_values_are_arguments_and_conditions() -> None:
    def f(mask: Any, x: Any) -> Any:
        return np.where(mask & (x > 0.0) | ~mask & (x < -1.0) ^ mask, x, -2.0 * x)

    mask, x = X[:, 0] >= 0, X[:, 1]
    for given in (mask, Frame(mask), mask.tolist()):
        assert np.array_equal(jit(f, in_axes=0)(given, x), f(mask, x))
    assert np.array_equal(jit(f)(mask, x), f(mask, x))
    value, slope = jit(f, in_axes=0).value_and_grad(mask, x, argnums=1)
    assert np.array_equal(slope * x, value)
    with pytest.raises(TypeError, match=r"argument 0 must hold numbers to be differentiated .* got truth values"):
        jit(f, in_axes=0).value_and_grad(mask, x)
    assert jit(lambda mask: mask.sum())(mask) == mask.sum()
    assert jit(lambda mask, x: ag.where(mask, x, 0.0))(np.array(True), 3.0) == 3.0


def test_a_single_truth_value_is_refused_because_it_may_be_a_setting() -> None:
    """`if flag is True` would silently be False of a traced number."""
    for setting in (True, np.bool_(True), "linear", None):
        with pytest.raises(
            TypeError, match=r"argument 1 must be a real number, got .*name anything else in static_arg"
        ):
            jit(lambda x, flag: x)(1.0, setting)


def test_a_list_of_numbers_is_a_batch_where_there_must_be_one() -> None:
    square = jit(lambda x: x * x, in_axes=0)
    assert square([1.0, 2, 3]).tolist() == [1.0, 4.0, 9.0]
    values, slopes = square.value_and_grad([1.0, 2.0])
    assert (values.tolist(), slopes.tolist()) == ([1.0, 4.0], [2.0, 4.0])
    for rows in (X.tolist(), [tuple(row) for row in X.tolist()]):
        assert np.array_equal(PROGRAM(2.0, rows), WANTED)
    assert jit(lambda d: d["a"] * d["b"], in_axes=0)({"a": [1.0, 2.0], "b": np.array([3.0, 4.0])}).tolist() == [
        3.0,
        8.0,
    ]
    pairs = jit(lambda xs: xs[0] * xs[1], in_axes=0)([np.array([1.0, 2.0]), np.array([3.0, 4.0])])
    assert pairs.tolist() == [3.0, 8.0]  # a list of arrays is a list
    a, b = ag.Value(2.0), ag.Value(3.0)
    ag.sum(list(square([a, b]))).backward()
    assert (a.grad, b.grad) == (4.0, 6.0)
    assert ag.grad(lambda xs: ag.sum(list(square(xs))))([1.0, 2.0]) == [2.0, 4.0]
    for wrong in ([[1.0], [2.0, 3.0]], (1.0, 2.0), 1.0):
        with pytest.raises((TypeError, ValueError), match=r"must have axis 0|at least one|batch"):
            square(wrong)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble, np.int8, np.uint64, ">f8"])
def test_every_real_dtype_becomes_float64(dtype: Any) -> None:
    x = np.array([1.5, 2.0, 3.0]).astype(dtype)
    result = jit(lambda x: x * 3.0, in_axes=0)(x)
    assert result.dtype == np.float64
    assert np.array_equal(result, x.astype(float) * 3.0)
    assert ag.jit(lambda x: x / 3.0)(x[0]) == float(x[0]) / 3.0


def test_array_array_and_zero_dimensional_arrays() -> None:
    assert np.array_equal(jit(lambda x: x * 2.0, in_axes=0)(array.array("d", [1.0, 2.0])), [2.0, 4.0])
    value, slope = jit(lambda x: x * x).value_and_grad(Frame(np.array(3.0)))
    assert (float(value), float(slope), np.shape(slope)) == (9.0, 6.0, ())


def test_results_have_the_kinds_that_the_function_gives() -> None:
    def f(x: Any) -> Any:
        return [x[0], x[:1], np.array(1.0), 2, x.sum(), {"a": (x,)}]

    eager, compiled = f(X[0]), jit(f)(X[0])
    for a, b in zip(eager[:5], compiled[:5]):
        assert np.shape(a) == np.shape(b)
        assert isinstance(b, np.ndarray) == isinstance(a, np.ndarray)
        assert np.asarray(b).dtype == np.float64
    assert np.array_equal(compiled[5]["a"][0], X[0])
