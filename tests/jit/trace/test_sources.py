"""Programs notice that another Value has taken the place of one that they close over."""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd as ag
import nn
from autograd import Value
from autograd.jit import jit

GLOBAL = Value(2.0)


class Line(nn.Module):
    def __init__(self) -> None:
        self.w = Value(2.0)
        self.rows = [Value(1.0), Value(3.0)]
        self.nested = {"deep": (nn.Neuron(1, seed=0), [Value(4.0)])}
        self.count = 0

    def __call__(self, x: Any) -> Any:
        self.count += 1
        return (self.w + ag.sum(self.rows)) * self.nested["deep"][0]([x]) + self.nested["deep"][1][0]


class Plain:
    def __init__(self) -> None:
        self.w = Value(2.0)
        self.array = np.array([Value(1.0), Value(3.0)])

    def method(self, x: Any) -> Any:
        return self.w * x + self.array.sum()


def reads_a_global(x: Any) -> Any:
    return GLOBAL * x


def replacements() -> dict[str, tuple[Callable[..., Any], Callable[[], Any]]]:
    """Functions, each with something that replaces a Value that it reads."""
    line, plain, values, by_name = Line(), Plain(), [Value(1.0)], {"a": Value(1.0)}
    model = nn.MLP(1, [2, 1], seed=0)
    w = Value(2.0)
    computed = w * w

    def rebind() -> None:
        nonlocal w
        w = Value(7.0)

    def rebind_computed() -> None:
        nonlocal computed
        computed = w * 9.0

    return {
        "parameter": (line, lambda: setattr(line, "w", Value(5.0))),
        "list in a Module": (line, lambda: line.rows.__setitem__(1, Value(9.0))),
        "longer list": (line, lambda: line.rows.append(Value(9.0))),
        "list deep inside": (line, lambda: line.nested["deep"][1].__setitem__(0, Value(8.0))),
        "layer": (model, lambda: model.layers.__setitem__(0, nn.MLP(1, [2, 1], seed=5).layers[0])),
        "more layers": (model, lambda: model.layers.append(nn.Layer(1, 1, seed=3))),
        "list": (lambda x: values[0] * x, lambda: values.__setitem__(0, Value(5.0))),
        "dict": (lambda x: by_name["a"] * x, lambda: by_name.update(a=Value(5.0))),
        "method": (plain.method, lambda: setattr(plain, "w", Value(5.0))),
        "array": (plain.method, lambda: plain.array.__setitem__(0, Value(5.0))),
        "grad": (ag.grad(lambda x: values[0] * x * x), lambda: values.__setitem__(0, Value(5.0))),
        "partial": (functools.partial(lambda m, x: m(x), line), lambda: setattr(line, "w", Value(-5.0))),
        "program": (jit(lambda x: values[0] * x), lambda: values.__setitem__(0, Value(6.0))),
        "variable": (lambda x: w * x, rebind),
        "computed": (lambda x: computed * x, rebind_computed),
        "global": (reads_a_global, lambda: globals().update(GLOBAL=Value(GLOBAL.data + 1.0))),
        "called function": (lambda x: reads_a_global(x), lambda: globals().update(GLOBAL=Value(GLOBAL.data + 1.0))),
    }


@pytest.mark.parametrize("name", replacements())
def test_a_program_reads_the_value_that_is_there_now(name: str) -> None:
    f, replace = replacements()[name]
    program = jit(lambda x: f([x]) if isinstance(f, nn.MLP) else f(x))
    before = program(1.5)
    assert program(1.5) == before
    replace()
    expected = float(f([1.5]) if isinstance(f, nn.MLP) else f(1.5))
    assert expected != before
    assert program(1.5) == pytest.approx(expected, rel=1e-14)
    assert program.value_and_grad(1.5)[0] == pytest.approx(expected, rel=1e-14)


def test_a_value_of_the_same_number_is_read_from_then_on() -> None:
    values = [Value(2.0)]
    program = jit(lambda x: values[0] * x)
    assert program(1.0) == 2.0
    values[0] = Value(2.0)
    assert program(1.0) == 2.0
    values[0].data = 3.0
    assert program(1.0) == 3.0


def test_a_new_parameter_of_the_same_number_keeps_its_derivative() -> None:
    line = Line()
    program = jit(line)
    before = program(1.5)
    line.w = Value(line.w.data)
    assert program(1.5) == before
    slope = ag.grad(lambda k: program(1.5))(line)["w"]
    assert slope == pytest.approx(float(line.nested["deep"][0]([1.5])), rel=1e-14)


def test_what_cannot_be_compared_is_another() -> None:
    w = Value(2.0)
    places = [{"w": w}, np.ones(3)]

    def f(x: Any) -> Any:
        return sum((p["w"] * x for p in places if isinstance(p, dict)), 0.0)

    program = jit(f)
    assert program(1.0) == 2.0
    places[1] = np.zeros(3)
    assert program(1.0) == 2.0
    places[1] = {"w": w}
    assert program(1.0) == 4.0
    kept: list[Any] = [w]
    escaped = jit(lambda x: kept.append(x) or kept[0] * x)
    assert escaped(1.0) == 2.0
    kept[1] = Value(0.0)
    assert escaped(1.0) == 2.0


def test_a_value_that_is_not_a_number_is_noticed() -> None:
    values = [Value(math.nan)]
    program = jit(lambda x: values[0] * x)
    assert math.isnan(program(1.0))
    values[0] = Value(2.0)
    assert program(1.0) == 2.0


def test_nothing_is_compiled_again_while_nothing_is_replaced() -> None:
    line = Line()
    line.w.label = "w"
    program = jit(line)
    program(1.0)
    first = program.graph
    line.w.data = 3.0
    line.count += 1  # another attribute
    assert program(1.0) == pytest.approx(float(line(1.0)), rel=1e-14)
    assert program.graph is first
    line.w = Value(4.0)
    program(1.0)
    assert program.graph is not first


def test_a_variable_with_the_name_of_an_attribute_does_not_count() -> None:
    plain = Plain()
    globals()["w"] = plain.w
    program = jit(lambda x: plain.w * x)
    program(1.0)
    first = program.graph
    globals()["w"] = Value(3.0)
    assert (program(1.0), program.graph is first) == (2.0, True)


def test_a_variable_that_is_deleted_is_an_error_of_the_function() -> None:
    w = Value(2.0)
    program = jit(lambda x: w * x)  # noqa: F821
    assert program(1.0) == 2.0
    del w
    with pytest.raises(NameError, match="w"):
        program(1.0)
