"""Compiled programs against the engine as a user calls both: `jit(f)(x)` and f(x), gradients included.

`+ - * /`, square roots, comparisons and choices agree to the last bit, so equal products cancel and nan and inf
come where they come in the engine. Functions agree to 4 ulp of what they are given. Some seeds are fixed, and one is
new in each run; it is in the message of a failure.
"""

import itertools
import math
import operator
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import registry
from fresh import same, seeds

import autograd as ag
from autograd.jit import jit
from autograd.testing.differences.rounding import rounding_errors

SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.1, math.inf, -math.inf, math.nan, 5e-324, -1e-310, 1e308, -1e308, 1e-160, 3.0]
INPUTS = 4
SMOOTH: list[tuple[int, Callable[..., Any]]] = [
    (2, operator.add),
    (2, operator.sub),
    (2, operator.mul),
    (2, operator.truediv),
    (1, operator.neg),
    (1, ag.sqrt),
    (2, lambda a, b: a * a + b * b),
    (2, lambda a, b: a * b + b * -a),
    (2, lambda a, b: a * b - b * a),
    (3, lambda a, b, c: (a * b + c) * (b - 0.3)),
    (2, lambda a, b: 2.0 * a - b / 4.0),
]
CHOICES: list[tuple[int, Callable[..., Any]]] = [
    (1, ag.abs),
    (1, ag.relu),
    (2, ag.maximum),
    (2, ag.minimum),
    (3, lambda a, b, c: ag.where(a * b > c, a, b)),
    (3, lambda a, b, c: ag.where(a * b == b * a, c, b)),
]


def draw(rng: random.Random) -> float:
    return rng.choice(SPECIAL) if rng.random() < 0.15 else rng.gauss(0.0, 2.0) * 10.0 ** rng.choice([0, 0, 0, 3, -3])


def random_program(rng: random.Random, allowed: list[tuple[int, Callable[..., Any]]]) -> Callable[[Any], Any]:
    """A function of INPUTS numbers: 4 to 14 operations on inputs, constants and earlier results."""
    steps = []
    for k in range(rng.randint(4, 14)):
        count, f = rng.choice(allowed)
        picks = [rng.gauss(0.0, 1.0) if rng.random() < 0.1 else rng.randrange(INPUTS + k) for _ in range(count)]
        picks[rng.randrange(count)] = rng.randrange(INPUTS + k)  # floats alone are Python's: they may divide by zero
        steps.append((f, picks))

    def function(x: Any) -> Any:
        values = list(x)
        for f, picks in steps:
            values.append(f(*[p if type(p) is float else values[p] for p in picks]))
        return values[-1] + values[-2] * values[-3]

    return function


def on_values(f: Callable[[Any], Any], x: list[float]) -> float:
    return float(f([ag.Value(each) for each in x]))


def test_arithmetic_and_choices_are_the_engines_to_the_last_bit(form: str) -> None:
    for seed in seeds():
        rng = random.Random(seed)
        for _ in range(5):
            f = random_program(rng, SMOOTH + CHOICES)
            points = [[draw(rng) for _ in range(INPUTS)] for _ in range(11)]
            wanted = [on_values(f, x) for x in points]
            found = jit(f, in_axes=0)(np.array(points)).tolist()
            assert all(map(same, found, wanted)), (seed, points, found, wanted)
            alone = float(jit(f)(np.array(points[0])))
            assert same(alone, wanted[0]), (seed, points[0], alone, wanted[0])


def test_gradients_of_arithmetic_are_the_engines_up_to_the_order_of_sums(form: str) -> None:
    exact = compared = 0
    for seed in seeds():
        rng = random.Random(seed)
        for _ in range(5):
            f = random_program(rng, SMOOTH)
            points = [[draw(rng) for _ in range(INPUTS)] for _ in range(11)]
            found = jit(f, in_axes=0).value_and_grad(np.array(points))[1].tolist()
            for x, slopes in zip(points, found):
                leaves = [ag.Value(each) for each in x]
                wanted = ag.grad(f)(x)
                _, slack = rounding_errors(f(leaves), leaves)
                for a, b, error in zip(slopes, wanted, slack):
                    assert same(a, b) or abs(a - b) <= error, (seed, x, slopes, wanted)
                    exact, compared = exact + same(a, b), compared + 1
    assert exact > 0.97 * compared  # the others compute something twice, which is compiled once


CANCELLING: dict[str, Callable[[Any], Any]] = {
    "p p - q p": lambda x: x[0] * x[0] + x[0] * -x[0],
    "a (-b) + b a": lambda x: x[0] * -x[1] + x[1] * x[0],
    "a b - b a": lambda x: x[0] * x[1] - x[1] * x[0],
    "a b + 0 - b a": lambda x: (x[0] * x[1] + (x[2] - x[2])) - x[1] * x[0],
    "a b + (c - b a)": lambda x: x[0] * x[1] + (0.0 * x[2] - x[1] * x[0]),
    "|a b| - |b (-a)|": lambda x: ag.abs(x[0] * x[1]) - ag.abs(x[1] * -x[0]),
    "a b - max(b a, -1e9)": lambda x: x[0] * x[1] - ag.maximum(x[1] * x[0], -1e9),
    "a b - where(b a)": lambda x: x[0] * x[1] + ag.where(x[2] > 0, -x[1] * x[0], -(x[0] * x[1])),
    "a b c - c (b a)": lambda x: x[0] * x[1] * x[2] + -x[2] * (x[1] * x[0]),
    "a / b - a / b": lambda x: x[0] / x[1] + -x[0] / x[1],
    "x @ y": lambda x: np.array([x[0], x[1]]) @ np.array([x[1], -x[0]]),
    "dot": lambda x: ag.dot([x[0], x[1]], [x[1], -x[0]]),
    "dot of 4": lambda x: ag.dot([*x], [x[1], -x[0], x[3], -x[2]]),
    "dot of 4, apart": lambda x: ag.dot([*x], [x[2], x[3], -x[0], -x[1]]),
    "dot of 8, apart": lambda x: ag.dot([*x, *x], [x[3], x[2], x[1], x[0], -x[3], -x[2], -x[1], -x[0]]),
    "dot of 2 and a bias": lambda x: ag.dot([x[0], x[1]], [x[1], -x[0]], x[2]) - x[2],
    "sum": lambda x: ag.sum([x[0] * x[1], x[2], x[3], -x[1] * x[0], -x[3], -x[2]]),
    "sum of large and small": lambda x: ag.sum([1e16 * x[0], x[1], -1e16 * x[0], -x[1]]),
}


@pytest.mark.parametrize("name", CANCELLING)
def test_what_cancels_in_the_engine_cancels_in_compiled_code(name: str, form: str) -> None:
    f = CANCELLING[name]
    program, root = jit(f, in_axes=0), jit(lambda x: ag.sqrt(f(x)), in_axes=0)  # which would be nan below 0
    for seed in seeds():
        points = np.random.default_rng(seed).normal(size=(101, INPUTS))
        assert all(on_values(f, x) == 0.0 for x in points.tolist()), (seed, "the engine")
        assert not program(points).any(), seed
        assert not root(points).any(), seed


OVERFLOWING: dict[str, Callable[[Any, Any], Any]] = {
    "x y + z w": lambda x, y: x * y + x * -y,
    "x y + z": lambda x, y: x * y - y,
    "x y + constant": lambda x, y: x * y + -1e308,
    "dot": lambda x, y: ag.dot([x, x], [-y, y]),
    "dot with a bias": lambda x, y: ag.dot([x], [y], -y),
    "sum": lambda x, y: ag.sum([y, y, -y, -y]),
    "sum of nine": lambda x, y: ag.sum([y, y, -y, -y, x, x, x, x, x]),
    "where": lambda x, y: ag.where(x * y - y > y, 1.0, 0.0),
    "norm": lambda x, y: ag.norm([y, y, y, y]),
    "logsumexp": lambda x, y: ag.logsumexp([y, -y, x]),
}


@pytest.mark.parametrize("name", OVERFLOWING)
def test_what_overflows_in_the_engine_overflows_in_compiled_code(name: str, form: str) -> None:
    f = OVERFLOWING[name]
    points = list(itertools.product([2.0, -2.0, 0.5, math.inf, math.nan], [1e308, -1e308, math.inf, 3.0, 0.0]))
    x, y = np.array(points).T
    for point, found in zip(points, jit(f, in_axes=0)(x, y).tolist()):
        wanted = float(f(*map(ag.Value, point)))
        assert same(found, wanted) or found == pytest.approx(wanted, rel=1e-15), point


def test_results_that_the_engine_has_exactly_are_exact() -> None:
    wholes = [float(k) for k in range(-40, 41)]
    ones = [*wholes, *[10.0**k for k in range(23)], *[2.0**k for k in range(-60, 60)], *[k**3 for k in wholes]]
    twos = list(itertools.product([*wholes, 0.5, 100.0, 1e4], [*wholes[28:53], 0.5, 1.5]))
    for op in registry.PRIMITIVES:
        if op.scalar and op.arity <= 2:
            points = [(x,) for x in ones] if op.arity == 1 else twos
            for point, found in zip(points, jit(lambda x, op=op: op(*x), in_axes=0)(np.array(points)).tolist()):
                wanted = op.evaluate(*point)
                if math.isfinite(wanted) and wanted == int(wanted) and abs(wanted) < 2.0**50:
                    assert found == wanted, (op, point)


FUNCTIONS: list[tuple[int, Callable[..., Any]]] = [
    (1, ag.exp), (1, ag.tanh), (1, ag.sin), (1, ag.sigmoid), (1, ag.softplus), (1, ag.atan), (1, ag.erf), (1, ag.asinh),
    (1, lambda a: ag.log(1.5 + a * a)), (2, lambda a, b: (1.5 + a * a) ** b), (2, ag.hypot), (1, lambda a: a**3),
    (3, lambda a, b, c: ag.logsumexp([a, b, c])), (3, lambda a, b, c: ag.dot([a, b], [b, c], a)),
    (3, lambda a, b, c: ag.sum([a, b, c])), (3, lambda a, b, c: ag.norm([a, b, c])),
    (3, lambda a, b, c: ag.prod([a, b, c])),
]  # fmt: skip


def test_whole_results_differ_by_no_more_than_a_few_roundings_of_their_operations() -> None:
    compared = 0
    for seed in seeds():
        rng = random.Random(seed)
        for _ in range(8):
            f = random_program(rng, FUNCTIONS + SMOOTH)
            points = [[rng.gauss(0.0, 1.0) for _ in range(INPUTS)] for _ in range(11)]
            for x, found in zip(points, jit(f, in_axes=0)(np.array(points)).tolist()):
                leaves = [ag.Value(each) for each in x]
                wanted = f(leaves) + 0.0 * leaves[0]
                once, _ = rounding_errors(wanted, leaves)  # if each operation is off by an ulp of its result
                # An operation of several arguments may be off by 4 ulp of the largest number in it.
                size = 1e-9 + max(abs(float(wanted)), *map(abs, x))
                if math.isfinite(wanted.data) and 0.0 < once < 1e-9 * size:
                    compared += 1
                    assert abs(found - wanted.data) <= 20 * once + 4e-15 * size, (seed, x, found, wanted.data)
                elif not math.isfinite(wanted.data):
                    assert same(found, wanted.data), (seed, x, found, wanted.data)
    assert compared > 100


EDGES = [0.0, -0.0, 1.0, -1.5, math.inf, -math.inf, math.nan, 5e-324, -1e-310, 1.7976931348623157e308, -1e200, 1e-160]
EDGES += [
    709.78271114955743,
    709.782712893384,
    709.7827128933841,
    710.4758600739439,
    -710.475860073944,
    -745.1332191019412,
]
EDGES += [1024.0, -1075.0, 1 - 2.0**-53, 2.0**-24, 5.96e-8, 2.0**20 + 1, 1e22]
# What other compilers got wrong, by the issue that reports it.
REPORTED: dict[str, Callable[[Any], Any]] = {
    "openxla/xla#42732": lambda x: ag.log(ag.exp(x)),
    "jax#38100": lambda x: ag.log2(ag.exp2(x)),
    "jax#37919": lambda x: ag.sqrt(ag.abs(x * x)),
    "jax#18507": lambda x: x * 7.0 - 7.0 * x,
    "openxla/xla#41579": lambda x: x * 1e10 + -x * 1e10,
    "jax#4780, pytorch#186281": lambda x: 1.0 + x * 0.0,
    "jax#7701": lambda x: ag.log(x**0.0) + ag.log(0.0**x),
    "tensorflow#57744": lambda x: ag.log(x**x),
    "jax#38602": lambda x: (x - x) / (x - x),
    "pytorch#141753": lambda x: 0.3 / x + x / 3.0,
    "jax#26658": lambda x: x + 0.0,
    "jax#16200": lambda x: ag.where(x == 0.0, 1.0, 2.0),
    "numba#9383": lambda x: ag.where(x != x, 1.0, 2.0),
    "numba#10142": lambda x: ag.clip(x, -1.0, 1.0),
    "pytorch#93784": lambda x: ag.maximum(x, 0.5) + ag.minimum(0.5, x),
    "tinygrad#862": lambda x: ag.maximum(1.0, x) * ag.maximum(x, 1.0),
    "numba#6075": ag.cbrt,
    "libmesh#383": ag.log,
    "sleef#461": ag.sinh,
    "sleef#460": ag.cosh,
    "sleef#523": ag.exp,
    "sleef#473": ag.log1p,
    "sleef#451": ag.tanh,
    "sleef#465": ag.tan,
    "sleef#600": lambda x: ag.pow(0.75, x),
}


@pytest.mark.parametrize("name", REPORTED)
def test_what_other_compilers_got_wrong(name: str) -> None:
    f = REPORTED[name]
    values = jit(f, in_axes=0)(np.array(EDGES)).tolist()
    for x, found in zip(EDGES, values):
        wanted = on_values(lambda each: f(each[0]), [x])
        assert same(found, wanted) or abs(found - wanted) <= 4 * math.ulp(wanted), (x, found, wanted)
        assert found != 0.0 or math.copysign(1.0, found) == math.copysign(1.0, wanted), x
