"""Initial weights: their size decides whether signals and gradients keep their size from layer to layer.

An initialiser is a function of (fan_in, fan_out, rng), and perhaps options, that returns weights as an
array of shape (fan_out, fan_in). Names and formulas are PyTorch's (torch.nn.init).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .activations import GAINS

Weights = NDArray[np.float64]
Initialiser = Callable[[int, int, np.random.Generator], Weights]


def uniform(fan_in: int, fan_out: int, rng: np.random.Generator, low: float = 0.0, high: float = 1.0) -> Weights:
    """Uniform between low and high."""
    return rng.uniform(low, high, (fan_out, fan_in))


def normal(fan_in: int, fan_out: int, rng: np.random.Generator, mean: float = 0.0, std: float = 1.0) -> Weights:
    """Normal with the given mean and standard deviation."""
    return rng.normal(mean, std, (fan_out, fan_in))


def constant(fan_in: int, fan_out: int, rng: np.random.Generator, value: float = 0.0) -> Weights:
    """All equal. The neurons of such a layer stay equal in training: for single neurons and tests."""
    return np.full((fan_out, fan_in), value, dtype=np.float64)


def zeros(fan_in: int, fan_out: int, rng: np.random.Generator) -> Weights:
    """All 0."""
    return constant(fan_in, fan_out, rng, 0.0)


def ones(fan_in: int, fan_out: int, rng: np.random.Generator) -> Weights:
    """All 1."""
    return constant(fan_in, fan_out, rng, 1.0)


def xavier_uniform(fan_in: int, fan_out: int, rng: np.random.Generator, gain: float = 1.0) -> Weights:
    """Uniform with standard deviation gain · √(2 / (fan_in + fan_out)).

    X. Glorot, Y. Bengio, Understanding the difficulty of training deep feedforward neural networks, 2010.

    >>> bool(abs(xavier_uniform(3, 3, np.random.default_rng(0))).max() <= 1.0)  # √3 · √(2/6)
    True
    """
    bound = gain * math.sqrt(6.0 / (fan_in + fan_out))
    return uniform(fan_in, fan_out, rng, -bound, bound)


def xavier_normal(fan_in: int, fan_out: int, rng: np.random.Generator, gain: float = 1.0) -> Weights:
    """Normal with standard deviation gain · √(2 / (fan_in + fan_out)); Glorot and Bengio 2010."""
    return normal(fan_in, fan_out, rng, 0.0, gain * math.sqrt(2.0 / (fan_in + fan_out)))


def kaiming_uniform(fan_in: int, fan_out: int, rng: np.random.Generator, gain: float = math.sqrt(2.0)) -> Weights:
    """Uniform with standard deviation gain / √fan_in.

    K. He, X. Zhang, S. Ren, J. Sun, Delving deep into rectifiers, arXiv:1502.01852. The gain √2 is relu's.
    """
    bound = gain * math.sqrt(3.0 / fan_in)
    return uniform(fan_in, fan_out, rng, -bound, bound)


def kaiming_normal(fan_in: int, fan_out: int, rng: np.random.Generator, gain: float = math.sqrt(2.0)) -> Weights:
    """Normal with standard deviation gain / √fan_in; He and others, arXiv:1502.01852."""
    return normal(fan_in, fan_out, rng, 0.0, gain / math.sqrt(fan_in))


INITIALISERS: dict[str, Initialiser] = {
    f.__name__: f
    for f in (
        uniform,
        normal,
        constant,
        zeros,
        ones,
        xavier_uniform,
        xavier_normal,
        kaiming_uniform,
        kaiming_normal,
    )
}


def for_activation(name: str) -> Initialiser:
    """The initialiser that keeps the size of signals through layers with this activation.

    kaiming_uniform for relu and its kind, xavier_uniform for all others, with the activation's gain.
    """
    initialiser, gain = GAINS.get(name, ("xavier_uniform", 1.0))
    function: Any = INITIALISERS[initialiser]  # one that has a gain
    return partial(function, gain=gain)


def by_name(init: str | Initialiser) -> Initialiser:
    """An initialiser by its name; a function is returned as it is.

    Raises:
        ValueError: for an unknown name.
        TypeError: if it is neither a name nor a function.
    """
    if isinstance(init, str):
        if init not in INITIALISERS:
            raise ValueError(f"init must be a function or one of {', '.join(INITIALISERS)}, got {init!r}")
        return INITIALISERS[init]
    if not callable(init):
        raise TypeError(f"init must be a name or a function of (fan_in, fan_out, rng), got {init!r}")
    return init
