"""Trace a function: its graph for arguments of one structure, derivatives included."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ...functions.loops import on_loop
from ...lost import is_watched
from ...node import on_float
from ...transforms.sweep import pull_back
from ...transforms.tree import Leaf, Tree, check, flatten
from ...transforms.whole import of_step, whole_rules
from ...value import Value
from ..graph.expand import expand
from ..graph.graph import Graph, Input, from_tracers
from ..runtime.signature import Argument
from .guards import Decision, Decisions, first_broken
from .loops.bodies import is_of_step
from .loops.functions import recorder
from .loops.rules import RULES
from .sources import Sources
from .state import TracingError, tracing
from .tracer import Trace, Tracer

on_loop.append(recorder)
whole_rules.update(RULES)
of_step.append(is_of_step)


@dataclasses.dataclass
class TracedFunction:
    """What a function does to arguments of one structure.

    Attributes:
        graph: the graph. Its outputs are the results and after them the derivatives, if there are any.
        shared: how many inputs are shared by the whole batch.
        leaves: for each leaf of the batched arguments, how many numbers an element has.
        closed_over: the Values from outside; their numbers are the last shared inputs.
        result: the structure of what the function returned.
        rows: the leaves that are computed for each element. Further outputs are summed over the batch.
        sums_of: from the id of an argument to the place where its derivatives begin among the sums.
        wrt: the arguments with respect to which it is differentiated, or None.
        sources: where the function found the Values from outside.
        decisions: what it decided by the numbers of an element, in order. If there are any, the last of `rows` has two
            numbers for each element, which first_broken() explains.
        watched: whether it used a Value whose derivative must not be lost where it was traced, as in a transform.
    """

    graph: Graph
    shared: int
    leaves: list[int]
    closed_over: list[Value]
    result: Tree
    rows: list[Leaf]
    sums_of: dict[int, int]
    wrt: Sequence[int] | None
    watched: bool
    sources: Sources
    decisions: list[Decision]


def trace(
    f: Callable[..., Any],
    given: Sequence[Argument],
    who: str,
    wrt: Sequence[int] | None = None,
    sum_value: bool = False,
    decisions: Decisions | None = None,
) -> TracedFunction:
    """Run f on tracers.

    Args:
        f: the function.
        given: the arguments it is called with.
        who: the name of the program, for messages.
        wrt: the arguments with respect to which to differentiate, or None for the value alone. The
            outputs are the value and then a derivative for each number in those arguments.
        sum_value: whether the value is summed over the batch too.
        decisions: what answers when f decides by a number; None to refuse that.
    """
    tape = Trace(decisions)
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
    result = flatten(_run_on_tracers(f, args, given, who, tape), "the result")
    check(result, who, "return numbers and Values, alone or in containers")
    outputs = [x if type(x) is float else tape.lift(x) if isinstance(x, Value) else float(x) for x in result.entries]
    forms = [dataclasses.replace(leaf, given=None, entries=[0.0] * len(leaf.entries)) for leaf in result.leaves]
    result = Tree(forms, result.build, result.form)  # without tracers, each of which would keep the whole trace alive
    rows, sums_of = list(result.leaves), {}
    if wrt is not None:
        for leaf in [leaf for i in wrt for leaf, truth in zip(given[i].tree.leaves, given[i].truths) if truth]:
            raise TypeError(
                f"{who} {leaf.path} must hold numbers to be differentiated with respect to, got truth values; "
                "use x.astype(float)"
            )
        if len(rows) != 1 or rows[0].shape or rows[0].path != "the result":
            hint = f": {FORGOTTEN_AXES}" if whole_arrays(given) else ""
            raise TypeError(f"{who} for value_and_grad the function must return one number, got {len(outputs)}{hint}")
        if sum_value:
            rows = []
        # There is a derivative for each element of a batched argument; the others are summed over the batch.
        each = [i for i in wrt if given[i].batched]
        total = [i for i in wrt if not given[i].batched]
        variables = [x for i in each + total for x in tracers[i]]
        with tracing(tape):  # the rules of primitives
            slopes = pull_back(outputs[:1], [1.0], variables, True)
        outputs += [x if isinstance(x, Tracer) else float(x) for x in slopes]
        rows += [leaf for i in each for leaf in given[i].tree.leaves]
        start = int(sum_value)
        for i in total:
            sums_of[id(given[i])] = start
            start += len(tracers[i])
    taken: list[Decision] = []
    if decisions is not None and decisions.taken:
        taken = decisions.taken
        at = sum(len(leaf.entries) for leaf in rows)  # before the sums over the batch
        outputs[at:at] = first_broken(decisions)
        rows.append(Leaf("the decisions", None, [0.0, 0.0], (2,)))
        decisions.tracers.clear()
    tape.end()
    for value, tracer in tape.closed_over.items():
        inputs[tracer] = Input(counts[0], False, value.label or f"closed over {counts[0]}")
        counts[0] += 1
    graph = from_tracers(tape.nodes, inputs, outputs)
    outside = [*tape.closed_over, *tape.computed]
    watched = bool(on_float) and any(map(is_watched, outside))
    sources = Sources(f, outside)
    tape.nodes.clear()  # breaks the cycle of trace and tracers, which would otherwise wait for the garbage collector
    graph = expand(graph, who)
    leaves = [len(leaf.entries) for argument in given if argument.batched for leaf in argument.tree.leaves]
    return TracedFunction(
        graph, counts[0], leaves, list(tape.closed_over), result, rows, sums_of, wrt, watched, sources, taken
    )


def _run_on_tracers(
    f: Callable[..., Any], args: Sequence[Any], given: Sequence[Argument], who: str, tape: Trace
) -> Any:
    """What f returns for tracers. An error that a forgotten in_axes may have caused, or a traced mask, says so."""
    try:
        with tracing(tape):
            return f(*args)
    except IndexError as error:
        if "used as indices must be" not in str(error):
            raise
        hint = "the numbers of a mask are not known before the program runs; write np.where(mask, a, b)"
        raise IndexError(f"{error}. {who} {hint}") from error
    except (TypeError, ValueError) as error:
        if isinstance(error, TracingError) or not _IS_ABOUT_SHAPES.search(str(error)) or not whole_arrays(given):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{error}. {who} {FORGOTTEN_AXES}") from error


def whole_arrays(given: Sequence[Argument]) -> bool:
    """Whether there are arrays among the arguments, and no batch."""
    arrays = any(leaf.shape and leaf.names is None for argument in given for leaf in argument.tree.leaves)
    return arrays and not any(argument.batched for argument in given)


FORGOTTEN_AXES = (
    "the function was called with whole arrays; if the first axis of an array is a batch, use jit(f, in_axes=0), or "
    "give a tuple with an axis or None for each argument"
)
# What is said, here and by NumPy, of an array where a number or an array of another shape is expected.
_IS_ABOUT_SHAPES = re.compile(
    "(must be a real number|must return one number).*got (a NumPy array|list)|mismatch|broadcast|not aligned|"
    "only (length-1|size-1|0-dimensional) arrays|truth value of an array"
)


@contextlib.contextmanager
def pause_garbage_collection() -> Iterator[None]:
    """Switch the garbage collector off: it would walk through millions of new nodes again and again, for nothing."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
