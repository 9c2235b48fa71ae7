"""The demos run from start to end, learn what they say they learn, and draw their pictures."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

DEMOS = Path(__file__).parents[2] / "demos"


@pytest.mark.parametrize(
    ("script", "pictures", "least"),
    [("moons.py", ["moons.png"], 99.0), ("digits.py", ["digits_loss.png", "digits_mistakes.png"], 93.0)],
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
