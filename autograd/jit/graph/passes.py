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
from .graph import Graph, Input, What, group_operands
from .loop_passes import simplify_loops
from .loops import At, Loop, Stack

# Dots of more products are added up with fma, in order, which is what networks spend their time in. Shorter ones
# are rounded as the engine rounds them: geometry is made of them, and there products do cancel.
SHORT_DOT = 8


class Builder:
    """Builds a graph in which equal nodes are one: equal constants, and equal operations on the same operands."""

    def __init__(self) -> None:
        self.what: list[What] = []
        self.operands: list[tuple[int, ...]] = []
        self._known: dict[object, int] = {}

    def constant(self, x: float) -> int:
        return self._node(x.hex(), x, ())

    def input(self, given: Input) -> int:
        return self._node(given, given, ())

    def apply(self, op: Primitive, args: tuple[int, ...]) -> int:
        return self._node((op, args), op, args)

    def other(self, what: What, args: tuple[int, ...]) -> int:
        """A loop, or what reads or feeds one."""
        if type(what) is At and type(self.what[args[0]]) is Stack:
            return self.operands[args[0]][what.place]
        return self._node((type(what), _loop_key(what) if type(what) is Loop else what, args), what, args)

    def _node(self, key: object, what: What, args: tuple[int, ...]) -> int:
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = len(self.what)
            self.what.append(what)
            self.operands.append(args)
        return known

    def number(self, node: int) -> float | None:
        """The number of a constant; None for other nodes."""
        what = self.what[node]
        return what if type(what) is float else None

    def operands_of(self, node: int, op: Primitive) -> tuple[int, ...] | None:
        """The operands of a node, if its primitive is `op`; otherwise None."""
        return self.operands[node] if self.what[node] is op else None


Rewrite = Callable[[Builder, Primitive, tuple[int, ...]], int | None]
Pass = Callable[[Graph], Graph]


def rewrite(graph: Graph, rewrites: Sequence[Rewrite]) -> Graph:
    """Merge equal nodes, drop those that nothing needs, and replace each node by the first rewrite that applies.

    A rewrite gets a builder, a primitive and its operands. It returns the node that replaces the
    application of the primitive, or None if it does not apply.
    """
    build = Builder()
    place: list[int] = []
    for what, args, needed in zip(graph.what, graph.operands, graph.needed()):
        if not needed:
            place.append(-1)
        elif isinstance(what, Input):
            place.append(build.input(what))
        elif isinstance(what, float):
            place.append(build.constant(what))
        elif isinstance(what, Primitive):
            place.append(_apply(build, rewrites, what, tuple([place[k] for k in args])))
        else:
            place.append(build.other(what, tuple([place[k] for k in args])))
    return Graph(tuple(build.what), tuple(build.operands), tuple([place[k] for k in graph.outputs]))


def _loop_key(loop: Loop) -> object:
    """Equal for loops that do the same."""
    graphs = []
    for graph in (loop.body, loop.condition):
        if graph is not None:
            whats = [
                x.hex() if type(x) is float else _loop_key(x) if type(x) is Loop else (type(x), x) for x in graph.what
            ]
            graphs.append((tuple(whats), graph.operands, graph.outputs))
    return tuple(graphs), loop.carries, loop.stacks, loop.backward, loop.limit


def _apply(build: Builder, rewrites: Sequence[Rewrite], op: Primitive, args: tuple[int, ...]) -> int:
    """The node of an application, rewritten if a rewrite applies."""
    for each in rewrites:
        found = each(build, op, args)
        if found is not None:
            return found
    return build.apply(op, args)


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
            return _apply(build, REWRITES, ops.sub, (x, negated[0]))
    return None


def _sub(build: Builder, args: tuple[int, ...]) -> int | None:
    a, b = args
    if _is_exactly(build.number(b), 0.0):
        return a
    negated = build.operands_of(b, ops.neg)
    if negated is not None:
        return _apply(build, REWRITES, ops.add, (a, negated[0]))
    if _is_exactly(build.number(a), -0.0):
        return _apply(build, REWRITES, ops.neg, (b,))
    return None


def _mul(build: Builder, args: tuple[int, ...]) -> int | None:
    for x, other in (args, args[::-1]):
        number = build.number(other)
        if number == 1.0:
            return x
        if number == -1.0:
            return _apply(build, REWRITES, ops.neg, (x,))
        negated = build.operands_of(x, ops.neg)
        if number is not None and negated is not None:
            return _apply(build, REWRITES, ops.mul, (negated[0], build.constant(-number)))
        for factor, inner in _both_ways(build.operands_of(x, ops.mul)):
            twice = build.number(inner)  # as in slopes of squares; doubling rounds nothing, and overflows no earlier
            if number is not None and twice in (2.0, -2.0) and 1 <= math.fabs(number) < 1e300:
                return _apply(build, REWRITES, ops.mul, (factor, build.constant(twice * number)))
    return None


def _div(build: Builder, args: tuple[int, ...]) -> int | None:
    number = build.number(args[1])
    if number is None or not math.isfinite(number) or number == 0.0:
        return None
    if number == 1.0:
        return args[0]
    mantissa, exponent = math.frexp(number)
    if math.fabs(mantissa) == 0.5 and -1000 < exponent < 1000:  # a power of 2, so its reciprocal is exact
        return _apply(build, REWRITES, ops.mul, (args[0], build.constant(1.0 / number)))
    return None


def _neg(build: Builder, args: tuple[int, ...]) -> int | None:
    negated = build.operands_of(args[0], ops.neg)
    if negated is not None:
        return negated[0]
    for x, other in _both_ways(build.operands_of(args[0], ops.mul)):
        number = build.number(other)
        if number is not None:
            return _apply(build, REWRITES, ops.mul, (x, build.constant(-number)))
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
            return _apply(build, REWRITES, ops.where, (inner[0], a if yes else b, a if no else b))
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
    products = [_apply(build, REWRITES, ops.mul, pair) for pair in zip(args[:half], args[half:-1])]
    if math.copysign(1.0, bias) < 0:
        return functools.reduce(lambda a, b: _apply(build, REWRITES, ops.add, (a, b)), products)
    return _apply(build, REWRITES, ops.sum, tuple(products))


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


REWRITES: tuple[Rewrite, ...] = (fold, use_identities)


def rewrite_nodes(graph: Graph) -> Graph:
    """The graph after all rewrites."""
    return rewrite(graph, REWRITES)


def reduce_loops(graph: Graph) -> Graph:
    """The graph with smaller loops, after all rewrites: what was computed in a loop may equal what is outside."""
    reduced = simplify_loops(graph, simplify)
    return graph if reduced is graph else rewrite_nodes(reduced)


PASSES: tuple[Pass, ...] = (rewrite_nodes, reduce_loops, remove_dead_code)


def simplify(graph: Graph) -> Graph:
    """The graph after all passes, in their order."""
    for each in PASSES:
        graph = each(graph)
    return graph
