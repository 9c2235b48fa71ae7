"""Decisions by traced numbers: guards, groups, errors, limits, and what a program shows of its paths."""

import contextlib
import functools
import math
import operator
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import autograd as ag
from autograd import Value
from autograd.jit import TracingError, jit, tuning
from autograd.jit.paths.paths import Paths

X = np.array([3.0, -1.0, 2.0, -4.0, 0.0, 5.0])


def side(x: Any) -> Any:
    if x > 0:
        return x * x
    return -x


def test_each_element_takes_its_own_side() -> None:
    program = jit(side, in_axes=0)
    assert program(X).tolist() == [9.0, 1.0, 4.0, 4.0, 0.0, 25.0]
    assert program.value_and_grad(X)[1].tolist() == [6.0, -1.0, 4.0, -1.0, -1.0, 10.0]
    assert jit(ag.grad(side), in_axes=0)(X).tolist() == [6.0, -1.0, 4.0, -1.0, -1.0, 10.0]
    assert jit(ag.hessian(side), in_axes=0)(X).tolist() == [2.0, 0.0, 2.0, 0.0, 0.0, 2.0]
    alone = jit(side)
    assert [alone(x) for x in X.tolist()] == program(X).tolist()


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x[0] if x[1] in (1.0, 2.0) else x[2],
        lambda x: sorted(x)[1] * x[0],
        lambda x: max(x) - min(x) * x[0],
        lambda x: min(range(3), key=lambda k: x[k]) * x[0],
        lambda x: x[0] if any(e > 3.5 for e in x) or not x[0] > 1 else all(x) * x[1],
        lambda x: [0.5, 2.0, 3.0, 4.0, 5.0][int(x[0])] * x[1] + math.floor(x[1]) * x[2] + math.ceil(x[0]) * x[0],
        lambda x: round(x[0]) * x[1] + math.trunc(x[1]) * x[0],
        lambda x: sum(x[0] * k for k in range(int(x[2]))),
        lambda x: np.sort(x)[1] * x[0] + np.median(x),
        lambda x: x[np.argmax(x)] * x[np.argmin(x)] + x[np.argsort(x)][0],
        lambda x: np.where(x > 1, x * x, -x).sum() + np.maximum(x, 1.5).sum() + np.max(x),
        lambda x: sum(e for e in x if e > 0.9) * x[0] + x[np.nonzero([e > 1 for e in x])[0][0]],
        lambda x: x[0] * np.searchsorted(np.array([0.0, 1.0, 2.0]), x[1]) + np.digitize(x[0], [0.0, 1.0, 2.0]),
        lambda x: x[0] if np.array_equal(x, x[::-1]) else x[1],
        lambda x: np.argmax(np.array([x, x[::-1]]), axis=1).sum() * x[0],
    ],
)
def test_what_python_and_numpy_decide(f: Any) -> None:
    rows = np.array([[3.0, 1.0, 2.0], [0.5, -1.0, 4.0], [1.0, 1.0, 2.0], [1.0, 2.5, 1.0]])
    eager = [ag.value_and_grad(f)(row) for row in rows]
    values, slopes = jit(f, in_axes=0).value_and_grad(rows)
    assert values.tolist() == [float(value) for value, _ in eager]
    assert slopes.tolist() == [slope.tolist() for _, slope in eager]


def test_whole_numbers_count_and_index() -> None:
    program = jit(lambda n, x: sum([x * k for k in range(n)]) + [x, 2 * x, 3 * x, x][n])
    assert [program(n, 2.0) for n in range(4)] == [2.0, 4.0, 8.0, 8.0]
    with pytest.raises(TypeError, match="must be whole, got a fraction"):
        program(1.5, 2.0)


def test_nothing_of_an_element_off_the_path_is_added_up() -> None:
    f = jit(lambda a, x: a * ag.log(x) if x > 0 else a * a, in_axes=(None, 0))  # log(-1) is nan, 0 · log(0) too
    values, slope = f.value_and_grad(2.0, X)
    expected = [math.log(x) if x > 0 else 4.0 for x in X.tolist()]
    assert slope == pytest.approx(sum(expected), rel=1e-15)
    assert np.isfinite(values).all()


def test_the_calls_before_do_not_change_a_bit() -> None:
    draw = np.random.default_rng(3)
    x, a = draw.normal(size=200), 1.3

    def f(a: Any, x: Any) -> Any:
        return a * x * (ag.exp(x) if x > 1 else a / 3 if x > 0 else ag.sin(a * x))

    def fresh(x: Any) -> Any:
        return jit(f, in_axes=(None, 0)).value_and_grad(a, x)

    used = jit(f, in_axes=(None, 0))
    for part in (x[::-1].copy(), x[x > 1], x[:7], x):
        for got, want in zip(used.value_and_grad(a, part), fresh(part)):
            assert np.array_equal(got, want)


def test_an_error_comes_from_the_earliest_element_that_raises_one() -> None:
    def f(x: Any) -> Any:
        if x < -3:
            raise KeyError("deep")
        if x < 0:
            raise ZeroDivisionError("negative")
        return x

    program = jit(f, in_axes=0)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError, match="negative"):
            program(X)
        with pytest.raises(KeyError, match="deep"):
            program(X[::-1].copy())
        assert program(np.abs(X)).tolist() == np.abs(X).tolist()


def test_an_error_that_the_function_handles() -> None:
    def f(x: Any) -> Any:
        try:
            return x * int(x)
        except (ValueError, OverflowError) as error:
            return len(str(error)) * 1.0

    inputs = np.array([2.5, math.nan, math.inf, -2.5, math.nan])
    assert jit(f, in_axes=0)(inputs).tolist() == [float(f(Value(x))) for x in inputs.tolist()]


def test_results_of_two_structures() -> None:
    program = jit(lambda x: [x, x] if x > 0 else {"x": x})
    assert (program(1.0), program(-1.0)) == ([1.0, 1.0], {"x": -1.0})
    with pytest.raises(TypeError, match=r"same structure for each element of a batch, got the result\[0\]"):
        jit(lambda x: [x, x] if x > 0 else x, in_axes=0)(X)


def test_an_empty_batch_has_the_shapes_of_another() -> None:
    program = jit(lambda x: [x * x, np.array([x, x])] if x > 0 else [x, np.array([x, -x])], in_axes=0)
    for _ in range(2):
        first, second = program(np.zeros(0))
        assert (first.shape, second.shape) == ((0,), (0, 2))
        program(X)


def test_too_many_paths_name_the_line_and_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "PATHS", 3)
    program = jit(lambda x: sum(x if x > k else -x for k in range(9)))
    for x in (0.5, 1.5, 2.5):
        program(x)
    with pytest.raises(TracingError, match=r"test_paths.*more than 3 paths.*ag.while_loop.*ag.where"):
        program(3.5)
    assert program(1.5) == 1.5 * (2 - 7)
    with pytest.raises(TracingError, match="more than 3 paths"):
        jit(lambda x: sum(x if x > k else -x for k in range(9)), in_axes=0)(np.arange(9.0))


def test_a_loop_without_an_end_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "DECISIONS", 100)

    def f(x: Any) -> Any:
        while x > 0:
            x = x + 1
        return x

    with pytest.raises(TracingError, match=r"test_paths.*took 100 decisions.*ag.while_loop"):
        jit(f)(1.0)
    assert jit(f)(-1.0) == -1.0


def test_code_that_decides_otherwise_than_the_code_before_ends() -> None:
    """As where it rounds otherwise. Here a plain number changes, which each path keeps as it was."""
    limit = [0.5]

    def f(x: Any) -> Any:
        return (x if x > limit[0] else -x) * (2.0 if x > 0 else 3.0)

    program = jit(f, in_axes=0)
    assert program(np.array([0.4])).tolist() == [-0.8]
    limit[0] = 0.7
    assert program(np.array([0.6, 0.8, 0.4, -1.0])).tolist() == [1.2, 1.6, -0.8, 3.0]
    assert program(np.array([0.6])).tolist() == [1.2]


def test_a_function_that_decides_by_chance_is_refused() -> None:
    calls: list[int] = []

    def f(x: Any) -> Any:
        calls.append(1)
        return x if len(calls) > 1 or x > 0 else -x

    program = jit(f)
    assert program(1.0) == 1.0
    with pytest.raises(TracingError, match="same decisions for the same arguments"):
        program(-1.0)
    assert program(2.0) == 2.0


def test_values_from_outside_decide_at_each_call() -> None:
    p, k = Value(2.0), Value(1.0)
    program = jit(lambda x: x if p > 0 else -x)
    chosen = jit(lambda x: ag.where(p > k, x, [1.0, 10.0][int(k) % 2] * x if p else -x))
    assert (program(3.0), chosen(3.0)) == (3.0, 3.0)
    p.data = -1.0
    assert (program(3.0), chosen(3.0)) == (-3.0, 30.0)
    k.data = 2.0
    assert chosen(3.0) == 3.0
    p.data = 0.0
    assert (program(3.0), chosen(3.0)) == (-3.0, -3.0)
    assert program.value_and_grad(3.0) == (-3.0, -1.0)
    constant = jit(lambda x: x if Value(2.0) > 1 else -x)
    assert constant(3.0) == 3.0


def test_derivatives_of_what_a_path_closes_over_are_not_lost() -> None:
    def outer(a: Any) -> Any:
        program = jit(lambda x: x * a if x > 0 else x)
        return program(-1.0) * a + program(2.0)

    assert ag.grad(outer)(3.0) == 1.0
    sign = jit(lambda x: x if x > 0 else -x)
    assert ag.grad(lambda a: sign(a) * sign(-2.0))(-3.0) == -2.0
    assert jit(lambda a: sign(a) * 2.0)(-3.0) == 6.0  # a program in a program


def test_rules_of_users_that_decide() -> None:
    @ag.primitive(lambda out, x: 1.0 if x > 0 else 0.1, native=lambda x: ag.where(x > 0, x, 0.1 * x))
    def leaky(x: float) -> float:
        return x if x > 0 else 0.1 * x

    assert jit(leaky, in_axes=0).value_and_grad(X)[1].tolist() == [1.0, 0.1, 1.0, 0.1, 0.1, 1.0]


def test_several_threads_find_paths_at_the_same_time() -> None:
    program = jit(lambda x: functools.reduce(operator.add, [x * k if x > k else -x for k in range(6)]))
    inputs = [float(x) for x in np.random.default_rng(0).permutation(np.repeat(np.arange(7) + 0.5, 6))]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(program, inputs))
    assert found == [sum(x * k if x > k else -x for k in range(6)) for x in inputs]
    assert len(program.paths) == 6


def test_the_paths_that_a_program_shows() -> None:
    program = jit(side, in_axes=0)
    with pytest.raises(RuntimeError, match="nothing has been compiled yet"):
        _ = program.paths
    program(X)
    program(X)
    program(X[:1])
    one, other = program.paths
    assert [(answer, line.rpartition(":")[0]) for line, answer in one.decisions] == [(True, __file__)]
    assert (one.elements, other.elements, other.decisions[0][1]) == (7, 6, False)
    lines = repr(program.paths).splitlines()
    assert lines[0] == "jit(side): 2 paths"
    assert lines[1].startswith("test_paths.py:")
    assert lines[1].endswith("if x > 0:  -> True")
    assert [lines[2], lines[4]] == ["  7 elements", "  6 elements"]
    plain = jit(lambda x: x)
    plain(1.0)
    assert repr(plain.paths) == "jit(<lambda>): one path, without decisions"
    count = jit(lambda x: sum(x if x > k else -x for k in range(9)))
    count(20.0)
    count(0.5)
    assert "... 6 more, in which no paths part" in repr(count.paths)
    assert "1 element\n" in repr(count.paths)
    assert "range(9)))  [... > 8]  -> True" in repr(count.paths)
    largest = jit(lambda x: max(x, 0.0))
    largest(1.0)
    assert "[... < 0]  -> False" in repr(largest.paths)  # 0.0 > x, as max asks
    assert count.stats.nodes == count.graph.applications > 0
    assert "define" in count.llvm_ir
    restored = pickle.loads(pickle.dumps(program))
    assert restored(X).tolist() == program(X).tolist()


def test_groups_of_many_sizes_keep_little_memory() -> None:
    program = jit(side, in_axes=0)
    for size in range(2, 60):
        program(np.linspace(-1.0, 2.0, size))
    kept = [len(path._runners) for paths in program._paths.values() for path in paths.known]
    assert max(kept) <= tuning.GROUP_SIZES
    assert all(isinstance(paths, Paths) for paths in program._paths.values())


def test_a_decision_after_the_trace_is_refused() -> None:
    kept: list[Any] = []
    jit(lambda x: kept.append(x > 0) or x)(1.0)
    for ask in (bool, int, round):
        with pytest.raises(TracingError, match="trace had ended"):
            ask(kept[0])
    with contextlib.suppress(TracingError):
        kept[0] + 1.0
