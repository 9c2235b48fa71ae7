"""Settings in a form that JSON can keep: what must be the same when a run is resumed from a checkpoint."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from autograd import Value
from autograd.transforms.containers import constants_of

from .code import describe_code
from .module import Module, is_container, members


def describe_setting(x: Any) -> Any:
    """A setting in numbers, strings, lists and dicts. Functions and other objects: see describe_code."""
    if isinstance(x, np.generic):
        x = x.item()
    if x is None or isinstance(x, (bool, int, float, str)):
        return x
    if isinstance(x, (list, tuple, np.ndarray)):
        return [describe_setting(each) for each in x]
    if isinstance(x, dict):
        return {str(name): describe_setting(each) for name, each in x.items()}
    return describe_code(x)


def settings_of(model: Module) -> dict[str, Any]:
    """What a model computes, apart from its numbers, by path: kinds of Modules, functions, rates, flags.

    What state_dict() saves, private attributes and the states of random generators are left out.
    """
    return {"": describe_code(type(model)), **dict(_settings(model, "", {id(model): model}))}


def _settings(container: Any, path: str, seen: dict[int, Any]) -> Iterator[tuple[str, Any]]:
    for name, x in members(container):
        place = f"{path}{name}"
        if isinstance(container, Module) and (name == "training" or name.startswith("_")):
            continue
        if isinstance(x, (Value, np.random.Generator)) or (isinstance(x, np.ndarray) and x.dtype != object):
            continue
        if not is_container(x):
            yield place, describe_setting(x)
        elif id(x) not in seen:
            seen[id(x)] = x
            if isinstance(x, Module):
                yield place, describe_code(type(x))
            if (constants := constants_of(x)) is not None:
                yield place, describe_setting(constants)
            yield from _settings(x, f"{place}.", seen)
