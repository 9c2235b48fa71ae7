"""Arrays of other libraries, as NumPy reads them: pandas, polars, PyTorch, JAX, dask, memoryviews.

None of the libraries is imported. What counts is what a class offers: `__array__`, `__dlpack__`, or a buffer.
"""

from __future__ import annotations

import array
from typing import Any

import numpy as np

_PROTOCOLS = ("__array__", "__array_interface__", "__array_struct__", "__dlpack__")


def is_foreign(x: Any) -> bool:
    """Whether x is an array of another library. NumPy's own arrays and scalars are not."""
    kind = type(x)
    if isinstance(x, (np.ndarray, np.generic, type)):
        return False
    return issubclass(kind, (memoryview, array.array)) or any(hasattr(kind, name) for name in _PROTOCOLS)


def read_array(x: Any) -> Any:
    """The NumPy array that x, which is foreign, makes of itself. It shares the memory of x where the library allows it.

    Raises:
        Exception: whatever the library raises where it refuses, as PyTorch does for a tensor that requires a gradient.
    """
    if hasattr(type(x), "__dlpack__") and not hasattr(type(x), "__array__"):
        return np.from_dlpack(x)
    return np.asanyarray(x)  # a subclass, such as a masked array, must not lose what it knows: `check_plain` refuses it


def why_unread(x: Any) -> str:
    """Why a foreign array cannot be read, on one line, for an error message; "" if x is something else."""
    if not is_foreign(x):
        return ""
    try:
        read_array(x)
    except Exception as error:
        return " ".join(f"NumPy cannot read it: {error}".split())
    return ""
