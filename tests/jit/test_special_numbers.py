"""Every primitive at infinities, nan, zeros of both signs, tiny and huge numbers: compiled as eager, derivatives too.

No list here names a primitive, but for what is known to differ.
"""

import itertools
import math
import random
from typing import Any

import numpy as np
import pytest
from registry import LENGTH, PRIMITIVES, call

import autograd as ag
from autograd import Primitive, Value, ops

HUGE = 1.7976931348623157e308
SPECIAL = [
    math.inf,
    -math.inf,
    math.nan,
    0.0,
    -0.0,
    5e-324,
    -5e-324,
    2.2e-308,
    -1e-310,
    HUGE,
    -HUGE,
    1.0,
    -1.0,
    0.5,
    -2.0,
]


def special_rows(op: Primitive) -> list[list[float]]:
    """All special numbers for one argument, all pairs for two, and equal ones and random choices for more."""
    if op.scalar and op.arity <= 2:
        return [list(row) for row in itertools.product(SPECIAL, repeat=op.arity)]
    rng = random.Random(op.name)
    count = sum(LENGTH if many else 1 for many in op.takes_sequence)
    return [[x] * count for x in SPECIAL] + [[rng.choice(SPECIAL) for _ in range(count)] for _ in range(1000)]


def agree(x: float, wanted: float, allowed: float) -> bool:
    if math.isfinite(x) and math.isfinite(wanted):
        return abs(x - wanted) <= allowed
    return x == wanted or (math.isnan(x) and math.isnan(wanted))


@pytest.mark.parametrize("op", PRIMITIVES, ids=str)
def test_it_is_compiled_as_the_engine_computes_it(op: Primitive) -> None:
    rows = special_rows(op)
    args: list[Any] = [[0.0] * LENGTH if many else 0.0 for many in op.takes_sequence]
    program = ag.jit(lambda xs: call(op, args, list(xs)), in_axes=0)
    values, slopes = program.value_and_grad(np.array(rows))
    for row, value, slope in zip(rows, values.tolist(), slopes.tolist()):
        xs = [Value(x) for x in row]
        wanted = call(op, args, xs)
        wanted.backward()
        allowed = 4 * math.ulp(wanted.data)
        if op is ops.dot:  # with a bias, it adds up in order; the engine rounds once
            *factors, bias = row
            terms = [w * x for w, x in zip(factors[:LENGTH], factors[LENGTH:])] + [bias]
            allowed = len(terms) * math.ulp(sum(map(abs, terms)))
        assert agree(value, wanted.data, allowed), (row, value, wanted.data)
        if value == 0.0 and op is not ops.dot:
            assert math.copysign(1.0, value) == math.copysign(1.0, wanted.data), row
        for x, d in zip(xs, slope):
            assert agree(d, x.grad, 4 * math.ulp(x.grad)), (row, slope, [x.grad for x in xs])
