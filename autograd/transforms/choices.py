"""Choices on traced numbers: what is not taken contributes nothing, though only the compiled program knows what it is.

On numbers the rule of a choice says NOT_TAKEN, and the sweep leaves the edge out. On traced numbers it says under which
condition an argument is taken. Here the sweep keeps track of the conditions under which anything arrives at a node at
all. Within the region of one condition nothing needs to be done: where the condition is false, its adjoints are
garbage, but they stay there. Only where a region ends, because something arrives from elsewhere too, or at a variable,
a `where` chooses between what comes out of it and nothing. That is exact for infinities and nan too, which a
multiplication by 0 is not, and to every order, because the derivative of that `where` is such a choice again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from .. import ops
from ..chain import times
from ..node import walk
from ..primitive import Primitive
from ..value import Value
from .conditions import Condition, Conditions, common
from .whole import of_step


class Partly(NamedTuple):
    """An adjoint or a tangent under conditions.

    Attributes:
        number: the traced number.
        arrives: the condition under which anything arrives there.
        valid: the condition under which the number is right, which includes that it is 0 where nothing arrives.
    """

    number: Any
    arrives: Condition
    valid: Condition


class Term(NamedTuple):
    """A term under conditions: the product of an adjoint or a tangent and a local derivative."""

    factor: Any
    partial: Any
    arrives: Condition
    valid: Condition


# LLVM's names of the comparisons that are false for nan.
_ORDERED = frozenset(["olt", "ole", "ogt", "oge", "oeq"])
# With finite arguments, the values and the derivatives of these are finite, unless they overflow.
_TAME = frozenset([
    ops.add, ops.sub, ops.neg, ops.mul, ops.sum, ops.dot, ops.abs, ops.relu, ops.maximum, ops.minimum, ops.where,
    ops.tanh, ops.sech2, ops.sigmoid,
])  # fmt: skip


class Choices:
    """The conditions of one sweep.

    Args:
        add: a function that adds up the products of pairs of factors.
    """

    def __init__(self, add: Callable[[Sequence[tuple[Any, Any]]], Any]) -> None:
        self.add = add
        self.conditions = Conditions()
        self._tame: dict[Any, bool] = {}

    def term(self, node: Value, x: Value, given: Any, partial: Any) -> Any:
        """The term that a node passes to or from its argument x; None if it never passes anything.

        Args:
            node, x: the node and its argument.
            given: the adjoint of the node or, in a forward sweep, the tangent of x.
            partial: the local derivative, or a Choice.
        """
        if type(given) is not Partly and type(partial) is not ops.Choice:
            return given, partial
        always = self.conditions.always
        number, arrives, valid = given if type(given) is Partly else (given, always, always)
        if type(partial) is not ops.Choice:
            if valid is not arrives and not (_is_finite(partial) or self._is_tame(node)):
                valid = arrives
            return Term(number, partial, arrives, valid)
        condition, when, partial = partial
        taken, inside = arrives.also(condition, when), valid.also(condition, when)
        if taken is None or inside is None:
            return None
        if not when and _is_compared(x, condition) and self._is_tame(x):
            # Where it is not taken, x is no nan, and so what it was computed from is finite unless x is infinite. Then
            # a zero may pass on: it remains one. Sums over a batch of the products of a network need this form.
            return Term(ops.where(condition, 0.0, times(number, partial)), 1.0, taken, valid)
        return Term(number, partial, taken, inside)

    def total(self, terms: Sequence[Any]) -> Any:
        """The sum of terms, each a pair of factors or a Term: a number or, if it depends on conditions, a Partly."""
        if not any(type(each) is Term for each in terms):
            return self.add(terms)
        always = self.conditions.always
        under = [each if type(each) is Term else Term(each[0], each[1], always, always) for each in terms]
        arrives = self.conditions.any_of([each.arrives for each in under])
        groups: dict[Condition, list[tuple[Any, Any]]] = {}
        for each in under:
            groups.setdefault(each.valid, []).append((each.factor, each.partial))
        valid = self.conditions.any_of(groups)
        if len(groups) == 1:
            number = self.add(groups[valid])
        else:
            number = self._choose(groups)
            if number is None:
                valid = valid if valid in groups else common(groups)
                number = self.add([self._mask(each, valid) for each in under])
        return number if arrives is always and valid is always else Partly(number, arrives, valid)

    def as_term(self, x: Any, condition: Condition | None = None) -> Any:
        """A number or a Partly as a term; it arrives, and is valid, only under the condition, if one is given."""
        if type(x) is Partly:
            return Term(x.number, 1.0, x.arrives, x.valid)
        return (x, 1.0) if condition in (None, self.conditions.always) else Term(x, 1.0, condition, condition)

    def as_partly(self, x: Any) -> Partly:
        """An adjoint or a tangent with its conditions."""
        return x if type(x) is Partly else Partly(x, self.conditions.always, self.conditions.always)

    def right_where(self, x: Partly, condition: Condition) -> Any:
        """The number of x, right where a condition holds."""
        return self.conditions.select(x.valid, common([x.valid, condition]), x.number, 0.0)

    def result(self, x: Any) -> Any:
        """The number of an adjoint or a tangent: 0 where nothing arrives."""
        return self.conditions.select(x.valid, self.conditions.always, x.number, 0.0) if type(x) is Partly else x

    def _mask(self, term: Term, valid: Condition) -> tuple[Any, Any]:
        """The factors of a term where it is valid. Elsewhere their product is -0.0, which changes no sum."""
        if term.valid is valid:
            return term.factor, term.partial
        within = common([term.valid, valid])
        return self.conditions.select(term.valid, within, times(term.factor, term.partial), -0.0), 1.0

    def _choose(self, groups: dict[Condition, list[tuple[Any, Any]]]) -> Any:
        """The sum of the terms of that group whose condition holds; None if two of them may hold together."""
        top = common(groups)
        inner: dict[Condition, list[Condition]] = {}
        for condition in groups:
            while condition is not top and condition not in inner:
                inner[condition] = []
                condition = condition.outer  # type: ignore[assignment]
        order = sorted(inner, key=lambda condition: -condition.depth)
        for condition in order:
            outer = condition.outer
            assert outer is not None
            both = inner.setdefault(outer, [])
            both.append(condition)
            if outer in groups or len({each.key for each in both}) > 1:
                return None
        numbers = {condition: self.add(pairs) for condition, pairs in groups.items()}
        for condition in [*[each for each in order if each not in groups], top]:
            one, *others = inner[condition]
            numbers[condition] = numbers[one]
            if others:
                a, b = (one, others[0]) if one.truth else (others[0], one)
                numbers[condition] = ops.where(self.conditions.decision(one), numbers[a], numbers[b])
        return numbers[top]

    def _is_tame(self, node: Value) -> bool:
        """Whether only overflow can make node infinite if no leaf is."""
        tame = self._tame
        if node in tame:
            return tame[node]

        def unknown(x: Any) -> list[Any]:
            return [] if x in tame or not _may_be_tame(x) else [p for p in x.parents if type(p) is not float]

        for x in walk([node], unknown):
            if x not in tame:
                tame[x] = _may_be_tame(x) and all(not math.isinf(p) if type(p) is float else tame[p] for p in x.parents)
        return tame[node]


def _may_be_tame(x: Value) -> bool:
    if x.op is None:
        return not any(test(x) for test in of_step)
    return x.op in _TAME or (isinstance(x.op, Primitive) and not any(x.op.partials))


def _is_finite(partial: Any) -> bool:
    return type(partial) is float and math.isfinite(partial)


def _is_compared(x: Any, condition: Any) -> bool:
    """Whether x is no nan where the condition holds: it is compared there, or a choice of numbers that are."""
    if not isinstance(condition.op, Primitive) or condition.op.native not in _ORDERED:
        return False
    numbers = (x._b, x._c) if x.op is ops.where else (x,)
    return all(type(each) is float or each is condition._a or each is condition._b for each in numbers)
