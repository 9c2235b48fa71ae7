"""The compiler beside its peers: the same work in both, in turn, in one process, on one core unless said."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from typing import Any

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # one core for everyone, whatever threads they start

import jax
import jax.numpy as jnp
import micrograd.nn
import numpy as np
import torch
from alternate import alternate, human, repeated, show
from peers import ddx_moons, jax_moons, torch_step
from programs import micrograd_step, moons_data, random_program

import autograd as ag
import nn
from autograd.jit import jit
from nn.training.compiled.compile_step import CompiledStep, compile_step

jax.config.update("jax_enable_x64", True)
torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
Number = Any


def compare(name: str, ours: Any, theirs: Any, peer: str, times: int, rounds: int = 9) -> float:
    """Time both and print the line."""
    a, b, ratio = alternate(repeated(ours, times), repeated(theirs, times), rounds)
    show(name, a / times, b / times, ratio, f"faster than {peer}")
    return a / times


# The moons step: forward, backward and SGD on 100 points in a 2-16-16-1 network


def moons() -> None:
    rows, labels = moons_data()
    X, y = np.array(rows), np.array(labels, dtype=float)
    model = nn.MLP(2, [16, 16, 1], seed=1337)
    start = time.perf_counter()
    step = compile_step(model, nn.hinge, nn.SGD(model.parameters(), lr=0.05)).__enter__()
    step(X, y)
    print(f"{'moons: trace, compile and first step':<58} {human(time.perf_counter() - start):>10}")

    def ours() -> None:
        step(X, y)

    name = "moons step (2-16-16-1, 100 points)"
    compare(name, ours, jax_moons(X, y, 0.05), "JAX jit", 1000)
    compare(name, ours, ddx_moons(X, y, 0.05), "ddx-ad", 1000)

    def hinge(scores: Any, targets: Any) -> Any:
        return torch.relu(1 - targets * scores[:, 0]).mean()

    taken = compare(name, ours, torch_step([2, 16, 16, 1], hinge, X, y, 0.05), "PyTorch eager", 1000)
    peer = micrograd.nn.MLP(2, [16, 16, 1])
    slow = alternate(ours, lambda: micrograd_step(peer, rows, labels), 3)[1]
    show(name, taken, slow, slow / taken, "faster than micrograd")
    flops = 100 * 2 * (304 + 272 + 304)
    peak = measured_peak()
    print(f"{'  its share of the measured FMA peak':<58} {flops / taken / peak:>10.0%} of {peak / 1e9:.0f} GFLOP/s")


def measured_peak() -> float:
    """Floating-point operations a second of fused multiply-adds in registers."""
    from autograd.jit.runtime.machine import Code, host

    machine, chains, turns = host(), 12, 1_000_000
    kind = f"<{machine.lanes} x double>"
    half = "splat (double 0.5)"
    heads = "".join(f"  %v{k} = phi {kind} [ {half}, %entry ], [ %w{k}, %loop ]\n" for k in range(chains))
    body = "".join(
        f"  %w{k} = call {kind} @llvm.fma.v{machine.lanes}f64({kind} %v{k}, {kind} {half}, {kind} {half})\n"
        for k in range(chains)
    )
    sums = "".join(
        f"  %s{k + 1} = fadd {kind} {'zeroinitializer' if not k else f'%s{k}'}, %w{k}\n" for k in range(chains)
    )
    ir = (
        f"declare {kind} @llvm.fma.v{machine.lanes}f64({kind}, {kind}, {kind})\n"
        "define void @spin(ptr %out) {\nentry:\n  br label %loop\nloop:\n"
        f"  %i = phi i64 [ 0, %entry ], [ %j, %loop ]\n{heads}{body}  %j = add i64 %i, 1\n"
        f"  %go = icmp slt i64 %j, {turns}\n  br i1 %go, label %loop, label %end\nend:\n{sums}"
        f"  store {kind} %s{chains}, ptr %out, align 8\n  ret void\n}}\n"
    )
    import ctypes

    code = Code(ir, machine)
    spin, room = code.function("spin", ctypes.c_void_p), np.zeros(16)
    best = min(timed(lambda: spin(room.ctypes.data)) for _ in range(5))
    return 2.0 * machine.lanes * chains * turns / best


def timed(run: Any) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


# Networks on digits


def one_hot_cross_entropy(logits: Any, target: Any) -> Any:
    return ag.logsumexp(logits) - ag.dot(tuple(logits), tuple(target))


def compiled_network(sizes: list[int], X: np.ndarray, Y: np.ndarray) -> tuple[CompiledStep, float]:
    model = nn.MLP(sizes[0], sizes[1:], seed=0)
    start = time.perf_counter()
    step = compile_step(model, one_hot_cross_entropy, nn.SGD(model.parameters(), lr=0.05)).__enter__()
    step(X, Y)
    return step, time.perf_counter() - start


def digits() -> None:
    rng = np.random.default_rng(0)
    X, labels = rng.random((1797, 64)), rng.integers(0, 10, 1797)
    Y = np.eye(10)[labels]
    step, seconds = compiled_network([64, 32, 10], X[:32], Y[:32])
    print(f"{'digits: trace, compile and first step':<58} {human(seconds):>10}")
    theirs = torch_step([64, 32, 10], torch.nn.functional.cross_entropy, X[:32], labels[:32], 0.05)
    batches = [(X[k : k + 32], Y[k : k + 32]) for k in range(0, 1792, 32)]

    def epoch() -> None:
        for x, y in batches:
            step(x, y)

    compare("digits epoch (64-32-10, 56 batches of 32)", epoch, repeated(theirs, 56), "PyTorch eager", 1)

    X, labels = rng.random((128, 784)), rng.integers(0, 10, 128)
    Y = np.eye(10)[labels]
    step, seconds = compiled_network([784, 128, 10], X, Y)
    print(f"{'784-128-10: trace, compile and first step':<58} {human(seconds):>10}")
    theirs = torch_step([784, 128, 10], torch.nn.functional.cross_entropy, X, labels, 0.05)
    compare("784-128-10 step, batch 128", lambda: step(X, Y), theirs, "PyTorch eager", 10)


# One point at a time


def rosenbrock(x: Any) -> Any:
    return sum(100.0 * (x[i + 1] - x[i] * x[i]) ** 2 + (1.0 - x[i]) ** 2 for i in range(len(x) - 1))


def rosenbrocks() -> None:
    import casadi

    for n in (10, 1000):
        x = np.linspace(-1.0, 1.0, n)
        program = jit(rosenbrock)
        slope = program.value_and_grad(x)[1]

        @jax.jit
        def theirs(x: Any) -> Any:
            return jax.value_and_grad(lambda x: jnp.sum(100.0 * (x[1:] - x[:-1] * x[:-1]) ** 2 + (1.0 - x[:-1]) ** 2))(
                x
            )

        symbol = casadi.SX.sym("x", n)
        formula = rosenbrock([symbol[i] for i in range(n)])
        function = casadi.Function("f", [symbol], [formula, casadi.gradient(formula, symbol)])
        assert np.allclose(slope, theirs(x)[1])
        assert np.allclose(slope, np.array(function(x)[1]).ravel())
        times = 2000 if n == 10 else 300

        def ours(x: Any = x, program: Any = program) -> None:
            program.value_and_grad(x)

        name = f"Rosenbrock gradient, {n} dimensions"
        compare(name, ours, lambda x=x, f=theirs: f(x)[1].block_until_ready(), "JAX jit", times)
        compare(name, ours, lambda x=x, f=function: f(x), "CasADi", times)


NUMPYS = {
    "exp": np.exp,
    "log": np.log,
    "log1p": np.log1p,
    "sin": np.sin,
    "tan": np.tan,
    "asin": np.arcsin,
    "atan": np.arctan,
    "tanh": np.tanh,
    "sinh": np.sinh,
    "atanh": np.arctanh,
    "cbrt": np.cbrt,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
}

# Ten thousand prices with five derivatives


def price(S: Any, K: Any, T: Any, r: Any, sigma: Any, lib: Any, normal: Any) -> Any:
    """The Black-Scholes price of a call option."""
    spread = sigma * lib.sqrt(T)
    d = (lib.log(S / K) + (r + 0.5 * sigma * sigma) * T) / spread
    return S * normal(d) - K * lib.exp(-r * T) * normal(d - spread)


def options() -> None:
    rng = np.random.default_rng(0)
    n = 10_000
    args = [rng.uniform(*ends, n) for ends in ((80, 120), (80, 120), (0.1, 2), (0.0, 0.1), (0.1, 0.5))]
    root = float(np.sqrt(0.5))
    ours = jit(lambda *a: price(*a, lib=ag, normal=lambda d: 0.5 * ag.erfc(-root * d)), in_axes=0)
    every = tuple(range(5))
    slopes = ours.value_and_grad(*args, argnums=every)[1]
    one = jax.value_and_grad(
        lambda *a: price(*a, lib=jnp, normal=lambda d: 0.5 * jax.scipy.special.erfc(-root * d)), every
    )
    theirs = jax.jit(jax.vmap(one))
    assert all(np.allclose(a, b) for a, b in zip(slopes, theirs(*args)[1]))
    compare(
        "10,000 Black-Scholes prices and five derivatives",
        lambda: ours.value_and_grad(*args, argnums=every),
        lambda: jax.block_until_ready(theirs(*args)),
        "JAX jit",
        10,
    )
    x = np.abs(rng.normal(size=100_000))
    for name, theirs in NUMPYS.items():
        throughput(name, jit(getattr(ag, name), in_axes=0), theirs, 0.2 * x if name in ("asin", "atanh") else x)


def throughput(name: str, ours: Any, theirs: Any, x: np.ndarray) -> None:
    compare(f"{name} of 100,000 numbers", lambda: ours(x), lambda: theirs(x), "NumPy", 10)


# Large graphs


OPERATIONS = (
    lambda a, b: a * b,
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: ag.relu(a),
    lambda a, b: -a,
    lambda a, b: 0.5 * a,
    lambda a, b: a + 1.0,
    lambda a, b: 0.1 * a * a,
)


def large(operations: int) -> None:
    program = random_program(operations, seed=3)

    def f(xs: Any) -> Any:
        results = list(xs)
        for which, i, j in program:
            a, b = results[i], results[j]
            c = OPERATIONS[which](a, b)
            results.append(ag.tanh(c) if (i + j) % 7 == 0 else c)
        return ag.mean(results[-50:])

    x = np.array([0.5 + 0.05 * k for k in range(10)])
    compiled = jit(f)
    start, busy = time.perf_counter(), time.process_time()
    compiled.value_and_grad(x)
    seconds, cpu = time.perf_counter() - start, time.process_time() - busy
    again = min(timed(lambda: compiled.value_and_grad(x)) for _ in range(5))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{f'{operations:,} operations: trace, differentiate, compile, run':<58} {human(seconds):>10} "
        f"({human(cpu)} of processor time) for {compiled.stats.nodes_traced:,} nodes, {compiled.stats.nodes:,} of "
        f"them needed; {memory:.2f} GB at most; a later call {human(again)}"
    )


def main() -> None:
    if sys.argv[1:] and sys.argv[1].isdigit():
        large(int(sys.argv[1]))
        return
    chosen = sys.argv[1:] or ["moons", "digits", "rosenbrocks", "options", "graphs"]
    print(f"{'':<58} {'autograd':>10} {'peer':>10} {'ratio':>10}")
    for name in chosen:
        if name == "graphs":  # each in a process of its own: the memory of a smaller one would serve the next
            for operations in (10**4, 10**5, 10**6):
                subprocess.run([sys.executable, __file__, str(operations)], check=True)
        else:
            {"moons": moons, "digits": digits, "rosenbrocks": rosenbrocks, "options": options}[name]()


if __name__ == "__main__":
    main()
