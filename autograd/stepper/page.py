"""step_through() and the page it makes: one HTML file that plays a graph forward and backward, step by step."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import os
from pathlib import Path
from string import Template
from typing import Any

from ..files import require_directory, write_whole
from ..primitive import describe
from .notation import format_number
from .steps import Step, play

_FOLDER = Path(__file__).parent

# Only the style and the script in the page itself are allowed, and nothing from elsewhere.
_POLICY = (
    "default-src 'none'; style-src '{style}'; script-src '{script}'; img-src data:; base-uri 'none'; form-action 'none'"
)


class StepThrough:
    """A page that plays a computation, which Jupyter shows and `save("steps.html")` writes to a file.

    It shows the numbers as they were when it was made. Later changes to the graph do not change it.

    Attributes:
        steps: the steps, in order, as data.
    """

    def __init__(self, loss: Any, lr: float | None = None) -> None:
        self._play = play(loss, lr)
        self.steps: tuple[Step, ...] = tuple(self._play.steps)

    def transcript(self) -> str:
        """The steps in words, one per line."""
        return "\n".join(f"{k}. {step.words}" for k, step in enumerate(self.steps))

    def html(self) -> str:
        """The page. It is complete: it loads nothing, and its content policy forbids it to load anything.

        Raises:
            FileNotFoundError: if graphviz-pure, which computes the layout, is not installed.
        """
        style = "\n" + _read_file("page.css")
        script = "\n".join(["", *map(_read_file, ("graph.js", "camera.js", "player.js"))])
        policy = _POLICY.format(style=_digest(style), script=_digest(script))
        return Template(_read_file("page.html")).substitute(
            policy=policy, style=style, script=script, story=_to_json(self._story())
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page to an .html file, whole or not at all, so that no reader finds half of it.

        Raises:
            ValueError: if the extension is another one.
            OSError: if the file cannot be written there.
        """
        if not isinstance(path, (str, os.PathLike)):
            raise TypeError(f"path must be the path of a file, such as 'steps.html', got {describe(path)}")
        target = Path(path)
        if target.suffix.lower() not in (".html", ".htm"):
            raise ValueError(f"path must end in .html, got {str(target)!r}")
        require_directory(target)
        write_whole(target, self.html().encode())

    def _repr_html_(self) -> str:
        # A frame of its own keeps the page's style and keys apart from the notebook's.
        return (
            '<iframe title="Backpropagation, step by step" sandbox="allow-scripts" '
            'style="width: 100%; height: 800px; border: 0; border-radius: 12px" '
            f'srcdoc="{html.escape(self.html())}"></iframe>'
        )

    def __repr__(self) -> str:
        nodes = len(self._play.nodes)
        return (
            f"<StepThrough: {nodes} node{'s' * (nodes != 1)}, {len(self.steps)} steps; "
            "show it in Jupyter or call .save('steps.html')>"
        )

    def _story(self) -> dict[str, Any]:
        """The data that the script plays."""
        from .layout import compute_layouts, measure_boxes

        sizes = measure_boxes(self._play)
        return {
            "root": self._play.root.name,
            "nodes": [
                {"kind": node.kind, "name": node.name, "label": node.label, "symbol": node.symbol}
                | {"width": box.width, "height": box.height, "badge": box.badge}
                for node, box in zip(self._play.nodes, sizes)
            ],
            "edges": [[edge.source, edge.target] for edge in self._play.edges],
            "layouts": {
                name: {"width": found.width, "height": found.height, "centres": found.centres, "paths": found.paths}
                for name, found in compute_layouts(self._play).items()
            },
            "steps": [_step_data(step) for step in self.steps],
        }


def step_through(loss: Any, lr: float | None = None) -> StepThrough:
    """A page that plays backpropagation on the graph of `loss`, one step at a time.

    Forward, each node is computed. Backward, each passes its gradient along its edges, with the chain
    rule written out in the numbers at hand. Then, if `lr` is given, each leaf is moved against its
    gradient. The page is one file that needs no network. Its gradients start at 0, whatever those of the
    graph were, and the graph does not change.

    Args:
        loss: the Value to differentiate, a loss or any other, with up to 300 nodes including plain
            numbers. Labels are shown; nodes without a label are called L, v1, v2 ...
        lr: the learning rate. Every leaf Value is moved; use plain numbers for what should stay as it is.

    Returns:
        A StepThrough, which Jupyter shows and `save("steps.html")` writes to a file.

    Raises:
        TypeError: if `loss` is not a Value or `lr` is not a number.
        ValueError: if `lr` is negative, infinite or nan, the graph is too large to play, or its leaves
            were changed after it was computed.

    >>> import autograd as ag
    >>> w, x = ag.Value(2.0, "w"), ag.Value(3.0, "x")
    >>> page = step_through((w * x - 5) ** 2, lr=0.01)
    >>> page
    <StepThrough: 7 nodes, 11 steps; show it in Jupyter or call .save('steps.html')>
    >>> for step in page.steps:
    ...     for line in step.lines:
    ...         print(line)
    w = 2, x = 3
    v1 = w × x = 2 × 3 = 6
    v2 = v1 − 5 = 6 − 5 = 1
    L = v2² = 1² = 1
    ∂L/∂L = 1
    ∂L/∂v2 += ∂L/∂L · 2 · v2 = 1 × 2 = 2
    ∂L/∂v1 += ∂L/∂v2 · 1 = 2 × 1 = 2
    ∂L/∂w += ∂L/∂v1 · x = 2 × 3 = 6
    ∂L/∂x += ∂L/∂v1 · w = 2 × 2 = 4
    w ← w − 0.01 × 6 = 2 − 0.06 = 1.94
    x ← x − 0.01 × 4 = 3 − 0.04 = 2.96
    L: 1 → 0.5512
    """
    return StepThrough(loss, None if lr is None else _learning_rate(lr))


def _learning_rate(lr: Any) -> float:
    import numpy as np

    if isinstance(lr, bool) or not isinstance(lr, (int, float, np.integer, np.floating)):
        raise TypeError(f"step_through(): lr must be a number of 0 or more, such as 0.1, got {describe(lr)}")
    if not 0 <= lr < math.inf:
        raise ValueError(f"step_through(): lr must be a number of 0 or more, such as 0.1, got {lr}")
    return float(lr)


def _read_file(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _step_data(step: Step) -> dict[str, Any]:
    return {
        "phase": step.phase,
        "node": step.node,
        "lines": [[line.left, line.right] for line in step.lines],
        "caption": step.caption,
        "words": step.words,
        "changes": [[node, which, _json_number(x), format_number(x)] for node, which, x in step.changes],
        "edges": step.edges,
        "amounts": [format_number(x) for x in step.amounts],
    }


def _json_number(x: float) -> float | str:
    """x for JSON: a number, which reads back to the bit, or a word if x is not finite."""
    return x if math.isfinite(x) else str(x)


def _to_json(story: dict[str, Any]) -> str:
    """JSON for a script element: in ASCII, without any character that HTML could read as markup."""
    text = json.dumps(story, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _digest(text: str) -> str:
    """A source for a content policy that allows this text only."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
