"""Dropout: what it drops, by which numbers, in training alone; its random state; and that nothing freezes a mask."""

import copy
from typing import Any

import numpy as np
import pytest

import autograd as ag
import nn
from autograd import Value
from autograd.jit import TracingError


def test_it_drops_where_the_random_number_is_below_p_and_scales_the_rest() -> None:
    p, seed, x = 0.3, 5, np.arange(1.0, 11.0)
    mask = np.random.default_rng(seed).random(20) >= p
    dropout = nn.Dropout(p, seed=seed)
    np.testing.assert_allclose(dropout(x), x * mask[:10] / (1 - p), rtol=1e-15)
    np.testing.assert_allclose(dropout(x), x * mask[10:] / (1 - p), rtol=1e-15)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_the_mean_stays(p: float) -> None:
    kept = np.array(nn.Dropout(p, seed=0)(np.ones(100_000)))
    assert kept.mean() == pytest.approx(1.0, abs=5 * np.sqrt(p / (1 - p) / 100_000))
    assert (kept == 0).mean() == pytest.approx(p, abs=5 * np.sqrt(p * (1 - p) / 100_000))


def test_all_or_nothing() -> None:
    assert nn.Dropout(0.0, seed=0)([1.0, 2.0]) == [1.0, 2.0]
    assert nn.Dropout(1.0, seed=0)([1.0, 2.0]) == [0.0, 0.0]


def test_gradients_pass_where_numbers_do() -> None:
    xs = [Value(1.0) for _ in range(50)]
    outputs = nn.Dropout(0.5, seed=1)(xs)
    ag.sum(outputs).backward()
    assert [x.grad for x in xs] == [y.data for y in outputs]
    assert {x.grad for x in xs} == {0.0, 2.0}


def test_in_evaluation_it_is_the_identity_and_takes_no_random_numbers() -> None:
    dropout = nn.Dropout(0.5, seed=0).eval()
    before = dropout.rng.bit_generator.state
    x = Value(2.0)
    assert dropout([x, 1.0]) == [x, 1.0]
    assert dropout(x) is x, "one number goes in and comes out as it is"
    assert dropout.rng.bit_generator.state == before


def test_seeds() -> None:
    def drawn(seed: Any) -> Any:
        return nn.Dropout(0.5, seed=seed)(np.ones(64))

    assert drawn(1) == drawn(1) != drawn(2)
    assert drawn(None) != drawn(None)
    assert drawn(np.random.default_rng(1)) == drawn(np.random.default_rng(1))
    shared = np.random.default_rng(1)
    first, second = nn.Dropout(seed=shared), nn.Dropout(seed=shared)
    assert first(np.ones(64)) != second(np.ones(64))
    assert first.rng is not second.rng is not shared, "each draws from its own"


def test_the_random_state_is_found_kept_and_set() -> None:
    model = nn.MLP(4, [8, 8, 1], dropout=0.5, seed=0)
    found = [m.rng for m in model.modules() if isinstance(getattr(m, "rng", None), np.random.Generator)]
    assert len(found) == 2
    states = copy.deepcopy([rng.bit_generator.state for rng in found])
    first = [model(np.ones(4)).data for _ in range(3)]
    assert len(set(first)) > 1
    for rng, state in zip(found, states):
        rng.bit_generator.state = state
    assert [model(np.ones(4)).data for _ in range(3)] == first


def test_jit_refuses_to_freeze_a_mask() -> None:
    model = nn.MLP(2, [4, 1], dropout=0.5, seed=0)
    program = ag.jit(model, in_axes=0)
    X = np.ones((3, 2))
    with pytest.raises(TracingError, match=r"test_dropout.*Dropout\(0\.5\) in training.*compile_step.*model\.eval"):
        program(X)
    closed_over = ag.jit(lambda: nn.mse([model(x) for x in X], [0.0, 1.0, 2.0]))
    with pytest.raises(TracingError, match=r"cannot be compiled by ag\.jit"):
        closed_over()  # where no number that is dropped is a traced one
    model.eval()
    wanted = [model(x).data for x in X]
    np.testing.assert_allclose(program(X), wanted, rtol=1e-14)
    assert closed_over() == pytest.approx(np.mean((np.array(wanted) - [0, 1, 2]) ** 2), rel=1e-14)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.Dropout(1.5), ValueError, "p must be a number from 0 to 1, got 1.5"),
        (lambda: nn.Dropout(float("nan")), ValueError, "p must be a number from 0 to 1, got nan"),
        (lambda: nn.Dropout("half"), TypeError, "p must be a number from 0 to 1, got 'half'"),
        (lambda: nn.Dropout(seed=-1), ValueError, "seed must be an int of 0 or more"),
        (lambda: nn.Dropout()(np.ones((2, 2))), ValueError, r"Dropout\(0\.5\): the input must be one example"),
    ],
)
def test_bad_input_is_named(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()
