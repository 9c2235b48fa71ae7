"""StepThrough: the page of step_through(), one HTML file that plays a graph forward and backward, step by step."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import os
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from ..files import require_directory, write_whole
from ..primitive import describe
from .notation import format_number
from .steps import Step, play

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


def _read_file(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")  # also inside a zip file


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
