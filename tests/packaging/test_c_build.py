"""What must be the same whether the engine is plain Python or the C build; and how the C build is made or left out."""

import ast
import contextlib
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
from autograd.transforms import sweep

PACKAGE = Path(ag.__path__[0])


def test_build_says_which_engine_it_is() -> None:
    assert ag.__build__ == ("Python" if value.__file__.endswith(".py") else "C")


@pytest.mark.parametrize("owner", [value, Value, chain, sweep], ids=lambda owner: owner.__name__)
def test_docstrings_and_signatures_are_those_of_the_source(owner: Any) -> None:
    module = "autograd.value" if owner is Value else owner.__name__
    body = ast.parse((PACKAGE.parent / f"{module.replace('.', '/')}.py").read_text()).body
    if owner is Value:
        (body,) = [node.body for node in body if isinstance(node, ast.ClassDef)]
        assert (inspect.getdoc(Value) or "").startswith("A real number in a computation graph.")
    functions = [node for node in body if isinstance(node, ast.FunctionDef) and not node.name.startswith("__")]
    assert len(functions) > 2
    properties = []
    for node in functions:
        marks = [ast.unparse(mark) for mark in node.decorator_list]
        function = getattr(owner, node.name)
        if "property" in marks:
            properties.append(node.name)
            assert inspect.getdoc(function) == ast.get_docstring(node)
            assert function.__doc__
        elif not marks:
            assert inspect.getdoc(function) == ast.get_docstring(node)
            assert list(inspect.signature(function).parameters) == [a.arg for a in node.args.args]
    assert properties == (
        ["data", "grad", "label", "args", "parents", "_prev", "_op", "_backward"] if owner is Value else []
    )


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
        (lambda x: Value(1.0, 5), TypeError, "a label must be a string, got int 5"),
        (
            lambda x: x + "1", TypeError,
            "unsupported operand for +: the other side of a Value must be a Value or a real number, got str '1'",
        ),
        (
            lambda x: None * x, TypeError,
            "unsupported operand for ×: the other side of a Value must be a Value or a real number, got None",
        ),
        (lambda x: x * 10**400, OverflowError, "int too large to convert to float"),
        (lambda x: x < "1", TypeError, "'<' not supported between instances of 'float' and 'str'"),
        (lambda x: x.backward("1"), TypeError, "the seed of backward must be a real number or a Value, got str '1'"),
        (lambda x: x.backward(x), TypeError, "seed must be a number unless create_graph=True"),
        (lambda x: ag.dot([x], [1.0], "b"), TypeError, "the argument of dot must be a real number or a Value, got str"),
        (lambda x: ag.dot([x], [1.0, 2.0]), ValueError, "ws and xs must have the same length, got 1 and 2 numbers"),
        (lambda x: setattr(x, "data", None), TypeError, "the data of a Value must be a real number"),
        (lambda x: setattr(x, "grad", None), TypeError, "the grad of a Value must be a real number"),
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
    float, int, round, bool, chain.data_of,
    Value.__float__, Value.detach, Value.__neg__, Value.__bool__, Value.__repr__, lambda x: Value.__add__(x, 1.0),
    lambda x: Value.__mul__(x, Value(1.0)), lambda x: chain.accumulate(x, 1.0),
    lambda x: chain.local_derivatives(x * 2.0), lambda x: x._value, lambda x: x._grad,
]  # fmt: skip


@pytest.mark.parametrize("use", NEEDS_THE_NUMBER)
def test_the_number_of_a_tracer_is_never_made_up(use: Callable[[Any], Any]) -> None:
    """C code reads fields where they lie, past the properties of a subclass: they must be found empty."""

    def f(x: Any) -> Any:
        with pytest.raises((ag.TracingError, AttributeError)):
            use(x)
        return x * 2.0

    with contextlib.suppress(ag.TracingError):  # the trace remembers a refusal that the function catches
        assert ag.jit(f).runner((3.0,), None) is not None


def test_a_value_compared_with_a_tracer_is_a_decision() -> None:
    one = Value(1.0)
    for compare in (abs(one).__add__(0.0).__lt__, one.__eq__, one.__lt__, lambda x: Value.__gt__(x, one)):
        program = ag.jit(lambda x, compare=compare: x if compare(x) else -x)
        expected = [x if compare(Value(x)) else -x for x in (1.0, 2.0, 0.5)]
        assert [program(x) for x in (1.0, 2.0, 0.5)] == expected


def test_values_of_the_c_build_are_no_work_for_the_cycle_collector() -> None:
    x = Value(2.0)
    assert [gc.is_tracked(v) for v in (x, x * 3.0, ag.exp(x))] == [ag.__build__ == "Python"] * 3
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


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    root = Path(__file__).parents[2]
    for name in ("autograd", "nn"):
        shutil.copytree(root / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE", "pytest_autograd.py"):
        shutil.copy(root / name, tmp_path)
    (tmp_path / "path").mkdir()
    return tmp_path


def make_wheel(sources: Path, **variables: str) -> tuple[int, str]:
    """pip's exit status, and what it printed."""
    wheel = [sys.executable, "-m", "pip", "wheel", "-v", "--no-deps", "--no-build-isolation", "-w", "dist", "."]
    environment = {**os.environ, "PYTHONPATH": str(sources / "path"), "AUTOGRAD_BUILD": "", **variables}
    done = subprocess.run(wheel, cwd=sources, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.once
@pytest.mark.parametrize("fault", ["no mypyc", "no compiler", "a wrong type"])
def test_where_there_is_no_c_build_the_wheel_is_plain_and_one_line_gives_the_reason(sources: Path, fault: str) -> None:
    reason, variables = "no mypyc today", {}
    if fault == "no mypyc":
        (sources / "path" / "mypyc.py").write_text(f"raise ImportError('{reason}')")
    elif fault == "no compiler":
        # As far as the compiler mypyc comes whatever NumPy's stubs are: it does not look at them.
        (sources / "path" / "numpy").mkdir()
        (sources / "path" / "numpy" / "__init__.pyi").write_text("def eye(n: str) -> None: ...\nerrstate: int = ''\n")
        reason = "nowhere/cc"
        variables = {"CC": reason, "MYPYPATH": str(sources / "path")}
    else:
        with open(sources / "autograd" / "chain.py", "a") as file:
            file.write("\nWRONG: int = 'text'\n")
        reason = "Incompatible types in assignment"
    status, printed = make_wheel(sources, **variables)
    assert status == 0, printed
    (line,) = [line.strip() for line in printed.splitlines() if "scalar-autograd: no" in line]
    assert line.startswith("scalar-autograd: no C build (")
    assert reason in line
    assert "so the engine runs as plain Python" in line
    (made,) = (sources / "dist").iterdir()
    assert made.name.endswith("-py3-none-any.whl")
    assert not [name for name in zipfile.ZipFile(made).namelist() if name.endswith((".so", ".pyd", ".c"))]


@pytest.mark.once
def test_where_the_c_build_is_asked_for_its_failure_is_an_error(sources: Path) -> None:
    (sources / "path" / "mypyc.py").write_text("raise ImportError('no mypyc today')")
    status, printed = make_wheel(sources, AUTOGRAD_BUILD="C")
    assert status != 0
    assert "scalar-autograd: the C build failed: no mypyc today" in printed
    status, printed = make_wheel(sources, AUTOGRAD_BUILD="1")
    assert status != 0
    assert "AUTOGRAD_BUILD must be C, Python or not set, got '1'" in printed


@pytest.mark.once
@pytest.mark.parametrize("fault", ["", "no compiler", "no headers"])
def test_make_test_asks_whether_there_can_be_a_c_build(tmp_path: Path, fault: str) -> None:
    environment = {**os.environ, "AUTOGRAD_BUILD": ""}
    expected = ""
    if fault == "no compiler":
        environment["CC"] = expected = "nowhere/cc"
    elif fault == "no headers":
        (tmp_path / "Python.h").write_text("#error no Python.h to be had\n")
        environment["CFLAGS"] = f"-I{tmp_path}"
        expected = "no Python.h to be had"
    command = [sys.executable, str(Path(__file__).parent / "can_build.py")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if not fault and done.returncode:
        pytest.skip(done.stderr)
    assert done.returncode == bool(fault)
    assert expected in done.stderr
    environment["AUTOGRAD_BUILD"] = "C"
    assert subprocess.run(command, env=environment).returncode == 0
