"""How much work a loop is, in operations."""

from __future__ import annotations

import math

from ....primitive import Primitive
from ... import tuning
from ...graph.graph import Graph
from ...graph.loops import Loop
from ...trace.comparisons import COMPARISONS
from ..instructions import INSTRUCTIONS, LLVM


def count_operations(graph: Graph) -> int:
    """How much work a graph is, in operations. A function, such as exp, counts as several."""
    return sum(count_node(graph, k) for k in range(len(graph)))


def count_node(graph: Graph, k: int) -> int:
    """How much work a node is."""
    what, args = graph.what[k], graph.operands[k]
    if isinstance(what, Loop):
        return count_steps(graph, args[0]) * count_step(what)
    if not isinstance(what, Primitive):
        return 0
    cheap = what.native in LLVM or len(args) > 1 or what not in INSTRUCTIONS
    return max(1, len(args) - 1) if cheap else tuning.FUNCTION_OPERATIONS


def count_step(loop: Loop) -> int:
    """How much work a step of a loop is."""
    return 1 + count_operations(loop.body) + (count_operations(loop.condition) if loop.condition else 0)


def count_steps(graph: Graph, count: int) -> int:
    """How many steps a loop has whose count is that node, or an estimate."""
    steps = graph.what[count]
    if not isinstance(steps, float) or steps == math.inf:
        return 1 if steps in COMPARISONS else tuning.STEPS_GUESSED
    return math.ceil(steps) if steps > 0 else 0
