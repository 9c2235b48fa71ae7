"""Routines: stages of machine code compared with NumPy, and programs that run between them."""

import gc
from typing import Any

import numpy as np
import pytest

import autograd as ag
from autograd import Value
from autograd.jit import jit
from autograd.jit.runtime.memory import padded
from autograd.jit.runtime.routine import Routine
from autograd.jit.runtime.runner import Runner

RNG = np.random.default_rng(0)
SIZES = [1, 2, 7, 8, 9, 31, 337]


def filled(size: int) -> Any:
    numbers = padded(size)
    numbers[:] = RNG.normal(size=size)
    return numbers


@pytest.mark.parametrize("size", SIZES)
def test_numbers_are_copied_added_and_clipped(size: int) -> None:
    a, b, c = filled(size), filled(size), padded(size)
    routine = Routine()
    routine.copy(a, c)
    routine.add(b, c)
    routine.clip(0.25, c)
    run = routine.build()
    for _ in range(3):
        assert run()
        norm = np.linalg.norm(a + b)
        np.testing.assert_allclose(c, (a + b) * min(1.0, 0.25 / (norm + 1e-6)), rtol=1e-14)
        a[:] = RNG.normal(size=size) * 0.01
        b[:] = 0.0


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_a_check_ends_the_routine_at_a_number_that_is_not_finite(size: int, bad: float) -> None:
    numbers, before, after = filled(size), padded(1), padded(1)
    one = filled(1)
    routine = Routine()
    routine.copy(one, before)
    routine.check(numbers)
    routine.copy(one, after)
    run = routine.build()
    for place in {0, size // 2, size - 1}:
        before[:], after[:], numbers[place] = 0.0, 0.0, bad
        assert not run()
        assert (before[0], after[0]) == (one[0], 0.0)
        numbers[place] = 1e308
        assert run()
        assert after[0] == one[0]


def test_numbers_up_to_the_largest_are_finite() -> None:
    numbers = padded(1000)
    numbers[:] = np.finfo(float).max
    routine = Routine()
    routine.check(numbers)
    assert routine.build()()


def runner_of(f: Any, *args: Any, axes: Any = None, wrt: Any = None) -> Runner:
    runner = jit(f, axes).runner(args, wrt, wrt is not None)
    assert runner is not None
    return runner


def test_programs_pass_numbers_on() -> None:
    """The mean of sin over a batch is the argument of a second program."""
    x = RNG.normal(size=37)
    w, result = np.array([0.5]), padded(1)
    first = runner_of(lambda w, x: ag.sin(w[0] * x), w, x, axes=(None, 0), wrt=(0,))
    second = runner_of(lambda a: [a[0] ** 2 + 1.0], w)
    mine, other = first.workspace(), second.workspace()
    routine = Routine()
    routine.run(first, mine)
    routine.copy(mine.sums[:1], other.inputs[0])
    routine.run(second, other)
    routine.copy(other.outputs[0].reshape(1), result)
    run = routine.build()
    mine.inputs[0][...], mine.inputs[1][...] = w, x
    del first, second, mine, other, routine
    gc.collect()  # what the stages point to lives on
    [padded(1000) + 1.0 for _ in range(100)]
    assert run()
    np.testing.assert_allclose(result[0], np.sin(0.5 * x).mean() ** 2 + 1.0, rtol=1e-14)


def test_a_program_that_needs_python_runs_in_its_place() -> None:
    """A program that closes over a Value gets its number first, and does not run after a failed check."""
    slope, result, good = Value(2.0), padded(1), padded(1)
    runner = runner_of(lambda x: [slope * x[0]], np.ones(1))
    work = runner.workspace()
    routine = Routine()
    routine.check(good)
    routine.copy(good, work.inputs[0])
    routine.run(runner, work)
    routine.copy(work.outputs[0].reshape(1), result)
    run = routine.build()
    good[0] = 3.0
    assert run()
    assert result[0] == 6.0
    slope.data = 5.0
    assert run()
    assert result[0] == 15.0
    good[0] = np.nan
    assert not run()
    assert result[0] == 15.0
