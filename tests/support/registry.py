"""The primitives of ops.py as the tests find them: all there are, with points from the domains that they declare."""

from __future__ import annotations

import math
import random
from typing import Any

from autograd import Primitive, ops

PRIMITIVES: list[Primitive] = [x for x in vars(ops).values() if isinstance(x, Primitive)]
LENGTH = 3  # of sequences


def draw_point(op: Primitive, rng: random.Random) -> list[Any]:
    """Arguments for a primitive: numbers of about 1 within its domain, a list for a sequence."""
    return [
        [_draw(interval, rng) for _ in range(LENGTH)] if many else _draw(interval, rng)
        for interval, many in zip(op.domain, op.takes_sequence)
    ]


def _draw(interval: tuple[float, float], rng: random.Random) -> float:
    """A number inside an open interval, a tenth of it away from its ends."""
    low, high = interval
    share = rng.uniform(0.1, 0.9)
    if math.isfinite(low) and math.isfinite(high):
        return low + share * (high - low)
    if math.isfinite(low):
        return low + 2.5 * share
    return high - 2.5 * share if math.isfinite(high) else rng.choice([-2.5, 2.5]) * share


def flatten(args: list[Any]) -> list[float]:
    return [x for arg in args for x in (arg if isinstance(arg, list) else [arg])]


def call(op: Primitive, args: list[Any], numbers: list[Any]) -> Any:
    """The primitive of arguments like `args`, with these numbers in place of theirs."""
    items = iter(numbers)
    return op(*[[next(items) for _ in arg] if isinstance(arg, list) else next(items) for arg in args])
