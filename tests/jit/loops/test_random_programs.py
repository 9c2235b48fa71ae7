"""Random programs of nested loops and branches: traced and compiled they do what the same Python does eagerly.

The oracle is the eager engine, to which a loop is plain Python: it knows no loop, only the operations in it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from programs.loop_programs import programs, run

import autograd as ag
from autograd.jit.graph.passes import simplify
from autograd.jit.runtime.signature import to_argument
from autograd.jit.trace.traced import trace

DIRECTION = np.array([1.0, 0.5, -0.2])
points = st.lists(st.sampled_from([0.3, -0.7, 1.1, 0.5, 0.0]), min_size=3, max_size=3).map(np.array)
few = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))


def functions(program: Any) -> dict[str, Callable[[Any], Any]]:
    """What a program computes, and its derivatives, as functions of an array."""

    def f(x: Any) -> Any:
        return ag.dot(run(program, x.tolist()), [1.0, 0.3, 0.7])

    return {
        "value": f,
        "gradient": ag.grad(f),
        "forward": lambda x: ag.jvp(f, (x,), (DIRECTION,))[1],
        "second": lambda x: ag.hvp(f, (x,), (DIRECTION,)),
    }


def numbers(x: Any) -> Any:
    return np.ravel(np.asarray(x, dtype=float))


def agree(found: Any, wanted: Any) -> bool:
    return np.allclose(numbers(found), numbers(wanted), rtol=1e-9, atol=1e-11, equal_nan=True)


@few
@given(programs, points)
def test_graphs_before_and_after_the_passes(program: Any, x: Any) -> None:
    for name, f in functions(program).items():
        traced = trace(f, [to_argument(x, 0, None, "f:")], "f:")
        inputs, wanted = [*x.tolist(), *[v.data for v in traced.closed_over]], f(x)
        assert agree(traced.graph.evaluate(inputs), wanted), name
        assert agree(simplify(traced.graph).evaluate(inputs), wanted), (name, "simplified")


@settings(few, max_examples=3)
@given(programs, st.lists(points, min_size=2, max_size=5))
def test_compiled_in_a_batch(program: Any, xs: Any) -> None:
    for name, f in functions(program).items():
        found = ag.jit(f, in_axes=0)(np.array(xs))
        assert agree(found, [numbers(f(x)) for x in xs]), name


@pytest.mark.parametrize("order", [1, 2, 3])
def test_derivatives_of_higher_order(order: int) -> None:
    """Of a^(2^6), by squaring: the oracle is the power rule."""

    def f(a: Any) -> Any:
        return ag.fori_loop(0, 6, lambda _, y: y * y, a)

    wanted = 1.1 ** (64 - order)
    for k in range(order):
        wanted *= 64 - k
        f = ag.grad(f)
    assert abs(ag.jit(f)(1.1) - wanted) < 1e-12 * wanted
