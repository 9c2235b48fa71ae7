"""Programs: structures, batches, closures, errors, pickling, threads and the cache."""

import concurrent.futures
import copy
import math
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd as ag
import nn
from autograd.jit import TracingError, cache, jit
from autograd.jit import compile as compiler
from autograd.jit.run import Workspace
from autograd.jit.threads import run_chunks

RNG = np.random.default_rng(0)


def test_plain_numbers() -> None:
    program = jit(lambda x, y: ag.exp(x) * y)
    assert program(1.0, 2) == pytest.approx(2 * math.e, rel=1e-15)
    assert program.value_and_grad(0.0, 2.0, argnums=(0, 1)) == (2.0, (2.0, 1.0))
    assert program.value_and_grad(0.0, 2.0, argnums=-1) == (2.0, 1.0)


def test_structures_come_back() -> None:
    def f(p: Any, x: Any) -> Any:
        return {"sum": p["w"] @ x + p["b"], "parts": [p["w"] * x, (p["b"], 3.0)]}

    p, x = {"w": np.array([1.0, 2.0]), "b": 0.5}, np.array([3.0, 4.0])
    result = jit(f)(p, x)
    assert result["sum"] == 11.5
    assert result["parts"][0].tolist() == [3.0, 8.0]
    assert result["parts"][1] == (0.5, 3.0)
    value, slope = jit(lambda p, x: f(p, x)["sum"]).value_and_grad(p, x)
    assert value == 11.5
    assert slope["w"].tolist() == [3.0, 4.0]
    assert slope["b"] == 1.0


def test_structures_in_a_batch() -> None:
    X = RNG.normal(size=(9, 2, 3))
    result = jit(lambda x: {"total": x.sum(), "twice": 2 * x, "constant": 1.0}, in_axes=0)(X)
    assert np.allclose(result["total"], X.sum(axis=(1, 2)), rtol=1e-14)
    assert np.array_equal(result["twice"], 2 * X)
    assert result["constant"].tolist() == [1.0] * 9


def test_batch_axes() -> None:
    W, X = RNG.normal(size=3), RNG.normal(size=(3, 10))
    program = jit(lambda w, x: ag.tanh(w @ x), in_axes=(None, 1))
    assert np.allclose(program(W, X), np.tanh(W @ X), rtol=1e-14)
    value, (by_w, by_x) = program.value_and_grad(W, X, argnums=(0, 1))
    slope = 1 - np.tanh(W @ X) ** 2
    assert np.allclose(by_w, X @ slope)
    assert np.allclose(by_x, W[:, None] * slope)
    assert value.shape == (10,)


def test_gradients_of_shared_arguments_are_sums_even_where_nothing_depends_on_the_batch() -> None:
    program = jit(lambda w, x: w * w + 0.0 * x, in_axes=(None, 0))
    for size in (1, 5, 8, 19):
        value, slope = program.value_and_grad(3.0, np.ones(size))
        assert slope == 6.0 * size
        assert value.tolist() == [9.0] * size


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.float64])
def test_other_dtypes_and_layouts(dtype: Any) -> None:
    X = (10 * RNG.normal(size=(20, 6))).astype(dtype)
    f = jit(lambda x: x[0] * x[1] + x[2], in_axes=0)
    for part in (X[:, :3], X[::2, ::2], np.asfortranarray(X)[:, 1:4], X[::-1, 2:5]):
        assert np.allclose(f(part), part[:, 0] * part[:, 1].astype(float) + part[:, 2], rtol=1e-15)


def test_a_batch_of_none() -> None:
    program = jit(lambda w, x: w * x.sum(), in_axes=(None, 0))
    assert program(2.0, np.zeros((0, 3))).shape == (0,)
    value, (by_w, by_x) = program.value_and_grad(2.0, np.zeros((0, 3)), argnums=(0, 1))
    assert value.shape == (0,)
    assert by_w == 0.0
    assert by_x.shape == (0, 3)


def test_composition_with_transforms() -> None:
    def f(x: Any) -> Any:
        return ag.sin(x[0]) * x[1] ** 3

    x = np.array([0.3, 1.2])
    assert np.allclose(jit(ag.grad(f))(x), ag.grad(f)(x), rtol=1e-14)
    assert np.allclose(jit(ag.hessian(f))(x), ag.hessian(f)(x), rtol=1e-13)
    assert np.allclose(jit(lambda x: ag.hvp(f, (x,), (np.ones(2),)))(x), ag.hessian(f)(x) @ np.ones(2))
    X = RNG.normal(size=(12, 2))
    assert np.allclose(jit(ag.hessian(f), in_axes=0)(X), [ag.hessian(f)(row) for row in X], rtol=1e-12)


def test_gradients_for_each_example() -> None:
    def loss(w: Any, x: Any, y: Any) -> Any:
        return (w @ x - y) ** 2

    w, X, y = RNG.normal(size=3), RNG.normal(size=(11, 3)), RNG.normal(size=11)
    rows = jit(ag.grad(loss), in_axes=(None, 0, 0))(w, X, y)
    assert np.allclose(rows, 2 * (X @ w - y)[:, None] * X)


def test_a_program_inside_a_program_and_with_values() -> None:
    inner = jit(lambda x: x * x)
    assert jit(lambda x: inner(x) + 1)(3.0) == 10.0
    x = ag.Value(3.0)
    y = inner(x)
    y.backward()
    assert (y.data, x.grad) == (9.0, 6.0)
    assert ag.grad(inner)(3.0) == 6.0


# Values from outside


def test_closures_are_read_at_each_call() -> None:
    a, b = ag.Value(2.0), ag.Value(5.0)
    product = a * b  # computed before the trace, from leaves that may change
    program = jit(lambda x: product * x + ag.relu(a))
    assert program(3.0) == 32.0
    a.data = -1.0
    assert program(3.0) == -15.0
    assert program.value_and_grad(3.0) == (-15.0, -5.0)


def test_modules_as_arguments_and_closed_over() -> None:
    model = nn.MLP(3, [4, 2], "tanh", seed=0)
    x = RNG.normal(size=3)
    wanted = [v.data for v in model(x)]
    for program, args in ((jit(lambda m, x: m(x)), (model, x)), (jit(lambda x: model(x)), (x,))):
        assert np.allclose(program(*args), wanted, rtol=1e-14)
    value, slope = jit(lambda m, x: ag.sum(m(x))).value_and_grad(model, x)
    out = ag.sum(model(x))
    out.backward()
    assert list(slope) == [name for name, _ in model.named_parameters()]
    assert np.allclose(list(slope.values()), [p.grad for p in model.parameters()], rtol=1e-12)
    assert value == pytest.approx(out.data, rel=1e-14)
    by_name = jit(ag.grad(lambda m, x: ag.sum(m(x))))(model, x)
    assert np.allclose(list(by_name.values()), list(slope.values()), rtol=1e-14)
    model.layers[0].neurons[0].b.data = 7.0
    program = jit(lambda m, x: m(x))
    assert np.allclose(program(model, x), [v.data for v in model(x)], rtol=1e-14)


def test_two_modules_of_one_shape_are_two_programs() -> None:
    program = jit(lambda m, x: m(x))
    for activation in ("tanh", "relu"):
        model = nn.Neuron(1, activation, init="ones", seed=0)
        assert program(model, np.array([0.5])) == pytest.approx(model([0.5]).data, rel=1e-15)


# What cannot be traced


def branch(x: Any) -> Any:
    if x > 0:  # line marked: branch
        return x
    return -x


LINE = next(k for k, text in enumerate(Path(__file__).read_text().splitlines(), 1) if "line marked: branch" in text)


@pytest.mark.parametrize(
    ("f", "remedy"),
    [
        (branch, "ag.where"),
        (lambda x: math.exp(x), "ag's functions"),
        (lambda x: [1.0, 2.0][x], "functools.partial"),
        (lambda x: f"{x:.2f}", "repr"),
        (lambda x: print(x), "repr"),
        (lambda x: round(x), "round what"),
        (lambda x: math.floor(x), "what the program returns"),
        (lambda x: x.data, "the value itself"),
        (lambda x: x.grad, "value_and_grad"),
        (lambda x: (x * x).backward(), "value_and_grad"),
        (lambda x: max(x, 0.0), "ag.maximum"),
        (lambda x: copy.copy(x), "what the program returns"),
        (lambda x: float(x), "ag's functions"),
        (lambda x: range(x), "functools.partial"),
        (lambda x: int(x), "functools.partial"),
    ],
)
def test_tracing_errors_name_the_line_and_the_remedy(f: Any, remedy: str) -> None:
    with pytest.raises(TracingError, match=remedy) as caught:
        jit(f)(1.0)
    assert __file__ in str(caught.value)
    if f is branch:
        assert f"line {LINE}" in str(caught.value)


def test_a_tracer_that_escapes() -> None:
    kept: list[Any] = []
    jit(lambda x: kept.append(x) or x * 2)(1.0)
    with pytest.raises(TracingError, match="trace had ended"):
        kept[0] * 2
    with pytest.raises(TracingError, match="trace"):
        jit(lambda x: kept[0] * x)(1.0)
    assert "Tracer(input" in repr(kept[0])


def test_users_primitives() -> None:
    @ag.primitive(lambda out, x: 3 * x * x)
    def cube(x: Any) -> Any:
        return x * x * x

    assert jit(cube)(2.0) == 8.0
    assert jit(ag.grad(cube))(2.0) == 12.0

    @ag.primitive(lambda out, x: out, native="tgamma")
    def gamma(x: float) -> float:
        return math.gamma(x)

    assert jit(gamma, in_axes=0)(np.array([1.0, 5.0])).tolist() == [1.0, 24.0]

    @ag.primitive(lambda out, x: out)
    def strange(x: float) -> float:
        return math.gamma(x)

    with pytest.raises(TracingError, match=r"strange has no native form.*native="):
        jit(strange)(1.0)


# Wrong calls


def test_errors_of_calls() -> None:
    program = jit(lambda w, x: w * x, in_axes=(None, 0))
    with pytest.raises(TypeError, match="in_axes has 2 entries, but the call has 1"):
        program(1.0)
    with pytest.raises(TypeError, match=r"argument 1 is batched along axis 0.*pass an array"):
        program(1.0, 2.0)
    with pytest.raises(ValueError, match=r"argument 0 has 3, argument 1 has 4"):
        jit(lambda a, b: a * b, in_axes=0)(np.ones(3), np.ones(4))
    with pytest.raises(TypeError, match="not a real number"):
        jit(lambda x: x)("one")
    with pytest.raises(TypeError, match="real numbers"):
        jit(lambda x: "one")(1.0)
    with pytest.raises(TypeError, match="one number"):
        jit(lambda x: [x, x]).value_and_grad(1.0)
    with pytest.raises(ValueError, match="argnums"):
        jit(lambda x: x).value_and_grad(1.0, argnums=1)
    with pytest.raises(TypeError, match="takes a function"):
        jit(3.0)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="nothing is compiled yet"):
        _ = jit(lambda x: x).stats


def test_what_a_program_tells_of_itself() -> None:
    program = jit(branchless, in_axes=0)
    assert program.__name__ == "branchless"
    assert repr(program) == "jit(branchless)"
    program(np.ones(3))
    assert "batched input argument 0" in str(program.graph)
    assert "define" in program.llvm_ir
    assert program.stats.nodes <= program.stats.nodes_traced
    assert program.stats.code_bytes > 0


def branchless(x: Any) -> Any:
    """x where it is positive."""
    return ag.where(x > 0, x, 0.0)


def test_compiled_once_for_each_structure() -> None:
    runs: list[int] = []

    def f(x: Any) -> Any:
        runs.append(1)
        return ag.sum(tuple(x))

    program = jit(f)
    for _ in range(3):
        program(np.ones(4))
        program([1.0, 2.0])
    assert len(runs) == 2
    program = jit(f, in_axes=0)
    for size in (1, 2, 100):
        program(np.ones((size, 2)))
    assert len(runs) == 3


def test_pickle() -> None:
    program = pickle.loads(pickle.dumps(jit(branchless, in_axes=0)))
    assert program(np.array([-1.0, 2.0])).tolist() == [0.0, 2.0]


def test_calls_from_threads() -> None:
    program = jit(lambda w, x: ag.exp(-w * x) * w, in_axes=(None, 0))
    X = RNG.normal(size=1000)
    wanted = [program.value_and_grad(float(k), X) for k in range(20)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda k: program.value_and_grad(float(k % 20), X), range(400)))
    for k, (value, slope) in enumerate(found):
        assert np.array_equal(value, wanted[k % 20][0])
        assert slope == wanted[k % 20][1]


@pytest.mark.parametrize("tables", [False, True])
def test_the_number_of_threads_changes_no_bit(monkeypatch: pytest.MonkeyPatch, tables: bool) -> None:
    if tables:
        monkeypatch.setattr(compiler, "STRAIGHT_BATCHED", -1)
    program = jit(lambda w, x: ag.tanh(w @ x) * x[0], in_axes=(None, 0))
    w, X = RNG.normal(size=3), RNG.normal(size=(2005, 3))
    runner = program.runner((w, X), (0, 1))
    assert runner is not None
    work = runner.run((w, X))
    results, sums = [x.copy() for x in work.outputs], work.sums.copy()
    for threads in (1, 2, 3):
        again = Workspace(runner.compiled, runner.given, len(X))
        if again.fresh:
            again.renew()
        again.inputs[0][...], again.inputs[1][...] = w, X
        run_chunks(runner.compiled, again.context, again.chunks, threads)
        assert np.array_equal(again.sums, sums)
        assert all(map(np.array_equal, again.outputs, results))


def test_large_batches_use_threads_by_themselves() -> None:
    program = jit(lambda x: ag.sum([ag.sin(x * k) for k in range(40)]), in_axes=0)
    X = RNG.normal(size=200_000)
    runner = program.runner((X,), None)
    assert runner is not None
    assert runner._threads
    assert np.allclose(program(X)[:7], [np.sin(x * np.arange(40)).sum() for x in X[:7]])


# Tables, which large graphs become


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
            monkeypatch.setattr(compiler, "STRAIGHT_BATCHED", most)
            monkeypatch.setattr(compiler, "STRAIGHT_SHARED", most)
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


# The cache on disk


def test_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "objects"))

    def stats() -> Any:
        program = jit(lambda x: ag.exp(x) * 3.25)
        assert program(0.0) == 3.25
        return program.stats

    assert not stats().cached
    assert stats().cached
    (stored,) = (tmp_path / "objects").iterdir()
    for damage in (b"", b"nonsense", stored.read_bytes()[:-7], stored.read_bytes()[:-1] + b"x"):
        stored.write_bytes(damage)
        assert not stats().cached
        assert stats().cached
    assert [path.suffix for path in (tmp_path / "objects").iterdir()] == [".o"]


def test_a_second_process_does_not_compile_again(tmp_path: Path) -> None:
    code = (
        "import autograd as ag; from autograd.jit import jit\n"
        "p = jit(lambda x: ag.sin(x) + 0.125); p(1.0); print(p.stats.cached)"
    )
    env = dict(os.environ, AUTOGRAD_JIT_CACHE=str(tmp_path), PYTHONPATH=str(Path(ag.__file__).parent.parent))
    told = [subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True) for _ in range(2)]
    assert [each.stdout.strip() for each in told] == ["False", "True"], told[0].stderr


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "file" / "objects"))
    assert jit(lambda x: x * 7.5)(1.0) == 7.5


def test_a_machine_without_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    X = RNG.normal(size=(13, 3))
    wanted = jit(lambda w, x: ag.tanh(w @ x), in_axes=(None, 0)).value_and_grad(np.ones(3), X)
    host = compiler.host()
    for lanes, fma in ((1, True), (2, True), (4, True), (1, False)):
        machine = type(host)(host.cpu, host.features, lanes, fma)
        monkeypatch.setattr(compiler, "host", lambda machine=machine: machine)
        for most in (12_000, -1):
            monkeypatch.setattr(compiler, "STRAIGHT_BATCHED", most)
            value, slope = jit(lambda w, x: ag.tanh(w @ x), in_axes=(None, 0)).value_and_grad(np.ones(3), X)
            assert np.allclose(value, wanted[0], rtol=1e-14)
            assert np.allclose(slope, wanted[1], rtol=1e-12)


def test_importing_autograd_does_not_import_llvm() -> None:
    code = "import sys, autograd, autograd.jit; print('llvmlite' in sys.modules)"
    env = dict(os.environ, PYTHONPATH=str(Path(ag.__file__).parent.parent))
    told = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert told.stdout.strip() == "False"
