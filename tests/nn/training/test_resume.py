"""Checkpoints of fit: a run that was cut off anywhere ends with the same bits; files of other runs are refused."""

import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import resumable

import nn
from nn.training.checkpoint import Checkpoint

WITHOUT_TIME = ("loss", "validation_loss", "accuracy", "lr")


def bits(model: nn.Module) -> dict[str, bytes]:
    return {name: x.tobytes() for name, x in model.state_dict().items()}


def curves(history: nn.History) -> dict[str, list[float]]:
    return {name: column for name, column in history.to_dict().items() if name in WITHOUT_TIME}


def cut_off(epoch: int) -> Any:
    """A callback that ends the run as a fault would, before that epoch's checkpoint is written."""

    def callback(state: nn.TrainingState) -> None:
        if state.epoch == epoch:
            raise OSError("power cut")

    return callback


def run_cut_off(directory: Path, epoch: int = 5, **options: Any) -> None:
    with pytest.raises(OSError, match="power cut"):
        resumable.run(directory, callbacks=[nn.EarlyStopping(patience=40), cut_off(epoch)], **options)


def resumed(directory: Path, **options: Any) -> tuple[nn.Module, nn.History]:
    callbacks = [nn.EarlyStopping(patience=40), cut_off(-1)]
    return resumable.run(directory, resume=True, **{"callbacks": callbacks, **options})


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("epoch", [1, 9, 40])
def test_a_run_that_was_cut_off_ends_with_the_same_bits(tmp_path: Path, epoch: int, compiled: bool) -> None:
    whole, history = resumable.run(None, compiled=compiled)
    run_cut_off(tmp_path / "run", epoch, compiled=compiled)
    model, found = resumed(tmp_path / "run", compiled=compiled)
    assert curves(found) == curves(history)
    assert bits(model) == bits(whole)


def test_a_seed_that_was_drawn_is_part_of_the_checkpoint(tmp_path: Path) -> None:
    run_cut_off(tmp_path / "run", 4, seed=None)
    shutil.copytree(tmp_path / "run", tmp_path / "copy")
    one, other = resumed(tmp_path / "run", seed=None), resumed(tmp_path / "copy", seed=None)
    assert curves(one[1]) == curves(other[1])
    assert bits(one[0]) == bits(other[0])


@pytest.mark.parametrize(
    "make",
    [
        lambda o: nn.StepLR(o, 7, 0.5),
        lambda o: nn.ExponentialLR(o, 0.9),
        lambda o: nn.CosineAnnealingLR(o, 12),
        lambda o: nn.LinearLR(o, total_iters=9),
        lambda o: nn.ReduceLROnPlateau(o, patience=1),
    ],
)
@pytest.mark.parametrize("kind", [nn.SGD, nn.Adam, nn.AdamW, nn.RMSprop, nn.Adagrad])
def test_every_optimizer_and_schedule_goes_on(tmp_path: Path, kind: Any, make: Any) -> None:
    def run(epochs: int, **options: Any) -> tuple[nn.Module, list[float]]:
        model = nn.Neuron(2, "linear", seed=0)
        optimizer = kind([{"params": list(model.w)}, {"params": [model.b], "lr": 0.01}], lr=0.02)
        data = resumable.X, resumable.y
        history = nn.fit(
            model, *data, nn.mse, optimizer, epochs, schedule=make(optimizer), seed=0, compiled=False, **options
        )
        return model, history.lr

    model, rates = run(12)
    run(5, checkpoint=tmp_path)
    other, other_rates = run(12, checkpoint=tmp_path, resume=True)
    assert bits(other) == bits(model)
    assert other_rates == rates


def test_a_run_killed_at_random_moments_ends_with_the_same_bits(tmp_path: Path) -> None:
    whole, history = resumable.run(None)
    directory, moments, kills = tmp_path / "run", random.Random(0), 0
    checkpoint = directory / "checkpoint.safetensors"
    here = {**os.environ, "PYTHONPATH": str(Path(nn.__file__).parents[1])}
    for _ in range(4):
        written = checkpoint.stat().st_mtime_ns if checkpoint.exists() else None
        child = subprocess.Popen([sys.executable, resumable.__file__, str(directory)], env=here)
        while child.poll() is None and (not checkpoint.exists() or checkpoint.stat().st_mtime_ns == written):
            time.sleep(0.001)
        time.sleep(0.05 * moments.random())
        child.kill()
        kills += child.wait() != 0
        Checkpoint(directory).read()  # it is whole, whenever the process died
    model, found = resumable.run(directory, resume=True)
    assert kills
    assert curves(found) == curves(history)
    assert bits(model) == bits(whole)
    assert [path.name for path in directory.iterdir()] == ["checkpoint.safetensors"]


def test_ctrl_c_and_on_again_with_the_same_objects(tmp_path: Path) -> None:
    def train(resume: bool, interrupt: int) -> nn.History:
        def callback(state: nn.TrainingState) -> None:
            if state.epoch == interrupt:
                raise KeyboardInterrupt

        return nn.fit(
            model, resumable.X, resumable.y, nn.hinge, optimizer, 9, schedule=schedule, seed=0,
            callbacks=[callback], checkpoint=tmp_path, resume=resume, compiled=False,
        )  # fmt: skip

    model = nn.MLP(2, [3, 1], seed=0)
    optimizer = nn.SGD(model.parameters(), lr=0.1, momentum=0.9)
    schedule = nn.ExponentialLR(optimizer, 0.9)
    assert train(False, 6).interrupted
    history = train(True, -1)
    assert not history.interrupted
    assert history.lr == pytest.approx([0.1 * 0.9**k for k in range(9)])


def test_a_finished_run_returns_at_once_and_more_epochs_go_on(tmp_path: Path) -> None:
    seen: list[int] = []

    def run(epochs: int, directory: Path | None, **options: Any) -> tuple[nn.Module, nn.History]:
        return resumable.run(directory, epochs, callbacks=[lambda state: seen.append(state.epoch)], **options)

    first = run(3, tmp_path)
    seen.clear()
    (tmp_path / ".checkpoint.safetensors.1.part").write_bytes(b"what a process killed while writing leaves")
    again = run(3, tmp_path, resume=True)
    assert seen == []
    assert again[1].to_dict() == first[1].to_dict()
    assert bits(again[0]) == bits(first[0])
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.safetensors"]
    longer = run(5, tmp_path, resume=True)
    assert seen == [4, 5]
    assert bits(longer[0]) == bits(run(5, None)[0])


@pytest.mark.parametrize("compiled", [True, False])
def test_a_run_that_went_back_to_its_best_epoch_goes_on_from_its_last(tmp_path: Path, compiled: bool) -> None:
    def run(epochs: int, **options: Any) -> tuple[nn.Module, nn.History]:
        callbacks = [nn.EarlyStopping(patience=40)]
        return resumable.run(options.pop("to", None), epochs, compiled=compiled, callbacks=callbacks, **options)

    first, history = run(6, to=tmp_path)
    validation = history.validation_loss
    assert validation.index(min(validation)) < 5, "the test needs a best epoch that is not the last one"
    assert bits(run(6, to=tmp_path, resume=True)[0]) == bits(first), "a run that is finished is at its best epoch too"
    model, found = run(12, to=tmp_path, resume=True)
    whole, wanted = run(12)
    assert curves(found) == curves(wanted)
    assert bits(model) == bits(whole)


def test_a_run_that_was_stopped_stays_so(tmp_path: Path) -> None:
    def stop(state: nn.TrainingState) -> None:
        state.stop = True

    resumable.run(tmp_path, callbacks=[stop])
    _, history = resumable.run(tmp_path, callbacks=[stop], resume=True)
    assert (len(history), history.stopped) == (1, True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 7}, "batch_size: 8 in the checkpoint, 7 given"),
        ({"seed": 3}, "seed: 2 in the checkpoint, 3 given"),
        ({"clip_norm": None}, r"clip_norm: 1\.0 in the checkpoint, None given"),
        ({"metric": None}, "metric: 'accuracy' in the checkpoint, None given"),
        ({"compiled": True}, "compiled: False in the checkpoint, True given"),
        ({"schedule": None}, "schedule: 'ReduceLROnPlateau' in the checkpoint, None given"),
        ({"callbacks": []}, "callbacks: "),
        ({"callbacks": [nn.EarlyStopping(patience=3), cut_off(-1)]}, "must have patience=3, got 40"),
        ({"validation": 0.3}, "X or y are not those of the checkpoint"),
        ({"validation": (resumable.X, resumable.y)}, "the examples to validate on are not those of the checkpoint"),
        ({"dropout": 0.1}, r"the model's layers\.0\.layers\.3\.p: 0\.2 in the checkpoint, 0\.1 given"),
        ({"activation": "relu"}, "activation: 'tanh' in the checkpoint, 'relu' given"),
        ({"epochs": 2}, "epochs: 4 finished in the checkpoint, 2 given"),
    ],
)
def test_the_checkpoint_of_another_run_is_refused_and_nothing_changes(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    run_cut_off(tmp_path)
    before = (tmp_path / "checkpoint.safetensors").read_bytes()
    with pytest.raises(ValueError, match=message):
        resumed(tmp_path, **change)
    assert (tmp_path / "checkpoint.safetensors").read_bytes() == before


def simple(directory: Path, sizes: list[int], resume: bool, make: Any = nn.SGD, shift: float = 0.0) -> None:
    model = nn.MLP(2, sizes, seed=0)
    optimizer = make(model.parameters())
    before = bits(model), optimizer.state_dict()
    try:
        nn.fit(
            model, resumable.X + shift, resumable.y, nn.hinge, optimizer, 1, seed=0,
            checkpoint=directory, resume=resume, compiled=False,
        )  # fmt: skip
    except Exception:
        assert (bits(model), optimizer.state_dict()) == before
        raise


@pytest.mark.parametrize(
    ("other", "error", "message"),
    [
        ({"sizes": [4, 1]}, RuntimeError, r"Missing key.*layers\.0\.neurons\.3\.w"),
        ({"shift": 1e-15}, ValueError, "another run: X or y are not those of the checkpoint. Call fit with"),
        ({"make": lambda p: nn.SGD(p, lr=0.5)}, ValueError, r"lr: \[0\.001\] at first .* \[0\.5\] given"),
        ({"make": lambda p: nn.SGD(p, momentum=0.5)}, ValueError, "optimizer options: .*'momentum': 0.0"),
        ({"make": nn.Adam}, ValueError, "optimizer: 'SGD' in the checkpoint, 'Adam' given"),
        ({"resume": False}, FileExistsError, "Pass resume=True to go on with it. To start again,"),
    ],
)
def test_other_data_models_and_optimizers_are_refused(
    tmp_path: Path, other: dict[str, Any], error: type[Exception], message: str
) -> None:
    simple(tmp_path, [3, 1], False)
    with pytest.raises(error, match=message):
        simple(tmp_path, **{"sizes": [3, 1], "resume": True, **other})


def test_what_was_loaded_before_a_part_was_refused_is_put_back(tmp_path: Path) -> None:
    def run(patience: int, resume: bool) -> None:
        nn.fit(
            model, resumable.X, resumable.y, nn.hinge, optimizer, 3, schedule=schedule, seed=0, compiled=False,
            callbacks=[nn.EarlyStopping(patience)], checkpoint=tmp_path, resume=resume,
        )  # fmt: skip

    def state() -> Any:
        memory = {name: x.tolist() for name, x in optimizer.state_dict()["groups"][0]["state"].items()}
        return bits(model), memory, optimizer.groups[0].steps, optimizer.lr, schedule.state_dict()

    for resume in (False, True):
        model = nn.MLP(2, [3, 1], norm="batch", seed=0)
        optimizer = nn.Adam(model.parameters(), lr=0.1)
        schedule = nn.ExponentialLR(optimizer, 0.9)
        if not resume:
            run(3, False)
    before = state()
    with pytest.raises(ValueError, match="must have patience=4, got 3"):
        run(4, True)
    assert state() == before


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    simple(tmp_path, [3, 1], False)
    path = tmp_path / "checkpoint.safetensors"
    whole = path.read_bytes()
    for bit in np.random.default_rng(0).integers(0, 8 * len(whole), 60).tolist():
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << (bit % 8)
        path.write_bytes(flipped)
        with pytest.raises((ValueError, RuntimeError)):
            simple(tmp_path, [3, 1], True)
    for length in (0, 7, 100, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="not a complete safetensors file"):
            simple(tmp_path, [3, 1], True)
    nn.save(nn.MLP(2, [3, 1], seed=0), path)
    with pytest.raises(
        ValueError, match=r"is not a checkpoint written by nn\.fit\. To read a file of weights, use nn\.load"
    ):
        simple(tmp_path, [3, 1], True)
