"""Programs: structures, batches, composition with transforms, and Values from outside."""

import math
from typing import Any

import numpy as np
import pytest

import autograd as ag
import nn
from autograd.jit import jit

RNG = np.random.default_rng(0)


def test_plain_numbers() -> None:
    program = jit(lambda x, y: ag.exp(x) * y)
    assert program(1.0, 2) == pytest.approx(2 * math.e, rel=1e-15)
    assert program.value_and_grad(0.0, 2.0, argnums=(0, 1)) == (2.0, (2.0, 1.0))
    assert program.value_and_grad(0.0, 2.0, argnums=-1) == (2.0, 1.0)


def test_structures_come_back() -> None:
    def f(p: Any, x: Any) -> Any:
        return {"sum": p["w"] @ x + p["b"], "parts": [p["w"] * x, (p["b"], 3.0)]}

    p, x = {"w": np.array([1.0, 2.0]), "b": 0.5}, np.array([3.0, 4.0])
    result = jit(f)(p, x)
    assert result["sum"] == 11.5
    assert result["parts"][0].tolist() == [3.0, 8.0]
    assert result["parts"][1] == (0.5, 3.0)
    value, slope = jit(lambda p, x: f(p, x)["sum"]).value_and_grad(p, x)
    assert value == 11.5
    assert slope["w"].tolist() == [3.0, 4.0]
    assert slope["b"] == 1.0


def test_structures_in_a_batch() -> None:
    X = RNG.normal(size=(9, 2, 3))
    result = jit(lambda x: {"total": x.sum(), "twice": 2 * x, "constant": 1.0}, in_axes=0)(X)
    assert np.allclose(result["total"], X.sum(axis=(1, 2)), rtol=1e-14)
    assert np.array_equal(result["twice"], 2 * X)
    assert result["constant"].tolist() == [1.0] * 9


def test_batch_axes() -> None:
    W, X = RNG.normal(size=3), RNG.normal(size=(3, 10))
    program = jit(lambda w, x: ag.tanh(w @ x), in_axes=(None, 1))
    assert np.allclose(program(W, X), np.tanh(W @ X), rtol=1e-14)
    value, (by_w, by_x) = program.value_and_grad(W, X, argnums=(0, 1))
    slope = 1 - np.tanh(W @ X) ** 2
    assert np.allclose(by_w, X @ slope)
    assert np.allclose(by_x, W[:, None] * slope)
    assert value.shape == (10,)


def test_negative_batch_axes() -> None:
    W, X = RNG.normal(size=(2, 3)), RNG.normal(size=(2, 3, 10))
    program = jit(lambda w, x: (w * x).sum(), in_axes=(None, -1))
    value, (by_w, by_x) = program.value_and_grad(W, X, argnums=(0, 1))
    assert np.allclose(value, np.einsum("ij,ijk->k", W, X))
    assert np.allclose(by_w, X.sum(axis=-1))
    assert np.allclose(by_x, np.repeat(W[:, :, None], 10, axis=2))


def test_gradients_of_shared_arguments_are_sums_even_where_nothing_depends_on_the_batch() -> None:
    program = jit(lambda w, x: w * w + 0.0 * x, in_axes=(None, 0))
    for size in (1, 5, 8, 19):
        value, slope = program.value_and_grad(3.0, np.ones(size))
        assert slope == 6.0 * size
        assert value.tolist() == [9.0] * size


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.float64])
def test_other_dtypes_and_layouts(dtype: Any) -> None:
    X = (10 * RNG.normal(size=(20, 6))).astype(dtype)
    f = jit(lambda x: x[0] * x[1] + x[2], in_axes=0)
    for part in (X[:, :3], X[::2, ::2], np.asfortranarray(X)[:, 1:4], X[::-1, 2:5]):
        assert np.allclose(f(part), part[:, 0] * part[:, 1].astype(float) + part[:, 2], rtol=1e-15)


def test_an_empty_batch() -> None:
    program = jit(lambda w, x: w * x.sum(), in_axes=(None, 0))
    assert program(2.0, np.zeros((0, 3))).shape == (0,)
    value, (by_w, by_x) = program.value_and_grad(2.0, np.zeros((0, 3)), argnums=(0, 1))
    assert value.shape == (0,)
    assert by_w == 0.0
    assert by_x.shape == (0, 3)


def test_composition_with_transforms() -> None:
    def f(x: Any) -> Any:
        return ag.sin(x[0]) * x[1] ** 3

    x = np.array([0.3, 1.2])
    assert np.allclose(jit(ag.grad(f))(x), ag.grad(f)(x), rtol=1e-14)
    assert np.allclose(jit(ag.hessian(f))(x), ag.hessian(f)(x), rtol=1e-13)
    assert np.allclose(jit(lambda x: ag.hvp(f, (x,), (np.ones(2),)))(x), ag.hessian(f)(x) @ np.ones(2))
    X = RNG.normal(size=(12, 2))
    assert np.allclose(jit(ag.hessian(f), in_axes=0)(X), [ag.hessian(f)(row) for row in X], rtol=1e-12)


def test_gradients_for_each_example() -> None:
    def loss(w: Any, x: Any, y: Any) -> Any:
        return (w @ x - y) ** 2

    w, X, y = RNG.normal(size=3), RNG.normal(size=(11, 3)), RNG.normal(size=11)
    rows = jit(ag.grad(loss), in_axes=(None, 0, 0))(w, X, y)
    assert np.allclose(rows, 2 * (X @ w - y)[:, None] * X)


def test_a_program_inside_a_program_and_with_values() -> None:
    inner = jit(lambda x: x * x)
    assert jit(lambda x: inner(x) + 1)(3.0) == 10.0
    x = ag.Value(3.0)
    y = inner(x)
    y.backward()
    assert (y.data, x.grad) == (9.0, 6.0)
    assert ag.grad(inner)(3.0) == 6.0


# Values from outside


def test_closures_are_read_at_each_call() -> None:
    a, b = ag.Value(2.0), ag.Value(5.0)
    product = a * b  # computed before the trace, from leaves that may change
    program = jit(lambda x: product * x + ag.relu(a))
    assert program(3.0) == 32.0
    a.data = -1.0
    assert program(3.0) == -15.0
    assert program.value_and_grad(3.0) == (-15.0, -5.0)


def test_modules_as_arguments_and_closed_over() -> None:
    model = nn.MLP(3, [4, 2], "tanh", seed=0)
    x = RNG.normal(size=3)
    wanted = [v.data for v in model(x)]
    for program, args in ((jit(lambda m, x: m(x)), (model, x)), (jit(lambda x: model(x)), (x,))):
        assert np.allclose(program(*args), wanted, rtol=1e-14)
    value, slope = jit(lambda m, x: ag.sum(m(x))).value_and_grad(model, x)
    out = ag.sum(model(x))
    out.backward()
    assert list(slope) == [name for name, _ in model.named_parameters()]
    assert np.allclose(list(slope.values()), [p.grad for p in model.parameters()], rtol=1e-12)
    assert value == pytest.approx(out.data, rel=1e-14)
    by_name = jit(ag.grad(lambda m, x: ag.sum(m(x))))(model, x)
    assert np.allclose(list(by_name.values()), list(slope.values()), rtol=1e-14)
    model.layers[0].neurons[0].b.data = 7.0
    program = jit(lambda m, x: m(x))
    assert np.allclose(program(model, x), [v.data for v in model(x)], rtol=1e-14)


def test_two_modules_of_one_shape_are_two_programs() -> None:
    program = jit(lambda m, x: m(x))
    for activation in ("tanh", "relu"):
        model = nn.Neuron(1, activation, init="ones", seed=0)
        assert program(model, np.array([0.5])) == pytest.approx(model([0.5]).data, rel=1e-15)


@pytest.mark.parametrize("axis", [None, 0])
def test_arrays_that_do_more_than_arrays_are_refused_at_each_call(axis: Any) -> None:
    program = jit(lambda x: x * 2, in_axes=axis)
    program(np.ones(2))  # a plain array of the same shape leaves no code that would take them
    gaps = np.ma.array([1.0, 2.0], mask=[False, True])
    for call in (program, program.value_and_grad):
        with pytest.raises(TypeError, match="argument 0 must be a plain NumPy array, got a MaskedArray"):
            call(gaps)
    with pytest.raises(TypeError, match=r"argument 0\['a'\] must be a plain NumPy array, got a MaskedArray"):
        jit(lambda x: x["a"] * 2)({"a": gaps})


def test_arrays_in_files_are_taken(tmp_path: Any) -> None:
    x = np.memmap(tmp_path / "x", dtype=float, shape=(2,), mode="w+")
    x[:] = [1.0, 3.0]
    assert jit(lambda x: x * x, in_axes=0)(x).tolist() == [1.0, 9.0]
    assert ag.grad(lambda x: np.sum(x * x))(x).tolist() == [2.0, 6.0]
