"""What a Module may keep as an attribute, so that no parameter is lost without a word; things that have an order."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping, MappingView, Set
from functools import lru_cache
from typing import Any

import numpy as np

from autograd import Value
from autograd.primitive import describe
from autograd.transforms import containers


def check_attribute(place: str, old: Any, new: Any) -> None:
    """TypeError if an attribute at that place would lose parameters when it becomes `new`.

    Args:
        place: the attribute, for the message.
        old: what it is now, None if it is not set.
        new: what it shall be. A result that is set in __init__ is meant to be a parameter, but would not be one; a
            result set elsewhere is one that the Module keeps, such as its last output.
    """
    if old is not None and new is not None and old is not new and _any(old, _is_leaf) and not _any(new, _is_leaf):
        given = "the result of an operation" if _any(new, _is_result) else describe(new)
        raise TypeError(
            f"{place} holds parameters, and must be set to a leaf Value or a list of them, got {given}. To "
            f"change its numbers, write p.data = number for each Value p. To train it no longer, leave it out of the "
            "optimizer's parameters, or set None"
        )
    if _any(new, _is_result) and sys._getframe(2).f_code.co_name == "__init__":
        raise TypeError(
            f"{place} must be a leaf Value or a list of them, got the result of an operation, which would be neither "
            "trained nor saved. Compute its number first, as in Value(0.1 * number)"
        )


def check_class(kind: type, inside: tuple[type, ...]) -> None:
    """TypeError if a class itself holds a parameter or a Module, which is then neither found nor its instances' own."""
    for name, x in vars(kind).items():
        if isinstance(x, inside) or (name == "__slots__" and x):
            raise TypeError(
                f"{kind.__name__} must keep parameters and Modules as attributes of self, got {name} in the class. Set "
                "it in __init__, as self.w = Value(0.0)"
            )


def refuse_hidden(place: str, x: Any, inside: tuple[type, ...]) -> None:
    """TypeError if x holds a parameter or a Module where none is looked for, as in a set."""
    kind: Any = type(x)
    items = _items_of(kind)
    if items is not None and any(isinstance(item, inside) for item in items(x)):
        raise TypeError(
            f"{place} must be a list, tuple, dict or array, where parameters and Modules are looked for, got one of "
            f"them in an object of class {type(x).__name__}"
        )


def list_in_order(things: Iterable[Any], what: str) -> list[Any]:
    """The things in a list; TypeError for a set, whose order is arbitrary, for a dict and for text."""
    if type(things) is not list and isinstance(things, (str, bytes, bytearray, Mapping, Set)):
        raise TypeError(f"{what} must be in a list, whose order is fixed, got {describe(things)}")
    return list(things)


def _is_leaf(x: Any) -> bool:
    return isinstance(x, Value) and x.op is None


def _is_result(x: Any) -> bool:
    return isinstance(x, Value) and x.op is not None


def _any(x: Any, fits: Callable[[Any], bool]) -> bool:
    """Whether x, or one of the things in lists, tuples, dicts and arrays in it, fits. It does not look into Modules."""
    todo, seen = [x], dict[int, Any]()
    while todo:
        item = todo.pop()
        if isinstance(item, (list, tuple, dict, np.ndarray)):
            if id(item) not in seen:
                seen[id(item)] = item
                todo += [inside for _, inside in containers.members(item)]
        elif fits(item):
            return True
    return False


@lru_cache
def _items_of(kind: Any) -> Callable[[Any], Iterable[Any]] | None:
    """How to list what is directly inside of a container that is not searched; None if `kind` is no such container."""
    if issubclass(kind, (Set, deque, MappingView)):
        return list
    if kind.__dictoffset__ and not any("__call__" in vars(each) for each in kind.__mro__):  # an object of the user's
        return lambda x: [item for item in vars(x).values() if isinstance(item, Value)]
    return None
