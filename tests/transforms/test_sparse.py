"""Sparse Jacobians and Hessians: their patterns, and their entries against closed forms and finite differences."""

import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import registry
import scipy.sparse
from hypothesis import given, settings, strategies as st

import autograd as ag
from autograd.transforms import hessian, jacobian
from autograd.transforms.recording import Recording
from autograd.transforms.sparse import entries, patterns

Function = Callable[[Any], Any]


def rosenbrock(x: Any) -> Any:
    return ag.sum([100.0 * (x[k + 1] - x[k] ** 2) ** 2 + (1.0 - x[k]) ** 2 for k in range(len(x) - 1)])


def places(found: Any) -> list[tuple[int, int]]:
    """Where the stored entries are, after a check that SciPy finds the array whole and in order."""
    assert type(found) is scipy.sparse.csr_array
    assert found.dtype == float
    assert found.indices.dtype == found.indptr.dtype == np.int32
    found.check_format()
    assert found.has_canonical_format
    again = scipy.sparse.csr_array((found.data, found.indices, found.indptr), shape=found.shape)
    assert again.has_canonical_format  # found out by SciPy
    rows = np.repeat(np.arange(found.shape[0]), np.diff(found.indptr))
    return list(zip(rows.tolist(), found.indices.tolist()))


def test_rosenbrock_has_three_diagonals() -> None:
    x = np.random.default_rng(0).normal(size=30)
    found = hessian(rosenbrock, sparse=True)(x)
    assert places(found) == [(i, j) for i in range(30) for j in range(max(0, i - 1), min(30, i + 2))]
    diagonal = np.append(1200 * x[:-1] ** 2 - 400 * x[1:] + 2, 0.0) + np.append(0.0, np.full(29, 200.0))
    expected = np.diag(diagonal) + np.diag(-400 * x[:-1], 1) + np.diag(-400 * x[:-1], -1)
    np.testing.assert_allclose(found.toarray(), expected, rtol=0, atol=1e-12 * np.abs(expected).max())
    assert (found != found.T).nnz == 0


PATTERNS: dict[str, tuple[Function, int, list[tuple[int, int]]]] = {
    "a sum": (lambda x: x[0] + 2 * x[1] - x[2] / 4, 3, []),
    "squares": (lambda x: ag.sum([v**2 for v in x]), 3, [(0, 0), (1, 1), (2, 2)]),
    "a product": (lambda x: x[0] * x[2], 3, [(0, 2), (2, 0)]),
    "a product of three": (lambda x: ag.prod(x), 3, [(i, j) for i in range(3) for j in range(3) if i != j]),
    "a quotient": (lambda x: x[0] / x[1], 2, [(0, 1), (1, 0), (1, 1)]),
    "a dot": (lambda x: ag.dot([x[0], x[1]], [x[2], x[3]], x[4]), 5, [(0, 2), (1, 3), (2, 0), (3, 1)]),
    "a function of a sum": (lambda x: ag.exp(x[0] + x[1]) + x[2], 3, [(0, 0), (0, 1), (1, 0), (1, 1)]),
    "both sides of a choice": (
        lambda x: ag.where(x[0] > 0, x[0] * x[1], x[2] ** 2), 3, [(0, 1), (1, 0), (2, 2)],
    ),
    "a function of a choice": (
        lambda x: ag.exp(ag.where(x[0] > 0, x[1], x[2])), 3, [(1, 1), (1, 2), (2, 1), (2, 2)],
    ),
    "the larger": (lambda x: ag.maximum(x[0] * x[1], x[2]), 3, [(0, 1), (1, 0)]),
    "a rounded number": (lambda x: x[0] * ag.floor(x[1]), 2, []),
    "an arrow": (
        lambda x: ag.sum([(v - ag.sin(x[0])) ** 2 for v in x[1:]]), 4,
        [(i, j) for i in range(4) for j in range(4) if i == j or i * j == 0],
    ),
    "a detached factor": (lambda x: x[0] * x[1].detach(), 2, []),
    "a constant": (lambda x: 3.0, 2, []),
}  # fmt: skip


@pytest.mark.parametrize("name", PATTERNS)
def test_the_pattern_follows_from_the_operations_and_not_from_the_numbers(name: str) -> None:
    f, n, expected = PATTERNS[name]
    rng = np.random.default_rng(0)
    for x in (rng.normal(size=n), -rng.normal(size=n) - 0.1, np.ones(n)):
        found = hessian(f, sparse=True)(x)
        assert places(found) == expected
        assert found.shape == (n, n)
        assert places(ag.jit(hessian(f, sparse=True))(x)) == expected


def test_the_pattern_is_the_same_if_the_first_call_is_compiled() -> None:
    f, n, expected = PATTERNS["both sides of a choice"]
    patterns.interactions_of_built_in.cache_clear()
    assert places(ag.jit(hessian(f, sparse=True))(np.ones(n))) == expected
    assert places(hessian(f, sparse=True)(np.ones(n))) == expected


def test_entries_that_are_0_here_are_stored() -> None:
    found = hessian(lambda x: x[0] ** 3 + ag.relu(x[0] * x[1]), sparse=True)(np.array([0.0, -1.0]))
    assert places(found) == [(0, 0), (0, 1), (1, 0)]
    assert not found.data.any()


@pytest.mark.parametrize("op", registry.PRIMITIVES + registry.SPECIAL, ids=str)
def test_every_primitive(op: Any) -> None:
    """The dense derivatives, which other tests compare with mpmath, have nothing outside of the pattern."""
    for seed in range(3):
        args = registry.draw_point(op, random.Random(seed))
        x = np.array(registry.flatten(args))

        def plain(x: Any, args: Any = args) -> Any:
            return registry.call(op, args, list(x))

        def inside(x: Any, args: Any = args) -> Any:
            return ag.sin(registry.call(op, args, list(x))) * x[-1]

        for f in (plain, inside):
            dense = hessian(f)(x)
            found = hessian(f, sparse=True)(x).toarray()
            np.testing.assert_allclose(found, dense, rtol=1e-11, atol=1e-13 * np.abs(dense).max())
            np.testing.assert_allclose(jacobian(f, sparse=True)(x).toarray(), [jacobian(f)(x)], rtol=1e-13)


def test_rules_of_users_may_depend_on_everything() -> None:
    @ag.primitive(lambda out, a, b: b if a.data > 0 else 1.0, lambda out, a, b: a)
    def product(a: float, b: float) -> float:
        return a * b

    assert patterns.find_interactions(product, (None, None)) == [3, 3]
    found = hessian(lambda x: product(x[0], x[1]) + x[2], sparse=True)(np.array([2.0, 3.0, 4.0]))
    assert places(found) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert found.toarray()[:2, :2].tolist() == [[0.0, 1.0], [1.0, 0.0]]


# Random functions of several numbers, of which each part takes a few


KINDS: list[Callable[..., Any]] = [
    lambda a, b, c, r: a * b + r * c,
    lambda a, b, c, r: ag.sin(a * r) / (2 + b * b),
    lambda a, b, c, r: ag.where(a > b, a * c, ag.exp(b * r)),
    lambda a, b, c, r: ag.dot([a, b, r], [c, r, b], a),
    lambda a, b, c, r: ag.logsumexp([a, r * b, c]),
    lambda a, b, c, r: ag.prod([a, b, c]) - ag.maximum(a, c + 0.01),
    lambda a, b, c, r: ag.norm([a, b, r + c * c]) ** 1.5,
    lambda a, b, c, r: r,
    lambda a, b, c, r: (1 + a * a) ** b,
]


def random_parts(seed: int, n: int) -> Function:
    """Several numbers, each of which depends on a few numbers of x, and some on all before them."""
    rng = random.Random(seed)
    chosen = [(rng.choice(KINDS), [rng.randrange(n) for _ in range(3)], rng.uniform(0.3, 1.5)) for _ in range(6)]

    def parts(x: Any) -> list[Any]:
        found: list[Any] = []
        total: Any = 0.3
        for kind, numbers, r in chosen:
            found.append(kind(*[x[k] for k in numbers], r))
            total = ag.tanh(total * found[-1]) + r * total  # depends on more and more
            if numbers[0] % 3 == 0:
                found.append(total)
        return found

    return parts


def differences(f: Function, x: Any, h: float = 1e-4) -> Any:
    """The Hessian of a function of floats by central differences. Their error is about 1e-7 here."""
    n = len(x)
    steps = h * np.eye(n)
    return np.array(
        [[(f(x + a + b) - f(x + a - b) - f(x - a + b) + f(x - a - b)) / (4 * h * h) for b in steps] for a in steps]
    )


@given(st.integers(0, 2**31), st.integers(2, 7))
@settings(max_examples=40, deadline=None, derandomize=True, database=None)
def test_random_functions(seed: int, n: int) -> None:
    parts = random_parts(seed, n)

    def f(x: Any) -> Any:
        return ag.sum(parts(list(x)))

    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    found = hessian(f, sparse=True)(x)
    dense = hessian(f)(x)
    size = 1 + np.abs(dense).max()
    np.testing.assert_allclose(found.toarray(), dense, rtol=0, atol=1e-12 * size)
    assert np.array_equal(found.toarray(), found.toarray().T)
    if seed % 4 == 0:
        gaps = np.sort(np.append(x, x + 0.01))  # finite differences must not cross a kink
        if np.diff(gaps).min() > 1e-3:
            np.testing.assert_allclose(found.toarray(), differences(f, x), rtol=0, atol=1e-5 * size)
    again = hessian(f, sparse=True)(rng.normal(size=n))
    assert places(again) == places(found)
    if seed % 8 == 0:
        compiled = ag.jit(hessian(f, sparse=True))(x)
        assert places(compiled) == places(found)
        np.testing.assert_allclose(compiled.data, found.data, rtol=0, atol=1e-12 * size)
    slopes = jacobian(lambda x: parts(list(x)), sparse=True)(x)
    full = np.array(jacobian(lambda x: np.array(parts(list(x)), dtype=object))(x), dtype=float)
    np.testing.assert_allclose(slopes.toarray(), full, rtol=0, atol=1e-12 * (1 + np.abs(full).max()))
    assert places(jacobian(lambda x: parts(list(x)), sparse=True)(rng.normal(size=n))) == places(slopes)


@pytest.mark.parametrize(("few", "wide"), [(0, 10**9), (4, 10**9), (10**9, 10**9), (4, 0)])
def test_every_way_of_sweeping_gives_the_same(few: int, wide: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "FEW", few)
    monkeypatch.setattr(entries, "WIDE", wide)
    rng = np.random.default_rng(3)
    x = rng.normal(size=40)

    def parts(x: Any) -> list[Any]:
        """Short rows, long rows, and rows that share what is in them."""
        s = ag.sin(ag.sum(list(x)))
        return [*[x[k] * x[k + 1] for k in range(39)], s * x[3], s + x[0], x[7], x[7], 2.0, ag.dot(list(x), list(x))]

    found = jacobian(parts, sparse=True)(x)
    expected = np.array([*jacobian(lambda x: np.array(parts(x), dtype=object))(x)], dtype=float)
    np.testing.assert_allclose(found.toarray(), expected, rtol=1e-13, atol=1e-13)
    assert len(found.data) == 39 * 2 + 40 + 40 + 1 + 1 + 40
    f = lambda x: ag.sum(parts(x)) ** 2 if few else ag.sum(parts(x))  # noqa: E731
    np.testing.assert_allclose(hessian(f, sparse=True)(x).toarray(), hessian(f)(x), rtol=1e-11, atol=1e-11)


def test_rows_that_need_it_are_swept_back() -> None:
    """Of an arrow, forward alone or back alone would have an entry for each pair of numbers on the way."""
    n = 600

    def arrow(x: Any) -> list[Any]:
        total = 0.0
        for v in x:
            total = total + ag.sin(v)  # depends on more and more
        hub = x[0]
        for _ in range(n):
            hub = ag.sin(hub)  # on which more and more depend
        return [total, *[hub * v for v in x]]

    x = np.linspace(0.1, 1.0, n)
    run = Recording("jacobian", arrow, 0, (x,), {})
    supports = patterns.find_supports(run.paths.order, run.variables)
    rows = [supports[out] for out in run.numbers]
    edges, cost, _, back = entries._plan(run.numbers, run.paths, supports, rows)
    assert list(back) == [0]
    assert cost < 2 * edges
    found = jacobian(arrow, sparse=True)(x)
    assert found.nnz == n + 2 * n - 1
    np.testing.assert_allclose(found[[0]].toarray()[0], np.cos(x), rtol=1e-15)
    hub, slope = x[0], 1.0
    for _ in range(n):
        hub, slope = np.sin(hub), slope * np.cos(hub)
    np.testing.assert_allclose(found[1:, [0]].toarray()[1:, 0], slope * x[1:], rtol=1e-12)
    np.testing.assert_allclose(found.diagonal(-1)[1:], np.full(n - 1, hub), rtol=1e-12)


def test_infinite_slopes_spoil_only_their_own_entries() -> None:
    def f(x: Any) -> Any:
        return ag.sqrt(x[0]) * x[1] + ag.sqrt(x[2]) * x[3] + ag.sin(x[4]) * x[3]

    x = np.array([0.0, 2.0, 4.0, 3.0, 1.0])
    assert hessian(f, sparse=True)(x).toarray()[2:, 2:].tolist() == [
        [-3 * 0.25 * 4.0**-1.5, 0.25, 0.0],
        [0.25, 0.0, math.cos(1.0)],
        [0.0, math.cos(1.0), -3 * math.sin(1.0)],
    ]
    found = jacobian(lambda x: [ag.sqrt(x[0]), x[0] * x[1]], sparse=True)(x)
    assert found.toarray()[:, :2].tolist() == [[math.inf, 0.0], [2.0, 0.0]]
