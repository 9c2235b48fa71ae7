"""predict, and what fit validates with: a model's outputs for many examples, in evaluation mode, compiled."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd import Value
from autograd.jit import jit
from autograd.primitive import describe

from ..checks import check_module
from ..module import Module
from .compiled.fallback import choose_compiled
from .compiled.substitute import structure, substitute
from .data import Array, Examples, check_numbers, explain_missing_rows, list_rows
from .step import Loss

Floats = NDArray[np.float64]
ROWS = 4096  # how many examples are computed at a time, which limits the memory that programs keep


def predict(model: Module, X: Any, *, compiled: bool | None = None) -> Floats:
    """The model's outputs for many examples, in evaluation mode: dropout is off.

    The forward pass is compiled at the first call and kept as long as the model; later calls read the
    parameters as they are then. The model is not changed.

    Args:
        model: the model.
        X: the examples, one row each; or one number each, for a model that takes a number.
        compiled: whether to compile. If False, the graph of each example is built. None compiles if llvmlite is
            installed, and warns once otherwise.

    Returns:
        The outputs: of shape (examples,) if the model returns one number, (examples, n) if it returns a list of n.

    Raises:
        TypeError: if the model is not a Module or does not return numbers, X holds anything but real numbers, or
            compiled is not True, False or None.
        ModuleNotFoundError: if compiled is True and llvmlite is not installed.
        ValueError: if X is empty, holds a nan, or its rows are not as wide as the model needs.

    >>> import nn
    >>> model = nn.MLP(2, [3, 2], seed=0)
    >>> predict(model, [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]).shape
    (3, 2)
    """
    check_module(model, "predict(model, X)")
    inputs = check_numbers(X, "X")
    if not choose_compiled(compiled, "predict"):
        with evaluation_mode(model), explain_missing_rows(inputs):
            return np.array([pack(output) for output in model.batch(list_rows(inputs))], dtype=np.float64)
    forward = _forwards.get(id(model))
    if forward is None:
        forward = _forwards[id(model)] = Forward(model)
        weakref.finalize(model, _forwards.pop, id(model), None)
    with explain_missing_rows(inputs):
        outputs: Floats = forward(inputs)
    return outputs


class Forward:
    """The forward pass of a model in evaluation mode, compiled, followed by a loss if there is one.

    It does not keep the model alive. It compiles again when the model has other parts than before.
    """

    def __init__(self, model: Module, loss: Loss | None = None) -> None:
        self._model, self._loss = weakref.ref(model), loss
        self._compiled: tuple[Any, Any] = None, None

    def __call__(self, *data: Array) -> Any:
        """The outputs for X, a row for each example; with a loss, the outputs and the mean loss for X and y."""
        model = self._model()
        assert model is not None
        now = structure(model, modes=False)
        compiled_of, program = self._compiled
        if now != compiled_of:
            program = jit(self._run, in_axes=0)
            self._compiled = now, program
        parts = [program(*(x[k : k + ROWS] for x in data)) for k in range(0, len(data[0]), ROWS)]
        if self._loss is None:
            return np.concatenate(parts)
        return np.concatenate([x for x, _ in parts]), float(np.mean(np.concatenate([losses for _, losses in parts])))

    def _run(self, x: Any, *target: Any) -> Any:
        model = self._model()
        assert model is not None
        output = substitute(model, {}).eval()(x)
        return pack(output) if self._loss is None else (pack(output), self._loss(output, *target))


_forwards: dict[int, Forward] = {}  # by the id of the model, because a model need not be hashable


def eager_outputs_and_loss(model: Module, loss: Loss, data: Examples) -> tuple[Floats, float]:
    """What Forward returns, without compiling."""
    with evaluation_mode(model):
        outputs = model.batch(list_rows(data.X))
        losses = [float(loss(output, target)) for output, target in zip(outputs, list_rows(data.y))]
    return np.array([pack(output) for output in outputs], dtype=np.float64), float(np.mean(losses))


@contextlib.contextmanager
def evaluation_mode(model: Module) -> Iterator[None]:
    """A context in which no part of the model is training; after it each is as it was."""
    with keep_modes(model):
        model.eval()
        yield


@contextlib.contextmanager
def keep_modes(model: Module) -> Iterator[None]:
    """A context after which each part of the model is training, or not, as it was before."""
    before = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, training in before:
            module.training = training


def pack(output: Any) -> Any:
    """A model's output as one number or one array; TypeError if it is something else."""
    if isinstance(output, (Value, float, int)):
        return output
    if not isinstance(output, (list, tuple, np.ndarray)):
        raise TypeError(f"the output for an example must be a number or a list of numbers, got {describe(output)}")
    return np.array([pack(x) for x in output], dtype=object)
