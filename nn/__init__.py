"""nn: neurons, layers and networks of autograd Values, losses, and optimizers to train them.

- Models: Module, Buffer; Neuron, Layer, MLP; Sequential, Residual, Activation (by name, see ACTIVATIONS), LayerNorm,
  BatchNorm, Dropout, Embedding; init, the initial weights.
- Losses: mse, hinge, binary_cross_entropy_with_logits, cross_entropy.
- Optimizers: SGD, Adam, AdamW, RMSprop, Adagrad; Optimizer, their base, with Groups of parameters, and elementwise,
  for an update of your own that can be compiled; clip_grad_norm, clip_grad_value.
- Schedules: StepLR, ExponentialLR, CosineAnnealingLR, LinearLR, ReduceLROnPlateau; Schedule and Scheduler, their bases.
- Training: fit, which returns a History; EarlyStopping; TrainingState, which callbacks get; predict; compile_step, for
  a loop of your own, which makes a CompiledStep.
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

import importlib as _importlib
import typing as _typing
from types import ModuleType as _ModuleType

from . import _autograd as _autograd  # first: it checks which autograd there is
from .layers import init as init
from .layers.activations import ACTIVATIONS as ACTIVATIONS, Activation as Activation
from .layers.containers import Residual as Residual, Sequential as Sequential
from .layers.dropout import Dropout as Dropout
from .layers.embedding import Embedding as Embedding
from .layers.mlp import MLP as MLP
from .layers.neuron import Layer as Layer, Neuron as Neuron
from .layers.normalization import BatchNorm as BatchNorm, LayerNorm as LayerNorm
from .losses import (
    binary_cross_entropy_with_logits as binary_cross_entropy_with_logits,
    cross_entropy as cross_entropy,
    hinge as hinge,
    mse as mse,
)
from .module import Buffer as Buffer, Module as Module
from .optim.base import Group as Group, Optimizer as Optimizer, elementwise as elementwise
from .optim.clipping import clip_grad_norm as clip_grad_norm, clip_grad_value as clip_grad_value
from .optim.optimizers import (
    SGD as SGD,
    Adagrad as Adagrad,
    Adam as Adam,
    AdamW as AdamW,
    RMSprop as RMSprop,
)
from .optim.schedules import (
    CosineAnnealingLR as CosineAnnealingLR,
    ExponentialLR as ExponentialLR,
    LinearLR as LinearLR,
    ReduceLROnPlateau as ReduceLROnPlateau,
    Schedule as Schedule,
    Scheduler as Scheduler,
    StepLR as StepLR,
)

if _typing.TYPE_CHECKING:  # what __getattr__ gives
    from .inspect.draw import draw as draw
    from .inspect.gradient_flow import GradientFlow as GradientFlow, gradient_flow as gradient_flow
    from .training.callbacks import EarlyStopping as EarlyStopping, TrainingState as TrainingState
    from .training.compiled.compile_step import CompiledStep as CompiledStep, compile_step as compile_step
    from .training.fit import fit as fit
    from .training.history import History as History
    from .training.predict import predict as predict
    from .weights import load as load, save as save

# Imported when they are first used, so that `import nn` is quick: the file of each name.
_LATER = {
    "draw": "inspect.draw",
    **dict.fromkeys(("GradientFlow", "gradient_flow"), "inspect.gradient_flow"),
    **dict.fromkeys(("EarlyStopping", "TrainingState"), "training.callbacks"),
    **dict.fromkeys(("CompiledStep", "compile_step"), "training.compiled.compile_step"),
    "fit": "training.fit",
    "History": "training.history",
    "predict": "training.predict",
    **dict.fromkeys(("load", "save"), "weights"),
}


# What people look for who come from PyTorch, and what to write.
_ELSEWHERE = {
    "Linear": "nn.Layer(inputs, outputs, 'linear')",
    "Parameter": "a Value as an attribute of the Module",
    "MSELoss": "nn.mse(outputs, targets)",
    "CrossEntropyLoss": "nn.cross_entropy(outputs, labels)",
    "BCEWithLogitsLoss": "nn.binary_cross_entropy_with_logits(outputs, targets)",
    **dict.fromkeys(("BatchNorm1d", "BatchNorm2d"), "nn.BatchNorm"),
    **{name: f"nn.Activation({name.lower()!r})" for name in ("ReLU", "Tanh", "Sigmoid")},
    "functional": "the functions of autograd, such as ag.relu",
    "utils": "nn.clip_grad_norm and nn.clip_grad_value",
}


if not _typing.TYPE_CHECKING:  # type checkers know every name from above, and find a misspelt one

    def __getattr__(name: str) -> _typing.Any:
        if name not in _LATER:
            hint = f". Write {_ELSEWHERE[name]}" if name in _ELSEWHERE else ""
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}{hint}")
        globals()[name] = found = getattr(_importlib.import_module(f".{_LATER[name]}", __name__), name)
        return found

    def __dir__() -> list[str]:
        return sorted({*globals(), *_LATER})

    __all__ = sorted(
        name
        for name in {*globals(), *_LATER}
        if not name.startswith("_") and (name == "init" or not isinstance(globals().get(name), _ModuleType))
    )
