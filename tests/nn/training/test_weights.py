"""Weight files: what is saved comes back bit for bit; a damaged or foreign file is refused and changes nothing."""

import json
import os
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import nn
from autograd import Value

pytestmark = pytest.mark.once


def weights(model: nn.Module) -> list[float]:
    return [p.data for p in model.parameters()]


def test_weights_come_back_bit_for_bit(tmp_path: Path) -> None:
    model, other = nn.MLP(3, [5, 2], seed=0), nn.MLP(3, [5, 2], seed=1)
    model.parameters()[0].data = 5e-324
    nn.save(model, tmp_path / "model.safetensors")
    nn.load(other, tmp_path / "model.safetensors")
    assert weights(other) == weights(model)
    assert os.listdir(tmp_path) == ["model.safetensors"], "nothing is left beside"


def test_a_state_dict_holds_arrays_too() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            self.mean = np.zeros(2)
            self.neuron = nn.Neuron(2, init="ones")

    one, two = Scaled(), Scaled()
    one.mean += 3.0
    assert list(one.state_dict()) == ["mean", "neuron.w", "neuron.b"]
    two.load_state_dict(one.state_dict())
    assert two.mean.tolist() == [3.0, 3.0]
    one.mean += 1.0
    assert two.mean.tolist() == [3.0, 3.0], "loading copies"


def test_a_strict_load_names_all_that_does_not_fit_and_changes_nothing() -> None:
    model = nn.MLP(2, [3, 1], seed=0)
    before = weights(model)
    state = model.state_dict()
    del state["layers.0.neurons.0.w"]
    state["extra"] = np.zeros(1)
    state["layers.1.neurons.0.w"] = np.zeros(4)
    with pytest.raises(RuntimeError) as error:
        model.load_state_dict(state)
    text = str(error.value)
    assert "Error(s) in loading state_dict for MLP" in text
    assert 'Missing key(s) in state_dict: "layers.0.neurons.0.w"' in text
    assert 'Unexpected key(s) in state_dict: "extra"' in text
    assert "size mismatch for layers.1.neurons.0.w" in text
    assert "shape (4,) from checkpoint, the shape in current model is (3,)" in text
    assert weights(model) == before


def test_a_load_that_is_not_strict_takes_what_fits() -> None:
    model, other = nn.MLP(2, [3, 1], seed=0), nn.MLP(2, [3, 1], seed=1)
    state = {"layers.0.neurons.0.w": model.state_dict()["layers.0.neurons.0.w"], "extra": np.zeros(1)}
    other.load_state_dict(state, strict=False)
    assert weights(other)[:2] == weights(model)[:2]


def test_another_architecture_is_refused(tmp_path: Path) -> None:
    nn.save(nn.MLP(2, [3, 1], seed=0), tmp_path / "model.safetensors")
    model = nn.MLP(2, [4, 1], seed=0)
    before = weights(model)
    with pytest.raises(RuntimeError, match=r"Missing key.*layers\.0\.neurons\.3\.w"):
        nn.load(model, tmp_path / "model.safetensors")
    assert weights(model) == before


def test_every_cut_and_every_flipped_bit_of_the_numbers_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    model = nn.MLP(2, [2, 1], seed=0)
    before = weights(model)
    nn.save(model, path)
    whole = path.read_bytes()
    header = 8 + int.from_bytes(whole[:8], "little")
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="not a complete safetensors file"):
            nn.load(model, path)
    for bit in range(8 * header, 8 * len(whole)):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << (bit % 8)
        path.write_bytes(flipped)
        with pytest.raises(ValueError, match="damaged"):
            nn.load(model, path)
    assert weights(model) == before


def test_flipped_bits_of_the_header_never_load_wrong_numbers(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    model = nn.MLP(2, [2, 1], seed=0)
    before = weights(model)
    nn.save(model, path)
    whole = path.read_bytes()
    header = 8 + int.from_bytes(whole[:8], "little")
    refused = 0
    for bit in range(8 * header):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << (bit % 8)
        path.write_bytes(flipped)
        try:
            nn.load(model, path)
        except (ValueError, RuntimeError):
            refused += 1
        assert weights(model) == before, f"bit {bit}"
    assert refused > 0.9 * 8 * header, "what still loads is a flip of a blank or of the checksum's own name"


def test_a_pickle_under_another_name_runs_nothing(tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "run"),)

    path = tmp_path / "model.safetensors"
    path.write_bytes(pickle.dumps(Hostile()))
    with pytest.raises(ValueError, match="not a complete safetensors file"):
        nn.load(nn.MLP(2, [1], seed=0), path)
    assert not (tmp_path / "run").exists()


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    model = nn.MLP(2, [1], seed=0)
    with pytest.raises(OSError, match=r"cannot write 'model\.safetensors', because the directory '.*missing' does not"):
        nn.save(model, tmp_path / "missing" / "model.safetensors")
    with pytest.raises(FileNotFoundError, match="no weights file"):
        nn.load(model, tmp_path / "none.safetensors")


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_writer_that_dies_leaves_the_old_file_complete(
    tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def power_cut(*args: object) -> None:
        raise SystemError("power cut")

    path, model = tmp_path / "model.safetensors", nn.MLP(2, [1], seed=0)
    nn.save(model, path)
    before = path.read_bytes()
    monkeypatch.setattr(os, step, power_cut)
    with pytest.raises(SystemError, match="power cut"):
        nn.save(nn.MLP(2, [1], seed=1), path)
    assert path.read_bytes() == before


def test_the_file_opens_with_any_safetensors_reader(tmp_path: Path) -> None:
    nn.save(nn.Neuron(2, init="ones"), tmp_path / "neuron.safetensors")
    raw = (tmp_path / "neuron.safetensors").read_bytes()
    header = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
    assert header["w"]["dtype"] == "F64"
    assert header["w"]["shape"] == [2]


def test_arguments_in_the_wrong_order_are_named(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"save\(model, path\): model must be a Module, got str"):
        nn.save("model.safetensors", nn.Neuron(1))
    with pytest.raises(TypeError, match=r"load\(model, path\): model must be a Module, got str"):
        nn.load("model.safetensors", nn.Neuron(1))
    with pytest.raises(
        TypeError, match=r"load_state_dict: state must be a dict that state_dict\(\) returned, got int 1"
    ):
        nn.Neuron(1).load_state_dict(1)  # type: ignore[arg-type]


def test_many_savers_and_a_reader_of_one_file_all_succeed(tmp_path: Path) -> None:
    models = [nn.MLP(2, [2, 1], seed=seed) for seed in range(4)]
    known, path, found = [weights(model) for model in models], tmp_path / "model.safetensors", []
    nn.save(models[0], path)

    def save(model: nn.Module) -> int:
        for _ in range(15):
            nn.save(model, path)
        return 15

    with ThreadPoolExecutor(4) as pool:
        saves = [pool.submit(save, model) for model in models]
        reader = nn.MLP(2, [2, 1], seed=9)
        while not all(each.done() for each in saves):
            nn.load(reader, path)
            found.append(weights(reader) in known)
    assert [each.result() for each in saves] == [15] * 4
    assert all(found)
    assert os.listdir(tmp_path) == ["model.safetensors"]


@pytest.mark.parametrize("name", ["\ud800", "__metadata__"])
def test_names_that_a_file_cannot_hold_are_refused(tmp_path: Path, name: str) -> None:
    class Named(nn.Module):
        def __init__(self) -> None:
            setattr(self, name, Value(1.0))

    with pytest.raises(ValueError, match="cannot be kept in a safetensors file"):
        nn.save(Named(), tmp_path / "model.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_a_header_too_long_to_be_read_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nn.weights.LONGEST_HEADER", 1000)
    nn.save(nn.Neuron(1), tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match=r"names and facts would take more than 1,000 bytes"):
        nn.save(nn.MLP(2, [9, 1], seed=0), tmp_path / "model.safetensors")
    nn.load(nn.Neuron(1), tmp_path / "model.safetensors")
