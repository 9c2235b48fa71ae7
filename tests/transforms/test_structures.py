"""Transforms take numbers in any structure, and return derivatives in the same structure."""

from collections import OrderedDict, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pytest

import autograd as ag
import nn
from autograd.transforms import elementwise_grad, grad, hessian, hvp, jacobian, jvp, vjp


class Point(NamedTuple):
    x: Any
    y: Any


@dataclass(frozen=True)
class Curve:
    scale: Any
    points: Any
    offset: Any = field(init=False, default=1.0)

    def __post_init__(self) -> None:
        assert isinstance(self.scale, float)
        assert self.scale > 0, "is checked for curves that the user makes, not for derivatives"


@dataclass(slots=True)
class Slotted:
    x: Any


class Line(nn.Module):
    def __init__(self) -> None:
        self.slope, self.offsets = ag.Value(2.0), [ag.Value(1.0), ag.Value(-1.0)]

    def __call__(self, x: Any) -> Any:
        return self.slope * x**2 + self.offsets[0] * self.offsets[1]


def same(a: Any, b: Any) -> bool:
    """Whether types, shapes and numbers are equal at all levels."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tolist() == b.tolist()
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


def squares(tree: Any) -> Any:
    """The sum of the squares of all numbers in a structure."""
    if isinstance(tree, dict):
        return squares(list(tree.values()))
    if isinstance(tree, (list, tuple)):
        return sum(map(squares, tree))
    return np.sum(tree * tree)


STRUCTURES: dict[str, tuple[Any, Any]] = {
    "float": (1.5, 3.0),
    "int": (2, 4.0),
    "NumPy scalar": (np.float32(1.5), 3.0),
    "NumPy int": (np.int64(2), 4.0),
    "fraction": (Fraction(3, 2), 3.0),
    "array": (np.array([1.0, 2.0]), np.array([2.0, 4.0])),
    "array of no dimension": (np.array(1.5), np.array(3.0)),
    "matrix": (np.array([[1.0], [2.0]]), np.array([[2.0], [4.0]])),
    "transposed": (np.array([[1.0, 2.0], [3.0, 4.0]]).T, np.array([[2.0, 6.0], [4.0, 8.0]])),
    "float32": (np.array([1.5], dtype=np.float32), np.array([3.0])),
    "empty array": (np.empty((0, 3)), np.empty((0, 3))),
    "list": ([1.0, [2, 3.0]], [2.0, [4.0, 6.0]]),
    "empty": ([], []),
    "empties": ({"a": [], "b": (), "c": {}}, {"a": [], "b": (), "c": {}}),
    "tuple": ((1.0, (2.0,)), (2.0, (4.0,))),
    "named tuple": (Point(1.0, [2.0]), Point(2.0, [4.0])),
    "dict": ({"b": 1.0, "a": {3: np.array([2.0])}}, {"b": 2.0, "a": {3: np.array([4.0])}}),
    "ordered dict": (OrderedDict(z=1.0, a=2.0), OrderedDict(z=2.0, a=4.0)),
    "default dict": (defaultdict(list, a=1.0), defaultdict(list, a=2.0)),
    "object array": (np.array([1.0, 2], dtype=object), np.array([2.0, 4.0])),
}


@pytest.mark.parametrize("name", STRUCTURES)
def test_gradients_come_in_the_structure_of_the_argument(name: str) -> None:
    argument, expected = STRUCTURES[name]
    assert same(grad(squares)(argument), expected)
    assert same(elementwise_grad(squares)(argument), expected)
    assert same(grad(lambda k, x: squares(x), argnums=(1,))("a", argument), (expected,))
    assert same(jvp(squares, (argument,), (expected,))[1], float(squares(expected)))
    assert same(hvp(squares, (argument,), (argument,)), expected)
    assert same(vjp(squares, argument)[1](1.0), (expected,))
    assert same(jacobian(grad(squares))(argument), hessian(squares)(argument))


def test_dataclasses_are_rebuilt_without_their_checks() -> None:
    slopes = grad(lambda c: -c.scale * c.points[0] @ c.points[1] * c.offset)(Curve(2.0, [np.ones(2), np.ones(2)]))
    assert type(slopes) is Curve
    assert (slopes.scale, slopes.points[0].tolist(), slopes.offset) == (-2.0, [-2.0, -2.0], -4.0)
    assert grad(lambda s: s.x**2)(Slotted(3.0)) == Slotted(6.0)


def test_jacobian_of_structures() -> None:
    found = jacobian(lambda p: {"sum": p["a"].sum() + p["b"], "all": (p["a"] * p["b"],)})({"a": np.ones(2), "b": 3.0})
    expected = {
        "sum": {"a": np.ones(2), "b": 1.0},
        "all": ({"a": np.array([[3.0, 0.0], [0.0, 3.0]]), "b": np.ones(2)},),
    }
    assert same(found, expected)
    assert same(jacobian(lambda x: np.empty((0, 2)))(np.ones(3)), np.empty((0, 2, 3)))
    assert same(jacobian(lambda x: [x, x])(np.empty(0)), [np.empty((0, 0))] * 2)
    found = hessian(lambda p: p.x * p.y[0])(Point(1.0, [2.0]))
    assert same(found, Point(Point(0.0, [1.0]), [Point(1.0, [0.0])]))


def test_a_module_is_differentiated_with_respect_to_its_parameters() -> None:
    line = Line()
    names = ["slope", "offsets.0", "offsets.1"]
    assert same(grad(lambda m, x: m(x))(line, 3.0), dict(zip(names, [9.0, -1.0, 1.0])))
    assert grad(lambda m, x: m(x), argnums=1)(line, 3.0) == 12.0
    both = grad(lambda m, x: m(x), argnums=(1, 0))(line, 3.0)
    assert both == (12.0, dict(zip(names, [9.0, -1.0, 1.0])))
    assert hessian(lambda m: m(3.0))(line)["offsets.0"] == dict(zip(names, [0.0, 0.0, 1.0]))
    assert jacobian(lambda m: np.array([m(1.0), m(3.0)]))(line)["slope"].tolist() == [1.0, 9.0]
    tangent = dict(zip(names, [1.0, 2.0, 3.0]))
    assert jvp(lambda m: m(3.0), (line,), (tangent,)) == (17.0, 9.0 - 2.0 + 3.0)
    assert jvp(lambda m, k: m(3.0) + 2 * k(3.0), (line, line), (tangent, tangent)) == (51.0, 60.0)
    assert hvp(lambda m: m(3.0) ** 2 / 2, (line,), (tangent,))["slope"] == 9.0 * (9.0 - 2.0 + 3.0)
    penalty = grad(lambda m: sum(s * s for s in grad(lambda m: m(3.0))(m).values()))
    assert penalty(line) == dict(zip(names, [0.0, 2.0, -2.0]))
    assert grad(lambda m: grad(m)(3.0))(line) == dict(zip(names, [6.0, 0.0, 0.0]))
    assert [p.grad for p in line.parameters()] == [0.0, 0.0, 0.0]


def test_argnums_may_count_from_the_end_and_other_arguments_come_by_keyword() -> None:
    f: Callable[..., Any] = lambda x, y, power=1: x * y**power  # noqa: E731
    assert grad(f, argnums=-1)(2.0, 3.0, power=2) == 12.0
    assert grad(f, argnums=[1, -2])(2.0, 3.0) == (2.0, 3.0)
    assert grad(f, argnums=np.int64(1))(2.0, 3.0) == 2.0
    assert grad(partial(f, 2.0))(3.0) == 2.0
    assert grad(f).__name__ == "grad(<lambda>)"


def test_a_function_that_changes_its_arguments_changes_only_copies() -> None:
    def f(array: Any, tree: Any) -> Any:
        array *= array
        array[0] = array[0] * tree["a"].pop()
        del tree["b"]
        return array.sum()

    array, tree = np.array([2.0, 3.0]), {"a": [1.0, 5.0], "b": 1.0}
    slopes = grad(f, argnums=(0, 1))(array, tree)
    assert same(slopes, (np.array([20.0, 6.0]), {"a": [0.0, 4.0], "b": 0.0}))
    assert same((array, tree), (np.array([2.0, 3.0]), {"a": [1.0, 5.0], "b": 1.0}))
