"""Copies of rules in ops.py, spelled out for speed: the operations that take most of the time, forward and backward.

Nothing here is new. tests/engine/test_fast_paths.py proves each copy equal to its primitive, bit for bit, and
`make bench` shows how much time it saves. To understand the engine, you can skip this file.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from . import ops
from .node import Node, mypyc_attr, on_record
from .primitive import Primitive

if TYPE_CHECKING:
    from .value import Value  # value.py, which derives it from Arithmetic, sets this name

_ADD: Final = ops.add
_SUB: Final = ops.sub
_MUL: Final = ops.mul
_DOT: Final = ops.dot
_SUM: Final = ops.sum
_EXP: Final = ops.exp
_RELU: Final = ops.relu


@mypyc_attr(allow_interpreted_subclasses=True)
class Arithmetic(Node):
    """The fields of a Value, and the operators that have copies. The type Any includes NotImplemented."""

    # _a, _b and _c are the arguments of op: Values, floats for constants, tuples of both for a sequence.
    # _value is the number: numpy.ma would take an attribute _data without asking, and lose the derivative.
    # _mark says which traversal visited the node last.
    __slots__ = ("_a", "_b", "_c", "_grad", "_label", "_mark", "_value", "op")

    _value: float
    _grad: float
    _label: str
    op: Primitive | None
    _a: Any
    _b: Any
    _c: Any
    _mark: int

    def __add__(self, other: Any) -> Value | Any:
        if type(other) is Value:
            return record(self._value + other._value, _ADD, self, other)
        if type(other) is float or type(other) is int:
            constant = float(other)
            return record(self._value + constant, _ADD, self, constant)
        return _ADD.operator(self, other)

    def __radd__(self, other: Any) -> Value | Any:
        if type(other) is float or type(other) is int:
            constant = float(other)
            return record(constant + self._value, _ADD, constant, self)
        return _ADD.operator(other, self)

    def __sub__(self, other: Any) -> Value | Any:
        if type(other) is Value:
            return record(self._value - other._value, _SUB, self, other)
        if type(other) is float or type(other) is int:
            constant = float(other)
            return record(self._value - constant, _SUB, self, constant)
        return _SUB.operator(self, other)

    def __rsub__(self, other: Any) -> Value | Any:
        if type(other) is float or type(other) is int:
            constant = float(other)
            return record(constant - self._value, _SUB, constant, self)
        return _SUB.operator(other, self)

    def __mul__(self, other: Any) -> Value | Any:
        if type(other) is Value:
            return record(self._value * other._value, _MUL, self, other)
        if type(other) is float or type(other) is int:
            constant = float(other)
            return record(self._value * constant, _MUL, self, constant)
        return _MUL.operator(self, other)

    def __rmul__(self, other: Any) -> Value | Any:
        if type(other) is float or type(other) is int:
            constant = float(other)
            return record(constant * self._value, _MUL, constant, self)
        return _MUL.operator(other, self)

    def _record_unary(self, op: Primitive) -> Value:
        """The Value that applies `op` to this one; see Node."""
        if op is _RELU:
            return record(0.0 if self._value <= 0.0 else self._value, _RELU, self)
        return record(op.evaluate(self._value), op, self)


def record(data: float, op: Primitive, a: Any, b: Any = None, c: Any = None) -> Value:
    """The Value that `op` makes of the arguments a, b and c. Value.__init__, which makes leaves, is not called."""
    node: Value = Value.__new__(Value)
    node._value = data
    node._grad = 0.0
    node._label = ""
    node.op = op
    node._a = a
    node._b = b
    node._c = c
    node._mark = 0
    if on_record:
        for hook in tuple(on_record):  # a copy, as a hook may remove itself
            hook(node)
    return node


def dot(ws: Sequence[Value | float], xs: Sequence[Value | float], bias: Any = 0.0) -> Any:
    """The sum of the products of ws and xs, plus bias: a single node. The sum is rounded once.

    Args:
        ws, xs: two sequences of numbers and Values, of the same length. A tuple is kept as it is, which
            saves memory if it is used again; any other sequence is copied into a tuple.
        bias: a number or Value to add.

    Returns:
        A Value, or a float if there is no Value among the arguments.

    Raises:
        ValueError: if ws and xs differ in length.
        TypeError: if an item in them is neither a number nor a Value.

    >>> from autograd import Value
    >>> dot([1.0, 2.0], [3.0, 4.0], 0.5)
    11.5
    >>> x = Value(2.0)
    >>> dot([x, 1.0], [x, 3.0])
    Value(data=7.0, grad=0.0)
    """
    # A neuron: Values and floats in two tuples of the same length, and a Value as bias.
    if type(bias) is Value and type(ws) is tuple and type(xs) is tuple and len(ws) == len(xs):
        value: Value  # an item that is not a float; the declaration lets a compiler reach its number directly
        other: Value
        terms: list[float] = []
        try:
            for w, x in zip(ws, xs):
                if type(w) is float:
                    value = x
                    terms.append(w * value._value)
                else:
                    value = w
                    if type(x) is float:
                        terms.append(value._value * x)
                    else:
                        other = x
                        terms.append(value._value * other._value)
            terms.append(bias._value)
            return record(math.fsum(terms), _DOT, ws, xs, bias)
        except (AttributeError, TypeError, ValueError, OverflowError):
            pass  # the primitive handles numbers of other types, and infinities
    return _DOT.apply((ws, xs, bias))


def is_fast(op: Primitive | None) -> bool:
    """Whether pass_back has a copy of this primitive's rule."""
    return op is _MUL or op is _ADD or op is _SUB or op is _DOT or op is _RELU or op is _SUM or op is _EXP


def pass_back(node: Value, adjoint: float) -> None:
    """Add the adjoint of a node times the partial to the grad of each parent, in the order of the arguments."""
    op, a, b = node.op, node._a, node._b
    parent: Value  # an argument that is not a float; the declaration lets a compiler reach its fields directly
    other: Value
    if op is _MUL:
        if type(a) is float:
            parent = b
            parent._grad += adjoint * a
        elif type(b) is float:
            parent = a
            parent._grad += adjoint * b
        else:
            parent, other = a, b
            parent._grad += adjoint * other._value
            other._grad += adjoint * parent._value
    elif op is _DOT:
        if adjoint == 0.0 and math.isfinite(node._value):
            return  # every factor is finite, so every product would be 0
        _pass_back_products(a, b, adjoint)
        _pass_back_products(b, a, adjoint)
        if type(node._c) is not float:
            parent = node._c
            parent._grad += adjoint
    elif op is _RELU:
        parent = a
        if not parent._value <= 0.0:
            parent._grad += adjoint
    elif op is _EXP:
        parent = a
        parent._grad += adjoint * node._value
    elif op is _SUM:
        terms: tuple[Any, ...] = a
        for x in terms:
            if type(x) is not float:
                parent = x
                parent._grad += adjoint
    else:
        if type(a) is not float:
            parent = a
            parent._grad += adjoint
        if type(b) is not float:
            parent = b
            parent._grad += adjoint if op is _ADD else -adjoint


def _pass_back_products(xs: tuple[Any, ...], factors: tuple[Any, ...], adjoint: float) -> None:
    """Add the adjoint times its factor to the grad of each Value in xs."""
    parent: Value
    other: Value
    for x, factor in zip(xs, factors):
        if type(x) is not float:
            parent = x
            if type(factor) is float:
                parent._grad += adjoint * factor
            else:
                other = factor
                parent._grad += adjoint * other._value


def dot_partials(node: Value) -> list[tuple[Value, float]]:
    """The parents of a dot, each with the derivative with respect to it, as local_derivatives() gives them."""
    found: list[tuple[Value, float]] = []
    for xs, factors in ((node._a, node._b), (node._b, node._a)):
        for x, factor in zip(xs, factors):
            if type(x) is not float:
                found.append((x, factor if type(factor) is float else factor._value))
    if type(node._c) is not float:
        found.append((node._c, 1.0))
    return found
