"""gradient_flow: the size of activations and gradients, layer by layer, and in words whether the model can learn."""

from __future__ import annotations

import copy
import math
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

import autograd as ag
from autograd import Value
from autograd.chain import local_derivatives, topological_order
from autograd.lost import Guard
from autograd.primitive import describe

from ..attributes import list_in_order
from ..checks import check_module, refuse_masked
from ..metrics import check_loss
from ..module import Module
from ..training.history import import_pyplot
from .blocks import Block, watch
from .verdict import LayerFlow, Verdict, judge

FLAT = 0.0396  # an activation is flat where its slope is below this fraction of its steepest: tanh beyond ±0.98


@dataclass(frozen=True, repr=False)
class GradientFlow:
    """What gradient_flow measured: printed as a table, drawn by plot(), and as columns by to_dict().

    The table has a line for each LayerFlow: activation_mean ± activation_std, idle, gradient,
    weight_gradient and relative_gradient, as described there.

    Attributes:
        layers: a LayerFlow for each layer, in the order of execution.
        verdict: "healthy", "vanishing", "exploding", "dead ReLUs", "no gradient" or "not finite".
        explanation: why, and what helps, in a sentence or two.
    """

    layers: tuple[LayerFlow, ...]
    verdict: Verdict
    explanation: str

    def to_dict(self) -> dict[str, list[Any]]:
        """Columns of equal length by name, as for a pandas DataFrame."""
        rows = [{**asdict(row), "relative_gradient": row.relative_gradient} for row in self.layers]
        return {name: [row[name] for row in rows] for name in rows[0]}

    def __repr__(self) -> str:
        head = ["layer", "activation", "idle", "gradient", "of weights", "/ weights"]
        lines = [head] + [
            [
                row.layer,
                f"{row.activation_mean:.2g} ± {row.activation_std:.2g}",
                f"{row.idle:.0%}" if row.idle == row.idle else "–",
                *[f"{x:.1e}" if x == x else "–" for x in (row.gradient, row.weight_gradient, row.relative_gradient)],
            ]
            for row in self.layers
        ]
        widths = [max(map(len, column)) for column in zip(*lines)]
        table = ["  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]) for line in lines]
        return "\n".join([*table, *textwrap.wrap(f"{self.verdict}: {self.explanation}", 100)])

    def plot(self) -> Any:
        """Draw gradients and activations through the depth of the model. Needs matplotlib.

        Returns:
            The matplotlib Figure; flow.plot().savefig("flow.png") saves it.

        Raises:
            ModuleNotFoundError: without matplotlib.
        """
        plt = import_pyplot()
        figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
        depth = range(1, len(self.layers) + 1)
        columns = self.to_dict()
        for name, label, style in (
            ("gradient", "with respect to the layer's outputs", {"marker": "o", "color": "#2166ac"}),
            ("weight_gradient", "with respect to its weights", {"marker": "s", "color": "#b2182b", "linestyle": "--"}),
        ):
            shown = [x if 0 < x < math.inf else math.nan for x in columns[name]]
            axes[0].plot(depth, shown, label=label, markersize=4, **style)
        broken = [k for k, x in zip(depth, columns["gradient"]) if not 0 < x < math.inf]
        if broken:  # a logarithmic scale has no place for them
            across = axes[0].get_xaxis_transform()
            label = "0, nan or infinite"
            axes[0].plot(broken, [0.02] * len(broken), "x", color="black", transform=across, label=label)
        axes[0].set(title=f"gradients: {self.verdict}", ylabel="root mean square", yscale="log")
        axes[0].legend()
        mean, std = np.array(columns["activation_mean"]), np.array(columns["activation_std"])
        axes[1].plot(depth, mean, color="#333333", marker="o", markersize=4, label="mean")
        axes[1].fill_between(
            depth, mean - std, mean + std, color="#999999", alpha=0.4, label="± standard deviation over examples"
        )
        axes[1].set(title="activations", ylabel="output of the layer")
        axes[1].legend()
        for panel in axes:
            panel.set(xlabel="layer (the input side is left)")
            panel.grid(alpha=0.3)
            panel.xaxis.get_major_locator().set_params(integer=True)
        plt.close(figure)  # as in History.plot
        return figure


def gradient_flow(model: Module, X: Iterable[Any], y: Iterable[Any], loss: Callable[[Any, Any], Any]) -> GradientFlow:
    """Measure activations and gradients through the depth of a model, and say whether they vanish or explode.

    A copy of the model computes the outputs for all examples (with dropout and batch normalisation in
    the model's mode) and the gradient of the mean loss, without compiling. A few dozen examples are
    enough. The model, its gradients, running statistics and random generators stay as they are.

    The verdict compares the gradients with respect to the outputs of the first layer and of the last. The first is
    the last times one factor for each layer (for a sigmoid at most 1/4 times the size of the weights), so it
    falls or grows geometrically with depth (Y. Bengio, P. Simard, P. Frasconi 1994; X. Glorot, Y. Bengio
    2010). The verdict is the first of these that applies:

    - "not finite" if an activation or a gradient is nan or infinite;
    - "no gradient" if the loss passes exactly 0 back to the last layer;
    - "dead ReLUs" if 90 % of a layer's outputs are exactly 0 for every example, or if all its parameters have a
      gradient of exactly 0 while the layers around it do not. ReLUs that are off for all examples
      pass nothing back, and so stay off (L. Lu and others, arXiv:1903.06733). But a deep ReLU network learns
      even if half of its units are off for all of a few examples;
    - "vanishing" if the first layer's gradient is below a thousandth of the last layer's: a learning rate that
      suits one layer then changes the other a thousand times too slowly or too fast;
    - "exploding" if it is above a thousand times the last layer's, for the same reason, or if the gradient with
      respect to a layer's parameters is above 1000, where even a learning rate of 0.001 replaces weights of size 1
      in a single step (R. Pascanu, T. Mikolov, Y. Bengio, arXiv:1211.5063, who clip such gradients);
    - "healthy" otherwise.

    Args:
        model: the model. All examples are passed to `model.batch`.
        X: a few examples.
        y: their targets.
        loss: a function of the model's output and the target of one example, such as nn.mse.

    Returns:
        A GradientFlow. A layer's row includes the Modules that follow it, such as normalisation, activation and
        dropout (see `follows` of Module). Neurons side by side are one row, and so is a Residual with everything
        inside it (see `is_one_block`). A Module that is called several times for an example has one row for all calls.

    Raises:
        TypeError: if the model is not a Module, or the loss does not return a Value.
        ValueError: if there are no examples, or if the numbers of examples and targets differ.

    >>> import nn
    >>> X, y = [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [1.0, -1.0, 1.0]
    >>> flow = gradient_flow(nn.MLP(2, [8] * 12 + [1], activation="sigmoid", seed=0), X, y, nn.mse)
    >>> flow.verdict
    'vanishing'
    >>> flow.layers[0].gradient / flow.layers[-1].gradient < 1e-6
    True
    >>> gradient_flow(nn.MLP(2, [8] * 12 + [1], activation="tanh", seed=0), X, y, nn.mse).verdict
    'healthy'
    """
    check_module(model, "gradient_flow(model, X, y, loss)")
    check_loss(loss, "gradient_flow")
    for name, given in (("X", X), ("y", y)):
        if not isinstance(given, Iterable):
            raise TypeError(f"gradient_flow: {name} must be a list or array of examples, got {describe(given)}")
        refuse_masked(given, f"gradient_flow: {name}")
    xs, targets = list_in_order(X, "gradient_flow: X"), list_in_order(y, "gradient_flow: y")
    if not xs or len(xs) != len(targets):
        raise ValueError(
            f"X and y must have the same number of examples, at least one, got {len(xs)} and {len(targets)}"
        )
    twin = copy.deepcopy(model)
    with Guard("gradient_flow:", (), twin.parameters()):
        outputs, blocks = watch(twin, xs)
        total = ag.mean([loss(output, target) for output, target in zip(outputs, targets)])
    if not isinstance(total, Value):
        raise TypeError(f"gradient_flow: the loss must return a Value, got {describe(total)}")
    total.backward()
    saturating = [node for node in topological_order(total) if node.op is not None and node.op.steepest]
    layers = tuple([_measure(block, saturating, len(xs)) for block in blocks])
    return GradientFlow(layers, *judge(layers))


def _measure(block: Block, saturating: Sequence[Value], examples: int) -> LayerFlow:
    """The figures of one layer, after backward()."""
    results = [x for row in block.outputs for x in row]
    units = [[float(x) for x in unit] for unit in zip(*block.outputs)]
    with np.errstate(invalid="ignore", over="ignore"):
        mean = float(np.mean([float(x) for x in results]))
        std = _rms([float(np.std(unit)) for unit in units])
    inside = set(block.results)
    used = [node for node in saturating if node in inside or node.args[0] in inside]  # or one after the layer
    kinds = Counter(str(node.op) for node in used).most_common(1)
    return LayerFlow(
        layer=block.path,
        activation=kinds[0][0] if kinds else "",
        activation_mean=mean,
        activation_std=std,
        idle=float(np.mean([_is_flat(node) for node in used])) if used else math.nan,
        off=float(np.mean([not any(unit) for unit in units])),
        gradient=_rms([x.grad * examples if isinstance(x, Value) else 0.0 for x in results]),
        weight_gradient=_rms([p.grad for p in block.parameters]),
        weight=_rms([p.data for p in block.parameters]),
    )


def _is_flat(node: Value) -> bool:
    """Whether the slope of an activation is 0, or hardly more, where its result is this node."""
    assert node.op is not None
    ((_, slope),) = local_derivatives(node, with_untaken=True)
    return not abs(slope) >= FLAT * (node.op.steepest or 0.0)


def _rms(numbers: Sequence[float]) -> float:
    """Their root mean square, nan if there are none. It neither overflows nor underflows."""
    return math.hypot(*numbers) / math.sqrt(len(numbers)) if numbers else math.nan
