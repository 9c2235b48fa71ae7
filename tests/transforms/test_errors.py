"""What transforms refuse, and with which message. Neither an error nor a success has side effects."""

import gc
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd as ag
import nn
from autograd.node import on_float, on_leaf
from autograd.transforms import elementwise_grad, grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp


class Line(nn.Module):
    def __init__(self) -> None:
        self.slope, self.offset = ag.Value(2.0), ag.Value(1.0)

    def __call__(self, x: Any) -> Any:
        return self.slope * x**2 + self.offset


# Each message says what was expected, what was given, and what to do.

ONES, X = np.ones(3), ag.Value(2.0)


def sum_of_a(tree: Any) -> Any:
    return sum(tree.values())


def fails(x: Any) -> Any:
    raise KeyError("of the user's")


ERRORS: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "a Value": (
        lambda: grad(X),
        TypeError,
        r"grad\(\): f must be a function, got Value.*\. .* y\.backward\(\) and read x\.grad",
    ),
    "no function": (lambda: grad(3), TypeError, r"grad\(\): f must be a function, got int 3"),
    "string result": (lambda: grad(lambda x: "a")(1.0), TypeError, "the result must be a real number, got str 'a'"),
    "None": (lambda: jacobian(lambda x: None)(1.0), TypeError, "the result must be a real number, got None"),
    "complex": (
        lambda: grad(lambda x: x.data * 2j)(1.0),
        TypeError,
        "the result must be a real number, got complex 2j",
    ),
    "bool": (lambda: grad(lambda x: x > 1)(1.0), TypeError, "the result must be a real number, got bool False"),
    "complex array": (lambda: jacobian(lambda x: ONES * 1j)(1.0), TypeError, "shape .3,. and dtype complex128"),
    "list": (lambda: grad(lambda x: [x, x])(1.0), TypeError, r"must return one number, got list \[.*Use jacobian"),
    "list of one": (lambda: hessian(lambda x: [x])(1.0), TypeError, "must return one number, got list"),
    "array result": (lambda: value_and_grad(lambda x: x)(ONES), TypeError, r"got a NumPy array of shape \(3,\)"),
    "array of one": (lambda: hvp(lambda x: x, (ONES[:1],), (ONES[:1],)), TypeError, r"array of shape \(1,\)"),
    "inside result": (
        lambda: jacobian(lambda x: {"a": [x, "b"]})(1.0),
        TypeError,
        r"result\['a'\]\[1\] must be a real number, got str 'b'",
    ),
    "no pair": (lambda: grad(lambda x: x, has_aux=True)(1.0), TypeError, r"return a pair \(result, aux\), got Value"),
    "string argument": (
        lambda: grad(ag.exp)("a"),
        TypeError,
        r"grad\(exp\): argument 0 must be a real number, got str 'a'",
    ),
    "deep string": (
        lambda: grad(sum)({"a": (1.0, "b")}),
        TypeError,
        r"argument 0\['a'\]\[1\] must be a real number, got str 'b'",
    ),
    "None argument": (lambda: vjp(ag.exp, None), TypeError, "argument 0 must be a real number, got None"),
    "bool argument": (lambda: grad(ag.exp)(True), TypeError, "argument 0 must be a real number, got bool True"),
    "complex argument": (lambda: grad(ag.exp)(1j), TypeError, "argument 0 must be a real number, got complex 1j"),
    "a class": (lambda: grad(ag.exp)(Line), TypeError, "argument 0 must be a real number, got type"),
    "integers": (
        lambda: grad(np.sum)(np.arange(3)),
        TypeError,
        r"argument 0 must be a float array, got .* dtype int64; use x.astype\(float\)",
    ),
    "integers deep": (
        lambda: hessian(np.sum)([np.arange(3)]),
        TypeError,
        r"argument 0\[0\] must be a float array, got .* dtype int64",
    ),
    "bools": (lambda: grad(np.sum)(ONES > 0), TypeError, "must hold real numbers, got .* dtype bool"),
    "strings": (lambda: grad(np.sum)(np.array(["a"])), TypeError, "must hold real numbers, got .* dtype <U1"),
    "odd object": (
        lambda: grad(np.sum)(np.array([1.0, None])),
        TypeError,
        "argument 0 must hold real numbers, got None",
    ),
    "masked": (
        lambda: grad(np.sum)(np.ma.array(ONES)),
        TypeError,
        "argument 0 must be a plain NumPy array, got a MaskedArray; use x.filled",
    ),
    "argnums a string": (lambda: grad(ag.exp, argnums="x"), TypeError, "an int or a tuple of ints, got str 'x'"),
    "argnums a float": (lambda: hessian(ag.exp, argnums=(0, 1.0)), TypeError, r"got tuple \(0, 1.0\)"),
    "argnums a bool": (lambda: jacobian(ag.exp, argnums=True), TypeError, "got bool True"),
    "argnums too high": (
        lambda: grad(ag.exp, argnums=1)(1.0),
        ValueError,
        r"argnums is 1, but the function was called with 1 positional argument\.",
    ),
    "argnums too low": (
        lambda: grad(ag.exp, argnums=(-2,))(1.0),
        ValueError,
        r"argnums is \(-2,\), but .* 1 positional",
    ),
    "by keyword": (lambda: grad(ag.exp)(x=1.0), ValueError, "with 0 positional arguments.*keyword arguments cannot be"),
    "twice": (
        lambda: grad(ag.pow, argnums=(0, -2))(1.0, 2.0),
        ValueError,
        r"must name each argument once, got \(0, -2\)",
    ),
    "primals": (lambda: jvp(ag.exp, 1.0, 1.0), TypeError, r"primals must be a tuple or list.*got float 1.0.*\(x,\)"),
    "tangents": (lambda: jvp(ag.exp, (1.0,), 1.0), TypeError, "tangents must be a tuple or list.*got float 1.0"),
    "one tangent": (lambda: hvp(ag.pow, (1.0, 2.0), (1.0,)), TypeError, r"for each of 2 primals, got tuple \(1.0,\)"),
    "tangent shape": (
        lambda: jvp(np.sum, (ONES,), (ONES[:2],)),
        ValueError,
        r"argument 0 must have shape \(3,\), got \(2,\)",
    ),
    "tangent for list": (lambda: hvp(sum, ([1.0, 2.0],), (ONES,)), TypeError, r"0\[0\] is missing.*0 of shape \(3,\)"),
    "extra tangent": (
        lambda: jvp(sum, ([1.0],), ([1.0, 2.0],)),
        TypeError,
        r"tangent of argument 0\[1\] is an unexpected entry; remove it",
    ),
    "tangent key": (lambda: jvp(sum_of_a, ({"a": 1.0},), ({"b": 1.0},)), TypeError, r"argument 0\['a'\] is missing"),
    "tangent string": (
        lambda: jvp(ag.exp, (1.0,), ("a",)),
        TypeError,
        "the tangent of argument 0 must be a real number, got str 'a'",
    ),
    "cotangent shape": (
        lambda: vjp(ag.exp, 1.0)[1](ONES),
        ValueError,
        r"the cotangent of the result must have shape \(\), got \(3,\)",
    ),
    "cotangent None": (
        lambda: vjp(ag.exp, 1.0)[1](None),
        TypeError,
        "the cotangent of the result must be a real number, got None",
    ),
    "cotangent missing": (lambda: vjp(lambda x: (x, x), 1.0)[1]([1.0]), TypeError, r"result\[1\] is missing"),
    "inside f": (lambda: grad(fails)(1.0), KeyError, "of the user's"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    call, kind, message = ERRORS[name]
    with pytest.raises(kind, match=message):
        call()
    assert grad(lambda x: x * X)(3.0) == 2.0  # no transform is still running, so X is a constant
    assert X.grad == 0.0


def test_an_exception_inside_f_leaves_nothing_behind() -> None:
    line, array = Line(), np.ones(2)
    line.slope.grad = 5.0

    def f(m: Any, x: Any) -> Any:
        x[0] = m(x[1])
        raise ZeroDivisionError

    for transform in (grad, value_and_grad, jacobian, hessian, elementwise_grad):
        with pytest.raises(ZeroDivisionError):
            transform(f, argnums=(0, 1))(line, array)
    assert (line.slope.grad, array.tolist()) == (5.0, [1.0, 1.0])
    assert on_float == on_leaf == []


# Nothing is left behind


def test_no_grad_is_touched() -> None:
    x, w = ag.Value(3.0), ag.Value(2.0)
    y = x * w
    x.grad, w.grad, y.grad = 7.0, 8.0, 9.0
    line = Line()
    f: Callable[..., Any] = lambda a, m: (a * y + w * x) ** 2 * m(w)  # noqa: E731
    for transform in (grad, value_and_grad, jacobian, hessian, elementwise_grad):
        transform(f, argnums=(0, 1))(2.0, line)
        transform(f, argnums=(0, 1))(x, line)
    hvp(f, (x, line), (1.0, {"slope": 1.0, "offset": y}))
    assert (x.grad, w.grad, y.grad, *[p.grad for p in line.parameters()]) == (7.0, 8.0, 9.0, 0.0, 0.0)


def test_no_graph_outlives_the_call() -> None:
    def f(x: Any) -> Any:
        return np.sum(np.exp(x) @ x) ** 2

    def live() -> int:
        return sum(type(each) is ag.Value for each in gc.get_objects())

    calls: list[Callable[[], Any]] = [
        lambda: grad(f)(ONES),
        lambda: value_and_grad(lambda x: (f(x), {"seen": x, "list": [f(x)]}), has_aux=True)(ONES),
        lambda: (jacobian(f)(ONES), hessian(f)(ONES)),
        lambda: (jvp(f, (ONES,), (ONES,)), hvp(f, (ONES,), (ONES,)), vjp(f, ONES)[1](1.0)),
        lambda: grad(lambda x: grad(f)(x)[0] + grad(lambda y: y * x[0])(1.0))(ONES),
    ]
    gc.collect()
    gc.disable()
    try:
        before = live()
        kept = [call() for call in calls]
        assert live() == before
    finally:
        gc.enable()
    assert len(kept) == len(calls)


def test_infinities_make_no_warnings() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert jacobian(lambda x: [1 / x, ag.log(x)])(0.0) == [-np.inf, np.inf]
        assert np.isnan(grad(lambda x: 0 * ag.sqrt(x))(0.0))
        assert np.isnan(grad(lambda x: 0 * ag.dot([x], [np.inf]))(1.0))
