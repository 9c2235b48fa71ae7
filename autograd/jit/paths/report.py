"""PathReport: the paths of a program as a tree of decisions, which `program.paths` shows."""

from __future__ import annotations

import collections
import linecache
import os
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ..trace.guards import Decision, pack_answers
from .paths import Paths

LONG_RUN = 5  # decisions


class PathSummary(NamedTuple):
    """One path of a program.

    Attributes:
        decisions: for each decision, in order, the user's line, "file:line", and the answer: True, False or a number.
        elements: how many elements took it.
    """

    decisions: tuple[tuple[str, bool | float], ...]
    elements: int


class PathReport(Sequence[PathSummary]):
    """The paths that a program knows: a sequence of them. Printed, they are a tree of decisions."""

    def __init__(self, paths: Paths) -> None:
        self._who = paths.who.rstrip(":")
        found: dict[bytes, tuple[list[Decision], int]] = {}
        for path in paths.known:
            _, before = found.get(path.key, ((), 0))
            found[path.key] = path.decisions, before + path.elements
        self._paths = [found[key] for key in sorted(found, reverse=True)]  # True before False
        self._questions: dict[str, set[tuple[Any, ...]]] = collections.defaultdict(set)  # by line
        for decision in {each for decisions, _ in self._paths for each in decisions}:
            self._questions[decision.line].add(decision.asked)

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, k: int) -> PathSummary:  # type: ignore[override]
        decisions, elements = self._paths[k]
        return PathSummary(tuple([(each.line, _answer(each)) for each in decisions]), elements)

    def __repr__(self) -> str:
        if not any(decisions for decisions, _ in self._paths):
            return f"{self._who}: one path, without decisions"
        return "\n".join([f"{self._who}: {len(self)} path{'s' * (len(self) > 1)}", *self._lines()])

    def _lines(self) -> Iterator[str]:
        """A line for each decision, indented where paths part, and for the end of each path."""
        todo = [(0, len(self), 0, 0)]  # paths from the first number to the second, from a decision on, indented so far
        while todo:
            low, high, start, indent = todo.pop()
            first, last = self._paths[low][0], self._paths[high - 1][0]
            shared = next((k for k, (a, b) in enumerate(zip(first, last)) if _differ(a, b)), min(len(first), len(last)))
            yield from ["  " * indent + text for text in self._describe_run(first[start:shared])]
            indent += shared > start
            if high - low == 1:
                count = self._paths[low][1]
                yield f"{'  ' * indent}{count} element{'s' * (count != 1)}"
                continue
            starts = [k for k in range(low + 1, high) if self._parts(k, shared)]
            todo += [(*pair, shared, indent) for pair in reversed([*zip([low, *starts], [*starts, high])])]

    def _parts(self, k: int, at: int) -> bool:
        """Whether path k takes a decision otherwise than the path before, with which it shares all those before."""
        one, other = self._paths[k - 1][0], self._paths[k][0]
        return len(one) <= at or len(other) <= at or _differ(one[at], other[at])

    def _describe_run(self, decisions: Sequence[Decision]) -> list[str]:
        """A line for each decision of a run in which no paths part; of a long run, only the ends."""
        if len(decisions) <= LONG_RUN:
            return list(map(self._describe, decisions))
        left = len(decisions) - 2
        ends = self._describe(decisions[0]), self._describe(decisions[-1])
        return [ends[0], f"... {left:,} more, in which no paths part", ends[1]]

    def _describe(self, decision: Decision) -> str:
        """Where it was taken and how; what was compared too, unless the line is an `if` or `while` that says it."""
        file, _, number = decision.line.rpartition(":")
        text = linecache.getline(file, int(number or 0)).strip()
        symbol, *sides = decision.asked
        left, right = ["..." if x is None else f"{x:g}" for x in sides]
        is_plain = text.startswith(("if ", "elif ", "while ")) and len(self._questions[decision.line]) == 1
        if decision.is_choice and not is_plain:
            text += f"  [{left} {symbol} {right}]"
        number_text = f"{_answer(decision)}" if decision.is_choice else f"{decision.number:g}"
        return f"{os.path.basename(file)}:{number}  {text}  -> {number_text}"


def _differ(one: Decision, other: Decision) -> bool:
    return pack_answers([one.number]) != pack_answers([other.number])


def _answer(decision: Decision) -> bool | float:
    return bool(decision.number) if decision.is_choice else decision.number
