"""Roots in the bodies of compiled loops: their derivatives, against the same steps recorded whole and closed forms."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

import autograd as ag


def test_derivatives_in_the_body_of_a_loop() -> None:
    """Steps of the implicit Euler method, y = y0 + h·f(y), beside the same steps by Newton's method, recorded whole."""

    def residual(x: Any, y: Any, a: Any) -> Any:
        return [x[0] - y[0] - 0.1 * x[1], x[1] - y[1] + a * ag.sin(x[0]) * x[1]]

    def newton(x: Any, y: Any, a: Any) -> Any:
        for _ in range(8):
            (b, c), d, e = residual(x, y, a), a * ag.cos(x[0]) * x[1], 1.0 + a * ag.sin(x[0])
            determinant = e + 0.1 * d
            x = [x[0] - (e * b + 0.1 * c) / determinant, x[1] - (c - d * b) / determinant]
        return x

    def run(solve: Any, p: Any) -> Any:
        y, rows = ag.scan(lambda y, _: (solve(y, y, p[2]), y[0]), [p[0], p[1]], length=4)
        return y[0] * y[1] + rows[2]

    def forward(f: Any) -> Any:
        return lambda p: ag.jvp(f, (p,), (np.array([1.0, 0.5, -0.2]),))[1]

    points = np.array([[0.3, -0.7, 0.4], [1.1, 0.2, 0.9], [0.5, 0.4, -0.3]])
    implicit = ag.custom_root(residual)(newton)
    for transform in (ag.grad, ag.hessian, forward):
        wanted = transform(functools.partial(run, newton))
        found = ag.jit(transform(functools.partial(run, implicit)), in_axes=0)(points)
        np.testing.assert_allclose(found, [wanted(p) for p in points], rtol=1e-11, atol=1e-12)


def test_in_the_body_of_a_loop_what_is_no_root_has_no_derivative() -> None:
    @ag.custom_root(lambda x, a: x * x - a)
    def root(x: Any, a: Any) -> Any:
        return ag.where(a > 2.0, x, ag.sqrt(a))

    program = ag.jit(ag.grad(lambda a: ag.fori_loop(0, 2, lambda _, y: root(1.0, y), a)), in_axes=0)
    np.testing.assert_allclose(program(np.array([3.0, 1.5])), [np.nan, 0.25 * 1.5**-0.75], rtol=1e-14)


def test_derivatives_of_a_loop_that_solves_by_a_loop_from_a_guess_outside() -> None:
    @ag.custom_root(lambda x, a: x * x - a)
    def root(x: Any, a: Any) -> Any:
        return ag.fori_loop(0, 8, lambda _, x: 0.5 * (x + a / x), x)

    def total(root: Any, a: Any) -> Any:
        return ag.scan(lambda c, _: (c + root(a, a + c), None), 0.0, length=3)[0]

    closed = functools.partial(total, lambda _, a: ag.sqrt(a))
    for transform in (lambda f: f, ag.grad, lambda f: ag.grad(ag.grad(f))):
        found = ag.jit(transform(functools.partial(total, root)))(2.0)
        np.testing.assert_allclose(found, transform(closed)(2.0), rtol=1e-13)
