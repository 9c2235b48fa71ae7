"""Passes: pure functions from graph to graph that leave every result as it is, to the last bit but for fma."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from ... import ops
from ...primitive import Primitive, primitive
from ..trace.comparisons import stop_gradient
from .graph import Graph, Input, What, arguments


@primitive(None, None, None, symbol="×+", native="llvm.fma")
def fma(a: float, b: float, c: float) -> float:
    """a * b + c, rounded once where the machine can."""
    return a * b + c


class Builder:
    """A graph in the making, with one node for each constant and for each operation on the same operands."""

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

    def _node(self, key: object, what: What, args: tuple[int, ...]) -> int:
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = len(self.what)
            self.what.append(what)
            self.operands.append(args)
        return known

    def number(self, node: int) -> float | None:
        """The number of a constant, else None."""
        what = self.what[node]
        return what if type(what) is float else None

    def made_by(self, node: int, op: Primitive) -> tuple[int, ...] | None:
        """The operands of a node that `op` made, else None."""
        return self.operands[node] if self.what[node] is op else None


Rule = Callable[[Builder, Primitive, tuple[int, ...]], int | None]


def rewrite(graph: Graph, rules: Sequence[Rule]) -> Graph:
    """The graph with equal nodes merged, and each node replaced by what the first rule that knows better gives.

    What nothing needs from the start is left out.
    """
    build = Builder()
    place: list[int] = []
    for what, args, wanted in zip(graph.what, graph.operands, graph.needed()):
        if not wanted:
            place.append(-1)
        elif type(what) is Input:
            place.append(build.input(what))
        elif type(what) is float:
            place.append(build.constant(what))
        else:
            moved = tuple([place[k] for k in args])
            for rule in rules:
                found = rule(build, what, moved)  # type: ignore[arg-type]
                if found is not None:
                    break
            else:
                found = build.apply(what, moved)  # type: ignore[arg-type]
            place.append(found)
    return Graph(tuple(build.what), tuple(build.operands), tuple([place[k] for k in graph.outputs]))


def common_subexpressions(graph: Graph) -> Graph:
    """The same operation on the same operands, computed once."""
    return rewrite(graph, [])


def fold(build: Builder, op: Primitive, args: tuple[int, ...]) -> int | None:
    """An operation on constants is a constant: what the eager engine computes."""
    numbers = []
    for k in args:
        what = build.what[k]
        if type(what) is not float:
            return None
        numbers.append(what)
    return build.constant(op.evaluate(*arguments(op, numbers)))


def identity(build: Builder, op: Primitive, args: tuple[int, ...]) -> int | None:
    """Identities that hold for every float, signed zeros, infinities and nan among them."""
    rule = _IDENTITIES.get(op)
    return rule(build, args) if rule is not None else None


def _add(build: Builder, args: tuple[int, ...]) -> int | None:
    a, b = args
    for x, other in ((a, b), (b, a)):
        if _is(build.number(other), -0.0):
            return x
        negated = build.made_by(other, ops.neg)
        if negated is not None:
            return _apply(build, ops.sub, (x, negated[0]))
    return None


def _sub(build: Builder, args: tuple[int, ...]) -> int | None:
    a, b = args
    if _is(build.number(b), 0.0):
        return a
    negated = build.made_by(b, ops.neg)
    if negated is not None:
        return _apply(build, ops.add, (a, negated[0]))
    if _is(build.number(a), -0.0):
        return _apply(build, ops.neg, (b,))
    return None


def _mul(build: Builder, args: tuple[int, ...]) -> int | None:
    for x, other in (args, args[::-1]):
        number = build.number(other)
        if number == 1.0:
            return x
        if number == -1.0:
            return _apply(build, ops.neg, (x,))
    return None


def _div(build: Builder, args: tuple[int, ...]) -> int | None:
    number = build.number(args[1])
    if number is None or not math.isfinite(number) or number == 0.0:
        return None
    if number == 1.0:
        return args[0]
    mantissa, exponent = math.frexp(number)
    if math.fabs(mantissa) == 0.5 and -1000 < exponent < 1000:  # a power of 2, whose reciprocal is exact
        return _apply(build, ops.mul, (args[0], build.constant(1.0 / number)))
    return None


def _neg(build: Builder, args: tuple[int, ...]) -> int | None:
    negated = build.made_by(args[0], ops.neg)
    return negated[0] if negated is not None else None


def _pow(build: Builder, args: tuple[int, ...]) -> int | None:
    """Small whole exponents are products: within 2 ulp of the power, and no intermediate leaves the range early."""
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
    return a if a == b else None


def _stop(build: Builder, args: tuple[int, ...]) -> int | None:
    return args[0]


def _dot(build: Builder, args: tuple[int, ...]) -> int | None:
    """A dot of one product; not a product alone, for -0 + 0 is 0."""
    return args[0] if len(args) == 1 else build.apply(fma, args) if len(args) == 3 else None


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


def _apply(build: Builder, op: Primitive, args: tuple[int, ...]) -> int:
    """The application, itself simplified."""
    for rule in (fold, identity):
        found = rule(build, op, args)
        if found is not None:
            return found
    return build.apply(op, args)


def _is(number: float | None, wanted: float) -> bool:
    return number is not None and number == wanted and math.copysign(1.0, number) == math.copysign(1.0, wanted)


def dead_code(graph: Graph) -> Graph:
    """The nodes that the results need, in their order. Inputs go too where nothing needs them."""
    place: list[int] = []
    what: list[What] = []
    operands: list[tuple[int, ...]] = []
    for each, args, wanted in zip(graph.what, graph.operands, graph.needed()):
        place.append(len(what))
        if wanted:
            what.append(each)
            operands.append(tuple([place[x] for x in args]))
    return Graph(tuple(what), tuple(operands), tuple([place[k] for k in graph.outputs]))


def contract(graph: Graph) -> Graph:
    """Each sum of a product that nothing else needs and another number as one fma; dead code is left behind."""
    uses = graph.uses()
    what, operands = list(graph.what), list(graph.operands)
    for k, (op, args) in enumerate(zip(graph.what, graph.operands)):
        if op is ops.add:
            for product, other in (args, args[::-1]):
                if what[product] is ops.mul and uses[product] == 1:
                    what[k], operands[k] = fma, (*operands[product], other)
                    break
    return Graph(tuple(what), tuple(operands), graph.outputs)


def simplify(graph: Graph) -> Graph:
    """All passes in the order that serves."""
    return dead_code(contract(rewrite(graph, [fold, identity])))
