"""Bar: the progress of fit in one line, drawn by tqdm. There is no bar if nobody is watching."""

from __future__ import annotations

import sys
import time
from typing import Any

from autograd.installation import find_problem, require

from .history import History, format_metric

INTERVAL = 0.1  # seconds between two drawings of the line, because a step may take only microseconds


class Bar:
    """The progress of the steps of a training run: epoch, time left, loss, metric, learning rate.

    Args:
        show: whether to show the bar; None shows it where somebody may be watching: in a terminal and in a notebook.
        first, epochs: the first epoch of this run, and the last.
        steps: how many steps an epoch has.
        history: where it reads the latest losses and metric.
    """

    def __init__(self, show: bool | None, first: int, epochs: int, steps: int, history: History) -> None:
        self._bar: Any = None
        self._epochs, self._history = epochs, history
        self._waiting, self._next = 0, 0.0
        notebook = "ipykernel" in sys.modules and type(sys.stdout).__module__.startswith("ipykernel")
        watched = notebook or (sys.stdout is not None and sys.stdout.isatty())
        if show or (show is None and watched and not find_problem("tqdm")):
            tqdm = require("tqdm", "the progress bar of nn.fit")  # imported only when a bar is drawn
            self._bar = tqdm.tqdm(
                desc=f"epoch {first}/{epochs}",
                total=(epochs - first + 1) * steps,
                file=_Cell() if notebook else sys.stdout,
                ncols=100 if notebook else None,
                dynamic_ncols=not notebook,
                mininterval=0.0,
                miniters=1,  # INTERVAL decides how often the line is drawn
                bar_format="{desc} |{bar}| {elapsed}<{remaining}{postfix}",  # usually fits into 80 columns
            )

    def epoch(self, epoch: int) -> None:
        """Show that an epoch begins."""
        if self._bar is not None:
            self._bar.set_description_str(f"epoch {epoch}/{self._epochs}", refresh=False)

    def step(self, loss: float, lr: float) -> None:
        """Count a step."""
        if self._bar is not None:
            self._waiting += 1
            now = time.perf_counter()
            if now >= self._next:
                self._next = now + INTERVAL
                self._draw(loss, lr)

    def _draw(self, loss: float, lr: float) -> None:
        history = self._history
        facts = [f"loss {history.loss[-1] if history.loss else loss:.3g}"]
        if history.validation_loss:
            facts.append(f"val {history.validation_loss[-1]:.3g}")
        if history.metric:
            facts.append(f"{history.metric_name} {format_metric(history.metric_name, history.metric[-1])}")
        self._bar.set_postfix_str(" ".join([*facts, f"lr {lr:.3g}"]), refresh=False)
        self._bar.update(self._waiting)
        self._waiting = 0

    def close(self) -> None:
        """Draw the line for the last time; it stays."""
        if self._bar is not None:
            if self._history.interrupted:
                self._bar.set_description_str("interrupted: " + self._bar.desc, refresh=False)
            if self._history.loss:
                self._draw(self._history.loss[-1], self._history.lr[-1])
            self._bar.close()
            self._bar = None


class _Cell:
    """A file whose last line a notebook shows, always in the same place.

    It needs no ipywidgets, and a saved notebook has the last line only.
    """

    encoding = "utf-8"  # the bar may use block characters

    def __init__(self) -> None:
        from IPython.display import display  # only called in a notebook

        self._handle: Any = display({"text/plain": ""}, raw=True, display_id=True)  # type: ignore[no-untyped-call]

    def write(self, text: str) -> None:
        line = text.strip("\r\n")
        if line:
            self._handle.update({"text/plain": line.rstrip()}, raw=True)

    def flush(self) -> None:
        """Nothing is buffered."""
