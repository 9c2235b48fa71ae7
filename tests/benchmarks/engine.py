"""The engine and nn beside micrograd: the same work in both, in turn, in one process, with the collector on."""

from __future__ import annotations

import gc
import random
import sys
import tracemalloc
from typing import Any

import micrograd.engine
import micrograd.nn
from alternate import alternate, show

import autograd as ag
import nn

Number = Any  # autograd's Value or micrograd's


def products(value: type) -> Any:
    """A function that makes 100,000 products a * b."""
    a, b = value(2.0), value(3.0)

    def run() -> None:
        for _ in range(100_000):
            a * b

    return run


def empty_loop() -> None:
    a = 2.0
    for _ in range(100_000):
        a  # noqa: B018


def random_program(operations: int, seed: int) -> list[tuple[int, int, int]]:
    """Operations as (which, first operand, second operand), operands among the latest 50 results."""
    rng = random.Random(seed)
    return [
        (rng.randrange(8), rng.randrange(max(0, k - 50), k), rng.randrange(max(0, k - 50), k))
        for k in range(10, operations + 10)
    ]


def run_program(value: type, program: list[tuple[int, int, int]]) -> Number:
    """The program on Values of either library, and the sum of its last 50 results."""
    results = [value(0.5 + 0.05 * k) for k in range(10)]
    for which, i, j in program:
        a, b = results[i], results[j]
        if which == 0:
            c = a * b
        elif which == 1:
            c = a + b
        elif which == 2:
            c = a - b
        elif which == 3:
            c = a.relu()
        elif which == 4:
            c = -a
        elif which == 5:
            c = 0.5 * a
        elif which == 6:
            c = a + 1.0
        else:
            c = 0.1 * a**2
        results.append(c * 0.01 if abs(c.data) > 10 else c)
    total = results[-1]
    for c in results[-50:]:
        total = total + c
    return total


def moons_data() -> tuple[list[list[float]], list[int]]:
    """100 points in two interleaved half circles, with noise; labels -1 and 1."""
    import math

    rng = random.Random(0)
    X, y = [], []
    for k in range(100):
        t = math.pi * (k // 2) / 49
        point = (math.cos(t), math.sin(t)) if k % 2 else (1 - math.cos(t), 0.5 - math.sin(t))
        X.append([c + rng.gauss(0, 0.1) for c in point])
        y.append(1 if k % 2 else -1)
    return X, y


def micrograd_step(model: Any, X: list[list[float]], y: list[int]) -> float:
    """A training step as micrograd's demo writes it."""
    value = micrograd.engine.Value
    scores = [model(list(map(value, x))) for x in X]
    losses = [(1 + -yi * score).relu() for yi, score in zip(y, scores)]
    data_loss = sum(losses) * (1.0 / len(losses))
    total = data_loss + 1e-4 * sum(p * p for p in model.parameters())
    model.zero_grad()
    total.backward()
    for p in model.parameters():
        p.data -= 0.05 * p.grad
    return float(total.data)


def our_step(model: nn.Module, optimizer: nn.SGD, X: list[list[float]], y: list[int]) -> float:
    """The same step with our nn."""
    parameters = optimizer.parameters
    total = nn.hinge([model(x) for x in X], y) + 1e-4 * ag.dot(parameters, parameters)
    optimizer.zero_grad()
    total.backward()
    optimizer.step()
    return float(total)


def bytes_a_node(value: type, nodes: int = 100_000) -> float:
    """The memory that a chain of sums takes, by tracemalloc, divided by its nodes."""
    gc.collect()
    tracemalloc.start()
    x = value(1.0)
    y = x
    for _ in range(nodes):
        y = y + x
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return taken / nodes


def main() -> None:
    ours, theirs = ag.Value, micrograd.engine.Value
    sys.setrecursionlimit(1_000_000)  # micrograd's backward recurses
    print(f"{'':<58} {'autograd':>10} {'micrograd':>10} {'ratio':>10}")

    loop = alternate(empty_loop, empty_loop)[0]
    a, b, _ = alternate(products(ours), products(theirs))
    show("a * b, loop taken off", (a - loop) / 1e5, (b - loop) / 1e5, (b - loop) / (a - loop), "faster")

    program = random_program(10_000, seed=3)
    first, second = run_program(ours, program), run_program(theirs, program)
    assert abs(float(first) - second.data) <= 1e-9 * abs(second.data), "the two libraries disagree"
    show(
        "10,000-operation random graph, forward and backward",
        *alternate(lambda: run_program(ours, program).backward(), lambda: run_program(theirs, program).backward()),
        "faster",
    )

    X, y = moons_data()
    model = nn.MLP(2, [16, 16, 1], seed=1337)
    optimizer = nn.SGD(model.parameters(), lr=0.05)
    peer = micrograd.nn.MLP(2, [16, 16, 1])
    for p, q in zip(model.parameters(), peer.parameters()):
        q.data = p.data
    both = our_step(model, optimizer, X, y), micrograd_step(peer, X, y)
    assert abs(both[0] - both[1]) <= 1e-9 * abs(both[1]), f"the two libraries disagree: {both}"
    show(
        "moons training step (2-16-16-1, 100 points)",
        *alternate(lambda: our_step(model, optimizer, X, y), lambda: micrograd_step(peer, X, y), rounds=7),
        "faster",
    )

    sizes = bytes_a_node(ours), bytes_a_node(theirs)
    print(f"{'bytes a node':<58} {sizes[0]:>10.0f} {sizes[1]:>10.0f} {sizes[1] / sizes[0]:>8.1f} × smaller")


if __name__ == "__main__":
    main()
