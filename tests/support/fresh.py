"""Random tests: seeds, of which one is new in each run, so that every run looks at new points; equal numbers."""

from __future__ import annotations

import random
from collections.abc import Iterator


def seeds() -> Iterator[int]:
    """The fixed seeds, and a new one."""
    yield from (0, 1, 2)
    yield random.SystemRandom().randrange(10**9)


def same(a: float, b: float) -> bool:
    """Whether two numbers are equal, or both nan."""
    return a == b or (a != a and b != b)
