"""Keyword arguments, defaults, static arguments, and programs that are pickled by name."""

from __future__ import annotations

import copy
import functools
import inspect
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import autograd as ag
import nn
from autograd.jit import Program, jit


def line(x: Any, slope: Any = 2.0, *, shift: Any = 1.0) -> Any:
    return slope * x + shift


def test_keywords_reach_the_parameters_that_they_name() -> None:
    program = jit(line)
    assert program(3.0) == line(3.0)
    assert program(x=3.0) == line(3.0)
    assert program(3.0, slope=5.0) == program(3.0, 5.0) == program(slope=5.0, x=3.0) == line(3.0, 5.0)
    assert program(3.0, shift=-1.0) == line(3.0, shift=-1.0)
    assert program.value_and_grad(3.0, shift=-1.0, slope=4.0, argnums=(0, 1, 2)) == (11.0, (4.0, 3.0, 1.0))
    assert program.value_and_grad(3.0, shift=-1.0, argnums=2) == (5.0, 1.0)
    assert program.value_and_grad(3.0, shift=-1.0, argnums=-1) == (5.0, 1.0)
    assert "argument shift" in str(program.graph)
    assert ag.grad(program)(3.0, shift=4.0) == 2.0
    assert ag.grad(lambda s: program(3.0, shift=s * s))(5.0) == 10.0
    assert jit(lambda s: program(3.0, shift=s * s))(5.0) == 31.0


def test_modules_methods_partials_and_odd_names_take_keywords() -> None:
    model = nn.Neuron(2, seed=0)
    x = np.array([1.0, 2.0])
    assert jit(lambda x, model: model(x))(x, model=model) == jit(model)(x)
    (name,) = inspect.signature(model).parameters
    assert jit(model)(**{name: x}) == jit(model)(x)
    assert jit(functools.partial(line, slope=5.0))(2.0, shift=3.0) == 13.0
    assert jit(lambda self, args: self - args)(self=3.0, args=1.0) == 2.0


def test_in_axes_count_the_parameters() -> None:
    x, shift = np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0])
    program = jit(line, in_axes=(0, None, 0))
    assert np.array_equal(program(x), line(x))
    assert np.array_equal(program(x, 5.0), line(x, 5.0))
    assert np.array_equal(program(x, shift=shift), line(x, shift=shift))
    assert np.array_equal(program(shift=shift, slope=5.0, x=x), line(x, 5.0, shift=shift))
    _value, (by_slope, by_shift) = program.value_and_grad(x, slope=5.0, shift=shift, argnums=(1, 2))
    assert (by_slope, by_shift.tolist()) == (x.sum(), [1.0, 1.0, 1.0])
    assert np.array_equal(jit(line, in_axes=0)(x, shift=shift), line(x, shift=shift))
    with pytest.raises(TypeError, match=r"argument shift must have axis 0, its batch axis"):
        program(x, shift=1.0)
    with pytest.raises(
        TypeError, match=r"in_axes must have an entry for each argument.*none for shift, got \(0, None\)"
    ):
        jit(line, in_axes=(0, None))(x, shift=1.0)
    with pytest.raises(TypeError, match=r"in_axes must have an entry for each argument, .* none for other"):
        jit(lambda x, **rest: x, in_axes=(0,))(x, other=x)
    assert jit(lambda x, **rest: x * rest["a"], in_axes=0)(x, a=x).tolist() == [1.0, 4.0, 9.0]


def test_keywords_that_do_not_fit_are_refused() -> None:
    program = jit(line)
    for call, message in (
        (lambda: program(1.0, x=2.0), "multiple values for argument 'x'"),
        (lambda: program(1.0, steep=2.0), "unexpected keyword argument 'steep'"),
        (lambda: program(slope=2.0), "missing a required argument: 'x'"),
        (lambda: jit(max)(1.0, key=2.0), "parameters of this function are unknown|must be"),
    ):
        with pytest.raises(TypeError, match=f"jit.*{message}"):
            call()
    with pytest.raises(ValueError, match=r"argnums must name some .* got 1, which is no argument of this call"):
        program.value_and_grad(1.0, shift=2.0, argnums=1)
    with pytest.raises(ValueError, match=r"argnums must name some .* each once"):
        program.value_and_grad(1.0, slope=2.0, argnums=(1, -1))


@st.composite
def calls(draw: Any) -> Any:
    """A function that weighs its parameters by primes, and a call of it: by position, by keyword, or left out."""
    weights = [2.0, 3.0, 5.0, 7.0, 11.0]
    count = draw(st.integers(1, 5))
    only = draw(st.integers(0, count))  # from here on the parameters are keyword-only
    required = draw(st.integers(0, only))
    names = [f"p{k}" for k in range(count)]
    heads = [name if k < required else f"{name}={k + 1.0}" for k, name in enumerate(names)]
    if only < count:
        heads.insert(only, "*")
    scope: dict[str, Any] = {}
    exec(f"def f({', '.join(heads)}): return {' + '.join(f'{w} * {n}' for w, n in zip(weights, names))}", scope)
    positional = draw(st.integers(0, only))
    by_name = [k for k in range(positional, count) if k < required or draw(st.booleans())]
    numbers = draw(st.lists(st.integers(-9, 9).map(float), min_size=count, max_size=count))
    order = draw(st.permutations(by_name))
    passed = [*range(positional), *by_name]
    return scope["f"], numbers[:positional], {names[k]: numbers[k] for k in order}, passed, weights


@given(calls(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_any_split_into_positions_and_keywords_is_the_call_of_the_function(call: Any, static: bool) -> None:
    f, args, keywords, passed, weights = call
    program = jit(f, static_argnames=["p0"]) if static else jit(f)
    assert program(*args, **keywords) == f(*args, **keywords)
    for k in passed:
        if not (static and k == 0):
            assert program.value_and_grad(*args, **keywords, argnums=k) == (f(*args, **keywords), weights[k])


def test_static_arguments_are_python_objects_and_compiled_for_each_value() -> None:
    runs: list[Any] = []

    def f(x: Any, n: Any, kind: Any = "power") -> Any:
        runs.append((n, kind))
        if kind == "power":
            return x**n
        return ag.sum([x] * n)

    program = jit(f, static_argnames=("n", "kind"))
    assert [program(3.0, 2), program(3.0, n=2), program(3.0, 3), program(3.0, 2, "sum"), program(2.0, 2)] == [
        9.0, 9.0, 27.0, 6.0, 4.0,
    ]  # fmt: skip
    assert runs == [(2, "power"), (3, "power"), (2, "sum")]
    assert program.value_and_grad(3.0, 2) == (9.0, 6.0)
    assert jit(f, static_argnums=(1, -1))(3.0, 2, "sum") == 6.0
    assert jit(lambda flag, x: x if flag is True else -x, static_argnums=0)(True, 2.0) == 2.0
    X = np.array([1.0, 2.0])
    assert jit(f, in_axes=0, static_argnums=(1, 2))(X, 2).tolist() == [1.0, 4.0]
    assert jit(f, in_axes=(0, None, None), static_argnums=(1, 2))(X, n=2).tolist() == [1.0, 4.0]
    assert ag.grad(program)(3.0, 2) == 6.0
    assert jit(lambda *xs: xs[0] * xs[1], static_argnums=1)(2.0, 3) == 6.0


def test_equal_static_arguments_of_different_kinds_are_different() -> None:
    program = jit(lambda x, n: x + (2.0 if n is True else 0.0 if type(n) is int else 1.0), static_argnames="n")
    assert [program(1.0, 1), program(1.0, True), program(1.0, 1.0)] == [1.0, 3.0, 2.0]
    signs = jit(lambda x, z: x * np.copysign(1.0, z), static_argnames="z")
    assert [signs(1.0, 0.0), signs(1.0, -0.0)] == [1.0, -1.0]


def test_static_arguments_that_cannot_be_are_refused() -> None:
    program = jit(lambda x, n: x, static_argnames="n")
    for wrong in ([1], np.ones(2), {"a": 1}, (1, [2])):
        with pytest.raises(TypeError, match=r"the static argument n must be hashable, got .*Pass a tuple"):
            program(1.0, wrong)
        with pytest.raises(TypeError, match="the static argument n must be hashable"):
            program(1.0, n=wrong)
    with pytest.raises(ValueError, match=r"argnums must name some .* got 1, which is a static argument"):
        program.value_and_grad(1.0, 2, argnums=1)
    with pytest.raises(TypeError, match=r"in_axes must be None for the static argument n, got \(0, 0\)"):
        jit(lambda x, n: x, in_axes=(0, 0), static_argnames="n")(np.ones(2), 1)
    for options, kind in (
        ({"static_argnums": 2}, ValueError),
        ({"static_argnums": "n"}, TypeError),
        ({"static_argnums": True}, TypeError),
        ({"static_argnames": "m"}, ValueError),
        ({"static_argnames": 1}, TypeError),
        ({"static_argnames": [1]}, TypeError),
    ):
        with pytest.raises(kind, match=f"jit.*{next(iter(options))} must"):
            jit(lambda x, n: x, **options)  # type: ignore[arg-type]


def test_what_a_program_closes_over_is_read_in_calls_with_keywords_too() -> None:
    a = ag.Value(2.0)
    program = jit(lambda x, n=1, *, b=0.0: a * x**n + b, static_argnames="n")
    assert (program(3.0, b=1.0), program(3.0, n=2)) == (7.0, 18.0)
    a.data = 10.0
    assert (program(3.0, b=1.0), program(3.0, n=2)) == (31.0, 90.0)
    assert ag.grad(lambda v: jit(lambda x, *, b: v * x * b)(3.0, b=2.0))(1.0) == 6.0


# Pickling


@jit(in_axes=0)
def decorated(x: Any) -> Any:
    return x * x


@jit(static_argnames="n")
def power(x: Any, n: Any) -> Any:
    return x**n


class Holder:
    @staticmethod
    @jit
    def cube(x: Any) -> Any:
        return x * x * x


def plain(x: Any, n: Any = 2) -> Any:
    return x**n


def test_a_decorated_program_is_pickled_by_its_name() -> None:
    for program in (decorated, power, Holder.cube):
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            assert pickle.loads(pickle.dumps(program, protocol)) is program
        assert copy.deepcopy(program) is copy.copy(program) is program
    assert pickle.loads(pickle.dumps(decorated))([3.0]).tolist() == [9.0]


def test_a_program_beside_its_function_is_pickled_with_it() -> None:
    again = pickle.loads(pickle.dumps(jit(plain, in_axes=0, static_argnames="n")))
    assert again([2.0, 3.0], n=3).tolist() == [8.0, 27.0]
    assert plain.__qualname__ == "plain"
    local = jit(lambda x: x)
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(local)
    assert isinstance(copy.copy(local), Program)
