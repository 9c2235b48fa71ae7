"""NumPy's functions on Values and on arrays of Values, mixed with plain numbers too, do what this package's do."""

import math
import operator
from typing import Any

import numpy as np
import pytest

import autograd as ag
from autograd import Array, Value

nan, inf = math.nan, math.inf
NUMBERS = [-2.5, -0.0, 0.0, 0.75, 3.0, inf, -inf, nan]


def numbers_of(x: Any) -> Any:
    return np.array([float(item) for item in np.ravel(x)]).reshape(np.shape(x))


def both(x: float) -> tuple[Value, Array]:
    return Value(x), ag.array([Value(x), x])


ONE = (
    "exp", "expm1", "exp2", "log", "log1p", "log2", "log10", "sqrt", "cbrt", "sin", "cos", "tan", "sinh", "cosh",
    "tanh", "arcsin", "arccos", "arctan", "arcsinh", "arccosh", "arctanh", "sign", "floor", "ceil", "trunc", "rint",
    "deg2rad", "rad2deg", "degrees", "radians", "fabs", "absolute", "negative", "positive", "square", "reciprocal",
    "conjugate",
    "isnan", "isinf", "isfinite", "signbit", "modf",
)  # fmt: skip
TWO = (
    "add", "subtract", "multiply", "divide", "power", "float_power", "mod", "remainder", "floor_divide", "divmod",
    "fmod", "hypot", "arctan2", "copysign", "heaviside", "logaddexp", "logaddexp2", "maximum", "minimum",
    "fmax", "fmin",
)  # fmt: skip


@pytest.mark.parametrize("name", ONE)
def test_ufuncs_of_one_number_are_those_of_floats(name: str) -> None:
    function = getattr(np, name)
    for x in NUMBERS:
        with np.errstate(all="ignore"):
            wanted = function(np.float64(x))
        for given in both(x):
            found = function(given)
            for one, exact in zip(*([found], [wanted]) if not isinstance(wanted, tuple) else (found, wanted)):
                assert np.allclose(numbers_of(one), float(exact), rtol=1e-15, atol=0, equal_nan=True), (name, x)
                if np.ndim(one) and isinstance(exact, np.bool_):
                    assert one.dtype == bool


@pytest.mark.parametrize("name", TWO)
def test_ufuncs_of_two_numbers_are_those_of_floats(name: str) -> None:
    function = getattr(np, name)
    for x in NUMBERS:
        for y in NUMBERS:
            with np.errstate(all="ignore"):
                wanted = function(np.float64(x), np.float64(y))
            for a in (*both(x), x):
                for b in both(y):
                    found = function(a, b)
                    for one, exact in zip(*([found], [wanted]) if not isinstance(wanted, tuple) else (found, wanted)):
                        assert np.allclose(numbers_of(one), exact, rtol=1e-15, atol=0, equal_nan=True), (name, x, y)


def test_maximum_and_minimum_share_ties_and_keep_nan_wherever_numpy_finds_them() -> None:
    for f in (lambda x: np.maximum(x, 0.0), lambda x: np.maximum(0.0, x), lambda x: np.minimum(x, np.float64(0.0))):
        assert ag.value_and_grad(f)(0.0) == (0.0, 0.5)
        assert math.isnan(ag.value_and_grad(f)(nan)[0])
    value, slopes = ag.value_and_grad(lambda x: np.sum(np.maximum(x, 0.0)))(np.array([-1.0, 0.0, 2.0]))
    assert (value, slopes.tolist()) == (2.0, [0.0, 0.5, 1.0])
    for f in (lambda x: np.sum(np.maximum(np.log(x), 0.0)), np.max, np.min, lambda x: np.maximum.accumulate(x)[-1]):
        assert math.isnan(ag.value_and_grad(f)(np.array([-1.0, nan]))[0])
    assert ag.grad(np.max)(np.array([1.0, 3.0, 3.0])).tolist() == [0.0, 0.5, 0.5]
    assert ag.grad(lambda x: np.sum(np.clip(x, 0.0, 1.0)))(np.array([-1.0, 0.0, 0.5, 1.0, 2.0])).tolist() == [
        0,
        1,
        1,
        1,
        0,
    ]


def test_compiled_programs_agree() -> None:
    for f in (
        lambda x: np.sum(np.maximum(x, 0.0) * x),
        lambda x: np.sum(np.logaddexp(x, 1.0)),
        lambda x: np.sum(x % 2.0),
    ):
        for x in (np.array([0.5, -1.5]), np.array([0.0, 0.0])):
            value, slopes = ag.value_and_grad(f)(x)
            compiled, compiled_slopes = ag.jit(f).value_and_grad(x)
            assert compiled == pytest.approx(value, rel=1e-14)
            assert compiled_slopes == pytest.approx(slopes, rel=1e-14)


def test_arrays_that_mix_values_and_numbers() -> None:
    x = Value(2.0)
    mixed = ag.array([[x, 4.0], [1, np.float32(0.25)]])
    assert type(mixed) is Array
    assert mixed.shape == (2, 2)
    assert [type(item) for item in mixed.flat] == [Value, float, float, float]
    total = np.sum(np.sqrt(mixed) / mixed + np.arctan2(1.0, mixed))
    total.backward()
    assert x.grad == pytest.approx(-0.5 * 2.0**-1.5 - 1 / 5, rel=1e-15)
    safe = np.where(mixed > 0, np.sqrt(np.where(mixed > 0, mixed, 1.0).view(Array)), 0.0)
    assert safe[1, 1] == 0.5
    assert (mixed / 0.0)[0, 1] == inf  # a plain float among Values divides as they do
    assert type(mixed[0]) is type(mixed + mixed) is type(np.exp(mixed)) is type(mixed.T) is Array


def test_what_cannot_be_an_item_is_refused() -> None:
    with pytest.raises(TypeError, match=r"each item for array\(\) must be a real number or a Value, got str 'a'"):
        ag.array([1.0, "a"])
    with pytest.raises(ValueError, match="the lists must have equal lengths"):
        ag.array([[1.0], [1.0, 2.0]])
    with pytest.raises(TypeError):  # no derivative may get lost in an array of floats
        np.add(np.zeros(1), Value(1.0), out=np.zeros(1))


@pytest.mark.parametrize("infix", [operator.mod, operator.floordiv, divmod])
def test_remainders_of_values_are_those_of_floats(infix: Any) -> None:
    for a in (7.5, -7.5, 0.0, -0.0, inf, nan):
        for b in (2.0, -2.0, 0.3, inf, -inf):
            wanted = np.ravel(infix(a, b))
            for pair in ((Value(a), Value(b)), (a, Value(b)), (Value(a), b), (np.float64(a), Value(b))):
                found = [float(x) for x in np.ravel(np.array(infix(*pair), dtype=object))]
                assert np.array_equal(found, wanted, equal_nan=True), (a, b)
    assert math.isnan((Value(1.0) % 0.0).data)
    assert (Value(1.0) // 0.0).data == inf
    x, y = Value(7.5), Value(-2.0)
    quotient, rest = divmod(x, y)
    (quotient + rest).backward()
    assert (x.grad, y.grad) == (1.0, 4.0)  # 7.5 = -4 · -2 - 0.5


def test_rounding_is_numpys_and_constant() -> None:
    for digits in (-1, 0, 1, 3):
        for x in (12.3456, -7.25, 2.5, 1e20, inf):
            assert ag.round(x, digits) == np.round(x, digits)
            assert ag.grad(lambda x, digits=digits: ag.round(x, digits) + x)(x) == 1.0
    assert [float(x) for x in np.round(ag.array([Value(2.567), 3.0]), 1)] == [2.6, 3.0]
