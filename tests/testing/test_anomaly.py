"""detect_anomaly: the first operation to make a nan or inf of finite numbers, forward or backward, and nothing else."""

import contextlib
import math
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd as ag
from autograd import Value
from autograd.node import on_backward, on_record
from autograd.testing.anomaly import AnomalyError, detect_anomaly
from nn import Neuron


def found(f: Callable[[], Any]) -> AnomalyError:
    with detect_anomaly(), pytest.raises(AnomalyError) as caught:
        f()
    return caught.value


def line_of(f: Callable[..., Any], offset: int = 0) -> str:
    return f"{__file__}:{f.__code__.co_firstlineno + offset}"


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda: ag.log(Value(0.0, "rate")), "log(x) made -inf from x = 0.0 (rate)"),
        (lambda: Value(1.0) / 0.0, "div(a, b) made inf from a = 1.0, b = 0.0"),
        (lambda: Value(1e308) * Value(10.0), "mul(a, b) made inf from a = 1e+308, b = 10.0"),
        (lambda: Value(1e308) + Value(1e308), "add(a, b) made inf from"),
        (lambda: ag.sqrt(Value(-1.0)), "sqrt(x) made nan from x = -1.0"),
        (lambda: np.exp(np.array([Value(1000.0)])), "exp(x) made inf from x = 1000.0"),
        (
            lambda: ag.dot([Value(1e308, "w")], [Value(10.0)]),
            "dot(ws, xs, bias) made inf from ws[0] = 1e+308 (w), xs[0]",
        ),
        (lambda: ag.sum([Value(1e308)] * 20), "xs[7] = 1e+308 and 12 more"),
        (lambda: ag.mean([1.0, Value(2.0)]) ** 2e9, "pow(a, b) made inf from a = 1.5, b = 2000000000.0"),
    ],
)
def test_forward_the_operation_its_arguments_and_the_line_are_named(f: Callable[[], Any], message: str) -> None:
    error = found(f)
    assert message in str(error)
    assert error.place == line_of(f)
    assert str(error).endswith(f", at {error.place}")
    assert isinstance(error, FloatingPointError)


def test_the_line_is_that_of_the_user_not_of_a_library() -> None:
    neuron = Neuron(2, seed=0)
    neuron.parameters()[0].data = 1e308

    def f() -> Any:
        return np.sum(np.array([neuron([1e3, 1.0]), Value(1.0)]))

    assert found(f).place == line_of(f, 1)


def test_only_the_first_is_reported() -> None:
    with detect_anomaly():
        x = Value(math.inf)
        y = ag.exp(x) - x  # nan, but not from finite numbers
        y.backward()
    assert math.isnan(y.data)


def test_backward_the_operation_above_is_named_with_the_line_that_applied_it() -> None:
    x = Value(0.0, "x")
    x.grad = 5.0

    def f() -> None:
        y = ag.sqrt(x)
        y.label = "root"
        (y * 3.0).backward()

    error = found(f)
    expected = "the derivative of sqrt(x) (root) with respect to x made inf from x = 0.0 (x): 3.0 from above times inf"
    assert str(error) == f"{expected}; applied at {line_of(f, 1)}"
    assert error.op is ag.sqrt
    assert x.grad == 5.0


def test_the_zero_that_meets_an_infinity_is_found() -> None:
    error = found(lambda: (ag.sqrt(Value(0.0)) * 0.0).backward())
    assert "made nan from x = 0.0: 0.0 from above times inf" in str(error)


def test_derivatives_that_overflow_are_found() -> None:
    error = found(lambda: (Value(1e-200) * 1e200 * 1e200).backward())
    wanted = "with respect to a made inf from a = 1e-200, b = 1e+200: 1e+200 from above times 1e+200"
    assert f"the derivative of mul(a, b) {wanted}" in str(error)


def test_a_graph_from_outside_is_checked_but_its_lines_are_not_known() -> None:
    y = ag.sqrt(Value(0.0))
    error = found(lambda: y.backward(create_graph=True))
    assert error.place == ""
    assert str(error).endswith("1.0 from above times inf")


@pytest.mark.parametrize(
    "f",
    [
        lambda: ag.grad(ag.sqrt)(0.0),
        lambda: ag.value_and_grad(lambda x: ag.sqrt(x[0]))([0.0]),
        lambda: ag.jacobian(lambda x: np.array([ag.sqrt(x), x]))(0.0),
        lambda: ag.hessian(lambda x: ag.pow(x, 1.5))(0.0),
        lambda: ag.hvp(lambda x: ag.pow(x, 1.5), (0.0,), (1.0,)),
        lambda: ag.jvp(ag.sqrt, (0.0,), (1.0,)),
        lambda: ag.vjp(ag.sqrt, 0.0)[1](1.0),
        lambda: ag.grad(ag.grad(lambda x: ag.pow(x, 1.5)))(0.0),
    ],
)
def test_transforms_are_checked(f: Callable[[], Any]) -> None:
    assert "inf" in str(found(f))


def test_outside_nothing_is_checked_and_nothing_is_different() -> None:
    with detect_anomaly():
        assert on_record
        assert on_backward
    assert not on_record
    assert not on_backward
    y = ag.log(Value(0.0))
    y.backward()
    assert y.data == -math.inf


def test_hooks_of_others_stay_where_they_are() -> None:
    made: list[Value] = []
    seeds: list[Any] = []
    on_record.append(made.append)
    on_backward.append(lambda _, seed: seeds.append(seed))
    try:
        with detect_anomaly(), detect_anomaly():
            (Value(2.0) * 3.0).backward()
        (Value(2.0) * 3.0).backward()
        assert len(made) == len(seeds) == 2
        assert len(on_record) == len(on_backward) == 1
    finally:
        on_record.clear()
        on_backward.clear()


def test_after_an_exception_everything_is_as_before() -> None:
    with contextlib.suppress(AnomalyError), detect_anomaly():
        ag.log(Value(0.0))
    with pytest.raises(KeyError), detect_anomaly():
        raise KeyError
    assert not on_record
    assert ag.log(Value(0.0)).data == -math.inf


def test_contexts_nest() -> None:
    with detect_anomaly():
        with detect_anomaly():
            pass
        with pytest.raises(AnomalyError):
            ag.log(Value(0.0))
    assert ag.log(Value(0.0)).data == -math.inf


def test_other_threads_are_not_checked_and_may_leave_in_any_order() -> None:
    entered, leave = threading.Event(), threading.Event()
    caught: list[str] = []

    def other() -> None:
        with detect_anomaly():
            entered.set()
            leave.wait()
            try:
                ag.log(Value(0.0))
            except AnomalyError as error:
                caught.append(str(error))

    thread = threading.Thread(target=other)
    with detect_anomaly():
        thread.start()
        entered.wait()
    assert ag.log(Value(0.0)).data == -math.inf  # here nothing is checked any more
    leave.set()
    thread.join()
    assert len(caught) == 1
    assert not on_record


def test_a_function_may_be_compiled_inside() -> None:
    with detect_anomaly():
        assert ag.jit(ag.grad(lambda x: x * x * x))(3.0) == 27.0


def test_results_are_the_same_inside() -> None:
    def gradients() -> list[float]:
        xs = [Value(0.5), Value(-1.5), Value(2.0)]
        y = ag.logsumexp([x * xs[0] for x in xs]) * ag.tanh(xs[1]) + ag.dot(xs, xs)
        y.backward()
        return [x.grad for x in xs]

    with detect_anomaly():
        inside = gradients()
    assert inside == gradients()


@pytest.mark.parametrize("seed", [1, np.float32(1), np.int64(1), Value(1.0)])
def test_seeds_of_every_kind_are_watched(seed: Any) -> None:
    with detect_anomaly(), pytest.raises(AnomalyError, match="the derivative of sqrt"):
        ag.sqrt(Value(0.0)).backward(seed, create_graph=isinstance(seed, Value))


def test_a_seed_that_is_no_number_is_refused_as_ever() -> None:
    with detect_anomaly(), pytest.raises(TypeError, match="the seed of backward must be a real number"):
        Value(1.0).backward("one")  # type: ignore[call-overload]


@pytest.mark.parametrize("made_within", [True, False])
def test_a_leaf_changed_between_forward_and_backward_is_named(made_within: bool) -> None:
    w, xs = ag.Value(1.0, label="weight"), [ag.Value(2.0), ag.Value(3.0, label="input")]

    def losses() -> list[ag.Value]:
        return [ag.exp(w) * w, ag.dot([w, 0.5], xs), w - xs[1]]

    outside = losses()
    with ag.detect_anomaly():
        results = losses() if made_within else outside
        w.data = 4.0
        for loss in results:
            with pytest.raises(ag.AnomalyError, match="a number was assigned after") as caught:
                loss.backward()
            assert "(weight) was 1.0 and is 4.0" in str(caught.value) or not made_within
            assert "4.0 (weight)" in str(caught.value) or made_within
            assert (caught.value.place != "") == made_within
        w.data = 1.0
        for loss in results:
            loss.backward()
    assert w.grad == pytest.approx(math.exp(1) * 2 + 2 + 1)


def test_training_within_the_context_is_no_anomaly() -> None:
    w = ag.Value(1.0)
    with ag.detect_anomaly():
        for _ in range(3):
            loss = (w * ag.Value(math.inf) - 2.0) ** 0 + ag.exp(w)
            loss.backward()
            w.data -= 0.1
            w.grad = 0.0
