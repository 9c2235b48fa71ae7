"""Numbers of Modules as float64 and back, the same after the conversion, and checked before anything changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd import Value
from autograd.primitive import describe

MOST_NAMED = 4  # how many things a message names when there are many


def keeps(new: NDArray[Any], old: NDArray[Any]) -> bool:
    """Whether an array still holds the old numbers after a conversion. A nan is the same as a nan.

    >>> keeps(np.array([2.0**53]), np.array([2**53 + 1]))
    False
    """
    with np.errstate(all="ignore"):
        back = new.astype(old.dtype)
    return bool(((back == old) | ((old != old) & (back != back))).all())


def as_floats(holder: Any, path: str) -> NDArray[np.float64]:
    """A Value, Values or an array of numbers as float64; ValueError, naming the path, if a number would change."""
    if isinstance(holder, np.ma.MaskedArray):
        raise ValueError(f"{path}, a masked array, would lose its mask. Keep numbers and mask as two arrays")
    array = isinstance(holder, np.ndarray) and holder.dtype != object
    new = np.array(float(holder) if isinstance(holder, Value) else holder.real if array else holder, dtype=np.float64)
    if array and not keeps(new, holder):
        raise ValueError(f"{path}, an array of {holder.dtype}, holds numbers that no float64 keeps exactly")
    return new


def fits_in(holder: NDArray[Any], x: NDArray[Any]) -> bool:
    """Whether an array can take these numbers: as they are if it is one of whole numbers, and otherwise rounded.

    >>> fits_in(np.zeros(1, dtype=np.uint8), np.array([0.5])), fits_in(np.zeros(1, dtype=np.uint8), np.array([5.0]))
    (False, True)
    >>> fits_in(np.zeros(1, dtype=np.float32), np.array([1e300]))
    False
    """
    with np.errstate(all="ignore"):
        new = x.astype(holder.dtype)
        return keeps(new, x) if holder.dtype.kind in "iub" else bool((np.isfinite(new) == np.isfinite(x)).all())


def check_state(name: str, holders: Mapping[str, Any], state: Any, strict: bool) -> dict[str, NDArray[Any]]:
    """The arrays of a state for the holders of a Module, by path.

    Args:
        name: the class of the Module.
        holders: what state_dict() saves, by path.
        state: what was passed to load_state_dict().
        strict: whether the paths must be exactly those of the holders.

    Raises:
        TypeError: if the state is not a dict.
        RuntimeError: if it does not fit.
    """
    if not isinstance(state, Mapping):
        raise TypeError(f"load_state_dict: state must be a dict that state_dict() returned, got {describe(state)}")
    faults = []
    if strict and (missing := [path for path in holders if path not in state]):
        faults.append("Missing key(s) in state_dict: " + summarize([f'"{path}"' for path in missing], ", "))
    if strict and (unexpected := [path for path in state if path not in holders]):
        faults.append("Unexpected key(s) in state_dict: " + summarize([f'"{path}"' for path in unexpected], ", "))
    unfit, new, numbers = [], {}, dict[int, Any]()
    for path, holder in holders.items():
        if path not in state:
            continue
        x = new[path] = np.asarray(state[path])
        own = np.shape(np.array(holder, dtype=object))
        if x.dtype.kind not in "fiu" or isinstance(state[path], np.ma.MaskedArray):
            unfit.append(f"{path}: expected an array of real numbers, got {describe(state[path])}")
        elif x.shape != own:
            unfit.append(
                f"size mismatch for {path}: copying a param with shape {x.shape} from checkpoint, "
                f"the shape in current model is {own}"
            )
        elif isinstance(holder, np.ndarray) and holder.dtype != object:
            if not fits_in(holder, x):
                unfit.append(f"{path}: an array of {holder.dtype} cannot hold the numbers of {describe(x)}")
        else:
            for p, number in zip(_values(holder), x.ravel().tolist()):
                before = numbers.setdefault(id(p), number)
                if before != number and (before == before or number == number):
                    unfit.append(f"{path}: a parameter that is also elsewhere is {number} here and {before} there")
                    break
    if unfit:
        faults.append(summarize(unfit, "\n  "))
    if faults:
        raise RuntimeError(f"Error(s) in loading state_dict for {name}:\n  " + "\n  ".join(faults))
    return new


def set_numbers(holder: Any, x: NDArray[Any]) -> None:
    """Give a Value, Values or an array the numbers of an array that check_state() returned."""
    if isinstance(holder, np.ndarray) and holder.dtype != object:
        holder[...] = x
    else:
        for p, number in zip(_values(holder), x.ravel()):
            p.data = float(number)


def _values(holder: Any) -> list[Value]:
    return list(np.ravel(np.array(holder, dtype=object)))


def summarize(things: Sequence[str], separator: str) -> str:
    """The first few of them, and how many more there are."""
    rest = len(things) - MOST_NAMED
    return separator.join([*things[:MOST_NAMED], *([f"and {rest:,} more"] if rest > 0 else [])])
