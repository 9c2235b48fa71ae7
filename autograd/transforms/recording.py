"""Recording: one call of a function with variables in place of numbers, and the derivatives of its result.

Every transform makes a Recording, checks it, and asks it for the derivatives that it needs.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .. import ops
from ..lost import Guard, differentiated_parameters, guards
from ..node import is_traced
from ..primitive import describe
from ..value import Value, number_of
from .sweep import ActiveNodes, pull_back, pull_back_each, push_forward
from .tree import Leaf, Tree, check, flatten, join, match_entries

RESULT = "the result"


class Recording:
    """A call of f: the structure of its arguments, the structure of its result, and the variables.

    A number is replaced by a new leaf, and a Value by its product with 1. The product depends on the
    Value, but is a separate node, so that derivatives with respect to the variable and those with
    respect to the Value are not mixed up. The parameters of a Module are variables themselves.

    Args:
        transform: the name of the transform, for messages.
        f: the function.
        argnums: which arguments to differentiate with respect to: an int, or a sequence of them for a tuple.
        args, kwargs: the arguments of the call.
        has_aux: whether f returns a pair (result, aux).
    """

    def __init__(
        self,
        transform: str,
        f: Callable[..., Any],
        argnums: int | Sequence[int],
        args: Sequence[Any],
        kwargs: dict[str, Any],
        has_aux: bool = False,
    ) -> None:
        self.who = f"{transform}({name_of(f)}):"
        positions = positions_of(argnums, len(args), self.who)
        trees = [flatten(args[i], f"argument {i}") for i in positions]
        self.inputs = join(trees) if isinstance(argnums, Sequence) else trees[0]
        check(self.inputs, self.who, "only numbers can be differentiated with respect to", argument=True)
        self.variables: list[Value] = []
        self._parameters: list[Value] = []  # those of the variables that belong to a Module
        self._takes_values = False
        parts = [list(self._variables(tree)) for tree in trees]
        fresh = set(self.variables).difference(self._parameters)
        if transform != "jvp" and len(set(self._parameters)) < len(self._parameters):  # tangents of both add up
            raise ValueError(f"{self.who} each Module must be given once, got one that shares parameters with another")
        given = [p for p in self._parameters if type(p) is Value]  # traced ones have no data
        numbers = [p.data for p in given]
        replaced = list(args)
        with Guard(self.who, fresh, self._parameters) as guard:
            for i, tree, part in zip(positions, trees, parts):  # here, as the constructor of a container is user code
                replaced[i] = tree.build(iter(part))
            self.result = f(*replaced, **kwargs)
        self._expect_unchanged(given, numbers, "while the function runs")
        if has_aux:
            if not isinstance(self.result, tuple) or len(self.result) != 2:
                raise TypeError(
                    f"{self.who} with has_aux the function must return a pair (result, aux), "
                    f"got {describe(self.result)}"
                )
            self.result, self._aux = self.result
        self.outputs = flatten(self.result, RESULT)
        check(self.outputs, self.who, "return numbers and Values, alone or in containers")
        self.numbers = self.outputs.entries
        every = (*self.numbers, *self.variables)
        tracer: Any = next(filter(is_traced, every), None)
        self.traced = tracer is not None
        if tracer is not None:  # in its graph, other nodes represent the variables
            self.numbers = [tracer.stand_in(x) if isinstance(x, Value) else x for x in self.numbers]
            self.variables = [tracer.stand_in(v) for v in self.variables]
        self.active = ActiveNodes(self.numbers, self.variables)
        others = set(self.active.leaves)
        if has_aux:
            others.update(ActiveNodes(flatten(self._aux, "aux").entries, self.variables).leaves)
        self._closes_over_values = not guard.made.issuperset(others)

    def _expect_unchanged(self, values: Sequence[Value], numbers: Sequence[float], when: str) -> None:
        for value, number in zip(values, numbers):
            if value.data != number and number == number:
                raise RuntimeError(
                    f"{self.who} the data of a Value must not change {when}, as its derivatives would be those of "
                    f"neither number, got {number} first and {value.data} later{value.label and f' in {value.label}'}"
                )

    def hold(self) -> Callable[[], None]:
        """A function that raises RuntimeError if the numbers that derivatives are computed from have changed."""
        if self.traced:
            return lambda: None
        leaves = [*self.active.leaves, *self.variables]
        numbers = [leaf.data for leaf in leaves]
        return lambda: self._expect_unchanged(leaves, numbers, "before the vector is pulled back")

    def _variables(self, tree: Tree) -> Iterator[Any]:
        """The argument of f in place of each leaf."""
        for leaf in tree.leaves:
            if leaf.names is not None:
                self.variables += leaf.entries
                self._parameters += leaf.entries
                yield leaf.given
            else:
                fresh = [self._variable(x) for x in leaf.entries]
                self.variables += fresh
                yield leaf.like([fresh])

    def _variable(self, x: Any) -> Value:
        if not isinstance(x, Value):
            return Value(x)
        self._takes_values = True
        variable = x._record(ops.mul, (x, 1.0))
        variable.label = x.label
        return variable

    def on_values(self, factors: Sequence[Any] = ()) -> bool:
        """Whether derivatives (times these factors) are Values; see "Nesting" in the docstring of the package."""
        return (
            self._takes_values
            or self.traced
            or self._closes_over_values
            or any(isinstance(x, Value) for x in factors)
            or (bool(self._parameters) and not differentiated_parameters().isdisjoint(self._parameters))
        )

    # The results

    def expect_scalar(self) -> None:
        """Raise TypeError unless the result is one number."""
        leaves = self.outputs.leaves
        if len(leaves) != 1 or leaves[0].path != RESULT or leaves[0].shape or leaves[0].names is not None:
            raise TypeError(
                f"{self.who} the function must return one number, got {describe(self.result)}. Use jacobian for the "
                "derivatives of several numbers, or elementwise_grad for a function that works element by element"
            )

    def expect_numbers(self) -> None:
        """Raise TypeError if derivatives are Values that others depend on, which no sparse array can hold."""
        inner = any(guard.watches(x) for guard in list(guards) for x in self.numbers if isinstance(x, Value))
        if inner or (self.on_values() and not self.traced):
            raise TypeError(
                f"{self.who} with sparse=True the derivatives must be plain numbers, got Values: the function closes "
                "over Values, is called with Values, or is differentiated again. Use sparse=False, or for constants "
                "their numbers (x.data)"
            )

    def value(self) -> Any:
        """The result in its structure."""
        return self.outputs.like(_convert(self.numbers, self.on_values()))

    def aux(self) -> Any:
        """The aux of the result, with floats in place of Values unless derivatives are Values."""
        tree = flatten(self._aux, "aux")
        if self.on_values() or not any(map(_has_values, tree.leaves)):
            return self._aux
        return tree.build(map(_remove_values, tree.leaves))

    # The derivatives, as flat lists of numbers

    def pull(self, seeds: Sequence[Any]) -> list[Any]:
        """The derivative of the sum of the results, each times its seed, with respect to each variable."""
        on_values = self.on_values(seeds)
        return _convert(pull_back(self.numbers, seeds, self.variables, on_values, self.active), on_values)

    def push(self, direction: Sequence[Any]) -> list[Any]:
        """The derivative of each result in a direction."""
        on_values = self.on_values(direction)
        return _convert(push_forward(self.numbers, self.variables, direction, on_values, self.active), on_values)

    def pull_each(self, outputs: Sequence[Any]) -> list[list[Any]]:
        """For each output, the derivatives with respect to the variables."""
        on_values = self.on_values()
        return [_convert(row, on_values) for row in pull_back_each(outputs, self.variables, on_values)]

    def gradient(self) -> list[Any]:
        """The derivative of the single result with respect to each variable, to be differentiated again."""
        return pull_back(self.numbers, [1.0], self.variables, True, self.active)

    def directional(self, direction: Sequence[Any]) -> list[Any]:
        """The derivative of gradient · direction with respect to each variable: the Hessian times the direction."""
        on_values = self.on_values(direction)
        return _convert(pull_back(self.gradient(), direction, self.variables, on_values), on_values)

    def read_vector(self, expected: Tree, given: Tree, noun: str) -> list[Any]:
        """The numbers of a tangent or cotangent, after a check that it has the structure of `expected`."""
        who = f"{self.who} the {noun} of"
        check(given, who, f"a {noun} must hold real numbers")
        return [x if isinstance(x, Value) else float(x) for x in match_entries(expected, given, who)]


def nest_rows(rows: Sequence[Sequence[Any]], outer: Tree, inner: Tree) -> Any:
    """The structure of `outer` with that of `inner` at each leaf, filled from a matrix with a row for each number.

    Args:
        rows: for each number of `outer`, a row with a number for each number of `inner`.
        outer, inner: the structures.
    """

    def block(leaf: Leaf, its_rows: Sequence[Sequence[Any]]) -> Any:
        if leaf.names is not None:  # the parameters of a Module, one by one
            return {name: inner.like(row) for name, row in zip(leaf.names, its_rows)}
        parts = zip(*[inner.split(row) for row in its_rows]) if its_rows else ([] for _ in inner.leaves)
        return inner.build(each.like(list(part), leaf.shape) for each, part in zip(inner.leaves, parts))

    return outer.build(block(leaf, its_rows) for leaf, its_rows in zip(outer.leaves, outer.split(rows)))


def name_of(f: Callable[..., Any]) -> str:
    """The name of a function in messages."""
    return getattr(f, "__name__", type(f).__name__)


def check_argnums(transform: str, f: Any, argnums: Any) -> int | tuple[int, ...]:
    """argnums as an int or a tuple of ints; TypeError if it is neither, or if f is not a function."""
    if not callable(f):
        advice = ". To differentiate a Value y, call y.backward() and read x.grad" if isinstance(f, Value) else ""
        raise TypeError(f"{transform}(): f must be a function, got {describe(f)}{advice}")
    several = isinstance(argnums, (tuple, list))
    for i in argnums if several else [argnums]:
        if isinstance(i, bool) or not hasattr(i, "__index__"):
            raise TypeError(
                f"{transform}({name_of(f)}): argnums must be an int or a tuple of ints, got {describe(argnums)}"
            )
    return tuple(map(operator.index, argnums)) if several else operator.index(argnums)


def positions_of(argnums: int | Sequence[int], count: int, who: str) -> list[int]:
    """The positions that argnums means among `count` arguments, counted from the front."""
    wanted = list(argnums) if isinstance(argnums, Sequence) else [argnums]
    for i in wanted:
        if not -count <= i < count:
            raise ValueError(
                f"{who} argnums is {argnums}, but the function was called with {count} positional argument"
                f"{'s' * (count != 1)}. Positions count from 0; keyword arguments cannot be differentiated"
            )
    positions = [i % count for i in wanted]
    if len(set(positions)) < len(positions):
        raise ValueError(f"{who} argnums must name each argument once, got {argnums}")
    return positions


def _has_values(leaf: Leaf) -> bool:
    return leaf.names is None and any(isinstance(x, Value) for x in leaf.entries)


def _remove_values(leaf: Leaf) -> Any:
    """The object of a leaf with floats in place of Values."""
    if not _has_values(leaf):
        return leaf.original
    return leaf.like([[x.data if isinstance(x, Value) else x for x in leaf.entries]])


def _convert(numbers: Sequence[Any], on_values: bool) -> list[Any]:
    """The numbers, all as floats or all as Values."""
    if on_values:
        # Among traced numbers a constant stays a float. A Value would be read by jit at each call.
        traced = any(kind is not Value and issubclass(kind, Value) for kind in set(map(type, numbers)))
        return list(numbers) if traced else [x if isinstance(x, Value) else Value(x) for x in numbers]
    return [x if type(x) is float else number_of(x) for x in numbers]


def name_derivative(derivative: Callable[..., Any], transform: str, f: Callable[..., Any]) -> Callable[..., Any]:
    """Give the function that a transform returns the signature of f, and a name such as grad(f)."""
    derivative.__name__ = derivative.__qualname__ = f"{transform}({name_of(f)})"
    derivative.__doc__ = f"Made by autograd.{transform} of:\n\n{f.__doc__}"
    derivative.__wrapped__ = f  # type: ignore[attr-defined]
    return derivative
