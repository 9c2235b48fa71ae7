"""Random graphs against an oracle, dual numbers in 40 digits; and check_gradients, which must raise no false alarm.

    python tests/support/fuzz.py --graphs 100000 --seed 1

Graphs have up to 20 operations, primitives and compositions, on one to four numbers from 1e-12 to 1e12 in
size. check_gradients checks the gradient of the engine, and that of the oracle as if it were written by hand, for
a function of floats; then with a mistake planted in it, which it must not pass without a word. The last line is a
summary. Wrong gradients, false alarms, and more than 1 % of mistakes missed make the exit status 1.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import time
import warnings
from collections import Counter
from collections.abc import Sequence
from typing import Any

import mpmath
from operations import OPERATIONS, Dual, Operation

import autograd as ag
from autograd.testing import GradientError, GradientWarning, check_gradients

mpmath.mp.dps = 40
MOST = 1e100  # the limit of intermediate results
TINY = 1e-150  # a derivative may be as small, though a factor of it is too small for a float


def number(rng: random.Random) -> float:
    """About 1 in half of the cases, otherwise of any size from 1e-3 to 1e3 or, more rarely, from 1e-12 to 1e12."""
    if rng.random() < 0.5:
        return rng.gauss(0.0, 1.0)
    decades = 3 if rng.random() < 0.7 else 12
    return rng.choice([-1, 1]) * 10.0 ** rng.uniform(-decades, decades)


class Graph:
    """A random function of a few numbers, with a point where it and all its intermediate results are finite."""

    def __init__(self, rng: random.Random) -> None:
        self.point = [number(rng) for _ in range(rng.randint(1, 4))]
        self.constants = [number(rng), float(rng.randint(-3, 3))]
        self.steps: list[tuple[Operation, list[int]]] = []
        self.floats = self.point + self.constants
        for _ in range(rng.randint(1, 20)):
            while True:
                operation = rng.choice(OPERATIONS)
                size = len(self.floats)
                recent = [rng.random() < 0.6 for _ in range(operation.arity or rng.randint(1, 5))]
                places = [rng.randrange(max(0, size - 4) if is_recent else 0, size) for is_recent in recent]
                result = operation.engine(*[self.floats[k] for k in places])
                if abs(result) < MOST:
                    break
            self.steps.append((operation, places))
            self.floats.append(result)

    @property
    def at_kink(self) -> bool:
        """Whether an operation is evaluated where it has no derivative, so that its derivative is a convention."""
        for operation, places in self.steps:
            f = [self.floats[k] for k in places]
            if operation.name in ("abs", "relu", "leaky_relu", "elu", "sign", "heaviside", "hypot", "norm") and not any(
                f
            ):
                return True
            if operation.name in ("maximum", "minimum", "where") and f[0] == f[1]:
                return True
            if operation.name == "clip" and abs(f[0]) == 1.5:
                return True
        return False

    def __call__(self, *xs: Any) -> Any:
        """The result of the engine, for Values or floats."""
        pool = [*xs, *self.constants]
        for operation, places in self.steps:
            pool.append(operation.engine(*[pool[k] for k in places]))
        return pool[-1]

    def oracle(self, c: Any, point: Sequence[float]) -> Dual:
        """The result in the arithmetic of a context."""
        pool = []
        for i, x in enumerate([*point, *self.constants]):
            unit = [int(i == k) for k in range(len(point))]
            pool.append(Dual(c.mpf(x), unit, unit))
        for operation, places in self.steps:
            pool.append(operation.oracle(c, [self.floats[k] for k in places], *[pool[k] for k in places]))
        return pool[-1]

    def __str__(self) -> str:
        steps = [f"{operation.name}{tuple(places)}" for operation, places in self.steps]
        return f"{' '.join(steps)} on {self.point} with {self.constants}"


def difference(graph: Graph) -> str:
    """How backward() and the oracle differ, if by more than rounding explains; otherwise "".

    The effect of rounding is measured by the oracle's formulas in float arithmetic, at the point and at
    points that differ in the last bits.
    """
    xs = [ag.Value(x) for x in graph.point]
    result = graph(*xs)
    if not isinstance(result, ag.Value):
        return ""
    result.backward()
    grads = [x.grad for x in xs]
    if not all(map(math.isfinite, grads)):
        raise ArithmeticError("an infinite derivative")
    adjoints = result.backward(create_graph=True)
    exact = graph.oracle(mpmath.mp, graph.point)
    rough = [graph.oracle(mpmath.fp, [x * (1 + k * 2.0**-52) for x in graph.point]) for k in (0, 1, -1, 2, -3)]
    for k, x in enumerate(xs):
        expected = exact.slopes[k]
        if rough[0].slopes[k] == 0 != expected and abs(expected) < TINY:
            raise ArithmeticError("a partial derivative on the way is below the range of floats")
        doubt = max(abs(each.slopes[k] - expected) for each in rough)
        bound = 1e-13 * exact.sizes[k] + 1000 * doubt + 1e-290
        for grad in (grads[k], adjoints[x].data if x in adjoints else 0.0):
            if not abs(grad - expected) <= bound:
                return f"derivative {k}: {grad}, expected {mpmath.nstr(expected, 17)} ± {mpmath.nstr(bound, 2)}"
    return ""


def is_settled(graph: Graph, slopes: Sequence[float]) -> bool:
    """Whether rounding inside the function leaves seven digits of its derivatives, so that floats tell them."""
    points = [[x * (1 + k * 2.0**-52) for x in graph.point] for k in (0, 1, -1, 2, -3)]
    try:
        rough = [graph.oracle(mpmath.fp, point).slopes for point in points]
    except (ArithmeticError, ValueError):
        return False
    return all(abs(each[k] - slope) <= 1e-7 * abs(slope) for each in rough for k, slope in enumerate(slopes))


def false_alarm(graph: Graph, gradient: Any = None) -> str:
    """The error of check_gradients for the graph; "" if it passes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GradientWarning)
        try:
            check_gradients(lambda *xs: graph(*xs), *graph.point, gradient=gradient)
        except GradientError as error:
            return str(error)
    return ""


MISTAKES = (-1.0, 0.0, 2.0, 1.05)  # factors
VISIBLE = 1e-10  # how much a change of a number by itself must change the result, for a mistake to show


def outcome(graph: Graph, slopes: Sequence[float], rng: random.Random) -> tuple[str, str]:
    """What check_gradients says of the gradient with one mistake: "caught", "doubted" (a warning) or "missed".

    And what the mistake is.
    """
    visible = VISIBLE * abs(graph.floats[-1])
    places = [k for k, slope in enumerate(slopes) if abs(slope * graph.point[k]) > visible]
    if not places:
        return "none", ""
    k, factor = rng.choice(places), rng.choice(MISTAKES)
    wrong = [slope * (factor if i == k else 1.0) for i, slope in enumerate(slopes)]
    mistake = f"xs[{k}]: {factor} times {slopes[k]}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GradientWarning)
        try:
            checked = check_gradients(
                lambda *xs: graph(*xs), *graph.point, gradient=lambda *xs: wrong if len(wrong) > 1 else wrong[0]
            )
        except GradientError:
            return "caught", mistake
    doubts = {verdict.name for verdict in [*checked.unseen, *checked.at_kinks]}
    return "doubted" if f"xs[{k}]" in doubts else "missed", mistake


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--graphs", type=int, default=2000, help="how many graphs (default: 2000)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random numbers (default: 0)")
    parser.add_argument("--first", type=int, default=0, help="number of the first graph (default: 0)")
    options = parser.parse_args()
    start = time.perf_counter()
    wrong = alarms = singular = kinks = unsettled = nodes = 0
    outcomes: Counter[str] = Counter()
    for i in range(options.first, options.first + options.graphs):
        rng = random.Random(f"{options.seed} {i}")
        graph = Graph(rng)
        nodes += len(graph.steps)
        try:
            found = difference(graph)
            settled = False
            with mpmath.workdps(400):  # softmax and kin lose what is smaller than the last digit
                slopes = [float(x) for x in graph.oracle(mpmath.mp, graph.point).slopes]
            settled = is_settled(graph, slopes)
        except (ArithmeticError, ValueError):
            singular += 1
            continue
        if found:
            wrong += 1
            print(f"wrong: graph {i}: {found}\n  {graph}")
        if graph.at_kink:
            kinks += 1
            continue
        if not settled:
            unsettled += 1
        if alarm := false_alarm(graph) or (
            settled and false_alarm(graph, lambda *xs, s=slopes: s if len(s) > 1 else s[0])
        ):
            alarms += 1
            print(f"false alarm: graph {i}: {alarm}\n  {graph}")
        said, mistake = outcome(graph, slopes, rng) if settled else ("none", "")
        outcomes[said] += 1
        if said == "missed":
            print(f"missed: graph {i}: {mistake}\n  {graph}")
    print(
        f"{options.graphs} graphs of {nodes} operations: {wrong} wrong gradients, {alarms} false alarms "
        f"({singular} at a singularity and {kinks} at a kink left out, "
        f"{unsettled} too ill-conditioned for a gradient by hand); mistakes: {outcomes['caught']} caught, "
        f"{outcomes['doubted']} doubted, {outcomes['missed']} missed; {time.perf_counter() - start:.0f} s"
    )
    told = outcomes["caught"] + outcomes["missed"]
    sys.exit(1 if wrong or alarms or outcomes["missed"] > 0.01 * told + 1 else 0)


if __name__ == "__main__":
    main()
