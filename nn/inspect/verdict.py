"""What the sizes of activations and gradients say about a network, in the words that gradient_flow prints."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["healthy", "vanishing", "exploding", "dead ReLUs", "no gradient", "not finite"]
Finding = tuple[Verdict, str]

SPAN = 1e3  # if the gradients of first and last layer differ by this factor, no learning rate suits both
OFF = 0.9  # if this fraction of a layer's outputs is 0 for all examples, it counts as dead
UNDERFLOW = 1e-200  # a gradient below this may become an exact 0 by rounding, which does not mean that it is cut off


@dataclass(frozen=True)
class LayerFlow:
    """The figures of one layer, with the normalisation, activation and dropout after it, or of one Residual.

    Attributes:
        layer: its path in the model.
        activation: "relu", "sigmoid", "tanh" or another primitive that declares `steepest`, whichever it uses most,
            or "" if it uses none of them.
        activation_mean: the mean of its outputs.
        activation_std: how much an output differs between examples, a root mean square over the outputs.
        idle: the fraction of the results of such activations where the slope is below 4 % of the steepest: relu at 0,
            sigmoid below 0.01 or above 0.99, tanh beyond ±0.98; nan if it uses none.
        off: the fraction of its outputs that are exactly 0 for every example.
        gradient: the root mean square derivative of an example's loss with respect to the layer's outputs.
        weight_gradient: that of the mean loss with respect to the layer's parameters; nan without parameters.
        weight: the root mean square of the parameters; nan without parameters.
    """

    layer: str
    activation: str
    activation_mean: float
    activation_std: float
    idle: float
    off: float
    gradient: float
    weight_gradient: float
    weight: float

    @property
    def relative_gradient(self) -> float:
        """weight_gradient / weight. Times the learning rate, it is the fraction of the weights that SGD changes.

        That fraction should be about 1e-3 (A. Karpathy, CS231n, Neural networks part 3).
        """
        return self.weight_gradient / self.weight if self.weight else math.nan


def judge(layers: Sequence[LayerFlow]) -> Finding:
    """The verdict on layers in the order of execution, with the reason and what helps in a sentence or two."""
    for check in (_not_finite, _no_gradient, _dead, _cut, _vanishing, _exploding):
        finding = check(layers)
        if finding is not None:
            return finding
    return "healthy", _healthy(layers)


def _not_finite(layers: Sequence[LayerFlow]) -> Finding | None:
    for row in layers:
        if not math.isfinite(row.activation_mean) or not math.isfinite(row.activation_std):
            return "not finite", (
                f"outputs of {row.layer} are nan or infinite, the first in the model. Look for such numbers in the "
                "examples and its parameters. Smaller initial weights or a smaller learning rate prevent an "
                "overflow, and ag.detect_anomaly() names the operation."
            )
    for row in reversed(layers):
        gradients = [row.gradient] + ([] if math.isnan(row.weight) else [row.weight_gradient])
        if not all(map(math.isfinite, gradients)):
            return "not finite", (
                f"the gradient becomes nan or infinite at {row.layer}, on its way back from the loss. "
                "ag.detect_anomaly() names the operation. A loss on logits avoids the logarithm of 0."
            )
    return None


def _no_gradient(layers: Sequence[LayerFlow]) -> Finding | None:
    if layers[-1].gradient != 0.0:
        return None
    return "no gradient", (
        f"the loss passes exactly 0 back to {layers[-1].layer}. Either it is flat here, as nn.hinge is when all "
        "examples are right by the margin and there is nothing to learn from them, or it does not use the outputs."
    )


def _dead(layers: Sequence[LayerFlow]) -> Finding | None:
    for row in layers:  # forward: layers after a dead one may be off only because their inputs are 0
        if row.activation == "relu" and min(row.off, row.idle) >= OFF and row.weight > 0.0:
            return "dead ReLUs", f"{row.off:.0%} of the outputs of {row.layer} are 0 for every example{_REVIVE}"
    return None


def _cut(layers: Sequence[LayerFlow]) -> Finding | None:
    """Where the gradient stops suddenly, instead of fading away."""
    after = layers[-1].gradient
    for row, before in zip(reversed(layers), [*reversed(layers[:-1]), None]):
        if row.weight == 0.0 and before is not None and before.gradient == 0.0:
            return "vanishing", (
                f"all parameters of {row.layer} are 0, so it passes no gradient to the layers before it. "
                "Draw its weights at random, as nn.init does."
            )
        if row.weight_gradient == 0.0 and max(after, row.gradient) > UNDERFLOW:
            if row.activation == "relu":
                return "dead ReLUs", f"the ReLUs of {row.layer} are off for every example{_REVIVE}"
            if not row.idle > OFF:
                return "no gradient", (
                    f"all parameters of {row.layer} have a gradient of exactly 0, although what follows has one: "
                    "there is a detach(), or outputs that the loss does not use, or a function that is flat here."
                )
        after = row.gradient
    return None


_REVIVE = (
    ": they pass no gradient back, and cannot come back to life. "
    "Start again with biases of 0 and Kaiming weights, and with a smaller learning rate if training killed them. "
    'leaky_relu has a slope everywhere; with norm="layer" some units are on for each example.'
)


def _vanishing(layers: Sequence[LayerFlow]) -> Finding | None:
    first, last = layers[0], layers[-1]
    if not first.gradient < last.gradient / SPAN:
        return None
    hidden = layers[:-1]
    reason = "each layer multiplies it by weights that are too small"
    if sum(row.activation == "sigmoid" for row in hidden) > len(hidden) / 2:
        reason = "each layer multiplies it by the slope of a sigmoid, 1/4 at most"
    elif sum(row.activation != "relu" and row.idle > 0.5 for row in hidden) > len(hidden) / 2:
        reason = "most activations are saturated, where their slope is almost 0: the weights are too large"
    return "vanishing", (
        f"{_path(layers)}: the first layers hardly learn, because {reason}. What helps: an initialisation that keeps "
        'the size of the gradient, relu in place of sigmoid, norm="batch", residual=True.'
    )


def _exploding(layers: Sequence[LayerFlow]) -> Finding | None:
    first, last = layers[0], layers[-1]
    if first.gradient > last.gradient * SPAN:
        return "exploding", (
            f"{_path(layers)}: a step that suits the last layers is far too large for the first. What helps: smaller "
            "initial weights, as nn.init draws them, normalisation, and for single large steps nn.clip_grad_norm."
        )
    largest = max(layers, key=lambda row: row.weight_gradient if row.weight_gradient > 0 else 0.0)
    if largest.weight_gradient > SPAN:
        return "exploding", (
            f"the gradient with respect to the parameters of {largest.layer} is {largest.weight_gradient:.1e}, so a "
            f"single step replaces the weights. With respect to the outputs of layers, {_path(layers)}. What helps: "
            "inputs and targets scaled to a size of about 1, smaller initial weights, normalisation, nn.clip_grad_norm."
        )
    return None


def _healthy(layers: Sequence[LayerFlow]) -> str:
    sentence = f"{_path(layers)}."
    off = max(layers, key=lambda row: row.off)
    if off.activation == "relu" and off.off >= 0.5:
        sentence += f" In {off.layer} {off.off:.0%} of the units are 0 for every example."
    return sentence


def _path(layers: Sequence[LayerFlow]) -> str:
    """How the gradient changes from the last layer to the first, in words."""
    first, last = layers[0], layers[-1]
    if len(layers) == 1:
        return f"the gradient is {last.gradient:.1e} at {last.layer}"
    sizes = f"from {last.gradient:.1e} at {last.layer} to {first.gradient:.1e} at {first.layer}"
    if first.gradient == 0.0:
        return f"the gradient falls {sizes}"
    rate = math.exp((math.log(first.gradient) - math.log(last.gradient)) / (len(layers) - 1))
    return f"the gradient goes {sizes}, times {rate:.2g} for each layer"
