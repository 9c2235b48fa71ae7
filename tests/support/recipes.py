"""A copy of the packages in which a recipe of CONTRIBUTING.md is followed, and what runs in it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


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
