"""Watch: a function is called when a model is next used. Until then the numbers of its Values are elsewhere."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from autograd import Value
from autograd.node import on_missing

from ...module import Module

_acts: dict[int, Callable[[], None]] = {}  # what to call, by the id of a Module or Value that is watched


class Watch:
    """Waits for the next use of a model. Waiting costs nothing, however long it takes.

    While it waits, each Module has a class of its own, in which every attribute that is read or set calls the
    function first, and each Value is nan, of which reading or setting `data` does so. The function must call `end` and
    give the Values their numbers.

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
        if _ask not in on_missing:
            on_missing.append(_ask)
        for module, kind in self._modules:
            _acts[id(module)] = self._act
            module.__class__ = _watched(kind)

    def end(self) -> None:
        """Wait no longer. Each Module has its own class again."""
        for module, kind in self._modules:
            object.__setattr__(module, "__class__", kind)
        for x in (*self._values, *[module for module, _ in self._modules]):
            _acts.pop(id(x), None)
        if not _acts and _ask in on_missing:
            on_missing.remove(_ask)


def _ask(x: Any) -> None:
    """Call what waits for the use of x."""
    act = _acts.get(id(x))
    if act is not None:
        act()


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
