"""Step: forward pass, loss, gradient and update on flat arrays. EagerStep, which builds the graph of each batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy import ndarray

import autograd as ag
from autograd import Value
from autograd.jit.runtime.memory import padded
from autograd.lost import Guard
from autograd.primitive import describe

from ..checks import check_function, check_module, check_positive, refuse_masked
from ..metrics import check_loss
from ..module import Module
from ..optim.base import Flat, Optimizer
from ..optim.clipping import clip_by_norm
from .compiled.substitute import buffer_values, structure
from .compiled.watch import Watch
from .data import Array, explain_missing_rows, list_rows

Loss = Callable[[Any, Any], Any]
Penalty = Callable[[Module], Any]
Self = TypeVar("Self", bound="Step")


class NotFinite(FloatingPointError):
    """A step was not taken, because the loss, the gradient or a new parameter is nan or infinite.

    Attributes:
        what: which of them.
    """

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what}; the step was not taken, and the parameters are as they were before it. What helps: a lower "
            "learning rate from the start, clip_norm, examples without nan. ag.detect_anomaly() around a loop that is "
            "not compiled names the operation"
        )
        self.what = what


def check_parts(caller: str, model: Any, loss: Any, optimizer: Any, penalty: Any) -> None:
    """TypeError unless these can be parts of a training step."""
    check_module(model, caller)
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"{caller}: optimizer must be an Optimizer, such as nn.SGD(model.parameters()), got {describe(optimizer)}"
        )
    check_loss(loss, caller)
    if penalty is not None:
        check_function(penalty, "penalty")


class Step:
    """A training step. The arguments, and what it raises, are those of `compile_step`, which has checked them.

    Within a `with` block the numbers are in the arrays `flat` and `buffers`, and move to the model when somebody uses
    it, and back to the arrays with the next step. fit, which knows when the model is used, has no block: it calls
    `read`, `take` and `write_back`.
    """

    tries_batches = True  # whether to try a batch of a new shape without compiling first, for clear errors

    def __init__(
        self,
        model: Module,
        loss: Loss,
        optimizer: Optimizer,
        penalty: Penalty | None = None,
        clip_norm: float | None = None,
    ) -> None:
        self.model, self.loss, self.optimizer, self.penalty = model, loss, optimizer, penalty
        self._clip_norm = None if clip_norm is None else check_positive(clip_norm, "clip_norm")
        self._in_block = False
        self._watch: Watch | None = None  # while the arrays have the numbers and the model has not
        self._structure: list[Any] = []
        self.read()

    @property
    def clip_norm(self) -> float | None:
        """The norm to which larger gradients are scaled down; None leaves them as they are."""
        return self._clip_norm

    def __reduce__(self) -> tuple[Any, ...]:  # without code, which is compiled again
        return type(self), (self.model, self.loss, self.optimizer, self.penalty, self.clip_norm)

    @property
    def flat(self) -> Flat:
        """The optimizer's parameters, in its order, in an array that each step changes."""
        self._lead()
        return self._flat

    @flat.setter
    def flat(self, numbers: Flat) -> None:
        self._lead()
        self._flat[...] = numbers  # in place, because compiled code knows its address

    @property
    def buffers(self) -> Flat:
        """The numbers in the model's Buffers, in an array that each step changes."""
        self._lead()
        return self._buffers

    @buffers.setter
    def buffers(self, numbers: Flat) -> None:
        self._lead()
        self._buffers[...] = numbers

    def read(self) -> None:
        """Start from the model as it is now: its numbers, its parts, and which of them are training."""
        now = structure(self.model, modes=True)
        if now != self._structure:
            self.renew()
            self._structure = now
        self._flat[...] = [float(p) for p in self.optimizer.parameters]  # unlike p.data, refused inside a transform
        self._buffers[...] = [x.data for x in self._buffer_values]

    def renew(self) -> None:
        """Prepare for the parts that the model has now."""
        if not set(self.model.parameters()).issuperset(self.optimizer.parameters):
            raise ValueError("the optimizer's parameters must be the model's. Make it from model.parameters()")
        self._buffer_values = buffer_values(self.model)
        self._flat, self._buffers = padded(len(self.optimizer.parameters)), padded(len(self._buffer_values))

    def write_back(self) -> None:
        """Give the model's parameters and Buffers the numbers that training has reached."""
        if self._watch is not None:
            self._watch.end()
        self._given = self._numbers()
        for p, x in zip([*self.optimizer.parameters, *self._buffer_values], self._given.tolist()):
            p.data = x
        self._watch = None  # last, so that what an interrupt leaves undone is done later

    def _numbers(self) -> Flat:
        return np.concatenate([self._flat, self._buffers])

    def _lead(self) -> None:
        """In a block: let the arrays have the numbers, including what was changed since the model had them."""
        if self._watch is not None or not self._in_block:
            return
        mine, given = self._numbers(), self._given
        self.read()
        if not np.array_equal(mine, given, equal_nan=True):
            self._given = self._numbers()
            if not np.array_equal(self._given, given, equal_nan=True):
                raise RuntimeError(
                    "the model and the array step.flat were both changed between two steps. Change only one of them. "
                    "The model's numbers are kept"
                )
            self._flat[...], self._buffers[...] = np.split(mine, [len(self._flat)])
        self._watch_again()

    def _watch_again(self) -> None:
        """In a block: wait for the next use of the model, after anything that may have used it."""
        if self._watch is None and self._in_block:
            self._watch = Watch(self.model, [*self.optimizer.parameters, *self._buffer_values], self.write_back)
            self._watch.start()

    def __enter__(self: Self) -> Self:
        self.read()
        self._in_block = True
        self._watch_again()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._watch is None and not np.array_equal(self._numbers(), self._given, equal_nan=True):
            self._lead()
        self._in_block = False
        if self._watch is not None:
            self.write_back()

    def __call__(self, X: Any, y: Any) -> float:
        """Take one step: the mean loss over the batch (and the penalty) before it, and the parameters after it.

        Args:
            X: the inputs, one row for each example.
            y: the targets, one entry or row for each example.

        Raises:
            ValueError: if there are no examples, if the numbers of inputs and targets differ, or if the batch is
                too small for a Module in training, as one example is for BatchNorm.
            FloatingPointError: if the loss, its gradient or a new parameter is nan or infinite. Then
                parameters, Buffers and optimizer are as they were.
        """
        if type(X) is not ndarray or type(y) is not ndarray:
            refuse_masked(X, "X")
            refuse_masked(y, "y")
            X, y = np.asarray(X), np.asarray(y)
        if self._watch is not None:
            return self.take(X, y)
        if self._in_block:
            self._lead()
            return self.take(X, y)
        self.read()
        try:
            return self.take(X, y)
        finally:
            self.write_back()

    def take(self, X: Array, y: Array) -> float:
        """Take one step completely, or not at all, and return the mean loss before it."""
        raise NotImplementedError

    def update(self, grad: Flat, buffers: Flat) -> None:
        """Let the optimizer update the parameters, and adopt these buffers. If that fails, restore everything."""
        groups, flat, before = self.optimizer.groups, self._flat.copy(), self._buffers.copy()
        saved = [(group.steps, {name: x.copy() for name, x in group.state.items()}) for group in groups]
        try:
            with np.errstate(all="ignore"):  # numbers that are not finite are found below
                new = self.optimizer.update_all(self._flat.copy(), grad)
            refuse_if_not_finite(new, "the step makes parameters infinite or nan")
            self._flat[...], self._buffers[...] = new, buffers
        except BaseException:  # an interrupt may come at any place above
            for group, (steps, state) in zip(groups, saved):
                group.steps, group.state = steps, state
            self._flat[...], self._buffers[...] = flat, before
            raise
        self._watch_again()


class EagerStep(Step):
    """A training step that builds the graph of a batch and differentiates it. It gives the numbers of CompiledStep."""

    def take(self, X: Array, y: Array) -> float:
        loss, grad, buffers = self.compute(X, y)
        refuse_if_not_finite(loss, f"the loss is {loss}")
        refuse_if_not_finite(grad, "the gradient is nan or infinite")
        self.update(grad if self.clip_norm is None else clip_by_norm(grad, self.clip_norm), buffers)
        return loss

    def compute(self, X: Array, y: Array) -> tuple[float, Flat, Flat]:
        """The mean loss of a batch and the penalty, the gradient of both, and the Buffers after the forward pass."""
        self.write_back()
        self.model.zero_grad()
        with Guard("fit:", (), self.optimizer.parameters), explain_missing_rows(X):
            outputs = self.model.batch(list_rows(X))
            loss = ag.mean([self.loss(output, target) for output, target in zip(outputs, list_rows(y))])
            if self.penalty is not None:
                loss = loss + self.penalty(self.model)
        if isinstance(loss, Value):
            loss.backward()
        grad = np.array([p.grad for p in self.optimizer.parameters])
        return float(loss), grad, np.array([x.data for x in self._buffer_values])


def refuse_if_not_finite(numbers: Any, what: str) -> None:
    """NotFinite, with the words `what`, if one of the numbers is nan or infinite."""
    if not np.isfinite(numbers).all():
        raise NotFinite(what)
