"""Updates of optimizers in machine code: their numbers are those of the updates; a step is complete or not taken."""

import copy
from typing import Any

import numpy as np
import pytest

import nn
from autograd import Value
from autograd.jit import TracingError
from nn.training.compiled.compile_step import CompiledStep
from nn.training.compiled.compiled_update import CompiledUpdate
from nn.training.step import EagerStep, NotFinite, Step

RNG = np.random.default_rng(0)
X, y = RNG.normal(size=(20, 3)), RNG.choice([-1.0, 1.0], 20)

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


def network() -> nn.MLP:
    return nn.MLP(3, [4, 1], "tanh", seed=1)


def run(
    kind: type[Step], make: Any, change: Any = lambda step, optimizer: None, steps: int = 12, norm: Any = None
) -> Any:
    """The losses, and the model and the optimizer in the end."""
    model = nn.MLP(3, [4, 1], "tanh", norm=norm, bias=norm is None, seed=1)
    optimizer = make(model.parameters())
    losses = []
    with kind(model, nn.mse, optimizer) as step:
        for k in range(steps):
            change(k, optimizer)
            losses.append(step(X, y))
    return losses, model, optimizer


def same(make: Any, change: Any = lambda step, optimizer: None, norm: Any = None) -> None:
    losses, model, optimizer = run(CompiledStep, make, change, norm=norm)
    wanted, other, reference = run(EagerStep, make, change, norm=norm)
    for name, x in other.state_dict().items():  # buffers, too
        np.testing.assert_allclose(model.state_dict()[name], x, rtol=1e-8, atol=1e-13)
    np.testing.assert_allclose(losses, wanted, rtol=1e-11)
    np.testing.assert_allclose(weights(model), weights(other), rtol=1e-9, atol=1e-14)
    for group, expected in zip(optimizer.groups, reference.groups):
        assert group.steps == expected.steps
        assert group.state.keys() == expected.state.keys()
        for name in group.state:
            np.testing.assert_allclose(group.state[name], expected.state[name], rtol=1e-9, atol=1e-14)


def weights(model: nn.Module) -> list[float]:
    return [p.data for p in model.parameters()]


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


class Heavy(nn.Optimizer):
    """A user's update, by the tanh of a running mean."""

    def __init__(self, parameters: Any, lr: float = 0.01, share: float = 0.5, alpha: float = 0.9) -> None:
        super().__init__(parameters, lr=lr, share=share, alpha=alpha)

    @nn.elementwise
    def update(self, group: Any, data: Any, grad: Any) -> Any:
        o = group.options
        group.state["mean"] = mean = o["alpha"] * group.remember("mean", 1.0) + (1 - o["alpha"]) * grad
        step = o["lr"] * np.tanh(mean / (1 + group.steps))
        return data - (step if not group.uses("share") else o["share"] * step)


def test_a_users_update_is_compiled_if_it_is_marked() -> None:
    same(Heavy)


class Whole(Heavy):
    """One that looks at all parameters together, and so is not marked."""

    def update(self, group: Any, data: Any, grad: Any) -> Any:
        data -= group.options["lr"] * grad / np.linalg.norm(grad)  # in place: what it is lent is its own
        mean = group.remember("mean")
        mean += 1.0
        return data


def test_an_update_that_overrides_a_marked_one_is_called_as_it_is() -> None:
    assert not hasattr(Whole(network().parameters()).update, "elementwise")
    same(Whole)
    same(Whole, norm="batch")
    same(OPTIMIZERS[3], norm="batch")


def test_a_users_update_all_is_called() -> None:
    class Projected(nn.SGD):
        def update_all(self, data: Any, grad: Any) -> Any:
            return np.maximum(super().update_all(data, grad), 0.0)

    same(lambda ps: Projected(ps, lr=0.1))


def test_what_an_update_reads_of_its_optimizer_is_not_frozen_silently() -> None:
    class Reading(Heavy):
        @nn.elementwise
        def update(self, group: Any, data: Any, grad: Any) -> Any:
            return data - self.lr * grad

    with pytest.raises(TracingError, match=r"test_compiled_update.*Or leave nn.elementwise off; then the update is"):
        run(CompiledStep, Reading)


def test_a_state_starts_where_the_options_say() -> None:
    class Growing(Heavy):
        @nn.elementwise
        def update(self, group: Any, data: Any, grad: Any) -> Any:
            group.state["size"] = size = 1.1 * group.remember("size", group.options["lr"])
            return data - size * grad + 0.0 * group.remember("size", 7.0)

    same(lambda ps: Growing(ps, lr=0.1), lambda step, optimizer: optimizer.groups[0].options.update(lr=0.01))

    class Averaging(Heavy):
        @nn.elementwise
        def update(self, group: Any, data: Any, grad: Any) -> Any:
            return data - group.remember("average", data)

    with pytest.raises(TypeError, match="the start of the state 'average' of an elementwise update must be one number"):
        run(CompiledStep, Averaging)


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


def test_an_update_that_fails_to_compile_leaves_no_half_chosen_step() -> None:
    class Sometimes(Heavy):
        @nn.elementwise
        def update(self, group: Any, data: Any, grad: Any) -> Any:
            if group.uses("share") and group.options["share"] > 0.5:
                return data
            return data - group.options["lr"] * grad

    model = network()
    optimizer = Sometimes(model.parameters(), lr=0.1, share=0.0)
    with CompiledStep(model, nn.mse, optimizer) as step:
        step(X, y)
        optimizer.groups[0].options["share"] = 1.0
        before = all_of(step)
        for _ in range(2):
            with pytest.raises(TracingError):
                step(X, y)
        assert all_of(step) == before
        optimizer.groups[0].options["share"] = 0.0
        step(X, y)


def test_a_step_is_copied_without_its_code() -> None:
    model = network()
    step = CompiledStep(model, nn.mse, nn.Adam(model.parameters()))
    step(X, y)
    other = copy.deepcopy(step)
    assert other(X, y) == step(X, y)
    assert weights(other.model) == weights(model)
    assert other.model is not model


class Branching(Heavy):
    @nn.elementwise
    def update(self, group: Any, data: Any, grad: Any) -> Any:
        return data - 0.1 if group.options["lr"] > 0.005 else data


class Hiding(Heavy):
    @nn.elementwise
    def update(self, group: Any, data: Any, grad: Any) -> Any:
        group.state["last"] = grad
        return data - grad


class InPlace(Heavy):
    @nn.elementwise
    def update(self, group: Any, data: Any, grad: Any) -> Any:
        mean = group.remember("mean")
        mean *= 0.9
        mean += grad
        return data - 0.01 * mean


class Centred(Heavy):
    @nn.elementwise
    def update(self, group: Any, data: Any, grad: Any) -> Any:
        return data - 0.01 * (grad - np.mean(grad))


class Counting(Heavy):
    count = 0

    @nn.elementwise
    def update(self, group: Any, data: Any, grad: Any) -> Any:
        self.count += 1
        return data - 0.01 * grad / self.count


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (Branching, TracingError, "test_compiled_update"),
        (
            Hiding,
            TypeError,
            r"Hiding.update is marked elementwise, but it keeps \['last'\] without reading it by group.remember",
        ),
        (
            InPlace,
            TypeError,
            r"it changes a state in place. Write group.state\[name\] = new instead. See help\(nn.elementwise\)",
        ),
        (Centred, TypeError, "what it computes for a parameter depends on the others"),
        (Counting, TypeError, "it changes its optimizer or options. Keep numbers that change in group.state"),
    ],
)
def test_what_is_not_elementwise_is_refused(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        run(CompiledStep, make)


class Lion(nn.Optimizer):
    """X. Chen and others, Symbolic discovery of optimization algorithms, arXiv:2302.06675."""

    def __init__(self, parameters: Any, lr: float = 1e-3, betas: Any = (0.9, 0.99), most: float = 1.0) -> None:
        super().__init__(parameters, lr=lr, betas=betas, most=most)

    @nn.elementwise
    def update(self, group: Any, data: Any, grad: Any) -> Any:
        o, mean = group.options, group.remember("mean")
        step = np.sign(o["betas"][0] * mean + (1 - o["betas"][0]) * grad)
        group.state["mean"] = o["betas"][1] * mean + (1 - o["betas"][1]) * grad
        moved = data - o["lr"] * step
        return np.minimum(np.maximum(moved, -o["most"]), o["most"])


def test_an_update_may_use_sign_maximum_and_minimum_of_numpy() -> None:
    same(Lion)
    same(lambda ps: Lion(ps, lr=0.1, most=0.5))


@pytest.mark.parametrize("kind", [CompiledStep, EagerStep])
@pytest.mark.parametrize("result", [None, 1.0, np.zeros(3)])
def test_an_update_that_returns_something_else_is_refused(kind: Any, result: Any) -> None:
    class Wrong(Heavy):
        def update(self, group: Any, data: Any, grad: Any) -> Any:
            return result

    with pytest.raises(TypeError, match=r"Wrong.update must return the new numbers .* an array of shape \(21,\), got"):
        run(kind, Wrong)
    with pytest.raises(NotImplementedError, match=r"Optimizer has no update. Define update\(self, group, data, grad\)"):
        run(kind, lambda ps: nn.Optimizer(ps, lr=0.1))


def test_only_an_update_is_marked() -> None:
    with pytest.raises(TypeError, match="elementwise: update must be a method of an Optimizer, got"):
        nn.elementwise(3)  # type: ignore[type-var]


def test_options_set_by_hand_are_checked() -> None:
    def change(step: int, optimizer: nn.Optimizer) -> None:
        optimizer.groups[0].options["lr"] = "0.1" if step == 3 else 0.1

    with pytest.raises(TypeError, match=r"the learning rate lr must be a finite number .*, got '0.1'"):
        run(CompiledStep, OPTIMIZERS[1], change)


def all_of(step: Step) -> Any:
    groups = [(g.steps, {name: x.tolist() for name, x in g.state.items()}) for g in step.optimizer.groups]
    return weights(step.model), step.flat.tolist(), step.buffers.tolist(), groups


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


def test_the_update_of_the_documentation() -> None:
    class Rprop(nn.Optimizer):
        def __init__(self, parameters: Any, lr: float = 0.01) -> None:
            super().__init__(parameters, lr=lr)

        @nn.elementwise
        def update(self, group: Any, data: Any, grad: Any) -> Any:
            agree = grad * group.remember("grad")
            factor = 1.2 * (agree > 0) + 0.5 * (agree < 0) + (agree == 0)
            group.state["rate"] = rate = np.minimum(group.remember("rate", 1.0) * factor, 50.0)
            group.state["grad"] = grad * (agree >= 0)
            return data - group.options["lr"] * rate * np.sign(grad)

    same(Rprop)
