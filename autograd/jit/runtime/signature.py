"""Arguments: what a program is called with, told apart by structure, and how their numbers get into memory."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ...primitive import describe
from ...tree import Leaf, Tree, check, flatten
from ...value import Value

Key = Any
NUMBERS = frozenset([float, int, np.float64, np.float32, np.int64, np.int32])


@dataclasses.dataclass
class Argument:
    """One argument, as far as it decides what is compiled.

    Attributes:
        tree: its structure, without the batch axis.
        axis: the batch axis, or None.
    """

    tree: Tree
    axis: int | None

    @property
    def batched(self) -> bool:
        return self.axis is not None

    @property
    def names(self) -> list[str]:
        """A name for each of its numbers."""
        names: list[str] = []
        for leaf in self.tree.leaves:
            if leaf.names is not None:
                names += [f"{leaf.path}.{name}" for name in leaf.names]
            elif leaf.shape is not None:
                names += [f"{leaf.path}[{', '.join(map(str, at))}]" for at in np.ndindex(*leaf.shape)]
            else:
                names.append(leaf.path)
        return names

    def rebuild(self, numbers: Sequence[Any]) -> Any:
        """The argument with other numbers: Modules are copied, with these for parameters."""

        def leaves() -> Iterator[Any]:
            for leaf, mine in zip(self.tree.leaves, self.tree.split(numbers)):
                if leaf.names is None:
                    yield leaf.like([mine])
                else:
                    # What a Module keeps besides, such as running statistics, is read at each call, not copied.
                    kept = [x for buffer in getattr(leaf.given, "buffers", list)() for x in buffer]
                    memo = {id(x): x for x in kept} | {id(p): new for p, new in zip(leaf.entries, mine)}
                    yield copy.deepcopy(leaf.given, memo)

        return self.tree.build(leaves())


def key_of(x: Any) -> Key:
    """What tells an argument from others that need other code or other memory."""
    if type(x) is np.ndarray and x.dtype.kind != "O":
        return x.shape, x.dtype.kind
    if type(x) in NUMBERS:
        return None
    tree = flatten(x, "")
    return structure(tree), has_values(tree)


def has_values(tree: Tree) -> bool:
    """Whether there are Values in it, beside those that Modules hold."""
    return any(
        leaf.names is None and _kind(leaf) in (None, "O") and any(isinstance(x, Value) for x in leaf.entries)
        for leaf in tree.leaves
    )


def structure(tree: Tree) -> Key:
    """Paths, shapes and kinds of a tree's leaves; a Module stands for itself."""
    leaves = [(leaf.path, leaf.shape, _kind(leaf) if leaf.names is None else id(leaf.given)) for leaf in tree.leaves]
    return tree.constants, *leaves


def _kind(leaf: Leaf) -> str | None:
    """What an array holds: floats, objects, ..."""
    return leaf.given.dtype.kind if isinstance(leaf.given, np.ndarray) else None


def batch_size(given: Sequence[Any], axes: Sequence[int | None], who: str) -> int | None:
    """How many elements the batch has; None without one.

    Raises:
        ValueError: if two arguments have different numbers of them.
    """
    first: tuple[str, int] | None = None
    for number, (x, axis) in enumerate(zip(given, axes)):
        if axis is not None:
            for leaf in flatten(x, f"argument {number}").leaves:
                assert leaf.shape is not None
                size = leaf.shape[axis]
                if first is None:
                    first = leaf.path, size
                elif size != first[1]:
                    raise ValueError(
                        f"{who} all batched arguments need as many elements along their batch axes (in_axes); "
                        f"{first[0]} has {first[1]}, {leaf.path} has {size}"
                    )
    return None if first is None else first[1]


def _shape(leaf: Leaf, axis: int) -> tuple[int, ...]:
    assert leaf.shape is not None
    axis %= len(leaf.shape)
    return leaf.shape[:axis] + leaf.shape[axis + 1 :]


def argument(x: Any, number: int, axis: int | None, who: str) -> Argument:
    """Look at an argument that is new.

    Raises:
        TypeError: for what is no number, and for a batched argument that has no batch axis.
    """
    path = f"argument {number}"
    tree = flatten(x, path)
    check(tree, who, "a compiled program takes numbers, arrays, Modules, and containers of them")
    if axis is None:
        return Argument(dataclasses.replace(tree, leaves=[_without_numbers(leaf) for leaf in tree.leaves]), None)
    leaves = []
    for leaf in tree.leaves:
        if leaf.shape is None or not -len(leaf.shape) <= axis < len(leaf.shape):
            raise TypeError(
                f"{who} {leaf.path} is batched along axis {axis} (in_axes), but it is {describe(leaf.given)}; "
                "pass an array with that axis, or None in in_axes for what the whole batch shares"
            )
        row = np.zeros(_shape(leaf, axis))
        form = dataclasses.replace(leaf, entries=row.ravel().tolist(), shape=row.shape or None)
        leaves.append(_without_numbers(form))
    return Argument(dataclasses.replace(tree, leaves=leaves), axis)


def _without_numbers(leaf: Leaf) -> Leaf:
    """A leaf that does not keep the caller's array alive."""
    return dataclasses.replace(leaf, given=None) if isinstance(leaf.given, np.ndarray) else leaf


def arrays(x: Any) -> list[Any]:
    """The leaves of an argument, as something that an array can be assigned from."""
    if type(x) is np.ndarray or type(x) in NUMBERS:
        return [x]
    return [
        leaf.given
        if leaf.shape is not None
        else [float(p) for p in leaf.entries]
        if leaf.names is not None
        else float(leaf.given)
        for leaf in flatten(x, "").leaves
    ]
