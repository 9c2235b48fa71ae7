"""compose: what draw() does, in a file of its own because its imports take time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..primitive import check_flag, describe
from ..value import Value
from .diagram import Builder, Diagram
from .dot import Style, check_format, to_dot
from .modules import Modules
from .nodes import nodes_to_draw
from .picture import Drawing, Engine

READABLE = 150  # boxes in a picture that a person can still read
MOST_BOXES, MOST_ARROWS = 2_000, 5_000  # what can be laid out in ten seconds


def compose(
    root: Any,
    model: Any,
    direction: str,
    format: str,
    gradients: bool,
    shade: bool,
    expand: bool,
    depth: int | None,
    collapse: int | None,
    engine: Engine,
) -> Drawing:
    """The picture of a graph; the arguments are those of draw()."""
    roots, labels = _roots(root)
    for name, flag in {"gradients": gradients, "shade": shade, "expand": expand}.items():
        check_flag(flag, f"draw: {name}")
    style = _style(direction, format, gradients, shade)
    for name, x, least in (("depth", depth, 1), ("collapse", collapse, 0)):
        if x is not None and (isinstance(x, bool) or not isinstance(x, int) or x < least):
            raise ValueError(f"{name} must be None or a whole number of {least} or more, got {x!r}")
    modules = Modules(model)
    advice = _advice(modules, collapse, expand)
    order = nodes_to_draw(roots, depth)
    if len(order) > MOST_BOXES and not modules.groups:
        raise ValueError(_too_large_message(len(order), 0, advice))
    builder = Builder(roots, order, modules, labels, expand)
    if collapse is None:
        levels, diagram = _choose_levels(builder, modules.groups[0].height if modules.groups else 0)
    else:
        levels, diagram = collapse, builder.build(collapse)
    if len(diagram.boxes) > MOST_BOXES or len(diagram.arrows) > MOST_ARROWS:
        raise ValueError(_too_large_message(len(diagram.boxes), len(diagram.arrows), advice))
    notes = []
    if levels and collapse is None and modules.groups:
        kinds = dict.fromkeys(g.kind for g in reversed(modules.groups) if g.height < levels)
        notes.append(f"each {' and each '.join(kinds)} is drawn as one box, because the graph has {len(order):,} nodes")
    if any(box.kind == "hidden" for box in diagram.boxes):
        notes.append(f"… stands for nodes more than {depth} operation{'s' * (depth != 1)} back")
    note = "; ".join(notes)
    source = to_dot(diagram, modules.groups, style, note)
    return Drawing(source, engine=engine, note=note, advice=advice)


def _choose_levels(builder: Builder, height: int) -> tuple[int, Diagram]:
    """The fewest levels of modules to draw as single boxes so that the picture is readable, and its diagram.

    If no number of levels makes it readable, all modules but the outermost are drawn as single boxes.
    """
    for levels in range(height + 2):
        if builder.count_separate(levels) <= READABLE:
            diagram = builder.build(levels)
            if len(diagram.boxes) <= READABLE:
                return levels, diagram
    diagram = builder.build(height)
    return (height, diagram) if len(diagram.boxes) <= MOST_BOXES else (height + 1, builder.build(height + 1))


def _roots(root: Any) -> tuple[list[Value], dict[Value, str]]:
    """The Values to draw, and labels for derivatives."""
    labels: dict[Value, str] = {}
    if isinstance(root, Value):
        return [root], labels
    if hasattr(root, "named_parameters"):
        raise TypeError(
            f"root must be a Value, such as a model's output, got {type(root).__name__}. Draw models with nn.draw()"
        )
    if isinstance(root, Mapping):
        for node, derivative in root.items():
            if isinstance(node, Value) and node.op is None and isinstance(derivative, Value):
                name = f"∂/∂{node.label}" if node.label else ""
                labels[derivative] = ", ".join(filter(None, [labels.get(derivative, ""), name]))
        roots = list(labels)
    elif isinstance(root, Iterable) and not isinstance(root, (str, bytes)):
        roots = list(root)
    else:
        raise TypeError(f"root must be a Value or a list of Values, got {describe(root)}")
    for x in roots:
        if not isinstance(x, Value):
            raise TypeError(f"root must be a Value or a list of Values, but it holds {describe(x)}")
    if not roots:
        raise ValueError("root must hold at least one Value to draw")
    return roots, labels


def _style(direction: Any, number: Any, gradients: bool, shade: bool) -> Style:
    if direction not in ("LR", "TB"):
        raise ValueError(f"direction must be 'LR' (left to right) or 'TB' (top to bottom), got {direction!r}")
    check_format(number)
    return Style(direction, number, gradients, shade)


def _too_large_message(boxes: int, arrows: int, advice: str) -> str:
    size = f"{boxes:,} boxes" if boxes > MOST_BOXES else f"{arrows:,} arrows"
    return (
        f"the drawing would have {size}; the most that can be laid out in ten seconds are {MOST_BOXES:,} boxes and "
        f"{MOST_ARROWS:,} arrows. {advice}"
    )


def _advice(modules: Modules, collapse: int | None, expand: bool) -> str:
    """Advice on how to make a drawing smaller."""
    advice = ["depth=3 draws only the last three operations"]
    if not modules.groups:
        advice.append("model=your_model draws its neurons and layers as single boxes")
    elif collapse is not None:
        advice.append(f"collapse={collapse + 1} draws more modules as single boxes")
    else:
        advice.append("fewer examples make a smaller graph")
    if expand:
        advice.append("expand=False draws a dot() or sum() as one node")
    return "What helps: " + "; ".join(advice) + "."
