"""From a function to code: trace it, differentiate the trace, simplify the graph, write LLVM IR, compile that."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..sweep import pull_back
from ..tree import Leaf, Tree, check, flatten
from ..value import Value
from . import frame, interpreter, straight, sums
from .expand import expand
from .graph import Graph, Input, from_tracers
from .layout import Layout, lay_out
from .machine import Code, Machine, code_of, host
from .module import Module
from .passes import simplify
from .signature import Argument
from .tables import tabulate
from .tracer import Trace, Tracer, TracingError
from .tracing import tracing

# Where tables take over from straight-line code: operands read. LLVM takes 50 microseconds for each, tables one.
STRAIGHT_SHARED = 60_000
STRAIGHT_BATCHED = 12_000
CACHE = 262_144  # doubles that fit the second-level cache


@dataclasses.dataclass(frozen=True)
class Stats:
    """What a compilation took and gave.

    Attributes:
        nodes_traced: operations recorded, those of the gradient included.
        nodes: operations left by the passes.
        trace_seconds: for running the function on tracers and differentiating the trace.
        compile_seconds: for the passes and for LLVM.
        code_bytes: of machine code.
        lanes: batch elements that one vector holds; 1 without a batch.
        cached: whether the machine code was made from the cache on disk.
    """

    nodes_traced: int
    nodes: int
    trace_seconds: float
    compile_seconds: float
    code_bytes: int
    lanes: int
    cached: bool


@dataclasses.dataclass
class Traced:
    """What a function does to arguments of one structure.

    Attributes:
        graph: its nodes; after the results come, if asked for, the derivatives.
        shared: how many numbers are given for the whole batch.
        leaves: for each leaf given for each element, how many numbers it has.
        closed_over: the Values from outside, whose numbers are the last of the shared inputs.
        result: the structure of what the function returned.
        rows: the leaves that are computed for each element; all further outputs are summed over the batch.
        sums_of: by the id of an argument, where its derivatives begin among the sums.
        wrt: the arguments differentiated by, or None.
    """

    graph: Graph
    shared: int
    leaves: list[int]
    closed_over: list[Value]
    result: Tree
    rows: list[Leaf]
    sums_of: dict[int, int]
    wrt: Sequence[int] | None


@dataclasses.dataclass
class Written:
    """A graph as LLVM IR and, where it is large, tables.

    Attributes:
        ir: the text.
        shared, batched: for each section of the graph its tables, or the functions that compute it.
        state: the doubles that a thread needs for what the functions pass on, or the tables work on.
        kept: the doubles that a thread needs for what is to be summed over the batch.
        tile: the elements whose rows are transposed together.
    """

    ir: str
    shared: Any
    batched: Any
    state: int
    kept: int
    tile: int


@dataclasses.dataclass
class Compiled:
    """One compilation: a function for arguments of one structure."""

    traced: Traced
    graph: Graph
    layout: Layout
    written: Written
    code: Code
    stats: Stats
    work: int  # operands a tile reads, as a measure of its cost


def trace(
    f: Callable[..., Any],
    given: Sequence[Argument],
    who: str,
    wrt: Sequence[int] | None = None,
    sum_value: bool = False,
) -> Traced:
    """Run f on tracers.

    Args:
        f: the function.
        given: what it is called with.
        who: the program, for messages.
        wrt: the arguments by which to differentiate, or None for the value alone. Then the outputs are
            the value and, after it, a derivative for each number in those arguments.
        sum_value: whether the value, too, is wanted as a sum over the batch.
    """
    tape = Trace()
    args: list[Any] = []
    tracers: list[list[Tracer]] = []
    inputs: dict[Tracer, Input] = {}
    counts = [0, 0]
    for argument in given:
        mine = []
        for name in argument.names:
            tracer = tape.input(name)
            inputs[tracer] = Input(counts[argument.batched], argument.batched, name)
            counts[argument.batched] += 1
            mine.append(tracer)
        tracers.append(mine)
        args.append(argument.rebuild(mine))
    result = flatten(_traced(f, args, given, who, tape), "the result")
    check(result, who, "the function must return real numbers")
    outputs = [tape.lift(x) if isinstance(x, Value) else float(x) for x in result.entries]
    forms = [dataclasses.replace(leaf, given=None, entries=[0.0] * len(leaf.entries)) for leaf in result.leaves]
    result = Tree(forms, result.build)  # without tracers, each of which would keep the whole trace
    rows, sums_of = list(result.leaves), {}
    if wrt is not None:
        if len(rows) != 1 or rows[0].shape or rows[0].path != "the result":
            raise TypeError(f"{who} value_and_grad takes a function that returns one number, not {len(outputs)}")
        if sum_value:
            rows = []
        # Derivatives by batched numbers come one for each element; all others are summed over the batch.
        each = [i for i in wrt if given[i].batched]
        total = [i for i in wrt if not given[i].batched]
        variables = [x for i in each + total for x in tracers[i]]
        outputs += [x if isinstance(x, Tracer) else float(x) for x in pull_back(outputs[:1], [1.0], variables, True)]
        rows += [leaf for i in each for leaf in given[i].tree.leaves]
        start = int(sum_value)
        for i in total:
            sums_of[id(given[i])] = start
            start += len(tracers[i])
    tape.end()
    for value, tracer in tape.closed_over.items():
        inputs[tracer] = Input(counts[0], False, value.label or f"closed over {counts[0]}")
        counts[0] += 1
    graph = from_tracers(tape.nodes, inputs, outputs)
    tape.nodes.clear()  # the tracers and their trace hold one another: let go of them now, not at some collection
    graph = expand(graph, who)
    leaves = [len(leaf.entries) for argument in given if argument.batched for leaf in argument.tree.leaves]
    return Traced(graph, counts[0], leaves, list(tape.closed_over), result, rows, sums_of, wrt)


def _traced(f: Callable[..., Any], args: Sequence[Any], given: Sequence[Argument], who: str, tape: Trace) -> Any:
    """What f returns for tracers; an error that a forgotten in_axes may be the cause of says so."""
    try:
        with tracing():
            return f(*args)
    except (IndexError, TypeError, ValueError) as error:
        if tape.refusal is not None and not isinstance(error, TracingError):
            raise tape.refusal from None
        if isinstance(error, IndexError):
            raise
        arrays = any(leaf.shape and leaf.names is None for argument in given for leaf in argument.tree.leaves)
        if isinstance(error, TracingError) or "in_axes" in str(error) or not arrays or any(a.batched for a in given):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(
            f"{error}. {who} the function was given its arguments whole; if the first axis of an array is a batch, "
            "say so: jit(f, in_axes=0), or a tuple with an axis or None for each argument"
        ) from error


def compile_call(
    f: Callable[..., Any],
    given: Sequence[Argument],
    who: str,
    wrt: Sequence[int] | None = None,
    sum_value: bool = False,
) -> Compiled:
    """Compile a call of f; the arguments are those of `trace`."""
    with no_collections():
        start = time.perf_counter()
        traced = trace(f, given, who, wrt, sum_value)
        return generate(traced, simplify, time.perf_counter() - start)


@contextlib.contextmanager
def no_collections() -> Iterator[None]:
    """Hold the garbage collector back: it would walk through millions of new nodes again and again, for nothing."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def generate(traced: Traced, passes: Callable[[Graph], Graph], seconds: float = 0.0) -> Compiled:
    """Simplify a traced function and make code of it."""
    start = time.perf_counter()
    graph = passes(traced.graph)
    layout = lay_out(graph, traced.shared, traced.leaves, [len(leaf.entries) for leaf in traced.rows])
    machine = host()
    lanes = machine.lanes if traced.leaves else 1
    written = write(graph, layout, machine, lanes)
    code = code_of(written.ir, machine)
    stats = Stats(
        traced.graph.applications,
        graph.applications,
        seconds,
        time.perf_counter() - start,
        code.size,
        lanes,
        code.cached,
    )
    work = weight(graph, layout, True)
    return Compiled(traced, graph, layout, written, code, stats, work)


def weight(graph: Graph, layout: Layout, batched: bool) -> int:
    """The operands that a section reads."""
    if batched and not layout.leaves:
        return 0
    return sum(1 + len(args) for k, args in enumerate(graph.operands) if args and layout.batched[k] == batched)


def write(graph: Graph, layout: Layout, machine: Machine, lanes: int) -> Written:
    """The LLVM IR of a graph: straight-line code for what is small, tables for what is large."""
    module = Module(machine.fma)
    shared: Any
    if weight(graph, layout, False) <= STRAIGHT_SHARED:
        shared, state = straight.write(module, graph, layout, False, 1, sums.Sums())
    else:
        shared, state = tabulate(graph, layout, False), 0
        interpreter.write(module, "shared_machine", shared.keys, 1, True)
    load = weight(graph, layout, True)
    if load > STRAIGHT_BATCHED and layout.leaves:
        tables = tabulate(graph, layout, True)
        interpreter.write(module, "batched_machine", tables.keys, lanes, False)
        width = 1
        while width < 16 and tables.slots * width * 2 * lanes <= CACHE:
            width *= 2
        frame.write(module, layout, lanes, shared, tables, sums.Sums(), width)
        return Written(str(module), shared, tables, max(state, tables.slots * width * lanes), 0, lanes)
    width = together(load) if lanes > 1 else 1
    tile = lanes * width
    added = sums.plan(graph, layout, lanes, tile)
    batched, slots = straight.write(module, graph, layout, True, tile, added)
    frame.write(module, layout, lanes, shared, batched, added, width)
    return Written(str(module), shared, batched, max(state, slots * tile), len(added.kept) * added.stride, tile)


def together(load: int) -> int:
    """How many vectors straight-line code that reads so many operands works on together.

    Several hide the latency of one another's operations, until they need more registers than there are.
    """
    return 4 if load <= 300 else 2 if load <= 1000 else 1
