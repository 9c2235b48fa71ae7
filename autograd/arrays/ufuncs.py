"""The functions of this package that take the place of NumPy's ufuncs, item by item."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import ops


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

COMPARISONS = {
    "greater": "gt",
    "greater_equal": "ge",
    "less": "lt",
    "less_equal": "le",
    "equal": "eq",
    "not_equal": "ne",
}

# From the name of a ufunc to the function of items; sums, differences and products are NumPy's own.
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
    "logical_and": lambda a, b: (a != 0) & (b != 0),
    "logical_or": lambda a, b: (a != 0) | (b != 0),
    "logical_xor": lambda a, b: (a != 0) ^ (b != 0),
    "invert": lambda x: not x if type(x) is bool else ~x,  # Python makes -2 of ~True
    "isnan": lambda x: x != x,
    "isinf": lambda x: ops.abs(x) == math.inf,
    "isfinite": lambda x: ops.abs(x) < math.inf,
    "signbit": lambda x: ops.copysign(1.0, x) < 0,
    **{name: getattr(operator, short) for name, short in COMPARISONS.items()},
}

REORDERABLE = ("maximum", "minimum", "fmax", "fmin")  # besides those that have an identity


@functools.cache
def by_items(ufunc: Any) -> Any:
    """The ufunc that applies our function in place of this one to each item of arrays of objects."""
    options = {}
    if ufunc.identity is not None or ufunc.__name__ in REORDERABLE:
        options["identity"] = ufunc.identity  # otherwise it could not reduce along several axes
    return np.frompyfunc(FUNCTIONS[ufunc.__name__], ufunc.nin, ufunc.nout, **options)
