"""The demos run from start to end, learn what they say they learn, and draw their pictures."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

DEMOS = Path(__file__).parents[2] / "demos"


def run_and_draw(script: str, *pictures: str) -> str:
    """What a demo prints, after a check that it drew its pictures, which bear its name if no others are given."""
    paths = [DEMOS / "output" / picture for picture in pictures or [script.replace(".py", ".png")]]
    for path in paths:
        path.unlink(missing_ok=True)
    run = subprocess.run([sys.executable, DEMOS / script], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)
    return run.stdout


@pytest.mark.parametrize(
    ("script", "pictures", "least"),
    [
        ("moons.py", ["moons.png"], 99.0),
        pytest.param("digits.py", ["digits_loss.png", "digits_mistakes.png"], 93.0, marks=pytest.mark.once),
    ],
)
def test_a_demo_learns_and_draws(script: str, pictures: list[str], least: float) -> None:
    found = re.search(r"accuracy ([\d.]+)%", run_and_draw(script, *pictures))
    assert found is not None
    assert float(found[1]) >= least


def test_a_network_solves_a_differential_equation_by_the_plain_loop_and_compiled_alike() -> None:
    printed = run_and_draw("differential_equation.py")
    numbers = re.search(r"weights differ by (\S+)\n.* at most (\S+) from sin t", printed)
    assert numbers is not None
    assert float(numbers[1]) <= 1e-12
    assert float(numbers[2]) <= 2e-3


@pytest.mark.once
def test_prices_and_greeks_equal_closed_forms_and_differences() -> None:
    printed = run_and_draw("pricing.py")
    greeks = re.findall(r"(?:delta|rho|vega|theta) +(\S+)  (by differences|formula) +(\S+)", printed)
    assert len(greeks) == 8
    for found, by, exact in greeks:  # those from random paths have a random error, with a fixed seed
        assert abs(float(found) / float(exact) - 1) <= (1e-4 if by == "by differences" else 1e-2)
    errors = re.search(r"is (\S+), (\S+) standard errors", printed)
    assert errors is not None
    assert float(errors[2]) <= 3
    numbers = re.search(r"most (\S+) from the true one .*\n.* most (\S+) from 1 / vega", printed)
    assert numbers is not None
    assert max(map(float, numbers.groups())) <= 1e-9


@pytest.mark.once
def test_an_orbit_is_fitted_and_agrees_with_kepler() -> None:
    printed = run_and_draw("orbit.py")
    numbers = re.search(r"most (\S+) from Kepler[\s\S]*most (\S+) of a column", printed)
    assert numbers is not None
    assert float(numbers[1]) <= 1e-6
    assert float(numbers[2]) <= 1e-3
    found = re.findall(r"(?:mass|bulge) +(\S+) ± (\S+), true (\S+)", printed)
    assert len(found) == 2
    for x, error, true in found:
        assert abs(float(x) - float(true)) <= 3 * float(error)
