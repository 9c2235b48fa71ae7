"""The primitives of the package as the tests find them: all, with points from the domains that they declare."""

from __future__ import annotations

import math
import random
from typing import Any

import autograd as ag
from autograd import Primitive, ops

PRIMITIVES: list[Primitive] = list(dict.fromkeys(x for x in vars(ops).values() if isinstance(x, Primitive)))
SPECIAL: list[Primitive] = [x for x in vars(ag).values() if isinstance(x, Primitive) and x not in PRIMITIVES]
# The leading arguments that they are not differentiated with respect to.
CONSTANTS = {
    "polygamma": (1.0,), "jn": (3.0,), "sinc_part": (1.0,), "gammainc": (2.5,), "gammaincc": (2.5,),
    "betainc": (2.5, 1.5),
}  # fmt: skip
LENGTH = 3  # of sequences


def draw_point(op: Primitive, rng: random.Random) -> list[Any]:
    """Arguments of a primitive: numbers of about 1 within its domain; a list for a sequence, a tuple for a constant."""
    constants = CONSTANTS.get(op.name, ())
    return [(x,) for x in constants] + [
        [_draw(interval, rng) for _ in range(LENGTH)] if many else _draw(interval, rng)
        for interval, many in list(zip(op.domain, op.takes_sequence))[len(constants) :]
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
    """The numbers among the arguments, without constants."""
    return [x for arg in args if not isinstance(arg, tuple) for x in (arg if isinstance(arg, list) else [arg])]


def call(op: Primitive, args: list[Any], numbers: list[Any]) -> Any:
    """The primitive of arguments like `args`, with these numbers in place of theirs."""
    items = iter(numbers)
    return op(
        *[
            arg[0] if isinstance(arg, tuple) else [next(items) for _ in arg] if isinstance(arg, list) else next(items)
            for arg in args
        ]
    )
