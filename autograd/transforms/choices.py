"""Choices on traced numbers: what is not taken contributes nothing, though only the compiled program knows what it is.

On numbers the rule of a choice says NOT_TAKEN, and the sweep leaves the edge out. On traced numbers it says under which
condition an argument is taken. Here the sweep keeps track of the conditions under which anything arrives at a node at
all. Within the region of one condition nothing needs to be done: where the condition is false, its adjoints are
garbage, but they stay there. Only where a region ends, because something arrives from elsewhere too, or at a variable,
a `where` chooses between what comes out of it and nothing. That is exact for infinities and nan too, which a
multiplication by 0 is not, and to every order, because the derivative of that `where` is such a choice again.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from .. import ops
from ..chain import times
from ..node import Node, walk
from ..primitive import Primitive
from ..value import Value


class Condition:
    """A condition: a path of decisions, each with whether it must be true or false.

    Attributes:
        outer: the condition without the last decision; None for the one that always holds.
        decision: a traced number, true where it is not 0; or a set of conditions, true where any of them holds.
        truth: whether it must be true.
        depth: how many decisions there are.
        inner: the conditions with one decision more. There is one object for each condition of a sweep.
    """

    __slots__ = ("decision", "depth", "inner", "key", "outer", "truth")

    def __init__(self, outer: Condition | None = None, key: Any = None, decision: Any = None, truth: bool = True):
        self.outer, self.key, self.decision, self.truth = outer, key, decision, truth
        self.depth: int = 0 if outer is None else outer.depth + 1
        self.inner: dict[Any, Condition] = {}

    def also(self, decision: Any, truth: bool) -> Condition | None:
        """This condition and one decision more; None if they never hold together."""
        key = decision if isinstance(decision, frozenset) else _key(decision)
        known = self.inner.get((key, truth))
        if known is not None:
            return known
        step: Condition | None = self
        while step is not None:
            if step.key == key:
                return self if step.truth is truth else None
            step = step.outer
        found = self.inner[key, truth] = Condition(self, key, decision, truth)
        return found


def _key(x: Any) -> Any:
    """Equal for traced numbers that are computed alike from the same operands."""
    if not isinstance(x.op, Primitive) or not x.op.scalar:
        return id(x)
    return x.op, *[p.hex() if type(p) is float else id(p) for p in x.args]


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
    ops.tanh, ops.sigmoid, ops.sech2, ops.sin, ops.cos,
])  # fmt: skip


class Choices:
    """The conditions of one sweep."""

    def __init__(self) -> None:
        self.always = Condition()
        self._numbers: dict[tuple[Condition, Condition], Any] = {}
        self._unions: dict[frozenset[Condition], Condition] = {}
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
        number, arrives, valid = given if type(given) is Partly else (given, self.always, self.always)
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

    def total(self, terms: Sequence[Any], add: Any) -> Any:
        """The sum of terms, each a pair of factors or a Term: a number or, if it depends on conditions, a Partly."""
        for each in terms:
            if type(each) is Term:
                break
        else:
            return add(terms)
        always = self.always
        under = [each if type(each) is Term else Term(each[0], each[1], always, always) for each in terms]
        arrives = self._any_of([each.arrives for each in under])
        groups: dict[Condition, list[tuple[Any, Any]]] = {}
        for each in under:
            groups.setdefault(each.valid, []).append((each.factor, each.partial))
        valid = self._any_of(groups)
        if len(groups) == 1:
            number = add(groups[valid])
        else:
            number = self._choose(groups, add)
            if number is None:
                valid = valid if valid in groups else _common(groups)
                number = add([self._mask(each, valid) for each in under])
        return number if arrives is always and valid is always else Partly(number, arrives, valid)

    def as_term(self, x: Any, condition: Condition | None = None) -> Any:
        """A number or a Partly as a term; it arrives, and is valid, only under the condition, if one is given."""
        if type(x) is Partly:
            return Term(x.number, 1.0, x.arrives, x.valid)
        return (x, 1.0) if condition is None or condition is self.always else Term(x, 1.0, condition, condition)

    def total_of(self, terms: Sequence[Any]) -> Any:
        """total(), added up in order."""
        return self.total(terms, _add_in_order)

    def as_partly(self, x: Any) -> Partly:
        """An adjoint or a tangent with its conditions."""
        return x if type(x) is Partly else Partly(x, self.always, self.always)

    def any_of(self, conditions: Iterable[Condition]) -> Condition:
        """The condition that any of them holds."""
        return self._any_of(conditions)

    def right_where(self, x: Partly, condition: Condition) -> Any:
        """The number of x, right where a condition holds."""
        return self._select(x.valid, _common([x.valid, condition]), x.number, 0.0)

    def number(self, condition: Condition, within: Condition | None = None) -> Any:
        """1 where a condition holds, otherwise 0; `within` is a condition that is known to hold."""
        return self._number(condition, _common([condition, within or self.always]))

    def result(self, x: Any) -> Any:
        """The number of an adjoint or a tangent: 0 where nothing arrives."""
        return self._select(x.valid, self.always, x.number, 0.0) if type(x) is Partly else x

    def _mask(self, term: Term, valid: Condition) -> tuple[Any, Any]:
        """The factors of a term where it is valid. Elsewhere their product is -0.0, which changes no sum."""
        if term.valid is valid:
            return term.factor, term.partial
        within = _common([term.valid, valid])
        return self._select(term.valid, within, times(term.factor, term.partial), -0.0), 1.0

    def _choose(self, groups: dict[Condition, list[tuple[Any, Any]]], add: Any) -> Any:
        """The sum of the terms of that group whose condition holds; None if two of them may hold together."""
        top = _common(groups)
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
        numbers = {condition: add(pairs) for condition, pairs in groups.items()}
        for condition in [*[each for each in order if each not in groups], top]:
            one, *others = inner[condition]
            numbers[condition] = numbers[one]
            if others:
                a, b = (one, others[0]) if one.truth else (others[0], one)
                numbers[condition] = ops.where(self._decision(one), numbers[a], numbers[b])
        return numbers[top]

    # Conditions

    def _any_of(self, conditions: Iterable[Condition]) -> Condition:
        """The condition that any of them holds."""
        given = frozenset(conditions)
        known = self._unions.get(given)
        if known is None:
            known = self._unions[given] = self._find_union(given)
        return known

    def _find_union(self, given: frozenset[Condition]) -> Condition:
        top = _common(given)
        covered = set(given)
        waiting = list(given)
        while waiting and top not in covered:
            condition = waiting.pop()
            outer = condition.outer
            assert outer is not None
            if outer not in covered and outer.inner.get((condition.key, not condition.truth)) in covered:
                covered.add(outer)  # whatever the decision is, one of the two holds
                waiting.append(outer)
        if top in covered:
            return top
        widest = frozenset([each for each in covered if not _is_within(each, covered, top)])
        if len(widest) == 1:
            return next(iter(widest))
        found = top.also(widest, True)
        assert found is not None
        return found

    def _select(self, condition: Condition, within: Condition, x: Any, otherwise: float) -> Any:
        """x where a condition holds; `within` is a part of it that is known to hold."""
        if condition is within:
            return x
        if condition.outer is within:
            pair = (x, otherwise) if condition.truth else (otherwise, x)
            return ops.where(self._decision(condition), *pair)
        return ops.where(self._number(condition, within), x, otherwise)

    def _number(self, condition: Condition, within: Condition) -> Any:
        """A traced number that is 1 where a condition holds, and otherwise 0."""
        steps = []
        while condition is not within and (condition, within) not in self._numbers:
            steps.append(condition)
            assert condition.outer is not None
            condition = condition.outer
        number = self._numbers.get((condition, within), 1.0)
        for step in reversed(steps):
            pair = (number, 0.0) if step.truth else (0.0, number)
            number = self._numbers[step, within] = ops.where(self._decision(step), *pair)
        return number

    def _decision(self, condition: Condition) -> Any:
        """The traced number that is the last decision of a condition."""
        decision, outer = condition.decision, condition.outer
        assert outer is not None
        if isinstance(decision, Node):
            return decision
        numbers = [self._number(each, outer) for each in sorted(decision, key=lambda each: each.depth)]
        return functools.reduce(lambda a, b: ops.where(a, 1.0, b), numbers)

    def _is_tame(self, node: Value) -> bool:
        """Whether only overflow can make node infinite if all leaves are finite."""
        tame = self._tame

        def unknown(x: Any) -> list[Any]:
            return [] if x in tame or not _may_be_tame(x) else [p for p in x.parents if type(p) is not float]

        for x in walk([node], unknown):
            if x not in tame:
                tame[x] = _may_be_tame(x) and all(math.isfinite(p) if type(p) is float else tame[p] for p in x.parents)
        return tame[node]


def _add_in_order(pairs: Sequence[tuple[Any, Any]]) -> Any:
    return functools.reduce(operator.add, [times(*pair) for pair in pairs])


def _may_be_tame(x: Value) -> bool:
    return x.op is None or x.op in _TAME or (isinstance(x.op, Primitive) and not any(x.op.partials))


def _is_finite(partial: Any) -> bool:
    return type(partial) is float and math.isfinite(partial)


def _is_compared(x: Any, condition: Any) -> bool:
    """Whether x is no nan where the condition holds: it is compared there, or a choice of numbers that are."""
    if not isinstance(condition.op, Primitive) or condition.op.native not in _ORDERED:
        return False
    numbers = (x._b, x._c) if x.op is ops.where else (x,)
    return all(type(each) is float or each is condition._a or each is condition._b for each in numbers)


def _common(conditions: Iterable[Condition]) -> Condition:
    """The longest path with which all conditions begin."""

    def common(a: Condition, b: Condition) -> Condition:
        while a is not b:
            if a.depth < b.depth:
                a, b = b, a
            assert a.outer is not None
            a = a.outer
        return a

    return functools.reduce(common, conditions)


def _is_within(condition: Condition, others: set[Condition], top: Condition) -> bool:
    """Whether a condition holds only where another one does."""
    while condition is not top:
        assert condition.outer is not None
        condition = condition.outer
        if condition in others:
            return True
    return False
