"""Modules that keep parameters in dataclasses and in registered containers: they are trained, saved and drawn.

Parameters in objects that are not searched, and those that took the place of an optimizer's, are refused.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import autograd as ag
import nn
from autograd import Value
from tests.support.small_models import Line, sgd


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


# What is refused


class Plain:
    def __init__(self, **attributes: Any) -> None:
        vars(self).update(attributes)


class Layer(Plain):
    """A layer as in micrograd, which is no nn.Module."""

    def __call__(self, x: Any) -> Any:
        return self.w * x  # type: ignore[attr-defined]


class Weights(list[Any]):
    """A list with an attribute."""


@dataclasses.dataclass
class PairOfOne:
    first: Any

    def __post_init__(self) -> None:
        self.second = Value(1.0)


def with_attribute() -> Weights:
    weights = Weights([Value(1.0)])
    weights.scale = Value(2.0)  # type: ignore[attr-defined]
    return weights


HIDDEN: dict[str, Callable[[], Any]] = {
    "a layer of the user's": lambda: Layer(w=Value(1.0)),
    "layers of the user's": lambda: [Layer(w=Value(1.0))],
    "in a list": lambda: Plain(ws=[Value(1.0)]),
    "in an object in an object": lambda: {"a": Plain(inner=Plain(w=Value(1.0)))},
    "a Module in an object": lambda: [Plain(layer=nn.Neuron(1, seed=0))],
    "a namespace": lambda: SimpleNamespace(w=Value(1.0)),
    "an attribute of a list": with_attribute,
    "an attribute of a dataclass": lambda: PairOfOne(Value(1.0)),
    "an object in a set": lambda: {Layer(w=Value(1.0))},
}


@pytest.mark.parametrize("name", HIDDEN)
def test_a_parameter_in_an_object_that_is_not_searched_is_refused(name: str) -> None:
    model = Line(part=HIDDEN[name]())
    for read in (model.parameters, model.state_dict, model.eval, lambda: model.load_state_dict({})):
        with pytest.raises(TypeError, match=r"part.* must be a list, .* in an object of class"):
            read()


def test_objects_may_hold_what_is_found_elsewhere() -> None:
    model = Line()
    model.trainer = Plain(model=model, optimizer=sgd(model), first=model.slope, all=set(model.parameters()))
    model.last = Plain(result=model.slope * 2)
    assert [name for name, _ in model.named_parameters()] == ["slope"]
    assert list(model.state_dict()) == ["slope"]


class Two(nn.Module):
    def __init__(self) -> None:
        self.body, self.head, self.scale = nn.Neuron(1, seed=0), nn.Neuron(1, seed=1), Value(1.0)


REPLACED: dict[str, Callable[[Two], Any]] = {
    "Two.scale": lambda model: setattr(model, "scale", Value(2.0)),
    "Two.head": lambda model: setattr(model, "head", nn.Neuron(1, seed=2)),
    "Neuron.w": lambda model: setattr(model.body, "w", [Value(0.5)]),
    "Neuron.b": lambda model: setattr(model.body, "b", Value(0.5)),
}


@pytest.mark.parametrize("place", REPLACED)
def test_an_optimizer_does_not_go_on_with_parameters_that_were_replaced(place: str) -> None:
    model = Two()
    optimizer, other = sgd(model), sgd(Two())
    REPLACED[place](model)
    with pytest.raises(RuntimeError, match=rf"SGD: {place} was set to other parameters"):
        optimizer.step()
    sgd(model).step()
    other.step()


def test_parameters_that_come_back_or_are_trained_already_are_allowed() -> None:
    model = Two()
    optimizer = sgd(model)
    scale, model.scale = model.scale, Value(9.0)  # averaged weights for a while, for example
    model.scale = scale
    optimizer.step()
    model.body, model.head = model.head, model.body
    model.scale = model.head.b  # tied
    optimizer.step()
    copy.deepcopy(model).scale = Value(1.0)
    optimizer.step()
