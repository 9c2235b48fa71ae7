"""The call of a program without machine code, on Values: element by element, if there is a batch.

So calls a program that is given Values, closes over what a transform differentiates with respect to, or is part of a
function that is being compiled itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..ops import sum as sum_of
from ..primitive import describe
from ..transforms.grad import value_and_grad
from ..transforms.tree import check, flatten
from ..value import Value
from .runtime.signature import batch_size, to_argument


def call(f: Callable[..., Any], args: Sequence[Any], axes: Sequence[int | None], who: str) -> Any:
    """What the program of f returns for these arguments: in a batch, with the batch as the first axis.

    Without any array where the batch should be, the arguments are those of f, for one element.
    """
    if not _have_arrays(args, axes):
        return f(*args)
    for number, (x, axis) in enumerate(zip(args, axes)):
        if axis is not None:
            to_argument(x, number, axis, who)  # checks that it has its batch axis
    size = batch_size(args, axes, who) or 0
    if size == 0:
        raise ValueError(f"{who} a batch with Values must have at least one element, got none")
    trees = []
    for k in range(size):
        result = flatten(f(*[_element(x, axis, k) for x, axis in zip(args, axes)]), "the result")
        check(result, who, "return numbers and Values, alone or in containers")
        trees.append(result)
    columns = zip(*[tree.leaves for tree in trees])
    return trees[0].build(leaves[0].like([_numbers(leaf.entries) for leaf in leaves], (size,)) for leaves in columns)


def value_and_gradient(
    f: Callable[..., Any], args: Sequence[Any], axes: Sequence[int | None], who: str, argnums: int | Sequence[int]
) -> tuple[Any, Any]:
    """What `value_and_grad` of the program of f returns for these arguments.

    The gradient of the sum over the batch has a row for each element of a batched argument, and sums for the others.
    """
    if not _have_arrays(args, axes):
        return value_and_grad(f, argnums)(*args)  # type: ignore[no-any-return]

    def total(*args: Any) -> tuple[Any, Any]:
        values = call(f, args, axes, who)
        if not isinstance(values, np.ndarray) or values.ndim != 1:
            raise TypeError(f"{who} for value_and_grad the function must return one number, got {describe(values)}")
        return sum_of(values.tolist()), values

    (_, values), gradient = value_and_grad(total, argnums, has_aux=True)(*args)
    return values, gradient


def _have_arrays(args: Sequence[Any], axes: Sequence[int | None]) -> bool:
    """Whether there are arrays in the batched arguments."""
    batched = [x for x, axis in zip(args, axes) if axis is not None]
    return any(leaf.shape is not None for x in batched for leaf in flatten(x, "").leaves)


def _element(x: Any, axis: int | None, k: int) -> Any:
    """Element k of the batch of an argument."""
    if axis is None:
        return x
    tree = flatten(x, "")
    rows = [np.moveaxis(leaf.given, axis, 0)[k] for leaf in tree.leaves]
    return tree.build(iter([x if isinstance(x, (np.ndarray, Value)) else float(x) for x in rows]))


def _numbers(entries: Sequence[Any]) -> list[Any]:
    return [x if isinstance(x, Value) else float(x) for x in entries]
