"""Loops in functions that decide by their numbers: a loop does not run for the elements of another path."""

from typing import Any

import numpy as np

import autograd as ag

XS = np.array([1.0, 2.0, -1.0, 0.5, -3.0, 0.0])


def grow(x: Any) -> Any:
    """The loop has no end for x <= 0."""
    if x > 0:
        return ag.while_loop(lambda c: c[0] < 10.0, lambda c: (c[0] + x, c[1] * 1.1), (0.0 * x, x))[1]
    return -x


def count(x: Any) -> Any:
    """The first loop takes very many steps for x <= 0, and the second one has no end for n <= 0."""
    if x > 0:
        n = ag.fori_loop(0, 1e15 * (x <= 0) + 3, lambda i, c: c + x, 0.0)
        if n > 2:
            return ag.while_loop(lambda c: c < 10.0, lambda c: c + n, x)
        return n
    return -x


def test_a_loop_does_not_run_for_elements_of_another_path() -> None:
    for f, ways in [(grow, 2), (count, 3)]:
        program = ag.jit(f, in_axes=0)
        values, slopes = program.value_and_grad(XS)
        assert values.tolist() == [float(f(x)) for x in XS.tolist()]
        assert slopes.tolist() == [ag.grad(f)(x) for x in XS.tolist()]
        assert len(program.paths) == ways
        curvature = ag.grad(ag.grad(f))
        assert ag.jit(curvature, in_axes=0)(XS).tolist() == [curvature(x) for x in XS.tolist()]


def test_the_derivative_of_a_loop_takes_no_decision_of_its_own() -> None:
    program = ag.jit(count)
    program.value_and_grad(1.0)
    ((decisions, _),) = program.paths
    assert [line.partition(":")[2] for line, *_ in decisions] == [
        str(count.__code__.co_firstlineno + k) for k in (2, 4)
    ]
