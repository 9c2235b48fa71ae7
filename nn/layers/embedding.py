"""Embedding: a row of parameters for each of a number of things, such as words or characters."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import autograd as ag
from autograd import Value
from autograd.node import is_traced
from autograd.value import number_of

from ..checks import check_count, describe_layer, make_generator, make_output
from ..module import Module


class Embedding(Module):
    """A table of parameters. Called with an index, it returns that row.

    Args:
        num: how many rows there are.
        dim: how many numbers a row has.
        seed: an int or a NumPy Generator to draw the numbers from, normal with mean 0 and standard deviation 1.

    Attributes:
        weight: the rows, a list of tuples of Values.

    Raises:
        ValueError: for sizes less than 1.

    >>> table = Embedding(27, 2, seed=0)
    >>> table(3) == list(table.weight[3])
    True
    """

    def __init__(self, num: int, dim: int, seed: int | np.random.Generator | None = None) -> None:
        self.num, self.dim = check_count(num, "num"), check_count(dim, "dim")
        rows = make_generator(seed).normal(size=(self.num, self.dim)).tolist()
        self.weight = [tuple([Value(x) for x in row]) for row in rows]

    def __call__(self, x: Any) -> Any:
        """The row of an index: a list of dim Values, or with dim 1 the Value itself; for a list of indexes a list.

        In a compiled program, a number that is not the index of a row gives nan.

        Raises:
            TypeError: if x is not a number.
            ValueError: for a number that is not the index of a row.
        """
        if isinstance(x, (list, tuple)) or (isinstance(x, np.ndarray) and x.ndim):
            return [self(k) for k in x]
        if is_traced(x):
            return self._select(x)
        if isinstance(x, (bool, str)) or not isinstance(x, (int, float, np.number, np.ndarray, Value)):
            raise TypeError(f"{describe_layer(self)}: the input must be the index of a row, got {x!r}")
        k = number_of(x)
        if k not in range(self.num):
            raise ValueError(
                f"{describe_layer(self)}: the index must be a whole number from 0 to {self.num - 1}, got {x}"
            )
        return make_output(self.weight[int(k)])

    def _select(self, index: Any) -> Any:
        """The row of an index that is not known yet: the sum of each row times 1 if it is that row, and 0 otherwise."""
        one_hot = tuple([index == k for k in range(self.num)])
        fault = ag.where(ag.sum(one_hot), 0.0, math.nan)
        return make_output([ag.dot(column, one_hot, fault) for column in zip(*self.weight)])

    def extra_repr(self) -> str:
        return f"{self.num} rows of {self.dim}"
