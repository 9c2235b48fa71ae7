"""The notebooks run from start to end in a real Jupyter kernel, and show their pictures without a system package."""

import copy
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

pytestmark = pytest.mark.once

nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed: pip install nbformat")
nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed: pip install nbclient ipykernel")
pytest.importorskip("ipykernel", reason="ipykernel is not installed: pip install ipykernel")

DEMOS = Path(__file__).parents[2] / "demos"

# How many pictures each shows: SVG drawings, step pages and plots.
NOTEBOOKS = {
    "1_backpropagation": {"image/svg+xml": 3, "text/html": 2, "image/png": 0},
    "2_moons": {"image/svg+xml": 2, "text/html": 0, "image/png": 3},
    "3_testing_a_gradient": {"image/svg+xml": 1, "text/html": 0, "image/png": 0},
}


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a kernel of this interpreter, which finds none of the user's settings and no program on PATH."""
    spec = {"argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"], "language": "python"}
    folder = tmp_path / "jupyter" / "kernels" / "python3"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps(spec | {"display_name": "Python 3"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR", "PATH"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(name, str(tmp_path / name))
    return "python3"


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_and_shows_its_pictures(name: str, kernel: str, tmp_path: Path) -> None:
    assert shutil.which("dot") is None  # it is graphviz-pure that draws
    committed = nbformat.read(DEMOS / f"{name}.ipynb", as_version=4)
    notebook = copy.deepcopy(committed)
    for cell in code(notebook):
        cell.outputs, cell.execution_count = [], None

    resources = {"metadata": {"path": str(tmp_path)}}
    client = nbclient.NotebookClient(
        notebook, timeout=60, kernel_name=kernel, coalesce_streams=True, resources=resources
    )
    client.execute()  # raises CellExecutionError, with the traceback, if a cell raises

    for shown in (notebook, committed):
        assert count(shown) == NOTEBOOKS[name]
        for svg in found(shown, "image/svg+xml"):
            root = ElementTree.fromstring(svg)
            assert root.tag == "{http://www.w3.org/2000/svg}svg"
            assert len(list(root.iter("{http://www.w3.org/2000/svg}text"))) > 3
        for page in found(shown, "text/html"):
            assert re.match(r'<iframe title="Backpropagation, step by step"[^>]* srcdoc="&lt;!doctype html', page, re.I)
            assert page.endswith("</iframe>")
    assert [words(cell) for cell in code(committed)] == [words(cell) for cell in code(notebook)]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_committed_notebook_does_not_show_where_it_was_run(name: str) -> None:
    path = DEMOS / f"{name}.ipynb"
    text = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    assert all(cell.metadata == {} for cell in notebook.cells)
    assert [cell.execution_count for cell in code(notebook)] == list(range(1, len(code(notebook)) + 1))
    assert not re.search(r"/home/|/work/|/tmp/|site-packages|0x[0-9a-f]{6}", text)
    assert path.stat().st_size < 300_000


def code(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def found(notebook: Any, kind: str) -> list[str]:
    """The outputs of a kind, in order."""
    outputs = [output for cell in code(notebook) for output in cell.outputs]
    return [output.data[kind] for output in outputs if "data" in output and kind in output.data]


def count(notebook: Any) -> dict[str, int]:
    return {kind: len(found(notebook, kind)) for kind in ("image/svg+xml", "text/html", "image/png")}


def words(cell: Any) -> list[str]:
    """What the cell prints, without its numbers, whose last digits may differ between machines."""
    printed = [output.text for output in cell.outputs if output.output_type == "stream" and output.name == "stdout"]
    return re.sub(r"[-+]?\d[\d.]*(e[-+]\d+)?", "#", "".join(printed)).split()
