"""nn: neurons, layers and networks of autograd Values, losses, and optimizers to train them.

- Models: Module, Buffer; Neuron, Layer, MLP; Sequential, Residual, Activation (by name, see ACTIVATIONS), LayerNorm,
  BatchNorm, Dropout, Embedding; init, the initial weights.
- Losses: mse, hinge, binary_cross_entropy_with_logits, cross_entropy.
- Optimizers: SGD, Adam, AdamW, RMSprop, Adagrad; Optimizer, their base, with Groups of parameters, and elementwise,
  for a rule of your own that may be compiled; clip_grad_norm, clip_grad_value.
- Schedules: StepLR, ExponentialLR, CosineAnnealingLR, LinearLR, ReduceLROnPlateau.
- Training: fit, which returns a History; EarlyStopping, and what callbacks get, TrainingState; predict; for a loop of
  your own compile_step, which makes a CompiledStep.
- Files: save, load.
- Looking inside: draw; gradient_flow, which returns a GradientFlow.

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
from .activations import ACTIVATIONS, Activation
from .callbacks import EarlyStopping, TrainingState
from .checkpoint import load, save
from .clipping import clip_grad_norm, clip_grad_value
from .compiled import CompiledStep, compile_step
from .containers import Residual, Sequential
from .diagnostics import GradientFlow, gradient_flow
from .draw import draw
from .dropout import Dropout
from .embedding import Embedding
from .evaluation import predict
from .history import History
from .layers import Layer, Neuron
from .losses import binary_cross_entropy_with_logits, cross_entropy, hinge, mse
from .mlp import MLP
from .module import Buffer, Module
from .normalization import BatchNorm, LayerNorm
from .optim import SGD, Adagrad, Adam, AdamW, RMSprop
from .optimizer import Group, Optimizer, elementwise
from .schedules import CosineAnnealingLR, ExponentialLR, LinearLR, ReduceLROnPlateau, StepLR
from .training import fit

__all__ = [
    "ACTIVATIONS",
    "MLP",
    "SGD",
    "Activation",
    "Adagrad",
    "Adam",
    "AdamW",
    "BatchNorm",
    "Buffer",
    "CompiledStep",
    "CosineAnnealingLR",
    "Dropout",
    "EarlyStopping",
    "Embedding",
    "ExponentialLR",
    "GradientFlow",
    "Group",
    "History",
    "Layer",
    "LayerNorm",
    "LinearLR",
    "Module",
    "Neuron",
    "Optimizer",
    "RMSprop",
    "ReduceLROnPlateau",
    "Residual",
    "Sequential",
    "StepLR",
    "TrainingState",
    "binary_cross_entropy_with_logits",
    "clip_grad_norm",
    "clip_grad_value",
    "compile_step",
    "cross_entropy",
    "draw",
    "elementwise",
    "fit",
    "gradient_flow",
    "hinge",
    "init",
    "load",
    "mse",
    "predict",
    "save",
]
