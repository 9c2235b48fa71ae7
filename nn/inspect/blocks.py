"""Watch a copy of a model compute: what each of its layers returns for each example."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from autograd import Value
from autograd.transforms.tree import flatten

from ..module import Module, children

Numbers = list[Any]  # floats and Values


@dataclass
class Calls:
    """The input of a Module's first call, and the outputs of all calls, one for each example."""

    inputs: Numbers
    outputs: list[Numbers] = field(default_factory=list)


@dataclass
class Block:
    """A layer with the Modules that follow it, such as normalisation, activation and dropout.

    Attributes:
        path: the path of the layer, or of the Module that holds it and what follows it.
        outputs: the outputs of the block, the numbers of each example.
        results: the outputs of all Modules inside, each node once.
        parameters: its parameters.
    """

    path: str
    outputs: list[Numbers]
    results: list[Value]
    parameters: list[Value]


def watch(twin: Module, xs: Sequence[Any]) -> tuple[list[Any], list[Block]]:
    """The outputs of a copy of a model for each example, and its blocks in the order of execution.

    The copy gets other classes, and its running statistics and random generators change, so it is of no further use.
    """
    calls: dict[int, Calls] = {}
    for module in list(twin.modules()):
        module.__class__ = _watching_class(type(module), calls)
    outputs = twin.batch(xs)
    parts = _parts("", twin, calls, set())
    order = {key: k for k, key in enumerate(calls)}  # a dict keeps the order of first calls
    parts.sort(key=lambda part: order[id(part[1])])
    return outputs, [_block(group, calls) for group in _groups(parts)]


def _watching_class(kind: type[Module], calls: dict[int, Calls]) -> type[Module]:
    """A class like `kind` that also records each call."""

    def __call__(self: Module, x: Any, *args: Any, **kwargs: Any) -> Any:
        mine = calls.setdefault(id(self), Calls(_numbers(x)))
        output = kind.__call__(self, x, *args, **kwargs)
        mine.outputs.append(_numbers(output))
        return output

    def batch(self: Module, xs: Iterable[Any]) -> list[Any]:
        xs = list(xs)
        mine = calls.setdefault(id(self), Calls(_numbers(xs[0])))
        before = len(mine.outputs)
        outputs = kind.batch(self, xs)
        if len(mine.outputs) == before:  # otherwise it called itself, example by example
            mine.outputs += map(_numbers, outputs)
        return outputs

    return type(kind.__name__, (kind,), {"__call__": __call__, "batch": batch, "__module__": kind.__module__})


def _numbers(x: Any) -> Numbers:
    return flatten(x, "").entries


def _parts(path: str, module: Module, calls: dict[int, Calls], seen: set[int]) -> list[tuple[str, Module]]:
    """The Modules that were called one after another, each once: those inside, or this one if they are fewer than two.

    Modules with the same input, such as the neurons of a layer, work side by side and not one after another.
    A Module that is one block, such as Residual, is one part.
    """
    if id(module) in seen:
        return []
    seen.add(id(module))
    if module.is_one_block:
        return [(path, module)] if id(module) in calls else []
    lead = f"{path}." if path else ""
    inside = [part for name, child in children(module) for part in _parts(lead + name, child, calls, seen)]
    sources = {_input_key(calls[id(part)]) for _, part in inside if _has_weights(part)}
    if len(sources) > 1 or id(module) not in calls:
        return inside
    return [(path, module)]


def _input_key(calls: Calls) -> tuple[Any, ...]:
    return tuple([id(x) if isinstance(x, Value) else x for x in calls.inputs])


def _has_weights(module: Module) -> bool:
    """Whether it has parameters, and does not follow a layer as normalisation does."""
    return not module.follows and bool(module.parameters())


def _groups(parts: Sequence[tuple[str, Module]]) -> list[list[tuple[str, Module]]]:
    """Parts in groups, each with one layer that has weights."""
    groups: list[list[tuple[str, Module]]] = []
    for part in parts:
        if not groups or (_has_weights(part[1]) and any(_has_weights(module) for _, module in groups[-1])):
            groups.append([])
        groups[-1].append(part)
    return groups


def _block(group: Sequence[tuple[str, Module]], calls: dict[int, Calls]) -> Block:
    path, first = next((part for part in group if _has_weights(part[1])), group[0])
    inside = [inner for _, module in group for inner in module.modules() if id(inner) in calls]
    results = {x: None for inner in inside for row in calls[id(inner)].outputs for x in row if isinstance(x, Value)}
    parameters = {p: None for _, module in group for p in module.parameters()}
    return Block(path or type(first).__name__, calls[id(group[-1][1])].outputs, list(results), list(parameters))
