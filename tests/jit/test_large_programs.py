"""Large programs: what compiling costs, in functions of bounded size, and the tables that the largest become."""

import itertools
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd as ag
import nn
from autograd.jit import jit, tuning
from autograd.jit.codegen.layout import lay_out
from autograd.jit.compile import translate
from autograd.jit.graph.passes import simplify
from autograd.jit.runtime.machine import host
from autograd.jit.runtime.signature import to_argument
from autograd.jit.trace.traced import trace

RNG = np.random.default_rng(0)


def functions_of(f: Callable[..., Any], *args: Any, axis: int | None = None, gradient: bool = False) -> list[int]:
    """How many lines of LLVM IR each function has that f is compiled to. LLVM itself does not run."""
    given = [to_argument(x, n, axis, "test") for n, x in enumerate(args)]
    traced = trace(f, given, "test", (0,) if gradient else None)
    graph = simplify(traced.graph)
    layout = lay_out(graph, traced.shared, traced.leaves, [len(leaf.entries) for leaf in traced.rows])
    ir = translate(graph, layout, host(), host().lanes if traced.leaves else 1).ir
    return [body.count("\n") for body in re.findall(r"^define.*?^}", ir, re.DOTALL | re.MULTILINE)]


def logistic(steps: int) -> Callable[[Any], Any]:
    def f(a: Any) -> Any:
        x: Any = 0.3
        for _ in range(steps):
            x = a * x * (1 - x)
        return x

    return f


def halving(count: int) -> Callable[[Any], Any]:
    def f(x: Any) -> Any:
        xs = [x * (k + 2.0) for k in range(count)]
        while len(xs) > 1:
            xs = [a + b for a, b in zip(xs[::2], xs[1::2])]
        return xs[0]

    return f


def many_results(count: int) -> Callable[[Any], Any]:
    return lambda x: [x * (k + 2.0) for k in range(count)]


def chain(x: Any) -> Any:
    total = 0.0
    for a, b in itertools.pairwise(x):
        total = total + 100 * (b - a * a) ** 2 + (1 - a) ** 2
    return total


@pytest.mark.parametrize("axis", [None, 0])
@pytest.mark.parametrize(
    ("make", "gradient"), [(logistic, False), (logistic, True), (halving, True), (many_results, False)]
)
def test_code_grows_with_the_program_and_its_functions_do_not(
    make: Callable[[int], Callable[[Any], Any]], gradient: bool, axis: int | None
) -> None:
    x = 0.5 if axis is None else np.array([0.5, 0.6])
    small, large = (functions_of(make(n), x, axis=axis, gradient=gradient) for n in (256, 1024))
    assert sum(large) < 4.4 * sum(small)
    assert max(large) < max(1.2 * max(small), 2500)


def test_a_long_chain_is_cut_into_shorter_functions_than_a_wide_program() -> None:
    assert max(functions_of(logistic(700), 0.5)) < 400
    assert max(functions_of(halving(512), 0.5)) > 1000  # all in one


@pytest.mark.parametrize("axis", [None, 0])
def test_constants_and_copies_among_the_results_cost_no_code(axis: int | None) -> None:
    def f(count: int) -> Callable[[Any], Any]:
        return lambda x: [x * x, *[0.5] * count, *[x] * count, *[x * x] * count]

    x = 0.5 if axis is None else np.arange(11.0)
    small, large = (sum(functions_of(f(n), x, axis=axis)) for n in (100, 3000))
    assert large == small
    program = jit(f(100), in_axes=axis)
    for _ in range(2):  # what is written once must still be there
        result = program(x)
        assert np.array_equal(result[0], x * x)
        assert all(np.array_equal(each, np.full_like(x, 0.5)) for each in result[1:101])
        assert all(np.array_equal(each, x) for each in result[101:201])
        assert all(np.array_equal(each, x * x) for each in result[201:])
        for each in result:
            if axis is not None:
                each[...] = -1.0  # the results belong to the caller


@pytest.mark.parametrize("straight", [10**9, -1])
@pytest.mark.parametrize("size", [None, 1, 8, 67])
def test_constants_and_copies_in_arrays(straight: int, size: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "STRAIGHT_BATCHED", straight)
    monkeypatch.setattr(tuning, "STRAIGHT_SHARED", straight)

    def f(x: Any, w: Any) -> Any:
        return np.array([[x, 2.0, x * w], [w, x, 2.0], [0.0, x * w, w + 1]]), 3.0, x, w

    x = 0.75 if size is None else RNG.normal(size=size)
    table, three, same, w = jit(f, in_axes=None if size is None else (0, None))(x, 1.5)
    x, w = np.broadcast_arrays(x, w)
    two, none = np.full(x.shape, 2.0), np.zeros(x.shape)
    wanted = np.array([[x, two, x * w], [w, x, two], [none, x * w, w + 1]])
    assert np.array_equal(table, np.moveaxis(wanted, (0, 1), (-2, -1)))
    assert np.array_equal(three, np.full(x.shape, 3.0))
    assert np.array_equal(same, x)


def test_a_hessian_of_mostly_zeros_costs_what_the_others_cost() -> None:
    sizes = [sum(functions_of(ag.hessian(chain), np.linspace(0.0, 1.0, n))) for n in (25, 100)]
    assert sizes[1] < 4.4 * sizes[0]
    x = RNG.normal(size=120)
    found = jit(ag.hessian(chain))(x)
    inner, beside = np.zeros(120), -400 * x[:-1]
    inner[:-1] += 1200 * x[:-1] ** 2 - 400 * x[1:] + 2
    inner[1:] += 200
    wanted = np.diag(inner) + np.diag(beside, 1) + np.diag(beside, -1)
    assert np.allclose(found, wanted, rtol=1e-14, atol=1e-11)
    assert np.array_equal(found == 0, wanted == 0)


def test_where_functions_are_cut_does_not_change_a_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    def f(w: Any, x: Any) -> Any:
        hidden = [ag.tanh(ag.dot(list(w[k : k + 10]), list(x), w[k])) for k in range(3)]
        odd = ag.norm(list(x)) + ag.prod(hidden) * ag.sum(list(w)) + ag.where(x[0] > x[1], w[0], 2.0)
        return ag.logsumexp(hidden) * odd + ag.dot(hidden, hidden, x[3]) + logistic(5)(x[2]) + ag.prod(list(x))

    w, X = RNG.normal(size=13), RNG.normal(size=(67, 10))
    for axes, x in (((None, 0), X), (None, X[0])):
        found = []
        for cost, long, far in ((10**9, 10**9, 300), (1, 17, 0), (2000, 20, 5)):
            for name, value in (("FUNCTION_COST", cost), ("LONG", long), ("FAR", far)):
                monkeypatch.setattr(tuning, name, value)
            program = jit(f, in_axes=axes)
            value, (by_w, by_x) = program.value_and_grad(w, x, argnums=(0, 1))
            found.append([value, by_w, by_x])
        for other in found[1:]:
            assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(other, found[0]))


@pytest.mark.parametrize("axis", [None, 0])
def test_nodes_of_very_many_operands(axis: int | None) -> None:
    def f(x: Any) -> Any:
        return (
            ag.dot(list(x), list(x[::-1])),
            ag.sum(list(x)),
            ag.prod(list(x)),
            ag.norm(list(x)),
            ag.logsumexp(list(x)),
        )

    x = 1.0 + RNG.normal(size=1200 if axis is None else (3, 1200)) / 50
    assert max(functions_of(f, x, axis=axis)) < 5000
    dot, total, product, norm, lse = jit(f, in_axes=axis)(x)
    exact = x.astype(np.longdouble)
    assert np.allclose(dot, np.sum(exact * exact[..., ::-1], axis=-1).astype(float), rtol=1e-13)
    assert np.array_equal(total, np.sum(exact, axis=-1).astype(float))
    assert np.allclose(product, np.prod(exact, axis=-1).astype(float), rtol=1e-12)
    assert np.allclose(norm, np.sqrt(np.sum(exact**2, axis=-1)).astype(float), rtol=1e-15)
    assert np.allclose(lse, np.log(np.sum(np.exp(exact), axis=-1)).astype(float), rtol=1e-15)


@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf, 1e300, 5e-324])
@pytest.mark.parametrize("f", [ag.norm, ag.logsumexp, ag.sum, ag.prod])
def test_special_numbers_among_very_many(f: Callable[[Any], Any], special: float) -> None:
    for rest in (1.0, special, -np.inf):
        x = np.full(600, rest)
        x[[3, 555]] = special
        assert np.array_equal(jit(lambda x: f(list(x)))(x), f(list(x)), equal_nan=True)


def test_networks_become_tables_before_other_programs_do() -> None:
    W, X = RNG.normal(size=(60, 60)), RNG.normal(size=(2, 60))
    network = jit(lambda W, x: ag.sum([ag.tanh(ag.dot(list(row), list(x))) for row in W]), in_axes=(None, 0))
    network(W, X)
    assert "batched_machine" in network.llvm_ir
    assert len(functions_of(logistic(400), np.array([0.5, 0.6]), axis=0, gradient=True)) > 10  # no tables


def test_tables_compute_the_bits_that_straight_lines_do(monkeypatch: pytest.MonkeyPatch) -> None:
    model = nn.MLP(12, [10, 9, 2], "tanh", seed=1)
    w = np.array([p.data for p in model.parameters()])

    def f(w: Any, x: Any) -> Any:
        hidden = [ag.tanh(ag.dot(tuple(w[12 * j : 12 * j + 12]), tuple(x), w[-1])) for j in range(10)]
        odd = ag.norm(tuple(x)) + ag.prod(tuple(hidden)) + ag.sum(tuple(hidden)) * ag.where(x[0] > x[1], w[0], 2.0)
        return ag.logsumexp(hidden) + ag.dot(tuple(hidden), tuple(hidden)) + ag.pow(odd * odd, 0.3) + ag.sum(tuple(w))

    for size in (1, 7, 64, 129, 700):
        X = RNG.normal(size=(size, 12))
        found = []
        for most in (10**9, -1):
            monkeypatch.setattr(tuning, "STRAIGHT_BATCHED", most)
            monkeypatch.setattr(tuning, "STRAIGHT_SHARED", most)
            found.append(jit(f, in_axes=(None, 0)).value_and_grad(w, X, argnums=(0, 1)))
        (value, (by_w, by_x)), (same, (by_w_too, by_x_too)) = found
        assert np.array_equal(value, same)
        assert np.array_equal(by_x, by_x_too)
        assert np.allclose(by_w, by_w_too, rtol=1e-13, atol=1e-13 * np.abs(by_w).max())


def test_a_deep_graph() -> None:
    def f(x: Any) -> Any:
        y = x
        for _ in range(20_000):
            y = y * 0.999 + 0.001
        return y

    program = jit(f)
    value, slope = program.value_and_grad(2.0)
    assert value == pytest.approx(1 + 0.999**20_000, rel=1e-12)
    assert slope == pytest.approx(0.999**20_000, rel=1e-9)
    assert program.stats.code_bytes < 20_000


# Nodes of very many operands: of numbers given side by side, of numbers computed, which lie at equal distances, of a
# batch and what it shares, and of some that lie nowhere.
MANY: dict[str, Callable[[Any, Any], Any]] = {
    "logsumexp": lambda x, w: ag.logsumexp(list(x)) - 1.0,
    "norm of products": lambda x, w: ag.norm([a * b * 0.5 for a, b in zip(x, w)]),
    "dot": lambda x, w: ag.dot(tuple(x), tuple(w), x[1]),
    "sum of shared numbers": lambda x, w: ag.sum([b * b for b in w]) * x[0],
    "product": lambda x, w: ag.prod([*x[:200], *[a + b for a, b in zip(x, w)]]),
    "sum with constants": lambda x, w: ag.sum([*x, 1.0, *w[::2]]),
}


@pytest.mark.parametrize("name", MANY)
@pytest.mark.parametrize("axes", [None, (0, None)])
def test_a_loop_over_many_operands_computes_the_same_as_a_line_for_each(
    name: str, axes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, w = np.random.default_rng(1).normal(size=(11, 300)), np.random.default_rng(2).normal(size=300)
    if axes is None:
        x = x[0]
    loop = jit(MANY[name], in_axes=axes)(x, w)
    monkeypatch.setattr(tuning, "LONG", 100_000)
    np.testing.assert_array_equal(loop, jit(MANY[name], in_axes=axes)(x, w))


@pytest.mark.parametrize("name", ["logsumexp", "dot"])
def test_the_code_for_many_operands_does_not_grow_with_them(name: str) -> None:
    few, many = ([np.ones(n), np.ones(n)] for n in (400, 4000))
    assert functions_of(MANY[name], *few) == functions_of(MANY[name], *many)
