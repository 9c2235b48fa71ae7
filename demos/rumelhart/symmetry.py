"""The first experiment: a network with two hidden units learns which of 64 patterns are symmetric.

Six inputs are 0 or 1. The output should be 1 if the three on the right mirror the three on the left,
and 0 otherwise. A single input says nothing about that, so the hidden units have to find it.
"""

from itertools import product

import numpy as np

import nn

from .momentum import Momentum
from .networks import answers, draw_weights, weights

PATTERNS = np.array(list(product([0.0, 1.0], repeat=6)))
SYMMETRIC = np.all(PATTERNS[:, ::-1] == PATTERNS, axis=1).astype(float)  # 8 of the 64

EPSILON, ALPHA, SIZE = 0.1, 0.9, 0.3  # the paper's
CHECK_EVERY = 25  # sweeps


def error(y, d):
    """A pattern's part of E, equation (3): a compiled step takes the mean over the patterns, but E is their sum."""
    return len(PATTERNS) * 0.5 * (y - d) ** 2


def draw_network(seed, biases=True):
    """A 6-2-1 network of logistic units with its first weights; without `biases`, the biases start at 0."""
    model = nn.MLP(6, [2, 1], activation="sigmoid", output="sigmoid")
    draw_weights(model, SIZE, np.random.default_rng(seed))
    if not biases:
        for layer in model.layers:
            for neuron in layer.neurons:
                neuron.b.data = 0.0
    return model


def train(model, most=20_000):
    """Sweep until every answer is within 0.2 of the right one; return the number of sweeps, or None if that fails."""
    optimizer = Momentum(model.parameters(), lr=EPSILON, momentum=ALPHA)
    step = nn.compile_step(model, error, optimizer)
    for sweeps in range(CHECK_EVERY, most + 1, CHECK_EVERY):
        with step:
            for _ in range(CHECK_EVERY):
                step(PATTERNS, SYMMETRIC)
        if np.all(np.abs(answers(model, PATTERNS) - SYMMETRIC) < 0.2):
            return sweeps
    return None


def count_right(model):
    """How many of the 64 answers are on the right side of a half."""
    return int(np.sum((answers(model, PATTERNS) > 0.5) == SYMMETRIC))


def pattern(model):
    """The pattern in the weights: "1:2:4", which the paper found, "2:3:4" or "none".

    The first two mean that each hidden unit's weights are equal and opposite across the middle, that one
    unit's weights are the other's with opposite signs (to 5 % of the unit's largest weight), that the hidden
    units have negative biases and suppress an output with a positive one, and that the sizes on one side
    are in these ratios, in any order, to 10 %.
    """
    hidden, output = model.layers
    w = weights(hidden)
    w = w / np.abs(w).max(axis=1, keepdims=True)
    mirrored = np.allclose(w, -w[:, ::-1], rtol=0, atol=0.05) and np.allclose(w[0], -w[1], rtol=0, atol=0.05)
    off_unless_needed = all(neuron.b < 0 for neuron in hidden.neurons)
    suppressed = output.neurons[0].b > 0 and np.all(weights(output) < 0)
    if mirrored and off_unless_needed and suppressed:
        sizes = np.sort(np.abs(w[:, :3]).mean(axis=0))
        for name, ratios in (("1:2:4", [1, 2, 4]), ("2:3:4", [2, 3, 4])):
            if np.allclose(4 * sizes / sizes[2], ratios, rtol=0.1, atol=0):
                return name
    return "none"
