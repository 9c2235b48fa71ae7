"""IEEE 754 at its edges: every primitive's value is that of NumPy's function, its derivative the limit."""

import math
from math import inf, nan
from typing import Any

import numpy as np
import pytest
from registry import PRIMITIVES

import autograd as ag
from autograd import ops

HUGE, TINY = 1e308, 5e-324
LN2, LN10, BELL = math.log(2), math.log(10), 2 / math.sqrt(math.pi)


def same(got: float, expected: float, signed_zero: bool = False) -> bool:
    """Equal to the last digits, nan to nan, inf to inf and, with signed_zero, 0 to 0 and -0 to -0."""
    if math.isnan(expected) or math.isnan(got):
        return math.isnan(got) and math.isnan(expected)
    if signed_zero and expected == 0 and math.copysign(1, got) != math.copysign(1, expected):
        return False
    return got == expected or math.isclose(got, expected, rel_tol=1e-15)


def flat(args: Any) -> list[Any]:
    return [each for x in args for each in (x if isinstance(x, (list, tuple)) else (x,))]


def gradients(function: Any, *args: Any) -> tuple[float, list[float]]:
    """The value of the function and its derivative with respect to every number among its arguments.

    The derivatives are computed on floats and on Values, which must agree.
    """
    leaves = [[ag.Value(x) for x in each] if isinstance(each, list) else ag.Value(each) for each in args]
    out = function(*leaves)
    out.backward()
    found = [leaf.grad for leaf in flat(leaves)]
    as_graph = out.backward(create_graph=True)
    for leaf, derivative in zip(flat(leaves), found):
        assert same(float(as_graph.get(leaf, 0.0)), derivative, signed_zero=False), "create_graph=True differs"
    return out.data, found


# One argument. The functions that NumPy lacks are given by their limits, in the columns of the second table.
NUMPY = {
    "neg": np.negative, "abs": np.abs, "exp": np.exp, "expm1": np.expm1, "exp2": np.exp2, "log": np.log,
    "log1p": np.log1p, "log2": np.log2, "log10": np.log10, "sqrt": np.sqrt, "cbrt": np.cbrt, "sin": np.sin,
    "cos": np.cos, "tan": np.tan, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "sinh": np.sinh,
    "cosh": np.cosh, "tanh": np.tanh, "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh, "sign": np.sign,
}  # fmt: skip
COLUMNS = (-inf, -HUGE, -TINY, -0.0, 0.0, TINY, HUGE, inf, nan)
VALUES = {
    "gaussian": (0, 0, 1, 1, 1, 1, 0, 0, nan),
    "sech2": (0, 0, 1, 1, 1, 1, 0, 0, nan),
    "erf": (-1, -1, -TINY, -0.0, 0.0, TINY, 1, 1, nan),
    "erfc": (2, 2, 1, 1, 1, 1, 0, 0, nan),
    "sigmoid": (0, 0, 0.5, 0.5, 0.5, 0.5, 1, 1, nan),
    "softplus": (0, 0, LN2, LN2, LN2, LN2, HUGE, inf, nan),
    "relu": (0, 0, 0, 0, 0, TINY, HUGE, inf, nan),
}
# Outside the domain, log, log1p, log2, log10 and atanh have the derivative of their formula, as in PyTorch. It is the
# derivative of the real part of the complex function. At -0.0, 1/x and 1/√x are -inf, as IEEE 754 defines them.
BIG_ROOT = 1e-205 / 10 ** (1 / 3) / 3  # 1e308^(-2/3) / 3
SMALL_ROOT = 2.0**716 / 3  # TINY is 2^-1074
SLOPES = {
    "neg": (-1, -1, -1, -1, -1, -1, -1, -1, -1),
    "abs": (-1, -1, -1, 0, 0, 1, 1, 1, nan),
    "exp": (0, 0, 1, 1, 1, 1, inf, inf, nan),
    "expm1": (0, 0, 1, 1, 1, 1, inf, inf, nan),
    "exp2": (0, 0, LN2, LN2, LN2, LN2, inf, inf, nan),
    "log": (0, -1e-308, -inf, -inf, inf, inf, 1e-308, 0, nan),
    "log1p": (0, -1e-308, 1, 1, 1, 1, 1e-308, 0, nan),
    "log2": (0, -1e-308 / LN2, -inf, -inf, inf, inf, 1e-308 / LN2, 0, nan),
    "log10": (0, -1e-308 / LN10, -inf, -inf, inf, inf, 1e-308 / LN10, 0, nan),
    "sqrt": (nan, nan, nan, -inf, inf, 0.5 / 5e-324**0.5, 0.5e-154, 0, nan),
    "cbrt": (0, BIG_ROOT, SMALL_ROOT, inf, inf, SMALL_ROOT, BIG_ROOT, 0, nan),
    "sin": (nan, math.cos(HUGE), 1, 1, 1, 1, math.cos(HUGE), nan, nan),
    "cos": (nan, math.sin(HUGE), TINY, 0, 0, -TINY, -math.sin(HUGE), nan, nan),
    "tan": (nan, math.cos(HUGE) ** -2, 1, 1, 1, 1, math.cos(HUGE) ** -2, nan, nan),
    "asin": (nan, nan, 1, 1, 1, 1, nan, nan, nan),
    "acos": (nan, nan, -1, -1, -1, -1, nan, nan, nan),
    "atan": (0, 0, 1, 1, 1, 1, 0, 0, nan),
    "sinh": (inf, inf, 1, 1, 1, 1, inf, inf, nan),
    "cosh": (-inf, -inf, -TINY, 0, 0, TINY, inf, inf, nan),
    "tanh": (0, 0, 1, 1, 1, 1, 0, 0, nan),
    "asinh": (0, 1e-308, 1, 1, 1, 1, 1e-308, 0, nan),
    "acosh": (nan, nan, nan, nan, nan, nan, 1e-308, 0, nan),
    "atanh": (0, 0, 1, 1, 1, 1, 0, 0, nan),
    "gaussian": (0, 0, 2 * TINY, 0, 0, -2 * TINY, 0, 0, nan),
    "sech2": (0, 0, 2 * TINY, 0, 0, -2 * TINY, 0, 0, nan),
    "erf": (0, 0, BELL, BELL, BELL, BELL, 0, 0, nan),
    "erfc": (0, 0, -BELL, -BELL, -BELL, -BELL, 0, 0, nan),
    "sigmoid": (0, 0, 0.25, 0.25, 0.25, 0.25, 0, 0, nan),
    "softplus": (0, 0, 0.5, 0.5, 0.5, 0.5, 1, 1, nan),
    "relu": (0, 0, 0, 0, 0, 1, 1, 1, 1),
    "sign": (0, 0, 0, 0, 0, 0, 0, 0, 0),
}
BELOW, ABOVE = math.nextafter(1, 0), math.nextafter(1, 2)  # 1 - ulp/2 and 1 + ulp
NEAR = 1 / math.sqrt((1 - BELOW) * (1 + BELOW))
# Ends of domains: arguments at the end and slightly beyond it, each with the derivative there.
DOMAINS = {
    "log": [(-1, -1), (6e-309, 1 / 6e-309)], "log2": [(-1, -1 / LN2), (9e-309, 1 / LN2 / 9e-309)],
    "log10": [(-1, -1 / LN10), (3e-309, 1 / LN10 / 3e-309)], "sqrt": [(-1, nan)],
    "log1p": [(-1, inf), (-BELOW, 2.0**53), (-ABOVE, -(2.0**52)), (-2, -1)],
    "asin": [(1, inf), (-1, inf), (BELOW, NEAR), (-BELOW, NEAR), (ABOVE, nan), (-ABOVE, nan)],
    "acos": [(1, -inf), (-1, -inf), (BELOW, -NEAR), (-BELOW, -NEAR), (ABOVE, nan), (-ABOVE, nan)],
    "acosh": [(1, inf), (BELOW, nan), (-1, nan), (ABOVE, 1 / math.sqrt((ABOVE - 1) * (ABOVE + 1)))],
    "atanh": [(1, inf), (-1, inf), (BELOW, NEAR**2), (-BELOW, NEAR**2), (ABOVE, -(2.0**51)), (-ABOVE, -(2.0**51))],
    "exp": [(709.79, inf), (710, inf), (-746, 0)], "exp2": [(1024, inf), (-1076, 0)],
    "expm1": [(710, inf)], "sinh": [(711, inf), (-711, inf)], "cosh": [(711, inf), (-711, -inf)],
}  # fmt: skip


@pytest.mark.parametrize("name", SLOPES)
def test_unary_primitives_at_the_edges(name: str) -> None:
    for x, slope, expected in zip(COLUMNS, SLOPES[name], VALUES.get(name, COLUMNS)):
        value, (found,) = gradients(getattr(ops, name), x)
        assert same(found, slope), f"{name}'({x}) is {found}, not {slope}"
        if name in NUMPY:
            with np.errstate(all="ignore"):
                expected = float(NUMPY[name](np.float64(x)))
        assert same(value, expected, signed_zero=name in NUMPY), f"{name}({x}) is {value}, not {expected}"


@pytest.mark.parametrize("name", DOMAINS)
def test_unary_primitives_at_the_ends_of_their_domains(name: str) -> None:
    for x, slope in DOMAINS[name]:
        value, (found,) = gradients(getattr(ops, name), float(x))
        assert same(found, slope), f"{name}'({x}) is {found}, not {slope}"
        with np.errstate(all="ignore"):
            assert same(value, float(NUMPY[name](np.float64(x))), signed_zero=True)


# Several arguments, and the derivative with respect to each. A comparison with nan is false. maximum and minimum then
# pass the derivative to both arguments, as in PyTorch, so that nan is not cut off.
MANY: dict[str, tuple[Any, list[tuple[Any, ...]]]] = {
    "add": (np.add, [(inf, -inf, 1, 1), (HUGE, HUGE, 1, 1), (-0.0, -0.0, 1, 1), (-0.0, 0.0, 1, 1), (nan, 1, 1, 1)]),
    "sub": (np.subtract, [(inf, inf, 1, -1), (-HUGE, HUGE, 1, -1), (-0.0, 0.0, 1, -1), (1.0, nan, 1, -1)]),
    "mul": (
        np.multiply,
        [(0.0, inf, inf, 0), (-inf, 2.0, 2, -inf), (HUGE, -10.0, -10, HUGE), (-0.0, 3.0, 3, 0), (nan, 0.0, 0, nan),
         (TINY, 0.5, 0.5, TINY)],
    ),
    "div": (
        np.divide,
        [(1.0, 0.0, inf, -inf), (1.0, -0.0, -inf, -inf), (-1.0, 0.0, inf, inf), (0.0, 0.0, inf, nan), (0.0, 1.0, 1, 0),
         (-0.0, 1.0, 1, 0), (1.0, inf, 0, 0), (inf, inf, 0, nan), (inf, 2.0, 0.5, -inf), (HUGE, TINY, inf, -inf),
         (TINY, HUGE, 1e-308, 0), (nan, 2.0, 0.5, nan), (2.0, nan, nan, nan)],
    ),
    "pow": (
        np.power,
        [(0.0, 0.0, 0, 0), (0.0, 1.0, 1, 0), (0.0, 2.0, 0, 0), (0.0, 0.5, inf, 0), (-0.0, 3.0, 0, 0),
         (0.0, -1.0, -inf, -inf), (0.0, -0.5, -inf, -inf), (-8.0, 1 / 3, nan, nan), (-2.0, 3.0, 12, nan),
         (-2.0, 0.0, 0, nan), (2.0, 0.0, 0, LN2), (inf, 0.0, 0, inf), (inf, 2.0, inf, inf), (inf, 0.5, 0, inf),
         (1.0, inf, inf, 0), (1.0, nan, nan, 0), (nan, 0.0, 0, nan), (nan, 1.0, 1, nan),
         (2.0, inf, inf, inf), (2.0, -HUGE, 0, 0), (HUGE, 2.0, inf, inf), (TINY, 2.0, 2 * TINY, 0),
         (-inf, 2.0, -inf, nan), (-inf, -1.0, 0, nan), (2.0, nan, nan, nan), (2.0, 1024.0, inf, 2.0**1023 * (2 * LN2))],
    ),
    "atan2": (
        np.arctan2,
        [(0.0, 0.0, nan, nan), (-0.0, 0.0, nan, nan), (0.0, -0.0, nan, nan), (-0.0, -0.0, nan, nan), (0.0, 1.0, 1, 0),
         (-0.0, -1.0, -1, 0), (0.0, -1.0, -1, 0), (1.0, 0.0, 0, -1), (-1.0, -0.0, 0, 1), (HUGE, HUGE, 5e-309, -5e-309),
         (TINY, TINY, inf, -inf), (nan, 1.0, nan, nan), (1.0, nan, nan, nan)],
    ),
    "hypot": (
        np.hypot,
        [(0.0, 0.0, 0, 0), (-0.0, 0.0, 0, 0), (HUGE, HUGE, 0.5**0.5, 0.5**0.5), (TINY, 0.0, 1, 0), (-TINY, 0.0, -1, 0),
         (nan, 1.0, nan, nan), (HUGE, 1.0, 1, 1e-308)],
    ),
    "minimum": (
        np.minimum,
        [(0.0, 0.0, 0.5, 0.5), (inf, inf, 0.5, 0.5), (-inf, inf, 1, 0), (HUGE, TINY, 0, 1), (nan, 1.0, 1, 1),
         (1.0, nan, 1, 1), (nan, nan, 1, 1)],
    ),
    "maximum": (
        np.maximum,
        [(0.0, 0.0, 0.5, 0.5), (inf, inf, 0.5, 0.5), (-inf, inf, 0, 1), (HUGE, TINY, 1, 0), (nan, 1.0, 1, 1),
         (1.0, nan, 1, 1), (nan, nan, 1, 1)],
    ),
    "heaviside": (
        np.heaviside,
        [(0.0, 0.25, 0, 1), (-0.0, 0.25, 0, 1), (inf, 0.25, 0, 0), (-TINY, 0.25, 0, 0), (TINY, nan, 0, 0),
         (nan, 0.25, 0, 0), (0.0, nan, 0, 1), (0.0, -inf, 0, 1)],
    ),
    "where": (
        np.where,
        [(0.0, inf, 1.0, 0, 0, 1), (-0.0, 1.0, inf, 0, 0, 1), (nan, 1.0, nan, 0, 1, 0), (-inf, nan, 1.0, 0, 1, 0),
         (TINY, -0.0, 1.0, 0, 1, 0)],
    ),
    "sum": (
        np.sum,
        [([inf, -inf], 1, 1), ([inf, 1.0], 1, 1), ([HUGE, HUGE], 1, 1), ([nan, inf], 1, 1), ([-0.0, 0.0], 1, 1)],
    ),
    "dot": (
        lambda ws, xs, bias: np.dot(ws, xs) + bias,
        [([0.0], [inf], 1.0, inf, 0, 1), ([HUGE], [10.0], 0.0, 10, HUGE, 1), ([1.0], [2.0], -inf, 2, 1, 1),
         ([inf, 1.0], [1.0, -inf], 0.0, 1, -inf, inf, 1, 1), ([1.0, 2.0], [3.0, nan], 0.0, 3, nan, 1, 2, 1),
         ([inf], [2.0], -inf, 2, inf, 1)],
    ),
    "prod": (
        np.prod,
        [([0.0, inf], inf, 0), ([0.0, 0.0, 3.0], 0, 0, 0), ([0.0, 2.0, 3.0], 6, 0, 0), ([HUGE, 10.0], 10, HUGE),
         ([nan, 2.0], 2, nan), ([-0.0], 1)],
    ),
    "norm": (
        lambda xs: np.hypot(*xs),
        [([0.0, 0.0], 0, 0), ([-HUGE, HUGE], -(0.5**0.5), 0.5**0.5), ([TINY, 0.0], 1, 0), ([nan, 1.0], nan, nan)],
    ),
    "logsumexp": (
        np.logaddexp.reduce,
        [([HUGE, 0.0], 1, 0), ([-inf, 0.0], 0, 1), ([-HUGE, -HUGE], 0.5, 0.5), ([nan, 0.0], nan, nan),
         ([0.0, nan], nan, nan), ([-inf, -inf], nan, nan), ([-HUGE], 1), ([0.0, -0.0], 0.5, 0.5)],
    ),
}  # fmt: skip
SIGNED = ("add", "sub", "mul", "div", "pow", "atan2", "hypot", "where")  # NumPy defines the sign of their zeros


@pytest.mark.parametrize("name", MANY)
def test_primitives_of_several_numbers_at_the_edges(name: str) -> None:
    reference, rows = MANY[name]
    primitive = getattr(ops, name)
    for row in rows:
        args, slopes = row[: primitive.arity], row[primitive.arity :]
        value, found = gradients(primitive, *args)
        assert len(found) == len(slopes)
        assert all(map(same, found, slopes)), f"the derivatives of {name}{args} are {found}, not {slopes}"
        with np.errstate(all="ignore"):
            expected = float(reference(*args))
        assert same(value, expected, signed_zero=name in SIGNED), f"{name}{args} is {value}, not {expected}"


def test_the_tables_hold_primitives_only_and_no_fewer_than_when_they_were_written() -> None:
    assert {*SLOPES, *MANY} <= {op.name for op in PRIMITIVES}
    assert len({*SLOPES, *MANY}) >= 46


def test_at_infinity_a_rule_that_meets_inf_over_inf_gives_nan() -> None:
    """A limit exists but, as in PyTorch, it is not computed: the value is right, and the derivative is nan."""
    assert [math.isnan(g) for g in gradients(ag.hypot, inf, 1.0)[1]] == [True, False]
    assert [math.isnan(g) for g in gradients(ag.atan2, inf, 1.0)[1]] == [False, True]
    assert [math.isnan(g) for g in gradients(ag.norm, [1.0, -inf])[1]] == [False, True]
    assert math.isnan(gradients(ag.logsumexp, [inf, 0.0])[1][0])
    assert [math.isnan(g) for g in gradients(ag.pow, inf, -1.0)[1]] == [False, True]


def test_derivatives_of_any_order_vanish_where_the_function_is_flat() -> None:
    """The limits are 0, and so are the results of the rules, which meet no 0 · inf when differentiated again."""
    for function in (ag.gaussian, ag.erf, ag.erfc, ag.tanh, ag.sigmoid, ag.softplus, ag.exp):
        for x in (-400.0, -800.0, -1e200, -HUGE):
            leaf = ag.Value(x)
            out = function(leaf)
            for order in range(1, 4):
                out = out.backward(create_graph=True).get(leaf, ag.Value(0.0))
                assert abs(out.data) < 1e-170, f"derivative {order} of {function} at {x} is {out.data}"


def test_operators_on_values_follow_ieee_where_python_raises() -> None:
    zero, one = ag.Value(0.0), ag.Value(1.0)
    assert (one / 0).data == (1 / zero).data == (one / zero).data == inf
    assert (one / -0.0).data == (-1 / zero).data == -inf
    assert math.isnan((zero / 0).data)
    assert math.isnan((0 / zero).data)
    assert math.isnan(ag.log(ag.Value(-1.0)).data)
    assert ag.log(zero).data == -inf
    assert ag.exp(ag.Value(1000.0)).data == inf
    assert (zero**-1).data == (0 ** ag.Value(-1.0)).data == inf
    assert (ag.Value(-0.0) ** -1).data == -inf
    assert math.isnan((ag.Value(-8.0) ** (1 / 3)).data)
    assert math.isnan(((-8.0) ** ag.Value(1 / 3)).data)
    assert (ag.Value(10.0) ** 400).data == (10 ** ag.Value(400.0)).data == inf
    assert (ag.Value(HUGE) * 10).data == (ag.Value(HUGE) + HUGE).data == inf


def test_functions_on_plain_floats_follow_ieee_too() -> None:
    assert ag.log(0.0) == -inf
    assert math.isnan(ag.log(-1.0))
    assert ag.exp(1000.0) == ag.pow(0.0, -1.0) == ag.sum([HUGE, HUGE]) == ag.dot([HUGE], [10.0]) == inf
    assert math.isnan(ag.sqrt(-1.0))
    assert math.isnan(ag.sum([inf, -inf]))


def test_sums_are_rounded_once_however_they_are_written() -> None:
    """1e16 + 1 - 1e16 is 1, with numbers, with Values, in lists, and in the tuples of a neuron."""
    xs = [1e16, 1.0, -1e16]
    leaves, ones = tuple(map(ag.Value, xs)), (1.0, 1.0, 1.0)
    assert ag.sum(xs) == ag.sum(leaves).data == 1.0
    assert ag.dot(xs, ones) == ag.dot(leaves, ones).data == ag.dot(list(leaves), ones).data == 1.0
    assert ag.dot(leaves, ones, ag.Value(0.0)).data == ag.dot(ones, leaves, ag.Value(0.0)).data == 1.0
    assert ag.dot(leaves[:2], ones[:2], leaves[2]).data == ag.dot(xs[:2], ones[:2], -1e16) == 1.0
