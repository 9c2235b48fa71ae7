"""check_gradients: what passes, what fails and what the message says, and what is refused."""

import math
import random
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd as ag
from autograd.testing import GradientError, GradientWarning, check_gradients
from nn import MLP, mse

# The message


def message(f: Callable[..., Any], *args: Any, **options: Any) -> str:
    with pytest.raises(GradientError) as caught:
        check_gradients(f, *args, **options)
    return str(caught.value)


def test_the_message_shows_the_wrong_ones_the_worst_first_and_no_others() -> None:
    def loss(params: Any, x: Any) -> Any:
        return params["w"][0] * x[0, 0] ** 2 + params["w"][1] * x[1, 1] + 3.0 * x[0, 1]

    def gradient(params: Any, x: Any) -> Any:
        w = params["w"]
        by_x = np.array([[2 * w[0] * x[0, 0], 3.0 * (1 + 1e-4)], [0.0, -w[1]]])
        return {"w": [x[0, 0] ** 2, x[1, 1]]}, by_x

    text = message(loss, {"w": [2.0, 5.0]}, np.array([[1.0, 2.0], [3.0, 4.0]]), gradient=gradient)
    assert text.splitlines() == [
        "check_gradients(loss): 2 of 6 derivatives are wrong",
        "  variable  given   expected   off by        given / expected",
        "  x[1, 1]   -5      5 ± 5e-06  2e+06 bounds  -1",
        "  x[0, 1]   3.0003  3 ± 3e-06  1e+02 bounds  1.0001",
    ]


def test_the_message_stays_readable() -> None:
    text = message(lambda x: np.sum(x), np.ones(200), gradient=lambda x: -np.ones(200))
    assert text.splitlines()[0] == "check_gradients(<lambda>): 200 of 200 derivatives are wrong"
    assert len(text.splitlines()) == 13
    assert text.splitlines()[-1] == "  and 190 more"


def test_the_error_has_the_verdicts() -> None:
    with pytest.raises(AssertionError) as caught:
        check_gradients(lambda x, *rest: x * rest[1], 2.0, 3.0, 4.0, gradient=lambda *xs: (4.0, 0.0, 5.0))
    (verdict,) = caught.value.verdicts  # type: ignore[attr-defined]
    assert verdict.name == "rest[1]"
    assert (verdict.given, verdict.expected) == (5.0, pytest.approx(2.0))


def test_nan_and_infinite_derivatives_are_wrong_where_the_true_one_is_finite() -> None:
    for wrong in (math.nan, math.inf, -math.inf):
        assert "the derivative is wrong" in message(lambda x: x * x, 1.0, gradient=lambda x, d=wrong: d)
    trap = message(lambda x: ag.where(x > 0, x, 0.0 * x), -1.0, gradient=lambda x: math.nan)
    assert "  x         nan    0 ± " in trap


def test_what_hides_from_the_graph_is_hinted_at() -> None:
    text = message(lambda x: x * x.data, 3.0)
    assert "no primitive is at fault" in text
    assert "with x.data or x.detach()?" in text


def test_a_users_primitive_is_named() -> None:
    @ag.primitive(lambda out, x: 3 * x)
    def cube(x: float) -> float:
        return x * x * x

    assert "at fault is cube: its rule with respect to x gives 6, expected 12 ± 1e-05, in cube(2)" in message(cube, 2.0)


# Kinks, jumps, and what cannot be seen


def test_at_a_kink_what_lies_between_passes_with_a_warning() -> None:
    with pytest.warns(GradientWarning) as caught:
        checked = check_gradients(lambda x: ag.abs(x - 1), 1.0)
    assert str(caught[0].message).splitlines() == [
        "check_gradients(<lambda>): the derivative is at a kink",
        "  variable  given  found                           because",
        "  x         0      -1 to the left, 1 to the right  a kink",
    ]
    assert [v.name for v in checked.at_kinks] == ["x"]
    for slope in (-1.0, 0.3, 1.0):
        with pytest.warns(GradientWarning, match="at a kink"):
            check_gradients(lambda x: abs(x - 1), 1.0, gradient=lambda x, d=slope: d)


def test_at_a_kink_what_does_not_lie_between_fails_and_is_called_by_its_name() -> None:
    text = message(lambda x: max(3 * x, -x) + 5 * x, 0.0, gradient=lambda x: 8.001)
    assert "the derivative is taken where the function has none" in text
    assert "a kink: 4 to the left, 8 to the right" in text


def test_next_to_a_kink_gradients_are_checked_as_elsewhere() -> None:
    for x in (1e-9, -1e-9, 1e-3, 7.0):
        check_gradients(lambda x: ag.abs(x) + 5 * x, x)
        check_gradients(lambda x: ag.relu(x) * 3 + 1, x)
    assert "wrong" in message(lambda x: abs(x), 1e-9, gradient=lambda x: -1.0)


def test_at_a_jump_nothing_passes() -> None:
    for slope in (0.0, 1.0, math.inf):
        assert "none: the function jumps" in message(ag.sign, 0.0, gradient=lambda x, d=slope: d)


def test_infinite_derivatives_are_checked_too() -> None:
    check_gradients(ag.sqrt, 0.0)
    check_gradients(ag.cbrt, 0.0)
    assert "expected" in message(ag.sqrt, 0.0, gradient=lambda x: 3.0)


@pytest.mark.parametrize("f", [lambda x: x + 1e16, lambda x: (x + 1e20) - 1e20, lambda x: ag.sin(x * 1e20)])
def test_what_rounding_hides_passes_with_a_warning(f: Callable[..., Any]) -> None:
    with pytest.warns(GradientWarning, match="the derivative cannot be told"):
        check_gradients(f, 1.0)


# What may be checked


def test_plain_functions_of_every_structure() -> None:
    check_gradients(lambda x: math.sin(x) * x, 2.0, gradient=lambda x: math.cos(x) * x + math.sin(x))
    check_gradients(lambda x: x[0] * x[1], [2.0, 3.0], gradient=lambda x: [x[1], x[0]])
    check_gradients(lambda x: x[0] * x[1], (2.0, 3.0), gradient=lambda x: np.array([x[1], x[0]]))
    check_gradients(lambda x: x @ x, np.array([2.0, 3.0]), gradient=lambda x: list(2 * x))
    check_gradients(lambda p: p["a"] * p["b"].sum(), {"a": 2.0, "b": np.ones((2, 2))},
                    gradient=lambda p: {"b": np.full((2, 2), p["a"]), "a": p["b"].sum()})  # fmt: skip
    check_gradients(lambda x, y: x * y**2, 2.0, 3.0, gradient=lambda x, y: (y**2, 2 * x * y))
    check_gradients(lambda x, n: x**n, 2.0, 3, argnums=0, gradient=lambda x, n: n * x ** (n - 1))
    check_gradients(lambda n, x: x**n, 3, 2.0, argnums=(1,), gradient=lambda n, x: (n * x ** (n - 1),))
    check_gradients(lambda x: np.float64(2) * x, np.float64(1.0), gradient=lambda x: np.array(2.0))
    check_gradients(lambda x: np.sum(x), np.array([]), gradient=lambda x: np.array([]))


def test_functions_of_values_of_every_structure() -> None:
    a = np.array([[2.0, 1.0], [1.0, 3.0]])
    check_gradients(lambda p, x: p["scale"] * np.sum(np.tanh(a @ x) * p["w"]), {"scale": 2.0, "w": [1.0, -1.0]},
                    np.array([0.3, -0.2]), order=2)  # fmt: skip
    check_gradients(lambda x: x * x, ag.Value(3.0))
    check_gradients(lambda x: 3.0, 1.0)
    check_gradients(lambda x, labels: x[0] * len(labels), [1.0], ["a", "b"], argnums=0)


def test_the_parameters_of_a_module() -> None:
    model = MLP(2, [3, 1], activation="tanh", seed=0)
    before = [p.data for p in model.parameters()]
    check_gradients(lambda model, x: mse([model(x)], [0.7]), model, [0.3, -0.8], order=2)
    assert [p.data for p in model.parameters()] == before
    assert all(p.grad == 0.0 for p in model.parameters())


# What is refused


def test_bad_input_is_named() -> None:
    for f, expected in (
        (lambda x: "nothing", "the result must be a real number, got str 'nothing'"),
        (lambda x: None, "the result must be a real number, got None"),
        (lambda x: [x], "must return one number, got list"),
        (lambda x: x * np.ones(1), "must return one number, got a NumPy array of shape"),
    ):
        with pytest.raises(TypeError, match=re.escape(expected)):
            check_gradients(f, 1.0)
        with pytest.raises(TypeError, match="number"):
            check_gradients(f, 1.0, gradient=lambda x: 1.0)
    with pytest.raises(
        TypeError,
        match=r"name must be a real number, got str 'a'.*argnums says which arguments to differentiate with respect to",
    ):
        check_gradients(lambda x, name: x, 1.0, "a")
    with pytest.raises(ValueError, match="argnums is 1, but the function was called with 1 positional argument"):
        check_gradients(lambda x: x, 1.0, argnums=1)
    with pytest.raises(TypeError, match=r"check_gradients\(\): f must be a function, got float 1.0"):
        check_gradients(1.0, 2.0)  # type: ignore[arg-type]
    with pytest.raises(
        TypeError, match=r"gradient= must be a function that returns the derivatives, got a NumPy array"
    ):
        check_gradients(lambda x: x, 1.0, gradient=np.ones(1))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"check_gradients\(<lambda>\): the function must accept the 2 arguments given"):
        check_gradients(lambda x: x, 1.0, 2.0)
    with pytest.raises(TypeError, match=r"check_gradients\(<lambda>\): gradient= must accept the 1 argument given"):
        check_gradients(lambda x: x, 1.0, gradient=lambda x, y: x)
    for order in (0, -1, 1.5):
        with pytest.raises(ValueError, match="order must be a whole number of 1 or more"):
            check_gradients(lambda x: x, 1.0, order=order)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="rtol must be a number of 0 or more, got float -1"):
        check_gradients(lambda x: x, 1.0, rtol=-1.0)
    with pytest.raises(ValueError, match="order=3 needs a function of Values; a gradient is checked up to order 2"):
        check_gradients(lambda x: x, 1.0, gradient=lambda x: 1.0, order=3)
    with pytest.raises(ValueError, match="gives -inf here, where it has no derivative"):
        check_gradients(ag.log, 0.0)


def test_a_gradient_of_another_structure_is_named() -> None:
    x = np.ones((2, 2))
    for gradient, error, expected in (
        (lambda x: np.ones(4), ValueError, "the gradient with respect to x must have shape (2, 2), got (4,)"),
        (lambda x: None, TypeError, "the gradient with respect to x must be a real number, got None"),
        (lambda x: "a", TypeError, "the gradient with respect to x must be a real number, got str 'a'"),
        (lambda x: {"x": 1.0}, TypeError, "the gradient with respect to x is missing"),
    ):
        with pytest.raises(error, match=re.escape(expected)):
            check_gradients(lambda x: np.sum(x), x, gradient=gradient)
    with pytest.raises(
        TypeError, match=re.escape("the gradient with respect to (x, y) must be a tuple with a part for each of these")
    ):
        check_gradients(lambda x, y: x * y, 1.0, 2.0, gradient=lambda x, y: y)


def test_what_changes_its_arguments_is_caught_and_changes_nothing() -> None:
    def normalized(x: Any) -> Any:
        x /= np.sum(x)
        return x[0]

    def sorts(xs: list[float], _: Any) -> Any:
        xs.sort()
        return xs[0] * xs[1]

    x, xs = np.array([1.0, 2.0]), [3.0, 1.0]
    with pytest.raises(ValueError, match=r"normalized changed its argument x\[0\] in place; .*Let it work on a copy"):
        check_gradients(normalized, x)
    with pytest.raises(ValueError, match="normalized changed its argument"):
        check_gradients(normalized, x, gradient=lambda x: x)
    with pytest.raises(ValueError, match="normalized changed its argument"):
        check_gradients(lambda x: x @ x, x, gradient=normalized)
    with pytest.raises(ValueError, match=r"sorts changed its argument xs\[0\]"):
        check_gradients(sorts, xs, 1.0)
    with pytest.raises(ValueError, match=r"f changed its argument data\[0\]"):
        check_gradients(_changes_data, 2.0, data := np.array([1, 2]), argnums=0)
    assert (x == [1.0, 2.0]).all()
    assert xs == [3.0, 1.0]
    assert (data == [1, 2]).all()


def _changes_data(x: Any, data: Any) -> Any:
    data[0] += 1
    return x * data[0]


_changes_data.__name__ = "f"


def test_exceptions_pass_through_and_leave_nothing_changed() -> None:
    class Trouble(Exception):
        pass

    model = MLP(2, [2, 1], seed=0)
    before = [p.data for p in model.parameters()]
    calls = 0

    def fails_later(model: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls > 2:
            raise Trouble
        return model([1.0, 2.0])

    with pytest.raises(Trouble):
        check_gradients(fails_later, model)
    assert [p.data for p in model.parameters()] == before
    with pytest.raises(ZeroDivisionError):
        check_gradients(lambda x: 1 / 0, 1.0)
    with pytest.raises(Trouble):
        check_gradients(lambda x: x, 1.0, gradient=_raise(Trouble))


def _raise(error: type[Exception]) -> Callable[..., Any]:
    def f(*args: Any) -> Any:
        raise error

    return f


def test_a_function_that_is_never_the_same_is_refused() -> None:
    rng = random.Random(0)
    with pytest.raises(ValueError, match=r"for the same arguments, .*Give its random numbers a fixed seed"):
        check_gradients(lambda x: x * rng.random(), 1.0)
