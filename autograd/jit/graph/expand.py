"""expand: replaces each primitive that is a formula by the primitives in the formula."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import Any

from ...primitive import Primitive, describe, is_number
from ...value import Value
from ..codegen.instructions import INSTRUCTIONS, NATIVE
from ..trace.state import TracingError, tracing
from ..trace.tracer import Trace
from .graph import Graph, Input, What, from_tracers, group_operands
from .loops import Loop

_PACKAGE = __name__.partition(".")[0] + "."


def is_machine_code(op: Primitive, who: str) -> bool:
    """Whether a primitive is an instruction or a function of the C library; otherwise it is a formula.

    Raises:
        TracingError: if its `native` names neither.
    """
    if op in INSTRUCTIONS:
        return True
    if not isinstance(op.native, str):
        return False
    if NATIVE.get(op.native) == op.arity:
        return True
    if op.native in NATIVE:
        raise TracingError(
            f"{who} the native of the primitive {op} must have {op.arity} argument{'s' * (op.arity != 1)}, "
            f"got {op.native!r}, which has {NATIVE[op.native]}"
        )
    raise TracingError(
        f"{who} the native of the primitive {op} must name an LLVM instruction or a function of doubles "
        f"in C's math library, got {op.native!r}. Known are {', '.join(NATIVE)}. A formula works too"
    )


def expand(graph: Graph, who: str) -> Graph:
    """The graph with each formula replaced by the operations that it does to tracers.

    Raises:
        TracingError: if a formula needs concrete numbers; it says what to do.
    """
    graph = _in_loops(graph, who)
    known = {op for op in set(graph.what) if isinstance(op, Primitive) and is_machine_code(op, who)}
    if all(what in known for what in graph.what if isinstance(what, Primitive)):
        return graph
    what: list[What] = []
    operands: list[tuple[int, ...]] = []
    place: list[int] = []
    for each, args in zip(graph.what, graph.operands):
        inputs = tuple([place[k] for k in args])
        if not isinstance(each, Primitive) or each in known:
            place.append(len(what))
            what.append(each)
            operands.append(inputs)
            continue
        try:
            inside = expand(_formula(each, len(args)), who)
        except _CannotCompile as error:
            raise TracingError(f"{who} {_subject(each, graph)} cannot be compiled: {error}") from error.__cause__
        inner: list[int] = []
        for its, its_args in zip(inside.what, inside.operands):
            if isinstance(its, Input):
                inner.append(inputs[its.number])
            else:
                inner.append(len(what))
                what.append(its)
                operands.append(tuple([inner[k] for k in its_args]))
        place.append(inner[inside.outputs[0]])
    return Graph(tuple(what), tuple(operands), tuple([place[k] for k in graph.outputs]))


def _in_loops(graph: Graph, who: str) -> Graph:
    """The graph with formulas in the steps of its loops replaced."""
    if not any(type(what) is Loop for what in graph.what):
        return graph
    found: dict[Loop, Loop] = {}
    for loop in graph.what:
        if type(loop) is Loop and loop not in found:
            condition = None if loop.condition is None else expand(loop.condition, who)
            found[loop] = dataclasses.replace(loop, body=expand(loop.body, who), condition=condition)
    what = tuple([found[each] if type(each) is Loop else each for each in graph.what])
    return Graph(what, graph.operands, graph.outputs)


class _CannotCompile(Exception):
    """Why a primitive has no formula."""


def _subject(op: Primitive, graph: Graph) -> str:
    """How to speak of a primitive in this graph: with the function whose derivative needs it, if there is one."""
    for other, args in zip(graph.what, graph.operands):
        if isinstance(other, Primitive) and other is not op and _rule_needs(other, len(args), op):
            return f"the primitive {op}, which the derivative of {other} needs,"
    return f"the primitive {op}"


def _rule_needs(other: Primitive, count: int, op: Primitive) -> bool:
    """Whether the rule of a primitive with so many operands applies op."""
    trace = Trace()
    args = group_operands(other, [trace.input() for _ in range(count)])
    with contextlib.suppress(Exception), tracing(trace):  # some rules take no tracers
        for partial in other.partials:
            if partial is not None:
                partial(trace.input(), *args)
    return any(node.op is op for node in trace.nodes)


def _formula(op: Primitive, count: int) -> Graph:
    """The graph of a primitive's formula, or of its function if it has none."""
    trace = Trace()
    tracers = [trace.input() for _ in range(count)]
    formula, name = (op.native, "its native formula") if callable(op.native) else (op.function, "its function")
    try:
        with tracing(trace):
            result: Any = formula(*group_operands(op, tracers))
    except Exception as error:
        fault = f"needs concrete numbers ({error})" if isinstance(error, TypeError) else f"raises {error!r}"
        if op.function.__module__.startswith(_PACKAGE):
            raise _CannotCompile("it is a loop over concrete numbers. Compute this without ag.jit") from error
        raise _CannotCompile(
            f"{name} {fault}. Give @primitive(..., native=...) the name of a C function, or a formula in arithmetic "
            "and autograd functions"
        ) from error
    if not isinstance(result, Value) and not is_number(result):
        raise _CannotCompile(f"{name} must return one number, got {describe(result)}")
    result = trace.lift(result) if isinstance(result, Value) else float(result)
    if trace.closed_over:
        raise _CannotCompile(f"{name} must depend on its arguments alone, but it uses a Value from outside")
    trace.end()
    return from_tracers(trace.nodes, {x: Input(k, False) for k, x in enumerate(tracers)}, [result])
