"""Machine code of loops beside what a loop means: graphs built by hand and at random, of every kind of loop."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from fresh import same, seeds
from programs.loop_graphs import LINE, Builder, Compiled, RandomGraph, expected, step

from autograd import ops
from autograd.jit import tuning
from autograd.jit.graph.graph import Graph, Input
from autograd.jit.graph.loops import At, Item, Loop, Stack
from autograd.jit.trace.comparisons import less

pytestmark = pytest.mark.once  # of machine code, which knows nothing of how the engine is built

RNG = np.random.default_rng(5)
COUNTS = (0.0, 1.0, 2.5, 40.0, -1.0, math.nan)


def logistic(count: float | None, batched: bool, below: float | None = None) -> Graph:
    """x = a·x·(1 - x), so many times and as long as x is below a number: the last x, and the count of steps."""
    body = step(3, lambda b, i, x, a: [b(ops.mul, b(ops.mul, a, x), b(ops.sub, b(1.0), x))])
    condition = None if below is None else step(3, lambda b, i, x, a: [b(less, x, b(below))])
    b = Builder()
    a, x, n = (b(Input(k, batched)) for k in range(3))
    node = b(Loop(body, condition, 1, 0, line=LINE), n if count is None else b(count), x, a)
    return b.graph(b(Item(0), node), b(Item(1), node))


def agree(graph: Graph, program: Compiled, shared: Any, *leaves: Any, threads: bool = False) -> None:
    """Machine code and the meaning give the same bits."""
    found = program(shared, *leaves, threads=threads)
    if not leaves:
        assert all(map(same, found, expected(graph, shared)))
        return
    for n in range(len(leaves[0])):
        row = [x for leaf in leaves for x in leaf[n]]
        assert all(map(same, [x[n] for x in found], expected(graph, shared, row)))


@pytest.mark.parametrize("count", [*COUNTS, 1000.0])
@pytest.mark.parametrize("below", [None, 0.9])
def test_a_loop_over_single_numbers(count: float, below: float | None) -> None:
    for graph in (logistic(count, False, below), logistic(None, False, below)):
        agree(graph, Compiled(graph, 3), [3.7, 0.3, count])


def test_a_loop_without_a_count_ends_by_its_condition() -> None:
    graph = logistic(None, False, 0.9)
    agree(graph, Compiled(graph, 3), [3.7, 0.3, math.inf])


@pytest.mark.parametrize("count", [0.0, 3.0, 60.0, None])
@pytest.mark.parametrize("below", [None, 0.9])
def test_each_element_of_a_batch_takes_its_own_number_of_steps(count: float | None, below: float | None) -> None:
    graph = logistic(count, True, below)
    program = Compiled(graph, 0, [3])
    for size in (*range(0, 68, 11), 67):
        counts = RNG.choice(COUNTS, size)
        X = np.column_stack([RNG.uniform(2.5, 3.9, size), RNG.uniform(0.2, 0.95, size), counts])
        agree(graph, program, [], X)
        agree(graph, program, [], X, threads=True)


@pytest.mark.parametrize("condition", [math.nan, 1.0, -0.0])
@pytest.mark.parametrize("batched", [False, True])
def test_a_condition_is_true_unless_it_is_zero(condition: float, batched: bool) -> None:
    body = step(3, lambda b, i, x, c: [b(ops.add, x, b(1.0))])
    b = Builder()
    c = b(Input(0, batched))
    node = b(Loop(body, step(3, lambda b, i, x, c: [c]), 1, 0), b(3.0), b(0.0), c)
    graph = b.graph(b(Item(0), node))
    row = [condition]
    agree(
        graph,
        Compiled(graph, 0, [1]) if batched else Compiled(graph, 1),
        *([[], np.array([row])] if batched else [row]),
    )


@pytest.mark.parametrize("unwatched", [0, tuning.UNWATCHED])
@pytest.mark.parametrize("few", [0, tuning.FEW_ROWS])
@pytest.mark.parametrize("ahead", [-1000, tuning.AHEAD])
def test_random_graphs(monkeypatch: pytest.MonkeyPatch, unwatched: int, few: int, ahead: int) -> None:
    """With short loops and few rows written as long loops and many rows are, too."""
    monkeypatch.setattr(tuning, "UNWATCHED", unwatched)
    monkeypatch.setattr(tuning, "FEW_ROWS", few)
    monkeypatch.setattr(tuning, "AHEAD", ahead)
    for seed in seeds():
        check_random_graph(seed)


def check_random_graph(seed: int) -> None:
    case = RandomGraph(seed)
    rng = np.random.default_rng(seed)
    program = Compiled(case.graph, case.shared, case.leaves)
    shared = rng.uniform(-3.0, 3.0, case.shared)
    for size in rng.integers(0, 68, 2) if case.leaves else [0]:
        leaves = [rng.uniform(-3.0, 3.0, (size, width)) for width in case.leaves]
        try:
            agree(case.graph, program, shared, *leaves, threads=size % 2 == 1)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, {size} elements") from error


# Stacks and rows


def running_sum(length: int, batched: bool, kind: str) -> Graph:
    """c = c / 2 + x for each x of a stack, and all y = c·x: the last c, and each y, forwards and backwards."""
    body = step(3, lambda b, i, c, x: [b(ops.add, b(ops.mul, c, b(0.5)), x), b(ops.mul, c, x)])
    b = Builder()
    inputs = [b(Input(k, batched)) for k in range(length)]
    numbers = {
        "inputs": lambda: inputs,
        "strided": lambda: inputs[::-2],
        "constants": lambda: [b(0.25 * k) for k in range(length)],
        "mixed": lambda: [b(0.5) if k % 2 else b(ops.neg, x) for k, x in enumerate(inputs)],
    }[kind]()
    node = b(Loop(body, None, 1, 1, line=LINE), b(float(len(numbers))), b(0.0), b(Stack(), *numbers))
    rows = b(Item(2), node)
    ys = [b(At(k), rows) for k in range(len(numbers))]
    return b.graph(b(Item(0), node), *ys, *ys[:9:-1], b(ops.add, ys[0], ys[-1]))


@pytest.mark.parametrize("kind", ["inputs", "strided", "constants", "mixed"])
@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("length", [3, 20, 130])
def test_stacks_of_every_kind(length: int, batched: bool, kind: str) -> None:
    graph = running_sum(length, batched, kind)
    program = Compiled(graph, 0 if batched else length, [length] if batched else [])
    X = RNG.normal(size=(35, length))
    agree(graph, program, *([[], X] if batched else [X[0]]))


@pytest.mark.parametrize("kind", ["inputs", "constants"])
def test_code_does_not_grow_with_the_steps(kind: str) -> None:
    short, long = (len(Compiled(running_sum(n, False, kind), n).compilation.translation.ir) for n in (500, 2000))
    assert long < short + 200 + (kind == "constants") * 1500 * 30


def test_shared_stacks_and_rows_are_read_by_batched_loops() -> None:
    """A shared loop keeps rows; batched loops read them, and a stack of shared numbers."""
    first = step(2, lambda b, i, x: [b(ops.mul, x, b(0.9)), x])
    second = step(4, lambda b, i, y, x, s: [b(ops.add, b(ops.mul, y, x), s)])
    b = Builder()
    a, z = b(Input(0, False)), b(Input(0, True))
    for count in (3.0, 300.0):
        node = b(Loop(first, None, 1, 0), b(count), a)
        numbers = [b(ops.add, a, b(float(k))) for k in range(int(count))]
        reading = b(Loop(second, None, 1, 2, True), b(Item(1), node), z, b(Item(2), node), b(Stack(), *numbers))
        graph = b.graph(b(Item(0), reading), b(Item(0), node))
        agree(graph, Compiled(graph, 1, [1]), [0.7], RNG.normal(size=(19, 1)))


@pytest.mark.parametrize("kind", ["inputs", "constants", "computed"])
def test_only_a_batched_loop_reads_a_stack_of_shared_numbers(form: str, kind: str) -> None:
    body = step(3, lambda b, i, c, x: [b(ops.add, b(ops.mul, c, b(0.5)), x)])
    b = Builder()
    inputs = [b(Input(k, False)) for k in range(40)]
    numbers = {
        "inputs": lambda: inputs,
        "constants": lambda: [b(0.25 * k) for k in range(40)],
        "computed": lambda: [b(ops.mul, x, inputs[0]) for x in inputs],
    }[kind]()
    loop = b(Loop(body, None, 1, 1), b(40.0), b(Input(0, True)), b(Stack(), *numbers))
    graph = b.graph(b(Item(0), loop))
    agree(graph, Compiled(graph, 40, [1]), RNG.normal(size=40), RNG.normal(size=(19, 1)))


def test_tables_read_the_rows_of_a_shared_loop(form: str) -> None:
    """Straight-line code and tables: loops are never in tables, but what they compute may be read there."""
    step_of_both = step(2, lambda b, i, x: [b(ops.mul, x, b(0.9)), x])
    b = Builder()
    a, z = b(Input(0, False)), b(Input(0, True))
    rows = b(Item(2), b(Loop(step_of_both, None, 1, 0), b(20.0), a))
    numbers = [b(At(k), rows) for k in range(20)]
    graph = b.graph(*numbers, b(ops.mul, numbers[3], z))
    agree(graph, Compiled(graph, 1, [1]), [0.7], RNG.normal(size=(19, 1)))
