"""Values and NumPy: scalars on either side of an operator, ufuncs, object arrays, and leaves set to np.float64."""

import math
import operator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import autograd as ag

OPERATORS = ["add", "sub", "mul", "truediv", "pow"]
UNARY_UFUNCS = [
    "exp", "expm1", "exp2", "log", "log1p", "log2", "log10", "sqrt", "cbrt", "sin", "cos", "tan", "arcsin", "arccos",
    "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "deg2rad", "radians", "rad2deg", "degrees",
    "rint", "fabs",
]  # fmt: skip
BINARY_UFUNCS = ["arctan2", "hypot", "fmod"]


def gradient(out: Any, *leaves: ag.Value) -> list[float]:
    for leaf in leaves:
        leaf.grad = 0.0
    out.backward()
    return [leaf.grad for leaf in leaves]


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize(
    "number",
    [2, 2.5, True, Fraction(5, 2), np.float64(2.5), np.float32(2.5), np.int64(2), np.bool_(True), np.array(2.5)],
    ids=lambda x: type(x).__name__,
)
def test_operators_take_a_number_of_any_kind_on_either_side(name: str, number: Any) -> None:
    infix, v = getattr(operator, name), ag.Value(1.5)
    for order in (1, -1):
        out = infix(*(v, number)[::order])
        assert type(out) is ag.Value
        assert out.op.name == {"truediv": "div"}.get(name, name)
        assert out.data == infix(*(1.5, float(number))[::order])
        reference = ag.Value(1.5)
        expected = infix(*(reference, ag.Value(float(number)))[::order])
        assert gradient(out, v) == gradient(expected, reference)


@pytest.mark.parametrize("number", [1, np.float64(1.5), np.int64(2), np.array(1.5)], ids=lambda x: type(x).__name__)
@pytest.mark.parametrize("name", ["eq", "ne", "lt", "le", "gt", "ge"])
def test_comparisons_with_numpy_scalars_on_either_side(name: str, number: Any) -> None:
    compare, v = getattr(operator, name), ag.Value(1.5)
    assert bool(compare(v, number)) == compare(1.5, float(number))
    assert bool(compare(number, v)) == compare(float(number), 1.5)


@pytest.mark.parametrize("name", UNARY_UFUNCS)
def test_ufuncs_call_the_method_of_their_name(name: str) -> None:
    x = 1.25 if name == "arccosh" else 0.625
    v = ag.Value(x)
    out = getattr(np, name)(v)
    method = getattr(v, name)()
    assert type(out) is ag.Value
    assert out.op is method.op
    assert out.parents == (v,)
    assert out.data == method.data == pytest.approx(getattr(np, name)(x), rel=1e-15)
    array = getattr(np, name)(np.array([v, ag.Value(x)]))
    assert [w.data for w in array] == [out.data] * 2


@pytest.mark.parametrize("name", BINARY_UFUNCS)
def test_ufuncs_of_two_values(name: str) -> None:
    v, w = ag.Value(0.625), ag.Value(-2.0)
    out = getattr(np, name)(v, w)
    assert type(out) is ag.Value
    assert out.parents == (v, w)
    method = getattr(v, name)
    assert out.data == method(w).data == pytest.approx(getattr(np, name)(0.625, -2.0), rel=1e-15)
    assert getattr(np, name)(v, 2.0).data == method(2.0).data == pytest.approx(getattr(np, name)(0.625, 2.0), rel=1e-15)


def test_every_method_with_the_name_of_a_ufunc_is_in_the_lists_above() -> None:
    methods = {name for name in vars(ag.Value) if isinstance(getattr(np, name, None), np.ufunc)}
    assert methods == {*UNARY_UFUNCS, *BINARY_UFUNCS, "conjugate"}


def test_ufuncs_that_use_operators() -> None:
    v = ag.Value(-2.5)
    assert [f(v).op for f in (np.abs, np.negative)] == [ag.abs, (-v).op]
    assert np.power(v, 2).data == np.square(v).data == 6.25
    assert np.add(v, 1).data == -1.5
    assert np.maximum(v, ag.Value(1.0)).data == 1.0
    assert (np.floor(v), np.ceil(v), np.trunc(v)) == (-3, -2, -2)
    assert np.isclose(float(v), -2.5)


def test_a_value_and_an_array_of_numbers_make_an_array_of_values() -> None:
    v, numbers = ag.Value(2.0), np.array([1.0, 3.0, 4.0])
    for infix in (operator.add, operator.sub, operator.mul, operator.truediv, operator.pow):
        for left, right, expected in ((v, numbers, infix(2.0, numbers)), (numbers, v, infix(numbers, 2.0))):
            out = infix(left, right)
            assert isinstance(out, np.ndarray)
            assert all(type(w) is ag.Value for w in out)
            assert [w.data for w in out] == expected.tolist()
    assert gradient((v * numbers).sum(), v) == gradient((numbers * v).sum(), v) == [8.0]
    assert gradient((numbers / v).sum(), v) == [-2.0]


def test_matrices_of_values() -> None:
    """s = Σ (W x)_i². Its gradient with respect to W is 2 (W x) xᵀ, and with respect to x it is 2 Wᵀ (W x)."""
    numbers = np.array([[1.0, -2.0, 0.5], [3.0, 0.25, -1.0]])
    weights = np.array([[ag.Value(w) for w in row] for row in numbers])
    xs = np.array([ag.Value(2.0), ag.Value(-1.0), ag.Value(4.0)])
    product = numbers @ np.array([2.0, -1.0, 4.0])
    for out in (weights @ xs, np.dot(weights, xs), weights.dot(xs)):
        assert [v.data for v in out] == product.tolist()
        square = (out**2).sum()
        assert gradient(square, *weights.flat) == np.outer(2 * product, [2.0, -1.0, 4.0]).ravel().tolist()
        assert gradient(square, *xs) == (2 * numbers.T @ product).tolist()
    assert np.dot(xs, xs).data == 21.0
    assert xs.mean().data == xs.sum().data / 3


def test_arrays_are_sequences_to_dot_and_sum() -> None:
    weights, numbers = np.array([ag.Value(2.0), ag.Value(3.0)]), np.array([4.0, 5.0])
    out = ag.dot(weights, numbers, np.float64(1.0))
    assert out.data == 24.0
    assert [type(p) for p in out.parents] == [ag.Value, ag.Value, float, float, float]
    assert gradient(out, *weights) == [4.0, 5.0]
    assert ag.sum(weights).data == 5.0
    assert ag.sum(np.array([1, 2])) == ag.sum(np.array([1.0, 2.0], dtype=np.float32)) == 3.0
    assert ag.mean(weights).data == 2.5
    assert [p.data for p in ag.softmax(weights)] == ag.softmax([2.0, 3.0])


# Leaves set to NumPy scalars, by an optimizer or a user


def expression(x: Any, y: Any) -> Any:
    return ag.dot((x, 2.0), (y, x), y) / (1 + ag.exp(-x)) - x**2 * y + ag.relu(y - x) + ag.sum([x, y, 1]) + -x / y


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int64, int])
def test_a_leaf_may_be_set_to_a_numpy_scalar(kind: type) -> None:
    x, y = ag.Value(0.5), ag.Value(0.5)
    x.data, y.data = kind(3), kind(2)
    reference = [ag.Value(3.0), ag.Value(2.0)]
    expected = expression(*reference)
    out = expression(x, y)
    assert out.data == expected.data
    assert gradient(out, x, y) == gradient(expected, *reference)
    pending = [out]
    while pending:  # every node except the leaves holds a float
        node = pending.pop()
        assert type(node.data) is float or node is x or node is y
        pending += [p for p in node.parents if isinstance(p, ag.Value)]
    second = out.backward(create_graph=True)[x].backward(create_graph=True)[x]
    third = expected.backward(create_graph=True)[reference[0]].backward(create_graph=True)[reference[0]]
    assert second.data == third.data


def test_a_leaf_set_to_a_numpy_scalar_overflows_and_divides_without_a_warning() -> None:
    """NumPy's scalars warn where floats do not. In a leaf they must not cause warnings, which make tests fail."""
    x = ag.Value(1.0)
    x.data = np.float64(1e308)
    assert (x * x).data == (x + x).data == (x * 10.0).data == ag.dot((x,), (x,), x).data == math.inf
    assert (x - -x).data == ag.exp(x).data == (x**2).data == math.inf
    assert gradient(x * x * x, x) == [math.inf]
    x.data = np.float64(0.0)
    assert (1 / x).data == (x**-1).data == math.inf
    assert math.isnan((x / x).data)
    assert gradient(ag.log(x), x) == [math.inf]
    x.data = np.float64(math.inf)
    assert math.isnan((x - x).data)
    assert math.isnan((x * 0.0).data)
    assert math.isnan(ag.sin(x).data)
