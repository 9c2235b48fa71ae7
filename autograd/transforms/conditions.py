"""Conditions on traced numbers: paths of decisions, unions of them, and a choice by one as a `where`."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable
from typing import Any, Final

from .. import ops
from ..node import Node, walk
from ..primitive import Primitive

_ages: Final = itertools.count()


class Condition:
    """A condition: a path of decisions, each with whether it must be true or false.

    Attributes:
        outer: the condition without the last decision; None for the one that always holds.
        decision: a traced number, true where it is not 0; or a set of conditions, true where any of them holds.
        truth: whether it must be true.
        depth: how many decisions there are.
        inner: the conditions with one decision more. There is one object for each condition of a sweep.
        age: greater than that of each condition that was made before.
    """

    __slots__ = ("age", "decision", "depth", "inner", "key", "outer", "truth")

    def __init__(self, outer: Condition | None = None, key: Any = None, decision: Any = None, truth: bool = True):
        self.outer, self.key, self.decision, self.truth = outer, key, decision, truth
        self.depth: int = 0 if outer is None else outer.depth + 1
        self.inner: dict[Any, Condition] = {}
        self.age = next(_ages)

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


class Conditions:
    """The conditions of one sweep, and the traced numbers that tell where they hold.

    Attributes:
        always: the condition that always holds.
    """

    def __init__(self) -> None:
        self.always = Condition()
        self._numbers: dict[tuple[Condition, Condition], Any] = {}
        self._unions: dict[frozenset[Condition], Condition] = {}
        self._decisions: dict[Condition, Any] = {}

    def any_of(self, conditions: Iterable[Condition]) -> Condition:
        """The condition that any of them holds."""
        given = frozenset(conditions)
        known = self._unions.get(given)
        if known is None:
            known = self._unions[given] = self._find_union(given)
        return known

    def _find_union(self, given: frozenset[Condition]) -> Condition:
        top = common(given)
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

    def select(self, condition: Condition, within: Condition, x: Any, otherwise: float) -> Any:
        """x where a condition holds; `within` is a part of it that is known to hold."""
        if condition is within:
            return x
        if condition.outer is within:
            pair = (x, otherwise) if condition.truth else (otherwise, x)
            return ops.where(self.decision(condition), *pair)
        return ops.where(self._number(condition, within), x, otherwise)

    def number(self, condition: Condition, given: Condition) -> Any:
        """1 where a condition holds, otherwise 0, as a traced number or a float; `given` is known to hold."""
        return self._number(condition, common([condition, given]))

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
            number = self._numbers[step, within] = ops.where(self.decision(step), *pair)
        return number

    def decision(self, condition: Condition) -> Any:
        """The traced number that is the last decision of a condition."""
        if isinstance(condition.decision, Node):
            return condition.decision
        for each in walk([condition], self._unknown_unions):
            if each not in self._decisions:
                parts = [self._number(part, each.outer) for part in sorted(each.decision, key=lambda part: part.age)]
                self._decisions[each] = functools.reduce(lambda a, b: ops.where(a, 1.0, b), parts)
        return self._decisions[condition]

    def _unknown_unions(self, condition: Condition) -> list[Condition]:
        """The unions of conditions among the decisions of the parts of a union, as far as they have no number yet."""
        found: list[Condition] = []
        for step in condition.decision if condition not in self._decisions else ():
            while step is not condition.outer:
                if not isinstance(step.decision, Node) and step not in self._decisions:
                    found.append(step)
                step = step.outer
        return sorted(found, key=lambda step: -step.age)


def common(conditions: Iterable[Condition]) -> Condition:
    """The longest path with which all conditions begin."""

    def shared(a: Condition, b: Condition) -> Condition:
        while a is not b:
            if a.depth < b.depth:
                a, b = b, a
            assert a.outer is not None
            a = a.outer
        return a

    return functools.reduce(shared, conditions)


def _is_within(condition: Condition, others: set[Condition], top: Condition) -> bool:
    """Whether a condition holds only where another one does."""
    while condition is not top:
        assert condition.outer is not None
        condition = condition.outer
        if condition in others:
            return True
    return False
