"""Structures of numbers: lists, tuples, dicts, dataclasses, arrays and Modules, nested in each other.

`flatten` takes a structure apart into a Tree of leaves. The Tree builds structures of the same form again, with a
NumPy array where an array of another library was.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from ..arrays import Array
from ..primitive import describe, is_number
from ..value import Value
from .containers import Registered, builder, kind_of, registered, typed_key
from .foreign import is_foreign, read_array, why_unread

Shape = tuple[int, ...]


class Numbers(Sequence[Any]):
    """The numbers of an array in C order, as Python floats from the first access on. Compiled programs need none."""

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
    """The end of a structure: a number, an array, a Module, or anything else, which `check` refuses.

    Attributes:
        path: its place in the structure, as a Python expression.
        given: the object itself, or the NumPy array read from it.
        entries: its numbers and Values: those of an array in C order, or the parameters of a Module.
        shape: the shape of an array, otherwise None.
        names: the names of the parameters of a Module, otherwise None.
        foreign: the array of another library that `given` was read from, otherwise None.
    """

    path: str
    given: Any
    entries: Sequence[Any]
    shape: Shape | None = None
    names: Sequence[str] | None = None
    foreign: Any = None

    @property
    def original(self) -> Any:
        """The object that was in the structure."""
        return self.given if self.foreign is None else self.foreign

    @property
    def places(self) -> list[tuple[str, Shape]]:
        """The path and shape of each part. The parts of a Module are its parameters, as in a dict by name."""
        if self.names is None:
            return [(self.path, self.shape or ())]
        return [(f"{self.path}[{name!r}]", ()) for name in self.names]

    def like(self, rows: Sequence[Sequence[Any]], lead: Shape | None = None) -> Any:
        """Numbers in the form of this leaf: a number, an array or, for a Module, a dict by name.

        Args:
            rows: numbers for the entries: one row, or one row for each index into `lead`.
            lead: the shape to put before the shape of this leaf; None if there is a single row.
        """
        if self.names is not None:
            return {name: pack([row[k] for row in rows], lead) for k, name in enumerate(self.names)}
        shape = self.shape if lead is None else lead + (self.shape or ())
        return pack(list(itertools.chain.from_iterable(rows)), shape)


@dataclasses.dataclass(eq=False, slots=True)
class Tree:
    """A structure taken apart: its leaves in order, and a function that builds a structure of the same form."""

    leaves: list[Leaf]
    build: Callable[[Iterator[Any]], Any]
    form: Any = None  # its containers, nested, with their constants and keys, as far as programs depend on them

    @property
    def is_leaf(self) -> bool:
        """Whether the structure is a single leaf, not a container."""
        return self.build is next

    @property
    def entries(self) -> list[Any]:
        """The numbers of all leaves, one after the other."""
        return [x for leaf in self.leaves for x in leaf.entries]

    def like(self, numbers: Sequence[Any]) -> Any:
        """Numbers, one for each entry, in the form of this structure."""
        return self.build(leaf.like([part]) for leaf, part in zip(self.leaves, self.split(numbers)))

    def split(self, numbers: Sequence[Any]) -> Iterator[Sequence[Any]]:
        """Numbers, one for each entry, leaf by leaf."""
        start = 0
        for leaf in self.leaves:
            yield numbers[start : start + len(leaf.entries)]
            start += len(leaf.entries)


def flatten(x: Any, path: str) -> Tree:
    """Take a structure apart. Everything that is not a container is a leaf; see `check`."""
    if type(x) is float:
        return Tree([Leaf(path, x, [x])], next)
    if type(x) in registered:
        return _flatten_registered(x, path, registered[type(x)])
    if isinstance(x, Value):
        return Tree([Leaf(path, x, [x])], next)
    if isinstance(x, np.ndarray):
        return Tree([Leaf(path, x, Numbers(x), x.shape)], next)
    if isinstance(x, list):
        return _join([flatten(item, f"{path}[{k}]") for k, item in enumerate(x)], builder(x), kind_of(x))
    if isinstance(x, tuple):
        return _join([flatten(item, f"{path}[{k}]") for k, item in enumerate(x)], builder(x), kind_of(x))
    if isinstance(x, dict):
        return _join([flatten(item, f"{path}[{key!r}]") for key, item in x.items()], builder(x), kind_of(x))
    if isinstance(x, type):
        return Tree([Leaf(path, x, [x])], next)
    if callable(getattr(x, "named_parameters", None)):
        parameters = list(x.named_parameters())
        return Tree([Leaf(path, x, [p for _, p in parameters], names=[name for name, _ in parameters])], next)
    if dataclasses.is_dataclass(x):
        names = [field.name for field in dataclasses.fields(x)]
        return _join([flatten(getattr(x, name), f"{path}.{name}") for name in names], builder(x), type(x))
    if is_foreign(x):
        with contextlib.suppress(Exception):  # then `check` says what the library said
            numbers = read_array(x)
            return Tree([Leaf(path, numbers, Numbers(numbers), numbers.shape, foreign=x)], next)
    return Tree([Leaf(path, x, [x])], next)


def _flatten_registered(x: Any, path: str, container: Registered) -> Tree:
    given = container.flatten(x)
    if not isinstance(given, (tuple, list)) or len(given) != 2 or not isinstance(given[0], Iterable):
        raise TypeError(
            f"{path}: the flatten function of {type(x).__name__} must return a pair (children, constants), with the "
            f"children in a tuple or list, got {describe(given)}"
        )
    children, constants = given
    try:
        hash(constants)
    except TypeError:
        constant = describe(constants)
        raise TypeError(f"{path}: the constants of {type(x).__name__} must be hashable, got {constant}") from None
    inside = [flatten(child, f"{path}[{k}]") for k, child in enumerate(children)]
    return _join(inside, lambda items: container.unflatten(constants, items), (type(x), typed_key(constants)))


def join(trees: Sequence[Tree]) -> Tree:
    """The tree of the tuple of these structures."""
    return _join(trees, tuple, tuple)


def _join(trees: Sequence[Tree], container: Callable[[list[Any]], Any], kind: Any) -> Tree:
    builds = [tree.build for tree in trees]
    leaves = [leaf for tree in trees for leaf in tree.leaves]
    return Tree(
        leaves, lambda items: container([build(items) for build in builds]), (kind, *[tree.form for tree in trees])
    )


def pack(numbers: Sequence[Any], shape: Shape | None) -> Any:
    """The single number or, given a shape, an array: of floats if all are floats, otherwise an Array."""
    if shape is None:
        return numbers[0]
    result = np.empty(len(numbers), dtype=float if all(type(x) is float for x in numbers) else object)
    result[:] = numbers
    return result.reshape(shape) if result.dtype == float else result.reshape(shape).view(Array)


def check(tree: Tree, who: str, hint: str, argument: bool = False, kinds: str = "fiuO") -> None:
    """Raise TypeError, with the place, unless all entries are real numbers or Values.

    Args:
        tree: the structure.
        who: how the message begins.
        hint: how it ends if something is not a number.
        argument: whether to refuse integer arrays, which cannot be differentiated with respect to, and
            subclasses of ndarray, which an array of Values cannot replace.
        kinds: the kinds of dtype that an array may have.
    """
    for leaf in tree.leaves:
        kind = leaf.given.dtype.kind if isinstance(leaf.given, np.ndarray) else "O"
        if argument:
            check_plain(leaf, who)
        if argument and kind in "iu":
            raise TypeError(f"{who} {leaf.path} must be a float array, got {describe(leaf.given)}; use x.astype(float)")
        if kind not in kinds:
            raise TypeError(f"{who} {leaf.path} must hold real numbers, got {describe(leaf.given)}; {hint}")
        if kind != "O" or all(t is float or issubclass(t, Value) for t in set(map(type, leaf.entries))):
            continue
        for x in leaf.entries:
            if not _is_real(x):
                wanted = "be a real number" if x is leaf.given else "hold real numbers"
                raise TypeError(f"{who} {leaf.path} must {wanted}, got {describe(x)}; {why_unread(x) or hint}")


def check_plain(leaf: Leaf, who: str) -> None:
    """Raise TypeError if the leaf is of a subclass of ndarray: an array of Values would not do what it does."""
    if not is_plain(leaf):
        name = type(leaf.given).__name__
        use = "np.asarray(x)"
        if isinstance(leaf.given, np.ma.MaskedArray):  # np.asarray would drop the mask without a word
            use = "x.filled(value) or x.compressed(), or x.data where nothing is masked"
        raise TypeError(f"{who} {leaf.path} must be a plain NumPy array, got a {name}; use {use}")


def is_plain(leaf: Leaf) -> bool:
    """Whether the leaf is no array, or one that does what arrays do, in memory or in a file."""
    return not isinstance(leaf.given, np.ndarray) or type(leaf.given) in (np.ndarray, Array, np.memmap)


def _is_real(x: Any) -> bool:
    return type(x) is float or isinstance(x, Value) or (is_number(x) and not isinstance(x, (bool, np.bool_)))


def match_entries(expected: Tree, given: Tree, who: str) -> list[Any]:
    """The entries of `given` in the order of `expected`, whose places and shapes it must have.

    A list may stand for a tuple, a number for an array of shape (), and a dict by name for a Module.

    Raises:
        TypeError: if an entry is missing or unexpected.
        ValueError: if a shape differs.
    """
    found: dict[str, tuple[Shape, Sequence[Any]]] = {}
    for leaf in given.leaves:
        parts = [leaf.entries] if leaf.names is None else [[x] for x in leaf.entries]
        found.update((path, (shape, part)) for (path, shape), part in zip(leaf.places, parts))
    result: list[Any] = []
    for path, shape in [place for leaf in expected.leaves for place in leaf.places]:
        if path not in found:
            rest = ", ".join(f"{p} of shape {s}" for p, (s, _) in found.items())
            raise TypeError(f"{who} {path} is missing; expected a number or array of shape {shape}, got {rest[:200]}")
        its_shape, entries = found.pop(path)
        if its_shape != shape:
            raise ValueError(f"{who} {path} must have shape {shape}, got {its_shape}")
        result += entries
    if found:
        raise TypeError(f"{who} {next(iter(found))} is an unexpected entry; remove it")
    return result
