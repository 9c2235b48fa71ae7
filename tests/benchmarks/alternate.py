"""Time two programs in turn in one process and compare them pair by pair, so that a drift of the machine cancels."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any


def alternate(ours: Callable[[], object], theirs: Callable[[], object], rounds: int = 15) -> tuple[float, float, float]:
    """Median seconds of each, and the median over the pairs of theirs / ours. One pair warms up, uncounted."""
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(rounds + 1)][1:]
    return (
        statistics.median(ours for ours, _ in pairs),
        statistics.median(theirs for _, theirs in pairs),
        statistics.median(theirs / ours for ours, theirs in pairs),
    )


def seconds(run: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def show(name: str, ours: float, theirs: float, ratio: float, peer: str) -> None:
    """One line of the table: who took how long, and the ratio."""
    print(f"{name:<58} {human(ours):>10} {human(theirs):>10} {ratio:>8.1f} × {peer}", flush=True)


def human(seconds: float) -> str:
    """A time with the unit that suits it."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def repeated(run: Any, times: int) -> Any:
    """A function that runs another many times, for what is too short to time alone."""

    def loop() -> None:
        for _ in range(times):
            run()

    return loop
