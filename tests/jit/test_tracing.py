"""What cannot be traced, and what the error says; primitives of users."""

import contextlib
import copy
import functools
import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd as ag
from autograd.jit import TracingError, jit


def branch(x: Any) -> Any:
    if x > 0:  # line marked: branch
        return x
    return -x


LINE = next(k for k, text in enumerate(Path(__file__).read_text().splitlines(), 1) if "line marked: branch" in text)


@pytest.mark.parametrize(
    ("f", "remedy"),
    [
        (lambda x: math.exp(x), "ag's functions"),
        (lambda x: f"{x:.2f}", "repr"),
        (lambda x: print(x), "repr"),
        (lambda x: round(x, 2), "round what"),
        (lambda x: x.data, "the value itself"),
        (lambda x: x.grad, "value_and_grad"),
        (lambda x: (x * x).backward(), "value_and_grad"),
        (lambda x: copy.copy(x), "what the program returns"),
        (lambda x: float(x), "ag's functions"),
    ],
)
def test_tracing_errors_name_the_line_and_the_remedy(f: Any, remedy: str) -> None:
    with pytest.raises(TracingError, match=remedy) as caught:
        jit(f)(1.0)
    assert __file__ in str(caught.value)


@pytest.mark.parametrize(
    ("f", "remedy"),
    [
        (branch, "ag.where"),
        (lambda x: [1.0, 2.0][x], "static_argnames"),
        (lambda x: round(x), "ag.rint"),
        (lambda x: math.floor(x), "ag.floor"),
        (lambda x: math.ceil(x), "ag.floor"),
        (lambda x: math.trunc(x), "ag.trunc"),
        (lambda x: max(x, 0.0), "ag.maximum"),
        (lambda x: range(x), "static_argnames"),
        (lambda x: int(x), "static_argnames"),
        (lambda x: np.ones(3)[x], "static_argnames"),
        (lambda x: np.zeros(x), "static_argnames"),
        (lambda x: np.maximum(np.array([x, x]), 0.0), r"number by number: np.array\(\[ag.maximum\(e, 0.0\) for e in x"),
        (lambda x: np.array([x, x]).max(), r"functools.reduce\(ag.maximum, x\)"),
    ],
)
def test_where_only_one_path_is_possible_a_decision_is_refused(f: Any, remedy: str) -> None:
    with pytest.raises(TracingError, match=remedy) as caught:
        jit(f).runner((1.0,), None)
    assert __file__ in str(caught.value)
    formula = ag.primitive(lambda out, x: x, native=f)(lambda x: x)
    with pytest.raises(TracingError, match=remedy):
        jit(formula)(1.0)
    if f is branch:
        assert f"{__file__}:{LINE}" in str(caught.value)


def swallow_a_branch(x: Any) -> Any:
    with contextlib.suppress(Exception):
        if x > 0:
            return x * 2
    return x * 3


def swallow_a_conversion(x: Any) -> Any:
    try:
        return math.sin(x)
    except TypeError:
        return x * 0


def swallow_all(x: Any) -> Any:
    with contextlib.suppress(Exception):
        return x * x.data
    return x


def swallow_in_a_thread(x: Any) -> Any:
    with ThreadPoolExecutor() as pool:
        failed = pool.submit(lambda: float(x) * x).exception()
    return x if failed else x * 2


def answer_with_another_error(x: Any) -> Any:
    try:
        return float(x)
    except TypeError:
        raise KeyError("x") from None


@pytest.mark.parametrize(
    ("f", "fault"),
    [
        (swallow_a_conversion, "converted a traced value to float"),
        (swallow_all, "read the data"),
        (swallow_in_a_thread, "converted"),
        (answer_with_another_error, "converted"),
    ],
)
def test_a_refusal_cannot_be_swallowed(f: Any, fault: str) -> None:
    with pytest.raises(TracingError, match=fault):
        jit(f)(2.0)
    with pytest.raises(TracingError, match=fault):
        jit(ag.primitive(lambda out, x: f(x))(lambda x: x * x)).value_and_grad(2.0)
    with pytest.raises(TracingError, match=fault):
        jit(ag.primitive(lambda out, x: x, native=f)(lambda x: x * x))(2.0)


def test_the_refusal_of_a_decision_cannot_be_swallowed() -> None:
    with pytest.raises(TracingError, match="branched"):
        jit(swallow_a_branch).runner((2.0,), None)
    with pytest.raises(TracingError, match="branched"):
        jit(ag.primitive(lambda out, x: x, native=swallow_a_branch)(lambda x: x * x))(2.0)
    assert jit(swallow_a_branch)(2.0) == 4.0


def test_the_use_of_an_ended_trace_cannot_be_swallowed() -> None:
    kept: list[Any] = []
    jit(lambda x: kept.append(x) or x * 2)(1.0)

    def f(x: Any) -> Any:
        with contextlib.suppress(TypeError):
            return kept[0] * 2
        return x

    with pytest.raises(TracingError, match="trace had ended"):
        jit(f)(1.0)


def test_errors_of_the_function_itself_stay_as_they_are() -> None:
    def f(x: Any) -> Any:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        jit(f)(1.0)
    with contextlib.suppress(TypeError):
        ag.TracingError("outside of any trace")
    assert jit(lambda x: x * 2)(1.0) == 2.0


def test_a_derivative_that_cannot_be_compiled_names_the_function_that_needs_it() -> None:
    for program in (jit(ag.gamma).value_and_grad, jit(ag.grad(ag.gamma))):
        with pytest.raises(TracingError, match="the primitive digamma, which the derivative of gamma needs, cannot be"):
            program(0.5)
    with pytest.raises(TracingError, match=r"the primitive digamma cannot be compiled.*without ag\.jit"):
        jit(ag.digamma)(0.5)


def test_a_decorator_takes_the_axes() -> None:
    @jit(in_axes=(None, 0))
    def scaled(a: Any, x: Any) -> Any:
        return a * x

    assert scaled(2.0, np.array([1.0, 3.0])).tolist() == [2.0, 6.0]


def test_what_is_advised_for_arrays_compiles() -> None:
    x = np.array([1.0, -2.0, 3.0])
    assert jit(lambda x: np.array([ag.maximum(e, 0.0) for e in x]))(x).tolist() == [1.0, 0.0, 3.0]
    assert jit(lambda x: functools.reduce(ag.maximum, x))(x) == 3.0
    with pytest.raises(IndexError, match="out of bounds"):
        jit(lambda x: x[3])(x)


def test_a_tracer_that_escapes() -> None:
    kept: list[Any] = []
    jit(lambda x: kept.append(x) or x * 2)(1.0)
    with pytest.raises(TracingError, match="trace had ended"):
        kept[0] * 2
    with pytest.raises(TracingError, match="trace"):
        jit(lambda x: kept[0] * x)(1.0)
    assert "Tracer(input" in repr(kept[0])


def test_users_primitives() -> None:
    @ag.primitive(lambda out, x: 3 * x * x)
    def cube(x: Any) -> Any:
        return x * x * x

    assert jit(cube)(2.0) == 8.0
    assert jit(ag.grad(cube))(2.0) == 12.0

    @ag.primitive(lambda out, x: out, native="tgamma")
    def gamma(x: float) -> float:
        return math.gamma(x)

    assert jit(gamma, in_axes=0)(np.array([1.0, 5.0])).tolist() == [1.0, 24.0]

    @ag.primitive(lambda out, x: out)
    def strange(x: float) -> float:
        return math.gamma(x)

    with pytest.raises(TracingError, match=r"strange cannot be compiled.*native="):
        jit(strange)(1.0)


@pytest.mark.parametrize("bias", [0.0, 0.5])
def test_a_dot_of_sequences_of_two_lengths_is_refused_as_it_is_eagerly(bias: float) -> None:
    with pytest.raises(ValueError, match=r"ws and xs must have the same length, got 3 and 2"):
        ag.jit(lambda w: ag.dot(tuple(w), (1.0, 2.0), bias))(np.ones(3))


@pytest.mark.parametrize(
    ("native", "message"),
    [("llvm.nope", "must name an LLVM instruction"), ("sinf", "got 'sinf'"), ("pow", "got 'pow', which has 2")],
)
def test_a_native_name_that_would_crash_or_give_another_number_is_refused(native: str, message: str) -> None:
    square = ag.primitive(lambda out, x: 2 * x, native=native)(lambda x: x * x)
    with pytest.raises(TracingError, match=message):
        jit(square)(3.0)


def test_a_native_formula_is_what_is_compiled() -> None:
    square = ag.primitive(lambda out, x: 2 * x, native=lambda x: x * x + 100.0)(lambda x: x * x)
    assert (square(3.0), jit(square)(3.0)) == (9.0, 109.0)


@pytest.mark.parametrize("numbers", [lambda x: x, lambda x: x * 3.0], ids=["a variable", "a result"])
@pytest.mark.parametrize("x", [0.5, ag.Value(0.5)], ids=["of a number", "of a Value"])
def test_a_program_that_closes_over_a_variable_of_a_transform_keeps_its_derivative(x: Any, numbers: Any) -> None:
    def f(x: Any) -> Any:
        inside = numbers(x)
        return ag.jit(lambda y: inside * y)(2.0)

    assert float(ag.grad(f)(x)) == 2.0 * float(numbers(1.0))
    constant = ag.Value(3.0)
    assert ag.grad(lambda x: ag.jit(lambda y: (constant * 2.0) * y)(2.0) * x)(x) == 12.0
