"""Attributes, states and optimizers: what would lose a parameter or a number is refused. One line a case."""

import math
from collections import ChainMap, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

import autograd as ag
import nn
from autograd import Value
from tests.support.small_models import MASKED, REFUSED, Case, Line, X, fit, mlp, sgd, two, y

CE = nn.cross_entropy


class Plain:
    def __init__(self) -> None:
        self.w = Value(1.0)


class Scaled(nn.Module):
    def __init__(self) -> None:
        self.w = [Value(1.0) * 0.1]


class Built(nn.Module):
    def __init__(self) -> None:
        self.build()

    def build(self) -> None:
        self.layers = {"first": []}
        self.layers["first"].append(Value(1.0) * 0.1)


@dataclass(eq=False)
class Declared(nn.Module):
    w: Any = field(default_factory=lambda: Value(1.0) * 0.1)


def set_attribute(name: str, x: Any) -> None:
    setattr(nn.Neuron(2, seed=0), name, x)


def make_class(**attributes: Any) -> type:
    return type("Mine", (nn.Module,), attributes)


def load(state: dict[str, Any], **attributes: Any) -> nn.Module:
    model = Line(**attributes)
    model.load_state_dict({"slope": 0.0, **state})
    return model


def optimizer_state(**changes: Any) -> dict[str, Any]:
    state = nn.Adam(two(), lr=0.1).state_dict()
    state["groups"][0] |= changes
    return state


def adam(change: Callable[[Any], Any]) -> nn.Optimizer:
    optimizer = nn.Adam(two(), lr=0.1)
    change(optimizer)
    optimizer.step()
    return optimizer


def update_of(result: Any) -> None:
    kind = type("Mine", (nn.Optimizer,), {"update": lambda self, group, data, grad: result(data)})
    kind([Value(1.5)], lr=0.1).step()


def clip(function: Any, grads: list[float], limit: Any = 1.0) -> list[float]:
    parameters = two()
    for p, g in zip(parameters, grads):
        p.grad = g
    function(parameters, limit)
    return [p.grad for p in parameters]


def schedule(*others: Callable[[nn.Optimizer], Any]) -> float:
    optimizer = nn.SGD(two(), lr=1.0)
    first = nn.StepLR(optimizer, 1, 0.5)
    for other in others:
        other(optimizer)
    first.step()
    return optimizer.lr


def plateau(*losses: Any) -> float:
    optimizer = nn.SGD(two(), lr=1.0)
    plateau = nn.ReduceLROnPlateau(optimizer, patience=0)
    for loss in losses:
        plateau.step(loss)
    return optimizer.lr


def zero_targets(outputs: Any, targets: Any) -> float:
    targets[...] = 0.0
    return 1.0


def fit_and_step() -> None:
    model = mlp()
    optimizer = sgd(model)
    decay = nn.ExponentialLR(optimizer, 0.5)
    fit(model, optimizer=optimizer, schedule=decay, epochs=3, callbacks=[lambda state: decay.step()])


ATTRIBUTES: list[Case] = [
    ("numbers for weights", lambda: set_attribute("w", [0.5, -0.5]), r"Neuron.w holds parameters, .* p.data = number"),
    ("an array for weights", lambda: set_attribute("w", np.array([0.5, -0.5])), "Neuron.w holds parameters"),
    ("a number for the bias", lambda: set_attribute("b", 0.5), "Neuron.b holds parameters, and must be .* float 0.5"),
    ("a result for the bias", lambda: set_attribute("b", Value(1.0) * 2), "got the result of an operation"),
    ("weights scaled in __init__", Scaled, r"neither trained nor saved. .* Value\(0.1 \* number\)"),
    ("weights scaled in a method", Built, r"Built.layers .* neither trained nor saved. .* Value\(0.1 \* number\)"),
    ("weights scaled in a default", Declared, r"Declared.w .* neither trained nor saved"),
    ("parameters in a set", Line(w={Value(1.0)}).parameters, "w must be a list, .* in an object of class set"),
    ("parameters in a deque", Line(w=deque(two())).parameters, "w must be a list, .* in an object of class deque"),
    ("Modules in a deque", Line(w=deque([nn.Neuron(1)])).eval, "w must be a list, .* in an object of class deque"),
    ("values of a dict", Line(w={"a": Value(1.0)}.values()).parameters, "class dict_values"),
    (
        "Values in tuples in a set",
        Line(w={(Value(1.0), "a")}).parameters,
        "w must be a list, .* in an object of class set",
    ),
    ("a read-only dict", Line(w=MappingProxyType({"a": Value(1.0)})).parameters, "in an object of class mappingproxy"),
    ("a read-only dict of lists", Line(w=MappingProxyType({"a": two()})).state_dict, "in an object of class mappingpr"),
    ("a mapping", Line(w=ChainMap({"a": Value(1.0)})).parameters, "in an object of class ChainMap"),
    ("a partial function", Line(w=partial(ag.mul, Value(1.0))).parameters, "in an object of class partial"),
    ("a list in a partial function", Line(w=partial(ag.dot, xs=two())).state_dict, "in an object of class partial"),
    ("a Module in a partial function", Line(w=partial(ag.mul, nn.Neuron(1))).parameters, "object of class partial"),
    ("a default", Line(w=lambda x, w=Value(1.0): w * x).parameters, "in an object of class function"),  # noqa: B008
    ("a default by name", Line(w=lambda x, *, w=two(): w[0] * x).parameters, "in an object of class function"),  # noqa: B008
    ("a generator", Line(w=(p for p in two())).parameters, "in an object of class generator"),
    ("an iterator", Line(w=zip(two(), "ab")).parameters, "in an object of class zip"),
    ("a user's object", Line(w=Plain()).state_dict, "w must be a list, .* in an object of class Plain"),
    ("a parameter of the class", lambda: make_class(w=Value(1.0)), "as attributes of self, got w in the class"),
    ("a layer of the class", lambda: make_class(layer=nn.Neuron(1)), "as attributes of self, got layer in the class"),
    ("__slots__", lambda: make_class(__slots__=("w",)), "as attributes of self, got __slots__ in the class"),
]

STATES: list[Case] = [
    ("masked weights", lambda: load({"w": MASKED}, w=two()), "w: expected an array of real numbers"),
    ("weights in a set", lambda: load({"w": {1.0, 2.0}}, w=two()), "w: expected an array of real numbers"),
    ("int8 overflows", lambda: load({"t": np.array([300.0])}, t=np.zeros(1, np.int8)), "an array of int8 cannot hold"),
    ("float32 overflows", lambda: load({"t": [1e300]}, t=np.zeros(1, np.float32)), "an array of float32 cannot hold"),
    ("float16 overflows", lambda: load({"t": [-7e4]}, t=np.zeros(1, np.float16)), "an array of float16 cannot hold"),
    ("a fraction for int64", lambda: load({"t": np.array([1.5])}, t=np.zeros(1, int)), "an array of int64 cannot hold"),
    (
        "two numbers for one parameter",
        lambda: (lambda v: load({"a": [1.0], "b": [2.0]}, a=[v], b=[v]))(Value(0.0)),
        "also",
    ),
    ("other shapes", lambda: load({"w": [1.0]}, w=two()), "size mismatch for w"),
    ("int64 in float64", Line(t=np.array([2**53 + 1])).state_dict, "no float64 keeps exactly"),
    (
        "long double in float64",
        Line(t=np.array([np.longdouble(1) / 3])).state_dict,
        "no float64 keeps exactly",
    ),
    ("complex in float64", Line(t=np.array([1j])).state_dict, "no float64 keeps exactly"),
    ("a mask", Line(t=MASKED).state_dict, "would lose its mask"),
    ("Adam's state in AdamW", lambda: nn.AdamW(two()).load_state_dict(optimizer_state()), "is of the optimizer Adam"),
    (
        "1.7 steps",
        lambda: nn.Adam(two()).load_state_dict(optimizer_state(steps=1.7)),
        "the steps of a state must be a whole number",
    ),
    (
        "-1 steps",
        lambda: nn.Adam(two()).load_state_dict(optimizer_state(steps=-1)),
        "the steps of a state must be a whole number",
    ),
]

OPTIMIZERS: list[Case] = [
    ("parameters in a set", lambda: nn.SGD(set(two()), lr=0.1), "parameters must be in a list"),
    ("a group in a set", lambda: nn.SGD([{"params": set(two())}], lr=0.1), "parameters must be in a list"),
    ("parameters in a dict", lambda: nn.SGD({"a": Value(1.0)}, lr=0.1), "parameters must be in a list"),  # type: ignore[arg-type]
    ("a result as parameter", lambda: nn.SGD([Value(1.0) * 2], lr=0.1), "must be a leaf Value"),
    ("of another model", lambda: fit(mlp(), optimizer=sgd(mlp())), "optimizer's parameters must be the model's"),
    ("a negative option", lambda: adam(lambda o: o.groups[0].options.update(lr=-1.0)), "learning rate lr must be"),
    ("a misspelt option", lambda: adam(lambda o: o.groups[0].options.update(learning_rate=5.0)), "unknown option"),
    ("an update in int", lambda: update_of(lambda data: data.astype(int)), "dtype float64"),
    ("an update in float32", lambda: update_of(lambda data: data.astype(np.float32)), "dtype float64"),
    ("a masked update", lambda: update_of(lambda data: np.ma.array(data, mask=[True])), "masked entries"),
    ("clipping nan", lambda: clip(nn.clip_grad_norm, [math.nan, 3.0]), "gradients must be finite, got nan"),
    ("clipping infinity", lambda: clip(nn.clip_grad_value, [math.inf, 3.0]), "gradients must be finite, got inf"),
    ("a limit of True", lambda: clip(nn.clip_grad_norm, [1.0, 1.0], True), "max_norm must be a number"),
    ("a parameter twice", lambda: (lambda v: nn.clip_grad_norm([v, v], 1.0))(Value(1.0)), "duplicate parameter"),
    ("clipping results", lambda: nn.clip_grad_norm([Value(1.0) * 2], 1.0), "must be a leaf Value"),
    ("two schedules", lambda: schedule(lambda o: nn.StepLR(o, 1, 0.1).step()), "something else has changed them"),
    ("a rate set by hand", lambda: schedule(lambda o: setattr(o, "lr", 0.3)), r"to \[0.3\], which would be lost"),
    ("a group removed", lambda: schedule(lambda o: o.groups.clear()), "something else has changed them"),
    ("a schedule stepped twice", fit_and_step, "fit steps the schedule ExponentialLR .* Leave that to fit"),
    ("a loss of nan", lambda: plateau(math.nan), "must be a"),
    ("a loss of text", lambda: plateau("1"), "must be a"),
]


@pytest.mark.parametrize(
    ("case", "message"),
    [pytest.param(case, message, id=name) for name, case, message in [*ATTRIBUTES, *STATES, *OPTIMIZERS]],
)
def test_what_would_be_lost_is_refused(case: Callable[[], Any], message: str) -> None:
    with pytest.raises(REFUSED, match=message):
        case()


class Settings:
    def __init__(self, k: float) -> None:
        self.k = k


class Counted(Line):
    k = 1.0


def class_attribute() -> float:
    model = Counted(lambda self, x: self.slope * x[0] * self.k)
    before = nn.predict(model, X)[0]
    try:
        Counted.k = 5.0
        return float(nn.predict(model, X)[0] / before)
    finally:
        Counted.k = 1.0


def settings_object() -> float:
    model = Line(lambda self, x: self.slope * x[0] * self.settings.k, settings=Settings(1.0))
    before = nn.predict(model, X)[0]
    model.settings.k = 5.0  # type: ignore[attr-defined]
    return float(nn.predict(model, X)[0] / before)


RIGHT: list[tuple[str, Callable[[], Any], Any]] = [  # with what Python's exact numbers give
    ("int64 that overflows", lambda: nn.mse(np.array([2**40]), np.array([0])), 2.0**80),
    ("uint8 below 0", lambda: nn.mse(np.array([1], np.uint8), np.array([250], np.uint8)), 249.0**2),
    ("int8 with Values", lambda: nn.mse([Value(100.0)], np.array([-100], np.int8)).data, 200.0**2),
    ("float16 that overflows", lambda: nn.mse(np.array([300.0], np.float16), np.array([-300.0])), 600.0**2),
    ("0-d labels", lambda: CE([1.0, 2.0], np.array(1)), math.log1p(math.exp(-1.0))),
    ("gradients beyond 1e154", lambda: clip(nn.clip_grad_norm, [1e200, 1e200]), [math.sqrt(0.5)] * 2),
    ("a step clipped beyond 1e154", lambda: clip(nn.clip_grad_norm, [3e-200, 4e-200]), [3e-200, 4e-200]),
    ("losses below 0 that rise", lambda: plateau(-1.0, -0.99995), 0.1),
    ("losses below 0 that fall", lambda: plateau(-1.0, -1.1, -1.2), 1.0),
    ("a float32 is rounded", lambda: load({"t": [0.1]}, t=np.zeros(1, np.float32)).t.item(), 0.10000000149011612),  # type: ignore[attr-defined]
    ("a float32 that is infinite", lambda: load({"t": [math.inf]}, t=np.zeros(1, np.float32)).t.item(), math.inf),  # type: ignore[attr-defined]
    (
        "a generator of numbers is not used up",
        lambda: (lambda m: (m.state_dict(), next(m.g)))(Line(g=(k for k in [7.0])))[1],
        7.0,
    ),  # type: ignore[attr-defined]
    ("a setting that changed", settings_object, 5.0),
    ("an attribute of the class that changed", class_attribute, 5.0),
    ("a bias set to None", lambda: set_attribute("b", None), None),
    ("new weights", lambda: set_attribute("w", two()), None),
    ("a generator of parameters", lambda: len(nn.SGD((p for p in two()), lr=0.1).parameters), 2),
    (
        "a metric that changes y",
        lambda: fit(mlp(), metric=zero_targets, epochs=3).loss == fit(mlp(), epochs=3).loss,
        True,
    ),
    ("predict in training mode", lambda: np.ptp([nn.predict(DROPPED, X)[0] for _ in range(5)]), 0.0),
    ("one parameter under two names", lambda: len(Line(again=(v := Value(0.0)), twice=v).parameters()), 2),
    ("a Module inside itself", lambda: len((lambda m: (setattr(m, "me", m), m.parameters())[1])(Line())), 1),
    ("a result that a forward pass keeps", lambda: len((lambda m: (m(X[0]), m.parameters())[1])(Line(keep))), 1),
]

DROPPED = nn.MLP(2, [8, 1], dropout=0.5, seed=0)


def keep(self: Any, x: Any) -> Any:
    self.last = self.slope * x[0]
    return self.last


@pytest.mark.parametrize(("case", "wanted"), [pytest.param(case, wanted, id=name) for name, case, wanted in RIGHT])
def test_what_has_a_right_answer_gets_it(case: Callable[[], Any], wanted: Any) -> None:
    found = case()
    assert found == pytest.approx(wanted, rel=1e-12, abs=0) if wanted is not None else found is None


def test_fit_and_compiled_steps_refuse_an_optimizer_of_parameters_that_were_replaced() -> None:
    model = nn.Neuron(2, "linear", seed=0)
    optimizer = sgd(model)
    model.w = (Value(1.0), Value(2.0))
    for train in (
        lambda: fit(model, optimizer=optimizer),
        lambda: nn.compile_step(model, nn.mse, optimizer)(X, y),
    ):
        with pytest.raises(ValueError, match="optimizer's parameters must be the model's"):
            train()
