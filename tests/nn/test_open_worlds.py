"""Optimizers, schedules, layers and losses that users write: they work as nn's own do."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import autograd as ag
import nn
from autograd import Value
from nn.optim.schedules import Schedule, Scheduler

RNG = np.random.default_rng(3)
X = RNG.normal(size=(12, 2))
Y = np.sign(X[:, 0] * X[:, 1])


class RMSNorm(nn.Module):
    """A norm that declares what LayerNorm does."""

    follows = True

    def __init__(self, n: int) -> None:
        self.scale = [Value(1.0) for _ in range(n)]

    def __call__(self, x: Sequence[Any]) -> Any:
        size = ag.sqrt(ag.dot(x, x) / len(x) + 1e-8)
        return [v / size * s for v, s in zip(x, self.scale)]


class Centre(nn.Module):
    """A batch norm without statistics: each number minus its mean over the batch."""

    follows = True
    smallest_batch = 3

    def __init__(self, n: int = 0) -> None:
        self.offset = Value(0.0)

    def __call__(self, x: Any) -> Any:
        if self.training:
            raise RuntimeError("needs the batch")
        return [v + self.offset for v in x]

    def batch(self, xs: Any) -> list[Any]:
        if not self.training:
            return super().batch(xs)
        means = [ag.mean(list(column)) for column in zip(*xs)]
        return [[v - m + self.offset for v, m in zip(x, means)] for x in xs]


class Twice(nn.Module):
    """A block that declares what Residual does."""

    is_one_block = True

    def __init__(self, first: nn.Module, second: nn.Module) -> None:
        self.first, self.second = first, second

    def __call__(self, x: Any) -> Any:
        return self.second(self.first(x))


class Columns(nn.Module):
    """A user's layer of neurons, and a single neuron, which is a layer too."""

    def __init__(self) -> None:
        self.neurons = [nn.Neuron(2, "tanh", seed=k) for k in range(3)]
        self.norm = RMSNorm(3)
        self.last = nn.Neuron(3, "linear", seed=5)

    def __call__(self, x: Any) -> Any:
        return self.last(self.norm([neuron(x) for neuron in self.neurons]))


def around(norm: nn.Module) -> nn.Sequential:
    return nn.Sequential(
        nn.Layer(2, 3, "linear", seed=0), norm, nn.Activation("tanh"), nn.Layer(3, 1, "linear", seed=1)
    )


@pytest.mark.parametrize("norm", [nn.LayerNorm, RMSNorm])
def test_a_norm_is_in_the_row_of_its_layer(norm: Any) -> None:
    flow = nn.gradient_flow(around(norm(3)), X, Y, nn.mse)
    assert [row.layer for row in flow.layers] == ["layers.0", "layers.3"]


def test_a_block_is_one_row() -> None:
    block = Twice(nn.Layer(2, 3, "tanh", seed=0), nn.Layer(3, 2, "tanh", seed=1))
    flow = nn.gradient_flow(nn.Sequential(block, nn.Layer(2, 1, "linear", seed=2)), X, Y, nn.mse)
    assert [row.layer for row in flow.layers] == ["layers.0", "layers.1"]


def test_layers_that_are_not_ours_are_drawn() -> None:
    model = Columns()
    source = nn.draw(model, [1.0, -2.0]).source
    assert "<B>columns</B><BR/>3 tanh\nRMSNorm" in source.replace("<BR/>RMSNorm", "\nRMSNorm")
    assert "<B>last</B><BR/>1 linear" in source
    assert source.count("--") == 2 * 3 + 3


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize(
    ("kind", "batch_size", "message"),
    [
        (nn.BatchNorm, 11, "would have 1 example, but BatchNorm needs 2: there are 12 examples, in batches of 11"),
        (nn.BatchNorm, 1, "would have 1 example, but BatchNorm needs 2"),
        (Centre, 10, "would have 2 examples, but Centre needs 3"),
    ],
)
def test_a_last_batch_that_is_too_small_is_refused(kind: Any, batch_size: int, message: str, compiled: bool) -> None:
    model = around(kind(3))
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    with pytest.raises(ValueError, match=message):
        nn.fit(model, X, Y, nn.mse, optimizer, 1, batch_size=batch_size, compiled=compiled)
    assert optimizer.groups[0].steps == 0


def test_a_users_batch_norm_is_compiled_over_the_batch() -> None:
    def losses(compiled: bool) -> list[float]:
        model = around(Centre())
        return nn.fit(
            model, X, Y, nn.mse, nn.Adam(model.parameters(), lr=0.05), 5, batch_size=6, seed=0, compiled=compiled
        ).loss

    assert losses(True) == pytest.approx(losses(False), rel=1e-10)


def test_an_mlp_takes_a_users_norm() -> None:
    model = nn.MLP(2, [3, 1], norm=RMSNorm, seed=0)
    assert [type(layer) for layer in model.layers[0].layers] == [nn.Layer, RMSNorm, nn.Activation]
    for a, b in zip(model.layers[0].layers[0].parameters(), nn.MLP(2, [3, 1], norm="layer", seed=0).parameters()):
        assert a.data == b.data


class Lambda(Schedule):
    """A factor by a function, with a tuple among the settings."""

    def __init__(self, optimizer: nn.Optimizer, function: Any, milestones: Any = (1, 2)) -> None:
        self.function, self.milestones = function, milestones
        super().__init__(optimizer)

    def factor(self, steps: int) -> float:
        return float(self.function(steps))


class Watching(Scheduler):
    """A scheduler that is neither a Schedule nor ReduceLROnPlateau: it halves the rate when what it watches rises."""

    moving = ("seen",)

    def __init__(self, optimizer: nn.Optimizer, watches: Any) -> None:
        super().__init__(optimizer)
        self.watches, self.seen = watches, []

    def step(self, *numbers: float) -> None:  # type: ignore[override]
        self.seen.append(list(numbers))
        self.optimizer.lr /= 2


def half(steps: int) -> float:
    return 0.5**steps


def third(steps: int) -> float:
    return 0.3**steps


@pytest.mark.parametrize("watches", ["", "loss", "metric"])
@pytest.mark.parametrize("validation", [None, 0.25])
def test_a_scheduler_gets_what_it_watches(watches: str, validation: Any) -> None:
    model = nn.MLP(2, [3, 1], seed=0)
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    schedule = Watching(optimizer, watches)
    history = nn.fit(
        model, X, Y, nn.mse, optimizer, 3, schedule=schedule, metric="accuracy", validation=validation, seed=0
    )
    wanted = {"": [], "loss": history.validation_loss or history.loss, "metric": history.metric}[watches]
    assert schedule.seen == ([[x] for x in wanted] if watches else [[], [], []])
    assert history.lr == [0.1, 0.05, 0.025]


@pytest.mark.parametrize(
    ("watches", "message"),
    [("metric", "metric must be given if the schedule, Watching, watches it"), ("lr", "must be '', 'loss'")],
)
def test_a_scheduler_that_cannot_watch_is_named(watches: str, message: str) -> None:
    model = nn.MLP(2, [1], seed=0)
    optimizer = nn.SGD(model.parameters())
    with pytest.raises(ValueError, match=message):
        nn.fit(model, X, Y, nn.mse, optimizer, 1, schedule=Watching(optimizer, watches))


# All of it, in a run that goes on


class Decay(nn.Optimizer):
    """Options of every kind that needs no check, and one with a check."""

    options: ClassVar[Any] = {"mode": lambda x, name: str(x)}

    def __init__(self, parameters: Any, lr: float = 0.1, betas: Any = (0.5, 0.2), flag: bool = True, mode: str = "a"):
        super().__init__(parameters, lr=lr, betas=betas, flag=flag, mode=mode)

    @nn.elementwise
    def update(self, group: Any, data: Any, grad: Any) -> Any:
        o = group.options
        mean = o["betas"][0] * group.remember("mean") + o["betas"][1] * grad
        group.state["mean"] = mean
        step = o["lr"] * mean * (2.0 if o["mode"] == "b" else 1.0)
        return data - step if group.uses("flag") else data + step


def absolute(output: Any, target: Any) -> Any:
    return ag.abs(output - target)


def run(path: Path | None, epochs: int, compiled: bool = True, **change: Any) -> Any:
    model = nn.Sequential(nn.Layer(2, 3, "linear", seed=0), RMSNorm(3), Centre(), nn.Layer(3, 1, "linear", seed=1))
    optimizer = Decay(model.parameters(), **{k: x for k, x in change.items() if k in ("betas", "flag", "mode")})
    schedule = Lambda(optimizer, change.get("function", half), change.get("milestones", (1, 2)))
    history = nn.fit(
        model, X, Y, change.get("loss", absolute), optimizer, epochs,
        schedule=schedule, seed=0, batch_size=6, compiled=compiled, checkpoint=path, resume=path is not None,
    )  # fmt: skip
    return history.loss, [p.data for p in model.parameters()], optimizer.state_dict()["groups"][0]["options"]


@pytest.mark.parametrize("compiled", [True, False])
def test_a_run_of_users_parts_goes_on_to_the_same_bits(compiled: bool, tmp_path: Path) -> None:
    run(tmp_path / "run", 2, compiled)
    assert run(tmp_path / "run", 4, compiled) == run(None, 4, compiled)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"betas": (0.5, 0.3)}, "optimizer options: "),
        ({"flag": False}, "optimizer options: "),
        ({"mode": "b"}, "optimizer options: "),
        ({"function": third}, "Lambda: the state must be of a schedule with function='third', got 'half'"),
        ({"milestones": (1, 3)}, r"Lambda: the state must be of a schedule with milestones=\[1, 3\], got \[1, 2\]"),
        ({"loss": nn.mse}, "loss: 'absolute' in the checkpoint, 'mse' given"),
    ],
)
def test_other_settings_of_users_parts_are_named(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    run(tmp_path / "run", 1)
    with pytest.raises(ValueError, match=message):
        run(tmp_path / "run", 2, **change)


def test_users_parts_are_shown_and_saved() -> None:
    optimizer = Decay([Value(0.0)], mode="b")
    assert repr(optimizer) == (
        "Decay (\nParameter Group 0: 1 parameter\n    lr: 0.1\n    betas: (0.5, 0.2)\n    flag: True\n    mode: b\n)"
    )
    other = Decay([Value(0.0)])
    other.load_state_dict(optimizer.state_dict())
    assert other.groups[0].options == optimizer.groups[0].options
    assert repr(RMSNorm(2)) == "RMSNorm(2 parameters)"
