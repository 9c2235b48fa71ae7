"""The size of each node, and its place in two layouts by Graphviz: from left to right and from the top down."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ..drawing.picture import Drawing
from .notation import format_number
from .steps import Play

CARD = 70.0  # the height of a leaf's or an operation's card, in pixels
PILL = 28.0  # the height of a plain number, and of the badge with an operation's symbol
OVERLAP = 10.0  # of the badge with its card

Point = tuple[float, float]

_ADVICE = "Step through a smaller piece of it, or draw all of it with ag.draw()"


@dataclass(frozen=True)
class Box:
    """The size of a node's card, and the width of its badge, 0 if it has no badge."""

    width: float
    height: float
    badge: float


@dataclass(frozen=True)
class Layout:
    """The positions of everything in the picture, in pixels from the top left.

    Attributes:
        width, height: of the picture.
        centres: of the cards.
        paths: of the edges, in SVG's notation, from the argument to the badge of the node.
    """

    width: float
    height: float
    centres: tuple[tuple[float, float], ...]
    paths: tuple[str, ...]


def measure_boxes(story: Play) -> list[Box]:
    """A size for every node: wide enough for its name and for all numbers it will hold."""
    longest = [0] * len(story.nodes)
    for step in story.steps:
        for k, _, x in step.changes:
            longest[k] = max(longest[k], len(format_number(x)))
    result = []
    for node, digits in zip(story.nodes, longest):
        if node.kind == "constant":
            result.append(Box(22.0 + 8.0 * digits, PILL, 0.0))
        else:
            badge = max(PILL, 16.0 + 9.0 * len(node.symbol)) if node.symbol else 0.0
            width = max(112.0, 66.0 + 8.2 * digits, min(220.0, 46.0 + 8.5 * count_columns(node.name)))
            result.append(Box(width, CARD, badge))
    return result


def count_columns(text: str) -> int:
    """The width of `text` in columns; an ideograph or emoji counts as two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def compute_layouts(story: Play) -> dict[str, Layout]:
    """The two layouts, "LR" and "TB"."""
    sizes = measure_boxes(story)
    amounts = [len(format_number(x)) for step in story.steps for x in step.amounts]
    gap = min(max(58.0, 30.0 + 7.6 * max(amounts, default=0)), 100.0)  # enough for an amount on its edge
    return {"LR": _compute_layout(story, sizes, "LR", gap), "TB": _compute_layout(story, sizes, "TB", 40.0)}


def _compute_layout(story: Play, sizes: Sequence[Box], direction: str, gap: float) -> Layout:
    across = direction == "LR"
    badges = [max(0.0, (box.badge if across else min(box.badge, PILL)) - OVERLAP) for box in sizes]
    outer = [(box.width + badge * across, box.height + badge * (not across)) for box, badge in zip(sizes, badges)]
    out, into = ("e", "w") if across else ("s", "n")
    lines = [
        f"digraph {{ graph [rankdir={direction} nodesep=0.24 ranksep={gap / 72:.4f}]",
        'node [shape=box fixedsize=true label=""] edge [arrowhead=none]',
    ]
    lines += [f"n{k} [width={width / 72:.4f} height={height / 72:.4f}]" for k, (width, height) in enumerate(outer)]
    lines += [f"n{edge.source}:{out} -> n{edge.target}:{into} [id={k}]" for k, edge in enumerate(story.edges)]
    drawn = json.loads(Drawing("\n".join([*lines, "}"]), advice=_ADVICE).render("json0"))
    _, _, width, height = map(float, drawn["bb"].split(","))
    middles = []
    for thing in sorted(drawn["objects"], key=lambda thing: int(thing["name"][1:])):
        x, y = map(float, thing["pos"].split(","))
        middles.append((x, height - y))
    splines: dict[int, list[Point]] = {}
    for edge in drawn.get("edges", ()):
        points = [point.split(",") for point in edge["pos"].split()]
        splines[int(edge["id"])] = [(float(x), height - float(y)) for x, y in points]
    occupied = [(x - w / 2, y - h / 2, x + w / 2, y + h / 2) for (x, y), (w, h) in zip(middles, outer)]
    parallel = Counter(story.edges)
    paths = []
    for k, edge in enumerate(story.edges):
        curve = _curve(splines[k][0], splines[k][-1], across)
        others = [box for n, box in enumerate(occupied) if n not in (edge.source, edge.target)]
        reach = abs(curve[3][0] - curve[0][0] if across else curve[3][1] - curve[0][1])
        if parallel[edge] > 1 or reach > 2.5 * gap or _meets(curve, others):
            curve = splines[k]
        first, *rest = [f"{x:.1f} {y:.1f}" for x, y in curve]
        paths.append(f"M{first} C{' '.join(rest)}")
    centres = [
        (round(x + badge / 2 * across, 1), round(y + badge / 2 * (not across), 1))
        for (x, y), badge in zip(middles, badges)
    ]
    return Layout(width, height, tuple(centres), tuple(paths))


def _curve(start: Point, end: Point, across: bool) -> list[Point]:
    """A Bézier curve that leaves and arrives in the direction of the graph, which the eye follows best."""
    (x0, y0), (x1, y1) = start, end
    if across:
        half = (x1 - x0) / 2
        return [start, (x0 + half, y0), (x1 - half, y1), end]
    half = (y1 - y0) / 2
    return [start, (x0, y0 + half), (x1, y1 - half), end]


def _meets(curve: Sequence[Point], others: Sequence[tuple[float, float, float, float]]) -> bool:
    """Whether a Bézier curve comes within 4 pixels of any of these boxes."""
    near = [
        (left - 4, top - 4, right + 4, bottom + 4)
        for left, top, right, bottom in others
        if all(max(p[axis] for p in curve) > low - 4 for axis, low in ((0, left), (1, top)))
        and all(min(p[axis] for p in curve) < high + 4 for axis, high in ((0, right), (1, bottom)))
    ]
    for k in range(1, 24 * bool(near)):
        t = k / 24
        weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
        x, y = (sum(w * p[axis] for w, p in zip(weights, curve)) for axis in (0, 1))
        if any(left < x < right and top < y < bottom for left, top, right, bottom in near):
            return True
    return False
