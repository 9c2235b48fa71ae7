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
    """All special numbers for one argument, all pairs for two, and random choices for more."""
    if op.scalar and op.arity <= 2:
        return [list(row) for row in itertools.product(SPECIAL, repeat=op.arity)]
    rng = random.Random(op.name)
    count = sum(LENGTH if many else 1 for many in op.takes_sequence)
    return [[rng.choice(SPECIAL) for _ in range(count)] for _ in range(200)]


def is_left_out(op: Primitive, row: list[float]) -> bool:
    """Where compiled code is known to differ."""
    if op is ops.dot:  # it fuses a product into a sum, so that a product above the largest float need not be infinite
        return any(abs(w * x) == math.inf and math.inf not in (abs(w), abs(x)) for w, x in zip(row, row[LENGTH:]))
    return op is ops.pow and row[1] == 0.0 and 0.0 < abs(row[0]) < 2.3e-308  # its derivative by y, by log


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
        if is_left_out(op, row):
            continue
        xs = [Value(x) for x in row]
        wanted = call(op, args, xs)
        wanted.backward()
        terms = [abs(x) for x in row if math.isfinite(x)]
        # Compiled sums add in order; the engine rounds the exact sum once.
        size = max([abs(wanted.data), *terms]) if any(op.takes_sequence) else abs(wanted.data)
        assert agree(value, wanted.data, 4 * math.ulp(size)), (row, value, wanted.data)
        if value == 0.0 and not any(op.takes_sequence):
            assert math.copysign(1.0, value) == math.copysign(1.0, wanted.data), row
        for x, d in zip(xs, slope):
            assert agree(d, x.grad, 64 * math.ulp(x.grad)), (row, slope, [x.grad for x in xs])
