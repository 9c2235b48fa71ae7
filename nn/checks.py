"""Checks of arguments. The errors name the argument."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any, ParamSpec

import numpy as np

from autograd import Value
from autograd.primitive import check_flag as check_flag, describe, is_number
from autograd.value import number_of

from .attributes import list_in_order
from .module import Module

P = ParamSpec("P")
_NO_ROW = (str, bytes, bytearray, Mapping, Set)  # what can be iterated over, but is no row of numbers


def check_count(n: Any, name: str, least: int = 1) -> int:
    """A whole number of `least` or more; TypeError or ValueError otherwise."""
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)):
        raise TypeError(f"{name} must be a whole number of {least} or more, got {n!r}")
    if n < least:
        raise ValueError(f"{name} must be a whole number of {least} or more, got {n}")
    return int(n)


def check_nonnegative(x: Any, name: str) -> float:
    """A finite number of 0 or more; TypeError or ValueError otherwise."""
    return _check_number(x, name, "a finite number of 0 or more", lambda x: 0 <= x < math.inf)


def check_learning_rate(x: Any, name: str) -> float:
    """A finite number of 0 or more, which messages call the learning rate; TypeError or ValueError otherwise."""
    return check_nonnegative(x, f"the learning rate {name}")


def check_number(x: Any, name: str) -> float:
    """A number, perhaps infinite but not nan; TypeError or ValueError otherwise."""
    if not isinstance(x, Value) and not is_number(x):
        raise TypeError(f"{name} must be a number, got {describe(x)}")
    number = number_of(x)
    if math.isnan(number):
        raise ValueError(f"{name} must be a number that is not nan, got nan")
    return number


def check_positive(x: Any, name: str) -> float:
    """A finite number above 0; TypeError or ValueError otherwise."""
    return _check_number(x, name, "a finite number above 0", lambda x: 0 < x < math.inf)


def check_limit(x: Any, name: str) -> float:
    """A number of 0 or more, infinity too; TypeError or ValueError otherwise."""
    return _check_number(x, name, "a number of 0 or more", lambda x: x >= 0)


def check_fraction(x: Any, name: str) -> float:
    """A number from 0 to 1; TypeError or ValueError otherwise."""
    return _check_number(x, name, "a number from 0 to 1", lambda x: 0 <= x <= 1)


def check_fraction_below_one(x: Any, name: str) -> float:
    """A number from 0 up to but not including 1; TypeError or ValueError otherwise."""
    return _check_number(x, name, "a number from 0 up to but not including 1", lambda x: 0 <= x < 1)


def check_betas(x: Any, name: str) -> tuple[float, ...]:
    """Two numbers from 0 up to but not including 1, such as those of Adam; TypeError or ValueError otherwise."""
    if not isinstance(x, (tuple, list)) or len(x) != 2:
        raise TypeError(f"{name} must be two numbers from 0 up to but not including 1, got {x!r}")
    return tuple([check_fraction_below_one(each, f"each of {name}") for each in x])


def check_number_or_flag(x: Any, name: str) -> Any:
    """A finite number, True or False, or a tuple of these; TypeError or ValueError otherwise."""
    if isinstance(x, (bool, np.bool_)):
        return bool(x)
    if isinstance(x, (tuple, list)):
        return tuple([check_number_or_flag(each, f"each of {name}") for each in x])
    return _check_number(x, name, "a finite number, True or False, or a tuple of these", math.isfinite)


def _check_number(x: Any, name: str, wanted: str, fits: Callable[[Any], bool]) -> float:
    if isinstance(x, bool) or not isinstance(x, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name} must be {wanted}, got {x!r}")
    if not fits(x):
        raise ValueError(f"{name} must be {wanted}, got {x}")
    return float(x)


def refuse_keyword(keyword: str, hint: str) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """A decorator of an __init__: a keyword that it has in another library is a TypeError that says what to write."""

    def decorate(init: Callable[P, None]) -> Callable[P, None]:
        @functools.wraps(init)
        def checked(*args: P.args, **keywords: P.kwargs) -> None:
            if keyword in keywords:
                raise TypeError(f"{type(args[0]).__name__} has no argument {keyword}. {hint}")
            init(*args, **keywords)

        return checked

    return decorate


def check_function(f: Any, name: str) -> None:
    """Raise TypeError unless it can be called."""
    if not callable(f):
        raise TypeError(f"{name} must be a function, got {f!r}")


def refuse_masked(x: Any, name: str) -> None:
    """ValueError for a NumPy array with masked entries, whose numbers are not meant to be used."""
    if isinstance(x, np.ma.MaskedArray) and np.ma.is_masked(x):
        raise ValueError(
            f"{name} must not have masked entries, got {int(x.mask.sum()):,}. Leave these out, or fill the gaps, "
            "as by filled(0.0)"
        )


def check_module(model: Any, caller: str) -> None:
    """Raise TypeError, with the call as it should be, unless it is a Module."""
    if not isinstance(model, Module):
        raise TypeError(f"{caller}: model must be a Module, got {describe(model)}")


def make_generator(seed: Any) -> np.random.Generator:
    """The Generator of a seed, or the Generator that is passed; TypeError or ValueError for anything else."""
    if isinstance(seed, bool) or (seed is not None and not isinstance(seed, (int, np.integer, np.random.Generator))):
        raise TypeError(f"seed must be an int, a NumPy Generator or None, got {seed!r}")
    if isinstance(seed, (int, np.integer)) and seed < 0:
        raise ValueError(f"seed must be an int of 0 or more, a NumPy Generator or None, got {seed}")
    return np.random.default_rng(seed)


def list_parameters(given: Iterable[Any], name: str) -> list[Any]:
    """Parameters, or groups of them, in a list; TypeError, naming the function, for a Module or something else."""
    if isinstance(given, Module) or not isinstance(given, Iterable) or isinstance(given, str):
        got = type(given).__name__ if isinstance(given, Module) else describe(given)
        raise TypeError(f"{name}: parameters must be a list of Values, got {got}. Pass model.parameters()")
    return list_in_order(given, f"{name}: parameters")


def list_leaves(given: Iterable[Any], name: str) -> list[Value]:
    """Leaf Values, each once; TypeError or ValueError otherwise."""
    parameters = list_parameters(given, name)
    for p in parameters:
        check_parameter(p, name)
    if len(set(parameters)) < len(parameters):
        raise ValueError(f"{name}: duplicate parameter. Pass each parameter once")
    return parameters


def check_parameter(p: Any, name: str) -> None:
    """Raise TypeError unless it is a leaf Value."""
    if not isinstance(p, Value) or p.op is not None:
        raise TypeError(f"{name}: a parameter must be a leaf Value, got {describe(p)}")


def describe_layer(owner: Module) -> str:
    """A layer or model as messages name it."""
    return f"{type(owner).__name__}({owner.extra_repr()})"


def check_example(x: Any, owner: Module, n: int | None = None) -> tuple[Any, ...]:
    """One example as a tuple of floats and Values.

    Args:
        x: a list, tuple, array or iterator of numbers and Values. A single number or Value stands for a list of one.
        owner: the layer or model that was called with it.
        n: how many numbers the example must have, if that is fixed.

    Raises:
        TypeError: if x is something else.
        ValueError: if x has another length, or holds many examples.
    """
    if type(x) is not tuple:
        if isinstance(x, np.ndarray):
            if type(x) is not np.ndarray:
                refuse_masked(x, "an example")
            if x.ndim > 1:
                raise ValueError(_explain_many(owner, n, f"an array of shape {x.shape}"))
            x = x.tolist()
        if isinstance(x, (Value, int, float, np.integer, np.floating)):
            x = (x,)  # what a layer of one neuron returns, or the input of a network of one variable
        elif type(x) is not list and (isinstance(x, _NO_ROW) or not hasattr(x, "__iter__")):
            count = "" if n is None else f"{n} "
            raise TypeError(f"{describe_layer(owner)}: the input must be a list of {count}numbers or Values, got {x!r}")
    xs = tuple(x)
    if any(type(p) is not float and not isinstance(p, Value) for p in xs):
        # Converted once here, and not in each neuron of the layer.
        if any(isinstance(p, (list, tuple, np.ndarray)) for p in xs):
            raise ValueError(_explain_many(owner, n, f"a list of {len(xs)} lists"))
        xs = tuple([float(p) if isinstance(p, (int, np.integer, np.floating)) else p for p in xs])
    if n is not None and len(xs) != n:
        raise ValueError(f"{describe_layer(owner)}: the input must have {n} number{'s' * (n != 1)}, got {len(xs)}")
    return xs


def _explain_many(owner: Module, n: int | None, given: str) -> str:
    count = "numbers" if n is None else f"{n} number{'s' * (n != 1)}"
    return (
        f"{describe_layer(owner)}: the input must be one example of {count}, got {given}. For many examples, call "
        "nn.predict(model, X) or ag.jit(model, in_axes=0)(X), or model.batch(X) to train"
    )


def make_output(ys: Sequence[Any]) -> Any:
    """The output of a layer: a list, or the number itself if there is only one."""
    return ys[0] if len(ys) == 1 else list(ys)


def restate(error: Exception, message: str) -> Exception:
    """An error of the same kind with another message: a TypeError for a TypeError, a ValueError for all others."""
    return TypeError(message) if isinstance(error, TypeError) else ValueError(message)
