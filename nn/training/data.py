"""Examples: inputs and targets as arrays, checked before anything is computed, split and shuffled."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd.primitive import describe

from ..checks import refuse_masked

Array = NDArray[Any]


@dataclass
class Examples:
    """Inputs X and targets y, one row or entry for each example."""

    X: Array
    y: Array

    def __len__(self) -> int:
        return len(self.X)

    def take(self, rows: Array) -> Examples:
        """The examples with these indexes, in this order."""
        return Examples(self.X[rows], self.y[rows])

    def batches(self, size: int) -> Iterator[tuple[Array, Array]]:
        """All examples in order, `size` at a time; the last batch may be smaller."""
        for start in range(0, len(self), size):
            yield self.X[start : start + size], self.y[start : start + size]

    def fingerprint(self) -> str:
        """SHA-256 over all numbers and their shapes."""
        digest = hashlib.sha256()
        for x in (self.X, self.y):
            digest.update(f"{x.shape} {x.dtype}".encode())
            digest.update(np.ascontiguousarray(x).tobytes())
        return digest.hexdigest()


def check_examples(X: Any, y: Any, names: tuple[str, str] = ("X", "y")) -> Examples:
    """Inputs and targets as arrays.

    Raises:
        TypeError: if they hold anything but real numbers.
        ValueError: if they are empty, of different lengths, ragged, masked, or hold a nan or an infinity; or if they
            are pandas objects with different indexes.
    """
    indexes = [getattr(x, "index", None) for x in (X, y)]
    if all(hasattr(index, "equals") for index in indexes) and not indexes[0].equals(indexes[1]):  # type: ignore[union-attr]
        raise ValueError(
            f"{names[0]} and {names[1]} have different indexes, but examples are paired by place. Order them alike, "
            f"as by {names[1]}.loc[{names[0]}.index], or pass both as arrays, by to_numpy()"
        )
    inputs, targets = check_numbers(X, names[0]), check_numbers(y, names[1])
    if len(inputs) != len(targets):
        raise ValueError(
            f"{names[0]} and {names[1]} must have the same number of examples, got {len(inputs):,} and "
            f"{len(targets):,}: arrays of shape {inputs.shape} and {targets.shape}, one row or entry for each example"
        )
    return Examples(inputs, targets)


def check_numbers(x: Any, name: str) -> Array:
    """x as an array of finite float64 or int64, with at least one row; TypeError or ValueError otherwise."""
    for row in x if isinstance(x, (list, tuple)) else (x,):
        refuse_masked(row, name)
    try:
        array = np.asarray(x)
    except ValueError:
        raise ValueError(
            f"{name} must be an array with one row or entry for each example, got rows of different lengths"
        ) from None
    if array.dtype.kind not in "fiub" and array.size:
        raise TypeError(f"{name} must be an array of real numbers, got an array of {array.dtype}{_advise(x, array)}")
    if not array.ndim or not array.size:
        raise ValueError(f"{name} must be an array with at least one example, got one of shape {array.shape}")
    huge = array.dtype == np.uint64 and int(array.max()) > np.iinfo(np.int64).max
    array = array.astype(np.float64 if array.dtype.kind == "f" or huge else np.int64)  # small ints would wrap around
    if not np.isfinite(array).all():
        bad = np.argwhere(~np.isfinite(array))
        raise ValueError(
            f"{name} must be finite, got {len(bad):,} numbers that are nan or infinite, the first at "
            f"{name}[{', '.join(map(str, bad[0]))}]. Leave these examples out, or fill the gaps"
        )
    return array


def _advise(x: Any, array: Array) -> str:
    """What to do about an array that does not hold numbers."""
    if hasattr(x, "toarray"):
        return ". Pass a sparse matrix as x.toarray()"
    if array.dtype != object:
        return ""
    return ". Columns of numbers become floats by astype(float); encode words and categories as numbers"


@contextlib.contextmanager
def explain_missing_rows(X: Array) -> Iterator[None]:
    """A context in which a model is called with the examples X. If they should be rows, the error says so."""
    try:
        yield
    except ValueError as error:
        if X.ndim != 1 or "numbers, got 1" not in str(error):
            raise
        text = str(error).split(". jit(")[0]
        raise ValueError(
            f"{text}. X must be a list of examples, one row each. For one example, write [[1.0, 2.0]]"
        ) from error


def list_rows(batch: Array) -> list[Any]:
    """The examples of a batch, as a model or a loss takes them."""
    return batch.tolist() if batch.ndim == 1 else list(batch)


def split_validation(data: Examples, validation: Any, seed: int) -> tuple[Examples, Examples | None]:
    """The examples to learn from and those to validate on: a pair (X, y), or a fraction of `data`.

    Raises:
        TypeError: if validation is neither.
        ValueError: if the pair is invalid, see `check_examples`, or its rows have other shapes; or if the fraction
            leaves no example on one side.
    """
    if validation is None:
        return data, None
    if isinstance(validation, (tuple, list)) and len(validation) == 2:
        other = check_examples(validation[0], validation[1], ("validation X", "validation y"))
        for name, a, b in (("X", data.X, other.X), ("y", data.y, other.y)):
            if a.shape[1:] != b.shape[1:]:
                raise ValueError(
                    f"the rows of validation {name} must have the shape of those of {name}, {a.shape[1:]}, "
                    f"got {b.shape[1:]}"
                )
        return data, other
    if isinstance(validation, bool) or not isinstance(validation, (int, float, np.floating)):
        raise TypeError(f"validation must be a pair (X, y) or a fraction of the examples, got {describe(validation)}")
    count = round(validation * len(data)) if 0 < validation < 1 else 0
    if not 0 < count < len(data):
        raise ValueError(
            f"validation must be a fraction above 0 and below 1 that takes at least one of the {len(data)} examples "
            f"and leaves at least one, got {validation}"
        )
    order = np.random.default_rng([seed, 0]).permutation(len(data))
    return data.take(np.sort(order[count:])), data.take(np.sort(order[:count]))


def shuffle(data: Examples, seed: int, epoch: int) -> Examples:
    """The examples in the order of an epoch. It depends on seed and epoch alone, so that any epoch can be repeated."""
    return data.take(np.random.default_rng([seed, epoch]).permutation(len(data)))
