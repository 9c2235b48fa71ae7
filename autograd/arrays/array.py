"""Arrays of Values: NumPy's functions follow this package's, on single Values and on arrays of Values.

NumPy knows nothing of Values. On an array of objects it compares where it chooses (so that np.maximum swallows a nan),
calls methods that plain numbers among the Values do not have, or refuses. `Array` is an array of objects that uses the
functions of this folder instead. The transforms hand out such arrays; `array` makes one.
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import ops
from ..node import Node, is_traced
from ..primitive import as_float
from .order import any_traced, mark_best, ranks
from .ufuncs import COMPARISONS, FUNCTIONS, by_items


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
    """An array of objects whose ufuncs are the functions of this package. Made by `array`.

    What NumPy's functions return for it is an Array again, and nan is ordered last, as among floats.
    """

    def __array_ufunc__(self, ufunc: Any, method: Any, *inputs: Any, **options: Any) -> Any:
        if "out" in options:
            options["out"] = tuple([plain(x) for x in options["out"]])
        if "where" in options:
            options["where"] = plain(options["where"])
        return _apply(ufunc, method, [plain(x) for x in inputs], options)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        return apply_function(function, types, args, options)

    # NumPy's functions of these names call the methods. They compare numbers, among which nan comes last.

    def sort(self, axis: Any = -1, *_: Any, **options: Any) -> None:
        if any_traced(self):
            self[...] = np.apply_along_axis(_choose_in_order, axis, self)
        else:
            self[...] = np.take_along_axis(self, self.argsort(axis), axis)

    def partition(self, kth: Any, axis: Any = -1, *_: Any, **options: Any) -> None:
        np.zeros(self.shape).partition(kth, axis)  # refuses a place beyond the end
        self.sort(axis)  # among equal numbers, that with a derivative must not be left to chance

    def argsort(self, axis: Any = -1, *_: Any, **options: Any) -> Any:
        return np.argsort(_in_order(self), axis, kind="stable")

    def argpartition(self, kth: Any, axis: Any = -1, *_: Any, **options: Any) -> Any:
        return np.argpartition(_in_order(self), kth, axis)

    def argmax(self, axis: Any = None, *args: Any, **options: Any) -> Any:
        whole = any_traced(self) and (axis is None or self.ndim == 1)
        numbers = mark_best(self, operator.gt) if whole else _in_order(self)
        return np.argmax(numbers, axis, *args, **options)

    def argmin(self, axis: Any = None, *args: Any, **options: Any) -> Any:
        whole = any_traced(self) and (axis is None or self.ndim == 1)
        numbers = -mark_best(self, operator.lt) if whole else _in_order(self)
        return np.argmin(numbers, axis, *args, **options)

    def searchsorted(self, *args: Any, **options: Any) -> Any:
        return np.searchsorted(self, *args, **options)


def _choose_in_order(row: Any) -> Any:
    """A row of traced numbers in order, by choices between neighbours, which keep equal ones in their order.

    This is odd-even transposition sort (D. E. Knuth, The Art of Computer Programming 3, 2nd ed., 1998, section 5.3.4).
    It takes half the square of the length, so that a long row is refused.
    """
    items = row.tolist()
    if len(items) > LONGEST:
        next(filter(is_traced, items)).trace.refuse(
            f"sorted {len(items)} traced values", f"sort at most {LONGEST}, or sort what the program is given"
        )
    for start in range(len(items)):
        for k in range(start % 2, len(items) - 1, 2):
            a, b = items[k], items[k + 1]
            swap = ops.where(a != a, b == b, b < a)  # nan comes last
            items[k], items[k + 1] = ops.where(swap, b, a), ops.where(swap, a, b)
    result = np.empty(len(items), dtype=object)
    result[:] = items
    return result


LONGEST = 64  # traced numbers in a row that is sorted: some 12,000 operations

# What NumPy calls


def apply_ufunc(ufunc: Any, method: str, inputs: Sequence[Any], options: dict[str, Any]) -> Any:
    """A ufunc with a Value among its inputs or outputs."""
    name = ufunc.__name__
    if method == "__call__" and name in FUNCTIONS and not options:
        single = [x.item() if isinstance(x, np.ndarray) and not x.ndim else x for x in inputs]
        if not any(isinstance(x, (np.ndarray, list, tuple)) for x in single):
            return _truth(FUNCTIONS[name](*single))
    boxed = [_box(x) if isinstance(x, Node) else x for x in inputs]
    if any(isinstance(x, Array) for x in boxed):
        return getattr(ufunc, method)(*boxed, **options)
    return _apply(ufunc, method, boxed, options)


def _apply(ufunc: Any, method: str, inputs: Sequence[Any], options: dict[str, Any]) -> Any:
    """A ufunc of plain arrays, by this package's function if there is one and any item is an object."""
    objects = any(isinstance(x, np.ndarray) and x.dtype == object for x in inputs)
    if objects and method == "reduce" and "where" in options and ufunc.identity is not None:
        options = {"initial": ufunc.identity, **options}  # NumPy wants one for objects, but not for floats
    compares = ufunc.__name__ in COMPARISONS
    if objects and ufunc.__name__ in FUNCTIONS and not (compares and "out" in options):
        ufunc = by_items(ufunc)
    with np.errstate(all="ignore"):  # infinities and nan are results, as everywhere in this package
        result = getattr(ufunc, method)(*inputs, **options)
    if objects and compares and not np.size(result):
        return np.asarray(result, bool)
    return _truth(wrap(result))


def _truth(result: Any) -> Any:
    """NumPy's bool for Python's, of which ~ makes -1 or -2."""
    return np.bool_(result) if type(result) is bool else result


def apply_function(function: Any, types: Any, args: Any, options: Any) -> Any:
    """A function of NumPy other than a ufunc with a Value or an Array among its arguments."""
    if not all(issubclass(x, (np.ndarray, Node)) for x in types):
        return NotImplemented
    if function in REPLACED:
        return wrap(REPLACED[function](*args, **options))
    return run(function, *args, **options)


REPLACED: dict[Any, Callable[..., Any]] = {}  # replaced.py fills it


def run(function: Any, *args: Any, **options: Any) -> Any:
    """A function of NumPy as NumPy implements it, with an Array for each array of objects in its result.

    Raises:
        TypeError: if it needs floats, with what to write.
    """
    try:
        return wrap(np.ndarray.__array_function__(_EMPTY, function, (), args, options))
    except (TypeError, AttributeError) as error:
        if function is np.result_type or "got Values" in str(error) or not any(sign in str(error) for sign in _SIGNS):
            raise  # it says enough, or is no matter of Values, or the function that asks for the type will say it
        name = function.__name__
        full = f"{function.__module__}.{name}".replace("numpy", "np")
        use = f"Use ag.{name}" if hasattr(sys.modules["autograd"], name) else _REMEDY
        raise TypeError(f"{full} must be given floats, got Values ({error}). {use}") from error


_EMPTY = np.empty(0)
_SIGNS = ("dtype('O')", "for the input types", "attribute 'dtype'", "attribute 'shape'", "as a data type")
_REMEDY = "Write it with arithmetic and functions that take Values, or make it a primitive (ag.primitive)"


def to_numbers(x: Any) -> Any:
    """The numbers without their derivatives: an array of floats for an array of objects, lists item by item."""
    if isinstance(x, Node):
        return math.nan if x != x else x.data  # type: ignore[attr-defined]
    if type(x) in (list, tuple):
        return type(x)(map(to_numbers, x))
    if isinstance(x, np.ndarray) and x.dtype == object:
        return np.array([to_numbers(item) for item in x.flat], float).reshape(x.shape)
    return x


def _in_order(x: Any) -> Any:
    """An array of floats in the order of the items of x."""
    return ranks(x) if any_traced(x) else to_numbers(x)


def plain(x: Any) -> Any:
    """Without the class Array."""
    return x.view(np.ndarray) if isinstance(x, Array) else x


def wrap(result: Any) -> Any:
    """The result with an Array for each array of objects, unless these are all truth values."""
    if type(result) in (tuple, list):
        return type(result)(map(wrap, result))
    if type(result) is np.ndarray and result.dtype == object:
        if result.size and all(isinstance(x, bool) for x in result.flat):
            return result.astype(bool)
        return result.view(Array)
    return result


def _box(x: Any) -> Any:
    """An array of shape () that holds x."""
    box = np.empty((), dtype=object)
    box[()] = x
    return box
