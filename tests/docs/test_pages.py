"""What the Markdown pages say of the repository is so: the files they name, the kinks, the length of the README."""

import re
from pathlib import Path

import pytest

import autograd as ag

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
MADE = {"demos/output"}  # by running the demos


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_and_folder_that_is_named_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"`((?:autograd|nn|tests|demos|docs)/[\w./]*)`", text)
    assert [name for name in named if name not in MADE and not (ROOT / name).exists()] == []


def test_every_folder_of_the_packages_is_on_the_map() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    files = [file for package in ("autograd", "nn") for file in (ROOT / package).rglob("__init__.py")]
    folders = [file.parent.relative_to(ROOT).as_posix() for file in files]
    assert [folder for folder in folders if f"`{folder}/`" not in text] == []


def test_the_kinks_are_those_of_the_docstring() -> None:
    """The two tables in the same words, but for Markdown's marks and `by`."""
    _, _, table, _ = re.split(r"^=+ +=+ +=+$", ag.__doc__ or "", flags=re.MULTILINE)
    documented = [re.split(r"  +", line) for line in table.strip().splitlines()]
    page = (ROOT / "docs" / "sharp-edges.md").read_text(encoding="utf-8").partition("## Kinks")[2]
    rows = [line.replace("`", "").strip("| ").split(" | ") for line in page.splitlines() if line.startswith("|")][2:]
    assert [[cell.replace(" with respect to ", " by ") for cell in row] for row in rows] == [
        [cell.replace(" with respect to ", " by ") for cell in row] for row in documented
    ]


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150
