"""Models in compiled code: copies that hold other numbers and given randomness, and whether code still serves."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from types import MethodType
from typing import Any, NoReturn

import numpy as np

from autograd import Value

from ...module import Module, members, walk


def structure(model: Module, modes: bool) -> list[Any]:
    """What code compiled of a model depends on, all but the data of its Values: while it is equal, the code serves.

    Args:
        model: the model.
        modes: whether the code depends on which parts are training, too.
    """
    return list(_structure(model, modes, {}))


def _structure(x: Any, modes: bool, seen: dict[int, int]) -> Iterator[Any]:
    if isinstance(x, Value):
        yield id(x)  # code reads the data of the Values that it was compiled of, and so keeps them
    elif isinstance(x, np.ndarray) and x.dtype != object:
        yield x.shape, x.dtype, x.tobytes()
    elif isinstance(x, MethodType):
        yield x.__func__  # not the method itself: it would keep the model alive
        yield from _structure(x.__self__, modes, seen)
    elif not isinstance(x, (Module, list, tuple, dict, np.ndarray)):
        yield x
    elif id(x) in seen:
        yield seen[id(x)]
    else:
        seen[id(x)] = len(seen)
        yield type(x)
        if modes and isinstance(x, Module):
            yield x.training
        for name, item in members(x):
            if name != "training" or not isinstance(x, Module):
                yield name
                yield from _structure(item, modes, seen)


def settings(model: Module) -> dict[str, Any]:
    """What a model computes besides its numbers, by the path to it: kinds of Modules, functions, rates, flags.

    All of it goes into JSON. What state_dict() saves, private attributes and random states are left out.
    """
    return {"": type(model).__qualname__, **dict(_settings(model, "", {id(model)}))}


def _settings(container: Any, path: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    for name, x in members(container):
        place = f"{path}{name}"
        if isinstance(container, Module) and (name == "training" or name.startswith("_")):
            continue
        if isinstance(x, (Value, np.random.Generator)) or (isinstance(x, np.ndarray) and x.dtype != object):
            continue
        if isinstance(x, np.generic):
            x = x.item()
        if x is None or isinstance(x, (bool, int, float, str)):
            yield place, x
        elif not isinstance(x, (Module, list, tuple, dict, np.ndarray)):
            yield place, str(getattr(x, "__qualname__", type(x).__qualname__))
        elif id(x) not in seen:
            seen.add(id(x))
            if isinstance(x, Module):
                yield place, type(x).__qualname__
            yield from _settings(x, f"{place}.", seen)


def substitute(model: Module, given: Mapping[Any, Any]) -> Module:
    """A copy of a model with other things in the place of some Values and Generators.

    The other Values are the model's own, whose data code reads at each call, or results that it has kept.
    """
    memo: dict[int, Any] = {id(x): x for _, x in walk(model, "", set()) if isinstance(x, Value)}
    memo |= {id(x): x for x in buffer_values(model)}
    memo |= {id(x): other for x, other in given.items()}
    return copy.deepcopy(model, memo)


def buffer_values(model: Module) -> list[Value]:
    """The Values in the Buffers of a model."""
    return [x for buffer in model.buffers() for x in buffer]


def generators(model: Module) -> list[np.random.Generator]:
    """The Generators that modules have as `rng`, each once."""
    found = [getattr(module, "rng", None) for module in model.modules()]
    return list({id(rng): rng for rng in found if isinstance(rng, np.random.Generator)}.values())


class Replay:
    """Stands for a Generator in a copy of a model, and gives the numbers that it is given, one after the other.

    Attributes:
        taken: how many were asked for.
    """

    def __init__(self, numbers: Iterable[Any]) -> None:
        self._numbers = iter(numbers)
        self.taken = 0

    def random(self, size: int) -> Any:
        """The next `size` numbers, in an array."""
        self.taken += size
        numbers = np.empty(size, dtype=object)
        numbers[:] = [next(self._numbers) for _ in range(size)]
        return numbers

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(
            f"nn.compile_step gives a model the random numbers of rng.random(n), n an int, and cannot give rng.{name}"
        )
