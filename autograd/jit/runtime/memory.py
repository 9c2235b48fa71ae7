"""Memory for compiled code."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def aligned(size: int) -> Floats:
    """Zeros, the first at an address that is a multiple of 64 bytes."""
    room = np.zeros(size + 8)
    start = (-room.ctypes.data // 8) % 8
    return room[start : start + size]


def padded(size: int) -> Floats:
    """Aligned zeros, followed by room for a vector that starts before their end."""
    return aligned(size + 8)[:size]
