"""What people write who know micrograd and its lecture: it works unchanged, or is refused in words that help."""

import copy
import math
import re
from collections.abc import Callable
from typing import Any

import pytest

import autograd as ag
import nn
from autograd import Value


def neuron() -> tuple[dict[str, Value], Value]:
    """The neuron of the lecture: its leaves by name, and its output."""
    leaves = {
        name: Value(x, label=name)
        for name, x in [("x1", 2.0), ("x2", 0.0), ("w1", -3.0), ("w2", 1.0), ("b", 6.8813735870195432)]
    }
    x1, x2, w1, w2, b = leaves.values()
    n = x1 * w1 + x2 * w2 + b
    n.label = "n"
    return leaves, n.tanh()


def trace(root: Any) -> tuple[set[Any], set[tuple[Any, Any]]]:
    """The nodes and edges of a graph, collected as the lecture does."""
    nodes: set[Any] = set()
    edges: set[tuple[Any, Any]] = set()

    def build(v: Any) -> None:
        if v not in nodes:
            nodes.add(v)
            for child in v._prev:
                edges.add((child, v))
                build(child)

    build(root)
    return nodes, edges


def in_order(root: Any) -> list[Any]:
    """The nodes of a graph in topological order, found as the lecture does."""
    order: list[Any] = []
    visited: set[Any] = set()

    def build_topo(v: Any) -> None:
        if v not in visited:
            visited.add(v)
            for child in v._prev:
                build_topo(child)
            order.append(v)

    build_topo(root)
    return order


def test_draw_dot_finds_each_node_and_edge() -> None:
    leaves, o = neuron()
    L: Any = (o - 0.5) ** 2
    nodes, edges = trace(L)
    boxes, lines = set(), set()
    for n in nodes:
        uid = str(id(n))
        boxes.add(uid)
        assert f"{n.label} | data {n.data:.4f} | grad {n.grad:.4f}"
        if n._op:
            boxes.add(uid + n._op)
            lines.add((uid + n._op, uid))
    for a, b in edges:
        lines.add((str(id(a)), str(id(b)) + b._op))
    # 5 leaves, 2 constants, and 2 products, 2 sums, tanh, minus and the square, each with its sign.
    assert (len(nodes), len(edges), len(boxes), len(lines)) == (14, 13, 21, 20)
    assert {end for line in lines for end in line} == boxes
    assert {n._op for n in nodes} == {"", "×", "+", "−", "tanh", "^"}
    assert sorted(n.data for n in nodes if n._op == "" and n not in set(leaves.values())) == [0.5, 2.0]


def test_prev_is_the_set_of_the_parents() -> None:
    x, y = Value(2.0), Value(3.0)
    assert (x * y)._prev == {x, y}  # type: ignore[attr-defined]
    assert (x * x)._prev == {x}  # type: ignore[attr-defined]
    assert x._prev == set()  # type: ignore[attr-defined]
    assert ag.dot([x, 1.0], [y, x])._prev >= {x, y}
    (constant,) = (2.0 + x)._prev - {x}  # type: ignore[attr-defined]
    assert (type(constant), constant.data) == (Value, 2.0)


BY_HAND: list[Callable[[Value, Value], Any]] = [
    lambda a, b: a + a,  # the lecture's bug, where grad was overwritten
    lambda a, b: (a * b) * (a + b),
    lambda a, b: ag.dot([a, b, 2.0], [b, 0.5, a], a),
    lambda a, b: 2 / a - b**3 + (-a).exp() * abs(b),
    lambda a, b: ((2 * (a * 0.1)).exp() - 1) / ((2 * (a * 0.1)).exp() + 1) * b.relu(),
    lambda a, b: ag.maximum(a, b) + ag.where(a > b, a, b),
    lambda a, b: ag.softmax([a, b])[0],
]


@pytest.mark.parametrize("f", BY_HAND)
def test_backpropagation_by_hand_gives_the_gradients_of_backward(f: Callable[[Value, Value], Any]) -> None:
    a, b = Value(-2.0), Value(3.0)
    out = f(a, b)
    out.grad = 1.0
    for node in reversed(in_order(out)):
        node._backward()
    found = a.grad, b.grad
    a.grad = b.grad = 0.0
    out.backward()
    assert found == pytest.approx((a.grad, b.grad), rel=1e-15)
    h = 1e-6
    for k, x in enumerate((a, b)):
        at = [v.data for v in (a, b)]
        at[k] += h
        above = f(*map(Value, at)).data
        at[k] -= 2 * h
        assert found[k] == pytest.approx((above - f(*map(Value, at)).data) / (2 * h), rel=1e-7), x


def test_backward_of_one_node_goes_no_further() -> None:
    leaves, o = neuron()
    (n,) = o._prev  # type: ignore[attr-defined]
    o.grad = 1.0
    o._backward()  # type: ignore[attr-defined]
    assert n.grad == pytest.approx(0.5)  # 1 - o², as in the lecture
    assert [v.grad for v in leaves.values()] == [0.0] * 5
    leaves["b"]._backward()  # type: ignore[attr-defined] # of a leaf: nothing


class Mine(Value):
    """A subclass of the user."""

    def sigmoid_by_closure(self) -> Value:
        t = 1 / (1 + math.exp(-self.data))
        out = Mine(t)

        def _backward() -> None:
            self.grad += t * (1 - t) * out.grad

        out._backward = _backward
        return out


A, B = Value(1.0), Value(2.0)
MICROGRADS: list[Callable[[], Any]] = [
    lambda: Value(2.0, (A, B), "+"),  # type: ignore[arg-type]
    lambda: Value(2.0, "a", (A, B)),
    lambda: Value(2.0, (A, B)),
    lambda: Value(2.0, _children=(A, B), _op="+"),
    lambda: Value(2.0, _op="+"),
    lambda: Value(2.0, (), "+", "a"),
    lambda: Mine(2.0, (A,), "tanh"),
    lambda: Mine(0.5).sigmoid_by_closure(),
    lambda: setattr(Mine(0.5), "_prev", {A}),
    lambda: setattr(Mine(0.5), "_op", "+"),
    lambda: setattr(A, "_backward", lambda: None),
    lambda: type("Theirs", (Value,), {"_backward": lambda self: None}),
    lambda: type("Theirs", (Value,), {"__slots__": ("_prev", "_op")}),
]


@pytest.mark.parametrize("write", MICROGRADS)
def test_an_operation_written_as_in_micrograd_is_refused_with_how_to_write_it(write: Callable[[], Any]) -> None:
    with pytest.raises((TypeError, AttributeError), match="write a primitive:\n") as caught:
        write()
    example = str(caught.value).partition("write a primitive:\n")[2]
    names: dict[str, Any] = {"ag": ag, "math": math}
    exec(re.sub("^    ", "", example, flags=re.MULTILINE), names)  # the example is code that works
    x = Value(0.5)
    names["my_tanh"](x).backward()
    assert x.grad == pytest.approx(1 - math.tanh(0.5) ** 2)


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda: setattr(A, "grad", Value(1.0)), r"grad of a Value must be a real number, got Value\(.*Use v.data"),
        (lambda: setattr(A, "data", A.data - 0.1 * B), r"Did you mean its derivative, as in p.data -= 0.1 \* p.grad"),
        (lambda: Value(A), r"data must be a real number, got Value\(data=1.0, grad=0.0\). Use v.detach\(\)"),
        (lambda: ag.primitive(None)(lambda x: A)(1.0), r"must be a real number, got Value\("),
    ],
)  # fmt: skip
def test_where_a_number_is_needed_a_value_is_refused_in_true_words(write: Callable[[], Any], words: str) -> None:
    with pytest.raises(TypeError, match=words):
        write()
    assert (A.data, A.grad) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("write", "words"),
    [
        ("from autograd.engine import Value", "write 'from autograd import Value'"),
        ("import autograd.engine", "write 'from autograd import Value'"),
        ("from autograd.nn import MLP", "write 'import nn', or 'from nn import MLP'"),
        ("from autograd import nn", "write 'import nn', or 'from nn import MLP'"),
        ("x.item()", "Its number is x.data"),
        ("x.zero_grad()", r"Set x.grad = 0.0"),
        ("x.backwards()", r"Did you mean x.backward\(\)"),
        ("with ag.no_grad(): pass", "computed with floats: x.data"),
        ("with ag.no_grad: pass", "there is no no_grad. What is not to be recorded is computed with floats: x.data"),
        ("@ag.no_grad\ndef f(): pass", "computed with floats: x.data"),
        ("ag.no_grad.set(True)", "computed with floats: x.data"),
        ("ag.no_grad.__enter__()", "computed with floats: x.data"),
        ("nn.Linear(2, 3)", r"Write nn.Layer\(inputs, outputs, 'linear'\)"),
        ("nn.MSELoss()", r"Write nn.mse\("),
        ("nn.MLP(2, [1], seed=0).forward([1.0, 2.0])", r"Call the model itself, model\(x\)"),
    ],
)
def test_what_is_called_otherwise_here_says_what_to_write(write: str, words: str) -> None:
    with pytest.raises((ImportError, AttributeError), match=words):
        exec(write, {"ag": ag, "nn": nn, "x": Value(2.0)})


def test_names_that_are_missing_are_no_attributes() -> None:
    assert not hasattr(Value(1.0), "item")
    assert not hasattr(Value, "zero_grad")
    assert not hasattr(nn, "Linear")
    assert not hasattr(nn.MLP(2, [1], seed=0), "forward")
    assert "no_grad" not in ag.__all__ + dir(ag)
    with pytest.raises(AttributeError, match="there is no no_grad"):
        copy.copy(ag.no_grad)()
    assert set(ag.__all__) | {"abs", "sum", "__all__", "__doc__", "jit"} <= set(dir(ag))
    assert (Named(1.0).item, Named(1.0).zero_grad()) == ("mine", "mine")


class Named(Value):
    """A subclass that uses such names."""

    def __init__(self, data: float) -> None:
        super().__init__(data)
        self.item = "mine"

    def zero_grad(self) -> str:
        return "mine"
