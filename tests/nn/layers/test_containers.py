"""Sequential, Residual, Activation, Embedding, and the MLP with norm, residual and dropout: against NumPy."""

from typing import Any

import numpy as np
import pytest

import autograd as ag
import nn
from autograd import Value

X = np.random.default_rng(0).normal(size=(6, 3))


def arrays(layer: nn.Layer) -> tuple[Any, Any]:
    """The weights and biases of a layer."""
    state = layer.state_dict()
    return (
        np.array([state[f"neurons.{k}.w"] for k in range(layer.nout)]),
        np.array([state[f"neurons.{k}.b"] for k in range(layer.nout)]),
    )


def floats(rows: Any) -> Any:
    return np.array([[float(v) for v in row] for row in rows])


def test_sequential_is_its_layers_in_a_row() -> None:
    first, second = nn.Layer(3, 4, "tanh", seed=0), nn.Layer(4, 2, "linear", seed=1)
    model = nn.Sequential(first, second, ag.softmax)
    (w1, b1), (w2, b2) = arrays(first), arrays(second)
    logits = np.tanh(X @ w1.T + b1) @ w2.T + b2
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(floats([model(x) for x in X]), expected, rtol=1e-12)
    np.testing.assert_allclose(floats(model.batch(X)), expected, rtol=1e-12)
    assert len(model) == 3
    assert list(model) == [model[0], model[1], model[2]] == [first, second, ag.softmax]
    assert model[-1] is ag.softmax
    assert len(model.parameters()) == 4 * 4 + 2 * 5
    assert next(iter(model.state_dict())) == "layers.0.neurons.0.w"
    ag.check_gradients(lambda model, x: model(x)[0], model, X[0])


def test_an_empty_sequential_is_the_identity() -> None:
    assert nn.Sequential()(3.0) == 3.0
    assert nn.Sequential().batch([1.0, 2.0]) == [1.0, 2.0]


def test_residual_adds_what_it_skips() -> None:
    layer = nn.Layer(3, 3, "tanh", seed=0)
    w, b = arrays(layer)
    expected = X + np.tanh(X @ w.T + b)
    np.testing.assert_allclose(floats([nn.Residual(layer)(x) for x in X]), expected, rtol=1e-12)
    np.testing.assert_allclose(floats(nn.Residual(layer).batch(X)), expected, rtol=1e-12)
    ag.check_gradients(lambda model, x: ag.sum(model(x)), nn.Residual(layer), X[0])
    with pytest.raises(ValueError, match=r"Layer\(3 → 2, relu\) takes 3 and returns 2"):
        nn.Residual(nn.Layer(3, 2))(X[0])


def test_a_batch_passes_every_container_to_a_norm_inside() -> None:
    model = nn.Sequential(nn.Residual(nn.Sequential(nn.BatchNorm(3))), lambda xs: xs[:2])
    expected = (X + (X - X.mean(0)) / np.sqrt(X.var(0) + 1e-5))[:, :2]
    np.testing.assert_allclose(floats(model.batch(list(X))), expected, rtol=1e-12)


def test_a_subclass_with_its_own_call_does_not_inherit_a_batch_that_passes_it_by() -> None:
    class Doubled(nn.MLP):
        def __call__(self, x: Any) -> Any:
            return 2 * super().__call__(x)

    class Same(Doubled):
        pass

    plain, doubled = nn.MLP(3, [2, 1], seed=0), Same(3, [2, 1], seed=0)
    assert [y.data for y in doubled.batch(X)] == [2 * y.data for y in plain.batch(X)]


@pytest.mark.parametrize("norm", [None, "layer", "batch"])
@pytest.mark.parametrize("residual", [False, True])
def test_an_mlp_with_options_computes_what_it_says(norm: Any, residual: bool) -> None:
    """Weighted sum, norm, activation, dropout; and around a hidden layer that keeps the size its input."""
    p, seed = 0.25, 3
    model = nn.MLP(3, [3, 4, 1], "tanh", "sigmoid", norm=norm, residual=residual, dropout=p, seed=seed)
    rngs = [np.random.default_rng(0), np.random.default_rng(1)]
    dropouts = [m for m in model.modules() if isinstance(m, nn.Dropout)]
    layers = [m for m in model.modules() if isinstance(m, nn.Layer)]
    for dropout, rng in zip(dropouts, [np.random.default_rng(0), np.random.default_rng(1)], strict=True):
        dropout.rng = rng
    h = X
    for k, layer in enumerate(layers):
        w, b = arrays(layer)
        s = h @ w.T + b
        if k == 2:
            h = 1 / (1 + np.exp(-s))
            break
        if norm is not None:
            axis = 0 if norm == "batch" else 1
            s = (s - s.mean(axis, keepdims=True)) / np.sqrt(s.var(axis, keepdims=True) + 1e-5)
        out = np.tanh(s) * (rngs[k].random(s.shape) >= p) / (1 - p)
        h = h + out if residual and k == 0 else out
    np.testing.assert_allclose([float(y) for y in model.batch(X)], h[:, 0], rtol=1e-11)


def test_options_do_not_change_the_weights_of_a_seed() -> None:
    rng = np.random.default_rng(7)
    hidden = nn.init.kaiming_uniform(3, 3, rng), nn.init.kaiming_uniform(3, 4, rng)
    expected = [*hidden, nn.init.xavier_uniform(4, 2, rng)]
    for options in ({}, {"norm": "layer"}, {"norm": "batch", "residual": True, "dropout": 0.5}):
        model = nn.MLP(3, [3, 4, 2], seed=7, **options)
        for layer, weights in zip([m for m in model.modules() if isinstance(m, nn.Layer)], expected, strict=True):
            assert (arrays(layer)[0] == weights).all()


def test_embedding_gives_the_row_of_an_index() -> None:
    table = nn.Embedding(5, 2, seed=0)
    rows = np.random.default_rng(0).normal(size=(5, 2))
    np.testing.assert_array_equal([table.state_dict()[f"weight.{k}"] for k in range(5)], rows)
    for index in (3, np.int64(3), 3.0, Value(3.0), np.array(3)):
        assert floats([table(index)]).tolist() == [rows[3].tolist()]
    assert floats(table([1, 4])).tolist() == rows[[1, 4]].tolist()
    assert isinstance(nn.Embedding(5, 1)(2), Value)
    ag.sum(table(1)).backward()
    assert [p.grad for p in table.parameters()] == [0, 0, 1, 1, 0, 0, 0, 0, 0, 0]


def test_embedding_of_an_index_that_is_traced() -> None:
    table = nn.Embedding(5, 2, seed=0)
    rows = np.random.default_rng(0).normal(size=(5, 2))
    program = ag.jit(table, in_axes=0)
    found = program(np.array([4.0, 0.0, 4.0, 2.0]))
    np.testing.assert_array_equal(np.transpose(found), rows[[4, 0, 4, 2]])
    assert np.isnan(program(np.array([5.0, 0.5, -1.0]))).all()
    squares = ag.jit(lambda table, k: ag.sum([v * v for v in table(k)]), in_axes=(None, 0))
    _, slope = squares.value_and_grad(table, np.array([4.0, 0.0, 4.0]))
    expected = 2 * rows * np.array([1, 0, 0, 0, 2])[:, None]
    np.testing.assert_allclose([slope[name] for name, _ in table.named_parameters()], expected.ravel(), rtol=1e-15)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.Sequential([nn.Layer(1, 1)]), TypeError, "a layer must be a Module or a function"),
        (lambda: nn.Sequential(nn.Layer), TypeError, "a layer must be a Module or a function"),
        (lambda: nn.Residual(ag.relu), TypeError, "Residual: layer must be a Module"),
        (lambda: nn.Activation("rely"), ValueError, "activation must be .*, got 'rely'"),
        (
            lambda: nn.Activation("relu")([[1.0]]),
            ValueError,
            r"Activation\(relu\): the input must be one example of numbers",
        ),
        (lambda: nn.Embedding(5, 0), ValueError, "dim must be a whole number of 1 or more, got 0"),
        (lambda: nn.Embedding(5, 2)(5), ValueError, "a whole number from 0 to 4, got 5"),
        (lambda: nn.Embedding(5, 2)(-1), ValueError, "from 0 to 4, got -1"),
        (lambda: nn.Embedding(5, 2)(1.5), ValueError, "from 0 to 4, got 1.5"),
        (lambda: nn.Embedding(5, 2)("a"), TypeError, "the input must be the index of a row, got 'a'"),
        (
            lambda: nn.MLP(2, [1], norm="group"),
            ValueError,
            "norm must be 'layer', 'batch', None or a function of a size, got 'group'",
        ),
        (lambda: nn.MLP(2, [1], dropout=2), ValueError, "dropout must be a number from 0 to 1, got 2"),
    ],
)
def test_bad_input_is_named(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()
