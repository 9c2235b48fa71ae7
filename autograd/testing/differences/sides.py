"""The derivatives on the two sides of a point, put together: smooth, at an edge, a kink, a jump or a pole."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .extrapolation import DOUBT, Best, Differences, Floats

Mask = NDArray[np.bool_]

LONG = 16  # more steps than this show whether differences grow without bound
ROUND_JUMP = 1e-6  # a jump that is a smaller part of the largest result nearby may be rounding


class Slopes(NamedTuple):
    """Derivatives of the outputs of a function along a line: in each array a number for each output.

    Attributes:
        value: the derivative. It is ±inf if differences grow without bound; nan at a jump, and where it
            cannot be known because the function is undefined nearby or varies too fast.
        error: how far the value may be from the derivative; at a kink, how far left and right may be.
        left, right: at a kink the derivatives on either side, with the value in the middle; both inf at a jump;
            otherwise the value.
        step: the smallest step used for the value.
        variation: how much the derivative varies nearby, as far as that is known: f's curvature times a step. It is
            inf if f is the same everywhere.
    """

    value: Floats
    error: Floats
    left: Floats
    right: Floats
    step: Floats
    variation: Floats


def combine_sides(d: Differences, middle: Best, left: Best, right: Best) -> Slopes:
    """Central differences where they hold; one-sided ones at the edge of the domain; then kinks, jumps and poles."""
    edge = ~np.isfinite(d.central).any(axis=0)
    at_right = edge & (right.error <= left.error)
    value, error, k = [
        np.where(edge, np.where(at_right, above, below), both) for both, below, above in zip(middle, left, right)
    ]
    # At a kink the error of central differences is about as large as the kink.
    gap = abs(right.value - left.value)
    kink = ~edge & (gap > np.fmax(left.error + right.error, 1e-6 * abs(value))) & (error > 0.1 * gap)
    low, high = np.where(kink, left.value, value), np.where(kink, right.value, value)
    value = np.where(kink, (low + high) / 2, value)
    error = np.where(kink, np.fmax(left.error, right.error), error)

    # Differences that grow with every smaller step: an infinite derivative or, if f * step does not shrink, a jump.
    seen_left, seen_right = np.isfinite(d.left).any(axis=0), np.isfinite(d.right).any(axis=0)
    steep_left, jump_left = _steepness(np.where(seen_left, d.left, d.right), d)
    steep_right, jump_right = _steepness(np.where(seen_right, d.right, d.left), d)
    low, high = np.where(steep_left, steep_left, low), np.where(steep_right, steep_right, high)
    jumps = jump_left | jump_right
    low, high = np.where(jumps, np.inf, low), np.where(jumps, np.inf, high)
    steep, infinite = (steep_left != 0) | (steep_right != 0), (low == high) & ~jumps
    value = np.where(steep, np.where(infinite, low, np.nan), value)
    error = np.where(steep, np.where(infinite, 0.0, np.inf), error)
    return Slopes(value, error, low, high, d.h[k], np.zeros_like(value))


def _steepness(side: Floats, d: Differences) -> tuple[Floats, Mask]:
    """±inf where the differences on one side grow without bound, otherwise 0; and whether f itself jumps there."""
    start = len(side) // 2
    size, moved = abs(side[start:]), abs(side * d.h[:, None] ** d.order)[start:]
    grows = (size[1:] > 1.1 * size[:-1]) & (side[start + 1 :] * side[start:-1] > 0)
    seen = moved[1:] > DOUBT * d.rounding[start + 1 :]
    steep: Mask = np.logical_and((grows & seen).all(axis=0), len(side) > LONG)
    jumps: Mask = steep & (moved[-1] > moved[0] / 2) & (moved[-1] > ROUND_JUMP * np.nanmax(d.sizes, axis=0))
    return np.where(steep, np.copysign(np.inf, side[-1]), 0.0), jumps
