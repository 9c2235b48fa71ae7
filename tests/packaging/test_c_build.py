"""What must be the same whether the engine runs as plain Python or compiled; `make test` runs this file both ways."""

import ast
import copy
import gc
import inspect
import os
import pickle
import shutil
import subprocess
import sys
import weakref
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import autograd as ag
from autograd import Value, chain, value

PACKAGE = Path(ag.__path__[0])


def test_compiled_tells_which_engine_it_is() -> None:
    assert ag.__compiled__ is not value.__file__.endswith(".py")


@pytest.mark.parametrize("owner", [value, Value, chain], ids=lambda owner: owner.__name__)
def test_docstrings_and_signatures_are_those_of_the_source(owner: Any) -> None:
    name = "value" if owner is Value else owner.__name__.rpartition(".")[2]
    body = ast.parse((PACKAGE / f"{name}.py").read_text()).body
    if owner is Value:
        (body,) = [node.body for node in body if isinstance(node, ast.ClassDef)]
        assert (inspect.getdoc(Value) or "").startswith("A real number in a computation graph.")
    functions = [node for node in body if isinstance(node, ast.FunctionDef) and not node.decorator_list]
    assert len(functions) > 2
    for node in functions:
        if not node.name.startswith("__"):
            function = getattr(owner, node.name)
            assert inspect.getdoc(function) == ast.get_docstring(node)
            assert list(inspect.signature(function).parameters) == [a.arg for a in node.args.args]


class Weight(Value):
    """A Value with something of its own."""

    def __init__(self, data: float, label: str = "", decay: float = 0.1) -> None:
        super().__init__(data, label)
        self.decay = decay

    def penalty(self) -> Value:
        return self.decay * self * self

    def __repr__(self) -> str:
        return f"Weight({self.data})"


def test_a_subclass_is_a_leaf_like_any_other() -> None:
    w, x = Weight(3.0, "w", decay=0.5), Value(2.0)
    y = w.penalty() + x * w + ag.exp(w - 3) + ag.dot([w], [x], w) + abs(w) ** 2
    assert type(y) is Value
    y.backward()
    assert (w.grad, x.grad) == (2 * 0.5 * 3 + 2 + 1 + 2 + 1 + 6, 6.0)
    assert (repr(w), w.label, w > x, w == 3.0) == ("Weight(3.0)", "w", True, True)
    assert ag.grad(lambda v: v * w)(5.0) == 3.0
    assert w in {w}


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))])
def test_a_subclass_is_copied_and_pickled_as_itself(duplicate: Callable[[Any], Any]) -> None:
    w = Weight(3.0, "w", decay=0.3)
    w.grad = 7.0
    v = duplicate(w)
    assert (type(v), v.data, v.grad, v.label, v.op, v.decay) == (Weight, 3.0, 7.0, "w", None, 0.3)


def test_there_are_no_weak_references_and_no_further_attributes() -> None:
    x = Value(1.0)
    with pytest.raises(TypeError, match="cannot create weak reference to 'Value' object"):
        weakref.ref(x)
    with pytest.raises(AttributeError, match="'Value' object has no attribute 'colour'"):
        x.colour = "red"  # type: ignore[attr-defined]
    for name in ("parents", "args"):
        with pytest.raises(AttributeError):
            setattr(x, name, ())
    for name in ("data", "grad"):
        with pytest.raises(AttributeError):
            delattr(x, name)
    assert (x.data, x.grad) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: Value("1"), TypeError, "NumPy scalar or 0-d array), got str '1'"),
        (lambda x: Value(1.0, 5), TypeError, "a label is a string, got int 5"),
        (lambda x: x + "1", TypeError, "unsupported operand for +: a Value and str '1'"),
        (lambda x: None * x, TypeError, "unsupported operand for ×: a Value and None"),
        (lambda x: x * 10**400, OverflowError, "int too large to convert to float"),
        (lambda x: x < "1", TypeError, "'<' not supported between instances of 'float' and 'str'"),
        (lambda x: x.backward("1"), TypeError, "backward: expected a real number or a Value, got str '1'"),
        (lambda x: x.backward(x), TypeError, "a Value as seed needs create_graph=True"),
        (lambda x: ag.dot([x], [1.0], "b"), TypeError, "dot: expected a real number or a Value, got str 'b'"),
        (lambda x: ag.dot([x], [1.0, 2.0]), ValueError, "two sequences of one length, got 1 and 2 numbers"),
        (lambda x: setattr(x, "data", None), TypeError, "Value() takes one real number"),
        (lambda x: setattr(x, "grad", None), TypeError, "the grad of a Value: expected a real number"),
        (lambda x: pickle.dumps(x * 2), TypeError, "this Value was made by mul: use v.detach()"),
        (lambda x: int(x * ag.Value(float("nan"))), ValueError, "cannot convert float NaN to integer"),
    ],
)  # fmt: skip
def test_errors_are_the_same(call: Callable[[Value], Any], error: type[Exception], message: str) -> None:
    x = Value(1.0)
    with pytest.raises(error) as caught:
        call(x)
    assert message in str(caught.value)
    assert (x.data, x.grad) == (1.0, 0.0)


NEEDS_THE_NUMBER: list[Callable[[Any], Any]] = [
    float, int, round, bool, abs(Value(1.0)).__add__(0.0).__lt__, Value(1.0).__eq__, chain.data_of,
    Value.__float__, Value.detach, Value.__neg__, Value.__bool__, Value.__repr__, lambda x: Value.__add__(x, 1.0),
    lambda x: Value.__mul__(x, Value(1.0)), lambda x: chain.accumulate(x, 1.0),
    lambda x: chain.local_derivatives(x * 2.0), lambda x: x._data, lambda x: x._grad,
]  # fmt: skip


@pytest.mark.parametrize("use", NEEDS_THE_NUMBER)
def test_the_number_of_a_tracer_is_never_made_up(use: Callable[[Any], Any]) -> None:
    """Compiled code reads fields where they lie, past the properties of a subclass: they must be found empty."""

    def f(x: Any) -> Any:
        with pytest.raises((ag.TracingError, AttributeError)):
            use(x)
        return x * 2.0

    assert ag.jit(f)(3.0) == 6.0


def test_compiled_values_are_no_work_for_the_cycle_collector() -> None:
    x = Value(2.0)
    assert [gc.is_tracked(v) for v in (x, x * 3.0, ag.exp(x))] == [not ag.__compiled__] * 3
    assert gc.is_tracked(Weight(3.0))  # it may refer to anything, itself too


@pytest.fixture(params=["collector on", "collector off"])
def _collector(request: pytest.FixtureRequest) -> Iterator[None]:
    gc.collect()
    if request.param == "collector off":
        gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_collector")
def test_memory_is_steady_over_10000_training_steps() -> None:
    w, b = Value(0.5), Value(0.0)

    def step(k: int) -> None:
        loss = (ag.tanh(w * (k % 7) + b) - 0.3) ** 2 + 0.01 * ag.dot((w, b), (w, b))
        w.grad = b.grad = 0.0
        loss.backward()
        w.data -= 0.01 * w.grad
        b.data -= 0.01 * b.grad

    blocks = []
    for k in range(10_001):
        step(k)
        if k % 2_500 == 0:
            blocks.append(sys.getallocatedblocks())
    assert max(blocks[1:]) - min(blocks[1:]) < 500  # one left behind in each step would make 7,500


def test_where_it_cannot_be_compiled_the_wheel_is_plain_and_one_line_says_so(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    for name in ("autograd", "nn"):
        shutil.copytree(root / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE", "pytest_autograd.py"):
        shutil.copy(root / name, tmp_path)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "mypyc.py").write_text("raise ImportError('no mypyc today')")
    wheel = [sys.executable, "-m", "pip", "wheel", "-v", "--no-deps", "--no-build-isolation", "-w", "dist", "."]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "broken"), "AUTOGRAD_COMPILE": ""}
    done = subprocess.run(wheel, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    said = [line.strip() for line in (done.stdout + done.stderr).splitlines() if "no mypyc today" in line]
    (line,) = said
    assert line.startswith("scalar-autograd: not compiled (no mypyc today), so the engine runs as plain Python")
    (made,) = (tmp_path / "dist").iterdir()
    assert made.name.endswith("-py3-none-any.whl")
    assert not [name for name in zipfile.ZipFile(made).namelist() if name.endswith((".so", ".pyd", ".c"))]
