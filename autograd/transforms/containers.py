"""register_container: containers of your own, which transforms and compiled programs look inside."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
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
        flatten: a function of a container that returns (children, constants): the objects inside, and other hashable
            data, which is not differentiated. A program is compiled for each value of the constants. Here 1, True and
            1.0 are three values, and 0.0 and -0.0 are two.
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


def typed_key(x: Any) -> Any:
    """A key that is equal only for the same value of the same type: 1, True and 1.0 differ, and so do 0.0 and -0.0."""
    if isinstance(x, (tuple, frozenset)):
        return type(x), (frozenset if isinstance(x, frozenset) else tuple)(map(typed_key, x))
    return type(x), x.hex() if type(x) is float else x
