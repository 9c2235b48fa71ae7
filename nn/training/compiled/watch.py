"""Watch: a function is called when a model is next used. Until then the numbers of its Values are elsewhere."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from autograd import Value
from autograd.node import on_backward, on_read, on_record, reachable

from ...module import Module

_acts: dict[int, Callable[[], None]] = {}  # what to call, by the id of a Module or Value that is watched


class Watch:
    """Waits for the next use of a model. Waiting costs nothing, however long it takes.

    While it waits, each Module has a class of its own, in which every attribute that is read or set calls the
    function first. Each Value is nan; to read or set its `data`, to compute with it, and to differentiate what was
    computed from it calls the function, too. The function must call `end` and give the Values their numbers.

    Args:
        model: the model.
        values: the Values whose numbers are elsewhere.
        act: the function.
    """

    def __init__(self, model: Module, values: Sequence[Value], act: Callable[[], None]) -> None:
        self._modules: list[tuple[Module, Any]] = [(module, type(module)) for module in model.modules()]
        self._values, self._act = values, act

    def start(self) -> None:
        """Begin to wait."""
        for p in self._values:
            p.data = math.nan
        _acts.update(dict.fromkeys(map(id, self._values), self._act))
        for hooks, hook in _HOOKS:
            if hook not in hooks:
                hooks.insert(0, hook)  # in front, so that the others see the numbers
        for module, kind in self._modules:
            _acts[id(module)] = self._act
            module.__class__ = _watched(kind)

    def end(self) -> None:
        """Wait no longer. Each Module has its own class again."""
        for module, kind in self._modules:
            object.__setattr__(module, "__class__", kind)
        for x in (*self._values, *[module for module, _ in self._modules]):
            _acts.pop(id(x), None)
        for hooks, hook in _HOOKS:
            if not _acts and hook in hooks:
                hooks.remove(hook)


def _ask(x: Any) -> None:
    """Call what waits for the use of x."""
    act = _acts.get(id(x))
    if act is not None:
        act()
        _clear_flags()


def _ask_for_arguments(node: Value) -> None:
    """If a node was computed from Values whose numbers are elsewhere, compute it again."""
    missing = [x for x in node.parents if id(x) in _acts]
    if missing:
        for x in missing:
            _ask(x)
        assert node.op is not None
        numbers = [tuple(map(_number, x)) if isinstance(x, tuple) else _number(x) for x in node.args]
        node.data = float(node.op(*numbers))
        _clear_flags()


def _clear_flags() -> None:
    """Clear what nan has set in the processor: NumPy, if it is adding up an array of Values, would warn of it."""
    np.add(0.0, 0.0)


def _number(x: Any) -> float:
    return x.data if isinstance(x, Value) else x


def _ask_for_leaves(root: Value, seed: Any) -> None:
    """Ask for the Values that a derivative depends on."""
    for leaf in reachable([root])[0]:
        _ask(leaf)


_HOOKS: tuple[tuple[list[Any], Any], ...] = (
    (on_read, _ask),
    (on_record, _ask_for_arguments),
    (on_backward, _ask_for_leaves),
)


@lru_cache
def _watched(kind: Any) -> Any:
    """A class like `kind` whose instances are ordinary ones from their first use on."""

    def __getattribute__(self: Module, name: str) -> Any:
        _ask(self)
        return getattr(self, name)

    def __setattr__(self: Module, name: str, x: Any) -> None:
        _ask(self)
        setattr(self, name, x)

    def __delattr__(self: Module, name: str) -> None:
        _ask(self)
        delattr(self, name)

    methods = {"__getattribute__": __getattribute__, "__setattr__": __setattr__, "__delattr__": __delattr__}
    return type(kind)(kind.__name__, (kind,), {**methods, "__slots__": (), "__module__": kind.__module__})
