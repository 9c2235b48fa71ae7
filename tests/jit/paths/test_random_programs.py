"""Random programs with control flow: each element of a batch gets what the eager engine computes for it."""

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from programs import control_flow

from autograd.jit import tuning


@pytest.mark.parametrize("threads", [1, 2])
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(rng=st.randoms(use_true_random=False))
def test_random_programs(rng: random.Random, threads: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("STRAIGHT_DECISIONS", "STRAIGHT_SHARED", "STRAIGHT_BATCHED"):  # tables compile faster
            patch.setattr(tuning, name, -1)
        if threads == 2:
            patch.setattr(tuning, "THREADS_PAY", -1)
            patch.setattr(tuning, "CHUNK", tuning.STRIP)
        control_flow.compare(rng, sizes=range(12))


def winding(x: Any, a: Any) -> Any:
    total, n = x[0] * a[0], 0
    while abs(total) > 0.4 and n < 2:
        total = total * 0.6 + (x[1] * 0.1 if x[2] > 0 else a[1] * x[2])
        n += 1
    for e in sorted(x[:2]):
        if e < total:
            continue
        return total + e * max(a[0], e)
    return total * total


def test_every_batch_size() -> None:
    control_flow.compare_sizes(winding, range(68))
