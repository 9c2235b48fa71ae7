"""Order: what sorts and searches for the largest number look at, where numbers are traced and can only be compared."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..node import Node, is_traced, on_compare


def any_traced(x: Any) -> bool:
    """Whether some numbers in this array are not known before a compiled program runs."""
    hooks = tuple(on_compare)
    return any(is_traced(e) or (isinstance(e, Node) and any(hook(e) is not None for hook in hooks)) for e in x.flat)


def ranks(x: Any) -> Any:
    """An array of floats in the order of the items of x: equal for equal items, and nan for nan."""
    items = list(x.flat)
    found = np.full(len(items), math.nan)
    order = sorted([k for k, e in enumerate(items) if e == e], key=items.__getitem__)
    rank = 0.0
    for before, k in zip([None, *order], order):
        rank += before is not None and bool(items[before] < items[k])
        found[k] = rank
    return found.reshape(x.shape)


def mark_best(x: Any, is_better: Callable[[Any, Any], Any]) -> Any:
    """Zeros, with 1.0 in the place of the first item that none is better than; nan is better than any number."""
    items, best = list(x.flat), 0
    for k, e in enumerate(items):
        if e != e:
            best = k
            break
        if is_better(e, items[best]):
            best = k
    marks = np.zeros(len(items))
    marks[best : best + 1] = 1.0
    return marks.reshape(x.shape)
