"""Sparsity: which entries of a Jacobian or a Hessian can be other than 0, read off the recorded graph.

Sets of numbers are the bits of an int: bit k stands for variable k, or for result k. They follow from the operations
alone and not from their numbers, so that they stay the same from call to call: both sides of a choice count.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ...chain import reachable, rule_on_values
from ...primitive import Interval, Primitive
from ...value import Value

Sets = dict[Value, int]
Length = int | None  # of an argument that is a sequence; None for a number


def find_supports(order: Sequence[Value], variables: Sequence[Value]) -> Sets:
    """For each node the variables that it depends on, as far as derivatives are passed on.

    Args:
        order: the nodes between variables and results, each after its parents.
        variables: what they depend on.
    """
    supports = {variable: 1 << k for k, variable in enumerate(variables)}
    for node in order:
        support = 0
        for parent in parents_of(node):
            support = _unite(support, supports.get(parent, 0))
        supports[node] = support
    return supports


def find_goals(order: Sequence[Value], outputs: Sequence[Any], goals: Sequence[int]) -> Sets:
    """For each node the union of the goals of the outputs that depend on it. Each output has a set as its goal."""
    found: Sets = {}
    for out, goal in zip(outputs, goals):
        if goal and isinstance(out, Value):
            found[out] = found.get(out, 0) | goal
    for node in reversed(order):
        goal = found.get(node, 0)
        if goal:
            for parent in parents_of(node):
                found[parent] = _unite(found.get(parent, 0), goal)
    return found


def _unite(a: int, b: int) -> int:
    """a | b; if possible one of them itself, so that nodes share the memory of large sets."""
    return a if a == b or not b else b if not a else a | b


def find_hessian(root: Any, order: Sequence[Value], supports: Sets, variables: Sequence[Value]) -> list[int]:
    """The pattern of a Hessian: for each variable those with which it interacts.

    One sweep back: the derivative of the result with respect to a node depends on what the derivative with respect to
    each node above depends on, and on the arguments that the partials on the way contain (A. Walther, Computing
    sparse Hessians with automatic differentiation, ACM Transactions on Mathematical Software 34, 2008, which sweeps
    forward).
    """
    if not isinstance(root, Value):
        return [0] * len(variables)
    found = {root: 0}
    for node in reversed(order):
        if node not in found:
            continue
        above = found.pop(node)
        args, op = node.args, node.op
        assert op is not None
        numbers = [x for arg in args for x in (arg if type(arg) is tuple else (arg,))]
        lengths = tuple([len(arg) if type(arg) is tuple else None for arg in args])
        unions = {0: above}
        for x, mask in zip(numbers, find_interactions(op, lengths)):
            if mask is None or type(x) is float or x not in supports:
                continue
            if mask not in unions:
                unions[mask] = above
                for j in list_bits(mask):
                    unions[mask] |= supports.get(numbers[j], 0) if type(numbers[j]) is not float else 0
            found[x] = _unite(found.get(x, 0), unions[mask])
    return [found.get(variable, 0) for variable in variables]


def find_interactions(op: Primitive, lengths: tuple[Length, ...]) -> list[int | None]:
    """For each number that a primitive is applied to, those that the partial for it depends on; None without a partial.

    The rule runs once on Values, whose numbers do not matter. All of them are counted where it cannot, for the
    primitives of users, whose rules may depend on the numbers, and for a loop in a program, which is no primitive.

    >>> from autograd.ops import add, mul
    >>> find_interactions(mul, (None, None)), find_interactions(add, (None, None))
    ([2, 1], [0, 0])
    """
    if isinstance(op, Primitive) and op.built_in and "<locals>" not in op.__wrapped__.__qualname__:
        return interactions_of_built_in(op, lengths)
    partials: Any = op.partials if isinstance(op, Primitive) else [True] * len(lengths)
    return _all_interactions(partials, lengths)


@functools.lru_cache(maxsize=1024)
def interactions_of_built_in(op: Primitive, lengths: tuple[Length, ...]) -> list[int | None]:
    """The same for a primitive of autograd that stands in a module.

    No other is kept: a loop, or a root of custom_root, would keep all that it was recorded from.
    """
    found = _all_interactions(op.partials, lengths)
    with contextlib.suppress(Exception):  # such as a derivative that is not known
        # In a context of its own, so that a function that is being traced does not take in these Values.
        by_rule = contextvars.Context().run(_interactions_of_rule, op, lengths)
        found = [None if x is None else by_rule.get(k, x) for k, x in enumerate(found)]
    return found


def _all_interactions(partials: Sequence[Any], lengths: Sequence[Length]) -> list[int | None]:
    """The interactions if each number interacts with each."""
    passed = [partial is not None for partial, length in zip(partials, lengths) for _ in range(_count(length))]
    everything = sum(1 << k for k, passes in enumerate(passed) if passes)
    return [everything if passes else None for passes in passed]


def _interactions_of_rule(op: Primitive, lengths: Sequence[Length]) -> dict[int, int]:
    leaves: list[Value] = []
    args: list[Any] = []
    for interval, length in zip(op.domain, lengths):
        items = [Value(_choose(interval, len(leaves) + k)) for k in range(_count(length))]
        leaves += items
        args.append(items[0] if length is None else tuple(items))
    partials = rule_on_values(leaves[0]._record(op, tuple(args)))
    _, nodes = reachable([partial for _, partial in partials if isinstance(partial, Value)])
    supports = find_supports(nodes, leaves)
    place = {leaf: k for k, leaf in enumerate(leaves)}
    found = dict.fromkeys(range(len(leaves)), 0)  # what was not taken is passed on as it is
    found.update((place[leaf], supports[partial]) for leaf, partial in partials if isinstance(partial, Value))
    return found


def _choose(interval: Interval, k: int) -> float:
    """A number in an open interval, another one for each k."""
    low, high = interval
    part = 0.55 + 0.4 * (k * 0.618 % 1)
    if math.isfinite(low) and math.isfinite(high):
        return low + part * (high - low)
    return low + part if math.isfinite(low) else min(part, high - part)


def _count(length: Length) -> int:
    return 1 if length is None else length


def parents_of(node: Value) -> Iterator[Value]:
    """The parents that a node passes derivatives back to."""
    op, args = node.op, node.args
    for x, partial in zip(args, op.partials if isinstance(op, Primitive) else args):
        if partial is None or type(x) is float:
            continue
        if type(x) is tuple:
            yield from [item for item in x if type(item) is not float]
        else:
            yield x


def list_bits(mask: int) -> list[int]:
    """The numbers in a set, in order.

    >>> list_bits(0b1101)
    [0, 2, 3]
    """
    if mask & (mask - 1) == 0:
        return [mask.bit_length() - 1] if mask else []
    first = (mask & -mask).bit_length() - 1
    mask >>= first
    octets = np.frombuffer(mask.to_bytes(-(-mask.bit_length() // 8), "little"), dtype=np.uint8)
    places: list[int] = (np.flatnonzero(np.unpackbits(octets, bitorder="little")) + first).tolist()
    return places
