"""Results written into the caller's own arrays, as NumPy's functions do with out=."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...primitive import describe
from ...transforms.tree import flatten, is_plain


def write_into(out: Any, result: Any, who: str) -> Any:
    """Write a result into the arrays of `out`, which has its structure, and return `out`. Nothing, or all, is written.

    Raises:
        TypeError: if `out` has another structure, or something in it is no float64 array that can be written to.
        ValueError: if an array has another shape, or shares memory with another one or within itself.
    """
    plain = type(result) is type(out) is np.ndarray and out.shape == result.shape and out.dtype == np.float64
    if plain and out.flags.writeable and out.flags.c_contiguous:  # the common case, ten times as fast
        out[...] = result
        return out
    targets, sources = flatten(out, "out"), flatten(result, "out")
    wanted, given = [leaf.path for leaf in sources.leaves], [leaf.path for leaf in targets.leaves]
    if wanted != given:
        raise TypeError(
            f"{who} out must have the structure of the result, arrays at {', '.join(wanted)[:200]}, "
            f"got {', '.join(given)[:200]}"
        )
    for leaf, source in zip(targets.leaves, sources.leaves):
        x = leaf.original
        if not isinstance(x, np.ndarray) or not is_plain(leaf) or x.dtype != np.float64 or not x.flags.writeable:
            read_only = " that is read-only" if isinstance(x, np.ndarray) and not x.flags.writeable else ""
            raise TypeError(f"{who} {leaf.path} must be a float64 array to write to, got {describe(x)}{read_only}")
        if x.shape != (source.shape or ()):
            raise ValueError(f"{who} {leaf.path} must have shape {source.shape or ()}, got {x.shape}")
    arrays = [leaf.original for leaf in targets.leaves]
    for k, x in enumerate(arrays):
        if _overlaps_itself(x) or any(np.may_share_memory(x, y) and np.shares_memory(x, y) for y in arrays[:k]):
            raise ValueError(
                f"{who} {targets.leaves[k].path} must not share memory with another result, or with itself"
            )
    for x, source in zip(arrays, sources.leaves):
        x[...] = source.given
    return out


def _overlaps_itself(x: Any) -> bool:
    """Whether two items of an array may share memory: some stride does not step over what the smaller ones span."""
    if x.flags.c_contiguous or not x.size:
        return False
    span = x.itemsize
    for stride, length in sorted((abs(stride), length) for stride, length in zip(x.strides, x.shape) if length > 1):
        if stride < span:
            return True
        span += (length - 1) * stride
    return False


def expect_no_out(out: Any, who: str) -> None:
    """Raise TypeError if a call that runs on Values, whose results no array of floats can hold, was given `out`."""
    if out is not None:
        raise TypeError(
            f"{who} out must be left out of a call that is differentiated or compiled as part of another function, as "
            "its results are Values. Use what the call returns"
        )
