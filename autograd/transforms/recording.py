"""Recording: one call of a function with variables in place of numbers, and the derivatives of its result by them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .. import ops
from ..primitive import describe
from ..tree import Leaf, Tree, aligned, check, flatten, join
from ..value import Value
from .sweep import pull_back, pull_back_each, push_forward, reaches

RESULT = "the result"

_running: dict[Recording, list[Value]] = {}  # those that are now calling their function, with their variables


class Recording:
    """A call of f: the structures that went in and came out, and the variables between them.

    A number becomes a new leaf, and a Value its product with 1: a node of its own, lest derivatives by
    the variable be mixed up with those by the Value, yet connected to it. The parameters of a Module
    are variables as they stand.

    Args:
        transform: the name of the transform, for messages.
        f: the function.
        argnums: which arguments to differentiate by: an int for the argument itself, else their tuple.
        args, kwargs: what to call f with.
        has_aux: whether f returns a pair, of which the first is the result.
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
        check(self.inputs, self.who, "there are derivatives by numbers only", argument=True)
        self.variables: list[Value] = []
        self._takes_values = False
        replaced = list(args)
        for i, tree in zip(positions, trees):
            replaced[i] = tree.build(self._variables(tree))
        _running[self] = self.variables
        try:
            self.result = f(*replaced, **kwargs)
        finally:
            del _running[self]
        if has_aux:
            if not isinstance(self.result, tuple) or len(self.result) != 2:
                raise TypeError(
                    f"{self.who} with has_aux the function must return a pair (result, aux), "
                    f"got {describe(self.result)}"
                )
            self.result, self._aux = self.result
        self.outputs = flatten(self.result, RESULT)
        check(self.outputs, self.who, "the function must return real numbers")
        self.numbers = self.outputs.entries
        tracer: Any = next((x for x in self.numbers if isinstance(x, Value) and type(x) is not Value), None)
        self._traced = tracer is not None
        if tracer is not None:  # in its graph other nodes stand for the variables
            self.numbers = [tracer.trace.lift(x) if isinstance(x, Value) else x for x in self.numbers]
            self.variables = [tracer.trace.lift(v) for v in self.variables]

    def _variables(self, tree: Tree) -> Iterator[Any]:
        """What f gets in place of each leaf."""
        for leaf in tree.leaves:
            if leaf.names is not None:
                self.variables += leaf.entries
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
        """Whether derivatives (times these factors) are Values: "Nesting" in the docstring of transforms."""
        if self._takes_values or self._traced or any(isinstance(x, Value) for x in factors):
            return True
        enclosing = [v for variables in list(_running.values()) for v in variables]
        return bool(enclosing) and reaches(self.numbers, enclosing)

    # The results

    def expect_scalar(self) -> None:
        """TypeError, unless the result is one number."""
        leaves = self.outputs.leaves
        if len(leaves) != 1 or leaves[0].path != RESULT or leaves[0].shape or leaves[0].names is not None:
            raise TypeError(
                f"{self.who} the function must return one number, got {describe(self.result)}; use jacobian for the "
                "derivatives of several numbers, elementwise_grad for a function that works element by element"
            )

    def value(self) -> Any:
        """The result in its structure."""
        return self.outputs.like(_numbers(self.numbers, self.on_values()))

    def aux(self) -> Any:
        """What came with the result, with floats for the Values in it unless derivatives are Values."""
        tree = flatten(self._aux, "aux")
        if self.on_values() or not any(map(_has_values, tree.leaves)):
            return self._aux
        return tree.build(map(_without_values, tree.leaves))

    # The derivatives, as flat lists of numbers

    def pull(self, seeds: Sequence[Any]) -> list[Any]:
        """For each variable the derivative of the sum of the results, each times its seed."""
        on_values = self.on_values(seeds)
        return _numbers(pull_back(self.numbers, seeds, self.variables, on_values), on_values)

    def push(self, direction: Sequence[Any]) -> list[Any]:
        """For each result the derivative in a direction."""
        on_values = self.on_values(direction)
        return _numbers(push_forward(self.numbers, self.variables, direction, on_values), on_values)

    def pull_each(self, outputs: Sequence[Any]) -> list[list[Any]]:
        """For each output the derivatives by each variable."""
        on_values = self.on_values()
        return [_numbers(row, on_values) for row in pull_back_each(outputs, self.variables, on_values)]

    def gradient(self) -> list[Any]:
        """For each variable the derivative of the one result, to be differentiated again."""
        return pull_back(self.numbers, [1.0], self.variables, True)

    def directional(self, direction: Sequence[Any]) -> list[Any]:
        """For each variable the derivative of the gradient times a direction: the Hessian times it."""
        on_values = self.on_values(direction)
        return _numbers(pull_back(self.gradient(), direction, self.variables, on_values), on_values)

    def matching(self, expected: Tree, given: Tree, noun: str) -> list[Any]:
        """The numbers of a tangent or cotangent, once it is known to fit."""
        who = f"{self.who} the {noun} of"
        check(given, who, f"a {noun} has one number for each of what it belongs to")
        return [x if isinstance(x, Value) else float(x) for x in aligned(expected, given, who)]


def blocks(rows: Sequence[Sequence[Any]], outer: Tree, inner: Tree) -> Any:
    """A matrix with a row for each number of `outer`: that structure, with the structure of `inner` at its leaves."""

    def block(leaf: Leaf, its_rows: Sequence[Sequence[Any]]) -> Any:
        if leaf.names is not None:  # the parameters of a Module, one by one
            return {name: inner.like(row) for name, row in zip(leaf.names, its_rows)}
        parts = zip(*[inner.split(row) for row in its_rows]) if its_rows else ([] for _ in inner.leaves)
        return inner.build(each.like(list(part), leaf.shape) for each, part in zip(inner.leaves, parts))

    return outer.build(block(leaf, its_rows) for leaf, its_rows in zip(outer.leaves, outer.split(rows)))


def name_of(f: Callable[..., Any]) -> str:
    """What messages call a function."""
    return getattr(f, "__name__", type(f).__name__)


def checked_argnums(transform: str, f: Any, argnums: Any) -> int | tuple[int, ...]:
    """argnums as an int or a tuple of ints; TypeError if it is neither, or f no function."""
    if not callable(f):
        advice = "; the derivatives of a Value y: y.backward(), then x.grad" if isinstance(f, Value) else ""
        raise TypeError(f"{transform}() takes a function, got {describe(f)}{advice}")
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
                f"{'s' * (count != 1)}; they count from 0, and those given by keyword are not differentiated by"
            )
    positions = [i % count for i in wanted]
    if len(set(positions)) < len(positions):
        raise ValueError(f"{who} argnums is {argnums}, which names an argument twice; give each once")
    return positions


def _has_values(leaf: Leaf) -> bool:
    return leaf.names is None and any(isinstance(x, Value) for x in leaf.entries)


def _without_values(leaf: Leaf) -> Any:
    if not _has_values(leaf):
        return leaf.given
    return leaf.like([[float(x) if isinstance(x, Value) else x for x in leaf.entries]])


def _numbers(numbers: Sequence[Any], on_values: bool) -> list[Any]:
    """All floats or all Values."""
    if on_values:
        # Among traced numbers a constant stays a float: jit would take a Value for one to be read at each call.
        traced = any(isinstance(x, Value) and type(x) is not Value for x in numbers)
        return [x if isinstance(x, Value) or traced else Value(x) for x in numbers]
    return [x if type(x) is float else float(x) for x in numbers]


def name_derivative(derivative: Callable[..., Any], transform: str, f: Callable[..., Any]) -> Callable[..., Any]:
    """Give a function made by a transform the signature of f and a name that says what it is."""
    derivative.__name__ = derivative.__qualname__ = f"{transform}({name_of(f)})"
    derivative.__doc__ = f"Made by autograd.{transform} of:\n\n{f.__doc__}"
    derivative.__wrapped__ = f  # type: ignore[attr-defined]
    return derivative
