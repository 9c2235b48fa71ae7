"""Dropout: numbers are set to 0 at random in training, so that no neuron relies on any single other one."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd as ag
from autograd.jit.trace.state import TracingError, is_tracing
from autograd.user_line import user_line

from ..checks import check_example, check_fraction, describe_layer, make_generator, make_output
from ..module import Module


class Dropout(Module):
    """In training each number becomes 0 with probability p, otherwise x / (1 - p); in evaluation it stays as it is.

    N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever, R. Salakhutdinov, Dropout, JMLR 15 (2014), with
    the scaling in training ("inverted"), as torch.nn.Dropout.

    For each example it draws `rng.random(n)`, and drops the numbers for which that is below p. `nn.compile_step`
    draws the same numbers at each step and passes them to the compiled program. `ag.jit` refuses to compile it, because
    the program would use the same numbers at each call. Use each Dropout in only one place of a model.

    Args:
        p: the probability.
        seed: an int, None, or a NumPy Generator from which a seed is drawn: each Dropout has its own Generator.

    Attributes:
        rng: that Generator. To resume later from the same state, save and restore `rng.bit_generator.state` of each
            module in `model.modules()` that has one.

    Raises:
        ValueError: if p is not from 0 to 1.

    >>> dropout = Dropout(0.5, seed=0)
    >>> dropout([1.0, 1.0, 1.0, 1.0])
    [2.0, 0.0, 0.0, 0.0]
    >>> dropout.eval()([1.0, 1.0])
    [1.0, 1.0]
    """

    follows = True

    def __init__(self, p: float = 0.5, seed: int | np.random.Generator | None = None) -> None:
        self.p = check_fraction(p, "p")
        if isinstance(seed, np.random.Generator):
            seed = int(seed.integers(2**63))
        self.rng = make_generator(seed)

    def __call__(self, x: Any) -> Any:
        """The numbers, some of them 0: a list, or the number itself if there is only one."""
        xs = check_example(x, self)
        if not self.training:
            return make_output(xs)
        if is_tracing() and isinstance(self.rng, np.random.Generator):
            raise TracingError(
                f"{user_line()}: {describe_layer(self)} in training cannot be compiled by ag.jit, which would drop the "
                "same numbers at each call. Train with nn.compile_step, or call model.eval() before the first call"
            )
        scale = 0.0 if self.p == 1.0 else 1.0 / (1.0 - self.p)
        draws = self.rng.random(len(xs)).tolist()
        return make_output([x * ag.where(draw >= self.p, scale, 0.0) for x, draw in zip(xs, draws)])

    def extra_repr(self) -> str:
        return f"{self.p:g}"
