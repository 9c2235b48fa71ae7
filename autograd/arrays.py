"""Arrays of Values: NumPy's ufuncs follow this package's functions, on single Values and on arrays of Values.

NumPy knows nothing of Values. On an array of objects it compares where it chooses (so that np.maximum swallows a nan),
calls methods that plain numbers among the Values do not have, or refuses. `Array` is an array of objects that uses the
functions below instead. The transforms hand out such arrays; `array` makes one.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import ops
from .node import Node
from .primitive import as_float


def array(numbers: Any) -> Array:
    """An array of Values, or of Values and plain numbers, for which NumPy's functions do what this package's do.

    Args:
        numbers: numbers and Values in nested lists, tuples or arrays.

    Raises:
        TypeError: if an item is neither a number nor a Value.
        ValueError: if the lists differ in length.

    >>> import numpy as np
    >>> from autograd import Value
    >>> np.exp(array([Value(0.0), 1.0]))
    Array([Value(data=1.0, grad=0.0), 2.718281828459045], dtype=object)
    >>> np.maximum(array([Value(-2.0), 3.0]), 0.0)
    Array([Value(data=0.0, grad=0.0), 3.0], dtype=object)
    """
    result = np.array(numbers, dtype=object)
    for place, x in enumerate(result.flat):
        if not isinstance(x, Node):
            if isinstance(x, (list, tuple)):
                raise ValueError(f"array(): the lists must have equal lengths, got {len(x)} items in one of them")
            result.flat[place] = as_float(x, "array()", "each item for ")
    return result.view(Array)


class Array(np.ndarray[Any, Any]):
    """An array of objects whose ufuncs are the functions of this package. Made by `array`."""

    def __array_ufunc__(self, ufunc: Any, method: Any, *inputs: Any, **options: Any) -> Any:
        if "out" in options:
            options["out"] = tuple([_plain(x) for x in options["out"]])
        return _apply(ufunc, method, [_plain(x) for x in inputs], options)


def apply_ufunc(ufunc: Any, method: str, inputs: Sequence[Any], options: dict[str, Any]) -> Any:
    """A ufunc with a Value among its inputs or outputs."""
    name = ufunc.__name__
    if method == "__call__" and name in FUNCTIONS and not options:
        single = [x.item() if isinstance(x, np.ndarray) and not x.ndim else x for x in inputs]
        if not any(isinstance(x, (np.ndarray, list, tuple)) for x in single):
            return FUNCTIONS[name](*single)
    boxed = [_box(x) if isinstance(x, Node) else x for x in inputs]
    if any(isinstance(x, Array) for x in boxed):
        return getattr(ufunc, method)(*boxed, **options)
    return _apply(ufunc, method, boxed, options)


def _apply(ufunc: Any, method: str, inputs: Sequence[Any], options: dict[str, Any]) -> Any:
    """A ufunc of plain arrays, by this package's function if there is one and any item is an object."""
    if ufunc.__name__ in FUNCTIONS and any(isinstance(x, np.ndarray) and x.dtype == object for x in inputs):
        ufunc = _by_items(ufunc.__name__, ufunc.nin, ufunc.nout)
    with np.errstate(all="ignore"):  # infinities and nan are results, as everywhere in this package
        return _wrap(getattr(ufunc, method)(*inputs, **options))


@functools.cache
def _by_items(name: str, nin: int, nout: int) -> Any:
    return np.frompyfunc(FUNCTIONS[name], nin, nout)


def _plain(x: Any) -> Any:
    return x.view(np.ndarray) if isinstance(x, Array) else x


def _wrap(result: Any) -> Any:
    """The result with an Array for each array of objects, unless these are all truth values."""
    if isinstance(result, tuple):
        return tuple(map(_wrap, result))
    if isinstance(result, np.ndarray) and result.dtype == object:
        if result.size and all(isinstance(x, bool) for x in result.flat):
            return result.astype(bool)
        return result.view(Array)
    return result


def _box(x: Any) -> Any:
    """An array of shape () that holds x."""
    box = np.empty((), dtype=object)
    box[()] = x
    return box


def _larger(a: Any, b: Any) -> Any:
    return ops.where(a != a, b, ops.where(b != b, a, ops.maximum(a, b)))


def _smaller(a: Any, b: Any) -> Any:
    return ops.where(a != a, b, ops.where(b != b, a, ops.minimum(a, b)))


def _clip(x: Any, low: Any, high: Any) -> Any:
    return ops.where(x < low, low, ops.where(x > high, high, x))


def _split(x: Any) -> tuple[Any, Any]:
    whole = ops.trunc(x)
    return ops.copysign(ops.where(ops.abs(x) == math.inf, 0.0, x - whole), x), whole


SAME = (  # in NumPy and here
    "exp", "expm1", "exp2", "log", "log1p", "log2", "log10", "sqrt", "cbrt", "sin", "cos", "tan", "sinh", "cosh",
    "tanh", "hypot", "maximum", "minimum", "sign", "heaviside", "copysign", "logaddexp", "logaddexp2", "floor_divide",
    "fmod", "floor", "ceil", "trunc", "rint", "deg2rad", "rad2deg", "degrees", "radians",
)  # fmt: skip

# From the name of a ufunc to the function of items; sums, differences, products and comparisons are NumPy's own.
FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: getattr(ops, name) for name in SAME},
    **{f"arc{name}": getattr(ops, f"a{name}") for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "tan2")},
    "absolute": ops.abs,
    "fabs": ops.abs,
    "divide": ops.div,
    "power": ops.pow,
    "float_power": ops.pow,
    "remainder": ops.mod,
    "divmod": lambda a, b: (ops.floor_divide(a, b), ops.mod(a, b)),
    "reciprocal": lambda x: ops.div(1.0, x),
    "ldexp": lambda x, n: x * ops.exp2(n),
    "fmax": _larger,
    "fmin": _smaller,
    "clip": _clip,
    "modf": _split,
    "logical_not": lambda x: x == 0,
    "logical_and": lambda a, b: a != 0 and b != 0,
    "logical_or": lambda a, b: a != 0 or b != 0,
    "logical_xor": lambda a, b: (a != 0) != (b != 0),
    "isnan": lambda x: x != x,
    "isinf": lambda x: ops.abs(x) == math.inf,
    "isfinite": lambda x: ops.abs(x) < math.inf,
    "signbit": lambda x: ops.copysign(1.0, x) < 0,
}
