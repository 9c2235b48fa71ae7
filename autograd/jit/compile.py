"""From a function to code: trace it, differentiate the trace, simplify the graph, write LLVM IR, compile that."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

from .codegen import batch_loop as frame, batch_sums as sums, straight_line as straight, table_machine as interpreter
from .codegen.ir import Module
from .codegen.layout import Layout, lay_out
from .codegen.tables import tabulate
from .graph.graph import Graph
from .graph.passes import simplify
from .runtime.machine import Code, Machine, code_of, host
from .runtime.signature import Argument
from .trace.traced import Traced, no_collections, trace

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
