"""Programs called inside transforms and inside other programs: no derivative is lost, and nothing is frozen."""

from typing import Any

import numpy as np
import pytest

import autograd as ag
from autograd import Value
from autograd.jit import TracingError, jit


class Line:
    """A model, as far as transforms know one: it has named parameters."""

    def __init__(self) -> None:
        self.w = Value(2.0)

    def named_parameters(self) -> Any:
        return [("w", self.w)]

    def __call__(self, x: Any) -> Any:
        return self.w * x


X = np.array([1.0, 2.0])

# Each of these is 0 if the program takes only the number of the Value that it closes over.
INSIDE = {
    "call": (lambda: ag.grad(lambda a: jit(lambda z: a * a * z)(1.0))(3.0), 6.0),
    "computed": (lambda: ag.grad(lambda a: (lambda b: jit(lambda z: b * z)(1.0))(a * a))(3.0), 6.0),
    "a Value": (lambda: ag.grad(lambda a: jit(lambda z: a * a * z)(1.0))(Value(3.0)), 6.0),
    "jit(grad)": (lambda: ag.grad(lambda a: jit(ag.grad(lambda z: a * a * z * z))(1.0))(3.0), 12.0),
    "value_and_grad": (lambda: ag.grad(lambda a: jit(lambda z: a * z * z).value_and_grad(2.0)[1])(3.0), 4.0),
    "batch": (lambda: ag.grad(lambda a: jit(lambda z: a * a * z, in_axes=0)(X).sum())(3.0), 18.0),
    "gradients of a batch": (
        lambda: ag.grad(lambda a: jit(lambda z: a * z * z, in_axes=0).value_and_grad(X)[1].sum())(3.0),
        6.0,
    ),
    "jacobian": (lambda: ag.jacobian(lambda a: jit(lambda z: a * a * z)(1.0))(3.0), 6.0),
    "jvp": (lambda: ag.jvp(lambda a: jit(lambda z: a * a * z)(1.0), (3.0,), (1.0,))[1], 6.0),
    "hessian": (lambda: ag.hessian(lambda a: jit(lambda z: a * a * z)(1.0))(3.0), 2.0),
    "grad of grad": (lambda: ag.grad(ag.grad(lambda a: jit(lambda z: a**3 * z)(1.0)))(3.0), 18.0),
}


@pytest.mark.parametrize("name", INSIDE)
def test_a_program_inside_a_transform_keeps_the_derivative(name: str) -> None:
    compute, expected = INSIDE[name]
    assert float(compute()) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("called_before", [False, True])
def test_a_program_of_a_model_inside_a_transform(called_before: bool) -> None:
    model = Line()
    program = jit(model)
    if called_before:
        assert program(3.0) == 6.0
    assert ag.grad(lambda k: program(3.0) * k.w)(model) == {"w": 12.0}  # of 3 w²
    assert program(3.0) == 6.0
    assert type(program(3.0)) is float


def test_a_program_that_takes_the_model_that_is_differentiated() -> None:
    program = jit(lambda k, x: k(x))
    model = Line()
    assert program(model, 3.0) == 6.0
    assert ag.grad(lambda k: program(k, 3.0) * k.w)(model) == {"w": 12.0}


def test_what_a_program_closed_over_inside_a_transform_is_forgotten() -> None:
    holder: list[Any] = []
    program = jit(lambda z: holder[-1] * holder[-1] * z)

    def loss(a: Any) -> Any:
        holder.append(a)
        return program(1.0)

    assert [ag.grad(loss)(3.0), ag.grad(loss)(5.0)] == [6.0, 10.0]


def test_detect_lost_around_a_program() -> None:
    w = Value(3.0)
    program = jit(lambda z: w * w * z)
    with ag.detect_lost():
        y = program(1.0)
    y.backward()
    assert w.grad == 6.0


def test_what_does_not_matter_to_a_transform_stays_compiled() -> None:
    constant = Value(2.0)
    program = jit(lambda z: constant * z)
    assert ag.grad(lambda a: a * program(3.0))(1.0) == 6.0
    assert program.stats.nodes == 1
    results: list[Any] = []
    ag.grad(lambda a: results.append(program(3.0)) or a)(1.0)
    assert type(results[0]) is float


def test_a_program_called_with_values_works_element_by_element() -> None:
    x = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]])
    w = np.array([0.5, -0.25])
    program = jit(lambda w, x: (w * x * x).sum(), in_axes=(None, 0))
    on_values = np.array([Value(e) for e in x.ravel()], dtype=object).reshape(x.shape)
    assert [float(e) for e in program(w, on_values)] == program(w, x).tolist()
    for argnums in (0, 1, (0, 1)):
        values, slopes = program.value_and_grad(w, x, argnums=argnums)
        its_values, its_slopes = program.value_and_grad(w, on_values, argnums=argnums)
        assert [float(e) for e in its_values] == values.tolist()
        for mine, its in zip(slopes, its_slopes) if isinstance(argnums, tuple) else [(slopes, its_slopes)]:
            assert its.astype(float).tolist() == mine.tolist()
    second = jit(lambda xs: {"sum": xs["a"] + xs["b"], "row": xs["row"]}, in_axes=-1)
    columns = {"a": np.array([Value(1.0), Value(2.0)]), "b": X, "row": np.array([[1.0, 2.0], [3.0, 4.0]])}
    result = second(columns)
    assert [float(e) for e in result["sum"]] == [2.0, 4.0]
    assert result["row"].tolist() == [[1.0, 3.0], [2.0, 4.0]]


def test_a_batch_of_values_that_cannot_be_taken_apart() -> None:
    program = jit(lambda x: [x, x], in_axes=0)
    with pytest.raises(TypeError, match=r"argument 0\[1\] must have axis 0, its batch axis"):
        jit(lambda x: x[0], in_axes=0)([np.array([Value(1.0)]), 2.0])
    x = Value(1.0)
    assert program(x)[0] is x  # one element, without a batch
    with pytest.raises(TypeError, match="must return one number, got list"):
        program.value_and_grad(np.array([Value(1.0)]))
    w = Value(1.0)
    with ag.detect_lost(), pytest.raises(ValueError, match="at least one element"):
        jit(lambda x: w * x, in_axes=0)(np.zeros(0))


# Programs in programs


def test_a_program_inside_a_program_runs_its_function() -> None:
    assert jit(lambda w: jit(lambda x: w * x)(3.0))(2.0) == 6.0
    assert jit(lambda w: jit(lambda x: w * x, in_axes=0)(X).sum())(2.0) == 6.0
    assert jit(lambda w: jit(lambda x: w * x * x).value_and_grad(3.0)[1])(2.0) == 12.0
    assert jit(lambda w: jit(ag.grad(lambda x: w * x * x))(3.0)).value_and_grad(2.0) == (12.0, 6.0)
    assert jit(ag.grad(lambda w: jit(lambda x: w * w * x)(3.0)))(2.0) == 12.0


def test_a_program_inside_a_program_does_not_freeze_what_it_reads() -> None:
    k = Value(2.0)
    inner = jit(lambda x: k * x)
    assert inner(3.0) == 6.0
    outer = jit(lambda w: w * inner(3.0))
    assert outer(1.0) == 6.0
    k.data = 5.0
    assert outer(1.0) == 15.0


def test_a_traced_value_of_another_trace_is_refused() -> None:
    kept: list[Any] = []
    jit(lambda x: kept.append(x) or x)(1.0)
    with pytest.raises(TracingError, match="another trace"):
        jit(lambda x: x * kept[0])(1.0)
