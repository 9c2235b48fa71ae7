"""What engine.py times: `programs.py LIBRARY ROW` runs one round of a row for each line that it reads."""

from __future__ import annotations

import gc
import math
import random
import sys
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

Number = Any  # a Value of one of the libraries
Program = list[tuple[int, int, int]]
Job = Callable[[], float]


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def per_turn(turn: Callable[[int], object], times: int = 100_000) -> float:
    """Seconds a turn of a loop with an operation in it, those of an empty loop taken off."""

    def empty(times: int) -> None:
        a = 2.0
        for _ in range(times):
            a  # noqa: B018

    return (seconds(lambda: turn(times)) - seconds(lambda: empty(times))) / times


def products(value: Callable[[float], Number]) -> Job:
    a, b = value(2.0), value(3.0)

    def turns(times: int) -> None:
        for _ in range(times):
            a * b

    return lambda: per_turn(turns)


class Empty:
    """The least object that Python can make: the floor for a node."""

    __slots__ = ()


def instances() -> Job:
    def turns(times: int) -> None:
        kind = Empty
        for _ in range(times):
            kind()

    return lambda: per_turn(turns)


def random_program(operations: int, seed: int) -> Program:
    """Operations as (which, first operand, second operand), operands among the latest 50 results."""
    rng = random.Random(seed)
    return [
        (rng.randrange(8), rng.randrange(max(0, k - 50), k), rng.randrange(max(0, k - 50), k))
        for k in range(10, operations + 10)
    ]


def run_program(leaves: list[Number], program: Program, relu: Any, data: Any) -> Number:
    """The program on Values of any library, and the sum of its last 50 results."""
    results = list(leaves)
    for which, i, j in program:
        a, b = results[i], results[j]
        if which == 0:
            c = a * b
        elif which == 1:
            c = a + b
        elif which == 2:
            c = a - b
        elif which == 3:
            c = relu(a)
        elif which == 4:
            c = -a
        elif which == 5:
            c = 0.5 * a
        elif which == 6:
            c = a + 1.0
        else:
            c = 0.1 * a**2
        results.append(c * 0.01 if abs(data(c)) > 10 else c)
    total = results[-1]
    for c in results[-50:]:
        total = total + c
    return total


STARTS = [0.5 + 0.05 * k for k in range(10)]


def random_graph(value: Callable[[float], Number]) -> Job:
    program = random_program(100_000, seed=3)

    def run() -> None:
        run_program(list(map(value, STARTS)), program, lambda a: a.relu(), lambda c: c.data).backward()

    return lambda: seconds(run)


def moons_data() -> tuple[list[list[float]], list[int]]:
    """100 points in two interleaved half circles, with noise; labels -1 and 1."""
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
    from micrograd.engine import Value

    scores = [model(list(map(Value, x))) for x in X]
    losses = [(1 + -yi * score).relu() for yi, score in zip(y, scores)]
    data_loss = sum(losses) * (1.0 / len(losses))
    total = data_loss + 1e-4 * sum(p * p for p in model.parameters())
    model.zero_grad()
    total.backward()
    for p in model.parameters():
        p.data -= 0.05 * p.grad
    return float(total.data)


def our_step(model: Any, optimizer: Any, X: list[list[float]], y: list[int]) -> float:
    """The same step with our nn."""
    import autograd as ag
    import nn

    parameters = optimizer.parameters
    total = nn.hinge([model(x) for x in X], y) + 1e-4 * ag.dot(parameters, parameters)
    optimizer.zero_grad()
    total.backward()
    optimizer.step()
    return float(total)


def bytes_a_node(value: Callable[[float], Number]) -> float:
    """The memory that a chain of sums takes, by tracemalloc, divided by its nodes."""
    gc.collect()
    tracemalloc.start()
    x = value(1.0)
    y = x
    for _ in range(100_000):
        y = y + x
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return taken / 100_000


def transformer_step(value: Callable[[float], Number], collector: bool = True) -> Job:
    import transformer

    parameters = transformer.parameters(value, seed=0)
    text = [0, 5, 3, 12, 7, 1, 20, 3, 9, 4, 11, 2, 8, 15, 19, 6, 0]

    def run() -> float:
        if not collector:
            gc.disable()
        taken = seconds(lambda: transformer.step(parameters, text))
        gc.enable()
        return taken

    return run


def our_jobs(build: str) -> list[Job | None]:
    import autograd as ag
    import nn

    assert ag.__build__ == build, f"autograd in {ag.__path__} is not the engine to be timed"
    X, y = moons_data()
    model = nn.MLP(2, [16, 16, 1], seed=1337)
    optimizer = nn.SGD(model.parameters(), lr=0.05)
    return [
        products(ag.Value),
        random_graph(ag.Value),
        lambda: seconds(lambda: our_step(model, optimizer, X, y)),
        transformer_step(ag.Value),
        transformer_step(ag.Value, collector=False),
        lambda: bytes_a_node(ag.Value),
    ]


def micrograd_jobs() -> list[Job | None]:
    import micrograd.nn
    from micrograd.engine import Value

    X, y = moons_data()
    model = micrograd.nn.MLP(2, [16, 16, 1])
    step: Job = lambda: seconds(lambda: micrograd_step(model, X, y))  # noqa: E731
    return [products(Value), random_graph(Value), step, None, None, lambda: bytes_a_node(Value)]


def mini_jobs() -> list[Job | None]:
    from transformer import Mini

    steps = [transformer_step(Mini), transformer_step(Mini, collector=False)]
    return [None, None, None, *steps, lambda: bytes_a_node(Mini)]


def xad_jobs() -> list[Job | None]:
    """XAD is C++ that records on a tape; its Python has no relu, for which max stands."""
    from xad import math as xad_math, value
    from xad.adj_1st import Real, Tape

    program = random_program(100_000, seed=3)

    def leaves(tape: Any, numbers: list[float]) -> list[Any]:
        variables = list(map(Real, numbers))
        for x in variables:
            tape.registerInput(x)
        tape.newRecording()
        return variables

    def multiply() -> float:
        with Tape() as tape:
            a, b = leaves(tape, [2.0, 3.0])

            def turns(times: int) -> None:
                for _ in range(times):
                    a * b

            return per_turn(turns)

    def graph() -> float:
        def run() -> None:
            with Tape() as tape:
                out = run_program(leaves(tape, STARTS), program, lambda a: xad_math.max(a, 0.0), value)
                tape.registerOutput(out)
                out.derivative = 1.0
                tape.computeAdjoints()

        return seconds(run)

    return [multiply, graph]


def main() -> None:
    from engine import ROWS

    makers: dict[str, Callable[[], list[Job | None]]] = {
        "C build": lambda: our_jobs("C"),
        "plain": lambda: our_jobs("Python"),
        "micrograd": micrograd_jobs,
        "mini": mini_jobs,
        "xad": xad_jobs,
        "floor": lambda: [instances()],
    }
    library, row = sys.argv[1:]
    job = dict(zip(ROWS, makers[library]()))[row]
    assert job
    for _ in sys.stdin:
        print(job(), flush=True)


if __name__ == "__main__":
    sys.setrecursionlimit(1_000_000)  # micrograd's backward and Mini's recurse, from Python 3.11 on without the C stack
    main()
