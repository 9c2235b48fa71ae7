"""ag.primitive: a user's operation behaves like a built-in one, and a bad rule corrupts nothing."""

import copy
import math
import pickle
from typing import Any

import numpy as np
import pytest

import autograd as ag


@ag.primitive(lambda out, x: 3 * x**2, symbol="x³", native=lambda x: x * x * x)
def cube(x: float) -> float:
    """x times x times x."""
    return x * x * x


@ag.primitive(lambda out, x, y: y * ag.cos(x * y), lambda out, x, y: x * ag.cos(x * y))
def sine_of_product(x: float, y: float = 2.0) -> float:
    return math.sin(x * y)


@ag.primitive(lambda out, xs, p: [out ** (1 - p) * x ** (p - 1) for x in xs], None, sequences=["xs"])
def power_norm(xs: Any, p: float) -> float:
    return sum(x**p for x in xs) ** (1 / p)


@ag.primitive(
    lambda out, a, b, c, d: b * c * d,
    lambda out, a, b, c, d: a * c * d,
    lambda out, a, b, c, d: a * b * d,
    lambda out, a, b, c, d: a * b * c,
)
def product_of_four(a: float, b: float, c: float, d: float) -> float:
    return a * b * c * d


@ag.primitive(lambda out, x: 1 / x)
def strict_log(x: float) -> float:
    return math.log(x)


def test_a_unary_primitive_has_value_gradient_and_record() -> None:
    x = ag.Value(2.0)
    y = cube(x)
    y.backward()
    assert (y.data, x.grad) == (8.0, 12.0)
    assert y.op is cube
    assert y.parents == (x,)
    assert (cube.name, cube.symbol, cube.arity, repr(cube)) == ("cube", "x³", 1, "cube")
    assert cube.__doc__ == "x times x times x."
    assert (strict_log.symbol, strict_log.native) == ("strict_log", None)


def test_its_derivatives_of_any_order_come_from_its_rule() -> None:
    x = ag.Value(2.0)
    derivatives = [cube(x)]
    for _ in range(4):
        derivatives.append(derivatives[-1].backward(create_graph=True).get(x, ag.Value(0.0)))
    assert [d.data for d in derivatives] == [8.0, 12.0, 12.0, 6.0, 0.0]


def test_a_binary_primitive_and_its_default() -> None:
    x, y = ag.Value(0.5), ag.Value(2.0)
    out = sine_of_product(x, y)
    derivatives = out.backward(create_graph=True)
    assert (out.data, x.grad, y.grad) == (math.sin(1.0), 2 * math.cos(1.0), 0.5 * math.cos(1.0))
    mixed = derivatives[x].backward(create_graph=True)[y].data
    assert mixed == pytest.approx(math.cos(1.0) - math.sin(1.0), rel=1e-15)
    assert sine_of_product(x).data == sine_of_product(x, y=2).data == sine_of_product(0.5) == math.sin(1.0)


def test_a_primitive_of_a_sequence_with_an_argument_that_has_no_derivative() -> None:
    xs, p = [ag.Value(1.0), 2.0, ag.Value(2.0)], ag.Value(3.0)
    out = power_norm(xs, p)
    out.backward()
    length = 17 ** (1 / 3)
    assert out.data == pytest.approx(length, rel=1e-15)
    assert [xs[0].grad, xs[2].grad] == pytest.approx([length**-2, 4 * length**-2], rel=1e-15)
    assert p.grad == 0.0
    assert out.args == (tuple(xs), p)
    second = out.backward(create_graph=True)[xs[0]].backward(create_graph=True)[xs[2]].data
    assert second == pytest.approx(-2 * 4 * length**-5, rel=1e-14)
    assert type(power_norm([3.0, 4.0], 2)) is float
    assert power_norm(np.array([3.0, 4.0]), 2) == 5.0


def test_a_primitive_of_four_numbers() -> None:
    leaves = [ag.Value(x) for x in (2.0, 3.0, 5.0, 7.0)]
    out = product_of_four(*leaves)
    out.backward()
    assert out.data == 210.0
    assert [v.grad for v in leaves] == [105.0, 70.0, 42.0, 30.0]
    assert out.args == out.parents == tuple(leaves)
    mixed = product_of_four(leaves[0], 3.0, leaves[0], d=leaves[3])
    slope = mixed.backward(create_graph=True)[leaves[0]]
    assert (mixed.data, slope.data) == (84.0, 84.0)
    assert slope.backward(create_graph=True)[leaves[3]].data == 12.0


def test_floats_numpy_floats_and_ieee() -> None:
    assert type(cube(2)) is type(cube(2.0)) is float
    assert type(cube(np.float64(2.0))) is np.float64
    assert math.isinf(cube(1e200))
    with pytest.raises(ValueError, match=r"math domain error|expected a (nonnegative|positive)"):
        strict_log(-1.0)  # without ieee= the exception of the function is raised


def test_ieee_gives_the_value_where_the_function_raises() -> None:
    @ag.primitive(lambda out, x: 1 / x, ieee=np.log)
    def relaxed_log(x: float) -> float:
        return math.log(x)

    assert relaxed_log(0.0) == -math.inf
    assert math.isnan(relaxed_log(ag.Value(-1.0)).data)


def test_arguments_are_checked_as_for_a_built_in() -> None:
    for call, message in (
        (lambda: cube("2"), "the argument of cube must be a real number or a Value, got str '2'"),
        (lambda: cube(), r"cube\(x.*missing a required argument"),
        (lambda: power_norm(3, 2.0), "the argument of power_norm must be a sequence, got int 3"),
        (lambda: product_of_four(1, 2, 3, [ag.Value(4)]), "the argument of product_of_four must be .* got list"),
    ):
        with pytest.raises(TypeError, match=message):
            call()


@pytest.mark.parametrize(
    ("partials", "options", "message"),
    [
        ((), {}, r"primitive f: there must be one partial for each argument \('x',\), got 0\. Give None"),
        ((lambda out, x: 1.0, None), {}, r"primitive f: there must be one partial for each argument \('x',\), got 2\."),
        ((2.0,), {}, r"primitive f: a partial must be a function of \(out, x\) or None, got 2\.0"),
        ((None,), {"sequences": ["y"]}, r"primitive f: sequences must name some of \['x'\], got \['y'\]"),
        (
            (None,),
            {"native": 3},
            r"primitive f: native must be the name .* or a formula, a function of \(x\), got int 3",
        ),
        (
            (None,),
            {"native": "sin", "sequences": ["x"]},
            r"primitive f: native must be a formula, a function of \(x\), got str 'sin'",
        ),
        ((None,), {"domain": (1.0, 0.0)}, r"primitive f: domain must be an interval \(low, high\)"),
        ((None,), {"domain": [(0.0, 1.0)] * 2}, r"domain must be an interval .* or one for each argument, got \[\(0"),
    ],
)
def test_a_wrong_declaration_is_refused_at_once(partials: Any, options: Any, message: str) -> None:
    def f(x: float) -> float:
        return x

    with pytest.raises(TypeError, match=message):
        ag.primitive(*partials, **options)(f)


def test_sequences_take_three_arguments_at_most() -> None:
    with pytest.raises(TypeError, match="at most three arguments, got 4"):

        @ag.primitive(None, None, None, None, sequences=["a"])
        def f(a: Any, b: float, c: float, d: float) -> float:
            return 0.0


# Bad rules. Each result is (1 + x) · f(x), so that other gradients would have changed before the rule runs.


def broken(out: Any, x: Any) -> Any:
    raise RuntimeError("no rule yet")


@pytest.mark.parametrize(
    ("rule", "error", "message"),
    [
        (broken, RuntimeError, "no rule yet"),
        (lambda out, x: "one", TypeError, "str 'one'"),
        (lambda out, x: None, TypeError, "None"),
        (lambda out, x: [1.0], TypeError, r"list \[1\.0\]"),
        (lambda out, x: 1j, TypeError, "complex 1j"),
    ],
)
@pytest.mark.parametrize("create_graph", [False, True])
def test_a_bad_rule_leaves_every_gradient_as_it_was(rule: Any, error: Any, message: str, create_graph: bool) -> None:
    @ag.primitive(rule)
    def f(x: float) -> float:
        return 2.0 * x

    x = ag.Value(3.0)
    inner = f(x)
    out = (1 + x) * inner
    x.grad, inner.grad, out.grad = 0.5, 0.25, 0.125
    with pytest.raises(error, match=message):
        out.backward(create_graph=create_graph)
    assert (x.grad, inner.grad, out.grad) == (0.5, 0.25, 0.125)


@pytest.mark.parametrize("derivatives", [[1.0], [1.0, 2.0, 3.0], []])
@pytest.mark.parametrize("create_graph", [False, True])
def test_a_rule_gives_one_derivative_for_each_item(derivatives: list[float], create_graph: bool) -> None:
    @ag.primitive(lambda out, xs: derivatives, sequences=["xs"])
    def f(xs: Any) -> float:
        return float(len(xs))

    x, y = ag.Value(1.0), ag.Value(2.0)
    out = f([x, y]) * x
    message = f"must return 2 derivatives, one for each item, got {len(derivatives)}"
    with pytest.raises(ValueError, match=message):
        out.backward(create_graph=create_graph)
    assert (x.grad, y.grad) == (0.0, 0.0)


@pytest.mark.parametrize("derivatives", [{0: 1.0, 1: 2.0}, "12", {1.0, 2.0}, 3.0, None, {}.keys()], ids=repr)
@pytest.mark.parametrize("create_graph", [False, True])
def test_derivatives_of_items_are_in_a_list(derivatives: Any, create_graph: bool) -> None:
    @ag.primitive(lambda out, xs: derivatives, sequences=["xs"])
    def f(xs: Any) -> float:
        return float(len(xs))

    x, y = ag.Value(1.0), ag.Value(2.0)
    out = f([x, y]) * x
    with pytest.raises(TypeError, match="the partial of f must return a list of derivatives, one for each item, got"):
        out.backward(create_graph=create_graph)
    assert (x.grad, y.grad) == (0.0, 0.0)


@pytest.mark.parametrize("value", ["two", None, 2j, [2.0], np.ones(2)], ids=repr)
def test_a_value_that_is_no_number_is_refused(value: Any) -> None:
    @ag.primitive(lambda out, x: 1.0)
    def f(x: float) -> Any:
        return value

    for x in (1.0, ag.Value(1.0)):
        with pytest.raises(TypeError, match="the value of f must be a real number"):
            f(x)


def test_values_and_derivatives_of_other_number_types_become_floats() -> None:
    @ag.primitive(lambda out, x: np.float64(2))
    def f(x: float) -> Any:
        return int(2 * x)

    x = ag.Value(1.5)
    out = f(x)
    out.backward()
    assert (type(out.data), type(x.grad)) == (float, float)
    assert (out.data, x.grad) == (3.0, 2.0)
    out.backward(create_graph=True)
    assert (type(x.grad), x.grad) == (float, 4.0)


def test_a_rule_may_itself_call_backward() -> None:
    """For example, the derivative of a function that is defined by an equation uses the gradients of that equation."""

    def slope(out: float, x: float) -> float:
        inner = ag.Value(out)
        (inner**3).backward()
        return 1 / inner.grad

    @ag.primitive(slope)
    def root_of_cube(x: float) -> float:
        return x ** (1 / 3)

    x = ag.Value(27.0)
    (root_of_cube(x) * 2.0 + x).backward()
    assert x.grad == pytest.approx(1 + 2 / 27, rel=1e-15)


def test_a_primitive_is_copied_and_pickled_by_name() -> None:
    assert copy.deepcopy(ag.tanh) is ag.tanh
    assert pickle.loads(pickle.dumps(ag.tanh)) is ag.tanh
    assert pickle.loads(pickle.dumps(ag.dot)) is ag.dot


def test_a_partial_that_cannot_be_called_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match=r"@primitive: a partial derivative must be a function of \(out, x\), got"):

        @ag.primitive(lambda x: 2 * x)
        def square(x: float) -> float:
            return x * x

    with pytest.raises(TypeError, match=r"To decorate a function, pass its partials first: @ag\.primitive\(lambda out"):

        @ag.primitive  # type: ignore[arg-type]
        def cube(x: float) -> float:
            return x * x * x


def test_the_variance_of_an_array_of_values() -> None:
    xs = [ag.Value(x) for x in (1.0, 2.0, 6.0)]
    variance = np.var(np.array(xs))
    variance.backward()
    assert variance.data == pytest.approx(14 / 3)
    assert [x.grad for x in xs] == pytest.approx([-4 / 3, -2 / 3, 2.0])  # 2 (x - mean) / 3
