"""LayerNorm and BatchNorm against formulas in NumPy and finite differences; running statistics; train and eval."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.typing import NDArray

import autograd as ag
import nn
from autograd import Value
from autograd.jit import TracingError

RNG = np.random.default_rng(0)
X = RNG.normal(1.0, 3.0, (7, 3))
SEEDS = RNG.normal(size=(7, 3))


def numbers(rows: Any) -> NDArray[np.float64]:
    return np.array([[float(v) for v in row] for row in rows])


def shifted(norm: Any) -> Any:
    """With a weight and a bias that count."""
    for k, p in enumerate(norm.weight + norm.bias):
        p.data += 0.3 * k - 0.5
    return norm


def statistics(norm: nn.BatchNorm) -> NDArray[np.float64]:
    return np.array([norm.state_dict()["running_mean"], norm.state_dict()["running_var"]])


@pytest.mark.parametrize("eps", [1e-5, 0.5])
def test_layer_norm_is_the_formula(eps: float) -> None:
    norm = shifted(nn.LayerNorm(3, eps=eps))
    weight, bias = np.array([-0.5 + 1, -0.2 + 1, 0.1 + 1]), np.array([0.4, 0.7, 1.0])
    expected = (X - X.mean(1, keepdims=True)) / np.sqrt(X.var(1, keepdims=True) + eps) * weight + bias
    np.testing.assert_allclose(numbers([norm(x) for x in X]), expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(numbers(norm.batch(X)), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("eps", [1e-5, 0.5])
def test_batch_norm_in_training_is_the_formula_and_moves_its_statistics(eps: float) -> None:
    norm = shifted(nn.BatchNorm(3, eps=eps, momentum=0.3))
    weight, bias = np.array([0.5, 0.8, 1.1]), np.array([0.4, 0.7, 1.0])
    mean, var = np.zeros(3), np.ones(3)
    for batch in (X, X[:4] * 2 + 1, X[2:]):
        expected = (batch - batch.mean(0)) / np.sqrt(batch.var(0) + eps) * weight + bias
        np.testing.assert_allclose(numbers(norm.batch(batch)), expected, rtol=1e-12, atol=1e-14)
        mean = 0.7 * mean + 0.3 * batch.mean(0)
        var = 0.7 * var + 0.3 * batch.var(0, ddof=1)
        np.testing.assert_allclose(statistics(norm), [mean, var], rtol=1e-13)
    norm.eval()
    expected = (X - mean) / np.sqrt(var + eps) * weight + bias
    np.testing.assert_allclose(numbers([norm(x) for x in X]), expected, rtol=1e-12)
    np.testing.assert_allclose(numbers(norm.batch(X)), expected, rtol=1e-12)
    np.testing.assert_allclose(statistics(norm), [mean, var], rtol=1e-13, err_msg="use changes nothing")


def test_the_gradients_of_layer_norm() -> None:
    ag.check_gradients(
        lambda norm, xs: ag.sum([ag.dot(tuple(norm(x)), tuple(s)) for x, s in zip(xs, SEEDS.tolist())]),
        shifted(nn.LayerNorm(3)),
        X,
    )


@pytest.mark.parametrize("training", [True, False])
def test_the_gradients_of_batch_norm(training: bool) -> None:
    norm = shifted(nn.BatchNorm(3)).train(training)
    ag.check_gradients(
        lambda norm, xs: ag.sum([ag.dot(tuple(y), tuple(s)) for y, s in zip(norm.batch(list(xs)), SEEDS.tolist())]),
        norm,
        X,
    )


@given(st.floats(0.1, 1e3), st.floats(-1e3, 1e3))
def test_normalised_numbers_do_not_depend_on_scale_and_shift(scale: float, shift: float) -> None:
    for norm in (nn.LayerNorm(3, eps=1e-30), nn.BatchNorm(3, eps=1e-30)):
        np.testing.assert_allclose(numbers(norm.batch(scale * X + shift)), numbers(norm.batch(X)), rtol=0, atol=1e-8)


def test_one_number_goes_in_and_comes_out_as_a_value() -> None:
    assert nn.LayerNorm(1)(5.0).data == 0.0
    outputs = nn.BatchNorm(1).batch([1.0, Value(3.0)])
    assert [round(y.data, 4) for y in outputs] == [-1.0, 1.0]
    assert isinstance(nn.BatchNorm(1).eval()(5.0), Value)


def test_running_statistics_are_saved_and_not_trained() -> None:
    norm = nn.BatchNorm(3)
    assert [name for name, _ in norm.named_parameters()][::3] == ["weight.0", "bias.0"]
    assert len(norm.parameters()) == 6
    norm.batch(X)
    twin = nn.BatchNorm(3)
    twin.load_state_dict(norm.state_dict())
    assert list(norm.state_dict()) == ["weight", "bias", "running_mean", "running_var"]
    assert (statistics(twin) == statistics(norm)).all()
    assert (statistics(twin) != statistics(nn.BatchNorm(3))).all()


def test_a_compiled_program_reads_the_running_statistics_at_each_call() -> None:
    model = nn.MLP(3, [4, 1], norm="batch", seed=0)
    closed_over = ag.jit(model, in_axes=0)
    given_it = ag.jit(lambda model, x: model(x), in_axes=(None, 0))
    for shift in (0.0, 5.0):
        model.train()
        model.batch(X + shift)
        wanted = [float(model.eval()(x)) for x in X]
        np.testing.assert_allclose(closed_over(X), wanted, rtol=1e-13)
        np.testing.assert_allclose(given_it(model, X), wanted, rtol=1e-13)


def test_one_example_in_training_is_an_error() -> None:
    model = nn.MLP(3, [4, 1], norm="batch", seed=0)
    before = model.state_dict()
    with pytest.raises(RuntimeError, match=r"BatchNorm\(4\) in training needs the whole batch.*model\.batch.*eval\(\)"):
        model(X[0])
    with pytest.raises(RuntimeError, match=r"model\.batch"):
        ag.jit(model, in_axes=0)(X)
    with pytest.raises(
        ValueError, match=r"a batch must have at least two examples in training, got 1. Leave out a last batch"
    ):
        model.batch(X[:1])
    with pytest.raises(ValueError, match="at least two examples in training, got 0"):
        model.batch([])
    assert all((before[k] == x).all() for k, x in model.state_dict().items())


def test_a_module_of_your_own_says_what_it_lacks_and_works_with_it() -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            self.norm = nn.BatchNorm(3)

        def __call__(self, x: Any) -> Any:
            return ag.sum(self.norm(x))

    class Whole(Own):
        def batch(self, xs: Any) -> Any:
            return [ag.sum(y) for y in self.norm.batch(xs)]

    with pytest.raises(RuntimeError, match=r"a Module of your own must define batch\(self, xs\)"):
        Own().batch(list(X))
    expected = ((X - X.mean(0)) / np.sqrt(X.var(0) + 1e-5)).sum(1)
    np.testing.assert_allclose([y.data for y in Whole().batch(list(X))], expected, rtol=1e-12)


def test_training_is_not_compiled_by_jit() -> None:
    norm = nn.BatchNorm(3)
    with pytest.raises(TracingError, match=r"test_normalization.*Train with nn\.compile_step"):
        ag.jit(lambda xs: ag.sum(norm.batch(list(xs))[0]))(X)
    assert (statistics(norm) == statistics(nn.BatchNorm(3))).all()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.LayerNorm(0), ValueError, "n must be a whole number of 1 or more, got 0"),
        (lambda: nn.LayerNorm(2, eps=0.0), ValueError, "eps must be a finite number above 0, got 0"),
        (lambda: nn.BatchNorm(2, eps="x"), TypeError, "eps must be a finite number above 0, got 'x'"),
        (lambda: nn.BatchNorm(2, momentum=1.5), ValueError, "momentum must be a number from 0 to 1, got 1.5"),
        (lambda: nn.LayerNorm(2)([1.0]), ValueError, r"LayerNorm\(2\): the input must have 2 numbers, got 1"),
        (
            lambda: nn.BatchNorm(2).batch([[1.0, 2.0], [1.0]]),
            ValueError,
            r"BatchNorm\(2\): the input must have 2 numbers, got 1",
        ),
        (
            lambda: nn.LayerNorm(2)(np.zeros((5, 2))),
            ValueError,
            r"LayerNorm\(2\): the input must be one example.*\(5, 2\)",
        ),
    ],
)
def test_bad_input_is_named(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()
