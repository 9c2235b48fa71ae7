"""Modules that keep parameters in dataclasses and in registered containers: they are trained, saved and drawn."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd as ag
import nn
from autograd import Value


class Curve:
    """a x ** power + b, with Values that are kept in a list and an array of numbers."""

    def __init__(self, a: float, b: float, shift: Any, power: int) -> None:
        self.a, self.b, self.shift, self.power = Value(a), Value(b), np.array(shift), power

    def __call__(self, x: Any) -> Any:
        return self.a * (x - self.shift[0]) ** self.power + self.b


@dataclasses.dataclass
class Pair:
    first: Any
    second: Any
    other: Any = None


def join(power: int, children: Any) -> Curve:
    curve = Curve(0.0, 0.0, children[1], power)
    curve.a, curve.b = children[0]
    return curve


ag.register_container(Curve, lambda c: ([[c.a, c.b], c.shift], c.power), join)  # a list that is new at each call


class Model(nn.Module):
    def __init__(self, power: int = 2) -> None:
        self.curve = Curve(1.0, 0.5, [0.25], power)
        self.pair = Pair(Value(1.0), nn.Neuron(1, "linear", init="ones"))
        self.table = {"more": [Curve(0.5, 0.0, [0.0], 1)]}

    def __call__(self, x: Any) -> Any:
        inside = self.curve(x[0]) + self.table["more"][0](x[0])
        return self.pair.first * inside + self.pair.second(x)


X = np.linspace(-1.0, 1.0, 16)[:, None]
Y = 2 * X[:, 0] ** 2 - X[:, 0] + 0.5


def test_parameters_are_found_and_named() -> None:
    assert [name for name, _ in Model().named_parameters()] == [
        *("curve.0.0", "curve.0.1", "pair.first", "pair.second.w.0", "pair.second.b"),
        *("table.more.0.0.0", "table.more.0.0.1"),
    ]
    assert [name for name, _ in Model().named_modules()] == ["", "pair.second"]
    assert "pair.second: Neuron" in repr(Model())


@pytest.mark.parametrize("compiled", [True, False])
def test_they_are_trained(compiled: bool) -> None:
    model = Model()
    before = [p.data for p in model.parameters()]
    history = nn.fit(
        model, X, Y, nn.mse, nn.Adam(model.parameters(), lr=0.05), 60, seed=0, progress=False, compiled=compiled
    )
    assert history.loss[-1] < history.loss[0] / 50
    assert all(a != p.data for a, p in zip(before, model.parameters()))
    assert np.allclose(nn.predict(model, X), [float(model(x)) for x in X.tolist()], rtol=1e-12)


def test_they_are_saved_and_loaded(tmp_path: Path) -> None:
    model, other = Model(), Model()
    for k, p in enumerate(model.parameters()):
        p.data = float(k)
    model.curve.shift[0] = 7.0
    nn.save(model, tmp_path / "weights.safetensors")
    nn.load(other, tmp_path / "weights.safetensors")
    assert [p.data for p in other.parameters()] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    assert other.curve.shift[0] == 7.0


def test_compiled_code_follows_what_is_not_a_number() -> None:
    model = Model()
    for power in (2, 3, 1, 2):
        model.curve.power = power
        assert np.allclose(nn.predict(model, X), [float(model(x)) for x in X.tolist()], rtol=1e-12)


def test_a_run_with_another_constant_is_not_resumed(tmp_path: Path) -> None:
    def run(power: int) -> None:
        model = Model(power)
        optimizer = nn.SGD(model.parameters(), lr=0.01)
        nn.fit(model, X, Y, nn.mse, optimizer, 1, seed=0, checkpoint=tmp_path / "run", resume=True, progress=False)

    run(2)
    with pytest.raises(ValueError, match=r"curve.*2.*3"):
        run(3)


def test_gradients_of_a_model_and_drawings_have_them() -> None:
    model = Model()
    slopes = ag.grad(lambda m: m([0.5]))(model)
    assert slopes["curve.0.0"] == 0.25**2
    assert slopes["pair.first"] == float(model.curve(0.5) + model.table["more"][0](0.5))
    source = ag.draw(model([0.5]), model=model).source
    assert "curve.0.0" in source
    assert "pair.first" in source


def test_a_container_that_makes_new_values_each_time_is_refused() -> None:
    class Copying(Pair):
        pass

    ag.register_container(Copying, lambda c: ((Value(c.first), c.second), None), lambda _, xs: Copying(*xs))
    model = nn.Module()
    model.pair = Copying(1.0, 2.0)
    with pytest.raises(TypeError, match="flatten of Copying must return the Values and arrays that the container keep"):
        model.parameters()


def test_dataclasses_in_a_circle_are_searched_once() -> None:
    model, one, two = nn.Module(), Pair(Value(1.0), nn.Neuron(1)), Pair(Value(2.0), None)
    one.other, two.other, model.one = two, one, one
    assert len(model.parameters()) == 4
    assert repr(model).count("Neuron") == 1
    assert list(model.state_dict()) == ["one.first", "one.second.w", "one.second.b", "one.other.first"]
