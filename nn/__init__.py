"""nn: neurons, layers and networks of autograd Values, losses, and optimizers to train them.

>>> import nn
>>> model = nn.MLP(2, [4, 1], activation="tanh", seed=0)
>>> optimizer = nn.SGD(model.parameters(), lr=0.1)
>>> X, y = [(0, 0), (0, 1), (1, 0), (1, 1)], [0, 1, 1, 0]
>>> for step in range(500):
...     loss = nn.binary_cross_entropy_with_logits([model(x) for x in X], y)
...     optimizer.zero_grad()
...     loss.backward()
...     optimizer.step()
>>> [int(model(x) > 0) for x in X]
[0, 1, 1, 0]
"""

from . import init
from .checkpoint import load, save
from .clipping import clip_grad_norm, clip_grad_value
from .compiled import CompiledStep, compile_step
from .draw import draw
from .layers import ACTIVATIONS, MLP, Layer, Neuron
from .losses import binary_cross_entropy_with_logits, cross_entropy, hinge, mse
from .module import Module
from .optim import SGD, Adagrad, Adam, AdamW, RMSprop
from .optimizer import Optimizer
from .schedules import CosineAnnealingLR, ExponentialLR, LinearLR, ReduceLROnPlateau, StepLR

__all__ = [
    "ACTIVATIONS",
    "MLP",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "CompiledStep",
    "CosineAnnealingLR",
    "ExponentialLR",
    "Layer",
    "LinearLR",
    "Module",
    "Neuron",
    "Optimizer",
    "RMSprop",
    "ReduceLROnPlateau",
    "StepLR",
    "binary_cross_entropy_with_logits",
    "clip_grad_norm",
    "clip_grad_value",
    "compile_step",
    "cross_entropy",
    "draw",
    "hinge",
    "init",
    "load",
    "mse",
    "save",
]
