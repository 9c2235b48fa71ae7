"""draw(): the computation graph of a Value as a picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from ..value import Value

if TYPE_CHECKING:
    from .picture import Drawing, Engine


def draw(
    root: Value | Iterable[Value] | Mapping[Value, Value],
    model: Any = None,
    *,
    direction: Literal["LR", "TB"] = "LR",
    format: str = ".4g",
    gradients: bool = True,
    shade: bool = False,
    expand: bool = False,
    depth: int | None = None,
    collapse: int | None = None,
    engine: Engine = "pure",
) -> Drawing:
    """Draw the graph of the computation that made a Value.

    Each Value is a box with its label, data and grad; the circle before it is the operation that made it.
    Leaves have round corners, constants a dashed outline, parameters a folded corner, and the root a double
    outline. The tooltip of a box shows its numbers in full. If a drawing would have more than 150 boxes,
    modules of the `model` are drawn as single boxes, first the innermost (neurons), then those around them
    (layers), until it is small enough; its caption says so.

    Args:
        root: the Value to draw, or several: a list of outputs, or the dict that
            backward(create_graph=True) returns, whose derivatives with respect to leaves are drawn.
        model: a Module, whose parameters are distinguished from other leaves and whose modules are drawn
            as labelled boxes around their nodes; or only parameters, as a list or a dict by name.
        direction: "LR" from left to right, "TB" from top to bottom.
        format: how numbers are written, as in format(number, ".4g").
        gradients: whether to write gradients.
        shade: whether to fill boxes by the size of their gradient: the largest is darkest, and one
            1,000 times smaller is white.
        expand: whether to draw dot() and sum() as their products and partial sums, with dashed outlines,
            each with its number and its gradient.
        depth: how many operations to go back from the root at most; "…" stands for what is further back.
        collapse: how many levels of modules to draw as single boxes, counted from the innermost: 0
            for none, 1 for neurons, 2 for layers too; None to decide by the size.
        engine: "pure" for graphviz-pure, "system" for a Graphviz on PATH.

    Returns:
        A Drawing: it shows itself in Jupyter, and has .svg(), .png(), .save("graph.svg") and .source,
        the DOT. The plain 0 that dot() adds if it is given no bias is left out.

    Raises:
        TypeError: if `root` holds anything but Values, or a flag is not a bool.
        ValueError: if an option is not among its choices, or the drawing would have more than 2,000
            boxes or 5,000 arrows, the most that can be laid out in ten seconds.
        FileNotFoundError: if the engine is not installed.

    >>> x = Value(2.0, "x")
    >>> y = x * x + 1
    >>> y.backward()
    >>> picture = draw(y)
    >>> picture.svg().startswith("<svg")
    True
    """
    from .compose import compose  # when a picture is drawn: it would double the time of `import autograd`

    return compose(root, model, direction, format, gradients, shade, expand, depth, collapse, engine)
