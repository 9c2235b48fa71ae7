"""draw(): a network in columns of neurons, as textbooks draw it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Literal

from autograd import Value
from autograd.drawing.colours import (
    ALARM,
    INK,
    LINE,
    NEGATIVE,
    NEGATIVE_TINT,
    NOT_FINITE,
    OUTLINES,
    POSITIVE,
    POSITIVE_TINT,
    WHITE,
    mix,
)
from autograd.drawing.dot import FONT, check_format
from autograd.drawing.picture import Drawing, Engine
from autograd.drawing.text import html_label, quote, quote_tooltip
from autograd.installation import require

from ..checks import check_count, check_flag
from ..module import Module
from .network import Neuron, Numbers, find_activations, find_deltas, find_layers

MOST_EDGES = 10_000  # the most that are drawn within ten seconds


def draw(
    model: Module,
    x: Any = None,
    *,
    edges: Literal["weights", "gradients"] = "weights",
    gradients: bool = True,
    format: str = ".2g",
    max_neurons: int = 16,
    engine: Engine = "pure",
) -> Drawing:
    """Draw a network of layers: a column for the inputs and one for each layer, and an edge for each weight.

    Edges and neurons are blue if their number is positive and orange if it is negative; the larger
    it is, the stronger the colour. Negative edges are dashed. The pointer shows numbers in full.
    Modules that follow a layer (normalisation, activation, dropout) stand in its heading;
    connections that skip layers are not drawn.

    Args:
        model: an MLP, Layer or Neuron, or a Module in which layers follow one another. A layer is a Module
            that keeps its Neurons as `neurons`, or a single Neuron. See `is_neuron` of Module for neurons of yours.
        x: one example. Its activations are written into the neurons.
        edges: what the edges show, "weights" or the "gradients" of the weights.
        gradients: whether to write into each neuron, after backward(), the gradient of its
            bias (after ∂), which is that of its weighted sum.
        format: how numbers are written, as in format(number, ".2g").
        max_neurons: how many places a column has. In a wider layer the neurons in the middle are left out, and counted.
        engine: "pure" for graphviz-pure, "system" for a Graphviz on PATH.

    Returns:
        A Drawing: it shows itself in Jupyter, and has .svg(), .png(), .save("network.svg") and
        .source, the DOT text.

    Raises:
        TypeError: if `model` is not a Module, max_neurons is not a whole number, or gradients is not a bool.
        ValueError: if it is not made of layers that follow one another, an option is not one of its
            choices, or there are more than 10,000 edges to draw.
        FileNotFoundError: if the engine is not installed.

    >>> import nn
    >>> picture = draw(nn.MLP(2, [4, 1], seed=0), [1.0, -1.0])
    >>> picture.svg().startswith("<svg")
    True
    """
    if edges not in ("weights", "gradients"):
        raise ValueError(f"edges must be 'weights' or 'gradients', got {edges!r}")
    check_count(max_neurons, "max_neurons", 3)
    check_flag(gradients, "draw: gradients")
    check_format(format)
    layers = find_layers(model)
    columns = [_Column("inputs", f"{layers[0][1][0].nin:,}", layers[0][1][0].nin, max_neurons)]
    for path, neurons, after in layers:
        about = "\n".join([f"{len(neurons):,} {neurons[0].activation_name}", *after])
        columns.append(_Column(path, about, len(neurons), max_neurons))
    count = sum(len(a.shown) * len(b.shown) for a, b in pairwise(columns))
    advice = f"What helps: max_neurons={max(3, max_neurons // 2)} draws fewer neurons of wide layers."
    if count > MOST_EDGES:
        raise ValueError(f"the drawing would have {count:,} edges; the limit is {MOST_EDGES:,}. {advice}")
    network = [neurons for _, neurons, _ in layers]
    activations = None if x is None else find_activations(model, x, network)
    deltas = find_deltas(network, layers[0][1][0].nin) if gradients else None
    source = _dot(columns, network, activations, deltas, edges, format)
    return Drawing(source, engine=engine, note="; ".join(c.note for c in columns if c.note), advice=advice)


class _Column:
    """The neurons of one layer, or the inputs. If there are too many, only the first and the last are shown."""

    def __init__(self, title: str, about: str, size: int, most: int) -> None:
        self.title = title
        self.about = about
        self.hidden = size - most + 1 if size > most else 0
        self.first = most // 2 if self.hidden else size
        self.shown = [*range(self.first), *range(self.first + self.hidden, size)]
        self.slots = len(self.shown) + (self.hidden > 0)
        things = title if title == "inputs" else f"neurons of {title}"
        self.note = f"{self.hidden:,} of the {size:,} {things} are left out" if self.hidden else ""

    def places(self) -> Iterator[tuple[int | None, float]]:
        """Each neuron that is shown, and None for the others, with its height above the middle in places."""
        order: list[int | None] = [*self.shown]
        if self.hidden:
            order.insert(self.first, None)
        return ((k, (self.slots - 1) / 2 - slot) for slot, k in enumerate(order))


def _dot(
    columns: Sequence[_Column],
    network: Sequence[Sequence[Neuron]],
    activations: Numbers | None,
    deltas: Numbers | None,
    edges: str,
    number: str,
) -> str:
    """The picture as DOT text: `n2_5` is neuron 5 of column 2."""
    lines = _Edges(columns, network, edges)
    size, step = (42.0, 48.0) if deltas else (34.0, 41.0) if activations else (20.0, 28.0)
    height = max(column.slots for column in columns) * step
    apart = max(130.0, 0.3 * height)
    dot = _page(size, _legend(lines, number, activations is not None, deltas is not None))
    heading = {"shape": "plaintext", "style": "", "fontcolor": LINE, "fontsize": "10", "fixedsize": "false"}
    for k, column in enumerate(columns):
        title = f"<<B>{html_label(column.title)}</B><BR/>{html_label(column.about)}>"
        up = height / 2 + 24 + 6 * column.about.count("\n")
        dot.node(f"c{k}", title, pos=f"{k * apart:g},{up:g}!", **heading)
        kind = "leaf" if k == 0 else "root" if k == len(network) else "value"
        numbers = activations[k] if activations else [None] * (max(column.shown) + 1)
        largest = _largest(numbers)
        for i, up in column.places():
            place = f"{k * apart:g},{up * step:g}!"
            if i is None:
                dot.node(f"gap{k}", quote(f"⋮\n{column.hidden:,} more"), pos=place, **heading)
                continue
            delta = deltas[k][i] if deltas else None
            text = [] if numbers[i] is None else [format(numbers[i], number)]
            text += [] if delta is None else [f"∂ {format(delta, number)}"]
            dot.node(
                f"n{k}_{i}",
                quote("\n".join(text)),
                pos=place,
                color=OUTLINES[kind],
                fillcolor=_fill(numbers[i], largest),
                tooltip=quote_tooltip(_about_neuron(k, i, network, numbers[i])),
            )
    lines.add_to(dot)
    return str(dot.source)


def _page(size: float, legend: str) -> Any:
    """An empty picture with the settings for all of it. Neurons have a diameter of `size` points."""
    graphviz = require("graphviz", "drawing")  # imported only when something is drawn
    return graphviz.Graph(
        "network",
        graph_attr={
            "layout": "neato",  # it leaves nodes at their positions
            "inputscale": "72",
            "splines": "line",
            "outputorder": "edgesfirst",
            "bgcolor": "transparent",
            "pad": "0.1",
            "fontname": FONT,
            "fontsize": "10",
            "fontcolor": LINE,
            "label": legend,
        },
        node_attr={
            "shape": "circle",
            "fixedsize": "true",
            "width": f"{size / 72:.3f}",
            "style": "filled",
            "fontname": FONT,
            "fontsize": "8",
            "fontcolor": INK,
        },
    )


class _Edges:
    """The weights between the neurons that are shown, or their gradients."""

    def __init__(self, columns: Sequence[_Column], network: Sequence[Sequence[Neuron]], shown: str) -> None:
        self.shown = shown
        self.weights = [
            (network[k][j].w[i], f"n{k}_{i}", f"n{k + 1}_{j}")
            for k, (before, after) in enumerate(pairwise(columns))
            for j in after.shown
            for i in before.shown
        ]
        self.largest = _largest([self._number(weight) for weight, _, _ in self.weights])

    def _number(self, weight: Value) -> float:
        return float(weight.data if self.shown == "weights" else weight.grad)

    def add_to(self, dot: Any) -> None:
        """Draw them, the strongest on top."""
        for weight, a, b in sorted(self.weights, key=lambda edge: abs(self._number(edge[0]))):
            number = self._number(weight)
            if math.isfinite(number):
                colour = POSITIVE if number >= 0 else NEGATIVE
                strength = abs(number) / self.largest if self.largest else 0.0
            else:
                colour, strength = NOT_FINITE, 1.0
            dot.edge(
                a,
                b,
                color=f"{colour}{round(255 * (0.12 + 0.88 * strength)):02x}",
                penwidth=f"{0.3 + 2.7 * strength**1.5:.2f}",
                style="dashed" if number < 0 else "solid",  # for those who see or print no colours
                tooltip=f"weight {float(weight.data)!r}, grad {float(weight.grad)!r}",
            )


def _largest(numbers: Sequence[float | None]) -> float:
    return max((abs(x) for x in numbers if x is not None and math.isfinite(x)), default=0.0)


def _fill(number: float | None, largest: float) -> str:
    """The colour behind the number of a neuron."""
    if number is None or number == 0.0:
        return WHITE
    if not math.isfinite(number):
        return ALARM
    return mix(WHITE, POSITIVE_TINT if number > 0 else NEGATIVE_TINT, abs(number) / largest)


def _about_neuron(k: int, i: int, network: Sequence[Sequence[Neuron]], number: float | None) -> str:
    """The text of a neuron under the pointer."""
    facts = [] if number is None else [f"output {number!r}"]
    if k > 0:
        b = network[k - 1][i].b
        facts += [f"bias {float(b.data)!r}, grad {float(b.grad)!r}"] if isinstance(b, Value) else ["no bias"]
    return f"{'neuron' if k else 'input'} {i}" + "".join(f", {fact}" for fact in facts)


def _legend(edges: _Edges, number: str, has_activations: bool, has_deltas: bool) -> str:
    thing = "weight" if edges.shown == "weights" else "gradient of the weight"
    parts = [
        f'<FONT COLOR="{POSITIVE}">positive</FONT> or <FONT COLOR="{NEGATIVE}">negative</FONT> (dashed) {thing}, '
        f"up to {html_label(format(edges.largest, number))}",
        *(["the output of the neuron"] if has_activations else []),
        *(["∂ the gradient of its bias"] if has_deltas else []),
    ]
    return f"<<BR/>{' · '.join(parts)}>"
