"""demos/rumelhart1986.py: its data, its momentum, its gradients, its criterion, and a short run of the script."""

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn

DEMOS = Path(__file__).parents[2] / "demos"


@pytest.fixture(scope="module")
def demo() -> Any:
    """The demo's modules, imported as the script imports them."""
    sys.path.insert(0, str(DEMOS))
    try:
        importlib.import_module("rumelhart.families")
        importlib.import_module("rumelhart.symmetry")
        return importlib.import_module("rumelhart")
    finally:
        sys.path.remove(str(DEMOS))


def test_the_trees_give_the_papers_triples(demo: Any) -> None:
    triples = demo.families.TRIPLES
    assert len(triples) == 104
    assert len({(person, relation) for person, relation, _ in triples}) == 104
    answers = {(person, relation): them for person, relation, them in triples}
    assert answers["Colin", "aunt"] == {"Jennifer", "Margaret"}  # the two answers of the paper's figure 3
    assert answers["Colin", "mother"] == {"Victoria"}
    assert answers["Charles", "niece"] == {"Charlotte"}
    assert answers["Alfonso", "uncle"] == {"Emilio", "Tomaso"}
    assert ("Christopher", "father") not in answers
    # Each relation implies one in the other direction.
    for there, back in (("husband", {"wife"}), ("son", {"father", "mother"}), ("nephew", {"uncle", "aunt"})):
        for person, relation, them in triples:
            if relation == there:
                for other in them:
                    assert any(person in answers.get((other, r), ()) for r in back), (person, relation, other)
    # 36 inputs of which two are on; the Italian half is the English half, shifted by 12 people.
    X, D = demo.families.QUESTIONS, demo.families.TARGETS
    assert np.array_equal(X.sum(axis=1), np.full(104, 2.0))
    assert np.array_equal(X[:52, :12], X[52:, 12:24])
    assert np.array_equal(D[:52, :12], D[52:, 12:])
    assert not D[:52, 12:].any()


def test_the_patterns_are_all_64_and_8_of_them_mirror_images(demo: Any) -> None:
    patterns, symmetric = demo.symmetry.PATTERNS, demo.symmetry.SYMMETRIC
    assert len(np.unique(patterns, axis=0)) == 64
    assert [list(p) for p in patterns[symmetric == 1]] == [
        [a, b, c, c, b, a] for a in (0, 1) for b in (0, 1) for c in (0, 1)
    ]


def test_momentum_is_equation_9(demo: Any) -> None:
    """Against the equation in NumPy, through the change of ε and α, where SGD's form of momentum would differ."""
    rng = np.random.default_rng(0)
    model = nn.MLP(2, [2], seed=0)
    optimizer = demo.momentum.Momentum(model.parameters(), lr=0.005, momentum=0.5, decay=0.002)
    flat = w = rng.normal(size=6)
    change = np.zeros(6)
    for epsilon, alpha in [(0.005, 0.5)] * 3 + [(0.01, 0.9)] * 3:
        optimizer.groups[0].options.update(lr=epsilon, momentum=alpha)
        slope = rng.normal(size=6)
        flat = optimizer.update_all(flat, slope)
        change = -epsilon * slope + alpha * change
        w = (w + change) * 0.998
    np.testing.assert_allclose(flat, w, rtol=1e-13)


def _family_error(w: Any, X: Any, D: Any) -> float:
    """E of the family network in NumPy, from the network's parameters in a row."""
    shapes, start, layers = [(6, 24), (6, 12), (12, 12), (6, 12), (24, 6)], 0, []
    for nout, nin in shapes:
        rows = w[start : start + nout * (nin + 1)].reshape(nout, nin + 1)  # each unit's weights, then its bias
        layers.append((rows[:, :-1], rows[:, -1]))
        start += rows.size
    assert start == len(w)

    def units(y: Any, layer: Any) -> Any:
        return 1 / (1 + np.exp(-(y @ layer[0].T + layer[1])))

    y = np.hstack([units(X[:, :24], layers[0]), units(X[:, 24:], layers[1])])
    for layer in layers[2:]:
        y = units(y, layer)
    off = np.where(D == 1, np.clip(0.8 - y, 0, None), np.clip(y - 0.2, 0, None))
    return float(0.5 * np.sum(off**2))


def test_a_sweep_follows_the_gradient_of_e(demo: Any) -> None:
    """With α = 0 and no decay a sweep moves by -ε ∂E/∂w; E and its finite differences are NumPy's."""
    families = demo.families
    learned, held_out = families.split(0)
    assert sorted([*learned, *held_out]) == list(range(104))
    assert len(held_out) == 4
    settings = families.Settings(epsilon=(0.01, 0.01), alpha=(0.0, 0.0), decay=0.0, sweeps=1)
    model = families.start(settings, seed=0)
    X, D = families.QUESTIONS[learned], families.TARGETS[learned]
    before = np.array([p.data for p in model.parameters()])
    assert np.abs(before).max() <= settings.size
    errors = families.train(model, settings, learned)
    assert errors[0] == pytest.approx(_family_error(before, X, D), rel=1e-12)
    moved = np.array([p.data for p in model.parameters()]) - before
    for k in range(0, len(before), 23):
        high, low = before.copy(), before.copy()
        high[k] += 1e-5
        low[k] -= 1e-5
        slope = (_family_error(high, X, D) - _family_error(low, X, D)) / 2e-5
        assert moved[k] == pytest.approx(-0.01 * slope, rel=1e-5, abs=1e-9)


def test_the_family_network_learns(demo: Any) -> None:
    families = demo.families
    learned, _ = families.split(0)
    model = families.start(families.OURS, seed=0)
    errors = families.train(model, families.OURS, learned)
    assert len(errors) == 1500
    known = families.knows(model)[learned]
    assert known.sum() >= 95
    assert np.all(families.ranks(model)[learned][known])  # people above a half come before those below
    assert {name: 0 <= unit < 6 for name, (unit, _) in families.features(model).items()} == dict.fromkeys(
        families.FEATURES, True
    )


def _mirror_network(sizes: list[float], bias: float = -1.5) -> Any:
    """A symmetry network with these weights on one side, as the paper describes it."""
    model = nn.MLP(6, [2, 1], activation="sigmoid", output="sigmoid")
    side = np.array(sizes)
    for sign, neuron in zip((1, -1), model.layers[0].neurons):
        for w, x in zip(neuron.w, sign * np.concatenate([side, -side[::-1]])):
            w.data = float(x)
        neuron.b.data = bias
    output = model.layers[1].neurons[0]
    output.w[0].data = output.w[1].data = -10.0
    output.b.data = 4.5
    return model


def test_the_criterion_distinguishes_the_papers_pattern_from_others(demo: Any) -> None:
    symmetry = demo.symmetry
    assert symmetry.pattern(_mirror_network([2.1, -4.2, 8.4])) == "1:2:4"
    assert symmetry.pattern(_mirror_network([8.4, 2.2, 4.1])) == "1:2:4"
    assert symmetry.pattern(_mirror_network([4.0, 6.0, 8.0])) == "2:3:4"
    assert symmetry.count_right(_mirror_network([4.0, 6.0, 8.0])) == 64
    assert symmetry.pattern(_mirror_network([8.0, 8.0, 8.0])) == "none"
    assert symmetry.count_right(_mirror_network([8.0, 8.0, 8.0])) < 64  # two such weights cancel
    assert symmetry.pattern(_mirror_network([2.1, -4.2, 8.4], bias=1.0)) == "none"
    skewed = _mirror_network([2.1, -4.2, 8.4])
    skewed.layers[0].neurons[0].w[5].data *= 1.5
    assert symmetry.pattern(skewed) == "none"
    alike = _mirror_network([2.1, -4.2, 8.4])
    for one, other in zip(*(neuron.w for neuron in alike.layers[0].neurons)):
        other.data = one.data
    assert symmetry.pattern(alike) == "none"
    assert symmetry.pattern(symmetry.draw_network(seed=0)) == "none"


def test_a_symmetry_network_finds_the_papers_solution(demo: Any) -> None:
    model = demo.symmetry.draw_network(seed=3)
    sweeps = demo.symmetry.train(model)
    assert sweeps is not None
    assert sweeps < 20_000
    assert demo.symmetry.count_right(model) == 64
    assert demo.symmetry.pattern(model) == "1:2:4"
    assert demo.symmetry.train(demo.symmetry.draw_network(seed=3), most=100) is None


@pytest.mark.once
def test_the_script_runs_draws_and_tabulates(tmp_path: Path) -> None:
    short = ["--symmetry-sweeps", "50", "--family-sweeps", "30"]
    script = [sys.executable, str(DEMOS / "rumelhart1986.py"), *short, "--output", str(tmp_path)]
    run = subprocess.run(script, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    assert "not learned in 50 sweeps" in run.stdout
    assert run.stdout.count(": right\n") + run.stdout.count(": wrong\n") == 4
    for name in ("symmetry", "trees", "fields"):
        assert (tmp_path / f"rumelhart_{name}.png").read_bytes().startswith(b"\x89PNG")
    run = subprocess.run([*script, "--seeds", "1"], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("as printed") == 4
