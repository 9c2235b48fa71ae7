"""Value: a number that remembers how it was computed. Its method backward() differentiates it."""

from __future__ import annotations

import functools
import inspect
import math
from typing import Any, Final, Literal, SupportsIndex, overload

from . import chain, fast, ops
from .arrays import apply_function, apply_ufunc
from .fast import Arithmetic, dot, record
from .lost import guards
from .node import mypyc_attr, on_backward, on_compare, on_float, on_leaf, on_read
from .primitive import Primitive, as_float, check_flag, describe, is_number
from .user_line import Missing

__all__ = ["Value", "dot"]

RECORDED: Final = """\
Operations record their arguments and their derivative by themselves. For an operation of your own, write a primitive:
    @ag.primitive(lambda out, x: 1 - out * out)  # the derivative of the result, out, with respect to x
    def my_tanh(x):
        return math.tanh(x)"""


@mypyc_attr(allow_interpreted_subclasses=True)
class Value(Arithmetic):
    """A real number in a computation graph.

    Arithmetic on Values, or on Values and plain numbers, gives new Values that remember the operation
    and its arguments. `backward()` on a result sets `grad` in every Value that it was computed from:
    the derivative of the result with respect to that Value.

    Args:
        data: the number (int, float, NumPy scalar or 0-d array), kept as a float.
        label: a name, shown in drawings and messages.

    Attributes:
        data: the number, a float. Assign to the data of a leaf to change it, as an optimizer does.
        grad: the derivative of the result that backward() was called on, with respect to this Value.
            In a leaf it accumulates from call to call. Set it to 0.0 to start again.
        label: the name.
        op: the primitive that made this Value; None for a leaf.

    Raises:
        TypeError: if `data` is not a real number or `label` not a string.

    `==` and the other comparisons compare numbers, both with Values and with plain numbers. As a key of
    a dict or a member of a set, a Value stands for itself, not for its number.

    Instances of subclasses are leaves: operations on them make plain Values. A Value cannot be weakly
    referenced. In the C build (see `autograd.__build__`) the cycle collector does not look at Values, so
    a reference cycle through one is never freed. An example is an instance of a subclass with an
    attribute that was computed from itself.

    >>> x = Value(3.0)
    >>> y = x * x + 1
    >>> y.backward()
    >>> y.data, x.grad
    (10.0, 6.0)
    """

    __slots__ = ()

    def __init__(self, data: Any, label: Any = "", _children: Any = None, _op: Any = None) -> None:
        if _children is not None or _op is not None:  # micrograd's
            also = " and ".join([describe(x) for x in (_children, _op) if x is not None])
            raise TypeError(f"Value() takes a number and a label, got {also} as well. {RECORDED}")
        if type(label) is not str:
            label = _check_label(label)
        if type(data) is not float:
            data = _check_data(data, "Value(): data", "Use v.detach() for a new leaf, or v.data for the number")
        self._value = data
        self._grad = 0.0
        self._label = label
        self.op = None
        self._a = None
        self._b = None
        self._c = None
        self._mark = 0
        if on_leaf:
            for hook in tuple(on_leaf):  # a copy, as other threads change it
                hook(self)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name in ("_backward", "_prev", "_op"):
            if name in vars(cls):
                raise TypeError(f"{cls.__name__}.{name} would never be used. {RECORDED}")
        setattr(cls, "__signature__", vars(cls).get("__signature__"))  # noqa: B010

    def _record(self, op: Primitive, args: tuple[Any, ...]) -> Value:
        """The Value that applies `op` to `args`; see Node."""
        data = op.evaluate(*[x if type(x) is float else chain.data_of(x) for x in args])
        if len(args) > 3:
            return record(data, op, args)
        return record(data, op, *args)

    @property
    def data(self) -> float:
        """The number. Assigning checks it and converts it to a float. The engine uses `_value`, which is faster."""
        if self._value != self._value:
            for hook in tuple(on_read):
                hook(self)
        return self._value

    @data.setter
    def data(self, data: Any) -> None:
        if type(data) is not float:
            hint = "Did you mean its derivative, as in p.data -= 0.1 * p.grad? For its number, use v.data"
            data = _check_data(data, "the data of a Value", hint)
        if self._value != self._value:
            for hook in tuple(on_read):
                hook(self)
        self._value = data

    @property
    def grad(self) -> float:
        """The derivative. Assigning checks it and converts it to a float."""
        return self._grad

    @grad.setter
    def grad(self, grad: Any) -> None:
        if type(grad) is not float:
            grad = _check_data(grad, "the grad of a Value", "Use v.data for its number")
        self._grad = grad

    @property
    def label(self) -> str:
        """The name, a string."""
        return self._label

    @label.setter
    def label(self, label: Any) -> None:
        self._label = _check_label(label)

    @property
    def args(self) -> tuple[Any, ...]:
        """The arguments of `op`: Values, floats for constants, and tuples of both for sequences.

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
        """The Values, and floats for constants, that this Value was computed from, in order; () for a leaf."""
        return tuple([p for x in self.args for p in (x if type(x) is tuple else (x,))])

    # What code written for micrograd reads. Assigning to it would be lost, so it is refused.

    @property
    def _prev(self) -> Any:
        """The set of the parents. A constant is a new leaf each time."""
        return {p if isinstance(p, Value) else Value(p) for p in self.parents}

    @_prev.setter
    def _prev(self, given: Any) -> None:
        raise AttributeError(f"the _prev of a Value cannot be assigned. {RECORDED}")

    @property
    def _op(self) -> Any:
        """The symbol of the operation; "" for a leaf."""
        return "" if self.op is None else self.op.symbol

    @_op.setter
    def _op(self, given: Any) -> None:
        raise AttributeError(f"the _op of a Value cannot be assigned. {RECORDED}")

    @property
    def _backward(self) -> Any:
        """A function that passes the grad of this node on to its parents, and no further: one step of backward()."""
        return functools.partial(_pass_on, self)

    @_backward.setter
    def _backward(self, given: Any) -> None:
        raise AttributeError(f"the _backward of a Value cannot be assigned. {RECORDED}")

    # Differentiation

    @overload
    def backward(self, seed: float = 1.0, create_graph: Literal[False] = False) -> None: ...

    @overload
    def backward(self, seed: Value | float = 1.0, *, create_graph: Literal[True]) -> dict[Value, Value]: ...

    def backward(self, seed: Any = 1.0, create_graph: Any = False) -> dict[Value, Value] | None:
        """Set `grad` in every Value that this one was computed from: the derivative of this one.

        The chain rule is applied to each node once, from this one back to the leaves (D. Rumelhart,
        G. Hinton, R. Williams, Learning representations by back-propagating errors, Nature 323,
        1986). Leaves accumulate: a second call doubles their gradients. Other nodes keep only the
        derivative of the last call.

        Args:
            seed: the derivative to start from. All others are multiplied by it.
            create_graph: whether to compute the derivatives as Values, which can be differentiated
                again.

        Returns:
            With create_graph, a dict from each node that this Value was computed from, and this Value
            itself, to the derivative with respect to it, a Value. Otherwise None.

        Raises:
            TypeError: if the seed is not a number or create_graph is not a bool. After any exception no gradient has
                changed.

        >>> x = Value(2.0)
        >>> slope = (x**3).backward(create_graph=True)[x]
        >>> slope.data
        12.0
        >>> slope.backward(create_graph=True)[x].data
        12.0
        """
        if create_graph is not False:
            create_graph = check_flag(create_graph, "backward: create_graph")
        if not isinstance(seed, Value):
            seed = as_float(seed, "the seed of backward")
        elif not create_graph:
            raise TypeError(
                f"backward: seed must be a number unless create_graph=True, got {describe(seed)}. Use seed.data"
            )
        for hook in tuple(on_backward):
            hook(self, seed)
        if guards and not create_graph:
            for guard in guards[::-1]:
                guard.check_backward(self)
        if create_graph:
            return self._backward_on_values(seed)
        chain.accumulate(self, seed)
        return None

    def _backward_on_values(self, seed: Any) -> dict[Value, Value]:
        found = chain.accumulate_on_values(self, seed)
        return {node: g if isinstance(g, Value) else Value(g) for node, g in found.items()}

    def detach(self) -> Value:
        """A new leaf with the number and label of this Value. Nothing is passed back through it."""
        return Value(self.data, self.label)

    # Arithmetic; sums, differences and products are in fast.py. The type Any includes NotImplemented.

    def __truediv__(self, other: Any) -> Value | Any:
        return self._apply(ops.div, other)

    def __pow__(self, other: Any) -> Value | Any:
        return self._apply(ops.pow, other)

    def __rtruediv__(self, other: Any) -> Value | Any:
        return self._apply_reflected(ops.div, other)

    def __rpow__(self, other: Any) -> Value | Any:
        return self._apply_reflected(ops.pow, other)

    def _apply(self, op: Primitive, other: Any) -> Any:
        """op(self, other), with a short cut for a Value or a plain number."""
        if type(other) is Value:
            return record(op.evaluate(self._value, other._value), op, self, other)
        if type(other) is float or type(other) is int:
            constant = float(other)
            return record(op.evaluate(self._value, constant), op, self, constant)
        return op.operator(self, other)

    def _apply_reflected(self, op: Primitive, other: Any) -> Any:
        """op(other, self), with a short cut for a plain number."""
        if type(other) is float or type(other) is int:
            constant = float(other)
            return record(op.evaluate(constant, self._value), op, constant, self)
        return op.operator(other, self)

    def __mod__(self, other: Any) -> Value | Any:
        return self._apply(ops.mod, other)

    def __rmod__(self, other: Any) -> Value | Any:
        return self._apply_reflected(ops.mod, other)

    def __floordiv__(self, other: Any) -> Value | Any:
        return self._apply(ops.floor_divide, other)

    def __rfloordiv__(self, other: Any) -> Value | Any:
        return self._apply_reflected(ops.floor_divide, other)

    def __divmod__(self, other: Any) -> tuple[Any, Any]:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[Any, Any]:
        return other // self, other % self

    def __neg__(self) -> Value:
        return record(-self._value, ops.neg, self)

    def __pos__(self) -> Value:
        return self

    def __abs__(self) -> Value:
        return self._record_unary(ops.abs)

    def __array_ufunc__(self, ufunc: Any, method: Any, *inputs: Any, **options: Any) -> Any:
        return apply_ufunc(ufunc, method, inputs, options)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        return apply_function(function, types, args, options)

    # Methods under NumPy's names, which its ufuncs call on the items of arrays.

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

    def rint(self) -> Value:
        return self._record_unary(ops.rint)

    def fabs(self) -> Value:
        return self._record_unary(ops.abs)

    def deg2rad(self) -> Value:
        return self._record_unary(ops.deg2rad)

    def radians(self) -> Value:
        return self._record_unary(ops.deg2rad)

    def rad2deg(self) -> Value:
        return self._record_unary(ops.rad2deg)

    def degrees(self) -> Value:
        return self._record_unary(ops.rad2deg)

    def fmod(self, other: Any) -> Any:
        return ops.fmod.apply((self, other))

    def hypot(self, other: Any) -> Any:
        return ops.hypot.apply((self, other))

    def conjugate(self) -> Value:
        return self  # np.var calls it

    def sigmoid(self) -> Value:
        return self._record_unary(ops.sigmoid)

    def relu(self) -> Value:
        return self._record_unary(ops.relu)

    # A Value as a number

    def __float__(self) -> float:
        if on_float:
            for hook in on_float[::-1]:  # the innermost first; a copy, as other threads change it
                hook(self)
        return self.data

    def __int__(self) -> int:
        return int(compared(self))

    def __bool__(self) -> bool:
        return bool(compared(self) if on_compare else self.data)

    @overload
    def __round__(self, ndigits: None = None) -> int: ...

    @overload
    def __round__(self, ndigits: SupportsIndex) -> float: ...

    def __round__(self, ndigits: Any = None) -> Any:
        return round(compared(self), ndigits)

    def __trunc__(self) -> int:
        whole: int = math.trunc(compared(self))
        return whole

    def __floor__(self) -> int:
        whole: int = math.floor(compared(self))
        return whole

    def __ceil__(self) -> int:
        whole: int = math.ceil(compared(self))
        return whole

    # Comparisons return what those of floats do: a bool or, with an array, an array. Hence the type Any.

    def __eq__(self, other: object) -> Any:
        mine: Any = compared(self) if on_compare else self.data
        return mine == (compared(other) if isinstance(other, Value) else other)

    def __ne__(self, other: object) -> Any:
        mine: Any = compared(self) if on_compare else self.data
        return mine != (compared(other) if isinstance(other, Value) else other)

    def __lt__(self, other: Any) -> Any:
        mine: Any = compared(self) if on_compare else self.data
        return mine < (compared(other) if isinstance(other, Value) else other)

    def __le__(self, other: Any) -> Any:
        mine: Any = compared(self) if on_compare else self.data
        return mine <= (compared(other) if isinstance(other, Value) else other)

    def __gt__(self, other: Any) -> Any:
        mine: Any = compared(self) if on_compare else self.data
        return mine > (compared(other) if isinstance(other, Value) else other)

    def __ge__(self, other: Any) -> Any:
        mine: Any = compared(self) if on_compare else self.data
        return mine >= (compared(other) if isinstance(other, Value) else other)

    def __hash__(self) -> int:
        return id(self) >> 4  # by identity: dicts and sets hold nodes, not numbers (the last four bits are always 0)

    def __repr__(self) -> str:
        label = f", label={self.label!r}" if self.label else ""
        return f"Value(data={self.data!r}, grad={self.grad!r}{label})"

    def __format__(self, spec: str) -> str:
        return format(self.data, spec) if spec else repr(self)

    def __reduce__(self) -> tuple[Any, ...]:
        for hook in on_float[::-1]:  # the copy would be a constant
            hook(self)
        if self.op is not None:
            raise TypeError(
                f"only leaves can be copied and pickled, but this Value was made by {self.op}: use v.detach() for its "
                "number alone, or compute it again from copied leaves"
            )
        return _restore_leaf, (type(self), self.data, self._label, self._grad), getattr(self, "__dict__", None) or None


def _pass_on(node: Value) -> None:
    """Add what the node passes back to the grad of its parents: one step of backward()."""
    for guard in guards[::-1]:
        guard.check_backward(node)
    for parent, partial in chain.local_derivatives(node) if node.op is not None else ():
        parent._grad += node._grad * partial


def compared(x: Value) -> Any:
    """What a decision about a Value looks at: its number or, while jit traces a function, what stands for it there."""
    for hook in tuple(on_compare):
        found: Any = hook(x)
        if found is not None:
            return found
    return x.data


def number_of(x: Any) -> float:
    """The number of a Value or of a plain number. Unlike float(x), it is no conversion that lost.py refuses."""
    return x.data if isinstance(x, Value) else float(x)


def _check_label(label: Any) -> str:
    """label, which must be a string."""
    if not isinstance(label, str):
        hint = f". {RECORDED}" if isinstance(label, (tuple, list, set)) else ""  # the parents, where micrograd has them
        raise TypeError(f"a label must be a string, got {describe(label)}{hint}")
    return label


def _restore_leaf(kind: Any, data: float, label: str, grad: float) -> Value:
    """A leaf as it was when it was copied or pickled, without the attributes that a subclass adds."""
    value: Value = kind(data, label)
    value._grad = grad
    return value


def _check_data(x: Any, what: str, hint: str) -> float:
    """x as a float; TypeError, with a hint if x is a Value, if it is not a real number."""
    if isinstance(x, Value):
        raise TypeError(f"{what} must be a real number, got {describe(x)}. {hint}")
    if not is_number(x):
        raise TypeError(f"{what} must be a real number (int, float, NumPy scalar or 0-d array), got {describe(x)}")
    return as_float(x, what)


vars(fast)["Value"] = Value  # the operators there make Values
# What help() shows: the arguments that are taken, without those that are refused. __init_subclass__ undoes it.
_KIND: Final = inspect.Parameter.POSITIONAL_OR_KEYWORD
_TAKEN: Final = [inspect.Parameter("data", _KIND), inspect.Parameter("label", _KIND, default="")]
setattr(Value, "__signature__", inspect.Signature(_TAKEN))  # noqa: B010 - mypyc lets no class attribute be added
for _name, _hint in {
    "item": "Its number is x.data, or float(x)",
    "zero_grad": "Set x.grad = 0.0; a model and an optimizer have zero_grad()",
    "backwards": "Did you mean x.backward()?",
    "requires_grad": "Every Value is differentiated; for a constant use a float, or x.detach()",
}.items():
    setattr(Value, _name, Missing(_name, _hint))
