"""Graph: what a traced function computes, as a flat list of nodes that never changes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...primitive import Primitive
from ..trace.tracer import Tracer
from .loops import At, Item, Loop, Stack


class Input(NamedTuple):
    """A number that each call provides: one for the whole batch, or one for each element of it."""

    number: int
    batched: bool
    name: str = ""


What = Input | float | Primitive | Loop | Item | At | Stack


@dataclasses.dataclass(frozen=True)
class Graph:
    """Nodes, each after its operands.

    Attributes:
        what: for each node its Input, the float of a constant, the primitive that makes it, or what it has to do with
            a loop.
        operands: for each node the nodes that its primitive is applied to, with the elements of
            sequences one after the other; () for inputs and constants.
        outputs: the nodes that are the results.

    >>> from autograd.ops import mul
    >>> print(Graph((Input(0, False, "x"), 2.0, mul), ((), (), (0, 1)), (2,)))
    %0 = shared input x
    %1 = 2.0
    %2 = mul %0 %1
    return %2
    """

    what: tuple[What, ...]
    operands: tuple[tuple[int, ...], ...]
    outputs: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.what)

    def __str__(self) -> str:
        lines = [f"%{k} = {_describe(what, args)}" for k, (what, args) in enumerate(zip(self.what, self.operands))]
        return "\n".join([*lines, "return " + " ".join(f"%{k}" for k in self.outputs)])

    @property
    def applications(self) -> int:
        """How many of the nodes are operations; those of a step of a loop count once."""
        bodies = [what.body.applications for what in self.what if type(what) is Loop]
        return sum(isinstance(what, Primitive) for what in self.what) + sum(bodies)

    def evaluate(self, numbers: Sequence[float]) -> list[float]:
        """The outputs for one element of a batch, computed in Python as the engine does; `numbers` are the inputs."""
        found: list[Any] = []
        for what, operands in zip(self.what, self.operands):
            args = [found[k] for k in operands]
            if type(what) is Input:
                found.append(numbers[what.number])
            elif isinstance(what, Primitive):
                found.append(what.evaluate(*group_operands(what, args)))
            elif type(what) is float:
                found.append(what)
            else:
                found.append(what.evaluate(args if isinstance(what, (Loop, Stack)) else args[0]))  # type: ignore[union-attr]
        return [found[k] for k in self.outputs]

    def needed(self) -> bytearray:
        """For each node whether a result depends on it."""
        needed = bytearray(len(self))
        for k in set(self.outputs):  # of a million, most are the zero that a Hessian is filled with
            needed[k] = 1
        for k in range(len(self) - 1, -1, -1):
            if needed[k]:
                for operand in self.operands[k]:
                    needed[operand] = 1
        return needed

    def batched(self) -> list[bool]:
        """For each node whether it differs from one element of the batch to the next."""
        if not any(type(what) is Input and what.batched for what in self.what):
            return [False] * len(self)
        result: list[bool] = []
        for what, args in zip(self.what, self.operands):
            if args:
                result.append(any(result[k] for k in args))
            else:
                result.append(type(what) is Input and what.batched)
        return result

    def uses(self) -> list[int]:
        """For each node how often it is an output, or an operand of a node that is needed."""
        counts = [0] * len(self.what)
        for args, wanted in zip(self.operands, self.needed()):
            if wanted:
                for k in args:
                    counts[k] += 1
        results = np.bincount(np.fromiter(self.outputs, np.int64, len(self.outputs)), minlength=len(self))
        return [a + b for a, b in zip(counts, results.tolist())]


def _describe(what: What, args: Sequence[int]) -> str:
    if isinstance(what, Input):
        return f"{'batched' if what.batched else 'shared'} input {what.name or what.number}"
    if isinstance(what, float):
        return repr(what)
    if type(what) is Loop:
        return _describe_loop(what, args)
    name = f"item {what.number} of" if type(what) is Item else f"at {what.place} of" if type(what) is At else what
    return f"{'stack' if type(name) is Stack else name} " + " ".join(f"%{k}" for k in args)


def _describe_loop(loop: Loop, args: Sequence[int]) -> str:
    """A loop with its operands and, indented, the graph of a step."""
    parts = [f"loop of %{args[0]} steps" + " backward" * loop.backward]
    ends = [1, 1 + loop.carries, 1 + loop.carries + loop.stacks, len(args)]
    for name, start, end in zip(("carries", "stacks", "constants"), ends, ends[1:]):
        if end > start:
            parts.append(f"{name} " + " ".join(f"%{k}" for k in args[start:end]))
    lines = [", ".join(parts)]
    for name, graph in (("while", loop.condition), ("step", loop.body)):
        if graph is not None:
            lines += [f"  {name}", *["    " + line for line in str(graph).splitlines()]]
    return "\n".join(lines)


def from_tracers(nodes: Iterable[Tracer], inputs: dict[Tracer, Input], outputs: Sequence[Any]) -> Graph:
    """The graph of a trace.

    Args:
        nodes: all tracers of the trace, each after what it was computed from.
        inputs: an Input for each tracer that was not computed.
        outputs: tracers and floats.
    """
    what: list[What] = []
    operands: list[tuple[int, ...]] = []
    place: dict[int, int] = {}  # from a tracer's index to its node
    constants: dict[str, int] = {}
    rows: dict[int, tuple[int, ...]] = {}  # keyed by the id of a tuple of operands, which the tracers keep alive

    def constant(x: float) -> int:
        key = x.hex()
        if key not in constants:
            constants[key] = len(what)
            what.append(x)
            operands.append(())
        return constants[key]

    def node(x: Any) -> int:
        return constant(x) if type(x) is float else place[x.index]

    def row(xs: tuple[Any, ...]) -> tuple[int, ...]:
        known = rows.get(id(xs))
        if known is None:
            known = rows[id(xs)] = tuple(map(node, xs))
        return known

    for tracer in nodes:
        op = tracer.op
        args: tuple[int, ...] = ()
        if op is not None:
            for x in tracer.args:
                args += row(x) if type(x) is tuple else (node(x),)
        place[tracer.index] = len(what)
        what.append(inputs[tracer] if op is None else op)
        operands.append(args)
    # Of a million results, most are one and the same object: the zero that a Hessian is filled with.
    some = list(outputs[:: 1 + len(outputs) // 100])
    ids = list(map(id, some))
    most = max(some, key=lambda x: ids.count(id(x)), default=0.0)
    its_node = node(most) if some else -1
    results = tuple([its_node if x is most else node(x) for x in outputs])
    return Graph(tuple(what), tuple(operands), results)


def group_operands(op: Primitive, numbers: Sequence[Any]) -> tuple[Any, ...]:
    """Flat operands as the arguments of `op`: its sequences, which all have one length, become tuples."""
    if not any(op.takes_sequence):
        return tuple(numbers)
    many = sum(op.takes_sequence)
    length = (len(numbers) - (op.arity - many)) // many
    result: list[Any] = []
    start = 0
    for is_sequence in op.takes_sequence:
        stop = start + (length if is_sequence else 1)
        result.append(tuple(numbers[start:stop]) if is_sequence else numbers[start])
        start = stop
    return tuple(result)
