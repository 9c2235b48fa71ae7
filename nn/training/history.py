"""History: the losses and metrics of a training run, epoch by epoch, with export and plot."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from autograd.installation import require


@dataclass(repr=False)
class History:
    """What `fit` measured: one entry for each epoch in each list.

    Attributes:
        loss: the mean loss over the training examples, each computed before the step it was part of.
        validation_loss: the mean loss over the validation examples after the epoch; empty if there are none.
        metric: the metric over the validation examples after the epoch, or over the training examples
            if there are none; empty without a metric.
        lr: the learning rate (of the optimizer's first group); nan if the optimizer has none.
        seconds: how long the epoch took, including validation.
        metric_name: the name of the metric.
        interrupted: whether Ctrl-C ended the training.
        stopped: whether a callback ended it.

    >>> history = History(loss=[0.5, 0.25], lr=[0.1, 0.1], seconds=[1.0, 1.0])
    >>> history
    History(2 epochs: loss 0.25, lr 0.1, 2.0 s)
    >>> history.to_dict()
    {'epoch': [1, 2], 'loss': [0.5, 0.25], 'lr': [0.1, 0.1], 'seconds': [1.0, 1.0]}
    """

    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    metric: list[float] = field(default_factory=list)
    lr: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    metric_name: str = "metric"
    interrupted: bool = False
    stopped: bool = False

    def __len__(self) -> int:
        """How many epochs are finished."""
        return len(self.loss)

    def to_dict(self) -> dict[str, list[float]]:
        """Columns of equal length by name, as for a pandas DataFrame, without what was not measured."""
        columns: dict[str, list[Any]] = {
            "epoch": list(range(1, len(self) + 1)),
            "loss": self.loss,
            "validation_loss": self.validation_loss,
            self.metric_name: self.metric,
            "lr": self.lr,
            "seconds": self.seconds,
        }
        return {name: list(column) for name, column in columns.items() if len(column) == len(self)}

    def plot(self) -> Any:
        """Draw the losses, and the metric if there is one, over the epochs. Needs matplotlib.

        Returns:
            The matplotlib Figure, which a notebook shows; history.plot().savefig("history.png") saves it.

        Raises:
            ValueError: if no epoch is finished.
            ModuleNotFoundError: without matplotlib.
        """
        if not len(self):
            raise ValueError("there is nothing to plot, because no epoch is finished. Train for at least one epoch")
        plt = import_pyplot()
        panels = 1 + bool(self.metric)
        figure, axes = plt.subplots(1, panels, figsize=(4.8 * panels, 3.6), layout="constrained", squeeze=False)
        epochs = range(1, len(self) + 1)
        marker = {"marker": "o", "markersize": 4} if len(self) <= 20 else {}
        losses = axes[0, 0]
        losses.plot(epochs, self.loss, color="#2166ac", label="training", **marker)
        if self.validation_loss:
            losses.plot(epochs, self.validation_loss, color="#b2182b", label="validation", **marker)
            losses.legend()
        if min(self.loss + self.validation_loss) > 0:
            losses.set_yscale("log")
        losses.set(title="loss", xlabel="epoch")
        if self.metric:
            over = "validation" if self.validation_loss else "training"
            colour = "#b2182b" if self.validation_loss else "#2166ac"
            axes[0, 1].plot(epochs, self.metric, color=colour, **marker)
            axes[0, 1].set(title=f"{self.metric_name} ({over})", xlabel="epoch")
            if self.metric_name == "accuracy":
                axes[0, 1].yaxis.set_major_formatter("{x:.0%}")
        for panel in axes[0]:
            panel.grid(alpha=0.3)
            panel.xaxis.get_major_locator().set_params(integer=True)
        plt.close(figure)  # otherwise a notebook would show it twice, and pyplot would keep it for ever
        return figure

    def __repr__(self) -> str:
        facts = [f"{len(self)} epoch" + "s" * (len(self) != 1)]
        if len(self):
            latest = [f"loss {self.loss[-1]:.4g}"]
            latest += [f"validation loss {self.validation_loss[-1]:.4g}"] if self.validation_loss else []
            latest += [f"{self.metric_name} {format_metric(self.metric_name, self.metric[-1])}"] if self.metric else []
            facts[0] += ": " + ", ".join([*latest, f"lr {self.lr[-1]:.4g}", f"{sum(self.seconds):.1f} s"])
        facts += ["stopped by a callback"] if self.stopped else []
        facts += [f"interrupted in epoch {len(self) + 1}"] if self.interrupted else []
        return f"History({'; '.join(facts)})"


def import_pyplot() -> Any:
    """matplotlib.pyplot, which also lets notebooks show figures; ModuleNotFoundError, with what to do, without it."""
    return require("matplotlib.pyplot", "a plot")


def format_metric(metric: str, x: float) -> str:
    """The number of a metric as text."""
    return f"{x:.1%}" if metric == "accuracy" else f"{x:.4g}"
