"""Every public entry of the engine's compiled files, called with arguments of wrong types: no words of mypyc's."""

import inspect
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd as ag
from autograd import Value, chain, fast, node, value
from autograd.transforms import sweep

FILES = (node, fast, chain, value, sweep)
LEFT_OUT = {
    "__class__",
    "__init_subclass__",
    "__subclasshook__",
    "__sizeof__",
    "__dir__",
    "__reduce_ex__",
    "__mypyc_attrs__",
}
# mypyc's, and what looks into objects past what they show
MYPYC = ("object expected", "interpreted classes", "undefined", "autograd.value.", "__mypyc", "union[", "tuple[")


def wrong_arguments() -> list[Any]:
    x = Value(2.0)
    return [
        None, "a", b"a", [], [1.0], ["a"], (), (x,), (1, 2), {}, {x: 1.0}, {x}, object(), 1j, 10**400, np.ones(2),
        np.float32(1), x, x * x, 1.0, 3, True, ag.sin, inspect.signature,
    ]  # fmt: skip


def functions() -> list[Any]:
    """The public functions of the compiled files, each once."""
    return [
        f
        for file in FILES
        for name, f in vars(file).items()
        if not name.startswith("_") and callable(f) and not inspect.isclass(f) and f.__module__ == file.__name__
    ]


def message(call: Callable[..., Any], *args: Any) -> str:
    """The message of the error of a call, if there is one."""
    try:
        result = call(*args)
        if inspect.isgenerator(result) or type(result).__name__.endswith("_gen"):
            list(itertools.islice(result, 3))
    except Exception as error:
        return str(error)
    return ""


def test_there_are_functions() -> None:
    assert {fast.dot, chain.accumulate, chain.reachable, sweep.pull_back, node.walk} <= set(functions())


@pytest.mark.parametrize("function", functions(), ids=lambda f: f"{f.__module__}.{f.__name__}")
def test_functions_name_what_they_expect_in_plain_words(function: Any) -> None:
    count = len(inspect.signature(function).parameters)
    kinds = len(wrong_arguments())
    for first, step in itertools.product(range(kinds), repeat=2):
        args = [wrong_arguments()[(first + k * step) % kinds] for k in range(count)]
        said = message(function, *args)
        assert not [words for words in MYPYC if words in said], (said, args)


@pytest.mark.parametrize("name", [name for name in dir(Value) if name not in LEFT_OUT and hasattr(Value(1.0), name)])
def test_methods_and_properties_name_what_they_expect_in_plain_words(name: str) -> None:
    kinds = len(wrong_arguments())
    for make in (lambda: Value(1.0), lambda: Value(1.0) * Value(3.0)):
        for first in range(kinds):
            said = [message(setattr, make(), name, wrong_arguments()[first])]
            method = getattr(make(), name)
            raw = inspect.getattr_static(Value, name)
            for count in range(4):
                args = [wrong_arguments()[(first + k) % kinds] for k in range(count)]
                said += [message(call, *args) for call in (method, raw) if callable(call)]
            assert not [words for words in MYPYC for text in said if words in text], (said, first)


def test_no_method_of_mypycs_is_on_the_classes() -> None:
    for kind in (Value, fast.Arithmetic, node.Node):
        assert not [name for name in dir(kind) if "mypyc" in name and name != "__mypyc_attrs__"]
