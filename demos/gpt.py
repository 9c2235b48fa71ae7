"""A tiny GPT: a transformer that learns how names are spelled, letter by letter, and then makes up new ones.

The model is that of A. Vaswani et al., Attention is all you need, arXiv:1706.03762, in the order of GPT-2 (A. Radford
et al., 2019), written in scalars. The same plain Python is compiled for training and runs on Values to make up names.
Run it with `python demos/gpt.py` (--help lists the options); it draws demos/output/gpt_attention.png.
"""

import argparse
import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from tqdm import tqdm

import autograd as ag
import nn

matplotlib.use("Agg")
import matplotlib.pyplot as plt

HERE = Path(__file__).parent
LETTERS = ".abcdefghijklmnopqrstuvwxyz"  # what a name is made of; "." comes before it and after it
HELD_OUT, BATCH, RATE = 512, 64, 0.01  # names held out from training, names in a step, the first learning rate
SHAPE = {"size": 16, "heads": 4, "blocks": 2}

Vector = list[Any]  # of numbers or Values
Matrix = list[Vector]


def weights(rows: int, columns: int, std: float, rng: np.random.Generator) -> Matrix:
    """Weights to learn, random at first; with std 1/√columns they preserve the size of their input."""
    return [[ag.Value(w) for w in row] for row in rng.normal(0, std, (rows, columns)).tolist()]


def linear(matrix: Matrix, x: Vector) -> Vector:
    return [ag.dot(row, x) for row in matrix]


def add(x: Vector, y: Vector) -> Vector:
    return [a + b for a, b in zip(x, y)]


def norm(x: Vector) -> Vector:
    """x scaled so that the mean of its squares is 1 (RMSNorm; B. Zhang, R. Sennrich, arXiv:1910.07467)."""
    scale = 1 / ag.sqrt(ag.dot(x, x) / len(x) + 1e-5)
    return [scale * a for a in x]


class Attention(nn.Module):
    """Each position gathers information from itself and from the positions before it."""

    def __init__(self, size: int, heads: int, rng: np.random.Generator) -> None:
        width = size // heads  # each head looks for something else and fetches this many numbers
        self.heads = [slice(k * width, (k + 1) * width) for k in range(heads)]
        self.query, self.key, self.value = [weights(size, size, size**-0.5, rng) for _ in range(3)]
        self.output = weights(size, size, 0.5 * size**-0.5, rng)

    def pattern(self, xs: list[Vector], head: slice) -> Matrix:
        """How much each position looks at each one up to itself: rows of 1, 2, 3, ... shares, each summing to 1."""
        queries = [linear(self.query[head], x) for x in xs]  # what each position looks for
        keys = [linear(self.key[head], x) for x in xs]  # what each position offers
        shares = []
        for t, query in enumerate(queries):
            # Causal: position t sees the keys 0 to t. The later ones would reveal the letter that it must predict.
            shares.append(ag.softmax([ag.dot(query, key) / math.sqrt(len(key)) for key in keys[: t + 1]]))
        return shares

    def __call__(self, xs: list[Vector]) -> list[Vector]:
        gathered: list[Vector] = [[] for _ in xs]
        for head in self.heads:
            values = [linear(self.value[head], x) for x in xs]  # what each position gives to those that look at it
            for t, shares in enumerate(self.pattern(xs, head)):
                gathered[t] += [ag.dot(shares, column) for column in zip(*values[: t + 1])]
        return [linear(self.output, x) for x in gathered]


class Block(nn.Module):
    """Attention, in which positions exchange information, then a small network that is applied to each of them.

    Both add to their input (residual connections), so gradients have a direct path back through any number of blocks.
    """

    def __init__(self, size: int, heads: int, rng: np.random.Generator) -> None:
        self.attention = Attention(size, heads, rng)
        self.hidden = weights(4 * size, size, size**-0.5, rng)
        self.output = weights(size, 4 * size, 0.5 * (4 * size) ** -0.5, rng)

    def transform(self, x: Vector) -> Vector:
        return linear(self.output, [ag.relu(h) for h in linear(self.hidden, norm(x))])

    def __call__(self, xs: list[Vector]) -> list[Vector]:
        xs = [add(x, y) for x, y in zip(xs, self.attention([norm(x) for x in xs]))]
        return [add(x, self.transform(x)) for x in xs]


class GPT(nn.Module):
    """From letters to scores: at each letter, a score for every letter that may come next.

    Args:
        letters: how many different letters there are.
        context: the most positions that the model can read.
        size: how many numbers represent a position inside the model.
        heads, blocks: the number of attention heads in a block, and of blocks.
        rng: the NumPy Generator that the initial weights are drawn from.
    """

    def __init__(self, *, letters: int, context: int, size: int, heads: int, blocks: int, rng: Any) -> None:
        self.letter = weights(size, letters, 0.5, rng)  # a column for each letter
        self.place = weights(context, size, 0.5, rng)  # a row for each position
        self.blocks = [Block(size, heads, rng) for _ in range(blocks)]
        self.score = weights(letters, size, size**-0.5, rng)

    def embed(self, letters: Matrix) -> list[Vector]:
        """A vector for each letter in its place. Letters are one-hot rows. Such a row picks a column of the matrix, as
        an index would; but an index must be known when the program is compiled, and a row need not be."""
        return [add(linear(self.letter, x), place) for x, place in zip(letters, self.place)]

    def __call__(self, letters: Matrix) -> list[Vector]:
        xs = self.embed(letters)
        for block in self.blocks:
            xs = block(xs)
        return [linear(self.score, norm(x)) for x in xs]


def cross_entropy(scores: list[Vector], following: Matrix) -> Any:
    """Minus the log probability of the letters that follow, one-hot too; a row of zeros adds nothing."""
    return -ag.sum([ag.dot(y, ag.log_softmax(z)) for z, y in zip(scores, following)])


def one_hot(text: str) -> Matrix:
    """For each letter a row with a 1 at its place in the alphabet; for a space a row of zeros."""
    return [[float(letter == x) for letter in LETTERS] for x in text]


def encode(names: list[str], context: int) -> tuple[np.ndarray, np.ndarray]:
    """What the model reads (".anna   ") and what it should predict at each position ("anna.   ")."""
    read = [one_hot(("." + name).ljust(context)) for name in names]
    return np.array(read), np.array([one_hot((name + ".").ljust(context)) for name in names])


def generate(model: GPT, temperature: float, rng: np.random.Generator) -> str:
    """A name, letter by letter, each drawn from the model's probabilities for it."""
    name = "."
    while len(name) < len(model.place):
        scores = model(one_hot(name))[-1]
        chances = ag.softmax([float(z) / temperature for z in scores])
        name += LETTERS[rng.choice(len(LETTERS), p=chances)]
        if name.endswith("."):
            break
    return name.strip(".")


def counting_loss(training: list[str], names: list[str], before: int) -> float:
    """The cross-entropy of predicting by counts: how often each letter follows the `before` letters before it."""

    def windows(names: Iterable[str]) -> Iterator[tuple[str, str]]:
        for text in ["." * before + name + "." for name in names]:
            yield from ((text[k - before : k], text[k]) for k in range(before, len(text)))

    pairs, seen = Counter(windows(training)), Counter(start for start, _ in windows(training))
    extra = 0.1  # added to every count, so that nothing is impossible; about the best number for these names
    chances = [(pairs[start, x] + extra) / (seen[start] + extra * len(LETTERS)) for start, x in windows(names)]
    return -float(np.mean(np.log(chances)))


def train(model: GPT, letters: np.ndarray, following: np.ndarray, steps: int, rng: np.random.Generator) -> None:
    """Train the model with AdamW on batches of names, with a learning rate that falls to the end."""
    optimizer = nn.AdamW(model.parameters(), lr=RATE, betas=(0.9, 0.99), weight_decay=0.1)
    schedule = nn.CosineAnnealingLR(optimizer, T_max=steps)
    losses, often, start = [], max(1, steps // 10), time.perf_counter()
    with nn.compile_step(model, cross_entropy, optimizer) as step:
        for k in tqdm(range(1, steps + 1), desc="gpt", unit="step", disable=None):  # None: silent unless in a terminal
            batch = rng.integers(len(letters), size=BATCH)
            losses.append(step(letters[batch], following[batch]) * BATCH / following[batch].sum())
            schedule.step()
            if k == 1:
                stats = step.program.stats
                seconds = f"{stats.trace_seconds:.1f} s to trace and {stats.compile_seconds:.1f} s to compile"
                tqdm.write(f"loss and gradient of a name: {stats.nodes:,} operations, {seconds}")
            if k % often == 0:
                tqdm.write(f"step {k:5,}: {np.mean(losses[-often:]):.3f} nats per letter")
    print(f"{steps:,} steps of {BATCH} names, including compilation: {time.perf_counter() - start:.1f} s\n")


def draw_attention(model: GPT, name: str, path: Path) -> None:
    """Draw where each head looks while it reads a name: darker means more."""
    read = "." + name
    xs = model.embed(one_hot(read))
    shape = len(model.blocks), len(model.blocks[0].attention.heads)
    figure, grid = plt.subplots(*shape, squeeze=False, figsize=(8, 4.8), layout="constrained")
    for b, (row, block) in enumerate(zip(grid, model.blocks)):
        for h, (panel, head) in enumerate(zip(row, block.attention.heads)):
            shares = block.attention.pattern([norm(x) for x in xs], head)
            panel.imshow([[*map(float, line), *[math.nan] * (len(read) - len(line))] for line in shares], "Blues")
            panel.set_xticks(range(len(read)), read)
            panel.set_yticks(range(len(read)), read)
            panel.set_title(f"block {b + 1}, head {h + 1}", fontsize=9)
        xs = block(xs)
    figure.suptitle("Where each letter (row) looks to predict the next one")
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a tiny transformer on names and let it make up new ones.")
    parser.add_argument("--steps", type=int, default=3000, help="how many steps to train (%(default)s)")
    parser.add_argument(
        "--seed", type=int, default=0, help="for the weights and everything else that is random (%(default)s)"
    )
    parser.add_argument("--samples", type=int, default=20, help="how many names to make up (%(default)s)")
    parser.add_argument("--temperature", type=float, default=0.8, help="below 1: likelier names; above: bolder ones")
    options = parser.parse_args()
    if min(options.steps, options.samples) < 1 or options.seed < 0 or not 0 < options.temperature < math.inf:
        parser.error("--steps and --samples must be 1 or more, --seed 0 or more, --temperature a finite number above 0")

    rng = np.random.default_rng(options.seed)
    lines = (HERE / "names.txt").read_text().splitlines()
    names = rng.permutation([line for line in lines if not line.startswith("#")]).tolist()
    parts = {"training": names[HELD_OUT:], "held out": names[:HELD_OUT]}
    context = max(map(len, names)) + 1
    model = GPT(letters=len(LETTERS), context=context, **SHAPE, rng=rng)
    examples = ", ".join(parts["training"][:5])
    print(f"{len(names) - HELD_OUT:,} names to learn from ({examples}, ...), {HELD_OUT} held out")
    settings = ", ".join(f"{key} {number}" for key, number in {"context": context, **SHAPE}.items())
    print(f"{len(model.parameters()):,} parameters: {settings}; seed {options.seed}")
    encoded = {label: encode(part, context) for label, part in parts.items()}
    train(model, *encoded["training"], options.steps, rng)

    def row(label: str, losses: Iterable[float]) -> None:
        print(f"{label:24}" + "".join(f"{loss:10.3f}" for loss in losses))

    # The names held out show how good it is. It may know the others by heart, as counting quadruples does.
    print(f"{'loss in nats per letter':24}" + "".join(f"{label:>10}" for label in parts))
    row("a uniform guess, ln 27", [math.log(len(LETTERS))] * 2)
    for before, label in enumerate(["letter frequencies", "counting pairs", "counting triples", "counting quadruples"]):
        row(label, [counting_loss(parts["training"], part, before) for part in parts.values()])
    loss_of = ag.jit(lambda letters, following: cross_entropy(model(letters), following), in_axes=0)
    row("this transformer", [loss_of(read, following).sum() / following.sum() for read, following in encoded.values()])

    made_up = [generate(model, options.temperature, rng) for _ in range(options.samples)]
    print("\n" + "\n".join("".join(f"{name:12}" for name in made_up[k : k + 5]) for k in range(0, len(made_up), 5)))
    new = sum(name not in names for name in made_up)
    print(f"\n{new} of these {len(made_up)} names, drawn at temperature {options.temperature}, are not in the list")
    picture = HERE / "output" / "gpt_attention.png"
    draw_attention(model, "katherine", picture)
    print(f"where the model looks in a name is drawn in {picture.resolve()}")


if __name__ == "__main__":
    main()
