"""The demos run from start to end, learn what they say they learn, and draw their pictures."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

DEMOS = Path(__file__).parents[2] / "demos"


@pytest.mark.parametrize(
    ("script", "pictures", "least"),
    [
        ("moons.py", ["moons.png"], 99.0),
        pytest.param("digits.py", ["digits_loss.png", "digits_mistakes.png"], 93.0, marks=pytest.mark.once),
    ],
)
def test_a_demo_learns_and_draws(script: str, pictures: list[str], least: float) -> None:
    for picture in pictures:
        (DEMOS / "output" / picture).unlink(missing_ok=True)
    run = subprocess.run([sys.executable, DEMOS / script], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    found = re.search(r"accuracy ([\d.]+)%", run.stdout)
    assert found is not None
    assert float(found[1]) >= least
    for picture in pictures:
        assert (DEMOS / "output" / picture).read_bytes().startswith(b"\x89PNG")


def test_a_network_solves_a_differential_equation_by_the_plain_loop_and_compiled_alike() -> None:
    picture = DEMOS / "output" / "differential_equation.png"
    picture.unlink(missing_ok=True)
    run = subprocess.run(
        [sys.executable, DEMOS / "differential_equation.py"], capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr
    numbers = re.search(r"weights differ by (\S+)\n.* at most (\S+) from sin t", run.stdout)
    assert numbers is not None
    assert float(numbers[1]) <= 1e-12
    assert float(numbers[2]) <= 2e-3
    assert picture.read_bytes().startswith(b"\x89PNG")
