"""Value: a number that remembers how it was made, and backward(), which differentiates it."""

from __future__ import annotations

import math
from typing import Any, Literal, SupportsIndex, overload

from . import chain, fast, ops
from .fast import Arithmetic, dot
from .mypyc import mypyc_attr
from .node import on_backward, on_record
from .primitive import Primitive, as_float, describe, is_number

__all__ = ["Value", "dot"]


@mypyc_attr(allow_interpreted_subclasses=True)
class Value(Arithmetic):
    """A real number in a computation graph.

    Arithmetic on Values, alone or with plain numbers, gives new Values that remember the operation
    and its arguments. `backward()` on a result fills `grad`, the derivative of that result, in
    every Value that it was computed from.

    Args:
        data: the number (int, float, NumPy scalar or 0-d array), kept as a float.
        label: a name, for pictures and messages.

    Attributes:
        data: the number, a float. Assign to a leaf's to change it, as an optimizer does.
        grad: the derivative, with respect to this Value, of the result backward() was called on.
            A leaf's accumulates from call to call; set it to 0.0 to start afresh.
        label: the name.
        op: the primitive that made this Value, None for a leaf.

    Raises:
        TypeError: if `data` is not a real number or `label` not a string.

    `==` and the other comparisons compare numbers, with Values and with plain numbers alike; as a
    key of a dict or a member of a set a Value stands for itself, not for its number.

    Subclasses are leaves: what operations on them make are Values. A Value cannot be weakly referenced.
    In the C build (see `autograd.__build__`) the cycle collector does not look at Values, so a cycle
    through one is never freed, such as a subclass's attribute that was computed from itself.

    >>> x = Value(3.0)
    >>> y = x * x + 1
    >>> y.backward()
    >>> y.data, x.grad
    (10.0, 6.0)
    """

    __slots__ = ()

    def __init__(
        self, data: Any, label: Any = "", op: Primitive | None = None, a: Any = None, b: Any = None, c: Any = None
    ) -> None:
        if op is None:
            if type(label) is not str:
                label = _name(label)
            if type(data) is not float:
                data = _number(data)
        self._data = data
        self._grad = 0.0
        self._label = label
        self.op = op
        self._a = a
        self._b = b
        self._c = c
        self._mark = 0
        if on_record and op is not None:
            for tell in on_record:
                tell(self)

    def _record(self, op: Primitive, args: tuple[Any, ...]) -> Value:
        """The Value that applies `op` to `args`; see Node."""
        data = op.evaluate(*[x if type(x) is float else chain.data_of(x) for x in args])
        if len(args) > 3:
            return Value(data, "", op, args)
        return Value(data, "", op, *args)

    @property
    def data(self) -> float:
        """The number; what is assigned is checked and made a float. The engine uses `_data`, which is faster."""
        return self._data

    @data.setter
    def data(self, data: Any) -> None:
        self._data = data if type(data) is float else _number(data)

    @property
    def grad(self) -> float:
        """The derivative; what is assigned is checked and made a float."""
        return self._grad

    @grad.setter
    def grad(self, grad: Any) -> None:
        self._grad = grad if type(grad) is float else as_float(grad, "the grad of a Value")

    @property
    def label(self) -> str:
        """The name, a string."""
        return self._label

    @label.setter
    def label(self, label: Any) -> None:
        self._label = _name(label)

    @property
    def args(self) -> tuple[Any, ...]:
        """What `op` was applied to, as it takes it: Values, floats for constants, and tuples of both.

        >>> x = Value(2.0)
        >>> (x * 3).args
        (Value(data=2.0, grad=0.0), 3.0)
        """
        if self.op is None:
            return ()
        arity = self.op.arity
        return (self._a, self._b, self._c)[:arity] if arity <= 3 else tuple(self._a)

    @property
    def parents(self) -> tuple[Value | float, ...]:
        """The Values and (for constants) floats this Value was computed from, in order; () for a leaf."""
        return tuple([p for x in self.args for p in (x if type(x) is tuple else (x,))])

    # Differentiation

    @overload
    def backward(self, seed: float = 1.0, create_graph: Literal[False] = False) -> None: ...

    @overload
    def backward(self, seed: Value | float = 1.0, *, create_graph: Literal[True]) -> dict[Value, Value]: ...

    def backward(self, seed: Any = 1.0, create_graph: Any = False) -> dict[Value, Value] | None:
        """Set `grad` in every Value this one was computed from to the derivative of this one.

        The chain rule, applied to each node once, from this one back to the leaves (D. Rumelhart,
        G. Hinton, R. Williams, Learning representations by back-propagating errors, Nature 323,
        1986). Leaves accumulate: a second call doubles their gradients. Other nodes get the
        derivative of this call alone.

        Args:
            seed: the derivative to start from, by which all others are multiplied.
            create_graph: whether to compute the derivatives as Values, which can be differentiated
                again.

        Returns:
            With create_graph, the derivative of this Value with respect to each node it was
            computed from, and itself, as a dict from node to Value; otherwise None.

        Raises:
            TypeError: if the seed is not a number. Whatever raises, no gradient has changed.

        >>> x = Value(2.0)
        >>> slope = (x**3).backward(create_graph=True)[x]
        >>> slope.data
        12.0
        >>> slope.backward(create_graph=True)[x].data
        12.0
        """
        if not isinstance(seed, Value):
            seed = as_float(seed, "backward")
        elif not create_graph:
            raise TypeError("backward: a Value as seed needs create_graph=True; give a number, such as float(seed)")
        for tell in on_backward:
            tell(self, seed)
        if create_graph:
            return self._backward_on_values(seed)
        chain.accumulate(self, seed)
        return None

    def _backward_on_values(self, seed: Any) -> dict[Value, Value]:
        found = chain.accumulate_on_values(self, seed)
        return {node: g if isinstance(g, Value) else Value(g) for node, g in found.items()}

    def detach(self) -> Value:
        """A new leaf with this Value's number and label, through which nothing is passed back."""
        return Value(self._data, self.label)

    # Arithmetic; sums, differences and products are in fast.py. Any stands for NotImplemented, too.

    def __truediv__(self, other: Any) -> Value | Any:
        return self._then(ops.div, other)

    def __pow__(self, other: Any) -> Value | Any:
        return self._then(ops.pow, other)

    def __rtruediv__(self, other: Any) -> Value | Any:
        return self._after(ops.div, other)

    def __rpow__(self, other: Any) -> Value | Any:
        return self._after(ops.pow, other)

    def _then(self, op: Primitive, other: Any) -> Any:
        """op(self, other), with a short way for a Value or a plain number."""
        if type(other) is Value:
            return Value(op.evaluate(self._data, other._data), "", op, self, other)
        if type(other) is float or type(other) is int:
            constant = float(other)
            return Value(op.evaluate(self._data, constant), "", op, self, constant)
        return op.operator(self, other)

    def _after(self, op: Primitive, other: Any) -> Any:
        """op(other, self), with a short way for a plain number."""
        if type(other) is float or type(other) is int:
            constant = float(other)
            return Value(op.evaluate(constant, self._data), "", op, constant, self)
        return op.operator(other, self)

    def __neg__(self) -> Value:
        return Value(-self._data, "", ops.neg, self)

    def __pos__(self) -> Value:
        return self

    def __abs__(self) -> Value:
        return self._record_unary(ops.abs)

    # As methods under NumPy's names too, so that np.exp and its like work on Values and on arrays of them.

    def exp(self) -> Value:
        return self._record_unary(ops.exp)

    def expm1(self) -> Value:
        return self._record_unary(ops.expm1)

    def exp2(self) -> Value:
        return self._record_unary(ops.exp2)

    def log(self) -> Value:
        return self._record_unary(ops.log)

    def log1p(self) -> Value:
        return self._record_unary(ops.log1p)

    def log2(self) -> Value:
        return self._record_unary(ops.log2)

    def log10(self) -> Value:
        return self._record_unary(ops.log10)

    def sqrt(self) -> Value:
        return self._record_unary(ops.sqrt)

    def cbrt(self) -> Value:
        return self._record_unary(ops.cbrt)

    def sin(self) -> Value:
        return self._record_unary(ops.sin)

    def cos(self) -> Value:
        return self._record_unary(ops.cos)

    def tan(self) -> Value:
        return self._record_unary(ops.tan)

    def arcsin(self) -> Value:
        return self._record_unary(ops.asin)

    def arccos(self) -> Value:
        return self._record_unary(ops.acos)

    def arctan(self) -> Value:
        return self._record_unary(ops.atan)

    def arctan2(self, x: Any) -> Any:
        return ops.atan2.apply((self, x))

    def sinh(self) -> Value:
        return self._record_unary(ops.sinh)

    def cosh(self) -> Value:
        return self._record_unary(ops.cosh)

    def tanh(self) -> Value:
        return self._record_unary(ops.tanh)

    def arcsinh(self) -> Value:
        return self._record_unary(ops.asinh)

    def arccosh(self) -> Value:
        return self._record_unary(ops.acosh)

    def arctanh(self) -> Value:
        return self._record_unary(ops.atanh)

    def hypot(self, other: Any) -> Any:
        return ops.hypot.apply((self, other))

    def conjugate(self) -> Value:
        return self  # np.var asks for it

    def sigmoid(self) -> Value:
        return self._record_unary(ops.sigmoid)

    def relu(self) -> Value:
        return self._record_unary(ops.relu)

    # A Value as a number

    def __float__(self) -> float:
        return self._data

    def __int__(self) -> int:
        return int(self._data)

    def __bool__(self) -> bool:
        return self._data != 0.0

    @overload
    def __round__(self, ndigits: None = None) -> int: ...

    @overload
    def __round__(self, ndigits: SupportsIndex) -> float: ...

    def __round__(self, ndigits: Any = None) -> Any:
        return round(self._data, ndigits)

    def __trunc__(self) -> int:
        return math.trunc(self._data)

    def __floor__(self) -> int:
        return math.floor(self._data)

    def __ceil__(self) -> int:
        return math.ceil(self._data)

    # Comparisons return what Python's floats do, on arrays an array; hence Any.

    def __eq__(self, other: object) -> Any:
        data: Any = self._data
        return data == (other.data if isinstance(other, Value) else other)

    def __ne__(self, other: object) -> Any:
        data: Any = self._data
        return data != (other.data if isinstance(other, Value) else other)

    def __lt__(self, other: Any) -> Any:
        data: Any = self._data
        return data < (other.data if isinstance(other, Value) else other)

    def __le__(self, other: Any) -> Any:
        data: Any = self._data
        return data <= (other.data if isinstance(other, Value) else other)

    def __gt__(self, other: Any) -> Any:
        data: Any = self._data
        return data > (other.data if isinstance(other, Value) else other)

    def __ge__(self, other: Any) -> Any:
        data: Any = self._data
        return data >= (other.data if isinstance(other, Value) else other)

    def __hash__(self) -> int:
        return id(self) >> 4  # by identity: dicts and sets hold nodes, not numbers (the last four bits are always zero)

    def __repr__(self) -> str:
        label = f", label={self.label!r}" if self.label else ""
        return f"Value(data={self._data!r}, grad={self.grad!r}{label})"

    def __format__(self, spec: str) -> str:
        return format(self._data, spec) if spec else repr(self)

    def __reduce__(self) -> tuple[Any, ...]:
        if self.op is not None:
            raise TypeError(
                f"copying and pickling take leaves, but this Value was made by {self.op}: use v.detach() for its "
                "number alone, or compute it again from copied leaves"
            )
        return _leaf, (type(self), self._data, self._label, self._grad), getattr(self, "__dict__", None) or None


def _name(label: Any) -> str:
    """What a Value may be called."""
    if not isinstance(label, str):
        raise TypeError(f"a label is a string, got {describe(label)}")
    return label


def _leaf(kind: Any, data: float, label: str, grad: float) -> Value:
    """A leaf as it was when it was copied or pickled; what a subclass has besides comes after."""
    value: Value = kind(data, label)
    value._grad = grad
    return value


def _number(x: Any) -> float:
    """x as the data of a Value."""
    if not is_number(x):
        hint = "; v.detach() makes a new leaf of a Value, float(v) is its number" if isinstance(x, Value) else ""
        raise TypeError(
            f"Value() takes one real number (int, float, NumPy scalar or 0-d array), got {describe(x)}{hint}"
        )
    return float(x)


vars(fast)["Value"] = Value  # what the operators there make
