"""as_floats, keeps and fits_in: whether numbers are the same after a conversion to another type."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd import Value


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
    new = np.array(holder.data if isinstance(holder, Value) else holder, dtype=np.float64)
    if isinstance(holder, np.ndarray) and holder.dtype != object and not keeps(new, holder):
        raise ValueError(f"{path}, an array of {holder.dtype}, holds numbers that no float64 keeps exactly")
    return new


def fits_in(holder: Any, x: NDArray[Any]) -> bool:
    """Whether a holder, if it is an array of whole numbers, can take these numbers as they are.

    >>> fits_in(np.zeros(1, dtype=np.uint8), np.array([0.5])), fits_in(np.zeros(1, dtype=np.uint8), np.array([5.0]))
    (False, True)
    """
    if not isinstance(holder, np.ndarray) or holder.dtype.kind not in "iub":
        return True
    with np.errstate(all="ignore"):
        return keeps(x.astype(holder.dtype), x)
