"""Random graphs of all primitives: the trace records what the engine does, passes keep it, and the code computes it.

"Each node equal within 4 ulp" is tested literally. The trace of a function, evaluated by the
primitives' own Python, equals the eager engine bit for bit, gradients and Hessian-vector products
included. And each node that compiled code computes is within 4 ulp of what its primitive gives for the
operands that the compiled code computed (for a dot with a bias: an ulp of the sum of magnitudes for each product,
because compiled code adds in order, where the engine rounds once). test_as_users_see_it.py compares whole results.
"""

import dataclasses
import math
import random
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import registry

import autograd as ag
from autograd import ops
from autograd.jit import compile as compiler, jit
from autograd.jit.graph import passes
from autograd.jit.graph.graph import Graph, Input, group_operands
from autograd.jit.runtime.runner import Runner
from autograd.jit.runtime.signature import to_argument
from autograd.primitive import Primitive
from autograd.transforms import hvp, value_and_grad

SPECIAL = [0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 5e-324, -1e-310, 1e308, -1e308, 710.0, 1e-160, 2.0**21]
# A formula is other operations than the function, and equal to it only up to their rounding: test_every_primitive.py.
PRIMITIVES = [op for op in registry.PRIMITIVES if not callable(op.native)]
INPUTS = 3


def random_function(rng: random.Random) -> Callable[[Any], Any]:
    """A function of a list of INPUTS numbers: 3 to 9 operations on inputs, constants and earlier results."""
    program = []
    for k in range(rng.randint(3, 9)):
        op = rng.choice(PRIMITIVES)
        length = rng.randint(1, 4)
        shape = [length if is_sequence else 0 for is_sequence in op.takes_sequence]
        picks = [[pick(rng, INPUTS + k) for _ in range(max(1, n))] for n in shape]
        program.append((op, shape, picks))

    def function(xs: Any) -> Any:
        values = list(xs)

        def number(which: Any) -> Any:
            return which if type(which) is float else values[which]

        for op, shape, picks in program:
            args = [tuple(map(number, p)) if n else number(p[0]) for n, p in zip(shape, picks)]
            if op is ops.div and type(args[1]) is float and args[1] == 0.0:
                args[1] = 2.0  # its rule, run on Values, is 1 / 0.0 in plain Python, which raises
            values.append(op(*args))
        return values[-1] + 0.5 * values[-2]

    return function


def pick(rng: random.Random, known: int) -> Any:
    if rng.random() < 0.12:
        return rng.choice([*SPECIAL[2:6], 2.0, 0.5, 3.0, rng.gauss(0, 2)])
    return max(rng.randrange(known), rng.randrange(known))


def points(rng: random.Random, count: int) -> np.ndarray:
    rows = [
        [rng.choice(SPECIAL) if rng.random() < 0.1 else rng.gauss(0, 2) for _ in range(INPUTS)] for _ in range(count)
    ]
    return np.array(rows)


def with_derivatives(f: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    """The value, the gradient and a Hessian-vector product."""

    def function(xs: Any, vs: Any) -> Any:
        value, slope = value_and_grad(f)(xs)
        return [value, slope, hvp(f, (xs,), (vs,))]

    return function


def flat(results: Any) -> list[float]:
    return [float(x) for part in results for x in (part if isinstance(part, (list, np.ndarray)) else [part])]


def interpret(graph: Graph, batched: list[float], shared: list[float]) -> list[float]:
    """Each node of a graph, by the primitives' own Python."""
    values: list[float] = []
    for what, args in zip(graph.what, graph.operands):
        if isinstance(what, Input):
            values.append((batched if what.batched else shared)[what.number])
        elif isinstance(what, float):
            values.append(what)
        else:
            values.append(what.evaluate(*group_operands(what, [values[k] for k in args])))
    return values


def same(a: float, b: float) -> bool:
    return struct.pack("<d", a) == struct.pack("<d", b) or (a != a and b != b)


def agrees(ours: float, eager: float) -> bool:
    """The same bits; but a network's relu lets zeros pass on that are not there in the eager engine."""
    return same(ours, eager) or ours == eager == 0


def scale(op: Any, args: list[float], value: float) -> float:
    """The magnitude that a node's rounding is measured by."""
    if op is ops.dot:
        half = len(args) // 2
        return sum(abs(a * b) for a, b in zip(args[:half], args[half:-1])) + abs(args[-1])
    if op is ops.logsumexp:
        return max(abs(value), *map(abs, args))
    return abs(value)


def traced(f: Callable[..., Any], args: list[Any], axis: int | None = 0) -> tuple[compiler.TracedFunction, list[Any]]:
    given = [to_argument(x, i, axis, "test:") for i, x in enumerate(args)]
    return compiler.trace(f, given, "test:"), given


def all_nodes(graph: Graph) -> Graph:
    return dataclasses.replace(graph, outputs=tuple(range(len(graph))))


@pytest.mark.parametrize("block", range(0, 10) if ag.__build__ == "C" else range(10, 20))  # other graphs each way
def test_the_trace_computes_what_the_engine_does(block: int) -> None:
    rng = random.Random(block)
    for _ in range(50):
        function = with_derivatives(random_function(rng))
        rows = points(rng, 4)
        trace, _ = traced(function, [rows[:2], rows[2:]])
        for x, v in zip(rows[:2], rows[2:]):
            numbers = [*x.tolist(), *v.tolist()], [value.data for value in trace.closed_over]
            ours = interpret(trace.graph, *numbers)
            eager = flat(function([ag.Value(z) for z in x], [ag.Value(z) for z in v]))
            assert all(agrees(ours[k], e) for k, e in zip(trace.graph.outputs, eager))
            for after in [*(each(trace.graph) for each in passes.PASSES), *rewritten(trace.graph)]:
                if rounded_otherwise(after) == rounded_otherwise(trace.graph):
                    found = interpret(after, *numbers)
                    assert all(same(found[k], ours[j]) for k, j in zip(after.outputs, trace.graph.outputs))


def rewritten(graph: Graph) -> list[Graph]:
    """The graph after no rewrite, which merges equal nodes, and after each one alone."""
    return [passes.rewrite(graph, rewrites) for rewrites in ((), *[(each,) for each in passes.REWRITES])]


def rounded_otherwise(graph: Graph) -> int:
    """How many powers, which may become products, and dots, which may become sums, the results depend on."""
    return sum(what in (ops.pow, ops.dot) for what, needed in zip(graph.what, graph.needed()) if needed)


@pytest.mark.parametrize("block", range(0, 5) if ag.__build__ == "C" else range(5, 10))
def test_each_compiled_node_is_within_4_ulp(block: int) -> None:
    rng = random.Random(1000 + block)
    for _ in range(15):
        check_nodes(rng)


def check_nodes(rng: random.Random) -> None:
    function = with_derivatives(random_function(rng))
    rows = points(rng, 22)
    args = [rows[:11], rows[11:]]
    trace, given = traced(function, args)
    simplified = passes.simplify(trace.graph)
    one = trace.result.leaves[0]
    everything = dataclasses.replace(trace, rows=[one] * len(simplified))
    compiled = compiler.generate(everything, lambda graph: all_nodes(simplified))
    size = len(args[0])
    work = Runner(compiled, given, size).run(args)
    for i in range(size):
        values = [float(column[i]) for column in work.outputs]
        for k, (op, operands) in enumerate(zip(simplified.what, simplified.operands)):
            if isinstance(op, Primitive):
                given_to = [values[j] for j in operands]
                exact = op.evaluate(*group_operands(op, given_to))
                assert near(values[k], exact, scale(op, given_to, exact)), (op, given_to, values[k], exact)
    # The program itself, which stores fewer nodes, computes the very same numbers.
    result = [np.asarray(x).reshape(size, -1) for x in jit(function, in_axes=0)(*args)]
    together = np.concatenate(result, axis=1)
    for i in range(size):
        for got, k in zip(together[i], simplified.outputs):
            assert same(float(got), float(work.outputs[k][i]))


def near(got: float, want: float, size: float) -> bool:
    return same(got, want) or (math.isfinite(size) and got != want and abs(got - want) <= 4 * math.ulp(size))


@pytest.mark.parametrize("seed", range(0, 4) if ag.__build__ == "C" else range(4, 8))
def test_every_batch_size_gives_the_same_bits(seed: int) -> None:
    rng = random.Random(seed)
    program = jit(with_derivatives(random_function(rng)), in_axes=0)
    rows = points(rng, 134)
    whole = program(rows[:67], rows[67:])
    for size in range(68):
        part = program(rows[:size], rows[67 : 67 + size])
        for a, b in zip(part, whole):
            assert np.asarray(a).tobytes() == np.asarray(b)[:size].tobytes() or np.array_equal(
                a, b[:size], equal_nan=True
            )


@pytest.mark.parametrize("seed", range(0, 4) if ag.__build__ == "C" else range(4, 8))
def test_one_point_alone_gives_the_bits_that_it_gives_in_a_batch(seed: int) -> None:
    rng = random.Random(seed)
    function = with_derivatives(random_function(rng))
    rows = points(rng, 10)
    batch = flat_rows(jit(function, in_axes=0)(rows[:5], rows[5:]), 5)
    for i in range(5):
        assert all(map(same, flat(jit(function)(rows[i], rows[5 + i])), batch[i]))


def flat_rows(results: Any, size: int) -> list[list[float]]:
    return np.concatenate([np.asarray(x).reshape(size, -1) for x in results], axis=1).tolist()
