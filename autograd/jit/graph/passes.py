"""Passes: pure functions from graph to graph that do not change any result.

One exception changes the last bits: small powers become products. A product and a sum never become one fused
operation, which would round once where the engine rounds twice, so that equal products would no longer cancel.
A new pass is one function and its name in PASSES; a new rewrite, which replaces single nodes, is one
function and its name in REWRITES. The tests find both there.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence

from ... import ops
from ...primitive import Primitive
from ..trace.comparisons import stop_gradient
from .builder import Builder, Rewrite, apply_rewrites, rewrite
from .graph import Graph, What, group_operands
from .loop_passes import simplify_loops
from .roll import roll

# Dots of more products are added up with fma, in order, which is what networks spend their time in. Shorter ones
# are rounded as the engine rounds them: geometry is made of them, and there products do cancel.
SHORT_DOT = 8


def fold(build: Builder, op: Primitive, args: tuple[int, ...]) -> int | None:
    """An operation on constants becomes the constant that the eager engine computes."""
    numbers = []
    for k in args:
        what = build.what[k]
        if type(what) is not float:
            return None
        numbers.append(what)
    return build.constant(op.evaluate(*group_operands(op, numbers)))


def use_identities(build: Builder, op: Primitive, args: tuple[int, ...]) -> int | None:
    """Apply identities that hold for every float: signed zeros, infinities and nan included."""
    identity = _IDENTITIES.get(op)
    return identity(build, args) if identity is not None else None


def _add(build: Builder, args: tuple[int, ...]) -> int | None:
    a, b = args
    for x, other in ((a, b), (b, a)):
        if _is_exactly(build.number(other), -0.0):
            return x
        negated = build.operands_of(other, ops.neg)
        if negated is not None:
            return apply_rewrites(build, REWRITES, ops.sub, (x, negated[0]))
    return None


def _sub(build: Builder, args: tuple[int, ...]) -> int | None:
    a, b = args
    if _is_exactly(build.number(b), 0.0):
        return a
    negated = build.operands_of(b, ops.neg)
    if negated is not None:
        return apply_rewrites(build, REWRITES, ops.add, (a, negated[0]))
    if _is_exactly(build.number(a), -0.0):
        return apply_rewrites(build, REWRITES, ops.neg, (b,))
    return None


def _mul(build: Builder, args: tuple[int, ...]) -> int | None:
    for x, other in (args, args[::-1]):
        number = build.number(other)
        if number == 1.0:
            return x
        if number == -1.0:
            return apply_rewrites(build, REWRITES, ops.neg, (x,))
        negated = build.operands_of(x, ops.neg)
        if number is not None and negated is not None:
            return apply_rewrites(build, REWRITES, ops.mul, (negated[0], build.constant(-number)))
        for factor, inner in _both_ways(build.operands_of(x, ops.mul)):
            power = build.number(inner)
            if number is not None and power is not None and _scales_exactly(power, number):
                return apply_rewrites(build, REWRITES, ops.mul, (factor, build.constant(power * number)))
    return None


def _scales_exactly(power: float, number: float) -> bool:
    """Whether (x · power) · number is x · (power · number) for every x: nothing is rounded, or overflows, but once."""
    is_power = math.fabs(math.frexp(power)[0]) == 0.5
    return is_power and min(math.fabs(power), math.fabs(number)) >= 1 and math.isfinite(power * number)


def _div(build: Builder, args: tuple[int, ...]) -> int | None:
    number = build.number(args[1])
    if number is None or not math.isfinite(number) or number == 0.0:
        return None
    if number == 1.0:
        return args[0]
    mantissa, exponent = math.frexp(number)
    if math.fabs(mantissa) == 0.5 and -1000 < exponent < 1000:  # a power of 2, so its reciprocal is exact
        return apply_rewrites(build, REWRITES, ops.mul, (args[0], build.constant(1.0 / number)))
    return None


def _neg(build: Builder, args: tuple[int, ...]) -> int | None:
    negated = build.operands_of(args[0], ops.neg)
    if negated is not None:
        return negated[0]
    for x, other in _both_ways(build.operands_of(args[0], ops.mul)):
        number = build.number(other)
        if number is not None:
            return apply_rewrites(build, REWRITES, ops.mul, (x, build.constant(-number)))
    return None


def _both_ways(pair: tuple[int, ...] | None) -> Sequence[tuple[int, ...]]:
    return () if pair is None else (pair, pair[::-1])


def _pow(build: Builder, args: tuple[int, ...]) -> int | None:
    """Powers with small whole exponents become products: within 2 ulp, and no intermediate result overflows early."""
    x, number = args[0], build.number(args[1])
    if number is None or number not in (0.0, 1.0, 2.0, 3.0, 4.0, -1.0):
        return None
    if number == 0.0:
        return build.constant(1.0)
    if number == -1.0:
        return build.apply(ops.div, (build.constant(1.0), x))
    if number == 1.0:
        return x
    square = build.apply(ops.mul, (x, x))
    if number == 2.0:
        return square
    return build.apply(ops.mul, (square, x if number == 3.0 else square))


def _where(build: Builder, args: tuple[int, ...]) -> int | None:
    condition, a, b = args
    number = build.number(condition)
    if number is not None:
        return a if number else b
    if a == b:
        return a
    inner = build.operands_of(condition, ops.where)  # where(where(c, 1, 0), a, b) is where(c, a, b)
    if inner is not None:
        yes, no = build.number(inner[1]), build.number(inner[2])
        if yes is not None and no is not None:
            return apply_rewrites(build, REWRITES, ops.where, (inner[0], a if yes else b, a if no else b))
    return None


def _stop(build: Builder, args: tuple[int, ...]) -> int | None:
    return args[0]


def _dot(build: Builder, args: tuple[int, ...]) -> int | None:
    """A short dot without a bias becomes a sum of products, which is rounded once. With a bias it is a neuron.

    The bias of adjoints is -0.0: their terms are added in order, as in the engine's sweep on floats.
    """
    bias, half = build.number(args[-1]), len(args) // 2
    if bias is None or bias != 0.0 or not 0 < half <= SHORT_DOT:
        return None
    products = [apply_rewrites(build, REWRITES, ops.mul, pair) for pair in zip(args[:half], args[half:-1])]
    if math.copysign(1.0, bias) < 0:
        return functools.reduce(lambda a, b: apply_rewrites(build, REWRITES, ops.add, (a, b)), products)
    return apply_rewrites(build, REWRITES, ops.sum, tuple(products))


_IDENTITIES: dict[Primitive, Callable[[Builder, tuple[int, ...]], int | None]] = {
    ops.add: _add,
    ops.sub: _sub,
    ops.mul: _mul,
    ops.div: _div,
    ops.neg: _neg,
    ops.pow: _pow,
    ops.where: _where,
    ops.dot: _dot,
    stop_gradient: _stop,
}


def _is_exactly(number: float | None, wanted: float) -> bool:
    return number is not None and number == wanted and math.copysign(1.0, number) == math.copysign(1.0, wanted)


def remove_dead_code(graph: Graph) -> Graph:
    """The nodes that the results need, in their order. Inputs that nothing needs are removed too."""
    place: list[int] = []
    what: list[What] = []
    operands: list[tuple[int, ...]] = []
    for each, args, wanted in zip(graph.what, graph.operands, graph.needed()):
        place.append(len(what))
        if wanted:
            what.append(each)
            operands.append(tuple([place[x] for x in args]))
    return Graph(tuple(what), tuple(operands), tuple([place[k] for k in graph.outputs]))


Pass = Callable[[Graph], Graph]

REWRITES: tuple[Rewrite, ...] = (fold, use_identities)


def rewrite_nodes(graph: Graph) -> Graph:
    """The graph after all rewrites."""
    return rewrite(graph, REWRITES)


def reduce_loops(graph: Graph) -> Graph:
    """The graph with smaller loops, after all rewrites: what was computed in a loop may equal what is outside."""
    reduced = simplify_loops(graph, simplify)
    return graph if reduced is graph else rewrite_nodes(reduced)


def roll_rows(graph: Graph) -> Graph:
    """The graph with loops in place of rows of equal operations, after all rewrites: a stack of a row is that row."""
    rolled = roll(graph)
    return graph if rolled is graph else rewrite_nodes(rolled)


PASSES: tuple[Pass, ...] = (rewrite_nodes, reduce_loops, roll_rows, remove_dead_code)


def simplify(graph: Graph) -> Graph:
    """The graph after all passes, in their order."""
    for each in PASSES:
        graph = each(graph)
    return graph
