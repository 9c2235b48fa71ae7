"""Seeds for random tests: some are fixed, and one is new in each run, so that every run looks at new points."""

from __future__ import annotations

import random
from collections.abc import Iterator


def seeds() -> Iterator[int]:
    """The fixed seeds, and a new one."""
    yield from (0, 1, 2)
    yield random.SystemRandom().randrange(10**9)
