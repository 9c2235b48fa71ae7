"""check_gradients on every primitive: right rules pass at every order and scale, planted mistakes are traced home."""

import random
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from registry import PRIMITIVES, call, draw_point, flatten

import autograd as ag
from autograd import ops
from autograd.primitive import NOT_TAKEN, Primitive
from autograd.testing import GradientError, GradientWarning, check_gradients

# Each primitive and composition with points, away from kinks, where it is defined.
ANY, POSITIVE, UNIT, ABOVE = (-1.3, 0.4, 2.2), (0.3, 1.0, 7.5), (-0.7, 0.1, 0.6), (1.2, 2.0, 9.0)
UNARY: dict[str, tuple[float, ...]] = {
    **dict.fromkeys(["neg", "abs", "exp", "expm1", "exp2", "cbrt", "sin", "cos", "tan", "atan", "sinh", "cosh"], ANY),
    **dict.fromkeys(["tanh", "asinh", "sech2", "gaussian", "erf", "erfc", "sigmoid", "softplus", "relu", "sign"], ANY),
    **dict.fromkeys(["heaviside", "leaky_relu", "elu", "gelu", "silu"], ANY),
    **dict.fromkeys(["log", "log2", "log10", "sqrt"], POSITIVE),
    **dict.fromkeys(["asin", "acos", "atanh", "log1p"], UNIT),
    "acosh": ABOVE,
}
PAIRS = [(0.7, -1.9), (2.5, 0.3), (-1.2, -3.1)]
LISTS = [[0.5, -1.5, 2.0], [1.2, 0.1, -0.4, 3.0], [0.9]]


def calls() -> Iterator[tuple[str, Callable[..., Any], tuple[float, ...]]]:
    """Name, function of numbers, and arguments."""
    for name, points in UNARY.items():
        for x in points:
            yield name, getattr(ag, name, None) or getattr(ops, name), (x,)
    for name in ("add", "sub", "mul", "div", "minimum", "maximum", "atan2", "hypot"):
        for pair in PAIRS:
            yield name, getattr(ops, name), pair
    for a, b in [(0.7, -1.9), (2.5, 0.3), (1.4, 3.0)]:
        yield "pow", ops.pow, (a, b)
        yield "pow", lambda a: ops.pow(a, 3.0), (-a,)
    for f in (ag.sum, ag.prod, ag.norm, ag.logsumexp, ag.mean):
        for xs in LISTS:
            yield f.__name__, lambda *xs, f=f: f(xs), tuple(xs)
    for f in (ag.softmax, ag.log_softmax):
        for xs in LISTS[:2]:
            yield f.__name__, lambda *xs, f=f: f(xs)[1], tuple(xs)
    yield "dot", lambda a, b, c, x, y: ag.dot([a, b, 2.0], [x, y, c], a), (0.3, -1.1, 2.0, 0.7, 1.9)
    yield "where", lambda a, b, c: ops.where(a, b, c), (1.0, 2.0, 3.0)
    yield "where", lambda a, b, c: ops.where(a > 2, b, c), (1.0, 2.0, 3.0)
    yield "clip", lambda x: ag.clip(x, -1.0, 1.0), (0.5,)
    yield "clip", lambda x: ag.clip(x, -1.0, 1.0), (1.5,)
    for op in (ops.mod, ops.fmod, ops.remainder):  # away from their jumps
        yield op.name, op, (5.3, 2.2)
    yield "heaviside", lambda x, y: ops.heaviside(x, y), (0.3, 0.7)


def other_calls(known: set[str]) -> Iterator[tuple[str, Callable[..., Any], tuple[float, ...]]]:
    """A call of each primitive that has none above, at a point of its domain."""
    for op in PRIMITIVES:
        if op.name not in known:
            args = draw_point(op, random.Random(0))
            yield op.name, lambda *xs, op=op, args=args: call(op, args, xs), tuple(flatten(args))


CALLS = list(calls())
CALLS += other_calls({name for name, _, _ in CALLS})


@pytest.mark.parametrize("name", sorted({name for name, _, _ in CALLS}))
def test_primitives_and_compositions_to_second_order(name: str) -> None:
    for _, f, args in [each for each in CALLS if each[0] == name]:
        check_gradients(lambda *xs, f=f: f(*xs) * 1.5 + xs[0] * xs[-1], *args, order=2)


@pytest.mark.parametrize(
    "name", ["mul", "div", "pow", "exp", "log", "sqrt", "tanh", "atan2", "sigmoid", "logsumexp", "prod"]
)
def test_a_sample_to_third_order(name: str) -> None:
    _, f, args = next(call for call in CALLS if call[0] == name)
    check_gradients(f, *args, order=3)


# Mistakes in rules

# Each makes of a partial, a function of (out, *args), a wrong one.
Rule = Callable[..., Any]


def _each(change: Callable[[Any, int, int], Any], rule: Rule) -> Rule:
    """The rule with each derivative changed, given also its position and how many there are."""

    def changed(*args: Any) -> Any:
        d = rule(*args)
        d = 0.0 if d is NOT_TAKEN else d
        return [change(x, k, len(d)) for k, x in enumerate(d)] if isinstance(d, (list, tuple)) else change(d, 0, 1)

    return changed


PLANTS: dict[str, Callable[[Rule], Rule]] = {
    "sign": lambda rule: _each(lambda d, k, n: -d, rule),
    "factor": lambda rule: _each(lambda d, k, n: d * (1 + 1e-4), rule),
    "dropped": lambda rule: _each(lambda d, k, n: 0.0 * d if k == n - 1 else d, rule),
    "swapped": lambda rule: lambda out, *args: _each(lambda d, k, n: d, rule)(out, *args[::-1]),
    "value for derivative": lambda rule: lambda out, *args: _each(lambda d, k, n: d + 1e-3 * out, rule)(out, *args),
}


def planted() -> Iterator[tuple[str, Primitive, int, Rule, Callable[..., Any], tuple[float, ...]]]:
    """Every planted mistake in every rule, at every call of its primitive."""
    by_name = {p.name: p for p in PRIMITIVES}
    for name, f, args in CALLS:
        op = by_name.get(name)
        for i, rule in enumerate(op.partials if op else ()):
            for what, plant in PLANTS.items():
                if rule is not None and (what != "swapped" or op.arity == 2):
                    yield what, op, i, plant(rule), f, args


def slopes(f: Callable[..., Any], args: tuple[float, ...]) -> list[float]:
    """The gradient, by the rules alone."""
    xs = [ag.Value(x) for x in args]
    result = f(*xs)
    found = result.backward(create_graph=True)
    return [found[x].data if x in found else 0.0 for x in xs]


def test_planted_mistakes_are_caught_and_the_primitive_named(monkeypatch: pytest.MonkeyPatch) -> None:
    plants, missed = 0, []
    for what, op, i, wrong, f, args in planted():
        outer = ag.exp if op is ops.sin else ag.sin
        right = slopes(f, args)
        partials = (*op.partials[:i], wrong, *op.partials[i + 1 :])
        with monkeypatch.context() as patch:
            patch.setattr(op, "partials", partials)
            if np.allclose(slopes(f, args), right, rtol=5e-5, atol=0):
                continue  # the same derivatives, here
            plants += 1
            with pytest.raises(GradientError) as caught:  # noqa: PT012
                check_gradients(lambda *xs, f=f, outer=outer: outer(f(*xs)), *args)
                raise GradientError("missed")
        if f"at fault is {op}: " not in str(caught.value):
            missed.append((what, op, i, args))
    assert plants > 600
    assert len(missed) <= plants / 100, missed


def test_a_rule_that_forgets_what_it_depends_on_is_caught_at_second_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """The numbers of such rules are right; but made of floats, they are constants to the next derivative."""
    for op, x in ((ops.exp, 0.7), (ops.log, 0.7), (ops.sin, 0.7), (ops.sqrt, 0.7), (ops.erf, 0.7), (ops.sigmoid, 0.7)):
        (rule,) = op.partials
        with monkeypatch.context() as patch:
            patch.setattr(op, "partials", (lambda out, x, rule=rule: float(rule(out, x)),))
            check_gradients(op, x)
            with pytest.raises(GradientError, match=f"at fault is {op}: the numbers of its rule are right, but"):
                check_gradients(lambda x, op=op: op(x) * x, x, order=2)


def test_a_rule_of_the_rule_is_found_at_second_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ops.cos, "partials", (lambda out, x: ops.sin(x),))
    check_gradients(ag.sin, 1.0)
    with pytest.raises(GradientError, match=r"at fault is cos: its rule with respect to x gives 0.84147"):
        check_gradients(ag.sin, 1.0, order=2)


# Scales


def scale_cases() -> Iterator[tuple[Callable[..., Any], float]]:
    for k in range(-12, 13, 3):
        scale = 10.0**k
        yield lambda x: ag.log(x) * x, scale
        yield lambda x: ag.sqrt(x) + 1 / x, scale
        yield lambda x, s=scale: ag.sin(x / s) * s, scale
        yield lambda x, s=scale: ag.exp(x / s) / s, -scale
        yield lambda x, s=scale: 1e15 * ag.cos(x / s), scale
        yield lambda x, s=scale: (x / s + 1e6) ** 2 - 1e12, scale
        yield lambda x, s=scale: 1e15 + 1e8 * ag.tanh(x / s), scale
        yield lambda x, s=scale: ag.log1p(x / s) - ag.log(1 + x / s + 1e-3), scale
    for x in (1e-12, -1e-12, 0.0, 1e-6):
        yield lambda x: ag.sin(x + 1) * 1e3, x
        yield lambda x: ag.exp(1e5 * x) + x, x


def test_at_every_scale_the_right_gradient_passes_and_a_mistake_of_1e4_does_not() -> None:
    for f, x in scale_cases():
        check_gradients(f, x)
        (slope,) = slopes(f, (x,))
        for factor in (1 + 1e-4, 1 - 1e-4):
            with pytest.raises(GradientError, match="is wrong"):
                check_gradients(f, x, gradient=lambda x, d=slope * factor: d)


def test_ill_conditioned_but_right_gradients_pass() -> None:
    def variance(x: Any) -> Any:  # by the formula that cancels
        return ag.mean([a * a for a in x]) - ag.mean(x) ** 2

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GradientWarning)
        for offset in (0.0, 1e3, 1e6, 1e8):
            check_gradients(variance, [offset + 1.0, offset + 2.5, offset - 0.7])
        hilbert = np.array([[1 / (i + j + 1) for i in range(8)] for j in range(8)])
        x = np.linalg.solve(hilbert, np.ones(8))  # of size 1e5, with a gradient that cancels to 0
        check_gradients(lambda x: x @ hilbert @ x - 2 * np.sum(x), x)


# Random graphs


def test_200_random_graphs_against_the_oracle_and_without_a_false_alarm() -> None:
    fuzz = Path(__file__).parents[1] / "support" / "fuzz.py"
    run = subprocess.run([sys.executable, fuzz, "--graphs", "200"], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert re.search(r"200 graphs of \d+ operations: 0 wrong gradients, 0 false alarms", run.stdout)
