"""Second derivatives through backward(create_graph=True) against mpmath, for every smooth primitive of one number."""

import math
from collections.abc import Callable
from typing import Any

import mpmath
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from mpmath import mp, mpf

import autograd as ag

POINTS = 200


def sech(x: Any) -> Any:
    return 1 / mp.cosh(x)


def bell(x: Any) -> Any:
    return 2 / mp.sqrt(mp.pi) * mp.exp(-x * x)


def logistic(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


def logistic_slope(x: Any) -> Any:
    return 1 / (2 + 2 * mp.cosh(x))


# name: (from, to, the function, its second derivative). The ends keep the derivatives within the range of a float. If
# the lower end is not the obvious one, the terms of the rule cancel below it: in asin, acos and atanh the factors of
# 1 - x² at 0, in gaussian and sech2 the second derivatives themselves, at √½ and 0.66. The primitives that are missing
# here (abs, relu, sign, ...) have no curvature.
SMOOTH: dict[str, tuple[float, float, Callable[[Any], Any], Callable[[Any], Any]]] = {
    "exp": (-700, 700, mp.exp, mp.exp),
    "expm1": (-700, 700, mp.expm1, mp.exp),
    "exp2": (-1000, 1000, lambda x: mpf(2) ** x, lambda x: mp.log(2) ** 2 * mpf(2) ** x),
    "log": (1e-100, 1e100, mp.log, lambda x: -1 / x**2),
    "log1p": (-0.999, 1e100, mp.log1p, lambda x: -1 / (1 + x) ** 2),
    "log2": (1e-100, 1e100, lambda x: mp.log(x, 2), lambda x: -1 / x**2 / mp.log(2)),
    "log10": (1e-100, 1e100, mp.log10, lambda x: -1 / x**2 / mp.log(10)),
    "sqrt": (1e-100, 1e100, mp.sqrt, lambda x: -1 / (4 * x * mp.sqrt(x))),
    "cbrt": (1e-100, 1e100, mp.cbrt, lambda x: -2 * mp.cbrt(x) / (9 * x**2)),
    "sin": (-100, 100, mp.sin, lambda x: -mp.sin(x)),
    "cos": (-100, 100, mp.cos, lambda x: -mp.cos(x)),
    "tan": (-1.57, 1.57, mp.tan, lambda x: 2 * mp.tan(x) / mp.cos(x) ** 2),
    "asin": (1e-3, 0.999, mp.asin, lambda x: x / (1 - x * x) ** mpf(1.5)),
    "acos": (1e-3, 0.999, mp.acos, lambda x: -x / (1 - x * x) ** mpf(1.5)),
    "atan": (-1e50, 1e50, mp.atan, lambda x: -2 * x / (1 + x * x) ** 2),
    "sinh": (-700, 700, mp.sinh, mp.sinh),
    "cosh": (-700, 700, mp.cosh, mp.cosh),
    "tanh": (-350, 350, mp.tanh, lambda x: -2 * mp.tanh(x) * sech(x) ** 2),
    "asinh": (-1e50, 1e50, mp.asinh, lambda x: -x / (1 + x * x) ** mpf(1.5)),
    "acosh": (1.001, 1e50, mp.acosh, lambda x: -x / (x * x - 1) ** mpf(1.5)),
    "atanh": (1e-3, 0.999, mp.atanh, lambda x: 2 * x / (1 - x * x) ** 2),
    "sech2": (0.7, 350, lambda x: sech(x) ** 2, lambda x: (4 * mp.tanh(x) ** 2 - 2 * sech(x) ** 2) * sech(x) ** 2),
    "gaussian": (0.8, 26, lambda x: mp.exp(-x * x), lambda x: (4 * x * x - 2) * mp.exp(-x * x)),
    "erf": (-26, 26, mp.erf, lambda x: -2 * x * bell(x)),
    "erfc": (-26, 26, mp.erfc, lambda x: 2 * x * bell(x)),
    "sigmoid": (-700, 700, logistic, lambda x: -mp.tanh(x / 2) * logistic_slope(x)),
    "softplus": (-700, 700, lambda x: mp.log1p(mp.exp(x)), logistic_slope),
}


@pytest.fixture(autouse=True)
def _fifty_digits():
    with mpmath.workdps(50):
        yield


def second_derivative(name: str, x: float) -> float:
    leaf = ag.Value(x)
    slope = getattr(ag, name)(leaf).backward(create_graph=True)[leaf]
    return slope.backward(create_graph=True)[leaf].data


@pytest.mark.parametrize("name", SMOOTH)
def test_second_derivative_to_1e_12(name: str) -> None:
    """Relative. The bound is looser than for first derivatives: each step of the differentiated rule is rounded."""
    low, high, _, exact = SMOOTH[name]
    seen = []

    @settings(derandomize=True, max_examples=POINTS, database=None, suppress_health_check=list(HealthCheck))
    @given(
        st.floats(low, high, allow_subnormal=False)
        | st.floats(max(low, -3.0), min(high, 3.0)).filter(lambda x: abs(x) > 1e-300)
    )
    def check(x: float) -> None:
        expected, found = exact(mpf(x)), second_derivative(name, x)
        assert abs(found - expected) <= 1e-12 * abs(expected), f"{name}''({x}) is {found}, not {float(expected)}"
        seen.append(x)

    check()
    assert len(seen) >= POINTS


@pytest.mark.parametrize("name", SMOOTH)
def test_the_formulas_of_the_table_are_second_derivatives(name: str) -> None:
    """The oracle is checked by mpmath's numerical differentiation."""
    low, high, value, second = SMOOTH[name]
    for x in (mpf("0.9"), mpf("0.3"), mpf("2.5"), mpf("-0.7")):
        if low <= x <= high:
            assert mp.almosteq(mp.diff(value, x, 2), second(x), 1e-20)


def test_third_and_fourth_derivatives_of_a_composition() -> None:
    """f = exp(sin x): the derivatives up to f'''', through four graphs, each the derivative of the one before."""
    leaf = ag.Value(0.75)
    derivatives = [ag.exp(ag.sin(leaf))]
    for _ in range(4):
        derivatives.append(derivatives[-1].backward(create_graph=True)[leaf])
    for order, found in enumerate(derivatives):
        exact = mp.diff(lambda x: mp.exp(mp.sin(x)), mpf(0.75), order)
        assert abs(found.data - exact) <= 1e-14 * max(1, abs(exact)), order


def test_mixed_second_derivatives_are_symmetric_and_right() -> None:
    """f = x^y sin(x y) / hypot(x, y), whose Hessian mpmath differentiates numerically."""

    def f(x: Any, y: Any, m: Any) -> Any:
        return x**y * m.sin(x * y) / m.hypot(x, y)

    x, y = ag.Value(1.5), ag.Value(0.625)
    gradient = f(x, y, ag).backward(create_graph=True)
    hessian = [[gradient[v].backward(create_graph=True)[w].data for w in (x, y)] for v in (x, y)]
    assert hessian[0][1] == pytest.approx(hessian[1][0], rel=1e-14)
    for i, order in enumerate([(2, 0), (1, 1), (0, 2)]):
        exact = mp.diff(lambda x, y: f(x, y, mp), (mpf(1.5), mpf(0.625)), order)
        assert hessian[i // 2][(i + 1) // 2] == pytest.approx(float(exact), rel=1e-13), order


@pytest.mark.parametrize("exponent", [1, 2, 3, 4])
@pytest.mark.parametrize("as_value", [False, True])
def test_derivatives_of_powers_at_zero_are_exact(exponent: int, as_value: bool) -> None:
    """Those of x^n are 0 except the n-th, which is n!. No 0^-1 in between makes them nan."""
    leaf = ag.Value(0.0)
    out = leaf ** (ag.Value(exponent) if as_value else exponent)
    for order in range(1, 6):
        out = out.backward(create_graph=True).get(leaf, ag.Value(0.0))
        assert out.data == (math.factorial(exponent) if order == exponent else 0.0), order


def test_second_derivatives_of_a_power_at_exponent_zero() -> None:
    """a^b at b = 0: 0 with respect to a twice, 1/a with respect to a and b in either order, ln² a for b twice."""
    a, b = ag.Value(2.0), ag.Value(0.0)
    gradient = (a**b).backward(create_graph=True)
    hessian = [[gradient[v].backward(create_graph=True)[w].data for w in (a, b)] for v in (a, b)]
    assert hessian == [[0.0, 0.5], [0.5, pytest.approx(math.log(2) ** 2, rel=1e-15)]]


def test_functions_without_curvature_have_zero_second_derivatives() -> None:
    for function in (ag.relu, ag.abs, lambda v: ag.maximum(v, 0.25), lambda v: ag.clip(v, -1.0, 1.0), ag.leaky_relu):
        for x in (-0.5, 0.0, 0.25, 2.0):
            leaf = ag.Value(x)
            slope = function(leaf).backward(create_graph=True).get(leaf, ag.Value(0.0))
            assert slope.backward(create_graph=True).get(leaf, ag.Value(0.0)).data == 0.0
