"""Random programs with control flow: nested if, while, for with break, early returns, on numbers.

Run as a script, `python tests/support/programs/control_flow.py 3000`, it compares so many of them, compiled and eager.
"""

from __future__ import annotations

import argparse
import random
import textwrap
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest

import autograd as ag
from autograd.jit import tuning

INPUTS, SHARED = 3, 2


class Writer:
    """Writes the source of one function of a list of INPUTS numbers and a list of SHARED ones."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.names = [f"x[{k}]" for k in range(INPUTS)] + [f"a[{k}]" for k in range(SHARED)]
        self.counters = 0
        self.left = rng.randint(3, 8)  # statements with blocks

    def source(self) -> str:
        lines = ["def f(x, a):"]
        start = self.names[:INPUTS]
        self.names = [*self.names, "u", "v", "w"]
        lines += [f"    {name} = {self.term(start)}" for name in ("u", "v", "w")]
        lines += textwrap.indent(self.block(3), "    ").splitlines()
        return "\n".join([*lines, "    return u * a[0] + ag.sin(v) * w + 0.5 * v * v"])

    def number(self) -> str:
        return repr(round(self.rng.uniform(-1.5, 1.5), 3))

    def pick(self, names: list[str] | None = None) -> str:
        return self.rng.choice(names or self.names)

    def term(self, names: list[str] | None = None) -> str:
        a, b = self.pick(names), self.pick(names)
        return self.rng.choice(
            [
                f"{a} + {self.number()}",
                f"{self.number()} * {a}",
                f"{a} - {b}",
                f"0.7 * {a} * {b}",
                f"ag.tanh({a} + {b})",
                f"ag.sin({a} * {self.number()})",
                f"{a} / (1.5 + {b} * {b})",
                f"ag.sqrt(1.0 + {a} * {a})",
                f"ag.exp(-{a} * {a})",
                f"max({a}, {b} * {self.number()})",
                f"min({a}, {self.number()}, {b} - 0.3)",
                f"sorted([{a}, {b} + 0.2, {self.number()}])[1]",
                f"abs({a})",
                f"[0.5, 1.25, -2.0][int(abs({a})) % 3] * {b}",
                f"round({a}) * {b} * 0.5",
            ]
        )

    def condition(self) -> str:
        a, b = self.pick(), self.pick()
        simple = [
            f"{a} > {self.number()}",
            f"{a} * {a} < {b} + 1.1",
            f"{a} <= {b} - 0.05",
            f"abs({a}) >= 0.8",
            f"{self.number()} < {a} < 1.7",
            f"not {a} > {b} * 0.9 + 0.01",
            f"{a} == 0",
            f"{a} != {b} or {b} > {self.number()}",
            "any(e > 1.2 for e in (u, v, w))",
        ]
        first = self.rng.choice(simple)
        if self.rng.random() < 0.25:
            first = f"({first}) {self.rng.choice(['and', 'or'])} ({self.rng.choice(simple)})"
        return first

    def assign(self) -> str:
        return f"{self.rng.choice(['u', 'v', 'w'])} = {self.term()}"

    def damp(self) -> str:
        """An assignment that keeps numbers small in a loop."""
        name = self.rng.choice(["u", "v", "w"])
        return f"{name} = ag.tanh({self.term()}) * 1.5"

    def block(self, depth: int) -> str:
        return "\n".join(self.statement(depth) for _ in range(self.rng.randint(1, 3)))

    def statement(self, depth: int) -> str:
        if depth == 0 or self.left <= 0 or self.rng.random() < 0.35:
            return self.assign()
        self.left -= 1
        body = textwrap.indent(self.block(depth - 1), "    ")
        kind = self.rng.choice(["if", "if", "elif", "while", "for", "return"])
        if kind == "if":
            other = f"\nelse:\n{textwrap.indent(self.block(depth - 1), '    ')}" if self.rng.random() < 0.6 else ""
            return f"if {self.condition()}:\n{body}{other}"
        if kind == "elif":
            other = textwrap.indent(self.block(depth - 1), "    ")
            return f"if {self.condition()}:\n{body}\nelif {self.condition()}:\n{other}\nelse:\n    {self.assign()}"
        if kind == "return":
            return f"if {self.condition()}:\n    return {self.term()} * u"
        self.counters += 1
        count = f"n{self.counters}"
        if kind == "while":
            stop = self.rng.randint(1, 3)
            head = f"{count} = 0\nwhile {count} < {stop} and ({self.condition()}):"
            return f"{head}\n{body}\n    {self.damp()}\n    {count} += 1"
        leave = self.rng.choice(["break", "continue"])
        return (
            f"for {count} in range({self.rng.randint(1, 3)}):\n    {self.damp()}\n    if {self.condition()}:\n"
            f"        {self.assign()}\n        {leave}\n{body}"
        )


def make(rng: random.Random) -> tuple[str, Callable[..., Any]]:
    """The source of a function, and the function itself."""
    source = Writer(rng).source()
    names: dict[str, Any] = {"ag": ag}
    exec(compile(source, "<random program>", "exec"), names)
    return source, names["f"]


def with_derivatives(f: Callable[..., Any]) -> Callable[..., Any]:
    """The value, the gradient with respect to both arguments, and a Hessian-vector product."""

    def all_of(x: Any, a: Any, u: Any) -> Any:
        value, slopes = ag.value_and_grad(f, argnums=(0, 1))(x, a)
        return [value, *slopes, ag.hvp(lambda x: f(x, a), (x,), (u,))]

    return all_of


def numbers_of(results: Any) -> Any:
    return np.concatenate([np.ravel(np.asarray(part, dtype=float)) for part in results])


def is_near(got: Any, want: Any, size: float = 0.0) -> bool:
    bound = 1e-8 * (np.nanmax(np.abs(want), initial=1.0) + size)
    return bool(np.all((np.abs(got - want) <= bound) | (np.isnan(got) & np.isnan(want)) | (got == want)))


def is_on_an_edge(f: Callable[..., Any], x: Any, a: Any, u: Any, want: Any) -> bool:
    """Whether numbers that are a rounding away take other decisions, so that either answer is right."""
    return any(not is_near(numbers_of(f(x * factor, a, u)), want) for factor in (1 - 1e-13, 1 + 1e-13))


def compare(rng: random.Random, sizes: range = range(68)) -> int:
    """Compare one random program, compiled and eager; how many elements were on an edge."""
    source, f = make(rng)
    size = rng.choice(sizes) if rng.random() < 0.15 else rng.randint(0, 8)
    draw = np.random.default_rng(rng.randrange(2**32))
    x, u = draw.normal(size=(2, size, INPUTS))
    x[draw.random(x.shape) < 0.05] = 0.0
    a = draw.normal(size=SHARED)
    every = with_derivatives(f)
    want = [numbers_of(every(x[k], a, u[k])) for k in range(size)]
    edges = 0
    results = ag.jit(every, in_axes=(0, None, 0))(x, a, u)
    single = ag.jit(every)
    values, (rows, sums) = ag.jit(f, in_axes=(0, None)).value_and_grad(x, a, argnums=(0, 1))
    total, magnitude = np.zeros(SHARED), 1.0
    for k in range(size):
        both = [numbers_of([part[k] for part in results])]
        if k < 3:
            both.append(numbers_of(single(x[k], a, u[k])))
        both.append(np.concatenate([[values[k]], rows[k], want[k][1 + INPUTS :]]))
        for got in both:
            if not is_near(got, want[k]):
                assert is_on_an_edge(every, x[k], a, u[k], want[k]), (source, x[k], a, u[k], got, want[k])
                edges += 1
        total = total + want[k][1 + INPUTS : 1 + INPUTS + SHARED]
        magnitude += float(np.abs(want[k][1 + INPUTS : 1 + INPUTS + SHARED]).sum())
    assert edges or is_near(sums, total, magnitude), (source, x, a, sums, total)
    return edges


def compare_sizes(f: Callable[..., Any], sizes: Iterable[int]) -> None:
    """Compare a function for batches of each size: a part of a larger batch gets the numbers that it gets there."""
    draw = np.random.default_rng(1)
    x, a = draw.normal(size=(max(sizes), INPUTS)), draw.normal(size=SHARED)
    program = ag.jit(f, in_axes=(0, None))
    values, rows = program.value_and_grad(x, a)
    want = [ag.value_and_grad(f)(each, a) for each in x]
    assert all(is_near(values[k], value) and is_near(rows[k], slope) for k, (value, slope) in enumerate(want))
    for size in sizes:
        some, (slopes, sums) = program.value_and_grad(x[:size], a, argnums=(0, 1))
        assert np.array_equal(some, values[:size])
        assert np.array_equal(slopes, rows[:size])
        fresh = ag.jit(f, in_axes=(0, None)).value_and_grad(x[:size], a, argnums=1)[1] if size % 32 == 5 else sums
        assert np.array_equal(fresh, sums)  # the calls before do not matter


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    edges = 0
    for k in range(given.count):
        seed = given.seed + k
        with pytest.MonkeyPatch.context() as patch:
            if seed % 4:  # tables compile faster
                for name in ("STRAIGHT_DECISIONS", "STRAIGHT_SHARED", "STRAIGHT_BATCHED"):
                    patch.setattr(tuning, name, -1)
            if seed % 3 == 0:
                patch.setattr(tuning, "THREADS_PAY", -1)
                patch.setattr(tuning, "CHUNK", tuning.STRIP)
            try:
                edges += compare(random.Random(seed))
            except Exception:
                print(f"seed {seed}", flush=True)
                raise
        if k % 100 == 99:
            print(f"{k + 1} programs, {edges} elements on an edge", flush=True)


if __name__ == "__main__":
    main()
