"""The documented derivatives at kinks, with a row for each row in the docstring of the package; and stability."""

import math
import re
from collections.abc import Callable
from math import inf, nan
from typing import Any

import pytest

import autograd as ag


def derivatives(function: Callable[..., Any], *args: float) -> tuple[float, ...]:
    leaves = [ag.Value(x) for x in args]
    (function(*leaves) * 1.0).backward()
    return tuple(leaf.grad for leaf in leaves)


# As in the docstring, function and place; for these, each point with the derivative with respect to each argument.
KINKS: dict[tuple[str, str], list[tuple[Callable[..., Any], tuple[float, ...], tuple[float, ...]]]] = {
    ("abs", "0"): [(ag.abs, (0.0,), (0.0,)), (abs, (0.0,), (0.0,)), (ag.abs, (-0.0,), (0.0,))],
    ("relu", "0"): [(ag.relu, (0.0,), (0.0,)), (ag.Value.relu, (0.0,), (0.0,)), (ag.relu, (-0.0,), (0.0,))],
    ("leaky_relu(x, slope)", "0"): [
        (ag.leaky_relu, (0.0,), (0.01,)),
        (lambda x: ag.leaky_relu(x, 0.25), (0.0,), (0.25,)),
        (lambda x: ag.leaky_relu(x, slope=0.25), (-0.0,), (0.25,)),
    ],
    ("elu(x, alpha)", "0"): [(ag.elu, (0.0,), (1.0,)), (lambda x: ag.elu(x, alpha=0.25), (0.0,), (0.25,))],
    ("maximum, minimum", "equal"): [
        (ag.maximum, (3.0, 3.0), (0.5, 0.5)),
        (ag.minimum, (3.0, 3.0), (0.5, 0.5)),
        (ag.maximum, (0.0, -0.0), (0.5, 0.5)),
        (lambda x: ag.maximum(x, 0.0), (0.0,), (0.5,)),
        (lambda x: ag.minimum(x, x), (2.0,), (1.0,)),
    ],
    ("clip(x, low, high)", "x = low, high"): [
        (lambda x: ag.clip(x, 0.0, 1.0), (0.0,), (1.0,)),
        (lambda x: ag.clip(x, 0.0, 1.0), (1.0,), (1.0,)),
        (ag.clip, (0.0, 0.0, 1.0), (1.0, 0.0, 0.0)),
        (ag.clip, (1.0, 0.0, 1.0), (1.0, 0.0, 0.0)),
        (ag.clip, (1.0, 1.0, 1.0), (1.0, 0.0, 0.0)),
    ],
    ("sign, heaviside", "anywhere"): [
        (ag.sign, (0.0,), (0.0,)),
        (ag.sign, (2.0,), (0.0,)),
        (ag.heaviside, (0.0,), (0.0,)),
        (ag.heaviside, (-2.0,), (0.0,)),
    ],
    ("where(c, a, b)", "any c"): [
        (ag.where, (1.0, 2.0, 3.0), (0.0, 1.0, 0.0)),
        (ag.where, (0.0, 2.0, 3.0), (0.0, 0.0, 1.0)),
        (lambda a, b: ag.where(a < b, a, b), (2.0, 3.0), (1.0, 0.0)),
    ],
    ("sqrt, cbrt", "0"): [(ag.sqrt, (0.0,), (inf,)), (ag.cbrt, (0.0,), (inf,)), (ag.cbrt, (-0.0,), (inf,))],
    ("norm, hypot", "the origin"): [
        (ag.hypot, (0.0, 0.0), (0.0, 0.0)),
        (lambda *xs: ag.norm(xs), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
        (lambda x: ag.norm([x]), (0.0,), (0.0,)),
    ],
    ("atan2", "the origin"): [(ag.atan2, (0.0, 0.0), (nan, nan))],
    ("pow(a, b) with respect to a", "b = 0"): [(lambda a: a**0, (a,), (0.0,)) for a in (0.0, 2.0, -2.0, inf, nan)]
    + [(lambda a: ag.pow(a, ag.Value(0.0)), (a,), (0.0,)) for a in (0.0, 2.0, -2.0, inf, nan)],
    ("pow(a, b) with respect to b", "a = 0, b >= 0"): [(lambda b: 0.0**b, (b,), (0.0,)) for b in (0.0, 0.5, 1.0, 2.0)],
    ("log", "0"): [(ag.log, (0.0,), (inf,)), (ag.log2, (0.0,), (inf,)), (ag.log10, (0.0,), (inf,))],
    ("asin, atanh", "±1"): [
        (ag.asin, (1.0,), (inf,)),
        (ag.asin, (-1.0,), (inf,)),
        (ag.atanh, (1.0,), (inf,)),
        (ag.atanh, (-1.0,), (inf,)),
    ],
    ("acos", "±1"): [(ag.acos, (1.0,), (-inf,)), (ag.acos, (-1.0,), (-inf,))],
    ("acosh", "1"): [(ag.acosh, (1.0,), (inf,))],
}


@pytest.mark.parametrize("row", KINKS, ids=" at ".join)
def test_the_choice_at_a_kink_is_the_documented_one(row: tuple[str, str]) -> None:
    for function, args, expected in KINKS[row]:
        found = derivatives(function, *args)
        assert found == pytest.approx(expected, rel=0, abs=0, nan_ok=True), f"{row[0]} at {args}"


def test_every_row_of_the_documented_table_is_tested() -> None:
    _, _, table, _ = re.split(r"^=+ +=+ +=+$", ag.__doc__ or "", flags=re.MULTILINE)
    documented = [tuple(re.split(r"  +", line)[:2]) for line in table.strip().splitlines()]
    assert documented == list(KINKS)


# Stability for large arguments


def test_sigmoid_and_softplus_are_stable() -> None:
    for x, sigmoid, slope, softplus in ((1000.0, 1.0, 0.0, 1000.0), (-1000.0, 0.0, 0.0, 0.0)):
        assert ag.sigmoid(x) == sigmoid
        assert derivatives(ag.sigmoid, x) == (slope,)
        assert ag.softplus(x) == softplus
        assert derivatives(ag.softplus, x) == (sigmoid,)
    assert ag.sigmoid(-700.0) == pytest.approx(math.exp(-700.0), rel=1e-15, abs=0)
    assert derivatives(ag.sigmoid, 700.0) == pytest.approx((math.exp(-700.0),), rel=1e-15, abs=0)
    assert ag.softplus(-700.0) == pytest.approx(math.exp(-700.0), rel=1e-15, abs=0)


def test_logsumexp_is_stable() -> None:
    assert ag.logsumexp([1000.0, 1000.0]) == pytest.approx(1000 + math.log(2), rel=1e-15, abs=0)
    assert ag.logsumexp([-1000.0, -1000.0]) == pytest.approx(-1000 + math.log(2), rel=1e-15, abs=0)
    assert ag.logsumexp([1000.0, -1000.0]) == 1000.0
    assert derivatives(lambda *xs: ag.logsumexp(xs), 1000.0, -1000.0) == (1.0, 0.0)
    assert derivatives(lambda *xs: ag.logsumexp(xs), -1000.0, -1000.0) == pytest.approx((0.5, 0.5), rel=1e-12)


def test_logsumexp_keeps_the_small_term_where_the_largest_is_zero() -> None:
    """log(1 + exp(-50)) is exp(-50) to 21 digits, not 0."""
    assert ag.logsumexp([0.0, -50.0]) == pytest.approx(math.exp(-50.0), rel=1e-15, abs=0)
    assert ag.log_softmax([0.0, -50.0])[0] == pytest.approx(-math.exp(-50.0), rel=1e-15, abs=0)


def test_softmax_is_stable() -> None:
    for shift in (1000.0, -1000.0, 0.0):
        assert ag.softmax([shift, shift]) == [0.5, 0.5]
        assert ag.softmax([shift, shift + math.log(3)]) == pytest.approx([0.25, 0.75], rel=1e-12)
    assert ag.softmax([1000.0, -1000.0]) == [1.0, 0.0]
    assert derivatives(lambda *xs: ag.softmax(xs)[0], 1000.0, 1000.0) == (0.25, -0.25)
    assert derivatives(lambda *xs: ag.softmax(xs)[0], 1000.0, -1000.0) == (0.0, 0.0)


def test_log_softmax_is_stable() -> None:
    assert ag.log_softmax([1000.0, -1000.0]) == [0.0, -2000.0]
    assert ag.log_softmax([-1000.0, -1000.0]) == pytest.approx([-math.log(2)] * 2, rel=1e-15, abs=0)
    assert derivatives(lambda *xs: ag.log_softmax(xs)[1], 1000.0, -1000.0) == (-1.0, 1.0)
    assert derivatives(lambda *xs: ag.log_softmax(xs)[0], -1000.0, -1000.0) == (0.5, -0.5)


def test_gelu_silu_and_elu_are_stable() -> None:
    for x in (1000.0, 1e308, inf):
        assert ag.gelu(x) == ag.silu(x) == ag.elu(x) == x
        assert derivatives(ag.elu, x) == (1.0,)
    assert ag.gelu(-1000.0) == ag.silu(-1000.0) == 0.0
    assert ag.elu(-1000.0) == ag.elu(-inf) == -1.0
    for function in (ag.gelu, ag.silu):
        assert derivatives(function, 1000.0) == (1.0,)
        assert derivatives(function, -1000.0) == (0.0,)
    assert derivatives(ag.elu, -1000.0) == (0.0,)
