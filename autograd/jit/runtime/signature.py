"""The arguments of a program: their structure, which decides what is compiled, and their numbers."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ...arrays import array
from ...primitive import describe, is_number
from ...transforms.tree import Leaf, Tree, check, check_plain, flatten, is_plain
from ...value import Value

Key = Any
NUMBERS = frozenset([float, int, np.float64, np.float32, np.int64, np.int32])


@dataclasses.dataclass
class Argument:
    """What compiled code depends on in one argument.

    Attributes:
        tree: its structure, without the batch axis.
        axis: the batch axis, or None.
        truths: for each leaf, whether it is an array of truth values.
    """

    tree: Tree
    axis: int | None
    truths: Sequence[bool]

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
        """The argument with these numbers; Modules are copied, with the numbers as parameters.

        In place of a truth value, a condition: it can be chosen by, and combined with others by & | ^ ~.
        """

        def leaves() -> Iterator[Any]:
            for leaf, truth, mine in zip(self.tree.leaves, self.truths, self.tree.split(numbers)):
                if leaf.names is None:
                    yield leaf.like([[x != 0.0 for x in mine] if truth else mine])
                else:
                    # Buffers, such as running statistics, are not copied, because they are read at each call.
                    kept = [x for buffer in getattr(leaf.given, "buffers", list)() for x in buffer]
                    memo = {id(x): x for x in kept} | {id(p): new for p, new in zip(leaf.entries, mine)}
                    yield copy.deepcopy(leaf.given, memo)

        return self.tree.build(leaves())


def argument_key(x: Any) -> Key:
    """A key that is different for arguments that need different code or memory."""
    if type(x) is np.ndarray and x.dtype.kind != "O":
        return x.shape, x.dtype.kind
    if type(x) in NUMBERS:
        return None
    tree = flatten(x, "")
    return tree_signature(tree), has_values(tree), any(leaf.foreign is not None for leaf in tree.leaves)


def convert(x: Any, axis: int | None) -> Any:
    """An argument with a NumPy array for each array of another library and, if it is batched, for each list of numbers.

    A batch must have an axis, so that a list of numbers can only mean an array there. A list of arrays is a list.
    """
    tree = flatten(x, "")
    if any(leaf.foreign is not None for leaf in tree.leaves):
        x = tree.build(leaf.given for leaf in tree.leaves)
    return x if axis is None else _lists_as_arrays(x)


def _lists_as_arrays(x: Any) -> Any:
    if type(x) is list and x and _holds_numbers(x):
        try:
            return array(x) if has_values(flatten(x, "")) else np.array(x)
        except ValueError:  # the lists in it differ in length
            return x
    if type(x) is list:
        return list(map(_lists_as_arrays, x))
    if type(x) is dict:
        return {key: _lists_as_arrays(item) for key, item in x.items()}
    return x


def _holds_numbers(x: Any) -> bool:
    """Whether there are only numbers and Values in a list and in the lists and tuples in it."""
    return all(
        _holds_numbers(item) if type(item) in (list, tuple) else is_number(item) or isinstance(item, Value)
        for item in x
    )


def has_values(tree: Tree) -> bool:
    """Whether the tree contains Values other than those in Modules."""
    return any(
        leaf.names is None and _array_kind(leaf) in (None, "O") and any(isinstance(x, Value) for x in leaf.entries)
        for leaf in tree.leaves
    )


def parameters(tree: Tree) -> list[Value]:
    """The parameters of the Modules in the tree."""
    return [x for leaf in tree.leaves if leaf.names is not None for x in leaf.entries]


def tree_signature(tree: Tree) -> Key:
    """Paths, shapes and kinds of the leaves, for a Module its identity, and the containers around them."""
    leaves = [
        (leaf.path, leaf.shape, _array_kind(leaf) if leaf.names is None else id(leaf.given)) for leaf in tree.leaves
    ]
    return tree.form, *leaves


def _array_kind(leaf: Leaf) -> str | None:
    """The kind of an array's dtype: float, object or other; None for what is not an array."""
    if not is_plain(leaf):
        return type(leaf.given).__name__  # no known key, so that to_argument refuses it
    return leaf.given.dtype.kind if isinstance(leaf.given, np.ndarray) else None


def batch_size(given: Sequence[Any], axes: Sequence[int | None], who: str) -> int | None:
    """How many elements the batch has; None without a batch.

    Raises:
        ValueError: if two arguments have different lengths along their batch axes.
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
                        f"{who} batched arguments must have the same length along their batch axes (in_axes); "
                        f"{first[0]} has {first[1]}, {leaf.path} has {size}"
                    )
    return None if first is None else first[1]


def _drop_axis(leaf: Leaf, axis: int) -> tuple[int, ...]:
    """The shape of a leaf without its batch axis."""
    assert leaf.shape is not None
    axis %= len(leaf.shape)
    return leaf.shape[:axis] + leaf.shape[axis + 1 :]


def to_argument(x: Any, number: int | str, axis: int | None, who: str) -> Argument:
    """Make an Argument of x, argument `number` of a call, or the one of this name.

    Raises:
        TypeError: if x contains anything but numbers, or does not have its batch axis.
    """
    path = f"argument {number}"
    tree = flatten(x, path)
    hint = "pass numbers, arrays and Modules, alone or in containers; name anything else in static_argnames"
    check(tree, who, hint, kinds="fiubO")
    for leaf in tree.leaves:
        check_plain(leaf, who)
    truths = [_array_kind(leaf) == "b" for leaf in tree.leaves]
    if axis is None:
        return Argument(dataclasses.replace(tree, leaves=[_drop_numbers(leaf) for leaf in tree.leaves]), None, truths)
    leaves = []
    for leaf in tree.leaves:
        if leaf.shape is None or not -len(leaf.shape) <= axis < len(leaf.shape):
            raise TypeError(
                f"{who} {leaf.path} must have axis {axis}, its batch axis (in_axes), got {describe(leaf.given)}. "
                "Pass an array with that axis, or None in in_axes for an argument that the whole batch shares"
            )
        row = np.zeros(_drop_axis(leaf, axis))
        form = dataclasses.replace(leaf, entries=row.ravel().tolist(), shape=row.shape or None)
        leaves.append(_drop_numbers(form))
    return Argument(dataclasses.replace(tree, leaves=leaves), axis, truths)


def _drop_numbers(leaf: Leaf) -> Leaf:
    """The leaf without its array, so that it does not keep the caller's array alive."""
    if not isinstance(leaf.given, np.ndarray):
        return leaf
    return dataclasses.replace(leaf, given=None, foreign=None, entries=[0.0] * len(leaf.entries))


def leaf_arrays(x: Any) -> list[Any]:
    """The numbers of each leaf of an argument, in a form that an array can be assigned from."""
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
