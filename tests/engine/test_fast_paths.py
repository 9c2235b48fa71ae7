"""The fast paths of backward() equal the rules of their primitives, bit for bit, also for inf, nan and both zeros."""

import itertools
import math
import struct
from collections.abc import Callable, Sequence
from math import inf, nan
from typing import Any

import pytest

import autograd as ag
from autograd import chain, fast, ops

EDGES = (0.0, -0.0, 1.5, -0.1, 1e308, 5e-324, inf, -inf, nan)


def bits(x: float) -> bytes:
    return b"nan" if math.isnan(x) else struct.pack("d", x)


# The operations with fast paths, as primitives with the same rules that backward() does not recognise.
UNKNOWN = {
    op: ag.Primitive(
        op.function,
        op.partials,
        sequences=[name for name, many in zip(op.signature.parameters, op.takes_sequence) if many],
        ieee=op.ieee,
    )
    for op in (ops.add, ops.sub, ops.mul, ops.dot, ops.sum, ops.relu, ops.exp)
}


def gradients(function: Callable[..., Any], data: Sequence[float], adjoint: float, by_rule: bool) -> list[bytes]:
    leaves = [ag.Value(x) for x in data]
    out = function(*leaves)
    if by_rule:
        out.op = UNKNOWN[out.op]
    out.backward(adjoint)
    return [bits(leaf.grad) for leaf in leaves]


def assert_fast_is_the_rule(function: Callable[..., Any], count: int, edges: Sequence[float] = EDGES) -> None:
    for data in itertools.product(edges, repeat=count):
        for adjoint in EDGES:
            fast, rule = (gradients(function, data, adjoint, by_rule) for by_rule in (False, True))
            assert fast == rule, f"{data} with adjoint {adjoint}"


@pytest.mark.parametrize(
    "function",
    [
        lambda a, b: a + b,
        lambda a, b: a - b,
        lambda a, b: a * b,
        lambda a, b: ag.exp(a),
        lambda a, b: ag.dot([a], [b]),
        lambda a, b: ag.dot([a, 2.0], [0.3, b]),
        lambda a, b: ag.dot((a, 0.1), (3.0, 5.0), b),
        lambda a, b: ag.dot([2.0], [b], a),
        lambda a, b: ag.sum([a, b, 1.0]),
        lambda a, b: ag.sum([b, 0.1, b, a, b]),
    ],
    ids=["add", "sub", "mul", "exp", "dot", "dot-mixed", "dot-bias", "dot-weights", "sum", "sum-repeated"],
)
def test_fast_paths_of_two_values_are_the_rules(function: Callable[..., Any]) -> None:
    assert_fast_is_the_rule(function, 2)


@pytest.mark.parametrize(
    "function",
    [
        lambda a: a + 0.1, lambda a: 0.1 + a, lambda a: a + a,
        lambda a: a - 0.1, lambda a: 0.1 - a, lambda a: a - a,
        lambda a: a * 0.1, lambda a: inf * a, lambda a: a * 0.0, lambda a: a * a,
        lambda a: ag.dot([a, a], [0.1, a], a),
    ],
)  # fmt: skip
def test_fast_paths_of_one_value_are_the_rules(function: Callable[..., Any]) -> None:
    assert_fast_is_the_rule(function, 1)


def test_the_fast_path_of_relu_is_the_rule() -> None:
    """With an infinite adjoint too: 0 · inf is nan, both in backward() and in backward(create_graph=True)."""
    assert_fast_is_the_rule(ag.relu, 1)


def test_the_fast_path_of_dot_is_the_rule_for_nodes_that_occur_again() -> None:
    """Contributions are added in the same order by the fast path, by the rule, and on Values."""
    numbers = (0.1, 0.7, -1.3)
    assert_fast_is_the_rule(lambda a, b, c: ag.dot([a, b, a], [b, c, c], a), 3, numbers)
    assert_fast_is_the_rule(lambda a, b, c: ag.dot([a, a, b, c], [a, c, a, 0.1], b), 3, numbers)


def test_fast_and_generic_nodes_mixed_give_what_the_rules_give_on_values() -> None:
    for data in itertools.product((0.3, -1.7, 2.0), repeat=2):
        a, b = map(ag.Value, data)
        out = ag.dot([a, b.tanh(), 2.0], [b * a, a - b, ag.exp(a)], ag.relu(b)) * ag.sum([a, b, 0.5])
        out.backward()
        plain = a.grad, b.grad
        derivatives = out.backward(create_graph=True)
        assert (derivatives[a].data, derivatives[b].data) == plain


def test_the_partials_of_dot_are_those_of_its_rule() -> None:
    for data in itertools.product(EDGES, repeat=3):
        a, b, c = map(ag.Value, data)
        for node in (ag.dot([a, b, 2.0], [b, 0.1, c], a), ag.dot((a, 0.5), (3.0, b))):
            pairs = zip(fast.dot_partials(node), chain.local_derivatives(node), strict=True)
            assert all(x is y and bits(d) == bits(e) for (x, d), (y, e) in pairs)
