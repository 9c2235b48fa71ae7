"""Updates of optimizers in machine code: their numbers are those of the updates; a step is complete or not taken."""

import copy
from typing import Any

import numpy as np
import pytest
from updates import Whole, X, all_of, network, run, same, weights, y

import nn
from autograd import Value
from nn.training.compiled.compile_step import CompiledStep
from nn.training.compiled.compiled_update import CompiledUpdate
from nn.training.step import EagerStep, NotFinite

OPTIMIZERS: list[Any] = [
    lambda ps: nn.SGD(ps, lr=0.1),
    lambda ps: nn.SGD(ps, lr=0.1, momentum=0.9, weight_decay=0.01),
    lambda ps: nn.SGD(ps, lr=0.1, momentum=0.9, nesterov=True),
    lambda ps: nn.Adam(ps, lr=0.01),
    lambda ps: nn.Adam(ps, lr=0.01, betas=(0.0, 0.99), weight_decay=0.01),
    lambda ps: nn.AdamW(ps, lr=0.01, weight_decay=0.1),
    lambda ps: nn.RMSprop(ps, lr=0.01),
    lambda ps: nn.RMSprop(ps, lr=0.01, momentum=0.5, centered=True, weight_decay=0.01),
    lambda ps: nn.Adagrad(ps, lr=0.1, lr_decay=0.1, initial_accumulator_value=0.5),
]


@pytest.mark.parametrize("make", OPTIMIZERS)
def test_each_optimizer_is_compiled_to_what_it_does(make: Any) -> None:
    assert getattr(make(network().parameters()).update, "elementwise", False)
    same(make)


def test_options_may_change_at_each_step() -> None:
    def change(step: int, optimizer: nn.Optimizer) -> None:
        optimizer.lr = 0.1 / (1 + step) if step % 4 else 0.0
        optimizer.groups[0].options["momentum"] = 0.0 if 5 <= step < 8 else 0.5 + step / 100

    same(lambda ps: nn.SGD(ps, momentum=0.5), change)


def test_what_is_on_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    begin = CompiledUpdate.__init__
    monkeypatch.setattr(CompiledUpdate, "__init__", lambda *args: (made.append(1), begin(*args))[1])

    def change(step: int, optimizer: nn.Optimizer) -> None:
        optimizer.lr = 0.1 * (step % 3)

    run(CompiledStep, OPTIMIZERS[1], change)
    assert len(made) == 2


def test_groups_have_their_own_options_and_states() -> None:
    def make(parameters: list[Value]) -> nn.Optimizer:
        return nn.Adam(
            [{"params": parameters[:5], "lr": 0.1}, {"params": parameters[5:], "weight_decay": 0.1}], lr=0.02
        )

    same(make)


def test_a_state_that_is_loaded_is_gone_on_from() -> None:
    kept: list[Any] = []

    def change(step: int, optimizer: nn.Optimizer) -> None:
        if step == 3:
            kept.append(optimizer.state_dict())
        if step == 8:
            optimizer.load_state_dict(kept.pop())
        if step == 10:
            optimizer.groups[0].state["mean"] = np.linspace(-1.0, 1.0, len(optimizer.parameters))
        if step == 11:
            optimizer.groups[0].state.clear()

    same(OPTIMIZERS[3], change)


def test_what_was_saved_stays_as_it_was() -> None:
    model = network()
    optimizer = nn.Adam(model.parameters())
    with CompiledStep(model, nn.mse, optimizer) as step:
        step(X, y)
        saved = optimizer.state_dict()
        before = copy.deepcopy(saved)
        step(X, y)
    for name, x in saved["groups"][0]["state"].items():
        assert (x == before["groups"][0]["state"][name]).all()


def test_two_steps_may_share_an_optimizer() -> None:
    models = [network() for _ in range(2)]
    optimizers = [OPTIMIZERS[3](model.parameters()) for model in models]
    steps = [CompiledStep(models[0], nn.mse, optimizers[0]), EagerStep(models[0], nn.mse, optimizers[0])]
    steps.append(CompiledStep(models[0], nn.mse, optimizers[0]))
    alone = EagerStep(models[1], nn.mse, optimizers[1])
    for k in range(12):
        assert steps[k % 3](X, y) == pytest.approx(alone(X, y), rel=1e-11)
    np.testing.assert_allclose(weights(models[0]), weights(models[1]), rtol=1e-9)
    assert optimizers[0].groups[0].steps == 12


def test_groups_that_are_replaced_are_noticed() -> None:
    def change(step: int, optimizer: nn.Optimizer) -> None:
        if step in (4, 5, 6):
            optimizer.groups[0] = nn.Group(optimizer.parameters, {**optimizer.groups[0].options, "lr": 0.001 * step})

    same(OPTIMIZERS[1], change)


def test_loading_again_and_again_keeps_no_code() -> None:
    model = network()
    optimizer = nn.Adam(model.parameters())
    with CompiledStep(model, nn.mse, optimizer) as step:
        for _ in range(5):
            step(X, y)
            optimizer.load_state_dict(optimizer.state_dict())
        assert len(step._known) == 1


def test_a_step_is_copied_without_its_code() -> None:
    model = network()
    step = CompiledStep(model, nn.mse, nn.Adam(model.parameters()))
    step(X, y)
    other = copy.deepcopy(step)
    assert other(X, y) == step(X, y)
    assert weights(other.model) == weights(model)
    assert other.model is not model


def test_options_set_by_hand_are_checked() -> None:
    def change(step: int, optimizer: nn.Optimizer) -> None:
        optimizer.groups[0].options["lr"] = "0.1" if step == 3 else 0.1

    with pytest.raises(TypeError, match=r"the learning rate lr must be a finite number .*, got '0.1'"):
        run(CompiledStep, OPTIMIZERS[1], change)


@pytest.mark.parametrize("kind", [CompiledStep, EagerStep])
@pytest.mark.parametrize("norm", [None, "batch"])
@pytest.mark.parametrize("make", [lambda ps: nn.SGD(ps, momentum=0.5), lambda ps: Whole(ps)])
@pytest.mark.parametrize("taken", [0, 2])
def test_a_step_that_makes_parameters_infinite_is_not_taken(kind: Any, norm: Any, make: Any, taken: int) -> None:
    model = nn.MLP(3, [4, 1], "tanh", norm=norm, seed=1)
    step = kind(model, nn.mse, make(model.parameters()))
    for _ in range(taken):
        step(X, y)
    before = all_of(step)
    step.optimizer.lr = 1e308
    with np.errstate(all="ignore"), pytest.raises(NotFinite, match="the step makes parameters infinite or nan"):
        step(X, np.full(20, 100.0))  # a gradient of 200, and 2e310 is infinite
    assert all_of(step) == before


@pytest.mark.parametrize("norm", [None, "batch"])
def test_an_interrupt_leaves_parameters_and_optimizer_at_the_same_step(
    monkeypatch: pytest.MonkeyPatch, norm: str | None
) -> None:
    def reached(steps: int, interrupted: bool) -> Any:
        model = nn.MLP(3, [4, 1], "tanh", norm=norm, seed=1)
        step = CompiledStep(model, nn.mse, nn.Adam(model.parameters()))
        with step:
            for _ in range(steps):
                step(X, y)
            if interrupted:
                with monkeypatch.context() as patched:
                    patched.setattr(CompiledUpdate, "end", interrupt_once(patched, CompiledUpdate.end))
                    with pytest.raises(KeyboardInterrupt):
                        step(X, y)
        return all_of(step)

    def interrupt_once(patched: Any, end: Any) -> Any:
        def stop(update: CompiledUpdate) -> None:
            patched.setattr(CompiledUpdate, "end", end)
            raise KeyboardInterrupt

        return stop

    for steps in (0, 3):
        assert reached(steps, True) == reached(steps + 1, False)
