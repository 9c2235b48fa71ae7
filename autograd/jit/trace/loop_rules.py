"""The derivative of a loop is a loop.

Backward, it goes over the steps in the opposite order. A step computes the forward one again from the carries that the
forward loop kept, and passes back the adjoints of its results (A. Griewank, A. Walther, Evaluating Derivatives, 2nd
ed., SIAM 2008, section 12.1). Its carries are the adjoints of the carries, and sums of what is passed back to the
constants. Forward, it carries tangents beside the numbers. Both are loops like any other, and so can be differentiated.

A rule here is given a node that is no number, or that reads one. What has arrived at a Stack, or at a row, are pairs
of an adjoint and its place, At, or of a whole stack of adjoints and None. At a loop, each such pair or adjoint comes
with the number of the Item that passed it on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...chain import Passed
from ...transforms.sweep import pull_back, push_forward
from ...value import Value
from ..graph.graph import Graph, Input
from ..graph.loops import At, Item, Loop, Stack
from .recorded import Recorded, at_place, record_loop, record_stack, replay
from .tracer import Tracer

Total = Callable[[Sequence[Any]], Any]


# Reverse


def pull_back_at(node: Any, arrived: Sequence[Any], total: Total, _: Any) -> Passed:
    adjoint = total(arrived)
    return adjoint, [(node._a, (adjoint, node.op))]


def pull_back_item(node: Any, arrived: Sequence[Any], total: Total, _: Any) -> Passed:
    number, carries = node.op.number, node._a.op.carries
    if number > carries:
        return None, [(node._a, (pair, number)) for pair in arrived]
    adjoint = total(arrived)
    return adjoint, [] if number == carries else [(node._a, (adjoint, number))]


def pull_back_stack(node: Any, arrived: Sequence[Any], total: Total, _: Any) -> Passed:
    terms = []
    for place, x in enumerate(node._a):
        if type(x) is not float:
            for adjoint, at in arrived:
                if at is None:
                    terms.append((x, (at_place(adjoint, place), 1.0)))
                elif at.place == place:
                    terms.append((x, (adjoint, 1.0)))
    return None, terms


def pull_back_loop(node: Any, arrived: Sequence[Any], total: Total, wanted: set[Value] | None) -> Passed:
    forward = Recorded(node)
    loop, (_, inits, stacks, constants) = forward.loop, forward.operands()
    seeds: list[Any] = [0.0] * loop.carries
    for number in range(loop.carries):
        if mine := [(adjoint, 1.0) for adjoint, n in arrived if n == number]:
            seeds[number] = total(mine)
    adjoint_rows = _adjoint_rows(forward, arrived, total)

    # What leads back to a wanted operand.
    leads = [wanted is None or x in wanted for x in (*inits, *stacks, *constants)]
    active = _active(loop, leads)
    of_stacks = [k for k in range(loop.stacks) if leads[loop.carries + k]]
    first = loop.carries + loop.stacks
    of_constants = [k for k, x in enumerate(constants) if leads[first + k] and type(x) is not float]
    if not active and not of_stacks and not of_constants:
        return None, []

    def step(at: Tracer, sums: list[Tracer], read: list[Tracer]) -> Any:
        trace = at.trace
        before, rows = read[: loop.carries], read[loop.carries : first]
        own = [trace.lift(x) for x in constants]
        results = replay(trace, loop.body, [at, *before, *rows, *own])
        pairs = [(results[k], sums[place]) for place, k in enumerate(active)]
        pairs += [(results[loop.carries + row], x) for (row, _), x in zip(adjoint_rows, read[first:])]
        variables = [
            *[before[k] for k in active],
            *[rows[k] for k in of_stacks],
            *[own[k] for k in of_constants],
        ]
        found = pull_back([out for out, _ in pairs], [x for _, x in pairs], variables, True)
        adjoints, of_rows = found[: len(active)], found[len(active) : len(active) + len(of_stacks)]
        added = found[len(active) + len(of_stacks) :]
        totals = [x if type(new) is float and new == 0.0 else x + new for x, new in zip(sums[len(active) :], added)]
        return [*adjoints, *totals], of_rows

    back = record_loop(
        node.trace.innermost(),
        loop.line,
        forward.steps,
        [*[seeds[k] for k in active], *[0.0 for _ in of_constants]],
        [*[forward.before(k) for k in range(loop.carries)], *stacks, *[stack for _, stack in adjoint_rows]],
        step,
        backward=not loop.backward,
    )
    terms = [(inits[k], (back.carry(place), 1.0)) for place, k in enumerate(active)]
    terms += [(constants[k], (back.carry(len(active) + place), 1.0)) for place, k in enumerate(of_constants)]
    terms += [(stacks[k], (back.row(place), None)) for place, k in enumerate(of_stacks)]
    return None, [(x, pair) for x, pair in terms if type(x) is not float and (wanted is None or x in wanted)]


def _adjoint_rows(forward: Recorded, arrived: Sequence[Any], total: Total) -> list[tuple[int, Tracer]]:
    """The stacks of adjoints that arrived at rows, each with the number of its row."""
    found: list[tuple[int, Tracer]] = []
    for row in range(forward.loop.rows):
        mine = [pair for pair, number in arrived if number == forward.loop.carries + 1 + row]
        found += [(row, stack) for stack, at in mine if at is None]
        at_places = [(adjoint, at.place) for adjoint, at in mine if at is not None]
        if at_places:
            numbers = [0.0] * int(forward.node._a[0])  # a row of which a single number is read is a row of scan
            for place in {place for _, place in at_places}:
                numbers[place] = total([(adjoint, 1.0) for adjoint, each in at_places if each == place])
            found.append((row, record_stack(forward.node.trace.innermost(), numbers)))
    return found


def _active(loop: Loop, leads: Sequence[bool]) -> list[int]:
    """The carries that depend on operands that are wanted, directly or through other carries.

    Args:
        loop: the loop.
        leads: for each first carry, stack and constant, whether it is wanted.
    """
    depends = list(leads)
    while True:
        outputs = _dependent(loop.body, depends)
        now = [before or after for before, after in zip(depends[: loop.carries], outputs)]
        if now == depends[: loop.carries]:
            return [k for k in range(loop.carries) if depends[k]]
        depends[: loop.carries] = now


def _dependent(graph: Graph, on: Sequence[bool]) -> list[bool]:
    """For each output of the graph of a step, whether it depends on any of the inputs after the first."""
    found: list[bool] = []
    for what, args in zip(graph.what, graph.operands):
        if type(what) is Input:
            found.append(what.number > 0 and on[what.number - 1])
        else:
            found.append(any(found[k] for k in args))
    return [found[k] for k in graph.outputs]


# Forward


def push_at(node: Any, found: dict[Any, Any]) -> Any:
    return at_place(found[node._a], node.op.place) if node._a in found else None


def push_stack(node: Any, found: dict[Any, Any]) -> Any:
    return record_stack(node.trace.innermost(), [0.0 if type(x) is float else found.get(x, 0.0) for x in node._a])


def push_item(node: Any, found: dict[Any, Any]) -> Any:
    pushed = found.get(node._a)
    number, loop = node.op.number, node._a.op
    if pushed is None or number == loop.carries:
        return None
    tangents, active = pushed
    if number < loop.carries:
        return tangents.carry(loop.carries + active.index(number)) if number in active else None
    row = number - loop.carries - 1
    before = row - (loop.rows - loop.carries)
    if before < 0:
        return tangents.row(row)
    return tangents.before(loop.carries + active.index(before)) if before in active else None


def push_loop(node: Any, found: dict[Any, Any]) -> Any:
    forward = Recorded(node)
    loop, (count, inits, stacks, constants) = forward.loop, forward.operands()
    tangent = [None if type(x) is float else found.get(x) for x in (*inits, *stacks, *constants)]
    active = _active(loop, [x is not None for x in tangent])
    first = loop.carries + loop.stacks
    of_stacks = [k for k in range(loop.stacks) if tangent[loop.carries + k] is not None]
    of_constants = [k for k in range(len(constants)) if tangent[first + k] is not None]
    if not active and not of_stacks and not of_constants:
        return None

    def step(at: Tracer, carries: list[Tracer], read: list[Tracer]) -> Any:
        trace = at.trace
        own = [trace.lift(x) for x in constants]
        now, rows = carries[: loop.carries], read[: loop.stacks]
        results = replay(trace, loop.body, [at, *now, *rows, *own])
        variables = [*[now[k] for k in active], *[rows[k] for k in of_stacks], *[own[k] for k in of_constants]]
        given = [*carries[loop.carries :], *read[loop.stacks :], *[trace.lift(tangent[first + k]) for k in of_constants]]
        wanted = [*[results[k] for k in active], *results[loop.carries : loop.carries + forward.written]]
        pushed = push_forward(wanted, variables, given, True)
        return [*results[: loop.carries], *pushed[: len(active)]], pushed[len(active) :]

    def condition(at: Tracer, carries: list[Tracer]) -> Any:
        assert loop.condition is not None
        own = [at.trace.lift(x) for x in constants]
        return replay(at.trace, loop.condition, [at, *carries[: loop.carries], *own])[0]

    pushed = record_loop(
        node.trace.innermost(),
        loop.line,
        count,
        [*inits, *[0.0 if tangent[k] is None else tangent[k] for k in active]],
        [*stacks, *[tangent[loop.carries + k] for k in of_stacks]],
        step,
        None if loop.condition is None else condition,
        loop.backward,
        loop.limit,
    )
    return pushed, active


RULES = {
    At: (pull_back_at, push_at),
    Item: (pull_back_item, push_item),
    Stack: (pull_back_stack, push_stack),
    Loop: (pull_back_loop, push_loop),
}
