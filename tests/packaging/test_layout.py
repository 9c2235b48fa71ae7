"""The layout of the source: small folders and files, imports that run one way, each folder with a docstring."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import nn

pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*(ROOT / "autograd").rglob("*.py"), *(ROOT / "nn").rglob("*.py")])
TESTS = sorted((ROOT / "tests").rglob("*.py"))
LONG = {"autograd/ops.py", "autograd/value.py"}  # every primitive, and every method of a Value, in one place


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in SOURCES}


def imports(path: Path) -> set[str]:
    """The modules of the packages that a file imports when it runs, in functions too, not for type checking alone."""
    package = name_of(path) if path.name == "__init__.py" else name_of(path).rpartition(".")[0]
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            found.update(x if (x := f"{module}.{alias.name}") in MODULES else module for alias in node.names)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return found & set(MODULES) - {name_of(path)}


def test_no_folder_has_more_than_twelve_files() -> None:
    counts: dict[Path, int] = {}
    for path in [*SOURCES, *TESTS]:
        counts[path.parent] = counts.get(path.parent, 0) + 1
    assert {str(folder.relative_to(ROOT)): n for folder, n in counts.items() if n > 12} == {}


def test_files_have_at_most_300_lines() -> None:
    paths = [*SOURCES, *TESTS]
    lengths = {path.relative_to(ROOT).as_posix(): len(path.read_text("utf-8").splitlines()) for path in paths}
    assert {name: n for name, n in lengths.items() if n > 300 and name not in LONG} == {}


@pytest.mark.parametrize("folder", ["engine", "transforms", "testing", "jit", "nn"])
def test_what_uses_the_engine_is_tested_on_both_builds(folder: str) -> None:
    once = {path.name for path in (ROOT / "tests" / folder).rglob("*.py") if "mark.once" in path.read_text()}
    # File formats; what is shown of a run; what is compared and refused before anything is computed; machine code.
    assert once <= {
        "test_weights.py", "test_packing.py", "test_checkpoint.py", "test_history.py",
        "test_nothing_silent.py",
        "test_loops_as_graphs.py", "test_passes.py", "test_vector_math.py", "test_machine.py",
    }  # fmt: skip


def test_every_file_and_folder_says_first_what_it_holds() -> None:
    for path in [*SOURCES, *TESTS]:
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path
    assert {path.parent for path in SOURCES} == {path.parent for path in SOURCES if path.name == "__init__.py"}


def test_each_folder_says_what_its_files_are() -> None:
    packages = {ROOT / "autograd", ROOT / "nn"}  # their docstrings are for users; CONTRIBUTING.md has their folders
    for path in SOURCES:
        folder, name = (
            (path.parents[1], f"{path.parent.name}/") if path.name == "__init__.py" else (path.parent, path.name)
        )
        if folder != ROOT and folder not in packages:
            assert name in (ast.get_docstring(ast.parse((folder / "__init__.py").read_text("utf-8"))) or ""), path


def test_imports_have_no_circle() -> None:
    arrows = {name: imports(path) for name, path in MODULES.items()}
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, " -> ".join([*above[above.index(name) :], name])
        if name not in done:
            for other in sorted(arrows[name]):
                visit(other, (*above, name))
            done.add(name)

    for name in arrows:
        visit(name, ())


@pytest.mark.parametrize("path", [path for path in SOURCES if "autograd" in path.parts], ids=name_of)
def test_the_engine_does_not_name_nn(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    assert not re.search(r"^\s*(from|import) nn\b", code, re.MULTILINE)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and node.value == "nn":
            raise AssertionError(f"{path}, line {node.lineno}")


def test_type_checkers_know_the_names_that_nn_imports_later() -> None:
    body = ast.parse(MODULES["nn"].read_text(encoding="utf-8")).body
    (block,) = [node for node in body if isinstance(node, ast.If) and "not" not in ast.unparse(node.test)]
    names = {
        alias.name: f"{node.module}" for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert names == nn._LATER


def test_names_of_another_file_are_public() -> None:
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (
                node.level or (node.module or "").split(".")[0] in ("autograd", "nn")
            ):
                private = [alias.name for alias in node.names if alias.name.startswith("_")]
                assert private in ([], ["_autograd"]), f"{path}: {private}"
