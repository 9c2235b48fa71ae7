"""Checkpoint: everything that fit needs to resume a run, in one safetensors file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from ..weights import Arrays, read_arrays, write_arrays

FILE = "checkpoint.safetensors"
FORMAT = 2
FINGERPRINTS = {
    "examples": "X or y",
    "validation": "the examples to validate on",
}  # settings whose values would tell a reader nothing


class Checkpoint:
    """The file of a run, in a directory of its own.

    Arrays are stored as arrays, and everything else as JSON in the header. It is a single file, so that it never
    mixes two epochs.

    Args:
        directory: the directory; see `make`.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = Path(directory)
        self.path = self.directory / FILE

    def exists(self) -> bool:
        """Whether a run was saved here."""
        return self.path.exists()

    def make(self) -> None:
        """Make the directory if it is missing."""
        self.directory.mkdir(parents=True, exist_ok=True)

    def write(self, state: dict[str, Any]) -> None:
        """Save the state of a run: dicts and lists of numbers, strings, None and arrays."""
        arrays: Arrays = {}
        about = _pack({"format": FORMAT, **state}, "", arrays)
        write_arrays(self.path, arrays, json.dumps(about))

    def read(self) -> dict[str, Any]:
        """The saved state.

        Raises:
            ValueError: if the file is damaged or was not written by fit.
        """
        arrays, about = read_arrays(self.path)
        try:
            state = _unpack(json.loads(about or ""), arrays)
            known = state["format"] == FORMAT
        except (ValueError, KeyError, TypeError):
            raise ValueError(
                f"{str(self.path)!r} is not a checkpoint written by nn.fit. To read a file of weights, use nn.load"
            ) from None
        if not known:
            raise ValueError(
                f"{str(self.path)!r} must be a checkpoint in format {FORMAT}, got format {state['format']}, which "
                "another version wrote"
            )
        for part in self.directory.glob(f".{FILE}.*.part"):  # left by a process that was killed
            part.unlink(missing_ok=True)
        return dict(state)


def differences(saved: dict[str, Any], given: dict[str, Any]) -> list[str]:
    """The differences between two settings, in words."""
    differ = [name for name in {**saved, **given} if saved.get(name) != given.get(name)]
    found = [
        f"{name}: {saved.get(name)!r} in the checkpoint, {given.get(name)!r} given"
        for name in differ
        if name not in FINGERPRINTS
    ]
    return [f"{FINGERPRINTS[name]} are not those of the checkpoint" for name in differ if name in FINGERPRINTS] + found


def _pack(x: Any, path: str, arrays: Arrays) -> Any:
    """x as JSON keeps it; its arrays go to `arrays`, by path."""
    if isinstance(x, np.ndarray):
        arrays[path] = x
        return {"array": path}
    if isinstance(x, dict):
        return {str(k): _pack(item, f"{path}/{k}" if path else str(k), arrays) for k, item in x.items()}
    if isinstance(x, (list, tuple)):
        return [_pack(item, f"{path}/{k}", arrays) for k, item in enumerate(x)]
    return x.item() if isinstance(x, np.generic) else x


def _unpack(x: Any, arrays: Arrays) -> Any:
    if isinstance(x, dict):
        if set(x) == {"array"}:
            return arrays[x["array"]]
        return {k: _unpack(item, arrays) for k, item in x.items()}
    return [_unpack(item, arrays) for item in x] if isinstance(x, list) else x
