"""Functions of NumPy, besides ufuncs, that would be wrong or fail on objects, and what takes their place.

Among objects NumPy looks for no nan, some of its functions make plain arrays out of Arrays, and those that expect an
array of shape () fail where they get a single Value.
"""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import ops
from ..node import Node
from ..special.bessel import sinc
from .array import REPLACED, Array, plain, run, to_numbers, wrap
from .order import any_traced, ranks


def _as_array(x: Any) -> Any:
    return wrap(np.asanyarray(x))


def _axes(x: Any, axis: Any) -> tuple[int, ...]:
    every = range(x.ndim)
    return tuple(every if axis is None else [every[k] for k in np.atleast_1d(axis)])


def _map(function: Callable[..., Any], x: Any, *others: Any) -> Any:
    with np.errstate(all="ignore"):
        return np.frompyfunc(function, 1 + len(others), 1)(plain(_as_array(x)), *map(plain, others))


# Places, counts and truth values, which have no derivatives


def _on_order(function: Any, *args: Any, **options: Any) -> Any:
    """A function for which the order of the items is enough."""
    x = _as_array(args[0]) if args else None
    if isinstance(x, Array) and any_traced(x):
        return getattr(x, function.__name__)(*args[1:], **options)
    return _on_numbers(function, *args, **options)


def _on_joint_order(function: Any, *args: Any, **options: Any) -> Any:
    """A function for which the order of the items of two arrays, taken together, is enough."""
    both = [_as_array(x) for x in args[:2]]
    if any(map(any_traced, both)):
        joint = ranks(np.concatenate([plain(x).ravel().astype(object) for x in both]))
        parts = np.split(joint, [both[0].size])[: len(both)]
        args = (*[part.reshape(x.shape) for part, x in zip(parts, both)], *args[2:])
    return _on_numbers(function, *args, **options)


def _on_numbers(function: Any, *args: Any, **options: Any) -> Any:
    return function(*map(to_numbers, args), **{name: to_numbers(x) for name, x in options.items()})


def _unique(x: Any, return_index: Any = False, *args: Any, axis: Any = None, **options: Any) -> Any:
    """Equal numbers, and all nan, are one: the first of them."""
    x = _as_array(x)
    _, places, *others = np.unique(to_numbers(x), True, *args, axis=axis, **options)
    found = x.ravel()[places] if axis is None else np.take(x, places, axis)
    results = (found, *([places] if return_index else []), *others)
    return results if len(results) > 1 else found


def _histogram(x: Any, bins: Any = 10, range: Any = None, *args: Any, **options: Any) -> Any:
    """Where x decides on the edges of the bins, which are among the results, NumPy refuses Values."""
    if np.ndim(bins) or range is not None:
        x = to_numbers(x)
    return run(np.histogram, x, bins, range, *args, **options)


# Items


def _nan_to_num(x: Any, copy: Any = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    high, low = sys.float_info.max if posinf is None else posinf, -sys.float_info.max if neginf is None else neginf
    result = _map(_finite, x, nan, high, low)
    if not copy and isinstance(x, Array):
        x[...] = result
        return x
    return result


def _finite(x: Any, nan: Any, posinf: Any, neginf: Any) -> Any:
    return ops.where(x != x, nan, ops.where(x == math.inf, posinf, ops.where(x == -math.inf, neginf, x)))


def _where(condition: Any, *sides: Any) -> Any:
    """Item by item where the condition is traced, and so has no truth value before the program runs."""
    ops.check_condition(condition, "the condition of np.where must be")
    if len(sides) != 2 or not _has_nodes(condition):
        return run(np.where, condition, *sides)
    return _as_array(_map(ops.where, condition, *map(_as_array, sides)))


def _select(conditions: Any, choices: Any, default: Any = 0) -> Any:
    if len(conditions) != len(choices) or not any(map(_has_nodes, conditions)):
        return run(np.select, conditions, choices, default)
    result = default
    for condition, choice in zip(reversed(conditions), reversed(choices)):
        result = np.where(condition, choice, result)
    return result


def _has_nodes(x: Any) -> bool:
    return any(isinstance(item, Node) for item in np.asarray(x, dtype=object).flat)


# Many items


def _reduce(ufunc: Any, x: Any, axis: Any = None, *args: Any, **options: Any) -> Any:
    return ufunc.reduce(_as_array(x), axis, None, *args, **options)


def _keep_nan(result: Any, x: Any, axis: Any, keepdims: Any) -> Any:
    """The result, but nan where there is one in x along the axis."""
    found = np.any(np.isnan(x), axis=axis, keepdims=keepdims)
    if not _has_nodes(found) and not np.any(found):
        return result
    return np.where(found, np.max(x, axis=axis, keepdims=keepdims), result)[()]


def _median(x: Any, axis: Any = None, out: Any = None, overwrite_input: Any = False, keepdims: Any = False) -> Any:
    x = _as_array(x)
    return _keep_nan(run(np.median, x, axis, out, keepdims=keepdims), x, axis, keepdims)


def _quantile(function: Any, x: Any, q: Any, axis: Any = None, keepdims: Any = False, **options: Any) -> Any:
    """NumPy interpolates only in arrays that have a shape, so x has one more axis while it does."""
    x = _as_array(x)
    axes = _axes(x, axis)
    weights = np.asarray(options.get("weights"))
    if x.ndim and weights.ndim == x.ndim:
        options["weights"] = weights[..., None]
    result = run(function, x[..., None], q, axes, keepdims=keepdims, **options)[..., 0][()]
    return _keep_nan(result, x, axes, keepdims)


def _without_nan(function: Any, x: Any, *args: Any, axis: Any = None, keepdims: Any = False, **options: Any) -> Any:
    """The function of those items along an axis that are not nan; nan if all are."""

    def apply(row: Any) -> Any:
        found = ~np.isnan(row)
        return function(row[found] if np.any(found) else row, *args, **options)

    x = _as_array(x)
    axes = _axes(x, axis)
    kept = [k for k in range(x.ndim) if k not in axes]
    rows = x.transpose(*kept, *axes).reshape(*[x.shape[k] for k in kept], -1)
    result = np.apply_along_axis(apply, -1, rows)
    if result.ndim > len(kept):  # several quantiles, which come first
        result = np.moveaxis(result, -1, 0)
    return (np.expand_dims(result, tuple([k - x.ndim for k in axes])) if keepdims else result)[()]


def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Any:
    """The norms for which NumPy takes the largest of objects, or a root of a single one."""
    x = _as_array(x)
    axes = _axes(x, axis)
    matrix = len(axes) == 2
    if ord in (None, 0, 2, "fro", "nuc") or len(axes) > 2 or (matrix and abs(ord) not in (1, math.inf)):
        return run(np.linalg.norm, x, ord, axis, keepdims)
    sizes = np.abs(x)
    if matrix:
        sizes = np.sum(sizes, axis=axes[abs(ord) != 1], keepdims=True)
    if matrix or abs(ord) == math.inf:
        return (np.max if ord > 0 else np.min)(sizes, axis=axes, keepdims=keepdims)
    return np.sum(sizes**ord, axis=axes, keepdims=keepdims) ** (1 / ord)


def _cov(
    x: Any, y: Any = None, rowvar: Any = True, bias: Any = False, ddof: Any = None, *args: Any, **options: Any
) -> Any:
    if args or options:
        return run(np.cov, x, y, rowvar, bias, ddof, *args, **options)
    parts = [np.atleast_2d(_as_array(part)) for part in (x, y) if part is not None]
    rows = np.concatenate([part if rowvar or len(part) == 1 else part.T for part in parts])
    deviations = rows - np.mean(rows, axis=1, keepdims=True)
    freedom = rows.shape[1] - (not bias if ddof is None else ddof)
    return np.squeeze(deviations @ deviations.T / freedom)[()]


def _corrcoef(x: Any, y: Any = None, rowvar: Any = True) -> Any:
    c = np.cov(x, y, rowvar)
    deviations = np.sqrt(np.diag(np.atleast_2d(c)))
    return np.clip(np.reshape(c / deviations / deviations[:, None], np.shape(c)), -1.0, 1.0)


REPLACED |= {
    **{
        getattr(np, name): functools.partial(_on_numbers, getattr(np, name))
        for name in (
            "nanargmax", "nanargmin", "lexsort", "isclose", "allclose", "array_equiv", "count_nonzero",
        )
    },
    **{
        function: functools.partial(_on_order, function)
        for function in (np.argmax, np.argmin, np.argsort, np.argpartition)
    },
    **{
        function: functools.partial(_on_joint_order, function)
        for function in (np.searchsorted, np.digitize, np.array_equal)
    },
    np.unique: _unique,
    np.histogram: _histogram,
    np.sinc: functools.partial(_map, sinc),
    np.nan_to_num: _nan_to_num,
    np.where: _where,
    np.select: _select,
    np.nanmax: functools.partial(_reduce, np.fmax),
    np.nanmin: functools.partial(_reduce, np.fmin),
    np.median: _median,
    np.percentile: functools.partial(_quantile, np.percentile),
    np.quantile: functools.partial(_quantile, np.quantile),
    np.nanmedian: functools.partial(_without_nan, np.median),
    np.nanpercentile: functools.partial(_without_nan, np.percentile),
    np.nanquantile: functools.partial(_without_nan, np.quantile),
    np.cov: _cov,
    np.corrcoef: _corrcoef,
    np.linalg.norm: _norm,
}  # fmt: skip
