"""The source distribution: it has all that its tests read, and a description that needs nothing around it."""

import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[2]
FOLDERS = ("autograd", "nn", "tests", "demos", "docs", ".ci")
MADE = shutil.ignore_patterns("__pycache__", "*.so", "output", ".ipynb_checkpoints")


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The distribution made of a copy of this one, unpacked."""
    folder = tmp_path_factory.mktemp("sdist")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / "copy" / name, ignore=MADE)
    for file in ROOT.iterdir():
        if file.is_file():
            shutil.copy(file, folder / "copy")
    build = "import setuptools.build_meta as b; b.build_sdist('dist')"
    subprocess.run([sys.executable, "-c", build], cwd=folder / "copy", check=True, capture_output=True)
    (archive,) = (folder / "copy" / "dist").iterdir()
    with tarfile.open(archive) as file:
        file.extractall(folder / "unpacked", **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    (unpacked,) = (folder / "unpacked").iterdir()
    return unpacked


def files_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_the_source_distribution_has_every_file(sdist: Path) -> None:
    wanted = {
        name for folder in FOLDERS for name in files_in(sdist.parents[1] / "copy") if name.startswith(f"{folder}/")
    }
    wanted |= {"CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md", "pyproject.toml", "setup.py"}
    assert len(wanted) > 150
    assert wanted - files_in(sdist) == set()


def test_the_description_has_no_picture_or_link_to_a_file_and_is_the_readme_otherwise(sdist: Path) -> None:
    _, _, description = (sdist / "PKG-INFO").read_text(encoding="utf-8").partition("\n\n")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    code = r"(?ms)^```.*?^```$"
    assert re.findall(code, description) == re.findall(code, readme)
    assert re.findall(r"\]\((?!https?:)", re.sub(code, "", description)) == []
    assert "*The graph of a neuron: inputs, weights" in description
    assert 0.9 * len(readme) < len(description) <= len(readme)
