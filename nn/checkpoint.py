"""Saving and loading a model's weights as safetensors: plain numbers with a checksum, never pickle."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .module import Module


def save(model: Module, path: str | os.PathLike[str]) -> None:
    """Write the model's state_dict() to a safetensors file, whole or not at all.

    Args:
        model: the model.
        path: the file, by custom named *.safetensors; one that is there is replaced.

    Raises:
        TypeError: if the model is no Module.
        OSError: if it cannot be written; a file that was there is as it was.
    """
    from safetensors.numpy import save as to_bytes  # only where files are written

    if not isinstance(model, Module):
        raise TypeError(f"save(model, path) takes a Module first, got {type(model).__name__}")
    state = model.state_dict()
    write_whole(path, to_bytes(state, metadata={"sha256": _checksum(state)}))


def load(model: Module, path: str | os.PathLike[str]) -> None:
    """Read the weights that save() wrote into a model of the same architecture.

    Args:
        model: the model to set.
        path: the file.

    Raises:
        TypeError: if the model is no Module.
        FileNotFoundError: if there is no such file.
        ValueError: if it is no safetensors file, is cut short, or its numbers are not those that were saved.
        RuntimeError: if it is of another architecture. Whatever raises, the model is as it was.
    """
    from safetensors import SafetensorError, safe_open

    if not isinstance(model, Module):
        raise TypeError(f"load(model, path) takes the Module to set first, got {type(model).__name__}")
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no weights file {os.fspath(path)!r}")
    try:
        with safe_open(path, framework="numpy") as file:
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            checksum = (file.metadata() or {}).get("sha256")
    except (SafetensorError, ValueError, TypeError) as error:
        raise ValueError(f"{os.fspath(path)!r} is no whole safetensors file: {error}") from None
    if checksum is not None and checksum != _checksum(state):
        raise ValueError(f"{os.fspath(path)!r} is damaged: its numbers are not those that were saved")
    model.load_state_dict(state)


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file beside its place and rename it, so that no one ever finds half of it."""
    target = Path(path)
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with open(beside, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, target)
    finally:
        beside.unlink(missing_ok=True)


def _checksum(state: Mapping[str, NDArray[np.float64]]) -> str:
    """SHA-256 over names, shapes and numbers."""
    digest = hashlib.sha256()
    for name in sorted(state):
        digest.update(f"{name} {state[name].shape} {state[name].dtype}".encode())
        digest.update(np.ascontiguousarray(state[name]).tobytes())
    return digest.hexdigest()
