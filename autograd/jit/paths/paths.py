"""Path: one sequence of decisions with its code. Paths: those that are known for arguments of one structure."""

from __future__ import annotations

import collections
import dataclasses
import itertools
import struct
from collections.abc import Callable, Sequence
from typing import Any

from ...value import Value
from .. import tuning
from ..compile import Compilation, compile_call
from ..runtime.runner import Runner
from ..runtime.signature import Argument
from ..trace.guards import Decision, Decisions, pack_answers
from ..trace.sources import Sources
from ..trace.state import NeedsValuesError, TracingError

ANSWER = 8  # bytes of each answer in a key


class Path:
    """One sequence of decisions, and the code for elements that take them.

    Args:
        compilation: the code.
        given: the arguments it is for.
        skip: how many of the first decisions the code takes for granted.

    Attributes:
        decisions: the decisions, in order.
        key: the answers as bytes.
        elements: how many elements took it.
    """

    def __init__(self, compilation: Compilation, given: Sequence[Argument], skip: int) -> None:
        self.compilation = compilation
        self.decisions: list[Decision] = compilation.traced.decisions
        self.key = pack_answers([each.number for each in self.decisions])
        self.skip = skip
        self.elements = 0
        self._given = given
        self._runners: collections.OrderedDict[int | None, Runner] = collections.OrderedDict()

    def runner(self, size: int | None, keep: bool = True) -> Runner:
        """A Runner for so many elements; its memory is kept for the next call of that size if that is worth it."""
        runner = self._runners.get(size)
        if runner is None:
            runner = Runner(self.compilation, self._given, size)
            if keep or (size or 0) <= tuning.SMALL_GROUP:
                self._runners[size] = runner
                while len(self._runners) > tuning.GROUP_SIZES:
                    self._runners.popitem(last=False)
        return runner


@dataclasses.dataclass(frozen=True)
class Prefix:
    """The decisions of an element, as far as they are known.

    Attributes:
        key: the answers as bytes.
        is_disputed: whether the code of another path takes one of them otherwise, because it rounds otherwise.
    """

    key: bytes = b""
    is_disputed: bool = False

    def __len__(self) -> int:
        return len(self.key) // ANSWER

    def extend(self, path: Path, first: float, seen: float) -> Prefix:
        """The prefix of an element for which `path` finds its decision `first` broken, and `seen` there."""
        at = int(first)
        if at < len(self):  # this much was found before, and stands
            return Prefix(self.key, True)
        decision = path.decisions[at]
        answer = 1.0 - decision.number if decision.is_choice else seen
        return Prefix(path.key[: at * ANSWER] + pack_answers([answer]), self.is_disputed)


class Paths:
    """The paths of a function for arguments of one structure.

    Args:
        f, given, who, wrt, sum_value: the arguments of `compile_call`.
        lock: held while a path is traced and compiled.

    Attributes:
        known: the paths, in the order in which they were found.
        latest: the path that was traced last.
        closed_over: the Values that any of them closes over.
        sources: where the function found them.
    """

    def __init__(
        self,
        f: Callable[..., Any],
        given: Sequence[Argument],
        who: str,
        wrt: Sequence[int] | None,
        sum_value: bool,
        lock: Any,
    ) -> None:
        self.given, self.who = given, who
        self.known: list[Path] = []
        self.latest: Path | None = None
        self.closed_over: list[Value] = []
        self.sources: Sources
        self._f, self._wrt, self._sum_value, self._lock = f, wrt, sum_value, lock
        self._preferred: Path | None = None

    @property
    def decides(self) -> bool:
        """Whether the function decides by its numbers."""
        return any(path.decisions for path in self.known)

    def begin(self, numbers: Callable[[], list[float]] | None) -> None:
        """Trace the first path, with these numbers; without them, decisions are refused."""
        decisions = Decisions(numbers) if numbers is not None else None
        self.add(compile_call(self._f, self.given, self.who, self._wrt, self._sum_value, decisions))

    def find(self, prefix: Prefix) -> Path | None:
        """A path that begins with this prefix: the preferred one, if it does, otherwise the one that most took."""
        skip = len(prefix) if prefix.is_disputed else 0
        if self._preferred is not None and self._preferred.key.startswith(prefix.key) and self._preferred.skip == skip:
            return self._preferred
        fitting = [path for path in self.known if path.key.startswith(prefix.key) and path.skip == skip]
        return max(fitting, key=lambda path: path.elements, default=None)

    def prefer(self, path: Path) -> None:
        """Try this path first from now on."""
        self._preferred = path

    def find_or_trace(self, prefix: Prefix, numbers: Callable[[], list[float]]) -> Path:
        """A path that begins with this prefix, traced with these numbers if there is none yet.

        Raises:
            TracingError: if there would be too many, or the function does not decide by its arguments alone.
            NeedsValuesError: if the new path would lose a derivative.
        """
        path = self.find(prefix)
        if path is None:
            with self._lock:
                path = self.find(prefix)  # another thread may have been faster
                if path is None:
                    path = self._trace(prefix, numbers)
                    if path.compilation.traced.watched:
                        raise NeedsValuesError
        return path

    def _trace(self, prefix: Prefix, numbers: Callable[[], list[float]]) -> Path:
        count = len(self.known)
        operations = sum(path.compilation.stats.nodes for path in self.known)
        if count >= tuning.PATHS or (count >= tuning.PATHS_ANYWAY and operations > tuning.PATH_OPERATIONS):
            raise TracingError(self._too_many())
        answers = struct.unpack(f"{len(prefix)}d", prefix.key)
        skip = len(prefix) if prefix.is_disputed else 0
        decisions = Decisions(numbers, answers, skip)
        path = self.add(compile_call(self._f, self.given, self.who, self._wrt, self._sum_value, decisions), skip)
        if not path.key.startswith(prefix.key):
            raise TracingError(
                f"{self.who} the function must take the same decisions for the same arguments, but it took "
                f"{len(path.decisions)} the second time, and {len(prefix)} or more the first time. "
                "Make it depend on its arguments alone"
            )
        return path

    def add(self, compilation: Compilation, skip: int = 0) -> Path:
        """A new path. It is kept, unless it may have used variables that are gone at the next call."""
        if self.latest is not None:
            self.latest.compilation.drop_texts()  # those of the latest path can be looked at
        path = self.latest = Path(compilation, self.given, skip)
        traced = compilation.traced
        if traced.watched:
            return path
        new = [v for v in traced.closed_over if not any(v is known for known in self.closed_over)]
        if new or not self.known:
            self.closed_over = self.closed_over + new
            self.sources = traced.sources if not self.known else Sources(self._f, self.closed_over)
        self.known = [*self.known, path]  # a new list, as other threads may be looking through the old one
        return path

    def _too_many(self) -> str:
        """The error where a path would be one too many: it names the lines at which most paths part."""
        forks: collections.Counter[str] = collections.Counter()
        ordered = sorted(self.known, key=lambda path: path.key)
        for one, other in itertools.pairwise(ordered):
            pairs = zip(one.decisions, other.decisions)
            forks[next((a.line for a, b in pairs if a.number != b.number), one.decisions[0].line)] += 1
        lines = ", ".join(line for line, _ in forks.most_common(3))
        return (
            f"{lines}: the function being compiled takes more than {len(self.known)} paths, as it decides there by "
            "traced values, again and again. Write such a loop with ag.while_loop, and such a choice with ag.where, "
            "ag.maximum, ag.minimum, ag.clip or ag.cond, for which one path is enough"
        )
