"""Extrapolates differences to step 0: candidates for a derivative, their errors, and objections to them.

From the differences at one step and those before it, Richardson's extrapolation to h = 0 (L. F.
Richardson, J. A. Gaunt, The deferred approach to the limit, Phil. Trans. R. Soc. A 226, 1927) makes
candidates. As in C. Ridders, Accurate computation of F'(x) and F'(x) F''(x), Adv. Eng. Softw. 4, 1982,
the change made by the last extrapolation bounds the truncation error that remains. The noise of the
function, mostly its rounding, shows at smaller steps, as noise / h: the distance of the differences there
from the candidate, times their h, is taken for noise. The candidate with the least sum of the two wins.

This alone can be fooled. Differences at smaller steps, or other candidates, may contradict the winner by
more than errors and known noise explain. These are objections, which Line answers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

EPSILON = 2.0**-52
SAFETY = 8.0  # the noise assumed in the differences that matter, as a multiple of the noise that was seen
DOUBT = 32.0  # how far off differences may be, as a multiple of the known noise, before it must be something else
FINER_STEPS = 3  # smaller steps that a candidate needs, to be compared with


class Differences(NamedTuple):
    """Differences at each step (first axis) for each output (second), and what is known about their rounding."""

    h: Floats
    order: int
    right: Floats
    left: Floats
    central: Floats
    rounding: Floats  # of the results of f
    conditioning: Floats  # the change in the results of f from the rounding of x
    sizes: Floats  # the largest result of f

    def over(self, noise: Floats) -> Floats:
        """The error that noise of this size in f makes in the differences. (The square of a step may underflow.)"""
        width = self.h[:, None]
        return noise / width if self.order == 1 else noise / width / width


class Best(NamedTuple):
    """The winner for each output: its value and error, and the index of the smallest step in it."""

    value: Floats
    error: Floats
    k: Indices


class Objection(NamedTuple):
    """An objection to the winner for an output: within step `within`, f contradicts it.

    Unless that is noise, the steps up to `give_up` are too large.
    """

    output: Any
    within: Any
    give_up: Any


class Tableau:
    """Richardson's tableau for the differences d, in powers of the step h or, with power=2, of its square.

    Attributes:
        values: the candidates, by column (the number of extrapolations), step and output.
        changes: the distance of each from the two that it was made from.
        shown: for each, the error from the noise that would explain its distance from the witnesses.
    """

    def __init__(self, d: Floats, h: Floats, power: int, columns: int) -> None:
        self.values = np.full((columns, *d.shape), np.nan)
        self.changes = np.full((columns, *d.shape), np.inf)
        self.values[0] = d
        for j in range(1, columns):
            last = self.values[j - 1]
            ratio = (h[:-j] / h[j:])[:, None] ** power
            new = last[j:] + (last[j:] - last[j - 1 : -1]) / (ratio - 1)
            self.values[j, j:] = new
            self.changes[j, j:] = np.maximum(abs(new - last[j:]), abs(new - last[j - 1 : -1]))

    def compare_with(self, witnesses: list[Floats], h: Floats, order: int) -> None:
        """Set the witnesses: slightly extrapolated differences, to compare candidates from larger steps with."""
        self.witnesses = np.array([self.values[1], *witnesses])
        self.shown = np.zeros_like(self.values)
        for k in range(len(h) - 1):
            distance = abs(self.witnesses[:, None, k + 1 :] - self.values[:, None, k])
            shrinks = (h[k + 1 :, None] / h[k]) ** order
            self.shown[:, k] = np.fmax.reduce(distance * shrinks, axis=(0, 2))

    def best(self, differences: Differences, noise: Floats, given_up: Indices) -> tuple[Best, list[Objection]]:
        """The winners among the steps that are not given up, and all objections to them."""
        columns, steps, count = self.values.shape
        known = differences.over(differences.rounding + noise)
        shifted = 2 * differences.over(differences.conditioning)  # by rounding inside that keeps step with that of x
        errors = 2 * self.changes + SAFETY * np.fmax(known, self.shown) + shifted + 4 * EPSILON * abs(self.values)
        defined = np.cumsum(np.isfinite(self.witnesses[0])[::-1], axis=0)[::-1]
        errors[:, (defined < FINER_STEPS + 1) | (np.arange(steps)[:, None] >= steps - FINER_STEPS)] = np.inf
        errors[:, np.arange(steps)[:, None] <= given_up] = np.inf
        errors = np.where(np.isnan(errors), np.inf, errors).reshape(-1, count)
        candidates, step = self.values.reshape(-1, count), np.tile(np.arange(steps), columns)
        winner, outputs = np.argmin(errors, axis=0), np.arange(count)
        value, error, k = candidates[winner, outputs], errors[winner, outputs], step[winner]

        doubt = DOUBT * (known + differences.over(differences.conditioning))
        against = (abs(self.witnesses - value) > error + doubt).any(axis=0) & (np.arange(steps)[:, None] > k)
        clash = np.isfinite(errors) & (abs(candidates - value) > errors + error)
        objections = []
        for i in np.flatnonzero(np.isfinite(error) & (against.any(axis=0) | clash.any(axis=0))):
            if against[:, i].any():
                objections.append(Objection(i, np.flatnonzero(against[:, i])[-1], k[i]))
                continue
            other = np.argmin(np.where(clash[:, i], errors[:, i], np.inf))
            finer, coarser = (winner[i], other) if k[i] > step[other] else (other, winner[i])
            gone = abs(self.values[0, :, i] - candidates[finer, i]) > errors[finer, i] + doubt[:, i]
            within = np.flatnonzero(gone & (np.arange(steps) < step[finer]))
            objections.append(Objection(i, within[-1] if len(within) else step[coarser], step[coarser]))
        return Best(np.where(np.isfinite(error), value, np.nan), error, k), objections
