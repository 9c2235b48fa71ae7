"""register_container: containers of your own, which transforms and compiled programs look inside."""

from __future__ import annotations

import copy
import dataclasses
import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from types import FunctionType
from typing import Any

import numpy as np

from ..primitive import describe
from ..value import Value


@dataclasses.dataclass(frozen=True)
class Registered:
    """How a kind of container is taken apart and put together; see register_container."""

    flatten: Callable[[Any], tuple[Sequence[Any], Any]]
    unflatten: Callable[[Any, Sequence[Any]], Any]


registered: dict[type, Registered] = {}


def register_container(
    kind: type,
    flatten: Callable[[Any], tuple[Sequence[Any], Any]],
    unflatten: Callable[[Any, Sequence[Any]], Any],
) -> None:
    """Let transforms and compiled programs look inside a container of your own, as they do inside lists and dicts.

    The two functions are those of jax.tree_util.register_pytree_node.

    Args:
        kind: its class. Subclasses must be registered separately.
        flatten: a function of a container that returns (children, constants): the objects inside, not copies of them,
            and other hashable data, which is not differentiated. A program is compiled for each value of the constants.
            Here 1, True and 1.0 are three values, and 0.0 and -0.0 are two.
        unflatten: a function of (constants, children) that makes a container of the class again.

    Raises:
        TypeError: if `kind` is not a class, or `flatten` or `unflatten` is not a function.
        ValueError: if the class is registered already, or needs no registration.

    >>> import autograd as ag
    >>> class Interval:
    ...     def __init__(self, low, high):
    ...         self.low, self.high = low, high
    >>> register_container(Interval, lambda i: ((i.low, i.high), None), lambda _, ends: Interval(*ends))
    >>> slope = ag.grad(lambda i: i.high**2 - i.low**2)(Interval(1.0, 3.0))
    >>> slope.low, slope.high
    (-2.0, 6.0)
    """
    if not isinstance(kind, type):
        raise TypeError(f"register_container: kind must be a class, got {describe(kind)}")
    for name, function in {"flatten": flatten, "unflatten": unflatten}.items():
        if not callable(function):
            raise TypeError(f"register_container: {name} must be a function, got {describe(function)}")
    if issubclass(kind, Value) or kind in (np.ndarray, list, tuple, dict, float, int):
        raise ValueError(f"register_container: kind must be a container of your own, got {kind.__name__}")
    if kind in registered:
        raise ValueError(f"register_container: kind must not be registered already, got {kind.__name__}")
    registered[kind] = Registered(flatten, unflatten)


def is_container(x: Any) -> bool:
    """Whether x is a list, tuple, dict, array, dataclass or registered container."""
    kind = type(x)
    return isinstance(x, (list, tuple, dict, np.ndarray)) or kind in registered or dataclasses.is_dataclass(kind)


def members(x: Any) -> Iterable[tuple[str, Any]]:
    """What is directly inside a container, each with its name. There is nothing in an array of numbers.

    Raises:
        TypeError: if a registered container gives other Values or arrays each time it is taken apart: changes of
            these would be lost.
    """
    if type(x) in registered:
        inside, again = registered[type(x)].flatten(x)[0], registered[type(x)].flatten(x)[0]
        if any(a is not b for a, b in zip(inside, again) if isinstance(a, (Value, np.ndarray))):
            raise TypeError(
                f"flatten of {type(x).__name__} must return the Values and arrays that the container keeps, got new "
                "ones at each call. Keep them in the container"
            )
        return [(str(k), item) for k, item in enumerate(inside)]
    if isinstance(x, dict):
        return ((str(key), item) for key, item in x.items())
    if isinstance(x, (list, tuple)):
        return ((str(k), item) for k, item in enumerate(x))
    if isinstance(x, np.ndarray):
        places = np.ndindex(x.shape) if x.dtype == object else ()
        return ((".".join(map(str, place)), x[place]) for place in places)
    names = [field.name for field in dataclasses.fields(x)]
    return [(name, getattr(x, name)) for name in names if hasattr(x, name)]


def builder(x: Any) -> Callable[[list[Any]], Any]:
    """A function of items that makes a list, tuple, dict or dataclass of the class of x, with the attributes of x.

    No constructor of the class runs, which might check or change the items, and nothing that x has cached is copied.

    Raises:
        TypeError: if x is a dataclass with an attribute that is no field, and its class has one of the same name, which
            would be read in its place. Another one would be missing, which Python says when it is read.
    """
    kind: Any = type(x)
    if kind in (list, tuple):
        return kind  # type: ignore[no-any-return]
    if isinstance(x, dict):
        return functools.partial(_build_dict, x, list(x))
    if isinstance(x, (list, tuple)):
        attributes = _attributes(x)
        make = getattr(kind, "_make", None) or functools.partial(_make, kind)
        return lambda items: _with_attributes(make(items), attributes)
    names = [field.name for field in dataclasses.fields(x)]
    for name in _attributes(x).keys() - set(names):
        ours = inspect.getattr_static(kind, name, None)
        if ours is not None and (isinstance(ours, FunctionType) or not hasattr(type(ours), "__get__")):
            raise TypeError(
                f"{name} of {kind.__name__} must be a field, got an attribute of the object and one of the class. "
                f"Write {name}: float = field(init=False)"
            )
    return lambda items: _with_attributes(object.__new__(kind), dict(zip(names, items)))


class _Unhashable:
    """In the key of a program: a container whose attributes cannot be compared from call to call."""

    def __init__(self, message: str) -> None:
        self._message = message

    def __hash__(self) -> int:
        raise TypeError(self._message)


def kind_of(x: Any) -> Any:
    """The class of a list, tuple or dict and its attributes, for each value of which a program is compiled."""
    attributes = _attributes(x) if type(x) not in (list, tuple, dict) else {}
    if not attributes:
        return type(x)
    try:
        return type(x), frozenset([(name, typed_key(each)) for name, each in attributes.items()])
    except TypeError:
        name = type(x).__name__
        return _Unhashable(
            f"a program is compiled for each value of the attributes of a {name}, so they must be hashable, got "
            f"{', '.join(f'{key} = {describe(each)}' for key, each in attributes.items())}. Write "
            f"ag.register_container({name}, ...)"
        )


def _build_dict(x: dict[Any, Any], keys: list[Any], items: list[Any]) -> Any:
    result = copy.copy(x)  # keeps the kind of dict
    if type(x) is not dict:
        for name in getattr(x, "__dict__", {}).keys() - _attributes(x).keys():
            delattr(result, name)
    for key, item in zip(keys, items):
        result[key] = item
    return result


def _make(kind: Any, items: list[Any]) -> Any:
    if issubclass(kind, tuple):
        return tuple.__new__(kind, items)
    result = list.__new__(kind)
    list.extend(result, items)
    return result


def _attributes(x: Any) -> dict[str, Any]:
    """The attributes of an object, without those that are computed again when they are read."""
    kind = type(x)
    return {
        name: each
        for name, each in getattr(x, "__dict__", {}).items()
        if not isinstance(inspect.getattr_static(kind, name, None), functools.cached_property)
    }


def _with_attributes(x: Any, attributes: dict[str, Any]) -> Any:
    for name, each in attributes.items():
        object.__setattr__(x, name, each)  # works if a dataclass is frozen
    return x


def constants_of(x: Any) -> Any:
    """The constants of a registered container; None for anything else."""
    return registered[type(x)].flatten(x)[1] if type(x) in registered else None


def typed_key(x: Any) -> Any:
    """A key that is equal only for the same value of the same type: 1, True and 1.0 differ, and so do 0.0 and -0.0."""
    if isinstance(x, (tuple, frozenset)):
        return type(x), (frozenset if isinstance(x, frozenset) else tuple)(map(typed_key, x))
    return type(x), x.hex() if type(x) is float else x
