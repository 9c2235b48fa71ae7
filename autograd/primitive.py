"""Primitive: one operation, with its value on floats and one partial derivative for each argument.

At the end: conversion of arguments to floats, the rules of IEEE 754, checks of flags, and how errors describe objects.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any, Final, overload

import numpy as np

from .node import Node

if TYPE_CHECKING:
    from .value import Value

Interval = tuple[float, float]
REALS: Interval = (-math.inf, math.inf)
NOT_TAKEN: Final = object()  # what the rule of a choice returns for an argument that was not taken: pass nothing back
NOT_IEEE = (ZeroDivisionError, OverflowError, ValueError)  # what Python raises where IEEE 754 defines inf or nan


class Primitive:
    """One operation in one place: its value on floats and its partial derivatives. Made by `primitive`.

    Called with floats, it returns a float. If an argument is a Value, it records a node, whose `op` is this object.

    Attributes:
        name, arity: its name in errors and in `repr`; the number of its arguments.
        partials, symbol, native, domain, steepest: as given to `primitive`; domain as a tuple of intervals.
        built_in: whether it is one of this package.
    """

    def __init__(
        self,
        function: Callable[..., float],
        partials: tuple[Callable[..., Any] | None, ...],
        symbol: str | None = None,
        native: str | Callable[..., Any] | None = None,
        domain: Interval | Sequence[Interval] = REALS,
        sequences: Sequence[str] = (),
        ieee: Callable[..., Any] | None = None,
        steepest: float | None = None,
    ) -> None:
        self.name = function.__name__
        self.function = function
        self.signature = inspect.signature(function)
        who = f"primitive {self.name}:"
        parameters = list(self.signature.parameters)
        for parameter in self.signature.parameters.values():
            if parameter.kind is not parameter.POSITIONAL_OR_KEYWORD:
                raise TypeError(f"{who} {parameter} must be a plain positional argument")
        if len(partials) != len(parameters):
            raise TypeError(
                f"{who} there must be one partial for each argument {tuple(parameters)}, got {len(partials)}. "
                "Give None for an argument without a derivative"
            )
        names = ", ".join(parameters)
        for partial in partials:
            if partial is not None and not (callable(partial) and can_take(partial, 1 + len(parameters))):
                raise TypeError(f"{who} a partial must be a function of (out, {names}) or None, got {partial!r}")
        sequences = [sequences] if isinstance(sequences, str) else sequences
        if unknown := set(sequences) - set(parameters):
            raise TypeError(f"{who} sequences must name some of {parameters}, got {sorted(unknown)}")
        if sequences and len(parameters) > 3:
            raise TypeError(f"{who} with sequences there must be at most three arguments, got {len(parameters)}")
        is_formula = callable(native) and can_take(native, len(parameters))
        if native is not None and not is_formula and (sequences or not isinstance(native, str)):
            wanted = "a formula" if sequences else "the name of an LLVM instruction or a C function, or a formula"
            raise TypeError(f"{who} native must be {wanted}, a function of ({names}), got {describe(native)}")
        if steepest is not None and not (is_number(steepest) and steepest > 0 and len(parameters) == 1):
            raise TypeError(f"{who} steepest must be a number above 0, of one argument, got {describe(steepest)}")
        self.symbol, self.native = symbol or self.name, native
        self.steepest, self.arity = steepest, len(parameters)
        self.domain = _check_domain(domain, len(parameters), who)
        self.partials = partials
        self.takes_sequence = tuple(name in sequences for name in parameters)
        self.scalar = not any(self.takes_sequence)
        self.unary = self.scalar and self.arity == 1
        self.ieee = ieee or function
        self.built_in = (function.__module__ or "").startswith(__name__.partition(".")[0] + ".")
        functools.update_wrapper(self, function, updated=())  # so that help() and doctest see the function itself
        self.__qualname__ = self.name

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> str:
        return self.name  # pickled and copied by name, as functions are

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
            raise TypeError(f"{self.name}({', '.join(self.signature.parameters)}): {error}") from None
        bound.apply_defaults()
        return tuple(bound.arguments.values())

    def apply(self, args: tuple[Any, ...]) -> Any:
        """Convert the arguments to floats, Nodes and tuples of them, then record a node or evaluate."""
        operands: list[Any] = []
        recorder: Node | None = None
        for x, is_sequence in zip(args, self.takes_sequence):
            if is_sequence:
                x = self._sequence(x)
                recorder = _find_recorder(x, recorder)
            elif isinstance(x, Node):
                recorder = _find_recorder((x,), recorder)
            elif type(x) is not float:
                if isinstance(x, np.ndarray) and not x.ndim and isinstance(x.item(), Node):  # such as transforms make
                    return self.apply(tuple([a.item() if a is x else a for a in args]))
                x = as_float(x, self.name, "the argument of ")
            operands.append(x)
        if recorder is not None:
            return recorder._record(self, tuple(operands))
        result = self.evaluate(*operands)
        return np.float64(result) if any(isinstance(x, np.floating) for x in args) else result

    def _sequence(self, given: Any) -> tuple[Any, ...]:
        """A tuple of floats and Nodes; `given` itself if it is one already."""
        if isinstance(given, np.ndarray):
            given = given.tolist()
        try:
            items = tuple(given)
        except TypeError:
            raise TypeError(f"the argument of {self.name} must be a sequence, got {describe(given)}") from None
        for x in items:
            if type(x) is not float and not isinstance(x, Node):
                return tuple([x if isinstance(x, Node) else as_float(x, self.name, "each item for ") for x in items])
        return items

    def operator(self, left: Any, right: Any) -> Any:
        """The call as an infix operator; NotImplemented if the other side may know what to do."""
        for x in (left, right):
            if not isinstance(x, (Node, float, int)) and not is_number(x):
                if type(x).__module__ != "builtins":
                    return NotImplemented
                needed = "the other side of a Value must be a Value or a real number"
                raise TypeError(f"unsupported operand for {self.symbol}: {needed}, got {describe(x)}")
        return self.apply((left, right))

    def evaluate(self, *args: Any) -> float:
        """The value on floats (and tuples of floats); inf or nan where IEEE 754 defines it so."""
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
    steepest: float | None = None,
) -> Callable[[Callable[..., float]], Primitive]:
    """Turn a function on floats into a primitive, given its partial derivatives.

    The decorated function behaves like the built-in ones: on floats and Values, in backward(), for
    derivatives of any order, in drawings and in gradient checks.

    Args:
        partials: one function of (out, *args) for each argument, in order: the derivative of the
            result with respect to that argument, where `out` is the result. Write it with arithmetic
            and autograd functions only, so that it runs on both floats and Values. For an argument in
            `sequences` it returns one derivative for each item. None passes nothing back.
        symbol: how drawings show it (default: the function's name).
        native: its form in programs of ag.jit: the name of an LLVM instruction ("fadd", "llvm.floor") or of a function
            of doubles in C's math library ("tgamma"), or a formula, a function of the same arguments written with
            arithmetic and other primitives. By default the decorated function itself, which must be such a formula.
        domain: the open interval of numbers that each argument is meant for, or a sequence with one for each argument;
            for an argument in `sequences`, that of its items. Tests draw points from it (default: all reals).
        sequences: the names of the arguments that take a sequence of numbers.
        ieee: the function to call, on np.float64, if the decorated one raises ValueError,
            OverflowError or ZeroDivisionError (default: the function itself).
        steepest: for an activation, the largest size of its slope. A result whose slope is far smaller counts as flat.

    Raises:
        TypeError: if the number of partials is not the number of arguments, or an option is invalid.

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
            f"@primitive: a partial derivative must be a function of (out, x), got {partials[0]!r}. To decorate a "
            "function, pass its partials first: @ag.primitive(lambda out, x: ...)"
        )

    def decorate(function: Callable[..., float]) -> Primitive:
        if not callable(function):
            raise TypeError(f"@primitive(...) must decorate a function, got {function!r}")
        return Primitive(function, partials, symbol, native, domain, sequences, ieee, steepest)

    return decorate


def _check_domain(domain: Any, arity: int, who: str) -> tuple[Interval, ...]:
    """The domain as a tuple with an interval for each argument."""
    try:
        given = [domain] * arity if is_number(domain[0]) else domain
        intervals = tuple([(as_float(low, who), as_float(high, who)) for low, high in given])
    except (TypeError, ValueError, LookupError, OverflowError):
        intervals = ()
    if len(intervals) != arity or not all(low < high for low, high in intervals):
        raise TypeError(f"{who} domain must be an interval (low, high), or one for each argument, got {domain!r}")
    return intervals


def can_take(function: Callable[..., Any], count: int) -> bool:
    """Whether a function can be called with `count` arguments; True if its signature is unknown."""
    try:
        inspect.signature(function).bind(*[None] * count)
    except (TypeError, ValueError) as error:
        return isinstance(error, ValueError)
    return True


def _find_recorder(nodes: tuple[Any, ...], best: Node | None) -> Node | None:
    """The Node that records a call: the first one, or one of a subclass (a tracer among Values) if there is any."""
    for x in nodes:
        if type(x) is not float and (best is None or (type(x) is not type(best) and isinstance(x, type(best)))):
            best = x
    return best


def on_ieee_floats(function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """Call `function` with np.float64 in place of floats: NumPy follows IEEE 754 where Python raises."""
    with np.errstate(all="ignore"):
        return function(*[tuple(map(np.float64, x)) if type(x) is tuple else np.float64(x) for x in args])


def is_number(x: Any) -> bool:
    """Whether x is a real number: int, float, Fraction, a NumPy scalar or a 0-d NumPy array."""
    if isinstance(x, np.ndarray):
        return x.ndim == 0 and x.dtype.kind in "fiub"
    return isinstance(x, (float, int, Real, np.bool_))


def as_float(x: Any, name: str, what: str = "") -> float:
    """x as a float; TypeError, naming `what` and `name`, if it is not a real number."""
    if not is_number(x):
        also = "" if isinstance(x, Node) else " or a Value"
        raise TypeError(f"{what}{name} must be a real number{also}, got {describe(x)}")
    try:
        return float(x)
    except OverflowError:
        raise OverflowError(f"{what}{name} must fit into a float, got {describe(x)}") from None


def check_flag(x: Any, name: str, or_none: bool = False) -> Any:
    """True or False, or None if that is allowed; TypeError, naming `name`, otherwise."""
    if isinstance(x, (bool, np.bool_)) or (or_none and x is None):
        return x if x is None else bool(x)
    raise TypeError(f"{name} must be {'True, False or None' if or_none else 'True or False'}, got {x!r}")


def describe(x: Any) -> str:
    """How an error message shows x: its type, then its repr, shortened."""
    if isinstance(x, np.ndarray):
        return f"a NumPy array of shape {x.shape} and dtype {x.dtype}"
    try:
        kind, text = "type" if isinstance(x, type) else type(x).__name__, " ".join(map(str.strip, repr(x).splitlines()))
    except ValueError:
        kind, text = type(x).__name__, "of more than 4,300 digits"  # which Python does not write
    text = text if len(text) <= 60 else text[:57] + "..."
    return text if x is None or text.startswith(f"{kind}(") else f"{kind} {text}"
