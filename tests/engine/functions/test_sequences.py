"""interp, cumsum, var, std, and clip with Values as bounds."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import autograd as ag
from autograd import Value

NUMBERS = st.floats(-10, 10).map(lambda x: round(x, 3))


@settings(max_examples=60)
@given(st.lists(NUMBERS, min_size=1, max_size=6, unique=True).map(sorted), st.data())
def test_interp_is_numpys(xp: list[float], data: Any) -> None:
    fp = [data.draw(NUMBERS) for _ in xp]
    xs = [*[data.draw(NUMBERS) for _ in range(4)], *xp, -11.0, 11.0, math.inf]
    assert ag.interp(xs, xp, fp) == pytest.approx(np.interp(xs, xp, fp).tolist(), abs=1e-12)
    assert ag.interp(np.array(xs), xp, fp, -5.0, 7.0).tolist() == pytest.approx(
        np.interp(xs, xp, fp, -5.0, 7.0).tolist(), abs=1e-12
    )
    program = ag.jit(lambda x, fp: ag.interp(x, xp, list(fp)))
    assert [program(x, np.array(fp)) for x in xs] == pytest.approx(np.interp(xs, xp, fp).tolist(), abs=1e-12)


def test_interp_has_the_derivative_of_the_line_to_the_right() -> None:
    xp, fp = [0.0, 1.0, 3.0], [5.0, 7.0, 3.0]
    for x, slope in ((-1.0, 0.0), (0.0, 2.0), (0.5, 2.0), (1.0, -2.0), (2.0, -2.0), (3.0, 0.0), (4.0, 0.0)):
        assert ag.grad(ag.interp)(x, xp, fp) == slope
        assert ag.jit(ag.grad(lambda x: ag.interp(x, xp, fp)))(x) == slope
    assert ag.grad(ag.interp, 2)(0.25, xp, fp) == [0.75, 0.25, 0.0]
    ag.check_gradients(lambda x, xp, fp: ag.interp(x, xp, fp) * x, 0.4, xp, fp, order=2)
    assert math.isnan(ag.interp(math.nan, xp, fp))
    for x in (-1.0, 3.0, 4.0):
        assert type(ag.interp(Value(x), [Value(p) for p in xp], [Value(p) for p in fp])) is Value


def test_interp_says_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="xp must increase"):
        ag.interp(1.0, [0.0, 2.0, 1.0], [0.0, 1.0, 2.0])
    with pytest.raises(ValueError, match="same length, got 2 and 1"):
        ag.interp(1.0, [0.0, 2.0], [0.0])
    with pytest.raises(ValueError, match="at least one number"):
        ag.interp(1.0, [], [])


@settings(max_examples=60)
@given(st.lists(NUMBERS, min_size=2, max_size=6))
def test_var_std_and_cumsum_are_numpys(xs: list[float]) -> None:
    for ddof in (0, 1):
        assert ag.var(xs, ddof) == pytest.approx(np.var(xs, ddof=ddof), rel=1e-12, abs=1e-28)
        assert ag.std(xs, ddof) == pytest.approx(np.std(xs, ddof=ddof), rel=1e-12, abs=1e-14)
    assert ag.cumsum(xs) == pytest.approx(np.cumsum(xs).tolist(), abs=1e-13)
    assert isinstance(ag.cumsum(np.array(xs)), np.ndarray)


def test_their_derivatives() -> None:
    xs = [1.0, 2.5, -3.0]
    for f in (ag.var, lambda xs: ag.var(xs, 1), ag.std, lambda xs: ag.std(xs, 1), lambda xs: ag.cumsum(xs)[1] ** 2):
        ag.check_gradients(f, xs, order=2)
        program = ag.jit(lambda x, f=f: f(list(x)))
        value, slopes = program.value_and_grad(np.array(xs))
        assert value == pytest.approx(f(xs), rel=1e-14)
        assert slopes.tolist() == pytest.approx(ag.grad(f)(xs), rel=1e-13, abs=1e-15)


def test_the_deviation_of_equal_numbers_is_0_and_so_are_its_derivatives() -> None:
    for xs in ([0.1, 0.1, 0.1], [1 / 3] * 7, [5.0]):
        assert ag.value_and_grad(ag.std)(xs) == (0.0, [0.0] * len(xs))
        assert ag.value_and_grad(ag.var)(xs) == (0.0, [0.0] * len(xs))
    with pytest.raises(ValueError, match="more numbers than ddof=1, got 1"):
        ag.std([1.0], 1)


def test_clip_takes_values_as_bounds() -> None:
    clip = ag.value_and_grad(ag.clip, argnums=(0, 1, 2))
    assert clip(0.5, 0.0, 1.0) == (0.5, (1.0, 0.0, 0.0))
    assert clip(-0.5, 0.0, 1.0) == (0.0, (0.0, 1.0, 0.0))
    assert clip(1.5, 0.0, 1.0) == (1.0, (0.0, 0.0, 1.0))
    with pytest.raises(ValueError, match=r"low must not be greater than high, got low=1\.0 and high=0\.0"):
        ag.clip(0.5, Value(1.0), Value(0.0))


def test_hardtanh_is_pytorchs() -> None:
    for x, value, slope in ((-2.0, -1.0, 0.0), (-1.0, -1.0, 0.0), (0.5, 0.5, 1.0), (1.0, 1.0, 0.0), (2.0, 1.0, 0.0)):
        assert ag.value_and_grad(ag.hardtanh)(x) == (value, slope)
    assert ag.hardtanh(5.0, 0.0, 3.0) == 3.0
