"""Sparse Jacobians and Hessians: only the entries that can be other than 0, as an array of scipy.sparse."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from ..installation import require
from ..primitive import Primitive
from ..value import Value
from .containers import Registered, registered
from .recording import Recording
from .sparsity import Sets, find_goals, find_hessian, find_supports, list_bits, parents_of
from .sweep import BLOCK, Paths, pull_entries, push_entries

# Products for each edge of a graph that are few enough not to look for fewer. Chosen.
FEW = 4
# In eager use a sweep on arrays, which computes whole rows, takes over where there are more products than these for
# each edge and block of rows. Hessians of 100 to 300 variables take as long either way at about 5; at 26 the arrays
# are five times as fast.
WIDE = 5


class Pattern:
    """The places of the entries of a sparse matrix.

    Args:
        rows: for each row the set of its columns, as bits.
        width: how many columns there are.

    Attributes:
        columns: for each row its columns, in order.
    """

    def __init__(self, rows: Sequence[int], width: int) -> None:
        self.columns = list(map(list_bits, rows))
        self._shape = len(rows), width

    @functools.cached_property
    def _example(self) -> Any:
        starts = np.cumsum([0, *map(len, self.columns)], dtype=np.int32)  # SuperLU takes no wider integers
        places = np.array([j for row in self.columns for j in row], dtype=np.int32)
        example = load_scipy("a sparse result").csr_array((np.zeros(len(places)), places, starts), shape=self._shape)
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
    """The Jacobian of a recorded function."""
    run.expect_numbers()
    supports = find_supports(run.paths.order, run.variables)
    rows = [_find(supports, out) for out in run.numbers]
    found = _compute_rows(run, run.numbers, run.paths, supports, rows)
    pattern = Pattern(rows, len(run.variables))
    return _build(run, pattern, [row.get(j, 0.0) for row, its in zip(found, pattern.columns) for j in its])


def sparse_hessian(run: Recording) -> Any:
    """The Hessian of a recorded function whose result is one number."""
    run.expect_numbers()
    supports = find_supports(run.paths.order, run.variables)
    rows = find_hessian(run.numbers[0], run.paths.order, supports, run.variables)
    slopes = run.gradient()
    paths = Paths(slopes, run.variables)
    supports = find_supports(paths.order, run.variables)
    for i, slope in enumerate(slopes):
        for j in list_bits(_find(supports, slope) | rows[i]):
            rows[i] |= 1 << j
            rows[j] |= 1 << i
    pattern = Pattern(rows, len(rows))
    mine = [0] * len(rows)
    for i, columns in enumerate(pattern.columns):
        for j in columns:
            if _is_mine(pattern, i, j):
                mine[i] |= 1 << j
    found = _compute_rows(run, slopes, paths, supports, mine)
    entries = [
        found[i].get(j, 0.0) if _is_mine(pattern, i, j) else found[j].get(i, 0.0)
        for i, columns in enumerate(pattern.columns)
        for j in columns
    ]
    return _build(run, pattern, entries)


def _is_mine(pattern: Pattern, i: int, j: int) -> bool:
    """Whether entry (i, j) of a symmetric matrix is computed in row i: in the shorter row, or else below the diagonal.

    So a variable that interacts with all others, as in an arrow matrix, does not make every sweep long.
    """
    return (len(pattern.columns[i]), j) <= (len(pattern.columns[j]), i)


def _find(supports: Sets, x: Any) -> int:
    return supports.get(x, 0) if isinstance(x, Value) else 0


def _build(run: Recording, pattern: Pattern, entries: list[Any]) -> Any:
    if not run.traced:
        return pattern.fill(np.array(entries, dtype=float))
    numbers = np.empty(len(entries), dtype=object)
    numbers[:] = entries
    return TracedSparse(pattern, numbers)


def _compute_rows(
    run: Recording, outputs: Sequence[Any], paths: Paths, supports: Sets, rows: Sequence[int]
) -> list[dict[int, Any]]:
    """For each output its derivatives with respect to the variables in its row, by their number.

    Entry by entry: products with vectors of coloured variables (A. Curtis, M. Powell, J. Reid, On the estimation of
    sparse Jacobian matrices, 1974; A. Gebremedhin, F. Manne, A. Pothen, What color is your Jacobian?, SIAM Review 47,
    2005) compute the same numbers and zeros besides. For the Hessian of a Rosenbrock chain of 1,000 variables, which
    needs three colours, they compile in 0.95 s and run in 35 µs, the entries in 0.73 s and 6 µs.
    """
    if not all(isinstance(node.op, Primitive) for node in paths.order):  # there are loops, which pass on whole rows
        return _compute_blocks(run, outputs, rows)
    edges, cost, wanted, back = _plan(outputs, paths, supports, rows)
    on_values = run.on_values()
    if not on_values and cost > WIDE * edges * -(-len(outputs) // BLOCK):
        return _compute_blocks(run, outputs, rows)
    found = push_entries(outputs, run.variables, wanted, supports, on_values, paths)
    for k, row in zip(back, pull_entries([outputs[k] for k in back], run.variables, on_values, paths)):
        found[k] = row
    return found


def _plan(
    outputs: Sequence[Any], paths: Paths, supports: Sets, rows: Sequence[int]
) -> tuple[int, int, Sets, Sequence[int]]:
    """Which rows to sweep forward and which back: long ones back, as long as that makes for fewer products.

    Forward, each node has an entry for each variable that it depends on and that is wanted. Back, it has one for each
    output that depends on it.

    Returns:
        The edges of the graph, the products, the numbers of the variables wanted at each node, the rows to sweep back.
    """
    best: tuple[int, int, Sets, Sequence[int]] | None = None
    longest = max([row.bit_count() for row in rows], default=0)
    for limit in (longest, *[16**k for k in range(5) if 16**k < longest], 0):
        back = [k for k, row in enumerate(rows) if row.bit_count() > limit]
        wanted = find_goals(paths.order, outputs, [row if row.bit_count() <= limit else 0 for row in rows])
        swept = find_goals(paths.order, [outputs[k] for k in back], [1 << k for k in range(len(back))])
        edges = cost = 0
        for node in paths.order:
            mask, ends = wanted.get(node, 0), swept.get(node, 0).bit_count()
            for parent in parents_of(node):
                if parent in supports:
                    edges += 1
                    cost += ends + ((supports[parent] & mask).bit_count() if mask else 0)
        if best is None or cost < best[1]:
            best = edges, cost, wanted, back
        if cost <= FEW * edges:
            break
    assert best is not None
    return best


def _compute_blocks(run: Recording, outputs: Sequence[Any], rows: Sequence[int]) -> list[dict[int, Any]]:
    """The same by sweeps on arrays, which compute whole rows."""
    found = []
    for start in range(0, len(outputs), BLOCK):
        block = run.pull_each(outputs[start : start + BLOCK])
        found += [{j: row[j] for j in list_bits(columns)} for row, columns in zip(block, rows[start : start + BLOCK])]
    return found
