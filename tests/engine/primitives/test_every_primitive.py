"""Every primitive is public, differentiable, drawn, stepped through and compiled. No list here names any.

The points come from the domain that a primitive declares: some are fixed, others differ from run to run. The oracle
is finite differences with an estimate of their error. The tables of the other files are stricter, but incomplete.
"""

import math
import random
import warnings
from typing import Any

import numpy as np
import pytest
from registry import PRIMITIVES, SPECIAL, call, draw_point, flatten

import autograd as ag
from autograd import Primitive, Value

SEEDS = [0, 1, 2, random.SystemRandom().randrange(3, 2**31)]
PRIMITIVES = PRIMITIVES + SPECIAL
COMPILED = ("norm_cdf", "norm_pdf", "j0")  # of the special functions those whose derivatives are no loops
KINKS = 1e-3  # the least distance between two arguments, and between an argument and 0


def points(op: Primitive) -> list[list[Any]]:
    found = []
    for seed in SEEDS:
        rng = random.Random(f"{op.name} {seed}")
        args = draw_point(op, rng)
        while any(abs(a - b) < KINKS for k, a in enumerate([0.0, *flatten(args)]) for b in flatten(args)[k:]):
            args = draw_point(op, rng)
        found.append(args)
    return found


@pytest.mark.parametrize("op", PRIMITIVES, ids=str)
def test_it_is_public_and_takes_floats_and_values(op: Primitive) -> None:
    assert getattr(ag, op.name) is op or op in (ag.ops.dot, ag.ops.softplus)  # which have further forms
    assert op.__doc__
    for args in points(op):
        out = call(op, args, [Value(x) for x in flatten(args)])
        assert type(out) is Value
        assert math.isfinite(out.data)
        assert call(op, args, flatten(args)) == out.data


@pytest.mark.parametrize("op", PRIMITIVES, ids=str)
def test_its_first_and_second_derivatives_are_those_of_finite_differences(op: Primitive) -> None:
    for args in points(op):
        with warnings.catch_warnings():
            if op in (ag.mod, ag.fmod, ag.remainder):  # a jump may be too near to tell, but not to call it wrong
                warnings.filterwarnings("ignore", category=ag.testing.GradientWarning)
            # The factor and the added product keep second derivatives from being trivially right.
            ag.check_gradients(lambda *x, args=args: call(op, args, x) * 1.5 + x[0] * x[-1], *flatten(args), order=2)


@pytest.mark.parametrize("op", PRIMITIVES, ids=str)
def test_it_is_drawn_and_stepped_through(op: Primitive) -> None:
    (args, *_) = points(op)
    out = call(op, args, [Value(x) for x in flatten(args)])
    assert op.symbol in ag.draw(out, expand=False).source
    page = ag.step_through(out)
    assert len(page.steps) >= 2
    assert "<html" in page.html()


@pytest.mark.parametrize("op", PRIMITIVES, ids=str)
def test_it_is_compiled_with_its_derivatives(op: Primitive) -> None:
    """An instruction to 4 ulp, a special function to 20; a formula, each of whose nodes is within 4, to 1e-13.

    Of a formula 1e-13 of the largest number in it.
    """
    rows = np.array([flatten(args) for args in points(op)])
    args = points(op)[0]
    program = ag.jit(lambda xs: call(op, args, list(xs)), in_axes=0)
    if op in SPECIAL and op.native is None:  # a loop, which is refused with the name of the function
        with pytest.raises(ag.TracingError, match=f"the primitive {op} cannot be compiled"):
            program(rows)
        return
    if op in SPECIAL and op.name not in COMPILED:  # its derivative is a loop
        with pytest.raises(ag.TracingError, match="cannot be compiled"):
            program.value_and_grad(rows)
        values, slopes = program(rows), [None] * len(rows)
    else:
        values, slopes = program.value_and_grad(rows)
    for row, value, slope in zip(rows, values, slopes):
        wanted, derivatives = ag.value_and_grad(lambda xs: call(op, args, list(xs)))(row)
        size = max(1.0, *map(abs, row.tolist()), abs(wanted))
        allowed = 1e-13 * size if callable(op.native) or any(op.takes_sequence) else 4 * math.ulp(wanted)
        if op in SPECIAL:  # the C library's; the zeros of j0 are not as near as its size tells
            allowed = max(allowed, 20 * math.ulp(max(abs(wanted), 0.5)))
        assert abs(value - wanted) <= allowed
        assert slope is None or slope == pytest.approx(derivatives, rel=1e-12, abs=1e-13)
