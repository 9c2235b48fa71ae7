"""demos/gpt.py against a transformer written in NumPy from the formulas; and the script itself, from start to end."""

import importlib.util
import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd as ag
import nn

SCRIPT = Path(__file__).parents[2] / "demos" / "gpt.py"
spec = importlib.util.spec_from_file_location("demo_gpt", SCRIPT)
assert spec is not None
assert spec.loader is not None
gpt = importlib.util.module_from_spec(spec)
spec.loader.exec_module(gpt)

CONTEXT = 5


def small(seed: int, size: int = 4, heads: int = 2, blocks: int = 2) -> Any:
    rng = np.random.default_rng(seed)
    return gpt.GPT(letters=27, context=CONTEXT, size=size, heads=heads, blocks=blocks, rng=rng)


def matrices(model: Any) -> dict[str, Any]:
    """The matrices of Values that are the model's parameters."""
    found = {name: getattr(model, name) for name in ("letter", "place", "score")}
    for b, block in enumerate(model.blocks):
        found |= {f"{b}.{name}": getattr(block.attention, name) for name in ("query", "key", "value", "output")}
        found |= {f"{b}.mlp.{name}": getattr(block, name) for name in ("hidden", "output")}
    return found


def arrays(model: Any) -> dict[str, np.ndarray]:
    return {name: np.array([[w.data for w in row] for row in matrix]) for name, matrix in matrices(model).items()}


def oracle(w: dict[str, np.ndarray], heads: int, blocks: int, read: np.ndarray, following: np.ndarray) -> Any:
    """The cross-entropies of a batch of names, all positions at once. Analytic in the weights, for complex steps."""

    def rms(x: np.ndarray) -> np.ndarray:
        return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + 1e-5)

    def softmax(x: np.ndarray) -> np.ndarray:
        e = np.exp(x - x.real.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)

    batch, length, _ = read.shape
    x = read @ w["letter"].T + w["place"][:length]
    future = np.triu(np.full((length, length), -np.inf), k=1)
    for b in range(blocks):
        q, k, v = [
            (rms(x) @ w[f"{b}.{name}"].T).reshape(batch, length, heads, -1).swapaxes(1, 2)
            for name in ("query", "key", "value")
        ]
        gathered = softmax(q @ k.swapaxes(2, 3) / math.sqrt(q.shape[-1]) + future) @ v
        x = x + gathered.swapaxes(1, 2).reshape(batch, length, -1) @ w[f"{b}.output"].T
        hidden = rms(x) @ w[f"{b}.mlp.hidden"].T
        x = x + np.where(hidden.real > 0, hidden, 0) @ w[f"{b}.mlp.output"].T
    return -np.sum(following * np.log(softmax(rms(x) @ w["score"].T)), axis=(1, 2))


def eager_loss(model: Any, read: np.ndarray, following: np.ndarray) -> Any:
    return gpt.cross_entropy(model(read.tolist()), following.tolist())


@pytest.mark.parametrize(("size", "heads", "blocks"), [(4, 1, 1), (4, 2, 2), (6, 3, 1), (2, 2, 3)])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_loss_is_that_of_the_formulas(size: int, heads: int, blocks: int, seed: int) -> None:
    model = small(seed, size, heads, blocks)
    read, following = gpt.encode(["anna", "bo", "zoe"], CONTEXT)
    wanted = oracle(arrays(model), heads, blocks, read, following)
    eager = [eager_loss(model, x, y).data for x, y in zip(read, following)]
    assert np.allclose(eager, wanted, rtol=1e-12)
    compiled = ag.jit(lambda x, y: gpt.cross_entropy(model(x), y), in_axes=0)(read, following)
    assert np.allclose(compiled, wanted, rtol=1e-12)


def test_the_gradient_is_that_of_the_formulas_for_every_weight_eager_and_compiled() -> None:
    model = small(3)
    read, following = gpt.encode(["anna", "bo", "zoe"], CONTEXT)
    weights = {name: w.astype(complex) for name, w in arrays(model).items()}
    wanted = []
    for w in weights.values():  # complex steps: W. Squire, G. Trapp, SIAM Review 40, 1998; no digits are lost
        for at in np.ndindex(w.shape):
            w[at] += 1e-30j
            wanted.append(oracle(weights, 2, 2, read, following).sum().imag / 1e-30)
            w[at] = w[at].real
    parameters = [p for matrix in matrices(model).values() for row in matrix for p in row]
    assert set(parameters) == set(model.parameters())

    ag.sum([eager_loss(model, x, y) for x, y in zip(read, following)]).backward()
    assert np.allclose([p.grad for p in parameters], wanted, rtol=1e-10, atol=1e-13)

    before = np.array([p.data for p in parameters])
    with nn.compile_step(model, gpt.cross_entropy, nn.SGD(model.parameters(), lr=1.0)) as step:
        step(read, following)
    moved = before - [p.data for p in parameters]  # by the mean over the three names
    assert np.allclose(3 * moved, wanted, rtol=1e-10, atol=1e-13)


def test_no_position_sees_a_later_one() -> None:
    model = small(0)
    scores, others = [[[z.data for z in row] for row in model(gpt.one_hot(text))] for text in (".anna", ".anza")]
    assert scores[:3] == others[:3]
    assert all(not np.allclose(a, b, rtol=1e-3) for a, b in zip(scores[3:], others[3:]))
    shorter = [[z.data for z in row] for row in model(gpt.one_hot(".an"))]
    assert shorter == scores[:3]


def test_what_comes_after_a_name_does_not_count() -> None:
    model = small(0)
    read, following = gpt.encode(["al"], CONTEXT)
    assert following[0].sum() == 3
    shorter = gpt.cross_entropy(model(gpt.one_hot(".al")), gpt.one_hot("al."))
    assert eager_loss(model, read[0], following[0]).data == shorter.data


def test_shares_of_attention_sum_to_one() -> None:
    model = small(0)
    attention = model.blocks[0].attention
    for head in attention.heads:
        shares = attention.pattern(model.embed(gpt.one_hot(".anna")), head)
        assert [len(row) for row in shares] == [1, 2, 3, 4, 5]
        assert [sum(x.data for x in row) for row in shares] == pytest.approx([1.0] * 5, rel=1e-14)


def test_counting() -> None:
    # Of the six letters of ab. and aa. half are a; the pairs are .a ab b. and .a aa a.
    assert gpt.counting_loss(["ab", "aa"], ["a"], 0) == pytest.approx(-(math.log(3.1 / 8.7) + math.log(2.1 / 8.7)) / 2)
    assert gpt.counting_loss(["ab", "aa"], ["b"], 1) == pytest.approx(-(math.log(0.1 / 4.7) + math.log(1.1 / 3.7)) / 2)
    assert gpt.counting_loss([], ["ab"], 3) == pytest.approx(math.log(27))


def test_generated_names_follow_the_probabilities() -> None:
    model = small(5, size=2, heads=1, blocks=1)
    first = np.array([z.data for z in model(gpt.one_hot("."))[0]])
    chances = np.exp(first / 0.5) / np.exp(first / 0.5).sum()
    rng = np.random.default_rng(0)
    names = [gpt.generate(model, 0.5, rng) for _ in range(300)]
    counts = np.array([sum((name + ".")[0] == letter for name in names) for letter in gpt.LETTERS])
    assert np.all(np.abs(counts - 300 * chances) < 5 * np.sqrt(300 * chances) + 1)
    assert all(re.fullmatch("[a-z]*", name) and len(name) < CONTEXT for name in names)
    repeated = np.random.default_rng(0)
    assert [gpt.generate(model, 0.5, repeated) for _ in range(10)] == names[:10]


def test_the_list_of_names_is_what_its_heading_says() -> None:
    lines = SCRIPT.with_name("names.txt").read_text().splitlines()
    names = [line for line in lines if not line.startswith("#")]
    assert lines[0].startswith(f"# {len(names):,} given names")
    assert names == sorted(set(names))
    assert all(re.fullmatch("[a-z]{3,10}", name) for name in names)


@pytest.mark.once
def test_the_script_learns_samples_and_draws() -> None:
    picture = SCRIPT.parent / "output" / "gpt_attention.png"
    picture.unlink(missing_ok=True)
    command = [sys.executable, SCRIPT, "--steps", "30", "--samples", "5"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    losses = {
        row[0].strip(): float(row[2]) for row in re.findall(r"^(\D+) +(\d\.\d{3}) +(\d\.\d{3})$", run.stdout, re.M)
    }
    assert losses["this transformer"] < losses["letter frequencies"] < math.log(27)
    assert "of these 5 names, drawn at temperature 0.8, are not in the list" in run.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("options", [["--steps", "0"], ["--samples", "-1"], ["--seed", "-1"], ["--temperature", "nan"]])
def test_options_out_of_range_are_refused(options: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(sys, "argv", ["gpt.py", *options])
    with pytest.raises(SystemExit):
        gpt.main()
    assert options[0] in capsys.readouterr().err.splitlines()[-1]
