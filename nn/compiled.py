"""compile_step: a whole training step as machine code, with the parameters in one flat array while it runs."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd.jit import jit

from .module import Module
from .optimizer import Flat, Optimizer


class CompiledStep:
    """A training step, compiled at its first call for each shape of inputs. Made by `compile_step`.

    While it is in use the numbers that count are in `flat`; the model's parameters are written by
    `write_back`, on leaving a `with` block, and when a step raises.

    Attributes:
        flat: the optimizer's parameters, an array in its order. Assign to its items to change them.
        program: the compiled program, for its `stats`, `graph` and `llvm_ir`.
    """

    def __init__(
        self,
        model: Module,
        loss: Callable[[Any, Any], Any],
        optimizer: Optimizer,
        penalty: Callable[[Module], Any] | None = None,
    ) -> None:
        own = set(model.parameters())
        if not own.issuperset(optimizer.parameters):
            raise ValueError("compile_step: the optimizer has parameters that are not the model's")
        self.model = model
        self.loss = loss
        self.optimizer = optimizer
        self.penalty = penalty
        self.program = jit(self._example, in_axes=(None, 0, 0))
        self._penalty = jit(self._of_parameters) if penalty is not None else None
        self.flat = self._numbers()
        self._plans: dict[Any, tuple[Callable[..., None], Flat, float]] = {}

    def _with(self, numbers: Any) -> Module:
        """The model with other numbers for the optimizer's parameters."""
        memo: dict[int, Any] = {id(p): x for p, x in zip(self.optimizer.parameters, numbers)}
        memo |= {id(p): p for p in self.model.parameters() if id(p) not in memo}
        return copy.deepcopy(self.model, memo)

    def _example(self, numbers: Any, x: Any, y: Any) -> Any:
        return self.loss(self._with(numbers)(x), y)

    def _of_parameters(self, numbers: Any) -> Any:
        assert self.penalty is not None
        return self.penalty(self._with(numbers))

    def __call__(self, X: Any, y: Any) -> float:
        """Take one step: the mean loss over the batch (and the penalty) before it, and the parameters after it.

        Args:
            X: the inputs, one row an example.
            y: the targets, one entry or row an example.

        Raises:
            ValueError: for a batch without examples, or as many targets as there are not inputs.
        """
        if type(X) is not np.ndarray or type(y) is not np.ndarray:
            X, y = np.asarray(X), np.asarray(y)
        try:
            compute, sums, share = self._plans.get((X.shape, y.shape)) or self._plan(X, y)
            compute((self.flat, X, y))
            mean = sums * share
            loss, grad = float(mean[0]), mean[1:]
            if self._penalty is not None:
                extra, slope = self._penalty.value_and_grad(self.flat)
                loss += extra
                grad += slope
            self.flat = self.optimizer.update(self.flat, grad)
        except BaseException:
            self.write_back()
            raise
        return loss

    def _plan(self, X: Any, y: Any) -> tuple[Callable[..., None], Flat, float]:
        """What computes the sums of losses and gradients over batches of these shapes, and where it leaves them."""
        if not X.ndim or not y.ndim or len(X) != len(y) or not len(X):
            raise ValueError(
                f"a step takes as many targets as inputs, at least one; got arrays of shape {X.shape} and {y.shape}"
            )
        runner = self.program.runner((self.flat, X, y), (0,), True)
        assert runner is not None  # there are no Values among these arguments
        compute, work = runner.bound()
        plan = self._plans[X.shape, y.shape] = compute, work.sums, 1.0 / len(X)
        return plan

    def read(self) -> None:
        """Start from the numbers that the model's parameters have now."""
        self.flat = self._numbers()

    def _numbers(self) -> Flat:
        return np.array([p.data for p in self.optimizer.parameters])

    def write_back(self) -> None:
        """Give the model's parameters the numbers that training has reached."""
        for p, x in zip(self.optimizer.parameters, self.flat.tolist()):
            p.data = x

    def __enter__(self) -> CompiledStep:
        self.read()
        return self

    def __exit__(self, *exception: object) -> None:
        self.write_back()


def compile_step(
    model: Module,
    loss: Callable[[Any, Any], Any],
    optimizer: Optimizer,
    penalty: Callable[[Module], Any] | None = None,
) -> CompiledStep:
    """Compile forward pass, loss, gradient and update of a training loop into one call.

    Args:
        model: the model, called with one example.
        loss: a function of the model's output and the target of one example, such as nn.hinge.
        optimizer: what moves the parameters; its rule runs on the flat array.
        penalty: a function of the model alone, such as a multiple of the sum of its squared
            parameters, added once to the mean loss of a batch.

    Raises:
        ValueError: if the optimizer has parameters that are not the model's.

    >>> import nn
    >>> model = nn.MLP(2, [4, 1], seed=0)
    >>> optimizer = nn.SGD(model.parameters(), lr=0.1)
    >>> with compile_step(model, nn.mse, optimizer) as step:
    ...     losses = [step([[0.0, 1.0], [1.0, 0.0]], [1.0, -1.0]) for _ in range(50)]
    >>> losses[-1] < losses[0] / 10
    True
    """
    return CompiledStep(model, loss, optimizer, penalty)
