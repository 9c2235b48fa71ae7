"""Structures of numbers (lists, tuples, dicts, dataclasses, arrays, Modules, nested): taken apart and put together."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from .primitive import describe, is_number
from .value import Value

Shape = tuple[int, ...]


class Numbers(Sequence[Any]):
    """The numbers of an array in C order, made Python's own when they are looked at: a compiled program never does."""

    __slots__ = ("_array", "_list")

    def __init__(self, array: Any) -> None:
        self._array = array
        self._list: list[Any] | None = None

    def __len__(self) -> int:
        return int(self._array.size)

    def __getitem__(self, place: Any) -> Any:
        return self._numbers()[place]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._numbers())

    def _numbers(self) -> list[Any]:
        if self._list is None:
            values = self._array.astype(float) if self._array.dtype.kind == "f" else self._array
            self._list = values.ravel().tolist()
        return self._list


@dataclasses.dataclass(eq=False, slots=True)
class Leaf:
    """What a structure holds where it ends: a number, an array, a Module, or something of no use here.

    Attributes:
        path: where it stands, as Python would write it.
        given: the thing itself.
        entries: its numbers and Values, an array's in C order, a Module's its parameters.
        shape: an array's; None for all else.
        names: a Module's names for its parameters; None for all else.
    """

    path: str
    given: Any
    entries: Sequence[Any]
    shape: Shape | None = None
    names: Sequence[str] | None = None

    @property
    def places(self) -> list[tuple[str, Shape]]:
        """The path and shape of each part; a Module's parts are its parameters, as in a dict by name."""
        if self.names is None:
            return [(self.path, self.shape or ())]
        return [(f"{self.path}[{name!r}]", ()) for name in self.names]

    def like(self, rows: Sequence[Sequence[Any]], lead: Shape | None = None) -> Any:
        """Numbers in the form of this leaf: a number, an array, for a Module a dict by name.

        Args:
            rows: numbers for the entries: one row, or one for each index into `lead`.
            lead: the shape of the index, which comes before this leaf's own; None for one row, no index.
        """
        if self.names is not None:
            return {name: pack([row[k] for row in rows], lead) for k, name in enumerate(self.names)}
        shape = self.shape if lead is None else lead + (self.shape or ())
        return pack([x for row in rows for x in row], shape)


@dataclasses.dataclass(eq=False, slots=True)
class Tree:
    """A structure taken apart: its leaves in order, and what puts one like it together from as many things."""

    leaves: list[Leaf]
    build: Callable[[Iterator[Any]], Any]
    constants: tuple[Any, ...] = ()  # type and further data of each registered container in it

    @property
    def is_leaf(self) -> bool:
        """Whether it is not a container."""
        return self.build is next

    @property
    def entries(self) -> list[Any]:
        """The numbers of all leaves, one after the other."""
        return [x for leaf in self.leaves for x in leaf.entries]

    def like(self, numbers: Sequence[Any]) -> Any:
        """Numbers, as many as the entries, in the form of this structure."""
        return self.build(leaf.like([part]) for leaf, part in zip(self.leaves, self.split(numbers)))

    def split(self, numbers: Sequence[Any]) -> Iterator[Sequence[Any]]:
        """Numbers, as many as the entries, leaf by leaf."""
        start = 0
        for leaf in self.leaves:
            yield numbers[start : start + len(leaf.entries)]
            start += len(leaf.entries)


@dataclasses.dataclass(frozen=True)
class Registered:
    """How a kind of container is taken apart and put together; see register_container."""

    flatten: Callable[[Any], tuple[Sequence[Any], Any]]
    unflatten: Callable[[Any, Sequence[Any]], Any]


_registered: dict[type, Registered] = {}


def register_container(
    kind: type,
    flatten: Callable[[Any], tuple[Sequence[Any], Any]],
    unflatten: Callable[[Any, Sequence[Any]], Any],
) -> None:
    """Let transforms and compiled programs look inside a container of your own, as they do inside lists and dicts.

    The two functions are those of jax.tree_util.register_pytree_node.

    Args:
        kind: its class. Subclasses are registered by themselves.
        flatten: a function of a container that returns (children, constants): the things inside, and further data
            that is not differentiated, hashable, which distinguishes one compiled program from another.
        unflatten: a function of (constants, children) that makes a container of that class again.

    Raises:
        TypeError: if `kind` is not a class, or one of the two is not a function.
        ValueError: if the class is registered already, or one that is taken apart anyway.

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
    for name, function in (("flatten", flatten), ("unflatten", unflatten)):
        if not callable(function):
            raise TypeError(f"register_container: {name} must be a function, got {describe(function)}")
    if issubclass(kind, Value) or kind in (np.ndarray, list, tuple, dict, float, int):
        raise ValueError(f"register_container: {kind.__name__} is taken apart already and cannot be registered")
    if kind in _registered:
        raise ValueError(f"register_container: {kind.__name__} is registered already")
    _registered[kind] = Registered(flatten, unflatten)


def flatten(x: Any, path: str) -> Tree:
    """Take a structure apart. Whatever is not a container is a leaf: see `check`."""
    if type(x) in _registered:
        return _flatten_registered(x, path, _registered[type(x)])
    if isinstance(x, Value):
        return Tree([Leaf(path, x, [x])], next)
    if isinstance(x, np.ndarray):
        return Tree([Leaf(path, x, Numbers(x), x.shape)], next)
    if isinstance(x, list):
        return _join([flatten(item, f"{path}[{k}]") for k, item in enumerate(x)], list)
    if isinstance(x, tuple):
        return _join([flatten(item, f"{path}[{k}]") for k, item in enumerate(x)], getattr(type(x), "_make", tuple))
    if isinstance(x, dict):
        return _join([flatten(item, f"{path}[{key!r}]") for key, item in x.items()], _dict_like(x))
    if isinstance(x, type):
        return Tree([Leaf(path, x, [x])], next)
    if callable(getattr(x, "named_parameters", None)):
        parameters = list(x.named_parameters())
        return Tree([Leaf(path, x, [p for _, p in parameters], names=[name for name, _ in parameters])], next)
    if dataclasses.is_dataclass(x):
        names = [field.name for field in dataclasses.fields(x)]
        return _join([flatten(getattr(x, name), f"{path}.{name}") for name in names], _dataclass_like(x, names))
    return Tree([Leaf(path, x, [x])], next)


def _flatten_registered(x: Any, path: str, container: Registered) -> Tree:
    children, constants = container.flatten(x)
    try:
        hash(constants)
    except TypeError:
        raise TypeError(
            f"{path}: the constants that flatten of {type(x).__name__} returns must be hashable, got "
            f"{describe(constants)}. Return a tuple or a string"
        ) from None
    inside = [flatten(child, f"{path}[{k}]") for k, child in enumerate(children)]
    tree = _join(inside, lambda items: container.unflatten(constants, items))
    return dataclasses.replace(tree, constants=((type(x), constants), *tree.constants))


def join(trees: Sequence[Tree]) -> Tree:
    """The tuple of these structures."""
    return _join(trees, tuple)


def _join(trees: Sequence[Tree], container: Callable[[list[Any]], Any]) -> Tree:
    builds = [tree.build for tree in trees]
    leaves = [leaf for tree in trees for leaf in tree.leaves]
    constants = tuple([x for tree in trees for x in tree.constants])
    return Tree(leaves, lambda things: container([build(things) for build in builds]), constants)


def _dict_like(x: dict[Any, Any]) -> Callable[[list[Any]], Any]:
    keys = list(x)

    def build(items: list[Any]) -> Any:
        result = copy.copy(x)  # whatever kind of dict it is
        for key, item in zip(keys, items):
            result[key] = item
        return result

    return build


def _dataclass_like(x: Any, names: Sequence[str]) -> Callable[[list[Any]], Any]:
    def build(items: list[Any]) -> Any:
        # Without __init__, which may check or change the numbers; without a copy of what x has cached.
        result = object.__new__(type(x))
        for name, item in zip(names, items):
            object.__setattr__(result, name, item)  # of a frozen one too
        return result

    return build


def pack(numbers: Sequence[Any], shape: Shape | None) -> Any:
    """The one number there is or, given a shape, an array: of floats, or of objects if there is anything else."""
    if shape is None:
        return numbers[0]
    result = np.empty(len(numbers), dtype=float if all(type(x) is float for x in numbers) else object)
    result[:] = numbers
    return result.reshape(shape)


def check(tree: Tree, who: str, hint: str, argument: bool = False) -> None:
    """Raise TypeError, naming the place, unless all entries are real numbers and Values.

    Args:
        tree: the structure.
        who: how the message begins.
        hint: how it ends where there is something that is no number.
        argument: whether to refuse integer arrays, by which there is no derivative, and subclasses of
            ndarray, which an array of Values could not stand for.
    """
    for leaf in tree.leaves:
        kind = leaf.given.dtype.kind if isinstance(leaf.given, np.ndarray) else "O"
        if argument and kind in "iu":
            raise TypeError(f"{who} {leaf.path} is {describe(leaf.given)}: got an integer array; use x.astype(float)")
        if argument and isinstance(leaf.given, np.ndarray) and type(leaf.given) is not np.ndarray:
            raise TypeError(f"{who} {leaf.path} is a {type(leaf.given).__name__}; pass a plain array, np.asarray(x)")
        if kind not in "fiuO":
            raise TypeError(f"{who} {leaf.path} is {describe(leaf.given)}, which holds no real numbers; {hint}")
        for x in leaf.entries if kind == "O" else ():
            if not _is_real(x):
                verb = "is" if x is leaf.given else "holds"
                raise TypeError(f"{who} {leaf.path} {verb} {describe(x)}, which is not a real number; {hint}")


def _is_real(x: Any) -> bool:
    return type(x) is float or isinstance(x, Value) or (is_number(x) and not isinstance(x, (bool, np.bool_)))


def aligned(expected: Tree, given: Tree, who: str) -> list[Any]:
    """The entries of `given`, which must have the places and shapes of `expected`, in the order of those.

    Lists are as good as tuples here, numbers as arrays of shape (), dicts by name as Modules.

    Raises:
        TypeError: if a place is missing or too much.
        ValueError: if one has another shape.
    """
    found: dict[str, tuple[Shape, Sequence[Any]]] = {}
    for leaf in given.leaves:
        parts = [leaf.entries] if leaf.names is None else [[x] for x in leaf.entries]
        found.update((path, (shape, part)) for (path, shape), part in zip(leaf.places, parts))
    result: list[Any] = []
    for path, shape in [place for leaf in expected.leaves for place in leaf.places]:
        if path not in found:
            rest = ", ".join(f"{p} of shape {s}" for p, (s, _) in found.items())
            raise TypeError(
                f"{who} {path} is missing; give it a number or array of shape {shape} (given: {rest[:200]})"
            )
        its_shape, entries = found.pop(path)
        if its_shape != shape:
            raise ValueError(f"{who} {path} has shape {its_shape}; give it shape {shape}, that of what it belongs to")
        result += entries
    if found:
        raise TypeError(f"{who} {next(iter(found))} is too much: there is nothing it belongs to; leave it out")
    return result
