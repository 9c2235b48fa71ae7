"""demos/vanishing.py shows what it says: what does not learn, what learns with each cure, and what explodes."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

DEMO = Path(__file__).parents[2] / "demos" / "vanishing.py"


def test_the_cures_cure() -> None:
    picture = DEMO.parent / "output" / "vanishing.png"
    picture.unlink(missing_ok=True)
    run = subprocess.run([sys.executable, "-W", "error", DEMO], capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    rows = re.findall(r"^(\w+) +(\w+) +first / last gradient (\S+)  loss \S+ → (\S+)$", run.stdout, re.MULTILINE)
    found = {name: (verdict, float(ratio), float(loss)) for name, verdict, ratio, loss in rows}
    verdict, ratio, loss = found.pop("sigmoid")
    assert verdict == "vanishing"
    assert ratio < 1e-10
    assert abs(loss - 0.6931) < 1e-3  # log 2: a guess
    assert set(found) == {"initialisation", "ReLU", "normalisation", "residual"}
    for verdict, _, loss in found.values():
        assert verdict == "healthy"
        assert loss < 0.05
    assert "exploding:" in run.stdout
    ends = re.findall(r"^(not clipped|clipped) .*in the end ([\d.]+); then", run.stdout, re.MULTILINE)
    assert float(dict(ends)["not clipped"]) > 0.6
    assert float(dict(ends)["clipped"]) < 0.05
    assert picture.read_bytes().startswith(b"\x89PNG")
