"""Momentum: how the paper's weights change after each sweep."""

import nn


class Momentum(nn.Optimizer):
    """Equation (9) of the paper, Δw(t) = -ε ∂E/∂w(t) + α Δw(t-1), and then the decay of every weight.

    nn.SGD remembers Δw/ε, while this remembers Δw. With a constant ε the weights are the same. But the paper
    changes ε after 20 sweeps, and then only its own equation gives its weights.

    Args:
        parameters: the weights and biases.
        lr: ε.
        momentum: α.
        decay: the fraction of itself that each weight loses after each change.
    """

    def __init__(self, parameters, lr, momentum, decay=0.0):
        super().__init__(parameters, lr=lr, momentum=momentum, decay=decay)

    def update(self, group, data, grad):
        options = group.options
        change = -options["lr"] * grad + options["momentum"] * group.remember("change")
        group.state["change"] = change
        return (1 - options["decay"]) * (data + change)
