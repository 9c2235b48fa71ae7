"""keeps and fits_in: whether numbers are the same after a conversion to another type."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def keeps(new: NDArray[Any], old: NDArray[Any]) -> bool:
    """Whether an array still holds the old numbers after a conversion. A nan is the same as a nan.

    >>> keeps(np.array([2.0**53]), np.array([2**53 + 1]))
    False
    """
    with np.errstate(all="ignore"):
        back = new.astype(old.dtype)
    return bool(((back == old) | ((old != old) & (back != back))).all())


def fits_in(holder: Any, x: NDArray[Any]) -> bool:
    """Whether a holder, if it is an array of whole numbers, can take these numbers as they are.

    >>> fits_in(np.zeros(1, dtype=np.uint8), np.array([0.5])), fits_in(np.zeros(1, dtype=np.uint8), np.array([5.0]))
    (False, True)
    """
    if not isinstance(holder, np.ndarray) or holder.dtype.kind not in "iub":
        return True
    with np.errstate(all="ignore"):
        return keeps(x.astype(holder.dtype), x)
