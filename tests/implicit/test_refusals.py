"""What is no root, and what would lose a derivative of one: refused with what was given, or nan where compiled."""

from __future__ import annotations

import gc
import math
from typing import Any

import numpy as np
import pytest

import autograd as ag


def stop_early(x: Any, a: Any) -> Any:
    return 0.5 * (x + a / x)


def test_a_solver_that_has_not_converged_is_refused_and_nan_where_compiled(form: str) -> None:
    root = ag.custom_root(lambda x, a: x * x - a)(stop_early)
    with pytest.raises(
        RuntimeError,
        match=r"^custom_root\(<lambda>\): the solver must return a solution, got 1.5, where what must be 0 is 0.25, "
        r"and a step of Newton's method would still change x by -0.0833333. Let the solver take more steps, or raise",
    ):
        root(1.0, 2.0)
    with pytest.raises(RuntimeError, match="the solver must return a solution"):
        ag.grad(root, 1)(1.0, ag.Value(2.0))
    settle = ag.fixed_point(lambda x, a: ag.cos(a * x))(lambda x, a: ag.cos(a * x))
    with pytest.raises(RuntimeError, match=r"^fixed_point\(<lambda>\): the solver must return a solution, got 0.5403"):
        settle(1.0, 1.0)

    starts = np.array([1.0, math.sqrt(2.0), 3.0])  # one of them is the root
    program = ag.jit(lambda x, a: root(x, a), in_axes=(0, None))
    x, slope = program.value_and_grad(starts, 2.0, argnums=1)
    assert np.isnan(x).tolist() == [True, False, True]
    assert math.isnan(slope)
    slopes = ag.jit(ag.grad(lambda a, x: root(x, a)), in_axes=0)(np.full(3, 2.0), starts)
    assert np.isnan(slopes).tolist() == [True, False, True]
    second = ag.jit(ag.grad(ag.grad(lambda a, x: root(x, a))), in_axes=0)(np.full(3, 2.0), starts)
    assert np.isnan(second).tolist() == [True, False, True]


def test_all_numbers_of_a_system_are_nan_if_one_has_not_converged() -> None:
    root = ag.custom_root(lambda x, a: [x[0] - a, x[1] * x[1] - a])(lambda x, a: [a * 1.0, stop_early(x[1], a)])
    with pytest.raises(RuntimeError, match=r"got 2, 1.5, where what must be 0 is 0, 0.25"):
        root([1.0, 1.0], 2.0)
    program = ag.jit(lambda a: root([1.0, 1.0], a))
    assert np.isnan(program(2.0)).all()
    assert np.isnan(ag.jit(ag.jacobian(lambda a: root([1.0, 1.0], a)))(2.0)).all()


def test_tol_says_what_is_a_root() -> None:
    for tol in (0.1, math.inf):
        root = ag.custom_root(lambda x, a: x * x - a, tol=tol)(stop_early)
        assert root(1.0, 2.0) == ag.jit(lambda a, root=root: root(1.0, a))(2.0) == 1.5
        assert ag.grad(root, 1)(1.0, 2.0) == pytest.approx(1 / 3)
    for tol in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match=r"custom_root\(<lambda>\): tol must be positive, got"):
            ag.custom_root(lambda x, a: x, tol=tol)
    with pytest.raises(TypeError, match=r"tol must be a number, got str 'x'"):
        ag.custom_root(lambda x, a: x, tol="x")  # type: ignore[arg-type]


@pytest.mark.parametrize("scale", [1e-100, 1e-9, 1.0, 1e9, 1e100])
@pytest.mark.parametrize("unit", [1e-50, 1.0, 1e50])
def test_the_check_depends_neither_on_the_scale_of_x_nor_on_that_of_f(scale: float, unit: float) -> None:
    root = ag.custom_root(lambda x, a: unit * (x * x / a - 1))(lambda x, a: math.sqrt(a) * (1 + 1e-9))
    assert root(scale, scale * scale) == pytest.approx(scale)
    far = ag.custom_root(lambda x, a: unit * (x * x / a - 1))(lambda x, a: math.sqrt(a) * 1.001)
    if scale > 1e-9:
        with pytest.raises(RuntimeError):
            far(scale, scale * scale)


def test_zero_is_a_root() -> None:
    for noise, guesses in [(1e-17, [0.0, 1.0, None]), (2e-12, [1.0, (0.0, 5.0)])]:
        root = ag.custom_root(lambda x, a: ag.sinh(x) - a)(lambda x, a, noise=noise: noise)
        for guess in guesses:
            assert root(guess, 0.0) == noise
            assert ag.grad(root, 1)(guess, 0.0) == 1.0


def test_a_number_that_is_small_beside_the_others_or_the_guess_is_checked_too() -> None:
    root = ag.custom_root(lambda x, a: [x[0] - 1e6 * a, x[1] ** 2 - a])(lambda x, a: [1e6 * a, 1.01])
    with pytest.raises(RuntimeError, match=r"would still change x by -?0, -0.00995"):
        root([1.0, 1.0], 1.0)
    assert math.isnan(ag.jit(lambda a: root([1.0, 1.0], a)[0])(1.0))
    for bracket in [(0.0, 1e3), (-math.inf, math.inf), (math.nan, None)]:
        with pytest.raises(RuntimeError, match="would still change x by"):
            ag.custom_root(lambda x, a: x**3 - a)(lambda x, a: 1.01 * a ** (1 / 3))(bracket, 1e-6)


def test_a_fixed_point_has_the_structure_of_x() -> None:
    @ag.fixed_point(lambda x, a: {"v": ag.cos(x["u"]), "u": a * x["v"]})  # in another order than x
    def settle(x: Any, a: Any) -> Any:
        for _ in range(200):
            x = {"u": a * x["v"], "v": np.cos(x["u"])}
        return x

    x = settle({"u": 0.5, "v": 0.5}, 0.5)
    slope = ag.grad(lambda a: settle({"u": 0.5, "v": 0.5}, a)["v"])(0.5)
    assert x["v"] == pytest.approx(math.cos(0.5 * x["v"]))
    assert slope == pytest.approx(-math.sin(x["u"]) * x["v"] / (1 + 0.5 * math.sin(x["u"])))
    with pytest.raises(TypeError, match=r"fixed_point\(<lambda>\): f: the result\['u'\] is missing"):
        ag.fixed_point(lambda x: [x["u"], x["v"]])(lambda x: x)({"u": 0.5, "v": 0.5})


def test_arguments_by_keyword() -> None:
    @ag.custom_root(lambda x, a, b=2.0: x * x - a * b)
    def root(x: Any, a: Any, b: Any = 2.0) -> Any:
        return math.sqrt(a * b)

    assert root(1.0, 2.0) == root(1.0, a=2.0) == root(b=1.0, a=4.0, x=1.0) == root(1.0, 1.0, b=4.0) == 2.0
    assert ag.grad(lambda a: root(1.0, b=a, a=3.0))(3.0) == pytest.approx(0.5)

    @ag.custom_root(lambda x, a: x - a)
    def other(x: Any, a: Any, *, steps: int = 3) -> Any:
        return a

    with pytest.raises(TypeError, match="all arguments must be positional, got steps by keyword alone"):
        other(1.0, 2.0, steps=3)
    with pytest.raises(TypeError, match="the first argument must be a guess, got none"):
        other()


def test_nan_is_no_root() -> None:
    root = ag.custom_root(lambda x, a: x - a)(lambda x, a: math.nan)
    with pytest.raises(RuntimeError, match="got nan, where what must be 0 is nan"):
        root(1.0, 2.0)


def test_where_the_theorem_does_not_hold_derivatives_are_not_finite() -> None:
    square = ag.custom_root(lambda x, a: x * x - a)(lambda x, a: a * 0.0)  # √0
    assert square(1.0, 0.0) == 0
    assert ag.grad(square, 1)(1.0, 0.0) == ag.jit(ag.grad(square, 1))(1.0, 0.0) == math.inf
    double = ag.custom_root(lambda x, a: (x - a) ** 2)(lambda x, a: a * 1.0)
    assert double(1.0, 2.0) == ag.jit(double)(1.0, 2.0) == 2.0
    assert math.isnan(ag.grad(double, 1)(1.0, 2.0))
    assert math.isnan(ag.jit(ag.grad(double, 1))(1.0, 2.0))
    dependent = ag.custom_root(lambda x, a: [x[0] + x[1] - a, x[0] + x[1] - a])(lambda x, a: [a * 1.0, 0.0])
    assert dependent(None, 2.0) == [2.0, 0.0]
    assert np.isnan(ag.jacobian(dependent, 1)(None, 2.0)).all()
    assert np.isnan(ag.jit(ag.jacobian(lambda a: dependent(None, a)))(2.0)).all()


def test_an_equation_without_x_determines_nothing() -> None:
    root = ag.custom_root(lambda x, a: a - 2.0)(lambda x, a: 1.0)
    assert root(1.0, 2.0) == 1.0
    assert not math.isfinite(ag.grad(root, 1)(1.0, 2.0))
    assert not math.isfinite(ag.jit(ag.grad(lambda a: root(1.0, a)))(2.0))
    two = ag.custom_root(lambda x, a, b: [x[0] - a, ag.log(b)])(lambda x, a, b: [a * 1.0, 1.0])
    slopes = ag.jacobian(lambda p: two(None, p[0], p[1]))
    assert np.isnan(slopes(np.array([3.0, 1.0]))).all()
    assert np.isnan(ag.jit(slopes)(np.array([3.0, 1.0]))).all()


def test_derivatives_that_f_would_lose_are_refused() -> None:
    root = ag.custom_root(lambda x, a: math.exp(-x) - a)(lambda x, a: -math.log(a))
    with pytest.raises(
        ag.LostDerivativeError, match=r"^custom_root\(<lambda>\): math.exp\(-x\) turns a Value|this line"
    ):
        root(1.0, 0.5)
    by_float = ag.custom_root(lambda x, a: ag.exp(-x) - float(a))(lambda x, a: -math.log(a))
    with pytest.raises(ag.LostDerivativeError, match=r"^grad\(solve\): |^grad\(<lambda>\): "):
        ag.grad(by_float, 1)(1.0, 0.5)
    with pytest.raises(ag.TracingError):
        ag.jit(lambda a: by_float(1.0, a))(0.5)


@pytest.mark.parametrize(
    ("f", "solver", "kind", "words"),
    [
        (lambda x, a: [x, a], lambda x, a: 1.0, ValueError, "must return as many numbers as x has, which is 1, got 2"),
        (lambda x, a: [], lambda x, a: 1.0, ValueError, "which is 1, got 0"),
        (lambda x, a: "u", lambda x, a: 1.0, TypeError, "the result must be a real number, got str 'u'"),
        (lambda x, a: None, lambda x, a: 1.0, TypeError, "the result must be a real number, got None"),
        (lambda x, a: x, lambda x, a: None, TypeError, "the solver: the result must be a real number, got None"),
        (lambda x, a: x, lambda x, a: [1.0, "u"], TypeError, r"result\[1\] must be a real number, got str 'u'"),
        (lambda x, a: x, lambda x, a: 1j, TypeError, "must be a real number, got complex 1j"),
    ],
)
def test_what_is_no_number_is_refused(f: Any, solver: Any, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=rf"custom_root\(<lambda>\): .*{words}"):
        ag.custom_root(f)(solver)(1.0, 1.0)


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(TypeError, match=r"custom_root\(\): f must be a function, got float 1.0"):
        ag.custom_root(1.0)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"fixed_point\(cos\): the solver must be a function, got float 1.0. Write"):
        ag.fixed_point(ag.cos)(1.0)  # type: ignore[arg-type]


def test_an_error_in_the_solver_or_in_f_passes_through() -> None:
    def fail(*_: Any) -> Any:
        raise KeyError("mine")

    for f, solver in [(fail, lambda x, a: 1.0), (lambda x, a: x, fail)]:
        with pytest.raises(KeyError, match="mine"):
            ag.custom_root(f)(solver)(1.0, ag.Value(1.0))
    assert ag.custom_root(lambda x, a: x - a)(lambda x, a: a)(1.0, 2.0) == 2.0


def test_a_root_is_freed_without_the_garbage_collector() -> None:
    def count() -> int:
        return sum(type(x).__name__ == "Solution" for x in gc.get_objects())

    f = ag.custom_root(lambda x, a: x * x - a)(lambda x, a: math.sqrt(a))
    gc.collect()
    gc.disable()
    try:
        before = count()  # the traceback of a test that failed keeps some
        for _ in range(3):
            y = f(1.0, ag.Value(2.0))
            y.backward()
            slope = y.backward(create_graph=True)
            del y, slope
        assert ag.hessian(f, argnums=1, sparse=True)(1.0, 2.0).shape == (1, 1)  # its pattern is kept, not the root
        assert count() == before
    finally:
        gc.enable()


def test_a_thousand_roots_in_a_row() -> None:
    step = ag.custom_root(lambda x, before, a: x - before + 0.01 * a * x)(lambda x, before, a: before / (1 + 0.01 * a))
    a, x = ag.Value(0.7), ag.Value(1.0)
    for _ in range(1000):
        x = step(None, x, a)
    x.backward()
    assert x.data == pytest.approx(1.007**-1000, rel=1e-12)
    assert a.grad == pytest.approx(-10 * 1.007**-1001, rel=1e-12)
