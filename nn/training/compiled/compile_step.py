"""compile_step: a training step as one call of machine code, with the parameters in one flat array."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import repeat
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

import autograd as ag
from autograd import Value
from autograd.jit import Program, jit
from autograd.jit.runtime.memory import padded

from ...module import Module
from ...optim.base import Group, Optimizer
from ..data import Array, Examples, explain_missing_rows
from ..dry_run import is_known, probe, refuse_chance
from ..step import Loss, NotFinite, Penalty, Step, check_parts, refuse_if_not_finite
from .compiled_update import CompiledUpdate
from .substitute import Replay, buffer_values, generators, guarded, substitute

if TYPE_CHECKING:
    from autograd.jit.runtime.routine import Routine  # which imports LLVM
    from autograd.jit.runtime.runner import Runner
    from autograd.jit.runtime.workspace import Workspace

Take = Callable[[Array, Array], float]  # takes a step with a batch of one shape


class CompiledStep(Step):
    """A training step, compiled at its first call for each shape of inputs. Made by `compile_step`.

    Attributes:
        program: the compiled program, for its `stats`, `graph` and `llvm_ir`.
    """

    def renew(self) -> None:
        super().renew()
        self._generators = generators(self.model)
        training = [module for module in self.model.modules() if module.training]
        self._by_batch = any(m.smallest_batch > 1 or m.buffers(recurse=False) for m in training)
        axes = None if self._by_batch else (None, 0, 0, *[0] * len(self._generators))
        self.program = jit(guarded(self._batch_step if self._by_batch else self._example_loss, self.optimizer), axes)
        self._penalty = jit(guarded(self._penalty_loss, self.optimizer))
        self._sums, self._extra = (padded(1 + len(self._flat)) for _ in range(2))  # a loss and a gradient
        self._new = padded(len(self._flat))
        self._updates, self._takes = list[CompiledUpdate](), dict[Any, Take]()
        self._known: list[tuple[list[CompiledUpdate], dict[Any, Take]]] = []  # each with the takes that use it
        self._groups: list[Group] = []  # the groups of the updates: none yet

    def _choose_updates(self) -> None:
        """Compile the optimizer's update, if it is marked, for its groups and options as they are now."""
        groups, update = list(self.optimizer.groups), self.optimizer.update
        plain = type(self.optimizer).update_all is Optimizer.update_all  # compiled code would not call another
        known = self._known if groups == self._groups else []
        updates = []
        for group in groups if plain and getattr(update, "elementwise", False) else ():
            fitting = [each for others, _ in known for each in others if each.fits(update, group)]
            updates.append(fitting[0] if fitting else CompiledUpdate(self.optimizer, group))
        takes = next((takes for others, takes in known if others == updates), None)
        if takes is None:
            takes = {}
            known = [*known, (updates, takes)]
        # All at the end, so that an interrupt above leaves nothing half chosen.
        self._groups, self._updates, self._takes, self._known = groups, updates, takes, known

    def take(self, X: Array, y: Array) -> float:
        if self.optimizer.groups != self._groups:
            self._choose_updates()
            self._watch_again()
        for update in self._updates:
            if not update.begin():
                self._choose_updates()
                return self.take(X, y)
        take = self._takes.get((X.shape, y.shape))
        if take is None:
            with explain_missing_rows(X):
                take = self._takes[X.shape, y.shape] = self._new_take(X, y)
            self._watch_again()
        return take(X, y)

    def _substitute(self, numbers: Any, buffers: Sequence[Any] = (), noise: Sequence[Replay] = ()) -> Module:
        """The model with other numbers for the optimizer's parameters, in its Buffers, and from its generators."""
        others: dict[Any, Any] = dict(zip(self.optimizer.parameters, numbers))
        others |= dict(zip(self._buffer_values, buffers)) | dict(zip(self._generators, noise))
        return substitute(self.model, others)

    def _example_loss(self, numbers: Any, x: Any, y: Any, *noise: Any) -> Any:
        """The loss of one example."""
        return self.loss(self._substitute(numbers, noise=[Replay(each) for each in noise])(x), y)

    def _batch_step(self, numbers: Any, X: Any, y: Any, buffers: Any, *noise: Any) -> Any:
        """The mean loss of a batch, its gradient, and the Buffers after it."""

        def mean_loss(numbers: Any) -> Any:
            model = self._substitute(numbers, buffers, [Replay(each) for each in noise])
            outputs = model.batch(list(X))
            loss = ag.mean([self.loss(output, target) for output, target in zip(outputs, y)])
            return loss, np.array(buffer_values(model), dtype=object)

        (loss, after), grad = ag.value_and_grad(mean_loss, has_aux=True)(numbers)
        return loss, grad, after

    def _penalty_loss(self, numbers: Any) -> Any:
        assert self.penalty is not None
        return self.penalty(self._substitute(numbers))

    def _new_take(self, X: Array, y: Array) -> Take:
        """A function that takes a step with a batch of these shapes: numbers in, one call, numbers out."""
        if not X.ndim or not y.ndim or len(X) != len(y) or not len(X):
            raise ValueError(
                f"X and y must have the same number of examples, at least one, got {X.shape} and {y.shape}"
            )
        for name, a in (("X", X), ("y", y)):
            if a.dtype.kind not in "fiub":
                raise TypeError(f"{name} must be an array of real numbers, got an array of {a.dtype}")
        if self.tries_batches:
            self._probe(X, y)
        if not self._takes and not is_known(self.model, self.loss):
            refuse_chance(self._copy()[0], self.loss, Examples(X, y))
        X, y = X.astype(float), y.astype(float)
        shapes = self._random_shapes(X, y)
        work, compute = self._new_routine(X, y, shapes)
        parameters, X_place, y_place, *places = work.inputs
        updates, sums, by_batch, lent = self._updates, self._sums, self._by_batch, bool(work.lent)
        buffers = [self._buffers] if by_batch else []

        def take(X: Array, y: Array) -> float:
            if lent:
                work.give((parameters, X, y, *places))
            else:
                X_place[...] = X
                y_place[...] = y
            if places:
                noise = [rng.random(shape) for rng, shape in zip(self._generators, shapes)]
                for place, numbers in zip(places, buffers + noise):
                    place[...] = numbers
            try:
                taken = compute()
                if taken:
                    for update in updates:
                        update.end()
            except BaseException:  # an interrupt may come after compute() and before end()
                for update in updates:
                    update.settle()
                raise
            if not taken:
                self._refuse(X, y)
            if not updates:
                self.update(sums[1:], work.outputs[2] if by_batch else self._buffers)
            return sums.item(0)

        return take

    def _new_routine(self, X: Array, y: Array, shapes: Sequence[Any]) -> tuple[Workspace, Callable[[], Any]]:
        """The workspace of a batch, and a function that computes in it and takes the step; it returns whether it did.

        If the optimizer's update is not compiled, the function leaves the mean loss and the gradient in self._sums.
        """
        from autograd.jit.runtime.routine import Routine

        routine, noise = Routine(), map(np.zeros, shapes)
        if self._by_batch:
            runner = self._runner(self.program, (self._flat, X, y, self._buffers, *noise))
        else:
            runner = self._runner(self.program, (self._flat, X, y, *noise), (0,), True)
        work = runner.workspace()
        self._add_gradient(routine, runner, work)
        if self.penalty is not None:
            self._add_penalty(routine, self._runner(self._penalty, (self._flat,), (0,)))
        routine.check(self._sums)
        if self.clip_norm is not None:
            routine.clip(self.clip_norm, self._sums[1:])
        if self._updates:
            self._add_updates(routine)
            if self._by_batch:
                routine.copy(work.outputs[2], self._buffers)
        return work, routine.build()

    def _add_gradient(self, routine: Routine, runner: Runner, work: Workspace) -> None:
        """Add to a routine: the mean loss and its gradient."""
        routine.copy(self._flat, work.inputs[0])
        routine.run(runner, work)
        if self._by_batch:
            loss, grad, _ = work.outputs
            routine.copy(loss, self._sums[:1])
            routine.copy(grad, self._sums[1:])
        else:
            routine.copy(work.sums, self._sums)

    def _add_penalty(self, routine: Routine, penalty: Runner) -> None:
        """Add to a routine: the penalty and its gradient."""
        work = penalty.workspace()
        routine.copy(self._flat, work.inputs[0])
        routine.run(penalty, work)
        routine.copy(work.outputs[0], self._extra[:1])
        routine.copy(work.sums, self._extra[1:])
        routine.add(self._extra, self._sums)

    def _add_updates(self, routine: Routine) -> None:
        """Add to a routine: new parameters; if they are finite, they and the new state replace the old."""
        start = 0
        for update in self._updates:
            mine = slice(start, start + len(update.group.parameters))
            update.compute(routine, self._flat[mine], self._sums[1:][mine], self._new[mine])
            start = mine.stop
        routine.check(self._new)
        routine.copy(self._new, self._flat)
        for update in self._updates:
            update.keep(routine)

    def _probe(self, X: Array, y: Array) -> None:  # its errors say best what does not fit
        probe(self._copy()[0], self.loss, self.penalty, Examples(X, y))

    def _copy(self) -> tuple[Module, list[Replay]]:
        """The model with the numbers that training has reached, and what stands in for its generators."""
        noise = [Replay(repeat(0.5)) for _ in self._generators]
        return self._substitute([Value(x) for x in self._flat], [Value(x) for x in self._buffers], noise), noise

    def _refuse(self, X: Array, y: Array) -> NoReturn:
        """Say why a step was not taken."""
        loss = self._sums.item(0)
        if not math.isfinite(loss):
            self._probe(X, y)
            raise NotFinite(f"the loss is {loss}")
        refuse_if_not_finite(self._sums, "the gradient is nan or infinite")
        raise NotFinite("the step makes parameters infinite or nan")

    def _random_shapes(self, X: Array, y: Array) -> list[tuple[int, ...]]:
        """How many numbers a batch takes from each generator, counted in a forward pass on copies."""
        if not self._generators:
            return []
        model, noise = self._copy()
        outputs = model.batch(list(X)) if self._by_batch else [model(X[0])]
        for output, target in zip(outputs, y):
            self.loss(output, target)
        return [(each.count,) if self._by_batch else (len(X), each.count) for each in noise]

    def _runner(
        self, program: Program, args: Sequence[Any], wrt: tuple[int, ...] | None = None, sum_value: bool = False
    ) -> Runner:
        """A runner of the program for such arguments, compiled now; ValueError if a gradient would be missing."""
        runner = program.runner(args, wrt, sum_value)
        assert runner is not None  # there are no Values among these arguments
        closed_over, trained = ({id(x) for x in each} for each in (runner.closed_over, self.optimizer.parameters))
        for name, p in self.model.named_parameters():
            if id(p) in closed_over & trained:
                raise ValueError(
                    f"the loss or the model uses the parameter {name} through a closure, so it would not be trained. "
                    "In a forward pass, read parameters from self. A term of the loss that depends on parameters must "
                    "be a penalty, a function of the model"
                )
        return runner


def compile_step(
    model: Module,
    loss: Loss,
    optimizer: Optimizer,
    penalty: Penalty | None = None,
    clip_norm: float | None = None,
) -> CompiledStep:
    """Compile forward pass, loss, gradient and update of a training loop into one call.

    Take the steps in a `with` block: the parameters are then in one flat array. The model gets them when it is used,
    and the next step starts from the model. That, like a call outside of a block, takes as long as fifty steps;
    assigning `optimizer.lr` takes several microseconds.

    Examples are computed side by side, by code compiled once. If a Module in training has a Buffer or a
    `smallest_batch` above 1, as BatchNorm does, the examples of a batch depend on each other: then the model's `batch`
    is compiled for all of them, once for each batch size. Dropout draws as in `model.batch(X)`. No `grad` is set.

    Args:
        model: the model. One example is passed to it, or all to its `batch`.
        loss: a function of the model's output and the target of one example, such as nn.hinge.
        optimizer: what updates the parameters. Its update is compiled too if it is marked by nn.elementwise.
        penalty: a function of the model alone, such as a multiple of the sum of its squared
            parameters, added once to the mean loss of a batch.
        clip_norm: the Euclidean norm to which larger gradients are scaled down; see nn.clip_grad_norm.

    Raises:
        TypeError: if an argument has the wrong type.
        ValueError: if the optimizer has parameters that are not the model's, or clip_norm is not above 0; at the
            first step, if the loss or the model uses a parameter through a closure.
        FloatingPointError: from a step, if its loss, its gradient or a new parameter is nan or infinite. Then
            parameters, Buffers and optimizer are as they were.

    >>> import nn
    >>> model = nn.MLP(2, [4, 1], seed=0)
    >>> optimizer = nn.SGD(model.parameters(), lr=0.1)
    >>> with compile_step(model, nn.mse, optimizer) as step:
    ...     losses = [step([[0.0, 1.0], [1.0, 0.0]], [1.0, -1.0]) for _ in range(50)]
    >>> losses[-1] < losses[0] / 10
    True
    """
    check_parts("compile_step", model, loss, optimizer, penalty)
    return CompiledStep(model, loss, optimizer, penalty, clip_norm)
