"""How long drawings take: the DOT, and with it the SVG, of random graphs and of networks."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable

from alternate import human, seconds

import autograd as ag
import nn
from autograd.drawing.draw import draw
from autograd.drawing.picture import Drawing
from nn.inspect.draw import draw as draw_network


def random_graph(nodes: int, seed: int) -> ag.Value:
    """A graph of so many nodes, each operation on two of the latest twenty; the root sums what else is not used."""
    rng = random.Random(seed)
    values = [ag.Value(rng.gauss(0, 1)) for _ in range(5)]
    while len(values) < nodes - 1:
        a, b = rng.choice(values[-20:]), rng.choice(values[-20:])
        values.append(rng.choice([lambda a, b: a + b, lambda a, b: a * b, lambda a, b: ag.tanh(a)])(a, b))
    used = {p for v in values for p in v.parents}
    root = ag.sum([v for v in values if v not in used])
    root.backward()
    return root


def show(name: str, make: Callable[[], Drawing], rounds: int = 5) -> None:
    """One line of the table: the median time for the DOT, and for DOT and SVG."""
    dot = statistics.median(seconds(make) for _ in range(rounds))
    svg = statistics.median(seconds(lambda: make().svg()) for _ in range(rounds))
    print(f"{name:<58} {human(dot):>10} {human(svg):>10}", flush=True)


def main() -> None:
    print(f"{'':<58} {'DOT':>10} {'with SVG':>10}")
    for nodes in (100, 1_000):
        root = random_graph(nodes, seed=3)
        show(f"ag.draw, random graph, {nodes:,} nodes", lambda root=root: draw(root))  # type: ignore[misc]
    model = nn.MLP(2, [16, 16, 1], seed=1)
    show("ag.draw, moons network, neurons as boxes", lambda: draw(model([1.0, -1.0]), model))
    show("ag.draw, moons network, all its nodes", lambda: draw(model([1.0, -1.0]), model, collapse=0))
    show("nn.draw, moons network", lambda: draw_network(model, [1.0, -1.0]))


if __name__ == "__main__":
    main()
