"""register_container: containers of your own, which transforms and compiled programs look inside."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
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


def constants_of(x: Any) -> Any:
    """The constants of a registered container; None for anything else."""
    return registered[type(x)].flatten(x)[1] if type(x) in registered else None


def typed_key(x: Any) -> Any:
    """A key that is equal only for the same value of the same type: 1, True and 1.0 differ, and so do 0.0 and -0.0."""
    if isinstance(x, (tuple, frozenset)):
        return type(x), (frozenset if isinstance(x, frozenset) else tuple)(map(typed_key, x))
    return type(x), x.hex() if type(x) is float else x
