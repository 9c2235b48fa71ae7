"""What a function must not do with its variables inside a transform, because a derivative would be lost or mixed up."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import pytest

import autograd as ag
import nn
from autograd import LostDerivativeError, Value


class Line(nn.Module):
    def __init__(self, slope: float = 2.0) -> None:
        self.w = Value(slope)

    def __call__(self, x: Any) -> Any:
        return self.w * x


class Converts:
    """A container whose constructor makes a float of what it is given."""

    def __init__(self, x: Any) -> None:
        self.x = float(x)


class Halves(dict[str, Any]):
    def __setitem__(self, key: str, x: Any) -> None:
        super().__setitem__(key, math.fabs(x) / 2)


ag.register_container(Converts, lambda c: ((c.x,), None), lambda _, items: Converts(*items))


def backward_inside(x: Any) -> Any:
    y = x**3
    y.backward()
    return x.grad * x


def step_by_step(x: Any) -> Any:
    y = x**3
    y.grad = 1.0
    y._backward()
    return x.grad * x


def penalty(model: Any) -> Any:
    loss = model(3.0) ** 2
    loss.backward()
    return sum(p.grad**2 for p in model.parameters()) + loss


def moves(model: Any) -> Any:
    y = ag.exp(model.w) * model.w
    model.w.data -= 0.5
    return y


REFUSED: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "a constructor": (lambda: ag.grad(lambda c: c.x**2)(Converts(2.0)), LostDerivativeError, "would be lost"),
    "a constructor, jvp": (
        lambda: ag.jvp(lambda c: c.x**2, (Converts(2.0),), (Converts(1.0),)),
        LostDerivativeError,
        "would be lost",
    ),
    "__setitem__": (lambda: ag.grad(lambda d: d["a"] ** 2)(Halves(a=2.0)), LostDerivativeError, "would be lost"),
    "backward": (lambda: ag.grad(backward_inside)(2.0), LostDerivativeError, r"backward\(create_graph=True\)"),
    "backward, nested": (
        lambda: ag.grad(lambda x: ag.grad(lambda y: backward_inside(x) * y)(1.0))(2.0),
        LostDerivativeError,
        "backward",
    ),
    "_backward": (lambda: ag.grad(step_by_step)(2.0), LostDerivativeError, "backward"),
    "backward of a Module": (lambda: ag.grad(penalty)(Line()), LostDerivativeError, "backward"),
    "data assigned inside": (lambda: ag.grad(moves)(Line()), RuntimeError, "must not change while the function runs"),
    "a Module twice": (lambda: (lambda m: ag.grad(lambda a, b: a.w - b.w, (0, 1))(m, m))(Line()), ValueError, "once"),
    "a Module twice in a list": (lambda: (lambda m: ag.grad(lambda ms: ms[0].w)([m, m]))(Line()), ValueError, "once"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused(name: str) -> None:
    call, kind, message = REFUSED[name]
    with pytest.raises(kind, match=message):
        call()


def test_numbers_must_not_change_before_a_vector_is_pulled_back() -> None:
    w = Value(2.0, label="w")
    _, pull = ag.vjp(lambda a: ag.exp(w * a) * a, 1.0)
    assert pull(1.0)[0].data == pytest.approx(math.exp(2.0) * 3.0, rel=1e-14)
    w.data = 3.0
    with pytest.raises(RuntimeError, match=r"vjp\(<lambda>\): .* got 2.0 first and 3.0 later in w"):
        pull(1.0)
    w.data = 2.0
    assert pull(1.0)[0].data == pytest.approx(math.exp(2.0) * 3.0, rel=1e-14)


def test_what_is_right_stays_allowed() -> None:
    w = Value(3.0)

    def f(x: Any) -> Any:
        other = w * w
        other.backward()  # does not depend on x
        slope = (x**3).backward(create_graph=True)[x]
        return slope * x + w.grad

    w.grad = 0.0
    assert ag.grad(f)(2.0) == 36.0
    model = Line()
    assert ag.grad(lambda a, b: a.w * b.w, (0, 1))(model, copy.deepcopy(model)) == ({"w": 2.0}, {"w": 2.0})


def test_detect_lost_does_not_refuse_what_the_package_itself_does() -> None:
    model = Line()
    with ag.detect_lost():
        assert ag.value_and_grad(lambda x: x**2)(3.0) == (9.0, 6.0)
        assert ag.jvp(lambda x: x**2, (3.0,), (1.0,)) == (9.0, 6.0)
        assert ag.vjp(lambda x: x**2, 3.0)[1](1.0) == (6.0,)
        assert ag.grad(lambda x: (x**2, {"a": x}), has_aux=True)(3.0) == (6.0, {"a": 3.0})
        ag.check_gradients(lambda x: x**2, 3.0, order=2)
        model(Value(3.0)).backward()
    assert model.w.grad == 3.0


def test_many_conversions_of_what_does_not_depend_cost_a_walk_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    visited = 0
    parents = Value.parents

    def count(self: Value) -> Any:
        nonlocal visited
        visited += 1
        return parents.__get__(self)  # type: ignore[attr-defined]

    if ag.__build__ == "Python":  # the C build lets no attribute be replaced
        monkeypatch.setattr(Value, "parents", property(count))

    def f(x: Any) -> Any:
        total = Value(1.0)
        for _ in range(1000):
            total = total * 1.0
            assert float(total) == 1.0
        return x * float(total)

    assert ag.grad(f)(2.0) == 1.0
    assert visited < 3000
