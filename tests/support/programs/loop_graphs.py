"""Graphs with loops, built by hand and at random, and how to compile and run a graph without a function."""

from __future__ import annotations

import dataclasses
import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd import ops
from autograd.jit.compile import Compilation, generate
from autograd.jit.graph.graph import Graph, Input, What, group_operands
from autograd.jit.graph.loops import At, Item, Loop, Stack, run_loop
from autograd.jit.runtime.runner import Runner
from autograd.jit.runtime.signature import Argument, to_argument
from autograd.jit.trace.comparisons import equal, greater, less, less_equal
from autograd.jit.trace.traced import trace
from autograd.primitive import Primitive

LINE = "model.py:7"


class Builder:
    """Builds a graph node by node."""

    def __init__(self, inputs: int = 0) -> None:
        self.what: list[What] = []
        self.operands: list[tuple[int, ...]] = []
        self.inputs = [self(Input(k, False)) for k in range(inputs)]

    def __call__(self, what: What, *args: int) -> int:
        self.what.append(what)
        self.operands.append(args)
        return len(self.what) - 1

    def graph(self, *outputs: int) -> Graph:
        return Graph(tuple(self.what), tuple(self.operands), outputs)


def step(inputs: int, write: Callable[..., Sequence[int]]) -> Graph:
    """The graph of one step: `write` gets a builder and the inputs, and returns the outputs."""
    b = Builder(inputs)
    return b.graph(*write(b, *b.inputs))


class Compiled:
    """A graph, compiled.

    Args:
        graph: the graph.
        shared: how many shared inputs it has.
        leaves: how many numbers each leaf of its batched inputs has.
    """

    def __init__(self, graph: Graph, shared: int, leaves: Sequence[int] = ()) -> None:
        arrays: list[Any] = [np.zeros(shared), *[np.zeros((2, width)) for width in leaves]]
        axes = [None, *[0] * len(leaves)]
        self.given: list[Argument] = [to_argument(x, n, axis, "test") for n, (x, axis) in enumerate(zip(arrays, axes))]
        traced = trace(lambda *xs: [x * 1.0 for x in [xs[-1][0]] * len(graph.outputs)], self.given, "test")
        traced = dataclasses.replace(traced, graph=graph, shared=shared)
        self.compilation: Compilation = generate(traced, lambda graph: graph)

    def __call__(self, shared: Sequence[float], *leaves: Any, threads: bool = False) -> list[Any]:
        """The results: numbers or, with a batch, arrays."""
        runner = Runner(self.compilation, self.given, len(leaves[0]) if leaves else None)
        runner.threads = threads
        return list(runner.value([np.array(shared, dtype=float), *leaves]))


def expected(graph: Graph, shared: Sequence[float], batched: Sequence[float] = ()) -> list[float]:
    """What a graph computes for one element of a batch."""
    found: list[Any] = []
    for what, operands in zip(graph.what, graph.operands):
        args = [found[k] for k in operands]
        if isinstance(what, Input):
            found.append(float((batched if what.batched else shared)[what.number]))
        elif isinstance(what, float):
            found.append(what)
        elif isinstance(what, Primitive):
            found.append(what.evaluate(*group_operands(what, args)))
        elif isinstance(what, Loop):
            first, second = 1 + what.carries, 1 + what.carries + what.stacks
            carries, taken, rows = run_loop(what, expected, args[0], args[1:first], args[first:second], args[second:])
            found.append([*carries, float(taken), *rows])
        elif isinstance(what, Stack):
            found.append(args)
        elif isinstance(what, Item):
            found.append(args[0][what.number])
        else:
            found.append(args[0][what.place])
    return [found[k] for k in graph.outputs]


# Random graphs


class RandomGraph:
    """A graph of a few operations and loops, some of them nested. All numbers stay within ±3, and all loops end."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.shared = self.rng.randint(1, 5)
        self.leaves = [self.rng.choice([1, 3, 6, 7]) for _ in range(self.rng.randint(0, 2))]
        b = Builder(self.shared)
        self.stacks: list[tuple[int, int]] = []  # stacks of the graph that is being built, with their lengths
        pool = [*b.inputs, *[b(Input(k, True)) for k in range(sum(self.leaves))], b(0.5)]
        for _ in range(self.rng.randint(1, 3)):
            pool.append(self.operation(b, pool))
            pool += self.loop(b, pool, 0)
        self.graph = b.graph(*[self.rng.choice(pool) for _ in range(3)], *pool[-3:])

    def operation(self, b: Builder, pool: Sequence[int]) -> int:
        rng = self.rng
        x, y, z, u = (rng.choice(pool) for _ in range(4))
        kind = rng.randrange(8)
        if kind < 5:
            found = b((ops.add, ops.sub, ops.mul, ops.maximum, ops.minimum)[kind], x, y)
        elif kind == 5:
            found = b(rng.choice([ops.neg, ops.relu]), x)
        elif kind == 6:
            found = b(ops.where, b(rng.choice([less, less_equal, equal, greater]), x, y), z, u)
        else:
            found = b(ops.mul, b(rng.choice([0.5, -0.5, 0.25])), x)
        return b(ops.maximum, b(-3.0), b(ops.minimum, b(3.0), found))

    def loop(self, b: Builder, pool: list[int], depth: int) -> list[int]:
        """Add a loop; return the nodes of its numbers."""
        rng = self.rng
        kind = rng.choice(["known", "known", "backward", "number", "truth", "condition"])
        most: int | None = rng.choice([0, 1, 2, 3, 7])
        count = b(float(most or 0))
        if kind == "number":
            count, most = b(ops.minimum, b(6.0), b(ops.mul, b(2.0), rng.choice(pool))), 6
        elif kind == "truth":
            count, most = b(less, rng.choice(pool), rng.choice(pool)), 1
        elif kind == "condition":
            count, most = b(rng.choice([math.inf, 5.0, 9.0])), None
        carries, constants, rows = rng.randint(0, 3), rng.randint(0, 3), rng.randint(0, 2)
        stacks = [self.stack(b, pool, most) for _ in range(rng.randint(0, 2))] if most else []
        outer, self.stacks = self.stacks, []
        body = Builder(1 + carries + len(stacks) + constants)
        inside = list(body.inputs)
        inside += [self.operation(body, inside) for _ in range(rng.randint(1, 4))]
        if depth < 2 and rng.random() < 0.6:
            inside += self.loop(body, inside, depth + 1)
            inside.append(self.operation(body, inside))
        self.stacks = outer
        condition = self.condition(1 + carries + constants) if kind == "condition" else None
        limit = rng.choice([None, 50]) if condition else None
        step = body.graph(*[rng.choice(inside) for _ in range(carries + rows)])
        loop = Loop(step, condition, carries, len(stacks), kind == "backward", limit, LINE)
        firsts = [rng.choice(pool) for _ in range(carries)]
        node = b(loop, count, *firsts, *stacks, *[rng.choice(pool) for _ in range(constants)])
        numbers = [b(Item(k), node) for k in range(carries + 1)]
        for row in range(rows):
            stack = b(Item(carries + 1 + row), node)
            if kind in ("known", "backward") and most:
                numbers.append(b(At(rng.randrange(most)), stack))
                self.stacks.append((stack, most))
            else:
                numbers.append(self.read_back(b, pool, numbers[carries], stack))
        return numbers

    def condition(self, inputs: int) -> Graph:
        """A condition that is false after some steps, whatever the numbers are."""
        b = Builder(inputs)
        rest = b(self.rng.choice([less, greater, ops.add]), self.rng.choice(b.inputs), self.rng.choice(b.inputs))
        return b.graph(b(ops.mul, b(less, b.inputs[0], b(float(self.rng.randrange(13)))), rest))

    def stack(self, b: Builder, pool: Sequence[int], length: int) -> int:
        rng = self.rng
        known = [stack for stack, longest in self.stacks if longest >= length]
        if known and rng.random() < 0.5:
            return rng.choice(known)
        inputs = [k for k in pool if isinstance(b.what[k], Input)] or list(pool)
        numbers = [
            lambda n: rng.choice(pool),
            lambda n: b(rng.uniform(-1.0, 1.0)),
            lambda n: inputs[n % len(inputs)],
        ][rng.randrange(3)]
        return b(Stack(), *[numbers(n) for n in range(length)])

    def read_back(self, b: Builder, pool: Sequence[int], taken: int, stack: int) -> int:
        """A loop over what another one kept, as derivatives have."""
        body = Builder(3)
        inside = list(body.inputs)
        inside += [self.operation(body, inside) for _ in range(2)]
        loop = Loop(body.graph(inside[-1], inside[-2]), None, 1, 1, self.rng.random() < 0.7)
        return b(Item(0), b(loop, taken, self.rng.choice(pool), stack))
