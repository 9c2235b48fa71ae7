"""The contract of Value: what it accepts and refuses, and how it behaves as a number, as a key and as a node."""

import copy
import math
import operator
import pickle
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import autograd as ag

NUMBERS = [
    3, 3.0, True, Fraction(3, 4), np.float64(3.5), np.float32(3.5), np.float16(3.5), np.int64(3), np.uint8(3),
    np.bool_(True), np.array(3.5), np.array(3), np.array(True), math.inf,
]  # fmt: skip
NOT_NUMBERS = [
    ("3", "str '3'"), (b"3", "bytes b'3'"), (None, "None"), (1j, "complex 1j"), ([1, 2], "list [1, 2]"),
    ((1.0,), "tuple (1.0,)"), ({}, "dict {}"), (Decimal(3), "got Decimal('3')"),
    (math.exp, "builtin_function_or_method <built-in function exp>"),
    (np.array([1.0, 2.0]), "a NumPy array of shape (2,) and dtype float64"), (np.array([1.0]), "of shape (1,)"),
    (np.array(1j), "of shape () and dtype complex128"), (np.array("3"), "of shape ()"), (np.array(None), "of shape ()"),
    (np.complex128(1j), "complex128"), (np.datetime64("2020-01-01"), "datetime64"),
]  # fmt: skip


@pytest.mark.parametrize("number", NUMBERS, ids=repr)
def test_data_is_any_real_number_and_kept_as_a_float(number: Any) -> None:
    v = ag.Value(number)
    assert type(v.data) is float
    assert v.data == float(number)
    assert type(v.grad) is float
    assert (v.grad, v.label, v.op, v.args, v.parents) == (0.0, "", None, (), ())


@pytest.mark.parametrize(("given", "described"), NOT_NUMBERS, ids=lambda x: repr(x)[:30])
def test_anything_else_is_refused_with_its_type(given: Any, described: str) -> None:
    with pytest.raises(TypeError) as error:
        ag.Value(given)
    message = str(error.value)
    assert "Value(): data must be a real number (int, float, NumPy scalar or 0-d array), got " in message
    assert described in message


def test_a_value_is_refused_and_the_message_says_what_to_do() -> None:
    with pytest.raises(TypeError, match=r"got Value\(data=1\.0, grad=0\.0\)\. Use v\.detach\(\) for a new leaf"):
        ag.Value(ag.Value(1.0))


def test_a_long_argument_is_shortened_in_the_message() -> None:
    with pytest.raises(TypeError) as error:
        ag.Value("x" * 1000)
    assert len(str(error.value)) < 200


@pytest.mark.parametrize("label", [3, None, b"x"])
def test_a_label_is_a_string(label: Any) -> None:
    with pytest.raises(TypeError, match="a label must be a string, got"):
        ag.Value(1.0, label)
    v = ag.Value(1.0, "v")
    with pytest.raises(TypeError, match="a label must be a string, got"):
        v.label = label
    assert v.label == "v"
    assert ag.Value(1.0, "weight").label == ag.Value(1.0, label="weight").label == "weight"


@pytest.mark.parametrize("given", ["3", None, 1j, [1.0], np.ones(2), ag.Value(3.0)], ids=lambda x: repr(x)[:30])
def test_assigned_data_is_checked_like_the_argument(given: Any) -> None:
    v = ag.Value(2.0)
    with pytest.raises(TypeError, match="real number"):
        v.data = given
    assert v.data == 2.0


# Operators and functions


@pytest.mark.parametrize("symbol", ["add", "sub", "mul", "truediv", "pow"])
@pytest.mark.parametrize("other", ["x", None, [1], (1.0,), {}, 1j], ids=repr)
def test_operators_refuse_what_is_not_a_number(symbol: str, other: Any) -> None:
    v, infix = ag.Value(2.0), getattr(operator, symbol)
    for left, right in ((v, other), (other, v)):
        with pytest.raises(TypeError, match="the other side of a Value must be a Value or a real number, got") as error:
            infix(left, right)
        assert f"got {type(other).__name__ if other is not None else 'None'}" in str(error.value)
    assert v.data == 2.0


def test_operators_defer_to_types_that_handle_values() -> None:
    class Metres:
        def __add__(self, other: object) -> str:
            return "metres + value"

        def __radd__(self, other: object) -> str:
            return "value + metres"

    v = ag.Value(2.0)
    assert (v + Metres(), Metres() + v) == ("value + metres", "metres + value")
    with pytest.raises(TypeError, match="unsupported operand"):
        v * Metres()
    with pytest.raises(TypeError, match="unsupported operand"):
        v + Decimal(1)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ag.exp("3"), TypeError, r"the argument of exp must be a real number or a Value, got str '3'"),
        (lambda: ag.exp(None), TypeError, r"the argument of exp must be a real number or a Value, got None"),
        (lambda: ag.exp([1.0]), TypeError, r"the argument of exp must be a real number or a Value, got list \[1\.0\]"),
        (lambda: ag.exp(np.ones(2)), TypeError, r"the argument of exp must be .* got a NumPy array of shape \(2,\)"),
        (lambda: ag.exp(1j), TypeError, r"the argument of exp must be a real number or a Value, got complex 1j"),
        (lambda: ag.hypot(ag.Value(1.0), "2"), TypeError, r"the argument of hypot must be .* got str '2'"),
        (lambda: ag.Value(1.0).hypot("2"), TypeError, r"the argument of hypot must be .* got str '2'"),
        (lambda: ag.dot([1.0], [1.0, 2.0]), ValueError, r"dot\(\): ws and xs must have the same length, got 1 and 2"),
        (lambda: ag.dot([ag.Value(1.0)], []), ValueError, r"same length, got 1 and 0"),
        (lambda: ag.dot((ag.Value(1.0),), (1.0, 2.0), ag.Value(0.0)), ValueError, r"same length, got 1 and 2"),
        (lambda: ag.dot(["a"], ["b"]), TypeError, r"each item for dot must be a real number or a Value, got str 'a'"),
        (lambda: ag.dot("ab", "cd"), TypeError, r"each item for dot must be a real number or a Value, got str 'a'"),
        (lambda: ag.dot((ag.Value(1.0),), ("a",), ag.Value(0.0)), TypeError, r"each item for dot must be .* 'a'"),
        (lambda: ag.dot([1.0], [1.0], "b"), TypeError, r"the argument of dot must be .* got str 'b'"),
        (lambda: ag.dot(3, [1.0]), TypeError, r"the argument of dot must be a sequence, got int 3"),
        (lambda: ag.sum(3.0), TypeError, r"the argument of sum must be a sequence, got float 3\.0"),
        (lambda: ag.dot(1.0, 2.0), TypeError, r"the argument of dot must be a sequence, got float 1\.0"),
        (lambda: ag.sum([[1.0]]), TypeError, r"each item for sum must be a real number or a Value, got list"),
        (lambda: ag.prod([None]), TypeError, r"each item for prod must be a real number or a Value, got None"),
        (lambda: ag.mean(3.0), TypeError, r"mean\(\): xs must be a sequence of numbers and Values, got float 3\.0"),
        (lambda: ag.mean([]), ValueError, r"mean\(\): xs must hold at least one number, got an empty sequence"),
        (lambda: ag.softmax([]), ValueError, r"softmax\(\): xs must hold at least one number"),
        (lambda: ag.log_softmax([]), ValueError, r"log_softmax\(\): xs must hold at least one number"),
        (lambda: ag.logsumexp([]), ValueError, r"logsumexp\(\): xs must hold at least one number"),
        (
            lambda: ag.clip(ag.Value(1.0), 2.0, 1.0),
            ValueError,
            r"clip\(\): low must not be greater than high, got low=2\.0 and high=1\.0",
        ),
        (lambda: ag.exp(), TypeError, r"exp\(x.*missing a required argument: 'x'"),
        (lambda: ag.exp(1.0, 2.0), TypeError, r"exp\(x.*too many positional arguments"),
        (lambda: ag.exp(y=1.0), TypeError, r"exp\(x"),
    ],
)  # fmt: skip
def test_functions_refuse_what_they_cannot_take(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_functions_of_floats_give_floats_and_of_numpy_floats_numpy_floats() -> None:
    for x in (2, 2.0, True, Fraction(2), np.int64(2)):
        assert type(ag.exp(x)) is float
        assert type(ag.pow(x, 2)) is float
    assert type(ag.sum([1, 2])) is type(ag.dot([1.0], [2])) is type(ag.mean([1, 2])) is float
    assert type(ag.softplus(1)) is type(ag.gelu(1.0)) is type(ag.clip(1.0, 0.0, 2.0)) is float
    assert type(ag.exp(np.float64(2))) is type(ag.hypot(3.0, np.float64(4))) is np.float64
    assert type(ag.exp(ag.Value(2))) is type(ag.pow(2, ag.Value(2))) is type(ag.sum([1, ag.Value(2)])) is ag.Value


def test_keywords_and_defaults() -> None:
    x = ag.Value(-1.0)
    assert ag.exp(x=0.0) == 1.0
    assert ag.elu(x, alpha=2.0).data == 2.0 * math.expm1(-1.0)
    assert ag.leaky_relu(x, slope=0.5).data == -0.5
    assert ag.heaviside(ag.Value(0.0)).data == ag.heaviside(0.0) == 0.5
    assert ag.heaviside(ag.Value(0.0), at_zero=1.0).data == ag.heaviside(0.0, at_zero=1.0) == 1.0
    assert ag.dot([x], [3.0], bias=2.0).data == ag.dot([-1.0], [3.0], bias=2.0) == -1.0
    assert ag.atan2(y=x, x=0.0).data == math.atan2(-1.0, 0.0)
    assert ag.clip(x, low=0.0, high=1.0).data == 0.0
    assert ag.where(x < 0, a=x, b=0.0).data == -1.0


# A Value as a number


@pytest.mark.parametrize("name", ["eq", "ne", "lt", "le", "gt", "ge"])
def test_comparisons_compare_numbers(name: str) -> None:
    compare = getattr(operator, name)
    for a in (-1.0, 0.0, 2.0, math.nan):
        for b in (-1.0, -0.0, 2, Fraction(2), np.float64(2.0), math.nan):
            expected = compare(a, float(b))
            assert compare(ag.Value(a), b) == expected
            assert compare(a, ag.Value(b)) == expected
            assert compare(ag.Value(a), ag.Value(b)) == expected


def test_equality_with_anything_and_order_with_numbers_only() -> None:
    v = ag.Value(1.0)
    assert v != "1"
    assert v != None  # noqa: E711
    with pytest.raises(TypeError):
        v < "1"  # noqa: B015
    assert sorted([ag.Value(2.0), ag.Value(-1.0), ag.Value(0.5)])[0] == -1
    assert max(ag.Value(2.0), v) == 2


def test_as_keys_and_members_values_stand_for_themselves() -> None:
    a, b = ag.Value(1.0), ag.Value(1.0)
    assert a == b
    assert hash(a) != hash(b)
    assert len({a, b, a}) == 2
    assert {a: "a", b: "b"}[b] == "b"
    assert 1.0 not in {a}
    a.data = 5.0
    assert a in {a, b}  # a node is still found after its number has changed


def test_conversions() -> None:
    v = ag.Value(2.75)
    assert (float(v), int(v), math.trunc(v), math.floor(v), math.ceil(v)) == (2.75, 2, 2, 2, 3)
    assert (round(v), round(v, 1), round(ag.Value(-2.5))) == (3, 2.8, -2)
    assert type(round(v)) is int
    assert [bool(ag.Value(x)) for x in (0.0, -0.0, 5e-324, math.nan)] == [False, False, True, True]
    assert math.isclose(math.sin(v), math.sin(2.75))


def test_formats_and_repr() -> None:
    v = ag.Value(2.75, label="w")
    assert f"{v:.1f}|{v:8.2e}|{v:+}" == "2.8|2.75e+00|+2.75"
    assert repr(v) == f"{v}" == str(v) == "Value(data=2.75, grad=0.0, label='w')"
    assert repr(v * 2) == "Value(data=5.5, grad=0.0)"


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, *(lambda v, p=p: pickle.loads(pickle.dumps(v, p)) for p in range(6))]
)
def test_leaves_are_copied_and_pickled_with_their_gradient(duplicate: Any) -> None:
    v = ag.Value(0.1, label="w")
    v.grad = -2.5
    w = duplicate(v)
    assert w is not v
    assert (w.data, w.grad, w.label, w.op) == (0.1, -2.5, "w", None)
    (w * 3.0).backward()
    assert (w.grad, v.grad) == (0.5, -2.5)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_other_nodes_are_not_copied_and_the_message_says_what_to_do(duplicate: Any) -> None:
    with pytest.raises(
        TypeError, match=r"only leaves can be copied and pickled, but this Value was made by tanh: use v\.detach\(\)"
    ):
        duplicate(ag.Value(1.0).tanh())


def test_deepcopy_keeps_what_is_shared_shared() -> None:
    v = ag.Value(1.0)
    first, second = copy.deepcopy([v, v])
    assert first is second


# A Value as a node


def test_op_args_and_parents_say_how_it_was_made() -> None:
    x, y = ag.Value(2.0), ag.Value(3.0)
    assert x.tanh().op is ag.tanh(x).op is ag.tanh
    product = x * 3
    assert product.op.name == "mul"
    assert product.args[0] is product.parents[0] is x
    assert product.args[1] == product.parents[1] == 3.0
    assert type(product.args[1]) is float
    assert [v is w for v, w in zip((3 - x).parents, (3.0, x))] == [False, True]
    weighted = ag.dot([x, 1.0], [y, 4.0], y)
    assert weighted.op.name == "dot"
    assert weighted.args == ((x, 1.0), (y, 4.0), y)
    assert [p if type(p) is float else id(p) for p in weighted.parents] == [id(x), 1.0, id(y), 4.0, id(y)]
    assert ag.sum([x, 1.0]).parents == (x, 1.0)


def test_a_tuple_given_to_dot_is_kept_and_a_list_is_not() -> None:
    weights, numbers = (ag.Value(1.0), ag.Value(2.0)), [ag.Value(3.0), ag.Value(4.0)]
    out = ag.dot(weights, numbers, ag.Value(0.0))
    assert out.args[0] is weights
    numbers.clear()
    out.backward()
    assert [w.grad for w in weights] == [3.0, 4.0]


def test_a_node_has_fixed_attributes() -> None:
    v = ag.Value(1.0)
    for name in ("args", "parents", "gradient", "__dict__"):
        with pytest.raises(AttributeError):
            setattr(v, name, ())
    out = v + 1
    out.label = "loss"
    assert repr(out) == "Value(data=2.0, grad=0.0, label='loss')"
    assert +v is v
