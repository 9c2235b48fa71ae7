"""BodyDecisions: how the body of a loop decides by traced numbers.

A body is traced once for all steps, so it has no element whose numbers could answer. It is run along each of its paths
instead, and its results are chosen from by `where`, from which the side that is not taken gets nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from .... import ops
from ....user_line import user_line
from ... import tuning
from ..comparisons import COMPARISONS
from ..guards import question
from ..state import TracingError
from ..tracer import Tracer
from .bodies import Body

Numbers = tuple[Sequence[Any], Sequence[Any]]


class UndecidedError(BaseException):
    """A body asked for a truth that has no answer yet. Not an Exception, so that no code catches it."""


class BodyDecisions:
    """The decisions of one run of a body.

    Args:
        body: its trace.
        answers: what it is told at its first decisions.

    Attributes:
        open: the truth for which there is no answer yet, at which the run ends.
    """

    def __init__(self, body: Body, answers: Sequence[float]) -> None:
        self._body = body
        self._answers = answers
        self._taken: dict[Any, tuple[Any, float]] = {}
        self.open: Any = None

    def answer(self, tracer: Tracer) -> float | None:
        """The answer for a truth; None for a whole number, which has too many.

        Raises:
            UndecidedError: if there is none yet.
        """
        if tracer.op not in COMPARISONS:
            return None
        truth = self._body.lift(tracer)
        key = question(truth)
        if key not in self._taken:
            count = len(self._taken)
            if count == len(self._answers):
                if count == tuning.BODY_PATHS:
                    _refuse(f"took {count} decisions in a row", "write a loop that ends by a number with ag.while_loop")
                self.open = truth
                raise UndecidedError
            self._taken[key] = truth, self._answers[count]
        return self._taken[key][1]

    def agrees(self) -> Any:
        """A tracer that is 1 for elements that have decided so until here, inside and around the body, otherwise 0."""
        agrees = self._body.lift(self._body.around)
        for truth, answer in self._taken.values():
            agrees = ops.where(truth, agrees, 0.0) if answer else ops.where(truth, 0.0, agrees)
        return agrees


def run_along_all_paths(body: Body, run: Callable[[], Numbers]) -> Numbers:
    """What a function returns in the trace of a body, decisions included.

    Args:
        run: returns two sequences of numbers, of the same lengths on each path.

    Raises:
        TracingError: if there are too many paths, or one of them raises an exception.
    """
    paths = 0

    def explore(answers: tuple[float, ...]) -> Numbers:
        nonlocal paths
        body.decisions = decisions = BodyDecisions(body, answers)
        found: Numbers = ((), ())
        try:
            found = run()
        except UndecidedError:
            pass
        except Exception as error:
            if not answers or isinstance(error, TracingError):
                raise
            _refuse(f"raised {error!r} on one side of a branch", "return nan there, and raise after the loop", error)
        if decisions.open is not None:
            sides = [explore((*answers, answer)) for answer in (1.0, 0.0)]
            first, second = [[_choose(decisions.open, *pair) for pair in zip(*part)] for part in zip(*sides)]
            return first, second
        paths += 1
        if paths > tuning.BODY_PATHS:
            _refuse(
                f"has more than {tuning.BODY_PATHS} paths",
                "choose with ag.where, ag.maximum, ag.minimum or ag.clip, which are one path",
            )
        return found

    return explore(())


def _refuse(what: str, remedy: str, cause: Exception | None = None) -> NoReturn:
    raise TracingError(f"{user_line()}: the body of a loop {what}; {remedy}") from cause


def _choose(truth: Tracer, yes: Any, no: Any) -> Any:
    return yes if yes is no else ops.where(truth, yes, no)
