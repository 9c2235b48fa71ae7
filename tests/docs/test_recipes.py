"""The recipes of CONTRIBUTING.md for a layer, an optimizer and a loss, followed: it works, and the tests find it.

Each recipe is one file or function and one line. A copy of the packages is changed by just that, and then used as its
users would.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from recipes import insert, run, run_tests

pytestmark = pytest.mark.once


LAYER = '''"""RMSNorm: numbers divided by their root mean square."""

from __future__ import annotations

from typing import Any

import autograd as ag
from autograd import Value

from ..module import Module


class RMSNorm(Module):
    """x / √(mean x² + eps), times a weight for each number; B. Zhang, R. Sennrich, arXiv:1910.07467."""

    follows = True

    def __init__(self, count: int, eps: float = 1e-5) -> None:
        self.eps = eps
        self.weight = [Value(1.0) for _ in range(count)]

    def __call__(self, x: Any) -> Any:
        scale = 1 / ag.sqrt(ag.mean([v * v for v in x]) + self.eps)
        return [w * v * scale for w, v in zip(self.weight, x)]
'''


def test_a_layer_is_a_file_and_a_line(copy: Path) -> None:
    (copy / "nn" / "layers" / "rms_norm.py").write_text(LAYER, encoding="utf-8")
    insert(copy / "nn" / "__init__.py", "from .losses import (", "from .layers.rms_norm import RMSNorm as RMSNorm\n")
    script = """
import numpy as np, nn, autograd as ag
def build(): return nn.Sequential(nn.Layer(2, 8, "tanh", seed=0), nn.RMSNorm(8), nn.Layer(8, 1, seed=1))
model, plain = build(), build()
X = np.random.default_rng(0).normal(size=(64, 2)); y = X[:, 0] * X[:, 1]
loss = lambda out, t: nn.mse(out, t)
first = nn.fit(model, X, y, loss, nn.Adam(model.parameters(), lr=0.02), epochs=20, seed=0, progress=False).loss
eager = nn.fit(plain, X, y, loss, nn.Adam(plain.parameters(), lr=0.02), 20, seed=0, progress=False, compiled=False)
assert np.allclose(first, eager.loss, rtol=1e-9) and first[-1] < first[0] / 2
assert len(nn.predict(model, X)) == 64
nn.save(model, "weights.safetensors"); nn.load(plain, "weights.safetensors")
assert "RMSNorm(8 parameters)" in repr(model) and "layers.1.weight" in model.state_dict()
assert len(nn.gradient_flow(model, X[:8].tolist(), y[:8].tolist(), loss).layers) == 2  # it belongs to the layer before
drawing = nn.draw(model, X[0]).source
assert "<B>layers.0</B><BR/>8 tanh<BR/>RMSNorm" in drawing, drawing
assert "RMSNorm" in ag.draw(model(X[0]), model=model).source
assert "RMSNorm" in nn.__all__
print("good")
"""
    assert run(copy, "-c", script) == "good\n"


OPTIMIZER = '''"""Lion: steps of one size, by the sign of a mean gradient; X. Chen and others, arXiv:2302.06675."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from autograd import Value

from ..checks import check_fraction
from .base import Flat, Group, Optimizer, elementwise


class Lion(Optimizer):
    """Lion, with a share `beta` of the old mean kept at each step."""

    options = {"beta": check_fraction}

    def __init__(self, parameters: Iterable[Value] | Iterable[Any], lr: float = 1e-3, beta: float = 0.9) -> None:
        super().__init__(parameters, lr=lr, beta=beta)

    @elementwise
    def update(self, group: Group, data: Flat, grad: Flat) -> Flat:
        mean, beta = group.remember("mean"), group.options["beta"]
        group.state["mean"] = 0.99 * mean + 0.01 * grad
        new: Flat = data - group.options["lr"] * np.sign(beta * mean + (1 - beta) * grad)
        return new
'''


def test_an_optimizer_is_a_file_and_a_line(copy: Path) -> None:
    (copy / "nn" / "optim" / "lion.py").write_text(OPTIMIZER, encoding="utf-8")
    insert(copy / "nn" / "__init__.py", "from .optim.optimizers import (", "from .optim.lion import Lion as Lion\n")
    assert run_tests(copy, "Lion", "tests/nn/test_every_part.py") >= 1
    script = """
import numpy as np, nn
X = np.random.default_rng(0).normal(size=(64, 2)); y = X[:, 0] - X[:, 1]
losses = []
for compiled in (True, False):
    model = nn.MLP(2, [8, 1], "tanh", seed=0)
    optimizer = nn.Lion(model.parameters(), lr=0.01)
    history = nn.fit(model, X, y, nn.mse, optimizer, 20, seed=0, progress=False, compiled=compiled)
    losses.append(history.loss)
assert np.allclose(*losses, rtol=1e-9) and losses[0][-1] < losses[0][0] / 4
try:
    nn.Lion(model.parameters(), beta=2.0)
except ValueError as error:
    print(error)
"""
    assert run(copy, "-c", script).startswith("beta must be")


LOSS = '''

def log_cosh(prediction: Any, target: Any, reduction: Reduction = "mean") -> Any:
    """The logarithm of cosh(prediction - target): squared for small errors, absolute for large ones.

    >>> log_cosh([0.0, 0.0], [0.0, 0.0])
    0.0
    """

    def each(p: Any, t: Any) -> Any:
        d = ag.abs(p - t)
        return d + ag.softplus(-2 * d) - math.log(2)

    return _over(each, prediction, target, reduction, "log_cosh", _is_list(prediction) or _is_list(target))
'''


def test_a_loss_is_a_function_and_a_line(copy: Path) -> None:
    with (copy / "nn" / "losses.py").open("a", encoding="utf-8") as file:
        file.write(LOSS)
    insert(copy / "nn" / "__init__.py", "from .module import", "from .losses import log_cosh as log_cosh\n")
    assert run_tests(copy, "log_cosh", "tests/nn/test_every_part.py") >= 1
    script = """
import numpy as np, nn
X = np.random.default_rng(0).normal(size=(64, 2)); y = X[:, 0] - X[:, 1]
model = nn.MLP(2, [8, 1], "tanh", seed=0)
history = nn.fit(model, X, y, nn.log_cosh, nn.Adam(model.parameters(), lr=0.02), 20, seed=0, progress=False)
assert history.loss[-1] < history.loss[0] / 4
print(nn.log_cosh([1.0], [1.0]))
"""
    assert run(copy, "-c", script) == "0.0\n"
