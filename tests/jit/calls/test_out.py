"""out=: results that are written into the caller's own arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd as ag
from autograd.jit import jit, tuning

X = np.array([1.0, 2.0, 3.0, 4.0])
DOUBLE = jit(lambda x: 2.0 * x, in_axes=0)


@pytest.mark.parametrize("size", [0, 1, 7, tuning.FRESH + 3])
def test_results_are_written_and_returned(size: int) -> None:
    x, out = np.arange(float(size)), np.full(size, np.nan)
    assert DOUBLE(x, out=out) is out
    assert np.array_equal(out, 2 * x)
    wide = np.full((size, 3), 9.0)
    assert DOUBLE(x, out=wide[:, 1]).base is wide
    assert np.array_equal(wide, np.stack([np.full(size, 9.0), 2 * x, np.full(size, 9.0)], axis=1))


@pytest.mark.parametrize("size", [5, 2 * tuning.LARGE + 1])  # copied, and read in place
def test_a_result_may_be_written_over_an_argument(size: int) -> None:
    start = np.arange(float(size))
    x = start.copy()
    DOUBLE(x, out=x)
    assert np.array_equal(x, 2 * start)
    x = start.copy()
    DOUBLE(x, out=x[::-1])
    assert np.array_equal(x[::-1], 2 * start)
    a, b = start.copy(), 3 * start
    value, (by_a, by_b) = jit(lambda a, b: a * b, in_axes=0).value_and_grad(a, b, argnums=(0, 1), out=(X0(a), (b, a)))
    assert by_a is b
    assert by_b is a
    assert np.array_equal(value, start * 3 * start)
    assert np.array_equal(b, 3 * start)  # the derivative by a
    assert np.array_equal(a, start)


def X0(x: Any) -> Any:
    return np.empty_like(x)


def test_structures_and_single_numbers() -> None:
    program = jit(lambda x: {"sum": ag.sum(list(x)), "parts": (x[:2], [x[3]])})
    out = {"sum": np.empty(()), "parts": (np.empty(2), [np.empty(())])}
    assert program(X, out=out) is out
    assert out["sum"] == 10.0
    assert out["parts"][0].tolist() == [1.0, 2.0]  # type: ignore[index]
    value, slope = np.empty(()), np.empty(4)
    found = jit(lambda x: x @ x).value_and_grad(X, out=(value, slope))
    assert found[0] is value
    assert (float(value), slope.tolist()) == (30.0, (2 * X).tolist())
    mapped = np.memmap  # an array in a file is an array
    assert issubclass(mapped, np.ndarray)
    assert DOUBLE(x=X, out=np.empty(4)).tolist() == (2 * X).tolist()  # with keywords too


def test_an_out_that_does_not_fit_is_refused_before_anything_is_written() -> None:
    frozen = np.zeros(4)
    frozen.flags.writeable = False
    shared = np.lib.stride_tricks.as_strided(np.zeros(4), (4,), (0,))
    for out, kind, message in (
        (np.zeros(3), ValueError, r"out must have shape \(4,\), got \(3,\)"),
        (np.zeros((4, 1)), ValueError, r"out must have shape \(4,\)"),
        (np.zeros(4, np.float32), TypeError, "out must be a float64 array to write to, .* float32"),
        (np.zeros(4, ">f8"), TypeError, "out must be a float64 array"),
        (np.zeros(4, object), TypeError, "out must be a float64 array"),
        (np.ma.zeros(4), TypeError, "out must be a float64 array"),
        (frozen, TypeError, "out must be a float64 array to write to, .* read-only"),
        (shared, ValueError, "out must not share memory with another result, or with itself"),
        ([0.0] * 4, TypeError, "out must have the structure of the result"),
        ((np.zeros(4),), TypeError, "out must have the structure of the result"),
        (memoryview(np.zeros(4)), TypeError, "out must be a float64 array"),
        (5.0, TypeError, "out must be a float64 array"),
    ):
        with pytest.raises(kind, match=message):
            DOUBLE(X, out=out)
    good = np.zeros(4)
    for pair, kind in (
        ((good, np.zeros(3)), ValueError),
        ((good, good), ValueError),
        ((good, good[::-1]), ValueError),
        (good, TypeError),
    ):
        with pytest.raises(kind, match="out"):
            DOUBLE.value_and_grad(X, out=pair)
    assert not good.any()


def test_a_call_that_gives_values_takes_no_out() -> None:
    out = np.zeros(4)
    with pytest.raises(TypeError, match=r"out must be left out of a call that is differentiated.*are Values"):
        ag.grad(lambda x: ag.sum(list(DOUBLE(x, out=out))))(X)
    with pytest.raises(TypeError, match="out must be left out"):
        jit(lambda x: DOUBLE(x, out=out))(X)
    assert not out.any()
