"""Calls of programs: wrong ones, repeated ones, from threads, with large arrays; what a program shows about itself."""

import concurrent.futures
import dataclasses
import gc
import importlib
import os
import pickle
import subprocess
import sys
import threading
import weakref
from typing import Any

import numpy as np
import pytest

import autograd as ag
from autograd.jit import jit, tuning
from autograd.jit.runtime.runner import Runner
from autograd.jit.runtime.workspace import Workspace
from autograd.jit.tuning import LARGE

threads = importlib.import_module("autograd.jit.runtime.threads")
RNG = np.random.default_rng(0)


def test_errors_of_calls() -> None:
    program = jit(lambda w, x: w * x, in_axes=(None, 0))
    with pytest.raises(TypeError, match=r"jit\(<lambda>\): missing a required argument: 'x'"):
        program(1.0)
    with pytest.raises(TypeError, match=r"in_axes must have an entry for each argument \(2 here\), got 1"):
        jit(lambda w, x: w * x, in_axes=(0,))(1.0, 2.0)
    with pytest.raises(TypeError, match=r"argument 1 must have axis 0, its batch axis.*Pass an array"):
        program(1.0, 2.0)
    with pytest.raises(ValueError, match=r"same length along their batch axes.*argument 0 has 3, argument 1 has 4"):
        jit(lambda a, b: a * b, in_axes=0)(np.ones(3), np.ones(4))
    with pytest.raises(TypeError, match="must be a real number"):
        jit(lambda x: x)("one")
    for wrong in ("0", True, (0, "1"), 1.0):
        with pytest.raises(TypeError, match="in_axes must be None, an int or a tuple"):
            jit(lambda x: x, in_axes=wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"argument 0 must have axis -3, .* shape \(5, 2\)"):
        jit(lambda x: x, in_axes=-3)(np.ones((5, 2)))
    for whole in (lambda x: ag.exp(x), lambda x: np.ones(3) @ x):
        with pytest.raises((TypeError, ValueError), match=r"if the first axis of an array is a batch.*in_axes=0"):
            jit(whole)(np.ones((5, 4)))
    with pytest.raises(TypeError, match="must be a real number"):
        jit(lambda x: "one")(1.0)
    with pytest.raises(TypeError, match="must return one number, got 2"):
        jit(lambda x: [x, x]).value_and_grad(1.0)
    with pytest.raises(ValueError, match="argnums"):
        jit(lambda x: x).value_and_grad(1.0, argnums=1)
    with pytest.raises(TypeError, match="f must be a function"):
        jit(3.0)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="f must be a function"):
        jit(in_axes=0)(3.0)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="nothing has been compiled yet"):
        _ = jit(lambda x: x).stats


def test_an_array_of_another_kind_is_checked_again() -> None:
    program = jit(lambda x: x[0] * x[1], in_axes=None)
    assert program(np.array([2.0, 3.0])) == 6.0
    assert program(np.array([2, 3])) == 6.0
    assert program(np.array([2.0, 3.0], dtype=object)) == 6.0
    with pytest.raises(TypeError, match="real number"):
        program(np.array([2.0, 3.0j]))
    with pytest.raises(TypeError, match="real number"):
        program(np.array(["2", "3"]))
    a, b = ag.Value(2.0), ag.Value(3.0)
    program(np.array([a, b])).backward()
    assert (a.grad, b.grad) == (3.0, 2.0)
    assert program([2.0, 3.0]) == 6.0
    program([a, b]).backward()
    assert (a.grad, b.grad) == (6.0, 4.0)


def test_what_a_program_shows_about_itself() -> None:
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
        monkeypatch.setattr(tuning, "STRAIGHT_BATCHED", -1)
    program = jit(lambda w, x: ag.tanh(w @ x) * x[0], in_axes=(None, 0))
    w, X = RNG.normal(size=3), RNG.normal(size=(2005, 3))
    runner = program.runner((w, X), (0, 1))
    assert runner is not None
    work = runner.run((w, X))
    results, sums = [x.copy() for x in work.outputs], work.sums.copy()
    for count in (1, 2, 3):
        again = Workspace(runner.compilation, runner.given, len(X))
        if again.fresh:
            again.renew()
        again.inputs[0][...], again.inputs[1][...] = w, X
        threads.run_chunks(runner.compilation, again, again.chunks, count)
        assert np.array_equal(again.sums, sums)
        assert all(map(np.array_equal, again.outputs, results))


def test_large_batches_use_threads_by_themselves() -> None:
    program = jit(lambda x: ag.sum([ag.sin(x * k) for k in range(40)]), in_axes=0)
    X = RNG.normal(size=200_000)
    runner = program.runner((X,), None)
    assert runner is not None
    assert runner.threads
    assert np.allclose(program(X)[:7], [np.sin(x * np.arange(40)).sum() for x in X[:7]])


# Large arrays, which are read where they lie


@pytest.mark.parametrize("size", [LARGE // 3, LARGE + 1, 2 * LARGE + 37])
def test_large_arrays_are_read_in_place_and_give_the_bits_of_copies(size: int) -> None:
    X, y = RNG.normal(size=(size, 3)), RNG.normal(size=size)
    program = jit(lambda w, x, y: ag.tanh(w @ x) * y, in_axes=(None, 0, 0))
    w = np.array([0.5, -1.0, 2.0])
    value, (by_w, by_x) = program.value_and_grad(w, X, y, argnums=(0, 1))
    wide = np.empty((size, 6))
    wide[:, ::2] = X
    shifted = np.frombuffer(b"1" + X.tobytes(), dtype=np.uint8)[1:].view(np.float64).reshape(X.shape)
    assert not shifted.flags.aligned
    for other in (wide[:, ::2], np.asfortranarray(X), X[::-1][::-1], X.astype(">f8"), shifted):
        program.value_and_grad(w, -X, y, argnums=(0, 1))  # what is read in place here must not be read again
        again, (by_w_again, by_x_again) = program.value_and_grad(w, other, y, argnums=(0, 1))
        assert np.array_equal(value, again)
        assert np.array_equal(by_w, by_w_again)
        assert np.array_equal(by_x, by_x_again)
    assert np.allclose(value, np.tanh(X @ w) * y, rtol=1e-13)
    assert np.allclose(by_w, ((1 - np.tanh(X @ w) ** 2) * y) @ X, rtol=1e-10)


def test_a_large_array_is_read_again_at_each_call_and_never_written() -> None:
    program = jit(lambda x: 2 * x, in_axes=0)
    X = RNG.normal(size=LARGE + 11)
    X.flags.writeable = False
    assert np.array_equal(program(X), 2 * X)
    Y = X.copy()
    first = program(Y)
    Y += 1.0
    assert np.array_equal(program(Y), 2 * Y)
    assert np.array_equal(first, 2 * X)


def test_containers_of_one_number_or_array() -> None:
    assert jit(lambda d: d["a"] * 2.0)({"a": 1.5}) == 3.0
    assert jit(lambda xs: xs[0] * 2.0)([np.ones(3)]).tolist() == [2.0, 2.0, 2.0]


@pytest.mark.parametrize("wrong", [1j * np.ones(3), np.array(["1", "2", "3"])])
def test_arrays_without_real_numbers_are_refused_in_containers_at_later_calls_too(wrong: Any) -> None:
    program = jit(lambda d: d["a"][0] * 2.0 + d["b"])
    assert program({"a": np.ones(3), "b": 1.0}) == 3.0
    with pytest.raises(TypeError, match=r"argument 0\['a'\] must hold real numbers"):
        program({"a": wrong, "b": 1.0})


def test_arrays_that_are_read_in_place_live_as_long_as_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread may drop the caller's array while a program runs."""
    size = 20 * LARGE
    program = jit(lambda d: ag.sin(d["a"]), in_axes=0)
    expected = program({"a": np.full(size, 0.5)})
    given = {"a": np.full(size, 0.5)}
    compute = Runner.compute

    def meanwhile(self: Runner, work: Workspace) -> None:
        given["a"] = np.full(size, 7.0)
        others = [np.full(size, 9.0) for _ in range(3)]
        compute(self, work)
        others.clear()

    monkeypatch.setattr(Runner, "compute", meanwhile)
    assert (program(given) == expected).all()


def test_a_program_is_freed_with_its_memory() -> None:
    def size_of(x: Any) -> Any:
        return x * 2.0

    program = jit(size_of, in_axes=0)
    program(np.ones(10))
    gone = weakref.ref(program)
    del program
    gc.collect()
    assert gone() is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_a_forked_process_computes_on_threads_of_its_own() -> None:
    script = """
import os, signal, numpy as np, autograd as ag
from autograd.jit import tuning
tuning.THREADS_PAY = 0
program = ag.jit(lambda a: ag.sin(a), in_axes=0)
a = np.full(100_000, 0.5)
expected = program(a)
child = os.fork()
if not child:
    signal.alarm(20)  # it must not wait for ever
    os._exit(0 if (program(a) == expected).all() else 1)
assert os.waitpid(child, 0)[1] == 0
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", script], check=True, timeout=60)


def test_an_interrupted_call_is_over_when_it_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its threads do not write to memory that is given back."""
    running: list[bool] = []
    written: list[int] = []  # by the other thread, a chunk each
    begun, awaited = threading.Event(), threading.Event()

    def wait_for(futures: Any) -> Any:
        running.extend(not future.done() for future in futures)
        awaited.set()
        return concurrent.futures.wait(futures)

    class Interrupt(Exception):
        pass

    program = jit(lambda a: ag.sin(ag.sin(ag.sin(a))), in_axes=0)
    a = np.full(400_000, 0.5)
    expected = program(a)

    class Code:
        """The compiled code, but a chunk in this thread is interrupted while the other thread is at one of its own."""

        def function(self, name: str, *types: Any) -> Any:
            real = code.function(name, *types)
            here = threading.get_ident()

            def chunk(*args: Any) -> None:
                if threading.get_ident() == here:
                    assert begun.wait(60)
                    raise Interrupt
                begun.set()
                assert awaited.wait(60)
                real(*args)
                written.append(args[1])

            return chunk if name == "chunk" else real

    compiled = program.runner((a,), None).compilation  # type: ignore[union-attr]
    code = compiled.code
    monkeypatch.setattr(threads, "wait", wait_for)
    work = next(iter(program._runners.values()))._free[0]
    work.give([a])
    assert work.chunks > 2
    with pytest.raises(Interrupt):
        threads.run_chunks(dataclasses.replace(compiled, code=Code()), work, work.chunks, 2)  # type: ignore[arg-type]
    assert running == [True]  # it waited for the other thread,
    assert len(written) == 1  # which finished its chunk and began no other
    assert (program(a) == expected).all()
