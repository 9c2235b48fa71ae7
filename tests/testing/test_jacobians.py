"""Checks of hand-written Jacobians, Hessians and Jacobian products: right ones pass, planted mistakes are named."""

import math
import re
from typing import Any

import numpy as np
import pytest

import autograd as ag
from autograd.testing import (
    GradientError,
    GradientWarning,
    check_hessian,
    check_jacobian,
    check_jvp,
    check_vjp,
)

A = np.random.default_rng(0).normal(size=(4, 3))
X = np.array([0.3, -1.2, 0.7])


def f(x: Any) -> Any:
    return np.tanh(A @ x)


def jacobian(x: Any) -> Any:
    return (1 - np.tanh(A @ x) ** 2)[:, None] * A


def test_jacobians() -> None:
    assert len(check_jacobian(f, X, jacobian=jacobian, strict=True).checked) == 12
    with pytest.raises(GradientError, match=r"1 of 12 derivatives is wrong\n.*\n  the result\[2\], x\[1\] "):
        check_jacobian(f, X, jacobian=lambda x: jacobian(x) * np.where(np.arange(12).reshape(4, 3) == 7, 1.001, 1))
    with pytest.raises(ValueError, match=re.escape("the Jacobian of the result must have shape (4, 3), got (3, 4)")):
        check_jacobian(f, X, jacobian=lambda x: jacobian(x).T)
    with pytest.raises(TypeError, match="jacobian= must be a function that returns the derivatives, got a NumPy array"):
        check_jacobian(f, X, jacobian=jacobian(X))


def test_jacobians_of_structures() -> None:
    def parts(x: Any, y: float) -> Any:
        return {"product": x * y, "sum": x.sum()}

    def right(x: Any, y: float) -> Any:
        return {"product": (np.eye(2) * y, x), "sum": (np.ones(2), 0.0)}

    assert len(check_jacobian(parts, np.array([1.0, 2.0]), 3.0, jacobian=right).checked) == 9
    check_jacobian(parts, np.array([1.0, 2.0]), 3.0, argnums=1, jacobian=lambda x, y: {"product": x, "sum": 0.0})
    with pytest.raises(GradientError, match=r"the result\['sum'\], y +1 "):
        check_jacobian(parts, np.array([1.0, 2.0]), 3.0, jacobian=lambda x, y: right(x, y) | {"sum": (np.ones(2), 1.0)})
    check_jacobian(lambda x: math.sin(x), 2.0, jacobian=math.cos)


def test_hessians_from_values_and_from_a_gradient() -> None:
    def scalar(x: Any) -> Any:
        return np.sum(f(x) ** 2)

    def gradient(x: Any) -> Any:
        return 2 * f(x) @ jacobian(x)

    hessian = ag.hessian(scalar)
    planted = np.ones((3, 3))
    planted[1, 2] = 1.001
    assert len(check_hessian(scalar, X, hessian=hessian).checked) == 9
    assert len(check_hessian(scalar, X, hessian=hessian, gradient=gradient, strict=True).checked) == 12
    for options in ({}, {"gradient": gradient}):
        with pytest.raises(GradientError, match=r"1 of .* derivatives is wrong\n.*\n  x\[1\], x\[2\] "):
            check_hessian(scalar, X, hessian=lambda x: hessian(x) * planted, **options)
    with pytest.raises(GradientError, match=r"\n  x\[0\] "):
        check_hessian(scalar, X, hessian=hessian, gradient=lambda x: gradient(x) * [1.001, 1, 1])


def test_zeros_of_a_hessian_are_told() -> None:
    checked = check_hessian(
        lambda x: x[0] ** 2 * x[1] + x[2], np.array([3.0, 5.0, 1.0]), strict=True,
        hessian=lambda x: np.array([[2 * x[1], 2 * x[0], 0], [2 * x[0], 0, 0], [0, 0, 0.0]]),
    )  # fmt: skip
    assert len(checked.checked) == 9


def test_products_with_tangents() -> None:
    assert len(check_jvp(f, X, jvp=lambda x, dx: jacobian(x) @ dx, strict=True).checked) == 12
    check_jvp(lambda x, y: x * y, X, 2.0, jvp=lambda x, y, dx, dy: dx * y + x * dy)
    check_jvp(lambda x, n: x**n, 2.0, 3, argnums=0, jvp=lambda x, n, dx: n * x ** (n - 1) * dx)
    check_jvp(lambda x: [x.sum(), x], X, jvp=lambda x, dx: [dx.sum(), dx])
    with pytest.raises(GradientError, match=r"12 of 12 derivatives are wrong\n.*\n  the result\[.\], tangent . "):
        check_jvp(f, X, jvp=lambda x, dx: 1.001 * jacobian(x) @ dx)
    with pytest.raises(ValueError, match=r"what jvp= returns for the result must have shape \(4,\), got \(3,\)"):
        check_jvp(f, X, jvp=lambda x, dx: dx)


def test_products_with_cotangents() -> None:
    assert len(check_vjp(f, X, vjp=lambda x, g: g @ jacobian(x), strict=True).checked) == 9
    check_vjp(lambda x, y: x * y, X, 2.0, vjp=lambda x, y, g: (g * y, float(g @ x)))
    check_vjp(lambda x: math.sin(x), 2.0, vjp=lambda x, g: math.cos(x) * g)
    check_vjp(lambda x: {"a": x[0], "b": x * x}, X, vjp=lambda x, g: 2 * x * g["b"] + g["a"] * np.eye(3)[0])
    with pytest.raises(GradientError, match=r"3 of 9 derivatives are wrong\n.*\n  x\[1\], cotangent"):
        check_vjp(f, X, vjp=lambda x, g: g @ jacobian(x) * [1, 1.001, 1])
    with pytest.raises(ValueError, match=r"what vjp= returns for x must have shape \(3,\), got \(4,\)"):
        check_vjp(f, X, vjp=lambda x, g: g)


def test_a_rule_that_works_for_cotangents_of_1_only_is_found() -> None:
    with pytest.raises(GradientError):
        check_vjp(f, X, vjp=lambda x, g: np.ones(4) @ jacobian(x))


def test_kinks_and_jumps() -> None:
    with pytest.warns(GradientWarning, match="at a kink"):
        check_jacobian(abs, np.array([0.0, 1.0]), jacobian=lambda x: np.diag(np.sign(x)))
    with pytest.warns(GradientWarning, match="at a kink"):
        check_vjp(abs, np.array([0.0, 1.0]), vjp=lambda x, g: np.sign(x) * g)
    with pytest.raises(GradientError, match="the function jumps"):
        check_vjp(np.floor, np.array([2.0, 1.5]), vjp=lambda x, g: 0 * g)


def test_options_are_checked() -> None:
    for check in (check_jacobian, check_hessian, check_jvp, check_vjp):
        name, option = check.__name__, check.__name__.removeprefix("check_")
        with pytest.raises(ValueError, match=rf"{name}\(\): rtol must be a number of 0 or more, got"):
            check(np.sum, X, rtol=-1.0, **{option: np.cos})  # type: ignore[operator]
        with pytest.raises(TypeError, match=rf"{name}\(sum\): {option}= must be a function that returns the"):
            check(np.sum, X, **{option: 3})  # type: ignore[operator]
