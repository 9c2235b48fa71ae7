"""The verdict on each derivative that is checked, and the table of the wrong ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from .finite_differences import Slopes

MOST_ROWS = 10  # in a table


class Verdict(NamedTuple):
    """One derivative: what was given and what it should be.

    Attributes:
        name: the variable that it is taken with respect to.
        given: the derivative under test.
        expected: the numerical derivative; nan if it does not exist.
        left, right: at a kink the derivatives on either side; otherwise both are the expected one.
        bound: how far off the given one may be: the error of the numerical derivative plus the tolerance.
        slack: the part of this for rounding in the given one; a derivative no larger than this counts as 0.
    """

    name: str
    given: float
    expected: float
    left: float
    right: float
    bound: float
    slack: float

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
        """A row of the table in the message."""
        expected, ratio = f"{self.expected:.12g} ± {self.bound:.1g}", ""
        if self.at_jump:
            expected = "none: the function jumps"
        elif self.at_kink:
            expected = f"a kink: {self.left:.12g} to the left, {self.right:.12g} to the right"
        elif self.expected:
            ratio = f"{self.given / self.expected:.6g}"
        off = f"{self.off:.2g} bounds" if self.off < math.inf else ""
        return self.name, f"{self.given:.12g}", expected, off, ratio


def judge(
    results: Sequence[str],
    names: Sequence[str],
    given: Sequence[Sequence[float]],
    slopes: Sequence[Slopes],
    rtol: float,
    slack: Sequence[Sequence[float]] = (),
) -> list[Verdict]:
    """A verdict on the derivative of each result with respect to each number.

    Args:
        results: the name of each result, "" for a function itself.
        names: the name of each number.
        given: the derivatives under test, a row for each result.
        slopes: the numerical derivatives: for each number those of all results.
        rtol: the relative tolerance.
        slack: how far rounding may put the given ones off, if that is known.
    """
    verdicts = []
    for i, result in enumerate(results):
        for j, name in enumerate(names):
            value, error, left, right = [float(slopes[j][k][i]) for k in range(4)]
            rounding = slack[i][j] if slack else 0.0
            bound = error + rounding + (rtol * abs(value) if math.isfinite(value) else 0.0)
            variable = f"{result}, {name}" if result else name
            verdicts.append(Verdict(variable, float(given[i][j]), value, left, right, bound, rounding))
    return verdicts


def format_table(verdicts: Sequence[Verdict]) -> list[str]:
    """The verdicts as lines of text, in columns."""
    rows = [("variable", "given", "expected", "off by", "given / expected"), *[v.cells() for v in verdicts[:MOST_ROWS]]]
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = ["  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    rest = len(verdicts) - MOST_ROWS
    return [*lines, f"  and {rest} more"] if rest > 0 else lines
