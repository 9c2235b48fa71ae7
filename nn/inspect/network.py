"""The layers of a model and the numbers of their neurons, for nn.draw."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from autograd import Value, ops
from autograd.drawing.nodes import nodes_to_draw
from autograd.primitive import describe

from ..module import Module

Neuron = Any  # a Module with `is_neuron`
Numbers = Sequence[Sequence["float | None"]]  # one for each neuron, column by column


def find_layers(model: Any) -> list[tuple[str, list[Neuron], list[str]]]:
    """The layers of a model in order, each with its name, its neurons, and the headings of what follows it."""
    if not isinstance(model, Module):
        raise TypeError(f"draw: model must be a Module, got {describe(model)}. ag.draw() draws the graph of a Value")
    layers: list[tuple[str, list[Neuron], list[str]]] = []
    drawn: set[int] = set()
    for path, module in model.named_modules():
        neurons = [module] if module.is_neuron else _neurons(module)
        if neurons and not drawn.issuperset(map(id, neurons)):
            layers.append((path or type(module).__name__.lower(), neurons, []))
            drawn.update(map(id, neurons))
        elif layers and module.follows:
            layers[-1][2].append(module.heading())
    if not layers:
        raise ValueError(
            f"draw: model must be a network of neurons, but {type(model).__name__} has no nn.Layer or nn.Neuron, "
            "and no other Module with is_neuron"
        )
    for (a, before, _), (b, after, _) in pairwise(layers):
        if len(before) != after[0].nin:
            raise ValueError(
                f"draw: layers must follow one another, but {a} has {len(before)} neurons and {b}, the next, takes "
                f"{after[0].nin} inputs"
            )
    return layers


def _neurons(module: Module) -> list[Neuron]:
    """The neurons of a layer; none if the Module is not one."""
    neurons = getattr(module, "neurons", None)
    return [n for n in neurons if isinstance(n, Module) and n.is_neuron] if isinstance(neurons, (list, tuple)) else []


def find_activations(model: Module, x: Any, network: Sequence[Sequence[Neuron]]) -> Numbers:
    """The inputs and the outputs of the neurons for the example x, read from the graph of model(x)."""
    result = model(x)
    outputs = [y for y in (result if isinstance(result, (list, tuple)) else [result]) if isinstance(y, Value)]
    sums = {tuple(map(id, node.args[0])): node.data for node in nodes_to_draw(outputs, None) if node.op is ops.dot}
    numbers: list[list[float | None]] = [[float(number) for number in np.ravel(np.asarray(x, dtype=object))]]
    for neurons in network:
        found = [sums.get(tuple(map(id, neuron.w))) for neuron in neurons]
        numbers.append([None if s is None else float(n.activation(Value(s))) for s, n in zip(found, neurons)])
    return numbers


def find_deltas(network: Sequence[Sequence[Neuron]], inputs: int) -> Numbers | None:
    """The gradients of the biases; None before backward()."""
    if not any(p.grad for neurons in network for neuron in neurons for p in neuron.parameters()):
        return None
    biases = [[neuron.b for neuron in neurons] for neurons in network]
    return [[None] * inputs, *[[b.grad if isinstance(b, Value) else None for b in column] for column in biases]]
