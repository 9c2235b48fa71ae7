"""save and load: a model's weights in safetensors files, never pickle. A file is written completely or not at all."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd.files import write_whole
from autograd.installation import require
from autograd.primitive import describe

from .checks import check_module
from .module import Module

Arrays = dict[str, NDArray[Any]]
LONGEST_HEADER = 100_000_000  # bytes: safetensors reads no longer one


def save(model: Module, path: str | os.PathLike[str]) -> None:
    """Write the model's state_dict() to a safetensors file, completely or not at all.

    Args:
        model: the model.
        path: the file, usually named *.safetensors. An existing file is replaced.

    Raises:
        TypeError: if the model is not a Module, or path not the path of a file.
        ValueError: if a path in the model cannot be a name in the file.
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
        TypeError: if the model is not a Module, or path not the path of a file.
        FileNotFoundError: if there is no such file.
        ValueError: if it is not a safetensors file, is cut short, or its numbers are not those that were saved.
        RuntimeError: if the weights are those of another architecture. After any error the model is as it was.
    """
    check_module(model, "load(model, path)")
    state, _ = read_arrays(path)
    model.load_state_dict(state)


def write_arrays(path: str | os.PathLike[str], arrays: Arrays, about: str | None = None) -> None:
    """Write arrays, and a text about them, to a safetensors file with a checksum, completely or not at all.

    Raises:
        TypeError: if path is not the path of a file.
        ValueError: if a name cannot be kept in the file, or names and text are too long to be read again.
        OSError: if the file cannot be written.
    """
    _check_path(path)
    to_bytes = require("safetensors.numpy", "writing weights").save  # imported only when a file is written
    for name in arrays:
        if name == "__metadata__" or not _is_text(name):
            raise ValueError(f"the name {name!r} cannot be kept in a safetensors file. Rename this part of the model")
    # safetensors writes the memory of an array as it is, so the numbers must lie there in order.
    arrays = {name: np.asarray(x, x.dtype.newbyteorder("="), order="C") for name, x in arrays.items()}
    metadata = {"sha256": _checksum(arrays, about)} | ({} if about is None else {"about": about})
    content = to_bytes(arrays, metadata=metadata)
    if int.from_bytes(content[:8], "little") > LONGEST_HEADER:
        raise ValueError(
            f"cannot write {os.fspath(path)!r}: names and facts would take more than {LONGEST_HEADER:,} bytes. "
            "Keep long lists of numbers in arrays"
        )
    write_whole(path, content)


def read_arrays(path: str | os.PathLike[str]) -> tuple[Arrays, str | None]:
    """The arrays and the text of a file that write_arrays() wrote.

    Raises:
        TypeError: if path is not the path of a file.
        FileNotFoundError: if there is no such file.
        ValueError: if it is not a safetensors file, is cut short, or holds other numbers than were saved.
    """
    _check_path(path)
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


def _check_path(path: object) -> None:
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"path must be the path of a file, such as 'model.safetensors', got {describe(path)}")


def _is_text(name: str) -> bool:
    """Whether a name can be written in UTF-8: one with a lone surrogate cannot."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _checksum(arrays: Mapping[str, NDArray[Any]], about: str | None) -> str:
    """SHA-256 over names, shapes and numbers, and the text if there is one."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].shape} {arrays[name].dtype}".encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    digest.update((about or "").encode())
    return digest.hexdigest()
