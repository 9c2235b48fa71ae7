"""The verdict on each derivative that is checked: right, wrong, or not to be told; and the report of them all."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..user_line import warn
from .differences.sides import Slopes

MOST_ROWS = 10  # in a table
COARSE = 1e-2  # an error that is a larger part of a derivative hides a mistake in it,
FINE = 1e-4  # unless it is a smaller part of what the derivative varies by nearby, as at a minimum


class GradientError(AssertionError):
    """A derivative is wrong: the message says which, what it should be, and which primitive is at fault.

    With strict=True, also that a derivative cannot be told.

    Attributes:
        verdicts: one for each wrong derivative, the worst first.
    """

    __module__ = "autograd.testing"  # where users import it from, for reports

    def __init__(self, message: str, verdicts: Sequence[Verdict] = ()) -> None:
        super().__init__(message)
        self.verdicts = list(verdicts)


class GradientWarning(UserWarning):
    """Some derivatives could not be checked: they are taken at a kink, or cannot be told."""

    __module__ = "autograd.testing"


class Verdict(NamedTuple):
    """One derivative: what was given and what it should be.

    Attributes:
        name: the variable that it is taken with respect to.
        given: the derivative under test.
        expected: the numerical derivative; nan if it does not exist or cannot be known.
        left, right: at a kink the derivatives on either side; otherwise both are the expected one.
        bound: how far off the given one may be: the error of the numerical derivative plus the tolerance.
        reason: why it cannot be told whether the given one is right; "" if it can.
    """

    name: str
    given: float
    expected: float
    left: float
    right: float
    bound: float
    reason: str = ""

    @property
    def at_kink(self) -> bool:
        """Whether the function has different derivatives on the two sides."""
        return self.left < self.right or self.left > self.right

    @property
    def at_jump(self) -> bool:
        """Whether the function jumps here, so that it has no derivative."""
        return math.isnan(self.expected) and self.left == self.right

    @property
    def off(self) -> float:
        """By how many bounds it is off; 0 if there is nothing to compare it with."""
        if math.isnan(self.given) or self.at_jump:
            return math.inf
        low, high = min(self.left, self.right), max(self.left, self.right)
        if low <= self.given <= high or math.isnan(low) or math.isnan(high):
            return 0.0
        distance = max(low - self.given, self.given - high)
        return distance / self.bound if self.bound > 0 else math.inf

    @property
    def wrong(self) -> bool:
        """Whether it is further off than errors and tolerance explain."""
        return self.off > 1.0

    def cells(self) -> tuple[str, str, str, str, str]:
        """A row of the table of wrong ones."""
        expected, ratio = f"{self.expected:.12g} ± {self.bound:.1g}", ""
        if self.at_jump:
            expected = "none: the function jumps"
        elif self.at_kink:
            expected = f"a kink: {self.left:.12g} to the left, {self.right:.12g} to the right"
        elif self.expected:
            ratio = f"{self.given / self.expected:.6g}"
        off = f"{self.off:.2g} bounds" if self.off < math.inf else ""
        return self.name, f"{self.given:.12g}", expected, off, ratio

    def doubts(self) -> tuple[str, str, str, str]:
        """A row of the table of those that could not be checked."""
        found, why = f"{self.expected:.6g} ± {self.bound:.1g}", self.reason
        if self.at_kink:
            found, why = f"{self.left:.6g} to the left, {self.right:.6g} to the right", "a kink"
        return self.name, f"{self.given:.6g}", "nothing" if math.isnan(self.expected) else found, why


class Checked(NamedTuple):
    """What a check looked at and found nothing wrong with.

    Attributes:
        checked: the derivatives that agree with finite differences.
        at_kinks: those at a kink, which lie between the derivatives on the two sides.
        unseen: those that cannot be told. With strict=True there are none.
        directions: how many random directions were checked; 0 if each number was.
        chance: of missing a mistake in these directions that is as large as a thousandth of the gradient.
    """

    checked: list[Verdict]
    at_kinks: list[Verdict]
    unseen: list[Verdict]
    directions: int = 0
    chance: float = 0.0

    def __repr__(self) -> str:
        count = len(self.checked)
        what = f"{count} derivative{'s agree' if count != 1 else ' agrees'} with finite differences"
        if self.directions:
            what = (
                f"{count} of {self.directions} random directions agree with finite differences, which "
                f"miss a mistake of a thousandth of the gradient with a chance of {self.chance:.1g}"
            )
        rest = [f"{len(self.at_kinks)} at a kink"] * bool(self.at_kinks)
        rest += [f"{len(self.unseen)} cannot be told"] * bool(self.unseen)
        return f"<Checked: {', '.join([what, *rest])}>"


def give_verdict(
    name: str,
    given: float,
    slopes: Slopes,
    i: int,
    tolerance: float,
    atol: float,
    slack: float | None = None,
    trouble: Any = None,
) -> Verdict:
    """The verdict on a derivative of result i.

    Args:
        name: the variable.
        given: the derivative under test.
        slopes: the numerical derivatives of all results.
        tolerance: what it may be off, beyond the errors.
        atol: the part of this at which an error is no obstacle.
        slack: how far rounding may put the given one off, if that is known; one no larger than this counts as 0.
        trouble: what the function raised beside the point, if anything.
    """
    value, error, left, right, _, variation = [float(column[i]) for column in slopes]
    verdict = Verdict(name, float(given), value, left, right, error + (slack or 0.0) + tolerance)
    if verdict.at_kink or verdict.wrong:
        return verdict
    if math.isnan(value):
        if trouble:
            return verdict._replace(reason=f"the function raises {type(trouble).__name__} beside the point: {trouble}")
        return verdict._replace(
            reason="the function varies too fast, is undefined beside the point, or lost in rounding"
        )
    if slack is not None and abs(given) <= slack:
        return verdict
    if math.isinf(variation):  # as far as the function was seen, it does not depend on this number at all
        hidden, variation = given != 0, 0.0
    else:
        hidden = True
    size = 0.0 if math.isinf(value) else max(abs(value), abs(given))
    if hidden and error > atol and error > COARSE * size and error > FINE * variation:
        return verdict._replace(reason="noise in the function hides it")
    return verdict


def judge(
    results: Sequence[str],
    names: Sequence[str],
    given: Sequence[Sequence[float]],
    slopes: Sequence[Slopes],
    rtol: float,
    slack: Sequence[Sequence[float]] = (),
    atol: float = 0.0,
    troubles: Sequence[Any] = (),
) -> list[Verdict]:
    """A verdict on the derivative of each result with respect to each number.

    Args:
        results: the name of each result, "" for a function itself.
        names: the name of each number.
        given: the derivatives under test, a row for each result.
        slopes: the numerical derivatives: for each number those of all results.
        rtol, atol: the relative and the absolute tolerance.
        slack: how far rounding may put the given ones off, if that is known.
        troubles: for each number what the function raised beside it.
    """
    verdicts = []
    for i, result in enumerate(results):
        for j, name in enumerate(names):
            value = float(slopes[j].value[i])
            tolerance = atol + (rtol * abs(value) if math.isfinite(value) else 0.0)
            variable = ", ".join(filter(None, [result, name]))
            rounding, trouble = slack[i][j] if slack else None, troubles[j] if troubles else None
            verdicts.append(give_verdict(variable, given[i][j], slopes[j], i, tolerance, atol, rounding, trouble))
    return verdicts


def refuse_wrong(who: str, verdicts: Sequence[Verdict], blame: Callable[[], list[str]], head: str = "") -> None:
    """Raise GradientError for wrong derivatives.

    Args:
        who: how the message begins.
        verdicts: all of them.
        blame: gives the last lines of the message.
        head: what the first line says, in place of a count.
    """
    __tracebackhide__ = True
    wrong = sorted((v for v in verdicts if v.wrong), key=lambda v: v.off, reverse=True)
    if wrong:
        smooth = any(not v.at_kink and not v.at_jump for v in wrong)
        verb = "are" if len(wrong) > 1 and not head else "is"
        lines = [
            f"{who} {head or _count(wrong, verdicts)} {verb} "
            f"{'wrong' if smooth else 'taken where the function has none'}",
            *format_table(("variable", "given", "expected", "off by", "given / expected"), [v.cells() for v in wrong]),
        ]
        raise GradientError("\n".join([*lines, *blame()] if smooth else lines), wrong)


def report(who: str, verdicts: Sequence[Verdict], strict: bool, directions: int = 0, chance: float = 0.0) -> Checked:
    """Refuse wrong verdicts and sort the others; warn once of what could not be checked or, if strict, raise."""
    __tracebackhide__ = True
    refuse_wrong(who, verdicts, list)
    kinks, unseen = [v for v in verdicts if v.at_kink], [v for v in verdicts if v.reason]
    doubtful = unseen if strict and unseen else [*unseen, *kinks]
    if doubtful:
        said = []
        if unseen:
            said.append(f"{_count(unseen, verdicts)} cannot be told")
        if kinks and doubtful is not unseen:
            said.append(f"{_count(kinks, verdicts)} {'are' if len(kinks) > 1 else 'is'} at a kink")
        table = format_table(("variable", "given", "found", "because"), [v.doubts() for v in doubtful])
        message = "\n".join([f"{who} {' and '.join(said)}", *table])
        if strict and unseen:
            raise GradientError(message, unseen)
        warn(message, GradientWarning)
    agree = [v for v in verdicts if not v.at_kink and not v.reason]
    return Checked(agree, kinks, unseen, directions, chance)


def _count(some: Sequence[Verdict], verdicts: Sequence[Verdict]) -> str:
    return f"{len(some)} of {len(verdicts)} derivatives" if len(verdicts) > 1 else "the derivative"


def format_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines of text, in columns."""
    shown = [head, *rows[:MOST_ROWS]]
    widths = [max(map(len, column)) for column in zip(*shown)]
    lines = ["  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in shown]
    rest = len(rows) - MOST_ROWS
    return [*lines, f"  and {rest} more"] if rest > 0 else lines
