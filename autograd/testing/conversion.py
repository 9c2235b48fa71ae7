"""Numbers of other libraries as NumPy arrays, and back: PyTorch, JAX, pandas, SciPy's sparse arrays.

None of them is imported. What counts is what an object can do: it has `toarray`, `__array__` or `__float__`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..transforms.tree import flatten
from ..value import Value

PLAIN = (Value, np.ndarray, float, int, bool, complex, str, bytes, type)


def to_numpy(x: Any) -> Any:
    """A structure with NumPy arrays and floats in place of what other libraries have, and everything else as it is."""
    if isinstance(x, PLAIN) or x is None:
        return x
    tree = flatten(x, "")
    return _to_numpy(x) if tree.is_leaf else tree.build(_to_numpy(leaf.original) for leaf in tree.leaves)


def _to_numpy(x: Any) -> Any:
    if isinstance(x, (*PLAIN, np.generic)) or hasattr(x, "named_parameters"):
        return x
    if hasattr(x, "toarray"):  # of SciPy
        return np.asarray(x.toarray())
    if hasattr(x, "detach"):  # of PyTorch, which converts no tensor that has a gradient
        return np.asarray(x.detach().cpu())
    if hasattr(x, "__array__"):
        return np.asarray(x)
    return float(x) if hasattr(x, "__float__") else x


def like(x: Any, numbers: Any) -> Any:
    """An array of numbers as an object of the kind of x, of its type of numbers unless x holds integers."""
    if isinstance(x, np.ndarray):
        return _array_like(x, numbers)
    if isinstance(x, np.floating):
        return np.float64(numbers)
    if hasattr(x, "new_tensor"):  # of PyTorch
        dtype = x.dtype if x.is_floating_point() else x.double().dtype
        return x.new_tensor(numbers, dtype=dtype).requires_grad_(x.requires_grad)
    if hasattr(x, "iloc"):  # of pandas
        labels = {"columns": x.columns} if hasattr(x, "columns") else {"name": x.name}
        return type(x)(numbers, index=x.index, **labels)
    if hasattr(x, "__array_namespace__"):  # of JAX, among others
        return x.__array_namespace__().asarray(numbers, dtype=x.dtype if np.asarray(x).dtype.kind == "f" else None)
    return numbers if hasattr(x, "__array__") else float(numbers)


def grids(x: Any, numbers: Any) -> Any:
    """The distance of each number from the next that an object like x can hold."""
    kind = np.asarray(numbers).dtype
    if not isinstance(x, np.ndarray) and hasattr(x, "__array__"):
        own = np.asarray(_to_numpy(x)).dtype
        kind = own if own.kind == "f" else kind
    with np.errstate(all="ignore"):
        return np.spacing(abs(np.asarray(numbers, dtype=kind))).astype(float).ravel()


def _array_like(x: Any, numbers: Any) -> Any:
    """A float64 array in the memory layout of x, so that a function meets what it meets in use."""
    lengths = [(n - 1) * stride for n, stride in zip(x.shape, x.strides)]
    scale = 8 / x.dtype.itemsize if x.dtype.itemsize in (1, 2, 4, 8) else 0
    steps = [int(stride * scale) for stride in x.strides]
    contiguous = x.flags.c_contiguous or not x.size or not scale
    if contiguous or 0 in steps or any(step % 8 for step in steps) or max(map(abs, lengths)) > 1000 * x.nbytes:
        result = np.empty(x.shape, order="F" if x.flags.f_contiguous and not x.flags.c_contiguous else "C")
    else:
        before = -sum(min(0, (n - 1) * step) for n, step in zip(x.shape, steps))
        after = sum(max(0, (n - 1) * step) for n, step in zip(x.shape, steps))
        buffer = np.zeros((before + after) // 8 + 1)
        result = np.ndarray(x.shape, float, buffer, before, steps)
    result[...] = np.asarray(numbers).reshape(x.shape)
    return result
