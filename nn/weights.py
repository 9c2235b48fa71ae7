"""save and load: a model's weights in safetensors files, never pickle. A file is written completely or not at all."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autograd.files import write_whole
from autograd.installation import require

from .checks import check_module
from .module import Module

Arrays = dict[str, NDArray[np.float64]]


def save(model: Module, path: str | os.PathLike[str]) -> None:
    """Write the model's state_dict() to a safetensors file, completely or not at all.

    Args:
        model: the model.
        path: the file, usually named *.safetensors. An existing file is replaced.

    Raises:
        TypeError: if the model is not a Module.
        OSError: if the file cannot be written. Then an existing file stays as it was.
    """
    check_module(model, "save(model, path)")
    write_arrays(path, model.state_dict())


def load(model: Module, path: str | os.PathLike[str]) -> None:
    """Read the weights that save() wrote into a model of the same architecture.

    Args:
        model: the model to set.
        path: the file.

    Raises:
        TypeError: if the model is not a Module.
        FileNotFoundError: if there is no such file.
        ValueError: if it is not a safetensors file, is cut short, or its numbers are not those that were saved.
        RuntimeError: if the weights are those of another architecture. After any error the model is as it was.
    """
    check_module(model, "load(model, path)")
    state, _ = read_arrays(path)
    model.load_state_dict(state)


def write_arrays(path: str | os.PathLike[str], arrays: Arrays, about: str | None = None) -> None:
    """Write arrays, and a text about them, to a safetensors file with a checksum, completely or not at all."""
    to_bytes = require("safetensors.numpy", "writing weights").save  # imported only when a file is written
    metadata = {"sha256": _checksum(arrays, about)} | ({} if about is None else {"about": about})
    write_whole(path, to_bytes(arrays, metadata=metadata))


def read_arrays(path: str | os.PathLike[str]) -> tuple[Arrays, str | None]:
    """The arrays and the text of a file that write_arrays() wrote.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not a safetensors file, is cut short, or holds other numbers than were saved.
    """
    safetensors = require("safetensors", "reading weights")
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no weights file {os.fspath(path)!r}")
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            metadata = file.metadata() or {}
    except (safetensors.SafetensorError, ValueError, TypeError) as error:
        raise ValueError(f"{os.fspath(path)!r} is not a complete safetensors file: {error}") from None
    about = metadata.get("about")
    checksum = metadata.get("sha256")  # files of other programs have neither a checksum nor a text
    if (checksum is not None or about is not None) and checksum != _checksum(arrays, about):
        raise ValueError(f"{os.fspath(path)!r} is damaged: its numbers are not those that were saved")
    return arrays, about


def _checksum(arrays: Mapping[str, NDArray[np.float64]], about: str | None) -> str:
    """SHA-256 over names, shapes and numbers, and the text if there is one."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].shape} {arrays[name].dtype}".encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    digest.update((about or "").encode())
    return digest.hexdigest()
