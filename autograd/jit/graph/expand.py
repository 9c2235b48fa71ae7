"""Users' primitives, which have no instruction of their own: a C function by name, or what their Python does."""

from __future__ import annotations

import ctypes
from typing import Any

from ...primitive import Primitive
from ...value import Value
from ..codegen.instructions import INSTRUCTIONS
from ..trace.tracer import Trace, TracingError
from .graph import Graph, Input, What, arguments, from_tracers


def is_library_function(op: Primitive) -> bool:
    """Whether `native` was given and names a function of the C library."""
    if op.native == op.name or any(op.takes_sequence):
        return False
    return hasattr(ctypes.CDLL(None), op.native)


def expand(graph: Graph, who: str) -> Graph:
    """The graph with each user's primitive replaced by what its function does to tracers.

    Raises:
        TracingError: for a function that wants numbers, with what to do about it.
    """
    known = {
        op for op in set(graph.what) if isinstance(op, Primitive) and (op in INSTRUCTIONS or is_library_function(op))
    }
    if all(what in known for what in graph.what if isinstance(what, Primitive)):
        return graph
    what: list[What] = []
    operands: list[tuple[int, ...]] = []
    place: list[int] = []
    for each, args in zip(graph.what, graph.operands):
        moved = tuple([place[k] for k in args])
        if not isinstance(each, Primitive) or each in known:
            place.append(len(what))
            what.append(each)
            operands.append(moved)
            continue
        inside = expand(_traced(each, len(args), who), who)
        inner: list[int] = []
        for its, its_args in zip(inside.what, inside.operands):
            if isinstance(its, Input):
                inner.append(moved[its.number])
            else:
                inner.append(len(what))
                what.append(its)
                operands.append(tuple([inner[k] for k in its_args]))
        place.append(inner[inside.outputs[0]])
    return Graph(tuple(what), tuple(operands), tuple([place[k] for k in graph.outputs]))


def _traced(op: Primitive, count: int, who: str) -> Graph:
    """The graph of a primitive's function."""
    trace = Trace()
    tracers = [trace.input() for _ in range(count)]
    try:
        result: Any = op.function(*arguments(op, tracers))
        result = trace.lift(result) if isinstance(result, Value) else float(result)
    except TypeError as error:
        raise TracingError(
            f"{who} the primitive {op} has no native form: its function wants numbers ({error}). Write the function "
            f'in arithmetic and autograd functions, or give @primitive(..., native="...") the name of a C function'
        ) from None
    trace.end()
    return from_tracers(trace.nodes, {x: Input(k, False) for k, x in enumerate(tracers)}, [result])
