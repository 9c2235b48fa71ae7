"""The package in a zip file, as a zipapp has it: what it reads beside its code is found there too."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[2]


def test_pages_are_made_from_a_zip_file(tmp_path: Path) -> None:
    archive = tmp_path / "autograd.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted((ROOT / "autograd").rglob("*")):
            if path.suffix in (".py", ".html", ".css", ".js"):
                file.write(path, path.relative_to(ROOT))
    script = "import autograd as ag; print(ag.__file__); print(len(ag.step_through(ag.Value(2.0) * 3.0).html()))"
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(archive)!r}); {script}"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    place, length = done.stdout.split()
    assert place.startswith(str(archive))
    assert int(length) > 10_000
