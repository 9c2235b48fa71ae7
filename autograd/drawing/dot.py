"""A diagram in DOT, the language of Graphviz: its boxes, circles and arrows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..installation import require
from .colours import ALARM, FILLS, HEAT, INK, LINE, OPERATION, OUTLINES, QUIET, WHITE, mix
from .diagram import Box, Diagram, Kind
from .modules import Group
from .text import html_label, quote, quote_tooltip, text_lines, text_width

# The shape and the style of each kind of box; their colours are in colours.py.
SHAPES: dict[Kind, tuple[str, str]] = {
    "value": ("box", "filled"),
    "leaf": ("box", "filled,rounded"),
    "parameter": ("note", "filled"),
    "constant": ("box", "filled,rounded,dashed"),
    "term": ("box", "filled,dashed"),
    "module": ("folder", "filled"),
    "hidden": ("box", "filled,rounded,dashed"),
}
FONT = "Helvetica"  # graphviz-pure knows its widths, and browsers have it or one like it
_FONT_SIZE = 11.0


@dataclass(frozen=True)
class Style:
    """How to draw: the direction, the format of numbers, and whether gradients are written and shaded."""

    direction: Literal["LR", "TB"]
    number: str
    gradients: bool
    shade: bool


def check_format(number: Any) -> None:
    """Raise ValueError unless this is a format for floats."""
    try:
        format(1.0, number)
    except (TypeError, ValueError):
        raise ValueError(f"format must be a format for floats, such as '.4g' or '.2f', got {number!r}") from None


def to_dot(diagram: Diagram, groups: Sequence[Group], style: Style, caption: str = "") -> str:
    """The diagram in DOT.

    Node `v3` is box number 3 and `o3` the circle of its operation. A module that is not drawn as a
    single box is a cluster around its boxes.
    """
    dot = _new_digraph(diagram, style, caption)
    heat = _Heat(diagram.boxes) if style.shade else None
    inside: dict[int | None, list[Box]] = {}
    for box in diagram.boxes:
        inside.setdefault(box.group, []).append(box)
    children: dict[int | None, list[int]] = {}
    for group in {around for box in diagram.boxes for around in _enclosing(box.group, groups)}:
        children.setdefault(groups[group].parent, []).append(group)
    # Layouts from left to right stack clusters, and the boxes in them, upwards if they have the choice.
    upwards = style.direction == "LR"

    def fill(dot: Any, group: int | None) -> None:
        boxes = inside.get(group, [])
        for box in reversed(boxes) if upwards and group is not None else boxes:
            _add_box(dot, box, style, heat)
        for child in sorted(children.get(group, []), reverse=upwards):
            attributes = {"label": quote(groups[child].title), "style": "rounded", "labeljust": "l", "margin": "8"}
            with dot.subgraph(name=f"cluster_{child}", graph_attr=attributes) as cluster:
                fill(cluster, child)

    fill(dot, None)
    for a, b in diagram.arrows:
        if b.kind == "module":
            dot.edge(f"v{a.name}", f"v{b.name}", headport="w" if style.direction == "LR" else "n")
        elif None not in (a.group, b.group) and b.group not in _enclosing(a.group, groups):
            dot.edge(f"v{a.name}", f"o{b.name}", minlen="2")  # from module to module: one column further
        else:
            dot.edge(f"v{a.name}", f"o{b.name}")
    return str(dot.source)


def _new_digraph(diagram: Diagram, style: Style, caption: str) -> Any:
    """An empty picture, with the attributes for all of it."""
    graphviz = require("graphviz", "drawing")  # imported only when something is drawn
    text = {"fontname": FONT, "fontsize": f"{_FONT_SIZE:g}", "fontcolor": INK}
    dot = graphviz.Digraph(
        "graph",
        graph_attr={
            "rankdir": style.direction,
            "bgcolor": "transparent",
            "pad": "0.1",
            "nodesep": "0.12",
            "ranksep": "0.22",
            "outputorder": "edgesfirst",
            "remincross": "false",  # keeps neurons and weights in order
            "fontname": FONT,
            "fontsize": "10",
            "fontcolor": LINE,
            "color": LINE,
            "label": quote(caption),
        },
        node_attr={**text, "margin": "0", "width": "0", "height": "0"},
        edge_attr={"color": LINE, "arrowsize": "0.6", "tailport": "e" if style.direction == "LR" else "s"},
    )
    if len(diagram.boxes) > 300:  # less polish, in a fraction of the time
        dot.graph_attr.update(splines="line", nslimit="0.1", nslimit1="0.1", mclimit="0.05")
    if sum(a.kind == b.kind == "module" for a, b in diagram.arrows) > 40:
        # Columns of neurons: thin straight arrows with room for them, and neurons kept in order.
        dot.graph_attr.update(splines="line", ranksep="1", mclimit="0.01")
        dot.edge_attr.update(penwidth="0.5")
    return dot


def _enclosing(group: int | None, groups: Sequence[Group]) -> list[int]:
    """The group and those around it, the innermost first."""
    found = []
    while group is not None:
        found.append(group)
        group = groups[group].parent
    return found


def _add_box(dot: Any, box: Box, style: Style, heat: _Heat | None) -> None:
    shape, look = SHAPES[box.kind]
    fill = FILLS[box.kind]
    if heat and box.grad is not None:
        fill = heat.colour(box.grad)
    if not all(map(math.isfinite, _numbers(box, style).values())):
        fill = ALARM
    attributes = {"class": box.kind, "shape": shape, "style": look, "color": OUTLINES[box.kind], "fillcolor": fill}
    if box.root:
        attributes |= {"peripheries": "2", "penwidth": "1.5", "color": OUTLINES["root"]}
    if box.kind in ("constant", "hidden"):
        attributes["width"] = "0.3"
    dot.node(f"v{box.name}", _label(box, style), tooltip=quote_tooltip(_tooltip(box)), **attributes)
    if box.operation:
        symbol = box.operation.symbol
        width = text_width(symbol) * _FONT_SIZE / 72 + 0.14
        dot.node(
            f"o{box.name}",
            quote(symbol),
            shape="circle" if width < 0.34 else "box",
            style="filled" if width < 0.34 else "filled,rounded",
            width="0.26" if width < 0.34 else f"{width:.2f}",
            height="0.26",
            fixedsize="true",
            color=LINE,
            fillcolor=OPERATION,
            fontcolor=WHITE,
            fontsize={"·": "24"}.get(symbol, "14" if len(symbol) == 1 else "11"),
            tooltip=quote_tooltip(box.call or box.operation.name),
            **{"class": "operation"} | ({"ordering": "in"} if box.is_ordered else {}),
        )
        dot.edge(f"o{box.name}", f"v{box.name}", arrowhead="none", weight="10")


def _label(box: Box, style: Style) -> str:
    """The text of a box, in DOT's own form of HTML."""
    if box.kind == "hidden":
        return "…"
    cells = []
    quiet = INK if style.shade else QUIET
    if box.label:
        cells.append(_cell(f"<B>{html_label(box.label)}</B>", box.label, bold=True))
    for word, number in _numbers(box, style).items():
        text = format(number, style.number)
        prefix = "" if box.kind == "constant" else f'<FONT COLOR="{quiet}">{word} </FONT>'
        number_text = html_label(text) if math.isfinite(number) else f"<B>{html_label(text)}</B>"
        cells.append(_cell(prefix + number_text, text))
    if box.kind == "module" and box.data is None:
        count = f"{box.size:,} nodes"
        cells.append(_cell(f'<FONT COLOR="{quiet}">{count}</FONT>', count))
    if style.direction == "LR":
        rows = f"<TR>{'<VR/>'.join(cells)}</TR>"
    else:
        rows = "<HR/>".join(f"<TR>{cell}</TR>" for cell in cells)
    padding = 3 if box.kind == "constant" else 4
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="{padding}">{rows}</TABLE>>'


def _numbers(box: Box, style: Style) -> dict[str, float]:
    """The numbers that a box shows, each with the word before it."""
    numbers = {"data": box.data, "grad": box.grad if style.gradients else None}
    return {word: number for word, number in numbers.items() if number is not None}


def _cell(content: str, text: str, bold: bool = False) -> str:
    """One cell, with its width if the renderer does not know how wide the letters are."""
    if text.isascii():
        return f"<TD>{content}</TD>"
    width = max(map(text_width, text_lines(text))) * _FONT_SIZE * (1.08 if bold else 1.0) + 8
    return f'<TD ALIGN="LEFT" WIDTH="{math.ceil(width)}">{content}</TD>'


def _tooltip(box: Box) -> str:
    """The tooltip of a box: its numbers in full."""
    if box.kind == "hidden":
        return f"{box.size} operand{'s' * (box.size != 1)} not drawn"
    numbers = [f"{word} {x!r}" for word, x in (("data", box.data), ("grad", box.grad)) if x is not None]
    return f"{box.label or box.kind}: {', '.join(numbers)}"


class _Heat:
    """A colour for the size of a gradient: it fades to white over three powers of ten below the largest."""

    def __init__(self, boxes: Sequence[Box]) -> None:
        self.largest = max((abs(b.grad) for b in boxes if b.grad is not None and math.isfinite(b.grad)), default=0.0)

    def colour(self, grad: float) -> str:
        if not math.isfinite(grad):
            return ALARM
        if grad == 0.0:
            return HEAT[0]
        return mix(*HEAT, max(0.0, 1 + math.log10(abs(grad) / self.largest) / 3))
