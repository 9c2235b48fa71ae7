"""The functions of NumPy on arrays of Values are those on floats, nan among the numbers or not."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd as ag
from autograd import Array, Value

nan, inf = math.nan, math.inf
ROWS = [
    [1, nan, 2, 0.5], [2, nan, 1, nan], [nan, 3, 1, 1], [1, 1, 2, 0], [inf, nan, -inf, 1], [inf, -inf, 1, 2],
    [nan, nan, nan, nan], [1.2, inf, 3, inf], [0.9, 2.05, 0.4, 3.1],
]  # fmt: skip
SOME = np.array([True, False, True, True])
Function = Callable[[Any], Any]


def square(x: Any) -> Any:
    return np.reshape(x, (2, 2))


def sort_in_place(x: Any) -> Any:
    x = x.copy()
    x.sort()
    return x


FUNCTIONS: dict[str, Function] = {
    name: getattr(np, name)
    for name in (
        "max", "min", "median", "ptp", "argmax", "argmin", "sort", "argsort", "mean", "std", "nanmax", "nanmin",
        "nanmedian", "nanmean", "nanstd", "nanvar", "nanargmax", "nanargmin", "nansum", "nanprod", "nancumsum",
        "cumsum", "cumprod", "isnan", "any", "all", "count_nonzero", "flatnonzero", "nan_to_num", "diff",
    )
}  # fmt: skip
FUNCTIONS |= {
    "x.max": lambda x: x.max(),
    "x.argmin": lambda x: x.argmin(),
    "x.sort": sort_in_place,
    "x.argsort": lambda x: x.argsort(),
    "x.searchsorted": lambda x: np.sort(x).searchsorted([0.5, nan]),
    "x.clip": lambda x: x.clip(0, 1),
    "searchsorted": lambda x: np.searchsorted([0.0, 1.0, 2.0], x),
    "digitize": lambda x: np.digitize(x, [0, 1.0]),
    "lexsort": lambda x: np.lexsort((x,)),
    "partition": lambda x: np.sort(np.partition(x, 2)[:2]),
    "argpartition": lambda x: x[np.argpartition(x, 1)[:1]],
    "isclose": lambda x: np.isclose(x, 1.0),
    "allclose": lambda x: np.allclose(x, x),
    "array_equal": lambda x: np.array_equal(x, x, equal_nan=True),
    "unique": np.unique,
    "places of unique": lambda x: np.unique(x, return_index=True)[1],
    "counts of unique": lambda x: np.unique(x, return_counts=True)[1],
    "unique rows": lambda x: np.unique(square(x), axis=0),
    "union1d": lambda x: np.union1d(x, [1.0]),
    "histogram": lambda x: np.histogram(x, bins=[0, 1, 2.0])[0],
    "nan_to_num with numbers": lambda x: np.nan_to_num(x, nan=5.0, posinf=7, neginf=-8),
    "max where": lambda x: np.max(x, where=SOME, initial=-1),
    "sum where": lambda x: np.sum(x, where=SOME),
    "prod where": lambda x: np.prod(x, where=SOME),
    "average": lambda x: np.average(x, weights=[1, 2, 3, 4.0]),
    "accumulate": lambda x: np.maximum.accumulate(x),
}
for axis in (0, 1, None, -1):
    for name in ("max", "min", "median", "ptp", "argmax", "nanmax", "nanmedian", "argsort", "cumsum"):
        FUNCTIONS[f"{name} {axis}"] = lambda x, name=name, axis=axis: getattr(np, name)(square(x), axis=axis)
    for name in ("percentile", "nanpercentile", "quantile", "nanquantile"):
        for q in (0.7, [0.7, 0.2]):
            options = {"q": q, "axis": axis, "keepdims": isinstance(q, list) or axis != 0}
            FUNCTIONS[f"{name} {q} {axis}"] = lambda x, name=name, options=options: getattr(np, name)(
                square(x), **options
            )
for order in (1, 2, 3, 0.5, 0, inf, -inf, -1):
    FUNCTIONS[f"norm {order}"] = lambda x, order=order: np.linalg.norm(x, order)
    FUNCTIONS[f"norm {order} 1"] = lambda x, order=order: np.linalg.norm(square(x), order, axis=1, keepdims=True)
    if abs(order) in (1, inf):
        FUNCTIONS[f"norm {order} of a matrix"] = lambda x, order=order: np.linalg.norm(square(x), order)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, on floats
@pytest.mark.parametrize("name", FUNCTIONS)
def test_they_are_those_of_floats(name: str) -> None:
    function = FUNCTIONS[name]
    for row in ROWS:
        try:
            wanted = function(np.array(row, float))
        except ValueError:  # of nanargmax and nanargmin
            with pytest.raises(ValueError, match="All-NaN slice"):
                function(ag.array(row))
            continue
        found = function(ag.array([Value(x) if k != 3 else x for k, x in enumerate(row)]))
        assert np.shape(found) == np.shape(wanted), row
        numbers = np.array([float(x) for x in np.ravel(found)]).reshape(np.shape(found))
        assert np.allclose(numbers, wanted, rtol=1e-14, atol=1e-15, equal_nan=True), row


X = np.array([0.9, 2.05, 0.4, 3.1])
METHODS = ("linear", "hazen", "weibull", "median_unbiased", "midpoint", "lower", "nearest", "inverted_cdf")
SMOOTH: dict[str, Function] = {
    **{f"quantile by {m}": lambda x, m=m: np.quantile(x, 0.3, method=m) for m in METHODS},
    "percentile": lambda x: np.percentile(x, 50),
    "nanpercentile": lambda x: np.nanpercentile(x, 50),
    "unique": np.unique,
    "cov": np.cov,
    "cov of two": lambda x: np.cov(x, X[::-1], bias=True)[:, 0],
    "cov of columns": lambda x: np.cov(square(x) + np.eye(2), rowvar=False)[0],
    "corrcoef": lambda x: np.corrcoef(x, X[::-1])[0],
    "corrcoef of one": np.corrcoef,
    "sinc": np.sinc,
    "sinc of a Value": lambda x: np.sinc(x[0]),
    "slope of sinc": lambda x: ag.grad(np.sinc)(x[0] - 0.9),
    "norm": lambda x: np.linalg.norm(x, ord=3),
    "norm along an axis": lambda x: np.linalg.norm(square(x), 3, axis=0),
    "norm of a matrix": lambda x: np.linalg.norm(square(x), inf),
    "max of a matrix": lambda x: np.max(square(x)),
    "sum where": lambda x: np.sum(x, where=SOME),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_their_derivatives_are_those_of_finite_differences(name: str) -> None:
    def total(x: Any) -> Any:
        return np.sum(SMOOTH[name](x))

    step = 1e-6
    wanted = [(total(X + step * e) - total(X - step * e)) / (2 * step) for e in np.eye(4)]
    value, slopes = ag.value_and_grad(total)(X)
    assert value == pytest.approx(total(X), rel=1e-14)
    assert np.allclose(slopes, wanted, rtol=1e-7, atol=1e-8)


JOINED: dict[str, Function] = {
    "concatenate": lambda x: np.concatenate([x, [0.0]]),
    "append": lambda x: np.append(x, 1.0),
    "hstack": lambda x: np.hstack([x, 0.0]),
    "vstack": lambda x: np.vstack([x, X]),
    "stack": lambda x: np.stack([x, X]),
    "stack of Values": lambda x: np.stack([x[0], 1.0]),
    "block": lambda x: np.block([x, np.ones(1)]),
    "pad": lambda x: np.pad(x, 1),
    "where": lambda x: np.where(x > 1, x, 0.0),
    "where of a Value": lambda x: np.where(SOME, x[0], 0.0),
    "tril": lambda x: np.tril(square(x)),
    "diag": np.diag,
    "select": lambda x: np.select([x > 2, x > 1], [x, x * x], 0.0),
    "split": lambda x: np.split(x, 2)[0],
    "insert": lambda x: np.insert(x, 1, 5.0),
    "zeros_like": lambda x: x * np.zeros_like(x),
    "outer": lambda x: np.outer(x, [0.0, 1.0]),
    "einsum": lambda x: np.einsum("i,j->ij", x, [0.0, 1.0]),
}


if np.lib.NumpyVersion(np.__version__) < "1.25.0":  # where np.einsum does not take objects
    del JOINED["einsum"]


@pytest.mark.parametrize("name", JOINED)
def test_what_they_return_takes_functions_too(name: str) -> None:
    def total(x: Any) -> Any:
        return np.sum(np.exp(np.maximum(JOINED[name](x), -1.0)))

    step = 1e-6
    wanted = [(total(X + step * e) - total(X - step * e)) / (2 * step) for e in np.eye(4)]
    assert np.allclose(ag.grad(total)(X), wanted, rtol=1e-6, atol=1e-7)
    if name not in ("where", "select"):  # these look at x
        assert ag.jit(total)(X) == pytest.approx(total(X), rel=1e-14)
    assert type(JOINED[name](ag.array(list(map(Value, X))))) is Array


def test_orderings_with_nan_have_the_derivatives_of_what_they_choose() -> None:
    value, slopes = ag.value_and_grad(lambda x: x[np.argmax(x)])(np.array([1.0, nan, 2.0]))
    assert math.isnan(value)
    assert slopes.tolist() == [0, 1, 0]
    assert ag.value_and_grad(lambda x: np.sort(x)[0])(np.array([2.0, nan, 1.0]))[1].tolist() == [0, 0, 1]
    value, slopes = ag.value_and_grad(lambda x: np.sum(np.nan_to_num(x)))(np.array([1.0, nan, 2.0]))
    assert (value, slopes.tolist()) == (3.0, [1, 0, 1])
    assert ag.value_and_grad(np.nan_to_num)(nan) == (0.0, 0.0)
    x = ag.array([Value(nan), Value(-inf)])
    assert np.nan_to_num(x, copy=False) is x
    assert x.tolist() == [0.0, -1.7976931348623157e308]


def test_what_needs_floats_is_refused_in_plain_words() -> None:
    x = ag.array([[Value(1.0), 2.0], [3.0, 4.0]])
    with pytest.raises(TypeError, match=r"np\.linalg\.eigh must be given floats, got Values .* make it a primitive"):
        np.linalg.eigh(x)
    with pytest.raises(TypeError, match=r"np\.interp must be given floats, got Values .* Use ag\.interp"):
        np.interp(0.5, [0.0, 1.0], x[0])
    with pytest.raises(TypeError, match="must be given floats"):  # the places of bins have derivatives
        ag.grad(lambda x: np.histogram(x, 3)[1][0])(X)
    with pytest.raises(TypeError, match="must be given floats"):  # and so have weights
        ag.grad(lambda x: np.bincount([0, 1, 1, 2], weights=x)[0])(X)
    with pytest.raises(ag.LostDerivativeError):
        ag.grad(lambda x: np.gradient(x)[0])(X)


def test_a_place_beyond_the_end_is_refused_as_by_numpy() -> None:
    for function in (np.partition, np.argpartition):
        with pytest.raises(ValueError, match="out of bounds"):
            function(ag.array([Value(1.0), 2.0]), 5)


class Foreign:
    """An array of another library, which computes with Values on its own."""

    def __array_function__(self, *_: Any) -> str:
        return "foreign"


def test_other_libraries_have_their_say() -> None:
    assert np.concatenate([ag.array([Value(1.0)]), Foreign()]) == "foreign"  # type: ignore[arg-type, comparison-overlap]
