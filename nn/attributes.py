"""What a Module may keep as an attribute, so that no parameter is lost without a word; things that have an order."""

from __future__ import annotations

import inspect
import sys
from abc import ABCMeta
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, MappingView, Set
from functools import lru_cache, partial
from gc import get_referents
from types import FunctionType
from typing import Any, TypeVar
from weakref import WeakSet

import numpy as np

from autograd import Value
from autograd.primitive import describe
from autograd.transforms import containers
from autograd.user_line import is_users

T = TypeVar("T")
_PLAIN = frozenset([float, int, bool, str, bytes, type(None)])


class ModuleClass(ABCMeta):
    """The class of Module classes. It checks each Module when it has been constructed.

    A result that is kept then is meant to be a parameter, but would not be one. A result that is kept later is one
    such as the last output. Derived from ABCMeta, so that a Module may be abstract, too.
    """

    def __call__(cls: type[T], *args: Any, **kwargs: Any) -> T:
        module: T = super().__call__(*args, **kwargs)  # type: ignore[misc]
        for name, x in vars(module).items():
            if _any(x, _is_result):
                raise TypeError(
                    f"{cls.__name__}.{name} must be a leaf Value or a list of them, got the result of an operation, "
                    "which would be neither trained nor saved. Compute its number first, as in Value(0.1 * number). "
                    "For a result that is only kept, such as the last output, set None in __init__"
                )
        return module

    @property
    def __signature__(cls) -> inspect.Signature:
        """The arguments of __init__ for help(), instead of those of __call__ above."""
        signature = inspect.signature(cls.__init__)  # type: ignore[misc]
        own = [] if cls.__init__ is object.__init__ else list(signature.parameters.values())[1:]  # type: ignore[misc]
        return signature.replace(parameters=own)


def check_attribute(place: str, old: Any, new: Any) -> None:
    """TypeError if an attribute that holds parameters would lose them when it is set.

    Args:
        place: the attribute, for the message.
        old: what it is now, None if it is not set.
        new: what it shall be.
    """
    if old is not None and new is not None and old is not new and _any(old, _is_leaf) and not _any(new, _is_leaf):
        given = "the result of an operation" if _any(new, _is_result) else describe(new)
        raise TypeError(
            f"{place} holds parameters, and must be set to a leaf Value or a list of them, got {given}. To "
            f"change its numbers, write p.data = number for each Value p. To train it no longer, leave it out of the "
            "optimizer's parameters, or set None"
        )


optimizers: WeakSet[Any] = WeakSet()  # all that there are, each with `parameters` and `replaced`


def note_replaced(place: str, old: Any, new: Any) -> None:
    """Tell the optimizers that the parameters in an attribute were replaced by others, which they do not train.

    Args:
        place: the attribute, for the message of their next step.
        old, new: what it was and what it is.
    """
    before = set(_leaves(old)) if optimizers and old is not new else set()
    if not before:
        return
    after = set(_leaves(new))
    for optimizer in list(optimizers):
        trained = set(optimizer.parameters)
        for p in after:
            optimizer.replaced.pop(p, None)
        if not after <= trained:
            optimizer.replaced.update((p, place) for p in (before - after) & trained)


def expect_none_replaced(optimizer: Any) -> None:
    """RuntimeError if the model of an optimizer has other parameters now."""
    if optimizer.replaced:
        raise RuntimeError(
            f"{type(optimizer).__name__}: {next(iter(optimizer.replaced.values()))} was set to other parameters, which "
            "this optimizer does not train. Make the optimizer after the model, or change numbers by p.data = number"
        )


def _leaves(x: Any) -> Iterator[Value]:
    """The parameters in x: in Modules, and in lists and other containers at any depth."""
    todo, seen = [x], dict[int, Any]()
    while todo:
        item = todo.pop()
        if isinstance(item, Value):
            if item.op is None:
                yield item
        elif id(item) not in seen and type(item) not in _PLAIN:
            seen[id(item)] = item
            if hasattr(item, "named_parameters"):
                yield from item.parameters()
            elif containers.is_container(item):
                todo += [inside for _, inside in containers.members(item)]


def check_class(kind: type, inside: tuple[type, ...]) -> None:
    """TypeError if a class itself holds a parameter or a Module, which is then neither found nor its instances' own."""
    for name, x in vars(kind).items():
        if isinstance(x, inside) or (name == "__slots__" and x):
            raise TypeError(
                f"{kind.__name__} must keep parameters and Modules as attributes of self, got {name} in the class. Set "
                "it in __init__, as self.w = Value(0.0)"
            )


def refuse_hidden(place: str, x: Any, inside: tuple[type, ...], found: Mapping[int, Any]) -> None:
    """TypeError if x holds a parameter or a Module where none is looked for, as in a set, and which is not found else.

    Args:
        place: where x is, for the message.
        x: an attribute or an item, not a container that is searched.
        inside: the classes of what must not be hidden.
        found: what was found elsewhere, by its id.
    """
    todo, seen = [x], {id(x): x}
    while todo:
        item = todo.pop()
        if isinstance(item, inside) and not _is_result(item):
            if id(item) not in found:
                raise TypeError(
                    f"{place} must be a list, tuple, dict or array, where parameters and Modules are looked for, got "
                    f"one of them in an object of class {type(x).__name__}"
                )
            continue
        if containers.is_container(item):
            inner: Iterable[Any] = [each for _, each in containers.members(item)]
        else:
            kind: Any = type(item)
            items = _items_of(kind)
            inner = () if items is None else items(item)
        new = [each for each in inner if type(each) not in _PLAIN and id(each) not in seen]
        seen.update((id(each), each) for each in new)
        todo += new


def unsearched(x: Any) -> dict[str, Any]:
    """The attributes of a container that are not among its members: of a list of a class of its own, for example."""
    if isinstance(x, np.ndarray) or type(x) in containers.registered:
        return {}
    fields = getattr(x, "__dataclass_fields__", {})
    return {name: each for name, each in getattr(x, "__dict__", {}).items() if name not in fields}


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
    if issubclass(kind, Mapping):
        return lambda x: x.values()
    if issubclass(kind, partial):
        return lambda x: (x.func, *x.args, *x.keywords.values())
    if issubclass(kind, FunctionType):
        return lambda x: [p for p in (*(x.__defaults__ or ()), *(x.__kwdefaults__ or {}).values()) if _any(p, _is_leaf)]
    if issubclass(kind, Iterator):
        return lambda x: [p for p in _behind(x) if _any(p, _is_leaf)]
    if not kind.__dictoffset__ or issubclass(kind, type):
        return None
    if kind.__module__ != "builtins" and is_users(getattr(sys.modules.get(kind.__module__), "__file__", None) or ""):
        return lambda x: vars(x).values()
    if not any("__call__" in vars(each) for each in kind.__mro__):
        return lambda x: [item for item in vars(x).values() if isinstance(item, Value)]
    return None


def _behind(x: Any) -> list[Any]:
    """What an iterator, such as a generator, will read: it cannot be read itself without using it up."""
    found, seen = [x], {id(x)}
    for each in found:
        if isinstance(each, (Iterator, tuple)):
            frame = getattr(each, "gi_frame", None)  # of a generator: not among its referents before Python 3.11
            held = [*get_referents(each), *(frame.f_locals.values() if frame else ())]
            new = [item for item in held if id(item) not in seen]
            seen.update(map(id, new))
            found += new
    return found[1:]
