"""No derivative is lost without a word: each case is right, or refused with the place and what to write."""

from __future__ import annotations

import array
import cmath
import copy
import functools
import math
import pickle
import re
import statistics
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd as ag
from autograd import LostDerivativeError, Value

X = np.array([0.25, 0.5, 0.75])


def fill(x: Any) -> Any:
    out = np.zeros(3)
    for i in range(3):
        out[i] = x[i] ** 2
    return out.sum()


def call(f: Any, x: Any) -> Any:
    return f(x)


SMOOTH = [
    math.acos,
    math.asin,
    math.asinh,
    math.atan,
    math.atanh,
    math.cos,
    math.cosh,
    math.degrees,
    math.erf,
    math.erfc,
]
SMOOTH += [math.exp, math.expm1, math.fabs, math.gamma, math.lgamma, math.log, math.log10, math.log1p, math.log2]
SMOOTH += [math.radians, math.sin, math.sinh, math.sqrt, math.tan, math.tanh]

# What turns a Value into a plain number, of a number and of an array, and what the message advises.
OF_A_NUMBER: dict[str, Callable[[Any], Any]] = {
    **{f"math.{f.__name__}": functools.partial(call, f) for f in SMOOTH},
    "math.acosh": lambda x: math.acosh(x + 1),
    "math.atan2": lambda x: math.atan2(1.0, x),
    "math.copysign": lambda x: math.copysign(x, -1.0),
    "math.dist": lambda x: math.dist([x], [0.0]),
    "math.fmod": lambda x: math.fmod(x, 0.3),
    "math.frexp": lambda x: math.frexp(x)[0],
    "math.fsum": lambda x: math.fsum([x, 1.0]),
    "math.hypot": lambda x: math.hypot(x, 1.0),
    "math.ldexp": lambda x: math.ldexp(x, 1),
    "math.modf": lambda x: math.modf(x)[0],
    "math.pow": lambda x: math.pow(x, 2),
    "math.remainder": lambda x: math.remainder(x, 0.3),
    "cmath.exp": lambda x: cmath.exp(x).real,
    "float": lambda x: float(x) * x,
    "complex": lambda x: complex(x).real,
    "percent": lambda x: float("%.17g" % x),  # noqa: UP031
    "array.array": lambda x: array.array("d", [x])[0],
    "np.float64": lambda x: np.float64(x) * x,
    "copy": lambda x: copy.copy(x) * x,
    "deepcopy": lambda x: copy.deepcopy([x])[0] * x,
    "pickle": lambda x: pickle.loads(pickle.dumps(x)) * x,
    "np.interp": lambda x: np.interp(x, [0, 1], [0, 2]),
    "np.full": lambda x: np.full(3, x, dtype=float).sum(),
    "np.fromiter": lambda x: np.fromiter([x], dtype=float)[0],
    "Generator.normal": lambda x: np.random.default_rng(0).normal(x),
    "statistics.fmean": lambda x: statistics.fmean([x, 1.0]),
    "statistics.NormalDist": lambda x: statistics.NormalDist(0.0, 1.0).cdf(x),
    "nested": lambda x: ag.grad(lambda y: math.sin(x) * y)(1.0),
    "nested, the inner one": lambda x: ag.grad(lambda y: math.sin(y) * x)(1.0),
}
OF_AN_ARRAY: dict[str, Callable[[Any], Any]] = {
    "np.asarray": lambda x: np.asarray(x, dtype=float).sum(),
    "astype": lambda x: x.astype(float).sum(),
    "np.ma, filled": lambda x: (lambda out: ([out.__setitem__(i, x[i] ** 2) for i in range(3)], out.sum())[1])(
        np.ma.zeros(3)
    ),
    "filling": fill,
    "filling a slice": lambda x: (lambda out: (out.__setitem__(slice(None), x), out.sum())[1])(np.zeros(3)),
    "np.copyto": lambda x: (lambda out: (np.copyto(out, x, casting="unsafe"), out.sum())[1])(np.zeros(3)),
    "np.put": lambda x: (lambda out: (np.put(out, [0], x[0]), out.sum())[1])(np.zeros(3)),
    "np.fill_diagonal": lambda x: (lambda out: (np.fill_diagonal(out, x), out.sum())[1])(np.zeros((3, 3))),
    "np.sum(dtype=float)": lambda x: np.sum(x, dtype=float),
    "np.gradient": lambda x: np.gradient(x).sum(),
    "np.i0": lambda x: np.i0(x).sum(),
    "np.linalg.qr": lambda x: np.linalg.qr(x.reshape(1, 3))[1].sum(),
    "np.vectorize": lambda x: np.vectorize(lambda t: 0.0 if t < 0.3 else t**2)(x).sum(),
    "statistics.linear_regression": lambda x: statistics.linear_regression(list(x), [1.0, 2.0, 3.0]).slope,
}


@pytest.mark.parametrize("name", OF_A_NUMBER)
def test_a_number_that_would_lose_its_derivative_is_refused(name: str) -> None:
    f = OF_A_NUMBER[name]
    for derivative in (
        lambda: ag.grad(f)(0.5),
        lambda: ag.value_and_grad(f)(0.5),
        lambda: ag.jvp(f, (0.5,), (1.0,)),
        lambda: ag.hvp(f, (0.5,), (1.0,)),
        lambda: ag.grad(f)(Value(0.5)),
    ):
        with pytest.raises(LostDerivativeError, match="turns a Value into a plain number"):
            derivative()


@pytest.mark.parametrize("name", OF_AN_ARRAY)
def test_an_array_that_would_lose_its_derivatives_is_refused(name: str) -> None:
    f = OF_AN_ARRAY[name]
    for transform in (ag.grad, ag.jacobian, ag.hessian, ag.elementwise_grad):
        with pytest.raises(LostDerivativeError, match="turns a Value into a plain number"):
            transform(f)(X)


# Right: value, then derivative with respect to x
RIGHT: dict[str, tuple[Callable[[Any], Any], float, float]] = {
    "int": (lambda x: int(x) * x, 2.5, 2.0),
    "round": (lambda x: round(x) * x, 2.75, 3.0),
    "math.floor": (lambda x: math.floor(x) * x, 2.5, 2.0),
    "math.ceil": (lambda x: math.ceil(x) * x, 2.5, 3.0),
    "math.trunc": (lambda x: math.trunc(x) * x, 2.5, 2.0),
    "bool": (lambda x: bool(x) * x, 2.5, 1.0),
    "comparison": (lambda x: x if x > 2 else -x, 2.5, 1.0),
    "an f-string": (lambda x: (f"{x:.3f}", x * x)[1], 2.5, 5.0),
    "x.data": (lambda x: math.sin(x.data) * x, 2.5, math.sin(2.5)),
    "x.detach()": (lambda x: x.detach() * x, 2.5, 2.5),
    "np.ma, times a masked array": (lambda x: (np.ma.array([1.0, 2.0], mask=[0, 1]) * x).sum() * x, 2.5, 5.0),
    "math.prod": (lambda x: math.prod([x, x, 2.0]), 2.5, 10.0),
    "another Value": (lambda x: float(Value(3.0)) * x, 2.5, 3.0),
    "an index": (lambda x: [1.0, 2.0, 3.0][int(x)] * x, 2.5, 3.0),
    "where, sqrt at 0": (lambda x: ag.norm([x, 0.0]), 0.0, 0.0),
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_has_derivative_0_or_is_a_constant_on_purpose_is_right(name: str) -> None:
    f, x, slope = RIGHT[name]
    assert ag.grad(f)(x) == slope


@pytest.mark.skipif(sys.version_info < (3, 11), reason="before Python 3.11 a line does not tell which call is running")
def test_the_message_names_the_call_its_line_and_what_to_write() -> None:
    line = sys._getframe().f_lineno + 2
    with pytest.raises(TypeError) as caught:
        ag.grad(lambda x: x * math.sin(2 * x))(1.0)
    assert str(caught.value) == (
        "grad(<lambda>): math.sin(2 * x) turns a Value into a plain number, so its derivative would be lost. "
        f"Use ag.sin. Where a constant is meant, write x.data or x.detach() (at {__file__}:{line})"
    )
    for f, advice in [
        (fill, r"out\[i\] turns .* Fill a list or an array of dtype=object"),
        (lambda x: x.astype(float).sum(), r"x\.astype\(float\) turns .* Use an array of dtype=object or a list"),
        (lambda x: np.gradient(x)[0], r"np\.gradient\(x\) turns .* Use the functions of autograd"),
    ]:
        with pytest.raises(LostDerivativeError, match=advice):
            ag.grad(f)(X)


def test_functions_of_masked_arrays_do_not_take_the_number_without_asking() -> None:
    for f in (np.ma.sin, np.ma.exp, lambda x: np.ma.multiply(x, x)):
        with pytest.raises((AttributeError, TypeError)):
            ag.grad(f)(1.0)


def test_outside_transforms_float_is_an_ordinary_conversion() -> None:
    x = Value(2.0)
    assert (float(x), math.sqrt(x * 2), np.asarray([x], dtype=float).tolist()) == (2.0, 2.0, [2.0])
    w = Value(3.0)
    assert ag.grad(lambda x: float(w) * x)(2.0) == 3.0  # w does not depend on x


# Rules of users' primitives


@ag.primitive(lambda out, x: math.cos(x))
def lossy(x: float) -> float:
    return math.sin(x)


@ag.primitive(lambda out, x: ag.cos(x))
def lossless(x: float) -> float:
    return math.sin(x)


@ag.primitive(lambda out, x, y: np.float64(x) * 0 + 2.0, None)
def lossy_in_one(x: float, y: float) -> float:
    return 2.0 * x + y


RULES: dict[str, Callable[[], Any]] = {
    "grad of grad": lambda: ag.grad(ag.grad(lossy))(1.0),
    "hessian": lambda: ag.hessian(lambda x: lossy(x[0]))([1.0]),
    "hvp": lambda: ag.hvp(lossy, (1.0,), (1.0,)),
    "create_graph": lambda: lossy(Value(1.0)).backward(create_graph=True),
    "a Value as argument": lambda: ag.grad(lossy)(Value(1.0)),
    "np.float64": lambda: ag.grad(ag.grad(lambda x: lossy_in_one(x, 1.0)))(1.0),
    "check_gradients": lambda: ag.check_gradients(lossy, 1.0, order=2),
}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_that_loses_higher_derivatives_is_refused(name: str) -> None:
    with pytest.raises(LostDerivativeError, match=re.escape("the rule of lossy")):
        RULES[name]()


def test_rules_that_keep_them_are_right() -> None:
    assert ag.grad(lossy)(1.0) == math.cos(1.0)
    assert ag.grad(ag.grad(lossless))(1.0) == -math.sin(1.0)
    assert float(Value(1.0)) == 1.0  # after an error in a rule, nothing is watched any more


# Scripts that call backward()


def test_detect_lost_finds_what_a_script_loses() -> None:
    x = Value(2.0)
    with ag.detect_lost():
        y = ag.sin(x) * x.data + int(x)
        with pytest.raises(
            LostDerivativeError, match=r"^detect_lost: math\.sin\(x\) turns|^detect_lost: this line turns"
        ):
            math.sin(x)
        seen: list[float] = []
        thread = threading.Thread(target=lambda: seen.append(float(x)))  # another thread is not concerned
        thread.start()
        thread.join()
        assert seen == [2.0]
    y.backward()
    assert float(x) == 2.0
