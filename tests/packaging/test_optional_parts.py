"""What works without the optional parts, and what is said where one is needed."""

import subprocess
import sys
from pathlib import Path

import pytest

import autograd
from autograd.installation import find_problem, require

pytestmark = pytest.mark.once

# Run before a script, in a process where some libraries cannot be imported.
BLOCK = """
import sys
import warnings
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Block())
import autograd as ag
import nn
import numpy as np
"""


def run_without(blocked: list[str], script: str) -> str:
    """What the script prints in a process of its own."""
    command = [sys.executable, "-W", "error", "-c", BLOCK.format(blocked=blocked) + script]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(autograd.__path__[0]).parent)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_engine_works_without_any_optional_part() -> None:
    script = """
x = ag.Value(2.0)
y = ag.exp(x) * x
y.backward()
print(round(x.grad, 4), ag.grad(ag.grad(ag.sin))(0.0), ag.hessian(lambda v: np.sum(v**2))(np.ones(2)).tolist())
ag.check_gradients(lambda v: v**2, 3.0)
print(ag.draw(y).svg()[:4], nn.draw(nn.MLP(2, [1])).svg()[:4], len(ag.step_through(y).html()) > 1000)
print(*sorted({"llvmlite", "safetensors", "matplotlib", "sklearn"} & set(sys.modules)))
"""
    printed = run_without(["llvmlite", "safetensors", "matplotlib", "tqdm", "sklearn", "IPython"], script)
    assert printed == "22.1672 0.0 [[2.0, 0.0], [0.0, 2.0]]\n<svg <svg True\n\n"


@pytest.mark.parametrize(
    ("blocked", "call", "message"),
    [
        (
            "llvmlite", "ag.jit(lambda x: x * x)(2.0)",
            "compiling (ag.jit, nn.compile_step) needs llvmlite, which is not installed: "
            "run pip install 'scalar-autograd[jit]'",
        ),
        (
            "llvmlite", "nn.fit(model, X, y, nn.mse, nn.SGD(model.parameters(), lr=0.1), epochs=1, compiled=True)",
            "nn.fit(compiled=True) needs llvmlite, which is not installed: run pip install 'scalar-autograd[jit]'",
        ),
        (
            "llvmlite", "nn.predict(model, X, compiled=True)",
            "nn.predict(compiled=True) needs llvmlite, which is not installed: run pip install 'scalar-autograd[jit]'",
        ),
        (
            "llvmlite", "nn.compile_step(model, nn.mse, nn.SGD(model.parameters(), lr=0.1))(X, y)",
            "compiling (ag.jit, nn.compile_step) needs llvmlite, which is not installed: "
            "run pip install 'scalar-autograd[jit]'",
        ),
        (
            "safetensors", "nn.save(model, 'nowhere.safetensors')",
            "writing weights needs safetensors, which is not installed: run pip install 'scalar-autograd[weights]'",
        ),
        (
            "safetensors", "nn.load(model, 'nowhere.safetensors')",
            "reading weights needs safetensors, which is not installed: run pip install 'scalar-autograd[weights]'",
        ),
        (
            "safetensors",
            "nn.fit(model, X, y, nn.mse, nn.SGD(model.parameters(), lr=0.1), 1, compiled=False, checkpoint='nowhere')",
            "a checkpoint of nn.fit needs safetensors, which is not installed: "
            "run pip install 'scalar-autograd[weights]'",
        ),
        (
            "matplotlib", "nn.gradient_flow(model, X, y, nn.mse).plot()",
            "a plot needs matplotlib, which is not installed: run pip install 'scalar-autograd[plots]'",
        ),
        (
            "scipy", "ag.hessian(lambda x: x[0] * x[1], sparse=True)(np.ones(2))",
            "ag.hessian(sparse=True) needs scipy, which is not installed: run pip install 'scalar-autograd[sparse]'",
        ),
        (
            "tqdm",
            "nn.fit(model, X, y, nn.mse, nn.SGD(model.parameters(), lr=0.1), 1, compiled=False, progress=True)",
            "the progress bar of nn.fit needs tqdm, which is not installed: run pip install tqdm",
        ),
        (
            "graphviz", "ag.draw(ag.Value(1.0))",
            "drawing needs graphviz, which is not installed: run pip install graphviz",
        ),
    ],
)  # fmt: skip
def test_a_missing_part_is_named_with_what_to_install(blocked: str, call: str, message: str) -> None:
    script = f"""
model, X, y = nn.MLP(2, [1], seed=0), [[0.0, 1.0], [1.0, 0.0]], [0.0, 1.0]
before = [p.data for p in model.parameters()]
for _ in range(2):
    try:
        {call}
    except ImportError as error:
        print(type(error).__name__, error.name, error)
assert [p.data for p in model.parameters()] == before
"""
    assert run_without([blocked], script) == f"ModuleNotFoundError {blocked} {message}\n" * 2


def test_without_llvmlite_fit_and_predict_take_the_plain_loop_and_warn_once() -> None:
    script = """
def run(**options):
    model, X, y = nn.MLP(2, [4, 1], seed=0), [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [1.0, 1.0, 0.0]
    optimizer = nn.Adam(model.parameters(), lr=0.01)
    history = nn.fit(model, X, y, nn.mse, optimizer, 3, validation=0.34, metric=lambda a, b: 0.0, seed=0, **options)
    return history.loss, nn.predict(model, X, **options).tolist()
plain = run(compiled=False)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    assert run() == plain
    assert run() == plain
print(*[(w.category.__name__, str(w.message), w.filename) for w in caught])
"""
    message = (
        "nn.fit does not compile, which is much slower, because llvmlite is not installed: run "
        "pip install 'scalar-autograd[jit]', or pass compiled=False to silence this warning"
    )
    assert run_without(["llvmlite"], script) == f"{('UserWarning', message, '<string>')}\n"


def test_a_run_begun_without_llvmlite_is_resumed_in_the_plain_loop_where_there_is_one(tmp_path: Path) -> None:
    script = f"""
def run(epochs, **options):
    model, X, y = nn.MLP(2, [4, 1], seed=0), [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [1.0, 1.0, 0.0]
    optimizer = nn.Adam(model.parameters(), lr=0.01)
    return nn.fit(model, X, y, nn.mse, optimizer, epochs, seed=0, **options).loss
warnings.simplefilter("ignore")
again = {{"checkpoint": {str(tmp_path / "run")!r}, "resume": True}}
"""
    run_without(["llvmlite"], script + "run(2, **again)")
    printed = run_without([], script + "print(run(4, **again) == run(4, compiled=False))")
    assert printed == "True\n"


def test_without_tqdm_there_is_no_progress_bar_where_none_is_asked_for() -> None:
    script = """
sys.stdout.isatty = lambda: True
model = nn.MLP(2, [1], seed=0)
nn.fit(model, [[0.0, 1.0]], [1.0], nn.mse, nn.SGD(model.parameters(), lr=0.1), 1, compiled=False)
"""
    assert run_without(["tqdm"], script) == ""


def test_a_part_that_is_there_but_broken_is_not_called_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "half_installed.py").write_text("import not_there_at_all")
    (tmp_path / "unloadable.py").write_text("raise OSError('libm.so: cannot open shared object file')")
    (tmp_path / "hollow").mkdir()
    (tmp_path / "hollow" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    for module, reason in {
        "half_installed": "No module named 'not_there_at_all'",
        "unloadable": "libm.so: cannot open shared object file",
        "hollow.inside": "No module named 'hollow.inside'",
    }.items():
        library = module.partition(".")[0]
        problem = f"is installed but cannot be imported ({reason}): run pip install --force-reinstall {library}"
        assert find_problem(module) == problem
        with pytest.raises(ImportError) as caught:
            require(module, "a test")
        assert str(caught.value) == f"a test needs {library}, which {problem}"
        assert (type(caught.value), caught.value.name) == (ImportError, library)
    assert find_problem("not_there_at_all") == "is not installed: run pip install not_there_at_all"
    assert require("json.decoder", "a test").JSONDecoder
    assert find_problem("json") == ""


def test_fit_says_why_a_broken_llvmlite_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "llvmlite").mkdir()
    (tmp_path / "llvmlite" / "__init__.py").write_text("raise OSError('no LLVM here')")
    script = f"""
sys.path.insert(0, {str(tmp_path)!r})
model = nn.MLP(2, [1], seed=0)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    nn.fit(model, [[0.0, 1.0]], [1.0], nn.mse, nn.SGD(model.parameters(), lr=0.1), 1)
print(caught[0].message)
"""
    assert "because llvmlite is installed but cannot be imported (no LLVM here): run pip" in run_without([], script)
