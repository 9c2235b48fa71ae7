"""Trace a function: its graph, as it is for arguments of one structure, derivatives included."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ...transforms.sweep import pull_back
from ...tree import Leaf, Tree, check, flatten
from ...value import Value
from ..graph.expand import expand
from ..graph.graph import Graph, Input, from_tracers
from ..runtime.signature import Argument
from .tracer import Trace, Tracer, TracingError, tracing


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
