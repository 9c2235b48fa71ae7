"""Drawing: a picture described in DOT, rendered and saved in the formats that its engine supports."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Literal

from ..files import require_directory, write_whole
from ..primitive import describe
from ..user_line import warn

Engine = Literal["pure", "system"]

SECONDS = 10  # the longest time a layout may take

_FORMATS = {".svg": "svg", ".png": "png", ".pdf": "pdf", ".dot": "dot", ".gv": "dot"}


class Drawing:
    """A picture made by ag.draw or nn.draw, which Jupyter shows and `save("graph.svg")` writes to a file.

    It shows the numbers as they were when it was made. Later changes to the graph do not change it.

    Args:
        source: the picture in DOT, the language of Graphviz.
        engine: "pure" renders with graphviz-pure, which is installed with autograd. If it is missing, it
            renders as "system" does, with a warning. "system" renders with the `dot` of Graphviz on PATH.
        note: what the picture leaves out, if anything.
        advice: what to do if the picture takes longer than ten seconds.

    Attributes:
        source: the DOT.
        note: what the picture leaves out; "" if nothing.

    Raises:
        ValueError: if the engine is unknown.
        FileNotFoundError: if the engine is not installed.
    """

    def __init__(self, source: str, *, engine: Engine = "pure", note: str = "", advice: str = "") -> None:
        if engine not in ("pure", "system"):
            raise ValueError(f"engine must be 'pure' or 'system', got {engine!r}")
        self.source = source
        self.note = note
        self._advice = advice
        self._engine, self._command = _renderer(engine)
        self._svg = ""

    def svg(self) -> str:
        """The picture as SVG, on a transparent background.

        Raises:
            TimeoutError: if the layout takes longer than ten seconds; the message says what helps.
        """
        if not self._svg:
            self._svg = _tidy(self.render("svg").decode())
        return self._svg

    def png(self, scale: float = 2.0) -> bytes:
        """The picture as PNG, on a transparent background.

        graphviz-pure brings fonts for Latin, Greek, Cyrillic and Hebrew letters and the usual signs.
        Other characters (emoji, Arabic, Chinese) appear as empty frames. SVG shows everything, and so does
        engine="system".

        Args:
            scale: the size of the PNG in pixels, relative to that of the SVG.

        Raises:
            ValueError: if scale is not positive.
            TimeoutError: as for svg().
        """
        if not scale > 0:
            raise ValueError(f"scale must be a positive number, got {scale!r}")
        return self.render("png", f"-Gdpi={96 * scale:g}")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture to a file: .svg, .png, .dot or .gv, and with engine="system" .pdf.

        The file is written whole or not at all, so that no reader finds half of it.

        Raises:
            ValueError: if the extension is another one, or .pdf without engine="system".
            OSError: if the file cannot be written there.
            TimeoutError: as for svg().
        """
        if not isinstance(path, (str, os.PathLike)):
            raise TypeError(f"path must be the path of a file, such as 'graph.svg', got {describe(path)}")
        target = Path(path)
        form = _FORMATS.get(target.suffix.lower())
        if form is None:
            raise ValueError(f"path must end in one of {', '.join(_FORMATS)}, got {str(target)!r}")
        if form == "pdf" and self._engine == "pure":
            raise ValueError("graphviz-pure cannot write PDF. Draw with engine='system', or save as .svg or .png")
        require_directory(target)
        if form == "svg":
            content = self.svg().encode()
        elif form == "dot":
            content = self.source.encode()
        else:
            content = self.png() if form == "png" else self.render(form)
        write_whole(target, content)

    def render(self, form: str, *options: str) -> bytes:
        """The picture in a format of Graphviz's (its -T option), made with these further options.

        Raises:
            TimeoutError: as for svg().
        """
        try:
            done = subprocess.run(
                [self._command, f"-T{form}", *options], input=self.source.encode(), capture_output=True, timeout=SECONDS
            )
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"the layout takes more than {SECONDS} seconds. {self._advice}".rstrip()) from None
        if done.returncode != 0 or not done.stdout:
            message = done.stderr.decode(errors="replace").strip()
            raise RuntimeError(f"{self._command} failed with exit code {done.returncode}: {message}")
        return done.stdout

    def _repr_svg_(self) -> str:
        return self.svg()

    def __repr__(self) -> str:
        return f"<Drawing{': ' + self.note if self.note else ''}; show it in Jupyter or call .save('graph.svg')>"


def _renderer(engine: Engine) -> tuple[Engine, str]:
    """The engine to draw with and the path of its program: where graphviz-pure is missing, the system's dot."""
    if engine == "system":
        return engine, _system_command()
    command = _pure_command()
    if command is not None:
        return engine, command
    command = shutil.which("dot")
    if command is None:
        raise FileNotFoundError(
            "graphviz-pure, which renders drawings, is not installed: run 'pip install graphviz-pure', "
            "or install Graphviz (apt install graphviz, brew install graphviz), whose 'dot' is then used"
        )
    warn(f"graphviz-pure is not installed, so {command} renders drawings; they may look a little different")
    return "system", command


def _pure_command() -> str | None:
    """The path of graphviz-pure's program, which its wheel brings as a script; None if it is not installed."""
    from importlib import metadata

    try:
        installed = metadata.distribution("graphviz-pure")
    except metadata.PackageNotFoundError:
        return shutil.which("graphviz-pure")
    # Where its record has it and, after `pip install --target DIR`, in DIR/bin.
    recorded = [str(file) for file in installed.files or [] if file.stem == "graphviz-pure"]
    for name in [*recorded, "bin/graphviz-pure", "bin/graphviz-pure.exe"]:
        path = Path(str(installed.locate_file(name)))
        if path.is_file():
            return str(path.resolve())
    return shutil.which("graphviz-pure")


def _system_command() -> str:
    found = shutil.which("dot")
    if found is None:
        raise FileNotFoundError(
            "engine='system' renders with the 'dot' of Graphviz, and there is none on PATH: install Graphviz "
            "(apt install graphviz, brew install graphviz), or leave engine='pure', which needs nothing"
        )
    return found


def _tidy(svg: str) -> str:
    """The svg element alone, without the node names of the DOT, which browsers would show as tooltips."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<!--.*?-->\n?", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<title>[^<]*</title>\n?", "", svg)
    return svg.replace("<svg ", '<svg role="img" ', 1)
