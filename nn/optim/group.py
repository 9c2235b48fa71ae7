"""Group: parameters that share their options, and what an optimizer remembers about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd import Value

Flat = NDArray[np.float64]


@dataclass(eq=False)
class Group:
    """Parameters that share their options, and what the optimizer remembers about them.

    Attributes:
        parameters: leaf Values.
        options: the learning rate "lr" and the optimizer's other options, by name. You may assign to them; the next
            step checks what has changed.
        state: the optimizer's memory, such as velocities: arrays with an entry for each parameter. An update replaces
            them and never changes one in place, because compiled steps keep them in memory of their own.
        steps: how many updates have been made.
    """

    parameters: list[Value]
    options: dict[str, Any]
    state: dict[str, Flat] = field(default_factory=dict)
    steps: int = 0
    checked: dict[str, Any] = field(default_factory=dict, repr=False)  # the options when they were last checked

    def uses(self, option: str) -> bool:
        """Whether an option is on: neither 0 nor False. An elementwise update may branch on this."""
        x = self.options[option]
        return isinstance(x, Value) or bool(x)  # while an elementwise update is compiled, it is a Value

    def remember(self, name: str, start: float = 0.0) -> Flat:
        """The state of that name; at first every entry is `start`."""
        if name not in self.state:
            self.state[name] = np.full(len(self.parameters), start)
        return self.state[name]
