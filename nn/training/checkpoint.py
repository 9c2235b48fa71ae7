"""Checkpoint: everything that fit needs to resume a run, in one safetensors file of a directory for one run."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any

from autograd.files import part_pattern

from ..code import describe_difference
from ..packing import equal, pack, unpack
from ..weights import Arrays, read_arrays, write_arrays

try:
    import fcntl
except ImportError:  # Windows has no locks of this kind
    fcntl = None  # type: ignore[assignment]

FILE = "checkpoint.safetensors"
FORMAT = 3
FINGERPRINTS = {
    "examples": "X or y",
    "validation": "the examples to validate on",
}  # settings whose values would tell a reader nothing


class Checkpoint:
    """The file of a run, in a directory of its own, which no other run may use at the same time.

    Arrays are stored as arrays, and everything else as JSON in the header. It is a single file, so that it never
    mixes two epochs. As a context manager it keeps the directory for this run: the system lets it go when the process
    dies, however that happens.

    Args:
        directory: the directory; see `make`.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = Path(directory)
        self.path = self.directory / FILE
        self._handle: int | None = None  # of the directory, while it is locked
        self._is_read = False  # whether what was written has been read once

    def __enter__(self) -> Checkpoint:
        if self.directory.is_dir():
            self._lock()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._handle is not None:
            fcntl.flock(self._handle, fcntl.LOCK_UN)  # a forked child may hold the descriptor too
            os.close(self._handle)
            self._handle = None

    def exists(self) -> bool:
        """Whether a run was saved here."""
        return self.path.exists()

    def make(self) -> None:
        """Make the directory if it is missing.

        Raises:
            BlockingIOError: if another run uses the directory now.
            FileExistsError: if the directory was missing and another run has been saved there in the meantime.
        """
        if self._handle is None:
            self.directory.mkdir(parents=True, exist_ok=True)
            self._lock()
            if self._handle is not None and self.exists():
                raise FileExistsError(f"another run has just been saved in {str(self.directory)!r}. Choose another one")

    def _lock(self) -> None:
        """Keep the directory for this run, and remove what processes that were killed left there."""
        if fcntl is None:
            return
        handle = os.open(self.directory, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(handle)
            raise BlockingIOError(
                error.errno,
                "another run is using this directory now, and only one may. Wait until it ends, or choose another "
                "directory",
                str(self.directory),
            ) from None
        except OSError:  # a file system without locks
            os.close(handle)
            return
        self._handle = handle
        for part in self.directory.glob(part_pattern(FILE)):  # no run that is alive is writing them
            part.unlink(missing_ok=True)

    def try_out(self, state: dict[str, Any]) -> None:
        """Find out, before anything is trained, whether the state of a run can be kept.

        Raises:
            TypeError, ValueError: if a part of it cannot.
        """
        arrays: Arrays = {}
        text = json.dumps(pack(state, "state", arrays))
        if not equal(unpack(json.loads(text), arrays), state):
            raise ValueError("a checkpoint cannot keep the state of this run: it would come back as another one")

    def write(self, state: dict[str, Any]) -> None:
        """Save the state of a run: dicts, lists and tuples of numbers, strings, None and arrays.

        The first time it is read again at once, so that a file that cannot be read is found now.

        Raises:
            TypeError, ValueError: if a part of the state cannot be kept. The file stays as it was.
            OSError: if the file cannot be written, and then it stays as it was; or if it reads differently, as from a
                disk that fails.
        """
        arrays: Arrays = {}
        about = {"format": FORMAT, "state": pack(state, "state", arrays)}
        write_arrays(self.path, arrays, json.dumps(about))
        if not self._is_read:
            if not equal(self.read(), state):
                raise OSError(f"{str(self.path)!r} was written, but other numbers are read from it. Check the disk")
            self._is_read = True

    def read(self) -> dict[str, Any]:
        """The saved state.

        Raises:
            ValueError: if the file is damaged or was not written by fit.
        """
        arrays, text = read_arrays(self.path)
        try:
            about = json.loads(text or "")
            version = about["format"]
            state = unpack(about["state"], arrays) if version == FORMAT else {}
        except (ValueError, KeyError, TypeError):
            raise ValueError(
                f"{str(self.path)!r} is not a checkpoint written by nn.fit. To read a file of weights, use nn.load"
            ) from None
        if version != FORMAT:
            raise ValueError(
                f"{str(self.path)!r} must be a checkpoint in format {FORMAT}, got format {version}, which another "
                "version wrote"
            )
        return dict(state)


def differences(saved: dict[str, Any], given: dict[str, Any]) -> list[str]:
    """The differences between two settings, in words."""
    names = [name for name in {**saved, **given} if saved.get(name) != given.get(name)]
    differ = [name for name in names if not equal(saved.get(name), given.get(name))]  # nan is like nan
    found = []
    for name in [name for name in differ if name not in FINGERPRINTS]:
        one, other = describe_difference(saved.get(name), given.get(name))
        found.append(f"{name}: {one} in the checkpoint, {other} given")
    return [f"{FINGERPRINTS[name]} are not those of the checkpoint" for name in differ if name in FINGERPRINTS] + found
