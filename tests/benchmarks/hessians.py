"""Hessians of a Rosenbrock chain, sparse and dense, beside CasADi and JAX: compiling, and a call, on one core.

A peer that is not installed is left out.
"""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

import numpy as np
from alternate import alternate, human, repeated, seconds, show

import autograd as ag


def rosenbrock(x: Any) -> Any:
    return sum(100.0 * (x[i + 1] - x[i] * x[i]) ** 2 + (1.0 - x[i]) ** 2 for i in range(len(x) - 1))


def find(name: str) -> Any:
    """A module; None if it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def prepare(
    name: str, make: Callable[[], Any], x: np.ndarray, get: Callable[[Any], Any] = lambda result: result
) -> Any:
    """A function that computes a Hessian, after its first call, and how long both took."""
    start, busy = time.perf_counter(), time.process_time()
    compute = make()
    get(compute(x))
    print(
        f"  {f'{name}: trace, compile and first call':<56} {human(time.perf_counter() - start):>10} "
        f"({human(time.process_time() - busy)} of processor time)"
    )
    return lambda: get(compute(x))


def casadi_hessian(casadi: Any, n: int) -> Any:
    symbol = casadi.SX.sym("x", n)
    formula = rosenbrock([symbol[i] for i in range(n)])
    return casadi.Function("f", [symbol], [casadi.hessian(formula, symbol)[0]])


def jax_hessian(jax: Any) -> Any:
    jax.config.update("jax_enable_x64", True)
    square = jax.numpy.sum
    return jax.jit(jax.hessian(lambda x: square(100.0 * (x[1:] - x[:-1] * x[:-1]) ** 2 + (1.0 - x[:-1]) ** 2)))


def main() -> None:
    casadi, jax = find("casadi"), find("jax")
    ag.jit(ag.hessian(rosenbrock, sparse=True))(np.ones(3))  # imports the compiler and SciPy
    for n in (10, 100, 1000):
        print(f"Rosenbrock chain, n = {n}")
        x = np.linspace(-1.0, 1.0, n)
        sparse = prepare("sparse", lambda: ag.jit(ag.hessian(rosenbrock, sparse=True)), x)
        dense = prepare("dense", lambda: ag.jit(ag.hessian(rosenbrock)), x)
        peers: list[tuple[str, Any, Any]] = []
        if casadi is not None:
            theirs = prepare("CasADi", lambda n=n: casadi_hessian(casadi, n), x)
            assert np.allclose(sparse().toarray(), np.array(theirs()))
            peers.append(("CasADi", sparse, theirs))
            peers.append(("CasADi, as a SciPy array", sparse, lambda theirs=theirs: theirs().sparse()))
            peers.append(("CasADi, as a NumPy array", dense, lambda theirs=theirs: theirs().full()))
        if jax is not None:
            theirs = prepare("JAX", lambda: jax_hessian(jax), x, lambda result: result.block_until_ready())
            assert np.allclose(dense(), theirs())
            peers += [("JAX, dense", sparse, theirs), ("JAX, dense", dense, theirs)]
        peers.append(("dense", sparse, dense))
        for name, ours, theirs in peers:
            times = int(0.02 / seconds(repeated(theirs, 3))) + 1
            a, b, ratio = alternate(repeated(ours, times), repeated(theirs, times), 9)
            show(f"  {'sparse' if ours is sparse else 'dense'}", a / times, b / times, ratio, f"faster than {name}")


if __name__ == "__main__":
    main()
