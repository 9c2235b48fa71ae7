"""step_through(): a page that plays backpropagation on a graph."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..primitive import describe

if TYPE_CHECKING:
    from .page import StepThrough


def step_through(loss: Any, lr: float | None = None) -> StepThrough:
    """Make a page that plays backpropagation on the graph of `loss`, one step at a time.

    Forward, each node is computed. Backward, each passes its gradient along its edges, with the chain
    rule written out in its numbers. Then, if `lr` is given, each leaf is moved against its
    gradient. The page is one file that needs no network. Its gradients start at 0, whatever those of the
    graph were, and the graph does not change.

    Args:
        loss: the Value to differentiate, a loss or any other, with up to 300 nodes including plain
            numbers. Labels are shown; nodes without a label are called L, v1, v2 ...
        lr: the learning rate. Every leaf Value is moved; use plain numbers for what should stay as it is.

    Returns:
        A StepThrough, which Jupyter shows and `save("steps.html")` writes to a file.

    Raises:
        TypeError: if `loss` is not a Value or `lr` is not a number.
        ValueError: if `lr` is negative, infinite or nan, the graph is too large to play, or its leaves
            were changed after it was computed.

    >>> import autograd as ag
    >>> w, x = ag.Value(2.0, "w"), ag.Value(3.0, "x")
    >>> page = step_through((w * x - 5) ** 2, lr=0.01)
    >>> page
    <StepThrough: 7 nodes, 11 steps; show it in Jupyter or call .save('steps.html')>
    >>> for step in page.steps:
    ...     for line in step.lines:
    ...         print(line)
    w = 2, x = 3
    v1 = w × x = 2 × 3 = 6
    v2 = v1 − 5 = 6 − 5 = 1
    L = v2² = 1² = 1
    ∂L/∂L = 1
    ∂L/∂v2 += ∂L/∂L · 2 · v2 = 1 × 2 = 2
    ∂L/∂v1 += ∂L/∂v2 · 1 = 2 × 1 = 2
    ∂L/∂w += ∂L/∂v1 · x = 2 × 3 = 6
    ∂L/∂x += ∂L/∂v1 · w = 2 × 2 = 4
    w ← w − 0.01 × 6 = 2 − 0.06 = 1.94
    x ← x − 0.01 × 4 = 3 − 0.04 = 2.96
    L: 1 → 0.5512
    """
    from .page import StepThrough  # when a page is made: it would double the time of `import autograd`

    return StepThrough(loss, None if lr is None else _learning_rate(lr))


def _learning_rate(lr: Any) -> float:
    if isinstance(lr, bool) or not isinstance(lr, (int, float, np.integer, np.floating)):
        raise TypeError(f"step_through(): lr must be a number of 0 or more, such as 0.1, got {describe(lr)}")
    if not 0 <= lr < math.inf:
        raise ValueError(f"step_through(): lr must be a number of 0 or more, such as 0.1, got {lr}")
    return float(lr)
