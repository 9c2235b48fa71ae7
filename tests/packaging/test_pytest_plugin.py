"""The pytest plugin: its fixture, the report of a failure, and what it costs those who do not use it."""

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

pytestmark = pytest.mark.once


def run_pytest(tmp_path: Path, test: str) -> tuple[int, str]:
    (tmp_path / "test_it.py").write_text(test)
    command = [sys.executable, "-m", "pytest", "--rootdir", str(tmp_path), str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_fixture_passes_what_is_right(tmp_path: Path) -> None:
    status, output = run_pytest(
        tmp_path,
        "def test_right(gradcheck):\n    gradcheck(lambda x: x**3, 2.0, gradient=lambda x: 3 * x**2)\n",
    )
    assert status == 0, output


def test_a_failure_shows_the_line_of_the_test_and_the_table_and_nothing_inside(tmp_path: Path) -> None:
    test = "def test_wrong(gradcheck):\n    gradcheck(lambda x: x**3, 2.0, gradient=lambda x: 3 * x)\n"
    status, output = run_pytest(tmp_path, test)
    assert status == 1
    report = output[output.index("    def test_wrong(gradcheck):") : output.index("= short test summary")].splitlines()
    assert [line.rstrip() for line in report[1:5]] == [
        ">       gradcheck(lambda x: x**3, 2.0, gradient=lambda x: 3 * x)",
        "E       autograd.testing.GradientError: check_gradients(<lambda>): the derivative is wrong",
        "E         variable  given  expected    off by        given / expected",
        "E         x         6      12 ± 1e-05  5e+05 bounds  0.5",
    ]
    assert len(report) <= 8


def test_what_cannot_be_told_fails_unless_the_test_allows_it(tmp_path: Path) -> None:
    test = "def test_hidden(gradcheck):\n    gradcheck(lambda x: 1e12 + 1e-5 * x, 1.0, gradient=lambda x: 0.0{})\n"
    status, output = run_pytest(tmp_path, test.format(""))
    assert status == 1
    assert "check_gradients(<lambda>): the derivative cannot be told" in output
    status, output = run_pytest(tmp_path, test.format(", atol=0.01"))
    assert status == 0, output


def test_the_plugin_imports_nothing_until_it_is_used(tmp_path: Path) -> None:
    test = "import sys\ndef test_light():\n    assert not {'numpy', 'autograd'} & set(sys.modules)\n"
    status, output = run_pytest(tmp_path, test)
    assert status == 0, output


def test_the_distribution_registers_it() -> None:
    assert "pytest_autograd" in {point.value for point in entry_points(group="pytest11")}
