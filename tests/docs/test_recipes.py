"""The recipes of CONTRIBUTING.md, followed in a copy of the packages: the new thing works, and the tests find it.

Each recipe is one file or function and one line. The copy is changed by just that, and then used as its users would.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.once


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The packages and their tests, to be changed; always in plain Python."""
    ignore = shutil.ignore_patterns("__pycache__", "*.so", "benchmarks")
    for name in ("autograd", "nn", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def insert(path: Path, before: str, text: str) -> None:
    content = path.read_text(encoding="utf-8")
    assert content.count(before) == 1, f"{before!r} must stand once in {path}"
    path.write_text(content.replace(before, text + before), encoding="utf-8")


def run(copy: Path, *arguments: str) -> str:
    """Run Python on the copy; what it printed."""
    environment = {key: x for key, x in os.environ.items() if key not in ("PYTHONPATH", "AUTOGRAD_EXPECT_BUILD")}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=copy, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def run_tests(copy: Path, words: str, *paths: str) -> int:
    """Run those tests on the copy whose names have one of the words; how many passed."""
    printed = run(
        copy, "-m", "pytest", "-p", "no:cacheprovider", "-o", "addopts=--import-mode=importlib", *paths, "-k", words
    )
    found = re.search(r"(\d+) passed", printed)
    assert found, printed
    return int(found[1])


def test_a_primitive_is_one_decorated_function(copy: Path) -> None:
    recipe = '''
@primitive(
    lambda out, x: -math.pi * sin(math.pi * x),
    symbol="cosπ",
    native=lambda x: cos(math.pi * x),
    ieee=lambda x: np.cos(np.pi * x),
)
def cospi(x: float) -> float:
    """The cosine of π x."""
    return math.cos(math.pi * x)


@primitive(lambda out, x: 0.0, native="llvm.floor")
def floor_of(x: float) -> float:
    """The largest whole number up to x, with the derivative 0."""
    return float(np.floor(x))


@primitive(lambda out, x, y: x / out, lambda out, x, y: y / out, native="hypot", domain=[(0, math.inf), (1, 2)])
def distance(x: float, y: float) -> float:
    """The length of (x, y)."""
    return math.hypot(x, y)


@primitive(lambda out, xs: [2 * x for x in xs], sequences=["xs"], native=lambda xs: dot(xs, xs))
def energy(xs: Sequence[float]) -> float:
    """The sum of the squares of xs."""
    return math.fsum([x * x for x in xs])


'''
    insert(copy / "autograd" / "ops.py", "if not TYPE_CHECKING:", recipe)
    words = "cospi or floor_of or distance or energy or rows_are_of_primitives or tables_have_all"
    paths = ("tests/engine", "tests/transforms", "tests/testing", "tests/stepper/test_formulas.py", "tests/jit")
    assert run_tests(copy, words, *paths) >= 4 * 5 + 6
    script = """
import autograd as ag, numpy as np
assert abs(ag.grad(ag.grad(ag.cospi))(0.25) + np.pi**2 * np.cos(np.pi / 4)) < 1e-14
print(ag.cospi(1.0), ag.jit(ag.cospi)(1.0), ag.draw(ag.cospi(ag.Value(1.0, label="x"))).source.count("cosπ"))
from autograd import *
print(distance(3.0, 4.0))
"""
    assert run(copy, "-c", script).split() == ["-1.0", "-1.0", "1", "5.0"]


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


PASS = '''"""Whole turns: a sine of a negative number as the negative of a sine."""

from __future__ import annotations

from ... import ops
from .graph import Graph


def move_signs_out(graph: Graph) -> Graph:
    """sin(-x) as -sin(x), wherever nothing else needs -x."""
    what, operands = list(graph.what), list(graph.operands)
    uses = graph.uses()
    for k, (op, args) in enumerate(zip(graph.what, graph.operands)):
        if op is ops.sin and what[args[0]] is ops.neg and uses[args[0]] == 1:
            what[args[0]], operands[args[0]] = ops.sin, operands[args[0]]
            what[k], operands[k] = ops.neg, args
    return Graph(tuple(what), tuple(operands), graph.outputs)
'''


COMPILED = "test_each_compiled_node_is_within_4_ulp"


def test_a_pass_is_a_file_and_a_word(copy: Path) -> None:
    (copy / "autograd" / "jit" / "graph" / "signs.py").write_text(PASS, encoding="utf-8")
    passes = copy / "autograd" / "jit" / "graph" / "passes.py"
    text = passes.read_text(encoding="utf-8")
    text = text.replace("PASSES: tuple[Pass, ...] = (", "PASSES: tuple[Pass, ...] = (move_signs_out, ")
    passes.write_text(text.replace("from .graph import", "from .signs import move_signs_out\nfrom .graph import", 1))
    random = "tests/jit/test_equality.py"  # two blocks of random graphs, of many
    some = (f"{random}::test_the_trace_computes_what_the_engine_does[10]", f"{random}::{COMPILED}[5]")
    assert run_tests(copy, "test", "tests/jit/test_passes.py", *some) >= 10
    script = """
import autograd as ag, math
program = ag.jit(lambda x: ag.sin(-x))
print(program(0.5) == -math.sin(0.5), [str(op) for op in program.graph.what if isinstance(op, ag.Primitive)])
"""
    assert run(copy, "-c", script) == "True ['sin', 'neg']\n"


FUNCTION = """

def haversine(w: Writer, x: str) -> str:
    s = w.call("sin", sin, w.mul(x, w.c(0.5)))
    return w.mul(s, s)
"""


def test_a_vector_function_is_a_function_and_a_word(copy: Path) -> None:
    primitive = '''
@primitive(lambda out, x: 0.5 * sin(x), ieee=lambda x: np.sin(0.5 * x) ** 2)
def haversine(x: float) -> float:
    """sin²(x / 2)."""
    return math.sin(0.5 * x) ** 2


'''
    insert(copy / "autograd" / "ops.py", "if not TYPE_CHECKING:", primitive)
    with (copy / "autograd" / "jit" / "vector_math" / "circular.py").open("a", encoding="utf-8") as file:
        file.write(FUNCTION)
    table = copy / "autograd" / "jit" / "vector_math" / "table.py"
    text = table.read_text(encoding="utf-8")
    assert text.count("ops.atan2)") == 1
    table.write_text(text.replace("ops.atan2)", "ops.atan2, ops.haversine)"), encoding="utf-8")
    assert run_tests(copy, "haversine", "tests/jit", "tests/engine") >= 3
    script = """
import autograd as ag, numpy as np
program = ag.jit(ag.haversine, in_axes=0)
X = np.linspace(-3, 3, 20)
print(np.allclose(program(X), np.sin(X / 2) ** 2, rtol=1e-15), "haversine" in program.llvm_ir)
"""
    assert run(copy, "-c", script) == "True True\n"
