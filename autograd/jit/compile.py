"""From a function to code: trace it, differentiate the trace, simplify the graph, write LLVM IR, compile the IR."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .. import ops
from . import tuning
from .codegen.batch_loop import write_batch_loop
from .codegen.batch_sums import Sums, plan_sums
from .codegen.context import write_attend
from .codegen.ir import IR
from .codegen.layout import Layout, lay_out
from .codegen.loops.cost import count_step, count_steps
from .codegen.loops.rows import Loops
from .codegen.straight_line import write_straight_line
from .codegen.table_machine import write_table_machine
from .codegen.tables import Tables, tabulate
from .graph.graph import Graph
from .graph.loops import Loop, Stack
from .graph.passes import SHORT_DOT, simplify
from .runtime.machine import Code, Machine, compile_ir, host
from .runtime.signature import Argument
from .trace.guards import Decisions
from .trace.traced import TracedFunction, pause_garbage_collection, trace


@dataclasses.dataclass(frozen=True)
class Stats:
    """What a compilation cost and produced.

    Attributes:
        nodes_traced: operations recorded, those of the gradient included.
        nodes: operations left after the passes.
        trace_seconds: time for running the function on tracers and differentiating the trace.
        compile_seconds: time for the passes, code generation and LLVM.
        code_bytes: size of the machine code.
        lanes: elements of the batch in one vector; 1 without a batch.
        cached: whether the machine code came from the cache on disk.
    """

    nodes_traced: int
    nodes: int
    trace_seconds: float
    compile_seconds: float
    code_bytes: int
    lanes: int
    cached: bool


@dataclasses.dataclass
class Translation:
    """A graph as LLVM IR and, if it is large, tables.

    Attributes:
        ir: the text of the IR.
        shared, batched: for each section of the graph its tables, or the names of the functions that compute it.
        state: how many doubles each thread needs for what the functions pass to one another, or
            for the nodes of the tables.
        kept: how many doubles each thread needs for what is to be summed over the batch.
        tile: how many elements are transposed together.
        loops: what the loops need.
    """

    ir: str
    shared: list[str] | Tables
    batched: list[str] | Tables
    state: int
    kept: int
    tile: int
    loops: Loops


@dataclasses.dataclass
class Compilation:
    """A function compiled for arguments of one structure.

    Attributes:
        work: operands that a tile reads, as a measure of its cost.
    """

    traced: TracedFunction
    graph: Graph
    layout: Layout
    translation: Translation
    code: Code
    stats: Stats
    work: int

    def drop_texts(self) -> None:
        """Drop what is kept to be looked at only, the graphs and the IR, which take far more memory than the code."""
        nothing = Graph((), (), ())
        self.traced, self.graph = dataclasses.replace(self.traced, graph=nothing), nothing
        self.translation = dataclasses.replace(self.translation, ir="")


def compile_call(
    f: Callable[..., Any],
    given: Sequence[Argument],
    who: str,
    wrt: Sequence[int] | None = None,
    sum_value: bool = False,
    decisions: Decisions | None = None,
) -> Compilation:
    """Compile f for a call; the arguments are those of `trace`."""
    with pause_garbage_collection():
        start = time.perf_counter()
        traced = trace(f, given, who, wrt, sum_value, decisions)
        return generate(traced, simplify, time.perf_counter() - start)


def generate(traced: TracedFunction, passes: Callable[[Graph], Graph], seconds: float = 0.0) -> Compilation:
    """Simplify the graph of a traced function and compile it; `seconds` is what tracing took."""
    start = time.perf_counter()
    graph = passes(traced.graph)
    layout = lay_out(graph, traced.shared, traced.leaves, [len(leaf.entries) for leaf in traced.rows])
    machine = host()
    lanes = machine.lanes if traced.leaves else 1
    many = len(traced.decisions) > tuning.STRAIGHT_DECISIONS
    translation = translate(graph, layout, machine, lanes, many)
    code = compile_ir(translation.ir, machine)
    stats = Stats(
        traced.graph.applications,
        graph.applications,
        seconds,
        time.perf_counter() - start,
        code.size,
        lanes,
        code.cached,
    )
    return Compilation(traced, graph, layout, translation, code, stats, count_work(graph, layout))


def count_operands(graph: Graph, layout: Layout, batched: bool) -> int:
    """How many operands a section reads, plus one for each node."""
    if batched and not layout.leaves:
        return 0
    return sum(
        1 + len(args) + (count_code(what) if isinstance(what, Loop) else 0)
        for what, args, differs in zip(graph.what, graph.operands, layout.batched)
        if args and differs == batched
    )


def count_work(graph: Graph, layout: Layout) -> int:
    """How many operands a tile reads, those of loops at each step."""
    return count_operands(graph, layout, True) + sum(count_loops(graph, layout, count_step))


def count_rows(graph: Graph, layout: Layout) -> int:
    """How many numbers the loops of the batched section keep for an element, as far as is known."""
    return sum(count_loops(graph, layout, lambda loop: loop.rows))


def count_loops(graph: Graph, layout: Layout, count: Callable[[Loop], int]) -> Iterator[int]:
    """For each loop of the batched section a count for a step, times the steps."""
    for what, args, batched in zip(graph.what, graph.operands, layout.batched):
        if batched and isinstance(what, Loop):
            yield count_steps(graph, args[0]) * count(what)


def count_code(loop: Loop) -> int:
    """How many operands the graphs of one step read, plus one for each node."""
    total = 0
    for graph in (loop.body, loop.condition):
        for what, args in zip(graph.what, graph.operands) if graph else ():
            total += 1 + len(args) + (count_code(what) if isinstance(what, Loop) else 0)
    return total


def count_dots(graph: Graph, layout: Layout) -> int:
    """How many operands the long dots of the batched section read."""
    return sum(
        len(args)
        for what, args, batched in zip(graph.what, graph.operands, layout.batched)
        if batched and what is ops.dot and len(args) > 2 * SHORT_DOT + 1
    )


def translate(graph: Graph, layout: Layout, machine: Machine, lanes: int, to_tables: bool = False) -> Translation:
    """Translate a graph to LLVM IR: straight-line code for a small section, tables for a large one, or `to_tables`.

    A section with loops, or with stacks for the loops of the other one, is always straight-line code.
    """
    ir = IR(machine.fma, machine.lanes)
    of_loops = [batched for what, batched in zip(graph.what, layout.batched) if isinstance(what, (Loop, Stack))]
    has_loops = [batched in of_loops for batched in (False, True)]
    loops = Loops(any(has_loops))
    if loops.any:
        write_attend(ir)
    shared: list[str] | Tables
    if has_loops[0] or count_operands(graph, layout, False) <= (0 if to_tables else tuning.STRAIGHT_SHARED):
        shared, state = write_straight_line(ir, graph, layout, False, 1, Sums(), loops)
    else:
        shared, state = tabulate(graph, layout, False), 0
        write_table_machine(ir, "shared_machine", shared.keys, 1, True)
    if not layout.leaves:
        write_batch_loop(ir, layout, lanes, shared, [], Sums(), 1)
        return Translation(str(ir), shared, [], state, 0, lanes, loops)
    load = count_operands(graph, layout, True)
    is_large = load > tuning.STRAIGHT_BATCHED or count_dots(graph, layout) > tuning.STRAIGHT_DOTS
    if not has_loops[1] and (to_tables or is_large):
        tables = tabulate(graph, layout, True)
        write_table_machine(ir, "batched_machine", tables.keys, lanes, False)
        width = 1
        while width < tuning.TABLE_VECTORS and tables.slots * width * 2 * lanes <= tuning.CACHE:
            width *= 2
        write_batch_loop(ir, layout, lanes, shared, tables, Sums(), width)
        return Translation(str(ir), shared, tables, max(state, tables.slots * width * lanes), 0, lanes, loops)
    width = choose_width(load) if lanes > 1 else 1
    while width > 1 and count_rows(graph, layout) * lanes * width > tuning.CACHE:
        width //= 2
    tile = lanes * width
    sums = plan_sums(graph, layout, lanes, tile)
    batched, slots = write_straight_line(ir, graph, layout, True, tile, sums, loops)
    write_batch_loop(ir, layout, lanes, shared, batched, sums, width)
    return Translation(str(ir), shared, batched, max(state, slots * tile), len(sums.kept) * sums.stride, tile, loops)


def choose_width(load: int) -> int:
    """How many vectors straight-line code that reads so many operands computes together."""
    return next((vectors for most, vectors in tuning.TOGETHER if load <= most), 1)
