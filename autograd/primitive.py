"""Primitive: an operation, with its value on floats and one partial derivative for each argument."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from .node import Node

if TYPE_CHECKING:
    from .value import Value

Interval = tuple[float, float]
REALS: Interval = (-math.inf, math.inf)

# What Python's float arithmetic and `math` raise where IEEE 754 has an answer (inf or nan).
NOT_IEEE = (ZeroDivisionError, OverflowError, ValueError)


class Primitive:
    """One operation in one place: its value on floats and its partial derivatives. Made by `primitive`.

    A primitive is called like the function it is. Floats give a float; with a Value among the
    arguments it records a node, whose `op` is this very object.

    Attributes:
        name: what errors and `repr` call it.
        symbol: what a drawing shows.
        native: what it is in machine code: the name of an LLVM instruction or a libm function, a formula in other
            primitives, or None for the function itself.
        domain: for each argument the open interval of numbers that it is meant for; of a sequence that of its items.
        arity: the number of its arguments.
        partials: for each argument the partial derivative, a function of (out, *args), or None
            where there is none to pass back.
    """

    def __init__(
        self,
        function: Callable[..., float],
        partials: tuple[Callable[..., Any] | None, ...],
        *,
        symbol: str | None = None,
        native: str | Callable[..., Any] | None = None,
        domain: Interval | Sequence[Interval] = REALS,
        sequences: Sequence[str] = (),
        ieee: Callable[..., Any] | None = None,
    ) -> None:
        self.function = function
        self.signature = inspect.signature(function)
        parameters = list(self.signature.parameters)
        for parameter in self.signature.parameters.values():
            if parameter.kind is not parameter.POSITIONAL_OR_KEYWORD:
                raise TypeError(f"primitive {function.__name__}: {parameter} must be a plain positional argument")
        if len(partials) != len(parameters):
            raise TypeError(
                f"primitive {function.__name__} has {len(parameters)} arguments {tuple(parameters)} but "
                f"{len(partials)} partials. Give one for each argument, None where there is no derivative"
            )
        for each in partials:
            if each is not None and not callable(each):
                raise TypeError(
                    f"primitive {function.__name__}: a partial must be a function of (out, *arguments) or None, "
                    f"got {each!r}"
                )
            if each is not None and not can_take(each, 1 + len(parameters)):
                raise TypeError(
                    f"primitive {function.__name__}: a partial must be a function of "
                    f"({', '.join(['out', *parameters])}), got {each!r}, which cannot be called with these"
                )
        sequences = [sequences] if isinstance(sequences, str) else sequences
        unknown = set(sequences) - set(parameters)
        if unknown:
            raise TypeError(
                f"primitive {function.__name__}: sequences must name some of {parameters}, got {sorted(unknown)}"
            )
        if sequences and len(parameters) > 3:
            raise TypeError(
                f"primitive {function.__name__}: with sequences it must have at most three arguments, "
                f"got {len(parameters)}"
            )
        self.name = function.__name__
        if native is not None and not isinstance(native, str) and not callable(native):
            raise TypeError(
                f"primitive {self.name}: native must be the name of an LLVM instruction or a C function, or a formula, "
                f"got {describe(native)}"
            )
        if sequences and isinstance(native, str):
            raise TypeError(
                f"primitive {self.name}: native must be a formula where there are sequences, got {native!r}"
            )
        self.symbol = symbol or self.name
        self.native = native
        self.arity = len(parameters)
        self.domain = _check_domain(domain, self.arity, self.name)
        self.partials = partials
        self.takes_sequence = tuple(name in sequences for name in parameters)
        self.scalar = not any(self.takes_sequence)
        self.unary = self.scalar and self.arity == 1
        self.ieee = ieee or function
        self.__name__ = self.__qualname__ = self.name
        self.__module__ = function.__module__
        self.__doc__ = function.__doc__
        self.__wrapped__ = function  # lets help(), doctest and inspect.signature see the function itself

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> str:
        return self.name  # pickled and copied by name, like the module-level function it stands for

    @overload
    def __call__(self, *args: float, **kwargs: float) -> float: ...

    @overload
    def __call__(self, *args: Any, **kwargs: Any) -> Value: ...

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if kwargs or len(args) != self.arity:
            args = self._bind(args, kwargs)
        if self.unary and isinstance(args[0], Node):
            return args[0]._record_unary(self)
        if self.scalar:
            for x in args:
                if type(x) is not float and type(x) is not bool:
                    return self.apply(args)
            return self.evaluate(*args)
        return self.apply(args)

    def _bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{self.name}{self.signature}: {error}") from None
        bound.apply_defaults()
        return tuple(bound.arguments.values())

    def apply(self, args: tuple[Any, ...]) -> Any:
        """The call with anything but plain floats: normalise the arguments, then record or evaluate."""
        operands: list[Any] = []
        leader: Node | None = None
        for x, is_sequence in zip(args, self.takes_sequence):
            if is_sequence:
                x = self._sequence(x)
                leader = _leader(x, leader)
            elif isinstance(x, Node):
                leader = _leader((x,), leader)
            elif type(x) is not float:
                x = as_float(x, self.name)
            operands.append(x)
        if leader is not None:
            return leader._record(self, tuple(operands))
        result = self.evaluate(*operands)
        return np.float64(result) if any(isinstance(x, np.floating) for x in args) else result

    def _sequence(self, given: Any) -> tuple[Any, ...]:
        """A tuple of floats and Nodes; `given` itself where it is one."""
        if isinstance(given, np.ndarray):
            given = given.tolist()
        try:
            items = tuple(given)
        except TypeError:
            raise TypeError(f"{self.name}: expected a sequence of numbers and Values, got {describe(given)}") from None
        for x in items:
            if type(x) is not float and not isinstance(x, Node):
                return tuple([x if isinstance(x, Node) else as_float(x, self.name) for x in items])
        return items

    def operator(self, left: Any, right: Any) -> Any:
        """The call as an infix operator: NotImplemented where the other side's type may know what to do."""
        for x in (left, right):
            if not isinstance(x, (Node, float, int)) and not is_number(x):
                if type(x).__module__ != "builtins":
                    return NotImplemented
                raise TypeError(
                    f"unsupported operand for {self.symbol}: the other side of a Value must be a Value or a real "
                    f"number, got {describe(x)}"
                )
        return self.apply((left, right))

    def evaluate(self, *args: Any) -> float:
        """The value on floats (and tuples of floats), inf and nan where IEEE 754 says so."""
        try:
            value = self.function(*args)
        except NOT_IEEE:
            value = on_ieee_floats(self.ieee, args)
        return value if type(value) is float else as_float(value, f"the value of {self.name}")


def primitive(
    *partials: Callable[..., Any] | None,
    symbol: str | None = None,
    native: str | Callable[..., Any] | None = None,
    domain: Interval | Sequence[Interval] = REALS,
    sequences: Sequence[str] = (),
    ieee: Callable[..., Any] | None = None,
) -> Callable[[Callable[..., float]], Primitive]:
    """Make a primitive of a function on floats, by giving its partial derivatives.

    The decorated function behaves as every built-in does: on floats and Values, in backward(), for
    derivatives of any order, in drawings and in gradient checks.

    Args:
        partials: one function of (out, *args) for each argument, in order: the derivative of the
            result with respect to that argument, where `out` is the result. It must be written in
            arithmetic and autograd functions, so that it runs on floats and on Values alike. For an
            argument in `sequences` it gives one derivative per item. None passes nothing back.
        symbol: what drawings show (default: the function's name).
        native: what ag.jit makes of it: the name of an LLVM instruction ("fadd", "llvm.floor") or a function of the C
            library ("tgamma"), or a formula, a function of the same arguments written in arithmetic and other
            primitives. By default the decorated function is compiled, which must be such a formula itself.
        domain: the open interval of numbers that each argument is meant for, or a sequence of one for each argument;
            of an argument in `sequences` that of its items. Tests draw their points from it (default: all reals).
        sequences: the names of the arguments that take a list of numbers, not one.
        ieee: the function to ask, on np.float64, where the decorated one raises ValueError,
            OverflowError or ZeroDivisionError (default: the function itself).

    Raises:
        TypeError: when the number of partials is not the number of arguments.

    >>> import autograd as ag
    >>> @ag.primitive(lambda out, x: 3 * x**2)
    ... def cube(x: float) -> float:
    ...     return x * x * x
    >>> x = ag.Value(2.0)
    >>> y = cube(x)
    >>> y.backward()
    >>> y.data, x.grad, y.op
    (8.0, 12.0, cube)
    """

    if len(partials) == 1 and callable(partials[0]) and not can_take(partials[0], 2):
        raise TypeError(
            f"expected a partial derivative, a function of (out, x), got {partials[0]!r}. To decorate a function, "
            "give its partials first: @ag.primitive(lambda out, x: ...)"
        )

    def decorate(function: Callable[..., float]) -> Primitive:
        if not callable(function):
            raise TypeError(
                f"@primitive(...) takes the partial derivatives, and must then decorate a function, got {function!r}"
            )
        return Primitive(
            function, partials, symbol=symbol, native=native, domain=domain, sequences=sequences, ieee=ieee
        )

    return decorate


def _check_domain(domain: Any, arity: int, name: str) -> tuple[Interval, ...]:
    """The domain as one interval for each argument."""
    intervals = [domain] * arity if len(domain) == 2 and not isinstance(domain[0], (tuple, list)) else list(domain)
    if len(intervals) != arity or any(len(each) != 2 or not each[0] < each[1] for each in intervals):
        raise TypeError(
            f"primitive {name}: domain must be an interval (low, high), or one for each of {arity} arguments, "
            f"got {domain!r}"
        )
    return tuple([(float(low), float(high)) for low, high in intervals])


def can_take(function: Callable[..., Any], count: int) -> bool:
    """Whether a function can be called with so many arguments; True where its signature is not known."""
    try:
        inspect.signature(function).bind(*[None] * count)
    except TypeError:
        return False
    except ValueError:
        return True
    return True


def _leader(nodes: tuple[Any, ...], leader: Node | None) -> Node | None:
    """Which Node records an application: the first, unless a more derived kind (a tracer among Values) is there."""
    for x in nodes:
        if type(x) is not float and (leader is None or (type(x) is not type(leader) and isinstance(x, type(leader)))):
            leader = x
    return leader


def on_ieee_floats(function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """Run `function` with np.float64 for each float: NumPy's scalars follow IEEE 754 where Python's raise."""
    with np.errstate(all="ignore"):
        return function(*[tuple(map(np.float64, x)) if type(x) is tuple else np.float64(x) for x in args])


def is_number(x: Any) -> bool:
    """Whether x is a real number: int, float, Fraction, a NumPy scalar or a 0-d NumPy array."""
    if isinstance(x, np.ndarray):
        return x.ndim == 0 and x.dtype.kind in "fiub"
    return isinstance(x, (float, int, Real, np.bool_))


def as_float(x: Any, name: str) -> float:
    """x as a float; TypeError, naming `name`, if it is not a real number."""
    if not is_number(x):
        raise TypeError(f"{name}: expected a real number or a Value, got {describe(x)}")
    return float(x)


def describe(x: Any) -> str:
    """x in an error message: its type and, shortened, itself."""
    if isinstance(x, np.ndarray):
        return f"a NumPy array of shape {x.shape} and dtype {x.dtype}"
    text = repr(x)
    return text if x is None else f"{type(x).__name__} {text if len(text) <= 60 else text[:57] + '...'}"
