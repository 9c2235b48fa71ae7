"""Loops that run for long: interrupts, limits and memory, after each of which the program works as before."""

from __future__ import annotations

import math
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from programs.loop_graphs import LINE, Builder, Compiled, step

from autograd import ops
from autograd.jit import tuning
from autograd.jit.graph.graph import Graph, Input
from autograd.jit.graph.loops import Item, Loop
from autograd.jit.trace.comparisons import greater, less

HOW = pytest.mark.parametrize(
    ("batched", "threads", "size"), [(False, False, 1), (True, False, 1), (True, False, 30), (True, True, 5000)]
)


class Alarm(Exception):
    """Raised by the signal handler of these tests."""


def ring(*_: Any) -> None:
    raise Alarm


@pytest.fixture
def alarm() -> Iterator[Callable[[], None]]:
    """A function after which, in a while, a signal handler raises Alarm."""
    if sys.platform == "win32":
        pytest.skip("Windows has no interval timer")
    before = signal.signal(signal.SIGALRM, ring)
    yield lambda: [signal.setitimer(signal.ITIMER_REAL, 0.2)].clear()
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def times_while_above(batched: bool, nested: bool) -> Graph:
    """x = a·x as long as x > 0, which is for ever with a = 1; nested, it is a loop of 3 steps in an endless one."""

    def write(b: Builder, i: int, x: int, a: int) -> list[int]:
        if not nested:
            return [b(ops.mul, x, a)]
        inner = Loop(step(3, lambda b, i, x, a: [b(ops.mul, x, a)]), None, 1, 0)
        return [b(Item(0), b(inner, b(ops.add, b(2.0), x), x, a))]

    condition = step(3, lambda b, i, x, a: [b(greater, x, b(0.0))])
    b = Builder()
    x, a = b(Input(0, batched)), b(Input(1, batched))
    return b.graph(b(Item(0), b(Loop(step(3, write), condition, 1, 0), b(math.inf), x, a)))


def call(program: Compiled, batched: bool, threads: bool, size: int, *row: float) -> Any:
    if not batched:
        return program(row)[0]
    (found,) = program([], np.full((size, len(row)), row), threads=threads)
    assert np.all(found == found[0])
    return found[0]


@pytest.mark.parametrize("nested", [False, True])
@HOW
def test_what_a_signal_handler_raises_stops_a_loop(
    alarm: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    batched: bool,
    threads: bool,
    size: int,
    nested: bool,
) -> None:
    monkeypatch.setattr(tuning, "FUEL", 1000)  # so that the last call is long enough to ask, too
    program = Compiled(times_while_above(batched, nested), 0 if batched else 2, [2] if batched else [])
    start = time.perf_counter()
    alarm()
    with pytest.raises(Alarm):
        call(program, batched, threads, size, 1.0, 1.0)
    assert time.perf_counter() - start < 5  # 0.3 alone; the machine may be busy
    assert call(program, batched, threads, size, 1.0, 0.5) == 0.0


def counting(batched: bool, limit: int | None, rows: bool) -> Graph:
    """x = x + a as long as x < 100, and the sum of all x."""
    body = step(3, lambda b, i, x, a: [b(ops.add, x, a), *([x] if rows else [])])
    condition = step(3, lambda b, i, x, a: [b(less, x, b(100.0))])
    b = Builder()
    x, a = b(Input(0, batched)), b(Input(1, batched))
    node = b(Loop(body, condition, 1, 0, False, limit, LINE), b(math.inf), x, a)
    if not rows:
        return b.graph(b(Item(0), node))
    add = step(3, lambda b, i, total, x: [b(ops.add, total, x)])
    return b.graph(b(Item(0), b(Loop(add, None, 1, 1, True), b(Item(1), node), b(0.0), b(Item(2), node))))


@HOW
def test_a_loop_that_passes_its_limit_is_an_error(batched: bool, threads: bool, size: int) -> None:
    program = Compiled(counting(batched, 100, False), 0 if batched else 2, [2] if batched else [])
    for _ in range(2):
        assert call(program, batched, threads, size, 0.0, 1.0) == 100.0
        with pytest.raises(RuntimeError, match=f"^{LINE}: the loop must end within 100 steps, its max_steps. Give"):
            call(program, batched, threads, size, 0.0, 0.99)


def test_one_element_of_a_batch_is_enough_to_pass_the_limit() -> None:
    program = Compiled(counting(True, 100, False), 0, [2])
    for place in (0, 7, 36):
        X = np.tile([0.0, 1.0], (37, 1))
        X[place, 1] = math.nan
        program([], X)  # nan is not less than 100
        X[place, 1] = 0.5
        with pytest.raises(RuntimeError, match="100 steps"):
            program([], X)


@pytest.mark.parametrize("size", range(1, 18))
def test_elements_that_a_last_tile_lacks_neither_run_nor_fail(size: int) -> None:
    """They have zeros, with which this loop would never end."""
    program = Compiled(counting(True, 100, False), 0, [2])
    assert call(program, True, False, size, 0.0, 1.0) == 100.0


@HOW
def test_rows_beyond_the_bound_are_a_memory_error(
    monkeypatch: pytest.MonkeyPatch, batched: bool, threads: bool, size: int
) -> None:
    program = Compiled(counting(batched, None, True), 0 if batched else 2, [2] if batched else [])
    doubles = 1 if not batched else program.compilation.translation.tile
    monkeypatch.setattr(tuning, "MOST_ROWS", 8 * doubles * 1000)
    for _ in range(2):
        assert call(program, batched, threads, size, 0.0, 0.125) == sum(k / 8 for k in range(800))
        with pytest.raises(MemoryError, match=rf"^{LINE}: .* got 1,001 steps or more of {8 * doubles} bytes"):
            call(program, batched, threads, size, 0.0, 0.0625)


def test_memory_for_rows_is_kept_and_grows_by_halves() -> None:
    program = Compiled(counting(False, None, True), 2)
    counts = [64, 128, 1024, 100_000]
    for steps in counts:
        assert program([0.0, 100.0 / steps])[0] == pytest.approx(50.0 * (steps - 1))


def test_a_loop_of_no_steps_reads_no_rows() -> None:
    for batched in (False, True):
        program = Compiled(counting(batched, None, True), 0 if batched else 2, [2] if batched else [])
        assert call(program, batched, False, 5, 100.0, 1.0) == 0.0
