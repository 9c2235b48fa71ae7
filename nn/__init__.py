"""nn: neurons, layers and networks of autograd Values, losses, and optimizers to train them.

- Models: Module, Buffer; Neuron, Layer, MLP; Sequential, Residual, Activation (by name, see ACTIVATIONS), LayerNorm,
  BatchNorm, Dropout, Embedding; init, the initial weights.
- Losses: mse, hinge, binary_cross_entropy_with_logits, cross_entropy.
- Optimizers: SGD, Adam, AdamW, RMSprop, Adagrad; Optimizer, their base, with Groups of parameters, and elementwise,
  for an update of your own that can be compiled; clip_grad_norm, clip_grad_value.
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

from . import _autograd as _autograd  # first: it checks which autograd there is
from .inspect.draw import draw
from .inspect.gradient_flow import GradientFlow, gradient_flow
from .layers import init
from .layers.activations import ACTIVATIONS, Activation
from .layers.containers import Residual, Sequential
from .layers.dropout import Dropout
from .layers.embedding import Embedding
from .layers.mlp import MLP
from .layers.neuron import Layer, Neuron
from .layers.normalization import BatchNorm, LayerNorm
from .losses import binary_cross_entropy_with_logits, cross_entropy, hinge, mse
from .module import Buffer, Module
from .optim.base import Group, Optimizer, elementwise
from .optim.clipping import clip_grad_norm, clip_grad_value
from .optim.optimizers import SGD, Adagrad, Adam, AdamW, RMSprop
from .optim.schedules import CosineAnnealingLR, ExponentialLR, LinearLR, ReduceLROnPlateau, StepLR
from .training.callbacks import EarlyStopping, TrainingState
from .training.compiled.compile_step import CompiledStep, compile_step
from .training.fit import fit
from .training.history import History
from .training.predict import predict
from .weights import load, save

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
