"""Where files of HIPS autograd, which has the same import name, lie among ours, an import says so."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import autograd

pytestmark = pytest.mark.once

ROOT = Path(autograd.__path__[0]).parent

# As much of HIPS autograd as an import of it needs: its __init__ imports its other files.
HIPS = {"__init__.py": "from .core import make_vjp", "core.py": "make_vjp = None", "numpy/__init__.py": ""}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of both packages."""
    for name in ("autograd", "nn"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ROOT.glob("autograd__mypyc.*"):
        shutil.copy(file, tmp_path)
    return tmp_path


def message_of(package: str, folder: Path) -> str:
    """What an import of the package prints last."""
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", f"import {package}"], cwd=folder, env=environment, capture_output=True, text=True
    )
    return done.stderr.strip().rpartition("\n")[2]


def install_hips(folder: Path, keep: tuple[str, ...] = ()) -> None:
    for name, text in HIPS.items():
        path = folder / "autograd" / name
        if name not in keep:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)


@pytest.mark.parametrize("package", ["autograd", "nn", "autograd.testing"])
def test_where_ours_was_installed_second_both_imports_say_what_happened(folder: Path, package: str) -> None:
    assert message_of(package, folder) == ""
    install_hips(folder, keep=("__init__.py",))
    message = message_of(package, folder)
    assert message.startswith(
        f"ImportError: two projects are installed in {folder / 'autograd'}, scalar-autograd and HIPS"
    )
    assert "'pip uninstall autograd scalar-autograd'" in message
    assert "'pip install scalar-autograd'" in message


def test_where_hips_was_installed_second_nn_says_what_happened(folder: Path) -> None:
    install_hips(folder)
    assert message_of("autograd", folder) == ""  # this is HIPS autograd's own __init__
    message = message_of("nn", folder)
    assert message.startswith(
        "ImportError: nn needs the autograd of scalar-autograd, but the package of that name in ["
    )
    assert "'pip uninstall autograd scalar-autograd'" in message


def test_where_any_other_package_has_that_name_nn_says_so(folder: Path) -> None:
    (folder / "autograd" / "__init__.py").write_text("")
    assert message_of("nn", folder).startswith("ImportError: nn needs the autograd of scalar-autograd")
