"""NumPy's choices, orders and truth values on arrays of traced numbers; and what hints an error gets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd as ag
from autograd.jit import jit

RNG = np.random.default_rng(0)
X = np.array([[3.0, 1.0, 2.0], [1.0, 1.0, -2.0], [-0.5, 0.0, np.nan], [np.nan, np.inf, 1.0], [2.0, 2.0, 2.0]])

CHOICES: dict[str, Callable[[Any], Any]] = {
    "where": lambda x: np.where(x > 1.5, x, -x),
    "where of a number": lambda x: np.where(x[0] > 1.5, x, -x),
    "where of numbers": lambda x: np.where(x > 0.0, 1.0, [1.0, 2.0, 3.0] * x),
    "broadcast": lambda x: np.where(x[:, None] > x, x, x[:, None]),
    "maximum": lambda x: np.maximum(x, 1.0),
    "clip": lambda x: np.clip(x, -1.0, 1.5),
    "the method clip": lambda x: x.clip(-1.0, 1.5),
    "max": lambda x: np.max(x),
    "min": lambda x: x.min(),
    "sort": np.sort,
    "median": np.median,
    "quantile": lambda x: np.quantile(x, 0.3),
    "select": lambda x: np.select([x > 1.5, x > 0.0], [x * x, 2.0 * x], -1.0),
    "and": lambda x: np.where((x > 0.0) & (x < 2.5), x, 0.0),
    "logical": lambda x: np.where(np.logical_or(np.logical_not(x > 0.0), x == 1.0), x, 0.0),
    "any": lambda x: np.where(np.any(x > 2.5), x, -x),
    "the method all": lambda x: np.where((x > 0.0).all(), x, -x),
    "comparisons": lambda x: (x >= 1.0) * 1.0 + (x <= 1.0) * 2.0 + (x != 1.0) * 4.0 + (x < x[0]) * 8.0,
    "count": lambda x: (x > 0.0).sum(),
    "isnan": lambda x: np.where(np.isnan(x), 7.0, x),
}


@pytest.mark.parametrize("name", CHOICES)
def test_choices_need_no_decision(name: str) -> None:
    f = CHOICES[name]
    with np.errstate(all="ignore"):
        wanted = np.array([f(row) for row in X], float)  # by NumPy
    found = jit(f, in_axes=0)(X)
    assert np.array_equal(found, wanted, equal_nan=True), (found, wanted)
    finite = X[[0, 1, 4]]

    def total(x: Any) -> Any:
        weights = np.arange(1.0, 1.0 + np.size(f(np.ones(3))))
        return np.sum(np.ravel(f(x)) * weights)

    slopes = jit(ag.grad(total), in_axes=0)(finite)
    assert np.array_equal(slopes, [ag.grad(total)(row) for row in finite])  # ties included


@pytest.mark.parametrize("size", [0, 1, 2, 3, 8, 13])
def test_sorting_is_stable_and_puts_nan_last(size: int) -> None:
    rows = RNG.integers(-2, 2, (40, size)).astype(float)
    rows[RNG.random(rows.shape) < 0.1] = np.nan
    assert np.array_equal(jit(np.sort, in_axes=0)(rows), np.sort(rows, axis=1), equal_nan=True)
    weights = np.arange(1.0, size + 1.0)
    slope = ag.grad(lambda x: np.sum(np.sort(x) * weights))
    if size:
        places = np.argsort(rows, axis=1, kind="stable")
        wanted = np.empty(rows.shape)
        np.put_along_axis(wanted, places, np.broadcast_to(weights, rows.shape), axis=1)
        assert np.array_equal(jit(slope, in_axes=0)(rows), wanted)
    both = jit(lambda x: np.sort(x.reshape(2, 2), axis=0))(np.array([3.0, 1.0, 2.0, 4.0]))
    assert both.tolist() == [[2.0, 1.0], [3.0, 4.0]]


def test_what_cannot_be_chosen_is_refused_with_what_to_write() -> None:
    with pytest.raises(ag.TracingError, match=r"sorted 65 traced values.* sort at most 64"):
        jit(np.sort)(np.ones(65))
    for f in (lambda x: x[x > 0], lambda x: x.__setitem__(x > 0, 0.0)):
        with pytest.raises(IndexError, match=r"a mask are not known .* write np.where\(mask, a, b\)"):
            jit(f)(np.ones(3))


def test_comparisons_of_values_are_truth_values_as_before() -> None:
    a = ag.Value(2.0)
    y = ag.array([a, 1.0])
    assert (y > 1.5).dtype == (y == y).dtype == bool
    assert (ag.array([]) > 1.0).dtype == bool
    for single in (np.greater(a, 1.0), y.reshape(2, 1)[0].reshape(()) > 1.0, (y > 0.5).all(), np.isnan(a), np.any(y)):
        assert type(single) is np.bool_  # of which ~ is the opposite
    out = np.zeros(2, bool)
    assert np.greater(y, 1.5, out=out) is out
    assert out.tolist() == [True, False]


HINT = "if the first axis of an array is a batch"


def test_the_hint_about_in_axes_comes_where_shapes_do_not_fit() -> None:
    X = np.ones((5, 4))
    for f in (
        ag.exp,
        lambda x: np.ones(3) @ x,
        lambda x: x + np.ones(3),
        lambda x: float(x[0] + x) if isinstance(x, float) else ag.sin(x),
        ag.grad(lambda x: x * x),
    ):
        with pytest.raises((TypeError, ValueError), match=HINT):
            jit(f)(X)
    with pytest.raises(TypeError, match=f"must return one number, got 20.*{HINT}"):
        jit(lambda x: x * x).value_and_grad(X)

    def raises(error: Exception) -> Callable[[Any], Any]:
        def f(x: Any) -> Any:
            raise error

        return f

    for f in (
        lambda x: ag.hvp(lambda y: ag.sum(y), x, x),
        np.linalg.inv,
        lambda x: np.interp(x, [0.0, 1.0], [0.0, 1.0]),
        lambda x: x + "a",
        lambda x: x[0].nothing,
        lambda x: int("a"),
        raises(ValueError("the model is empty")),
        raises(TypeError("settings must be a dict")),
    ):
        with pytest.raises(Exception, match=r"\S") as caught:
            jit(f)(X)
        assert HINT not in str(caught.value)
