"""The recipes of CONTRIBUTING.md for a primitive, a pass and a vector function, followed to the letter.

Each recipe is one file or function and one line. A copy of the packages is changed by just that, and then used as its
users would.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from recipes import insert, run, run_tests

pytestmark = pytest.mark.once


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
