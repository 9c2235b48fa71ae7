"""The directory of a checkpoint belongs to one run; states of any form come back from it, or are refused."""

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import resumable

import nn
from nn.packing import equal
from nn.training.checkpoint import Checkpoint

pytestmark = pytest.mark.once


def bits(model: nn.Module) -> dict[str, bytes]:
    return {name: x.tobytes() for name, x in model.state_dict().items()}


def test_a_second_run_in_the_same_directory_is_refused_and_harms_nothing(tmp_path: Path) -> None:
    refused = []

    def start_another(state: nn.TrainingState) -> None:
        if state.epoch == 2:  # by then there is a checkpoint
            part = tmp_path / ".checkpoint.safetensors.1.part"  # as if the first run were writing it now
            part.write_bytes(b"")
            for resume in (False, True):
                with pytest.raises(BlockingIOError, match="another run is using this directory now") as error:
                    resumable.run(tmp_path, 4, resume=resume)
                refused.append(error.value.filename)
            Checkpoint(tmp_path).read()
            assert part.exists()

    model, _ = resumable.run(tmp_path, 4, callbacks=[start_another])
    assert refused == [str(tmp_path)] * 2
    assert bits(resumable.run(tmp_path, 4, callbacks=[start_another], resume=True)[0]) == bits(model)


def test_a_run_that_was_saved_in_the_meantime_is_not_overwritten(tmp_path: Path) -> None:
    directory, first = tmp_path / "run", Checkpoint(tmp_path / "run")
    with first:  # the directory is not there yet
        resumable.run(directory, 1)
        with pytest.raises(FileExistsError, match="another run has just been saved"):
            first.make()
    resumable.run(directory, 1, resume=True)


class Forgetful(nn.Optimizer):
    """An optimizer whose only state has the name by which checkpoints once marked arrays."""

    def __init__(self, parameters: Any) -> None:
        super().__init__(parameters, lr=0.1)

    def update(self, group: Any, data: Any, grad: Any) -> Any:
        group.state["array"] = 0.9 * group.remember("array") + grad
        return data - group.options["lr"] * group.state["array"]


class Keeper:
    """A callback that remembers what it is given, in a form that changes from epoch to epoch."""

    def __init__(self, make: Any) -> None:
        self.make, self.kept = make, make(0)

    def __call__(self, state: nn.TrainingState) -> None:
        self.kept = self.make(state.epoch)

    def state_dict(self) -> Any:
        return self.kept

    def load_state_dict(self, state: Any) -> None:
        self.kept = state


@pytest.mark.parametrize(
    "make",
    [
        lambda epoch: {"array": epoch},
        lambda epoch: {"a/b": np.zeros(2), "a": {"b": np.full(2, epoch)}},
        lambda epoch: {1: epoch, "1": -epoch},
        lambda epoch: (np.arange(4.0 + epoch)[::-1], np.arange(6.0).reshape(2, 3).T, np.arange(2, dtype=">f8")),
        lambda epoch: {"\ud800": [None, float("nan"), 2**200 + epoch]},
    ],
)
def test_states_of_any_form_come_back(tmp_path: Path, make: Any) -> None:
    def run(epochs: int, resume: bool) -> tuple[Keeper, dict[str, bytes]]:
        model, keeper = nn.MLP(2, [1], seed=0), Keeper(make)
        nn.fit(
            model, resumable.X, resumable.y, nn.hinge, Forgetful(model.parameters()), epochs, seed=0,
            callbacks=[keeper], checkpoint=tmp_path, resume=resume, compiled=False,
        )  # fmt: skip
        return keeper, bits(model)

    keeper, weights = run(3, False)
    found, same = run(3, True)
    assert equal(found.kept, keeper.kept)
    assert same == weights


def test_a_state_that_cannot_be_kept_stops_before_anything_changes(tmp_path: Path) -> None:
    model = nn.MLP(2, [1], seed=0)
    before = bits(model)
    with pytest.raises(TypeError, match=r"got state\['callbacks'\]\[0\] = .*set"):
        nn.fit(
            model, resumable.X, resumable.y, nn.hinge, nn.SGD(model.parameters()), 2, seed=0,
            callbacks=[Keeper(lambda epoch: {epoch})], checkpoint=tmp_path / "run", compiled=False,
        )  # fmt: skip
    assert bits(model) == before
    assert not (tmp_path / "run").exists()


def test_a_disk_that_gives_back_other_numbers_is_noticed_at_the_first_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Checkpoint, "read", lambda self: {})
    with pytest.raises(OSError, match="was written, but other numbers are read from it"):
        resumable.run(tmp_path, 1)


SEEN: list[float] = []
SCALE = [1.0]


class Logged:
    """A loss that keeps a log."""

    def __init__(self) -> None:
        self.log: list[float] = []

    def __call__(self, output: Any, target: Any) -> Any:
        self.log.append(output.data)
        return scaled(SCALE[0], output, target)


def logged_globally(output: Any, target: Any) -> Any:
    SEEN.append(output.data)
    return scaled(SCALE[0], output, target)


@pytest.mark.parametrize("loss", [Logged(), logged_globally])
def test_a_loss_that_keeps_a_log_is_resumed_in_the_same_session(
    tmp_path: Path, loss: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(epochs: int, resume: bool) -> int:
        model = nn.MLP(2, [1], seed=0)
        optimizer = nn.SGD(model.parameters())
        return len(
            nn.fit(
                model, resumable.X, resumable.y, loss, optimizer, epochs, seed=0,
                checkpoint=tmp_path, resume=resume, compiled=False,
            )
        )  # fmt: skip

    run(1, False)
    assert run(2, True) == 2
    monkeypatch.setitem(globals(), "SCALE", [2.0])
    with pytest.raises(ValueError, match="' with another value of the global SCALE in the checkpoint"):
        run(3, True)


@pytest.mark.parametrize(
    "argument",
    [
        lambda k: {"penalty": lambda m: k * m.parameters()[0] ** 2},
        lambda k: {"metric": lambda outputs, targets: k},
        lambda k: {"loss": functools.partial(scaled, k)},
        lambda k: {"make": type("Mine", (nn.SGD,), {"rate": k})},
    ],
)
def test_another_function_of_the_same_name_is_refused(tmp_path: Path, argument: Any) -> None:
    def run(k: float, resume: bool) -> None:
        model = nn.MLP(2, [1], seed=0)
        given = {"loss": nn.hinge, "make": nn.SGD, **argument(k)}
        optimizer = given.pop("make")(model.parameters())
        nn.fit(
            model, resumable.X, resumable.y, given.pop("loss"), optimizer, 2, seed=0,
            checkpoint=tmp_path, resume=resume, compiled=False, **given,
        )  # fmt: skip

    run(0.1, False)
    run(0.1, True)
    with pytest.raises(ValueError, match=r"with (another value of the closure k|other code or numbers in it) in the"):
        run(0.2, True)


def scaled(k: float, output: Any, target: Any) -> Any:
    return k * nn.hinge(output, target)
