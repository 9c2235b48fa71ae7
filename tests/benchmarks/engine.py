"""The engine, its C build and plain, and nn beside micrograd, xad and a floor: the same work in turn, collector on.

Compiled and plain engine have one name, so that each library works in a process of its own, a new one for each
row, where nothing else has scattered the memory; and this one asks them for one round after the other.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path

from alternate import human

# compiled.py has its peers take the same steps
from programs import micrograd_step, moons_data, random_program

__all__ = ["micrograd_step", "moons_data", "random_program"]

HERE = Path(__file__).parent
C_BUILD = HERE.parent.parent / ".venv" / "c_build"  # where make has put it

PRODUCTS = "a * b, loop taken off"
ROWS = {
    PRODUCTS: ("C build", "plain", "micrograd", "xad", "floor"),
    "100,000-operation random graph, forward and backward": ("C build", "plain", "micrograd", "xad"),
    "moons step (2-16-16-1, 100 points), each with its own nn": ("C build", "plain", "micrograd"),
    "transformer step on scalars, sums of products": ("C build", "plain", "mini"),
    "the same, collector off": ("C build", "plain", "mini"),
    "bytes a node": ("C build", "plain", "micrograd", "mini"),
}
ROUNDS = 9


class Worker:
    """A process with one library, which says how many seconds one round of a row has taken it."""

    def __init__(self, library: str, row: str) -> None:
        environment = {**os.environ, "PYTHONPATH": str(C_BUILD)} if library == "C build" else None
        command = [sys.executable, str(HERE / "programs.py"), library, row]
        self.process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def round(self) -> float:
        assert self.process.stdin
        assert self.process.stdout
        print(file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())

    def end(self) -> None:
        self.process.communicate()


def main() -> None:
    libraries = ("C build", "plain", "micrograd", "xad", "mini", "floor")
    print(f"{'':<58}" + "".join(f"{library:>11}" for library in libraries) + "   the C build is faster than")
    for row, those in ROWS.items():
        workers = {library: Worker(library, row) for library in those}
        rounds = [{library: worker.round() for library, worker in workers.items()} for _ in range(ROUNDS + 1)][1:]
        for worker in workers.values():
            worker.end()
        number = human if "bytes" not in row else "{:.0f}".format
        median = {library: statistics.median(times[library] for times in rounds) for library in those}
        cells = [f"{number(median[library]) if library in median else '':>11}" for library in libraries]
        ratios = [
            f"{library} {statistics.median(times[library] / times['C build'] for times in rounds):.1f} ×"
            for library in those[1:]
        ]
        print(f"{row:<58}{''.join(cells)}   {', '.join(ratios)}", flush=True)


if __name__ == "__main__":
    main()
