"""The paper's learning procedure: how weights start, how they change after each sweep, and what a network answers."""

import numpy as np

import autograd as ag
import nn


class Momentum(nn.Optimizer):
    """Equation (9) of the paper, Δw(t) = -ε ∂E/∂w(t) + α Δw(t-1), and then the decay of every weight.

    nn.SGD remembers Δw/ε where this remembers Δw. As long as ε stays the same, so do the weights; but the
    paper changes ε after 20 sweeps, and there its own equation is meant.

    Args:
        parameters: the weights and biases.
        lr: ε.
        momentum: α.
        decay: the share of itself that each weight loses after each change.
    """

    def __init__(self, parameters, lr, momentum, decay=0.0):
        super().__init__(parameters, lr=lr, momentum=momentum, decay=decay)

    def update(self, group, data, grad):
        options = group.options
        change = -options["lr"] * grad + options["momentum"] * group.remember("change")
        group.state["change"] = change
        return (1 - options["decay"]) * (data + change)


def draw_weights(model, size, rng):
    """Start all weights between -size and size; a bias is one of them, on an input that is always 1."""
    for p in model.parameters():
        p.data = rng.uniform(-size, size)


_answer = ag.jit(lambda model, x: model(x), in_axes=(None, 0))


def answers(model, X):
    """The outputs for each row of X: an array with a row for each, or, of one output unit, a number for each."""
    return np.stack(_answer(model, X), axis=-1)


def weights(layer):
    """The weights into a layer, a row for each of its units, without the biases."""
    return np.array([[w.data for w in neuron.w] for neuron in layer.neurons])
