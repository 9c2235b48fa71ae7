"""Random expression graphs with shared subgraphs: every leaf's gradient against dual numbers of 50 digits.

The oracle is forward mode, written out here on mpmath numbers. It shares no code, no rule and no
order of evaluation with the engine. A gradient is a sum over paths of products of partials, and the
error is relative to the sum of their absolute values: where paths cancel, no algorithm in double
precision could do better. A step at which rounding errors grow too much is drawn again, so that the
partials themselves are accurate (see Draw.apply).
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import mpmath
import pytest
from mpmath import mp, mpf

import autograd as ag
from autograd import ops

BATCHES, BATCH = ([0, 1] if ag.__build__ == "C" else [2, 3]), 250  # each build has its own graphs
EPSILON = 2.0**-52
ZERO, HALF, ONE = mpf(0), mpf("0.5"), mpf(1)


# The operations: the functions of the engine, and textbook values and partials. A rule raises ValueError near a kink,
# near the end of a domain, and where the logarithmic derivative of a partial is above 40.


def away(distance: Any, x: Any) -> Any:
    if abs(x) < distance:
        raise ValueError("too near")
    return x


def positive(x: Any) -> Any:
    return x if x > 0.1 else away(1, ZERO)


def through(value: Any, partial: Any) -> tuple[Any, tuple[Any, ...]]:
    return value, (partial,)


def on_sigmoid(x: Any) -> Any:
    s = 1 / (1 + mp.exp(-x))
    return s, (s * (1 - s),)


def on_hypot(a: Any, b: Any) -> Any:
    h = away(0.1, mp.sqrt(a * a + b * b))
    return h, (a / h, b / h)


def on_logsumexp(*xs: Any) -> Any:
    exps = [mp.exp(x) for x in xs]
    total = mp.fsum(exps)
    return mp.log(total), tuple(e / total for e in exps)


def on_dot(*xs: Any) -> Any:
    half = len(xs) // 2
    ws, ys, bias = xs[:half], xs[half : 2 * half], xs[2 * half]
    return mp.fdot(ws, ys) + bias, (*ys, *ws, ONE)


def call_dot(*xs: Any) -> Any:
    half = len(xs) // 2
    return ag.dot(xs[:half], xs[half : 2 * half], xs[2 * half])


def on_max(a: Any, b: Any) -> Any:
    away(0.01, a - b)
    return max(a, b), (ONE, ZERO) if a > b else (ZERO, ONE)


UNARY: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "neg": (lambda x: -x, lambda x: through(-x, -ONE)),
    "abs": (abs, lambda x: through(abs(x), mp.sign(x))),
    "relu": (ag.relu, lambda x: (max(x, ZERO), (ONE if x > 0 else ZERO,))),
    "square": (lambda x: x**2, lambda x: through(x * x, 2 * x)),
    "cube": (lambda x: x**3, lambda x: through(x * x * x, 3 * x * x)),
    "inverse": (lambda x: x**-1, lambda x: through(1 / away(0.1, x), -1 / (x * x))),
    "two_to_the": (lambda x: 2**x, lambda x: through(2**x, 2**x * mp.ln2)),
    "exp": (ag.exp, lambda x: through(mp.exp(x), mp.exp(x))),
    "log": (ag.log, lambda x: through(mp.log(positive(x)), 1 / x)),
    "sqrt": (ag.sqrt, lambda x: through(mp.sqrt(positive(x)), 1 / (2 * mp.sqrt(x)))),
    "sin": (ag.sin, lambda x: through(mp.sin(x), away(0.1, mp.cos(x)))),
    "cos": (ag.cos, lambda x: through(mp.cos(x), -mp.sin(x) and away(0.1, -mp.sin(x)))),
    "tanh": (ag.tanh, lambda x: through(mp.tanh(x), 1 - mp.tanh(x) ** 2)),
    "atan": (ag.atan, lambda x: through(mp.atan(x), 1 / (1 + x * x))),
    "asinh": (ag.asinh, lambda x: through(mp.asinh(x), 1 / mp.sqrt(1 + x * x))),
    "erf": (ag.erf, lambda x: through(mp.erf(x), 2 / mp.sqrt(mp.pi) * mp.exp(-x * x))),
    "sigmoid": (ag.sigmoid, on_sigmoid),
    "softplus": (ag.softplus, lambda x: through(mp.log1p(mp.exp(x)), on_sigmoid(x)[0])),
}
BINARY = {
    "add": (lambda a, b: a + b, lambda a, b: (a + b, (ONE, ONE))),
    "sub": (lambda a, b: a - b, lambda a, b: (a - b, (ONE, -ONE))),
    "mul": (lambda a, b: a * b, lambda a, b: (a * b, (b, a))),
    "div": (lambda a, b: a / b, lambda a, b: (a / away(0.1, b), (1 / b, -a / (b * b)))),
    "pow": (lambda a, b: a**b, lambda a, b: (positive(a) ** b, (b * a ** (b - 1), a**b * mp.log(a)))),
    "maximum": (ag.maximum, on_max),
    "hypot": (ag.hypot, on_hypot),
}
MANY = {
    "sum": (lambda *xs: ag.sum(xs), lambda *xs: (mp.fsum(xs), (ONE,) * len(xs))),
    "dot": (call_dot, on_dot),
    "logsumexp": (lambda *xs: ag.logsumexp(xs), on_logsumexp),
}


@dataclass
class Dual:
    """A number, its derivative with respect to each leaf, and, as floats, bounds on the errors of the engine."""

    value: Any
    slopes: dict[int, Any] = field(default_factory=dict)
    paths: dict[int, float] = field(default_factory=dict)  # the sum over paths of the absolute contributions
    value_error: float = 0.0  # first-order bound on the absolute rounding error of the value
    slope_error: float = 0.0  # and on that of the slopes, relative to paths


class Draw:
    """A random graph: the engine's Values and the oracle's duals, made step by step together."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.size = rng.randint(1, 200)
        self.names: list[str] = []
        self.leaves = [ag.Value(rng.choice([-1, 1]) * rng.uniform(0.1, 3.0)) for _ in range(rng.randint(1, 4))]
        self.values: list[Any] = list(self.leaves)
        self.duals = [Dual(mpf(leaf.data), {k: ONE}, {k: 1.0}) for k, leaf in enumerate(self.leaves)]
        self.open = list(range(len(self.leaves)))  # nodes that are not yet an argument
        while len(self.values) < len(self.leaves) + self.size - 1:
            self.step()
        self.close()
        self.root, self.dual = self.values[-1], self.duals[-1]

    def __repr__(self) -> str:
        return " ".join(self.names)

    def pick(self) -> Any:
        """The index of an earlier node, in half of the cases an open one, or sometimes a constant."""
        if self.rng.random() < 0.1:
            return self.rng.choice([-1, 1]) * self.rng.uniform(0.1, 3.0)
        return self.rng.choice(self.open if self.open and self.rng.random() < 0.5 else range(len(self.values)))

    def step(self) -> None:
        table = self.rng.choices([UNARY, BINARY, MANY], [4, 5, 1])[0]
        name = self.rng.choice(list(table))
        count = 1 if table is UNARY else 2 if table is BINARY else 2 * self.rng.randint(1, 4) + 1
        args = [self.pick() for _ in range(count)]
        if all(type(x) is float for x in args):
            return
        try:
            dual = self.apply(table[name][1], args)
        except ValueError:
            return
        exact = dual.value == 0 == dual.value_error
        if (exact or 0.1 <= abs(dual.value) <= 10) and dual.value_error <= 1e-13 and dual.slope_error <= 1e-11:
            self.record(name, table[name][0], args, dual)

    def close(self) -> None:
        """Make a last node of all open ones, so that the root depends on every node."""
        args = [k for k in self.open if k >= len(self.leaves)] or self.open[:1]
        self.record("sum", MANY["sum"][0], args, self.apply(MANY["sum"][1], args))

    def record(self, name: str, function: Callable[..., Any], args: list[Any], dual: Dual) -> None:
        self.values.append(function(*[x if type(x) is float else self.values[x] for x in args]))
        self.duals.append(dual)
        self.names.append(name)
        self.open = [k for k in self.open if k not in args] + [len(self.values) - 1]

    def apply(self, rule: Callable[..., Any], args: list[Any]) -> Dual:
        """Forward mode: the derivative with respect to a leaf is the sum over arguments of partial times derivative.

        The errors of the arguments are passed on, and a rounding error is added. The relative error of
        a partial is that of the arguments times its logarithmic derivative, at most 40 here.
        """
        inputs = [Dual(mpf(x)) if type(x) is float else self.duals[x] for x in args]
        value, partials = rule(*[x.value for x in inputs])
        out = Dual(value)
        size = abs(float(value))
        for x, partial in zip(inputs, partials):
            weight = abs(float(partial))
            for k, slope in x.slopes.items():
                term = slope if partial is ONE else partial * slope
                out.slopes[k] = out.slopes[k] + term if k in out.slopes else term
                out.paths[k] = out.paths.get(k, 0.0) + weight * x.paths[k]
            size = max(size, weight * abs(float(x.value)))
            out.value_error += weight * x.value_error
            out.slope_error = max(out.slope_error, x.slope_error)
        out.value_error += 2 * EPSILON * size
        out.slope_error += 40 * sum(x.value_error for x in inputs) + 8 * EPSILON
        return out


@pytest.fixture(autouse=True)
def _fifty_digits():
    with mpmath.workdps(50):
        yield


@pytest.fixture(scope="module", params=BATCHES)
def graphs(request: pytest.FixtureRequest) -> list[Draw]:
    """One batch of graphs, of 1 to 200 nodes each."""
    with mpmath.workdps(50):
        return [Draw(random.Random(request.param * BATCH + k)) for k in range(BATCH)]


def gradients(graph: Draw) -> list[float]:
    """The gradients of the leaves, which are reset to 0."""
    found = [leaf.grad for leaf in graph.leaves]
    for leaf in graph.leaves:
        leaf.grad = 0.0
    return found


def test_gradients_agree_with_dual_numbers(graphs: list[Draw]) -> None:
    for graph in graphs:
        graph.root.backward()
        assert abs(graph.root.data - graph.dual.value) <= graph.dual.value_error, graph
        for k, found in enumerate(gradients(graph)):
            error = abs(found - graph.dual.slopes.get(k, ZERO))
            assert error <= 1e-10 * graph.dual.paths.get(k, 0.0), f"{graph}: leaf {k} has the gradient {found}"


def test_backward_with_create_graph_gives_the_same_gradients(graphs: list[Draw]) -> None:
    for graph in graphs:
        graph.root.backward()
        plain = gradients(graph)
        derivatives = graph.root.backward(create_graph=True)
        assert gradients(graph) == plain, graph
        assert [float(derivatives.get(leaf, 0.0)) for leaf in graph.leaves] == plain, graph


def test_the_fast_paths_give_the_same_gradients_as_the_rules(graphs: list[Draw]) -> None:
    """Operations with fast paths are replaced by primitives with the same rules that backward() does not recognise."""
    unknown = {
        op: ag.Primitive(
            op.function, op.partials, sequences=[n for n, s in zip(op.signature.parameters, op.takes_sequence) if s]
        )
        for op in (ops.add, ops.sub, ops.mul, ops.dot, ops.sum, ops.relu)
    }
    for graph in graphs:
        graph.root.backward()
        fast = gradients(graph)
        made_by = [v.op for v in graph.values]
        for v in graph.values:
            v.op = unknown.get(v.op, v.op)
        graph.root.backward()
        assert gradients(graph) == fast, graph
        for v, op in zip(graph.values, made_by):
            v.op = op


def test_a_second_backward_doubles_the_gradients_exactly(graphs: list[Draw]) -> None:
    for graph in graphs:
        graph.root.backward()
        once = [leaf.grad for leaf in graph.leaves]
        inner = [v.grad for v in graph.values[len(graph.leaves) :]]
        graph.root.backward()
        assert [v.grad for v in graph.values[len(graph.leaves) :]] == inner, graph
        assert gradients(graph) == [2 * g for g in once], graph


def test_the_graphs_are_as_described_in_this_file(graphs: list[Draw]) -> None:
    """They have the size drawn, nodes that are used several times, and all operations occur."""
    assert {name for graph in graphs for name in graph.names} == {*UNARY, *BINARY, *MANY}
    for graph in graphs:
        below, pending = set(), [graph.root]
        while pending:
            node = pending.pop()
            below.add(node)
            pending += [p for p in node.parents if isinstance(p, ag.Value) and p not in below]
        assert len(below.difference(graph.leaves)) == graph.size
        assert 1 <= graph.size <= 200
    uses = [sum(len(v.parents) for v in graph.values) / len(graph.values) for graph in graphs if graph.size > 20]
    assert min(uses) > 1  # a tree has fewer edges than nodes
