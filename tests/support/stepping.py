"""Graphs for the tests of step_through(), and functions that read its steps."""

import math
import random
import struct
from collections.abc import Callable
from typing import Any

import autograd as ag
import nn
from autograd.stepper.page import StepThrough

DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}  # windows
Open = Callable[..., Any]  # the fixture open_page, which opens a StepThrough

HOSTILE = [
    '</script><img src=x onerror="window.hit=1">',
    "<script>window.hit=1</script>",
    "\" onload='window.hit=1' {x} | \\n & &lt; ${1+1} `",
    "two\nlines",
    "😀 🇩🇪",
    "مرحبا שלום",
    "\N{RIGHT-TO-LEFT OVERRIDE}gpj.exe",
    "]]>--><!--",
    "a label much longer than any card is wide, which a card cuts off but a tooltip does not",
]

UNARY: list[Any] = [ag.tanh, ag.sigmoid, ag.relu, ag.exp, ag.log, ag.sqrt, ag.abs, ag.sin, ag.erf, ag.softplus, ag.sign]
UNARY += [lambda x: -x, lambda x: x**2, lambda x: 1 / x, lambda x: 2 * x, lambda x: x - 0.5]
BINARY: list[Any] = [ag.maximum, ag.hypot, ag.atan2, ag.pow, lambda a, b: ag.where(a, b, a)]
BINARY += [lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: a / b]


def random_graph(rng: random.Random) -> ag.Value:
    """A graph with shared nodes, repeated arguments, plain numbers, infinities and duplicate labels."""
    numbers = [0.0, -0.0, 1.0, -1.0, 1e300, math.inf]
    draw = lambda: rng.gauss(0, 2) if rng.random() < 0.8 else rng.choice(numbers)  # noqa: E731
    values = [ag.Value(draw(), rng.choice(["", "a", "x"])) for _ in range(rng.randint(1, 5))]

    def some(n: int) -> tuple[Any, ...]:
        return (rng.choice(values), *[rng.choice(values) if rng.random() < 0.8 else draw() for _ in range(n - 1)])

    for _ in range(rng.randint(0, 15)):
        n = rng.randint(1, 4)
        kind = rng.random()
        if kind < 0.35:
            value = rng.choice(UNARY)(rng.choice(values[-4:]))
        elif kind < 0.75:
            value = rng.choice(BINARY)(rng.choice(values[-4:]), rng.choice(values))
        elif kind < 0.87:
            value = ag.dot(some(n), some(n), rng.choice([0.0, 1.5, rng.choice(values)]))
        else:
            value = rng.choice([ag.sum, ag.prod, ag.norm, ag.logsumexp])(some(n))
        value.label = rng.choice(["", "", "z", "a"])
        values.append(value)
    return values[-1]


def micrograd() -> ag.Value:
    """The expression of micrograd's README."""
    a, b = ag.Value(-4.0, "a"), ag.Value(2.0, "b")
    c, d = a + b, a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    f = (c - d) ** 2
    return f / 2.0 + 10.0 / f


def tiny() -> ag.Value:
    w, x, b, y = (ag.Value(v, label) for v, label in zip((2.0, 3.0, 1.0, 5.0), "wxby"))
    return (w * x + b - y) ** 2


def crowd() -> ag.Value:
    """Many lines side by side, without room for all of their amounts."""
    x, y = ag.Value(-1.0, "x"), ag.Value(0.123456, "y")
    return ag.dot((x, x, x, y, x, y, y), (y, y, y, x, x, y, x)) / 123456.0


def two_layers() -> tuple[ag.Value, list[ag.Value]]:
    """The teaching network: layers 2-2-1, sigmoid, mean squared error."""
    model = nn.MLP(2, [2, 1], activation="sigmoid", output="sigmoid", seed=0)
    return nn.mse(model([0.5, 0.8]), 1.0), model.parameters()


def hostile_graph() -> ag.Value:
    values = [ag.Value(k + 1.0, label) for k, label in enumerate(HOSTILE)]
    root = ag.sum([v * values[0] for v in values])
    root.label = f"{HOSTILE[0]} {HOSTILE[2]}"
    return root


def bits(x: float) -> bytes:
    return b"nan" if x != x else struct.pack(">d", x)


def lines(page: StepThrough, phase: str) -> list[str]:
    return [str(line) for step in page.steps if step.phase == phase for line in step.lines]


GRAPHS = {
    "tiny": tiny,
    "two layers": lambda: two_layers()[0],
    "micrograd": micrograd,
    "hostile": hostile_graph,
    "crowd": crowd,
}
