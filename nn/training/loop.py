"""Loop: the epochs of fit, the error when a step fails, and the state that a checkpoint keeps."""

from __future__ import annotations

import math
import time
from dataclasses import asdict
from types import FunctionType, MethodType
from typing import Any

import numpy as np

import autograd as ag
from autograd.user_line import warn

from ..code import describe_code, name_of
from ..conversions import summarize
from ..metrics import try_metric
from .callbacks import TrainingState
from .checkpoint import Checkpoint, differences
from .compiled.compile_step import CompiledStep
from .compiled.substitute import generators
from .data import Array, Examples, shuffle
from .history import History
from .plan import Plan
from .predict import Forward, eager_outputs_and_loss, keep_modes
from .progress import Bar
from .step import EagerStep, NotFinite, Step

TRIED = 256  # on how many examples a metric is tried first


class Loop:
    """Carries out a Plan.

    Attributes:
        history: what was measured so far.
    """

    def __init__(self, plan: Plan, store: Checkpoint | None) -> None:
        self.plan, self.store = plan, store
        self.history = History(metric_name=plan.metric_name)
        self.rates = plan.initial_rates()
        make = CompiledStep if plan.compiled else EagerStep
        self.step: Step = make(plan.model, plan.loss, plan.optimizer, plan.penalty, plan.clip_norm)
        self.step.tries_batches = False  # the plan has tried all examples
        self.forward = Forward(plan.model, plan.loss)
        self._memories: list[tuple[Any, str]] = []  # callbacks without a state_dict(), and what they hold at first

    def run(self, progress: bool | None) -> History:
        """Train until the last epoch, until a callback stops it, or until Ctrl-C."""
        plan, first = self.plan, len(self.history) + 1
        self.scheduled = None if plan.schedule is None else plan.schedule.state_dict()
        if self.history.stopped or first > plan.epochs:
            self._finish()
            return self.history
        if self.store is not None:  # what fails, fails now and not after an epoch
            self.store.try_out(self.state())
            self.store.make()
            objects = [c for c in plan.callbacks if not isinstance(c, (FunctionType, MethodType))]
            self._memories = [(c, describe_code(c)) for c in objects if not hasattr(c, "state_dict")]
        bar = Bar(progress, first, plan.epochs, plan.steps, self.history)
        try:
            with keep_modes(plan.model):
                plan.model.train()
                self.step.read()
                try:
                    for epoch in range(first, plan.epochs + 1):
                        self._epoch(epoch, bar)
                        if self.history.stopped:
                            break
                finally:
                    self.step.write_back()
            self._finish()
        except KeyboardInterrupt:
            self.history.interrupted = True
        finally:
            bar.close()
        return self.history

    def _epoch(self, epoch: int, bar: Bar) -> None:
        plan, history, start = self.plan, self.history, time.perf_counter()
        lr, total = getattr(plan.optimizer, "lr", math.nan), 0.0
        bar.epoch(epoch)
        data = shuffle(plan.examples, plan.seed, epoch)
        for number, (X, y) in enumerate(data.batches(plan.batch_size), 1):
            loss = self._step(X, y, epoch, number)
            total += loss * len(X)
            bar.step(loss, lr)
        self.step.write_back()
        validation_loss, metric = self._evaluate()
        history.loss.append(total / len(data))
        history.lr.append(lr)
        if plan.validation is not None:
            history.validation_loss.append(validation_loss)
        if plan.metric is not None:
            history.metric.append(metric)
        history.seconds.append(time.perf_counter() - start)
        self._after(epoch)

    def _evaluate(self) -> tuple[float, float]:
        """The loss and the metric over the validation examples, or the metric over all if there are none."""
        plan = self.plan
        data = plan.validation
        if data is None:
            if plan.metric is None:
                return math.nan, math.nan
            data = plan.examples
        outputs, loss = self._outputs_and_loss(data)
        return loss, math.nan if plan.metric is None else plan.measure(outputs, data.y)

    def _outputs_and_loss(self, data: Examples) -> Any:
        if self.plan.compiled:
            return self.forward(data.X, data.y)
        return eager_outputs_and_loss(self.plan.model, self.plan.loss, data)

    def try_metric(self) -> None:
        """TypeError or ValueError, before anything is trained, if a metric of the user's own cannot be computed.

        It is tried on some of the examples, and refused only if it fails on all of them too: some metrics need every
        class.
        """
        plan = self.plan
        if plan.metric is None or isinstance(plan.metric, str):
            return
        data = plan.examples if plan.validation is None else plan.validation
        some = data.take(np.unique(np.linspace(0, len(data) - 1, min(len(data), TRIED)).astype(int)))
        for tried in (some, data):
            with np.errstate(all="ignore"):
                outputs, _ = self._outputs_and_loss(tried)
                try:
                    try_metric(plan.metric, outputs, tried.y)
                except (TypeError, ValueError):
                    if len(tried) == len(data):
                        raise
                else:
                    return

    def _after(self, epoch: int) -> None:
        """What follows an epoch: schedule, callbacks, checkpoint."""
        plan, history = self.plan, self.history
        if plan.schedule is not None:
            if plan.schedule.state_dict() != self.scheduled:
                raise RuntimeError(
                    f"fit steps the schedule {type(plan.schedule).__name__} after each epoch, but something else, such "
                    "as a callback, has stepped or changed it. Leave that to fit"
                )
            numbers = {"": [], "loss": history.validation_loss or history.loss, "metric": history.metric}
            plan.schedule.step(*numbers[plan.schedule.watches][-1:])
            self.scheduled = plan.schedule.state_dict()
        if plan.callbacks:
            state = TrainingState(epoch, plan.epochs, plan.model, plan.optimizer, history)
            for callback in plan.callbacks:
                callback(state)
            history.stopped = bool(state.stop)
            plan.model.train()
            self.step.read()
        if self.store is not None:
            self.store.write(self.state())
            self._warn_of_memories()

    def _warn_of_memories(self) -> None:
        """Warn once, after the first epoch, if a callback remembers something that a checkpoint cannot keep."""
        for callback, before in self._memories:
            if describe_code(callback) != before:
                warn(
                    f"the callback {name_of(callback)} changes its attributes, which a checkpoint cannot keep: a run "
                    "that goes on begins without them. Define state_dict() and load_state_dict()"
                )
        self._memories = []

    def _finish(self) -> None:
        """What callbacks do when training has ended. A run without an epoch leaves the model as it was."""
        plan, history = self.plan, self.history
        state = TrainingState(len(history), plan.epochs, plan.model, plan.optimizer, history, history.stopped)
        for callback in plan.callbacks if len(history) else ():
            if hasattr(callback, "finish"):
                callback.finish(state)

    def _step(self, X: Array, y: Array, epoch: int, number: int) -> float:
        """One step, completely or not at all."""
        try:
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # the step checks for it
                return self.step.take(X, y)
        except NotFinite as error:
            message = (
                f"fit: {error.what} in epoch {epoch}, batch {number} of {self.plan.steps}; "
                "the model is as it was before that step. "
            )
        if not self.plan.detect_anomaly:
            message += "What helps: a lower learning rate, clip_norm, or detect_anomaly=True, which names the operation"
        else:
            message += self._anomaly(X, y)
        raise FloatingPointError(message)

    def _anomaly(self, X: Array, y: Array) -> str:
        """Compute the batch again without compiling, and say which operation first makes a nan or an infinity."""
        plan = self.plan
        self.step.write_back()
        try:
            with ag.detect_anomaly():
                EagerStep(plan.model, plan.loss, plan.optimizer, plan.penalty).compute(X, y)
        except ag.AnomalyError as error:
            return str(error)
        return (
            "No operation made one when the batch was computed again. It came from the optimizer's step, or from "
            "random numbers in the model"
        )

    def state(self) -> dict[str, Any]:
        """Everything needed to resume after the last finished epoch."""
        plan = self.plan
        return {
            "settings": plan.settings(),
            "rates": self.rates,
            "history": asdict(self.history),
            "model": plan.model.state_dict(),
            "optimizer": plan.optimizer.state_dict(),
            "schedule": None if plan.schedule is None else plan.schedule.state_dict(),
            "callbacks": [c.state_dict() if hasattr(c, "state_dict") else None for c in plan.callbacks],
            "generators": [rng.bit_generator.state for rng in generators(plan.model)],
        }

    def resume(self, saved: dict[str, Any], where: str) -> None:
        """Go on from a saved state.

        Raises:
            ValueError: if it is the state of another run. Then nothing changes.
            RuntimeError: if its model has another architecture. Then nothing changes.
        """
        before = self.state()
        try:
            self.plan.model.load_state_dict(saved["model"])
            self._check_settings(saved, where)
            self._set(saved)
        except BaseException:
            self.plan.model.load_state_dict(before["model"])
            self._set(before)
            raise

    def _check_settings(self, saved: dict[str, Any], where: str) -> None:
        plan, finished = self.plan, len(saved["history"]["loss"])
        differ = differences(saved["settings"], plan.settings())
        now = [group["options"].get("lr") for group in saved["optimizer"]["groups"]]
        if self.rates != saved["rates"] and (plan.schedule is not None or self.rates != now):
            differ.append(f"lr: {saved['rates']} at first and now {now} in the checkpoint, {self.rates} given")
        if finished > plan.epochs:
            differ.append(f"epochs: {finished} finished in the checkpoint, {plan.epochs} given")
        if differ:
            raise ValueError(
                f"{where} is the checkpoint of another run: {summarize(differ, '; ')}. "
                "Call fit with the arguments of that run, or choose another directory"
            )

    def _set(self, state: dict[str, Any]) -> None:
        """Load all but the model's state, which is loaded first because its error says best what does not fit."""
        plan = self.plan
        if plan.schedule is not None:
            plan.schedule.load_state_dict(state["schedule"])
        for callback, memory in zip(plan.callbacks, state["callbacks"]):
            if memory is not None:
                callback.load_state_dict(memory)  # type: ignore[attr-defined]
        plan.optimizer.load_state_dict(state["optimizer"])
        for rng, numbers in zip(generators(plan.model), state["generators"]):
            rng.bit_generator.state = numbers
        self.history, self.rates = History(**state["history"]), state["rates"]
