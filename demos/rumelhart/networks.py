"""How a network's weights start, what it answers, and its weights as an array."""

import numpy as np

import autograd as ag


def draw_weights(model, size, rng):
    """Draw all weights between -size and size, biases too: they are weights on an input that is always 1."""
    for p in model.parameters():
        p.data = rng.uniform(-size, size)


_answer = ag.jit(lambda model, x: model(x), in_axes=(None, 0))


def answers(model, X):
    """The outputs for each row of X: an array with a row for each, or with a number for each if there is one unit."""
    return np.stack(_answer(model, X), axis=-1)


def weights(layer):
    """The weights into a layer, a row for each of its units, without the biases."""
    return np.array([[w.data for w in neuron.w] for neuron in layer.neurons])
