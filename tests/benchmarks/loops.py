"""Loops compiled beside JAX: the same steps in both, in turn, in one process, on one core."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # one core for everyone, whatever threads they start

import jax
import jax.numpy as jnp
import numpy as np
from alternate import alternate, human, repeated, show
from jax import lax

import autograd as ag
from autograd.jit import jit

jax.config.update("jax_enable_x64", True)
Step = Callable[..., tuple[Any, Any]]


def beside(name: str, ours: Callable[[], Any], theirs: Callable[[], Any], times: int = 1, rounds: int = 7) -> None:
    """Print how long the first call takes, which compiles, and how long the next ones."""
    first = []
    for run in (ours, theirs):
        start = time.perf_counter()
        jax.block_until_ready(run())
        first.append(time.perf_counter() - start)
    show(f"{name}: compile", first[0], first[1], first[1] / first[0], "faster than JAX jit")
    a, b, ratio = alternate(repeated(ours, times), repeated(lambda: jax.block_until_ready(theirs()), times), rounds)
    show(f"{name}: call", a / times, b / times, ratio, "faster than JAX jit")


# A step of 30 operations, so many times


def heun(m: Any, a: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """A step of Heun's method for a predator and its prey."""
    h = 0.01

    def slopes(x: Any, y: Any) -> tuple[Any, Any]:
        return a * (y - x) - 0.1 * x * y, x * (1.2 - y) - y

    dx, dy = slopes(x, y)
    dx2, dy2 = slopes(x + h * dx, y + h * dy)
    return x + 0.5 * h * (dx + dx2), y + 0.5 * h * (dy + dy2)


def pendulum(m: Any, a: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """Two steps of a driven pendulum, with four functions among 30 operations."""
    for _ in range(2):
        f = 0.3 * m.sin(x * a) - 0.1 * y
        g = 0.2 * m.exp(-(x * x))
        x, y = x + 0.01 * (y + g), y + 0.01 * (f - 0.5 * x)
    return x, y


def thirty_operations() -> None:
    for name, step in (("arithmetic", heun), ("functions", pendulum)):
        for steps in (100, 1_000, 10_000, 100_000):
            repeat(f"{name}, {steps:,} steps", step, steps, max(1, 20_000 // steps))


def repeat(name: str, step: Step, steps: int, times: int) -> None:
    """So many steps in both, value alone and with the gradient."""
    ours, theirs = repeat_ours(step, steps), repeat_theirs(step, steps)
    program, jitted = jit(ours), jax.jit(theirs)
    beside(f"{name}: value", lambda: program(0.9, 0.3), lambda: jitted(0.9, 0.3), times)
    both, slopes = jit(ours), jax.jit(jax.value_and_grad(theirs, argnums=(0, 1)))
    beside(
        f"{name}: value and gradient",
        lambda: both.value_and_grad(0.9, 0.3, argnums=(0, 1)),
        lambda: slopes(0.9, 0.3),
        times,
    )


def repeat_ours(step: Step, steps: int) -> Callable[[Any, Any], Any]:
    return lambda a, x: ag.fori_loop(0, steps, lambda i, c: step(ag, a, *c), (x, 0.5 * x))[0]


def repeat_theirs(step: Step, steps: int) -> Callable[[Any, Any], Any]:
    return lambda a, x: lax.scan(lambda c, _: (step(jnp, a, *c), None), (x, 0.5 * x), None, length=steps)[0][0]


# Kepler's equation by Newton's method, as long as an element needs


def kepler() -> None:
    rng = np.random.default_rng(0)
    e, mean = rng.uniform(0.0, 0.95, 100_000), rng.uniform(-3.0, 3.0, 100_000)

    def solve(m: Any, loop: Any, e: Any, mean: Any) -> Any:
        def better(E: Any) -> Any:
            return E - (E - e * m.sin(E) - mean) / (1.0 - e * m.cos(E))

        return loop(lambda E: abs(E - e * m.sin(E) - mean) > 1e-12, better, mean + e * m.sin(mean))

    program = jit(lambda e, mean: solve(ag, ag.while_loop, e, mean), in_axes=0)
    jitted = jax.jit(jax.vmap(lambda e, mean: solve(jnp, lax.while_loop, e, mean)))
    assert np.abs(program(e, mean) - np.array(jitted(e, mean))).max() < 1e-9
    beside("Kepler by while, 100,000 elements", lambda: program(e, mean), lambda: jitted(e, mean))
    gradient = jit(lambda e, mean: solve(ag, ag.while_loop, e, mean), in_axes=0)
    start = time.perf_counter()
    gradient.value_and_grad(e, mean, argnums=(0, 1))
    middle = time.perf_counter()
    gradient.value_and_grad(e, mean, argnums=(0, 1))
    print(f"{'  with its gradient, which JAX refuses':<58} {human(time.perf_counter() - middle):>10}", end="")
    print(f"   first {human(middle - start)}")


# Models of time series


def garch() -> None:
    returns = np.random.default_rng(1).normal(size=1000)

    def loss(m: Any, scan: Any, p: Any) -> Any:
        def day(h: Any, r: Any) -> tuple[Any, Any]:
            return p[0] + p[1] * r * r + p[2] * h, m.log(h) + r * r / h

        return scan(day, 1.0, returns)[1].sum()

    p = np.array([0.1, 0.1, 0.8])
    program, jitted = jit(lambda p: loss(ag, ag.scan, p)), jax.jit(jax.value_and_grad(lambda p: loss(jnp, lax.scan, p)))
    beside("GARCH over 1,000 days: value and gradient", lambda: program.value_and_grad(p), lambda: jitted(p), 20)


def kalman() -> None:
    series = np.cumsum(np.random.default_rng(2).normal(size=1000))

    def loss(m: Any, scan: Any, p: Any) -> Any:
        def update(state: Any, y: Any) -> tuple[Any, Any]:
            level, slope, a, b, c, total = state
            level, a, b = level + slope, a + 2 * b + c + p[0], b + c
            c, s, error = c + p[1], a + p[2], y - level
            g, k = a / s, b / s
            total = total + m.log(s) + error * error / s
            return (level + g * error, slope + k * error, a - g * a, b - g * b, c - k * b, total), None

        return scan(update, (0.0, 0.0, 1.0, 0.0, 1.0, 0.0), series)[0][5]

    p = np.array([0.5, 0.1, 1.0])
    program, jitted = jit(lambda p: loss(ag, ag.scan, p)), jax.jit(jax.value_and_grad(lambda p: loss(jnp, lax.scan, p)))
    beside(
        "Kalman filter over 1,000 steps: value and gradient", lambda: program.value_and_grad(p), lambda: jitted(p), 20
    )


def hidden_markov() -> None:
    series = np.random.default_rng(3).normal(size=1000)

    def loss(m: Any, scan: Any, add: Any, p: Any) -> Any:
        """Two states with means p[0], p[1]; p[2] is the logit of staying in one."""
        stay, leave = -m.log(1.0 + m.exp(-p[2])), -m.log(1.0 + m.exp(p[2]))

        def forward(state: Any, y: Any) -> tuple[Any, Any]:
            a, b = state
            u, v = y - p[0], y - p[1]
            return (add(a + stay, b + leave) - 0.5 * u * u, add(a + leave, b + stay) - 0.5 * v * v), None

        a, b = scan(forward, (-0.7, -0.7), series)[0]
        return add(a, b)

    p = np.array([-0.5, 0.5, 1.0])
    program = jit(lambda p: loss(ag, ag.scan, lambda a, b: ag.logsumexp((a, b)), p))
    jitted = jax.jit(jax.value_and_grad(lambda p: loss(jnp, lax.scan, jnp.logaddexp, p)))
    beside(
        "hidden Markov over 1,000 steps: value and gradient", lambda: program.value_and_grad(p), lambda: jitted(p), 20
    )


if __name__ == "__main__":
    kepler()
    garch()
    kalman()
    hidden_markov()
    thirty_operations()
