"""Copies of a model with other Values and random generators, and whether code compiled for a model still fits it."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MethodType
from typing import Any, NoReturn

import numpy as np

from autograd import Value
from autograd.lost import Guard
from autograd.transforms.containers import constants_of, typed_key

from ...module import Module, is_container, members, walk
from ...optim.base import Optimizer

PACKAGE = Module.__module__.split(".")[0] + "."


def structure(model: Module, modes: bool) -> list[Any]:
    """Everything that compiled code depends on, except the data of Values: as long as it is equal, the code fits.

    Args:
        model: the model.
        modes: whether the code also depends on which parts are training.
    """
    return list(_structure(model, modes, {}))


def _structure(x: Any, modes: bool, seen: dict[int, tuple[int, Any]]) -> Iterator[Any]:
    if isinstance(x, Value):
        yield id(x)  # the code reads the data of these Values, and so keeps them alive
    elif isinstance(x, np.ndarray) and x.dtype != object:
        yield x.shape, x.dtype, x.tobytes()
    elif isinstance(x, MethodType):
        yield x.__func__  # not the method itself, which would keep the model alive
        yield from _structure(x.__self__, modes, seen)
    elif not is_container(x):
        yield typed_key(x)
        if getattr(x, "__dict__", None) and not callable(x) and id(x) not in seen:  # such as a user's settings
            seen[id(x)] = len(seen), x
            yield from _structure(dict(vars(x)), modes, seen)
    elif id(x) in seen:
        yield seen[id(x)][0]
    else:
        seen[id(x)] = len(seen), x  # x too, so that no later object gets its id
        yield x.__class__, typed_key(constants_of(x))  # unlike type(x), x.__class__ ends a Watch
        if modes and isinstance(x, Module):
            yield x.training
        if isinstance(x, Module) and id(type(x)) not in seen:
            seen[id(type(x))] = len(seen), type(x)
            for name, item in _class_attributes(type(x)):
                yield name
                yield from _structure(item, modes, seen)
        for name, item in members(x):
            if name != "training" or not isinstance(x, Module):
                yield name
                yield from _structure(item, modes, seen)


def _class_attributes(kind: type[Module]) -> Iterator[tuple[str, Any]]:
    """What instances read from a class of the user's, apart from methods."""
    for each in kind.__mro__[: kind.__mro__.index(Module)]:
        if not each.__module__.startswith(PACKAGE):
            yield from ((name, x) for name, x in vars(each).items() if not (callable(x) or name.startswith("__")))


def substitute(model: Module, replacements: Mapping[Any, Any]) -> Module:
    """A copy of a model in which some Values and Generators are replaced.

    The other Values are the model's own, whose data the code reads at each call, or results that it keeps.
    """
    memo: dict[int, Any] = {id(x): x for _, x in walk(model, "", {}) if isinstance(x, Value)}
    memo |= {id(x): x for x in buffer_values(model)}
    memo |= {id(x): other for x, other in replacements.items()}
    return copy.deepcopy(model, memo)


def guarded(f: Callable[..., Any], optimizer: Optimizer) -> Callable[..., Any]:
    """f, in which the optimizer's parameters, for which others stand, must not become constants, as by float(p)."""

    @functools.wraps(f)
    def inside(*args: Any) -> Any:
        with Guard("a compiled step:", (), optimizer.parameters):
            return f(*args)

    return inside


def buffer_values(model: Module) -> list[Value]:
    """The Values in the Buffers of a model."""
    return [x for buffer in model.buffers() for x in buffer]


def generators(model: Module) -> list[np.random.Generator]:
    """The Generators that Modules keep as `rng`, each once."""
    rngs = [getattr(module, "rng", None) for module in model.modules()]
    return list({id(rng): rng for rng in rngs if isinstance(rng, np.random.Generator)}.values())


class Replay:
    """Takes the place of a Generator in a copy of a model, and returns numbers drawn before, one after the other.

    Attributes:
        count: how many it has returned.
    """

    def __init__(self, numbers: Iterable[Any]) -> None:
        self._numbers = iter(numbers)
        self.count = 0

    def random(self, size: int) -> Any:
        """The next `size` numbers, in an array."""
        self.count += size
        numbers = np.empty(size, dtype=object)
        numbers[:] = [next(self._numbers) for _ in range(size)]
        return numbers

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(
            f"a model in nn.compile_step must draw its random numbers by rng.random(n), n an int, got rng.{name}"
        )
