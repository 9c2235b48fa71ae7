"""Sparse Jacobians and Hessians: only the entries that can be other than 0, as an array of scipy.sparse."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from ...installation import require
from ...value import Value
from ..containers import Registered, registered
from ..recording import Recording
from ..sweep import ActiveNodes
from .entries import compute_rows
from .patterns import Sets, find_hessian, find_supports, list_bits


@dataclasses.dataclass(frozen=True)
class Pattern:
    """The places of the entries of a sparse matrix.

    Attributes:
        rows: for each row the set of its columns, as bits.
        width: how many columns there are.
    """

    rows: tuple[int, ...]
    width: int

    @functools.cached_property
    def columns(self) -> list[list[int]]:
        """For each row its columns, in order."""
        return list(map(list_bits, self.rows))

    @functools.cached_property
    def _example(self) -> Any:
        starts = np.cumsum([0, *map(len, self.columns)], dtype=np.int32)  # SuperLU takes no wider integers
        places = np.array([j for row in self.columns for j in row], dtype=np.int32)
        example = load_scipy("a sparse result").csr_array(
            (np.zeros(len(places)), places, starts), shape=(len(self.rows), self.width)
        )
        example.has_canonical_format = True  # so that no method needs to check it
        return example

    def fill(self, numbers: Any) -> Any:
        """A csr_array of these numbers. SciPy's constructor, which checks them, takes ten times as long."""
        example = self._example
        result = example.__class__.__new__(example.__class__)
        vars(result).update(vars(example))
        result.data = numbers
        result.indices, result.indptr = example.indices.copy(), example.indptr.copy()  # methods change them in place
        return result


class TracedSparse:
    """A sparse array of traced numbers, which is all that a function being compiled can have. It may return it.

    Attributes:
        pattern: the places of its entries.
        entries: an array of them.
    """

    def __init__(self, pattern: Pattern, entries: Any) -> None:
        self.pattern = pattern
        self.entries = entries

    def _refuse(self, *_: Any) -> NoReturn:
        raise TypeError(
            "a sparse array of traced numbers must be returned as it is, got a computation with it. Compute with what "
            "the program returns, or use sparse=False, or ag.hvp, ag.jvp and ag.vjp for products"
        )

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __matmul__ = __rmatmul__ = _refuse
    __truediv__ = __neg__ = __pow__ = __abs__ = __getitem__ = __iter__ = __len__ = __bool__ = _refuse
    __array_ufunc__ = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._refuse()


def _fill(pattern: Pattern, children: Sequence[Any]) -> Any:
    """A sparse array of these numbers. If they have a batch as first axis, a list of them."""
    (numbers,) = children
    if numbers.ndim > 1:
        return [_fill(pattern, [row]) for row in numbers]
    return TracedSparse(pattern, numbers) if numbers.dtype == object else pattern.fill(numbers)


registered[TracedSparse] = Registered(lambda x: ((x.entries,), x.pattern), _fill)


def load_scipy(who: str) -> Any:
    """The module scipy.sparse; ModuleNotFoundError, which says what to install, without it."""
    return require("scipy.sparse", who)


def sparse_jacobian(run: Recording) -> Any:
    """The Jacobian of a recorded function, as a sparse array."""
    run.expect_numbers()
    return _build(run, *_jacobian(run))


def sparse_hessian(run: Recording) -> Any:
    """The Hessian of a recorded function whose result is one number, as a sparse array."""
    run.expect_numbers()
    return _build(run, *_hessian(run))


def jacobian_rows(run: Recording) -> list[list[Any]]:
    """The Jacobian row by row, zeros included. Where a function is traced, they have cost nothing."""
    return _spread(*_jacobian(run)) if run.traced else run.pull_each(run.numbers)


def hessian_rows(run: Recording) -> list[list[Any]]:
    """The Hessian row by row, in the same way. Entries below the diagonal are copied above it."""
    if run.traced:
        return _spread(*_hessian(run))
    rows = run.pull_each(run.gradient())
    for i, row in enumerate(rows):
        for j in range(i):
            rows[j][i] = row[j]
    return rows


def _jacobian(run: Recording) -> tuple[Pattern, list[Any]]:
    supports = find_supports(run.active.order, run.variables)
    rows = [_find(supports, out) for out in run.numbers]
    found = compute_rows(run, run.numbers, run.active, supports, rows)
    pattern = Pattern(tuple(rows), len(run.variables))
    return pattern, [row.get(j, 0.0) for row, its in zip(found, pattern.columns) for j in its]


def _hessian(run: Recording) -> tuple[Pattern, list[Any]]:
    supports = find_supports(run.active.order, run.variables)
    rows = find_hessian(run.numbers[0], run.active.order, supports, run.variables)
    slopes = run.gradient()
    active = ActiveNodes(slopes, run.variables)
    supports = find_supports(active.order, run.variables)
    for i, slope in enumerate(slopes):
        for j in list_bits(_find(supports, slope) | rows[i]):
            rows[i] |= 1 << j
            rows[j] |= 1 << i
    pattern = Pattern(tuple(rows), len(rows))
    mine = [0] * len(rows)
    for i, columns in enumerate(pattern.columns):
        for j in columns:
            if _is_mine(pattern, i, j):
                mine[i] |= 1 << j
    # The halves of a full matrix, swept back, are the same nodes of a program's graph. For a network of 10 inputs there
    # are 4,070, where one half, swept forward, takes 5,970.
    full = 2 * sum(map(len, pattern.columns)) > len(rows) ** 2
    found = compute_rows(run, slopes, active, supports, mine, back=full)
    return pattern, [
        found[i].get(j, 0.0) if _is_mine(pattern, i, j) else found[j].get(i, 0.0)
        for i, columns in enumerate(pattern.columns)
        for j in columns
    ]


def _is_mine(pattern: Pattern, i: int, j: int) -> bool:
    """Whether entry (i, j) of a symmetric matrix is computed in row i: in the shorter row, or else below the diagonal.

    So a variable that interacts with all others, as in an arrow matrix, does not make every sweep long.
    """
    return (len(pattern.columns[i]), j) <= (len(pattern.columns[j]), i)


def _find(supports: Sets, x: Any) -> int:
    return supports.get(x, 0) if isinstance(x, Value) else 0


def _spread(pattern: Pattern, entries: list[Any]) -> list[list[Any]]:
    rows, each = [], iter(entries)
    for columns in pattern.columns:
        row = [0.0] * pattern.width
        for j in columns:
            row[j] = next(each)
        rows.append(row)
    return rows


def _build(run: Recording, pattern: Pattern, entries: list[Any]) -> Any:
    if not run.traced:
        return pattern.fill(np.array(entries, dtype=float))
    numbers = np.empty(len(entries), dtype=object)
    numbers[:] = entries
    return TracedSparse(pattern, numbers)
