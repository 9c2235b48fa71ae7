"""A user's containers, registered with register_container: transforms, checks and programs look inside them."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import autograd as ag
from autograd import Value


class Affine:
    """Two numbers, and a power that is not differentiated."""

    def __init__(self, slope: Any, offset: Any, power: int = 1) -> None:
        self.slope, self.offset, self.power = slope, offset, power

    def __call__(self, x: Any) -> Any:
        return (self.slope * x + self.offset) ** self.power


class Unhashable(Affine):
    pass


ag.register_container(Affine, lambda a: ((a.slope, a.offset), a.power), lambda power, xs: Affine(*xs, power))
ag.register_container(Unhashable, lambda a: ((a.slope, a.offset), [a.power]), lambda power, xs: Unhashable(*xs))


def test_a_gradient_has_the_structure_of_the_argument() -> None:
    slope = ag.grad(lambda f: f(3.0))(Affine(2.0, 1.0, power=2))  # 2 (2 · 3 + 1) times 3, and times 1
    assert (type(slope), slope.slope, slope.offset, slope.power) == (Affine, 42.0, 14.0, 2)
    nested = ag.grad(lambda p: p["f"][0](1.0) * p["w"][1])({"f": [Affine(2.0, 1.0)], "w": np.array([5.0, 4.0])})
    assert (nested["f"][0].slope, nested["w"].tolist()) == (4.0, [0.0, 3.0])


def test_jacobians_products_and_results_may_hold_it() -> None:
    rows = ag.jacobian(lambda x: Affine(x * x, 3 * x))(2.0)
    assert (type(rows), rows.slope, rows.offset) == (Affine, 4.0, 3.0)
    value, slope = ag.jvp(lambda f: f(3.0), (Affine(2.0, 1.0),), (Affine(1.0, 10.0),))
    assert (value, slope) == (7.0, 13.0)


def test_a_program_is_compiled_for_each_value_of_the_constants() -> None:
    program = ag.jit(lambda f, x: f(x), in_axes=(None, 0))
    X = np.array([1.0, 2.0, 3.0])
    for power in (1, 2, 3, 2):
        assert program(Affine(2.0, 1.0, power), X).tolist() == ((2 * X + 1) ** power).tolist()
    _, slope = program.value_and_grad(Affine(2.0, 1.0, 2), X)
    assert (type(slope), slope.slope, slope.offset) == (Affine, float((2 * (2 * X + 1) * X).sum()), 30.0)
    wide = ag.jit(lambda f: f(2.0), in_axes=0)(Affine(np.array([1.0, 2.0]), np.array([0.5, 1.5])))
    assert wide.tolist() == [2.5, 5.5]


def test_gradients_with_respect_to_it_are_checked() -> None:
    ag.check_gradients(lambda f: ag.sin(f(0.3)), Affine(2.0, 1.0, 2))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((Affine(1.0, 2.0), list, list), TypeError, "kind must be a class, got Affine"),
        ((bytearray, 3, list), TypeError, "flatten must be a function, got int 3"),
        ((bytearray, list, None), TypeError, "unflatten must be a function, got None"),
        ((Affine, list, list), ValueError, "kind must not be registered already, got Affine"),
        ((dict, list, list), ValueError, "kind must be a container of your own, got dict"),
        ((Value, list, list), ValueError, "kind must be a container of your own, got Value"),
    ],
)
def test_what_cannot_be_registered_is_refused(arguments: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        ag.register_container(*arguments)


def test_constants_that_cannot_be_hashed_are_refused() -> None:
    with pytest.raises(TypeError, match=r"0: the constants of Unhashable must be hashable, got list \[1\]"):
        ag.grad(lambda f: f(1.0))(Unhashable(1.0, 2.0))


class Box:
    def __init__(self, x: Any, mode: Any) -> None:
        self.x, self.mode = x, mode


ag.register_container(Box, lambda b: ((b.x,), b.mode), lambda mode, xs: Box(*xs, mode))


def test_programs_distinguish_constants_that_are_equal_but_not_the_same() -> None:
    program = ag.jit(lambda b: b.x * (100 if type(b.mode) is float else 10 if b.mode is True else 1))
    assert [program(Box(3.0, mode)) for mode in (1, True, 1.0, 1)] == [3.0, 30.0, 300.0, 3.0]
    angle = ag.jit(lambda b: b.x * ag.atan2(b.mode, -1.0))
    assert [angle(Box(1.0, zero)) > 0 for zero in (0.0, -0.0, 0.0)] == [True, False, True]


def test_programs_distinguish_containers_by_their_place_and_kind() -> None:
    def weigh(parts: Any) -> Any:
        return sum(k * (100 if isinstance(p, Box) else 1) * (p.x if isinstance(p, Box) else p[0]) for k, p in parts)

    program = ag.jit(lambda parts: weigh(enumerate(parts, 1)))
    assert program([Box(1.0, 0), [2.0], [3.0]]) == 113.0
    assert program([[1.0], Box(2.0, 0), [3.0]]) == 410.0
    assert program([[1.0], [2.0], Box(3.0, 0)]) == 905.0
    length = ag.jit(lambda xs: xs[0] * (2.0 if isinstance(xs, tuple) else 1.0))
    assert (length([3.0]), length((3.0,)), length([3.0])) == (3.0, 6.0, 3.0)


# Classes of the user's own that need no registration: they keep their class and their attributes.


class Points(list[Any]):
    scale = 1.0

    @functools.cached_property
    def total(self) -> Any:
        return sum(self)

    def append(self, item: Any) -> None:
        raise AssertionError("no method runs")

    __init__ = extend = append  # type: ignore[assignment]

    def weigh(self) -> Any:
        return self.total * self.scale


class Pairs(tuple[Any, ...]):
    scale = 1.0

    def weigh(self) -> Any:
        return sum(self) * self.scale


class Table(dict[str, Any]):
    scale = 1.0

    @functools.cached_property
    def total(self) -> Any:
        return sum(self.values())

    def weigh(self) -> Any:
        return self.total * self.scale


class Named(NamedTuple):
    a: Any
    b: Any

    def weigh(self) -> Any:
        return self.a + 2 * self.b


@dataclasses.dataclass(frozen=True)
class Fields:
    a: Any
    b: Any = dataclasses.field(init=False, default=2.0)

    @functools.cached_property
    def total(self) -> Any:
        return self.a * self.b

    def weigh(self) -> Any:
        return self.total


def points() -> Points:
    result = Points.__new__(Points)
    list.extend(result, [1.0, 2.0])
    result.scale = 3.0
    assert result.total == 3.0  # cached now: a copy would be a constant
    return result


def pairs() -> Pairs:
    result = Pairs((1.0, 2.0))
    result.scale = 3.0
    return result


def table() -> Table:
    result = Table(a=1.0, b=2.0)
    result.scale = 3.0
    assert result.total == 3.0
    return result


def fields() -> Fields:
    result = Fields(1.0)
    assert result.total == 2.0
    return result


OWN: dict[str, tuple[Callable[[], Any], Callable[[Any], list[Any]], list[float]]] = {
    "list": (points, list, [3.0, 3.0]),
    "tuple": (pairs, list, [3.0, 3.0]),
    "dict": (table, lambda d: list(d.values()), [3.0, 3.0]),
    "namedtuple": (lambda: Named(1.0, 2.0), list, [1.0, 2.0]),
    "dataclass": (fields, lambda d: [d.a, d.b], [2.0, 1.0]),
}


@pytest.mark.parametrize("name", OWN)
def test_subclasses_keep_their_class_and_attributes(name: str) -> None:
    make, numbers, wanted = OWN[name]
    given = make()
    slope = ag.grad(lambda x: x.weigh())(given)
    assert type(slope) is type(given)
    assert numbers(slope) == wanted
    assert ag.grad(lambda p: p[0].weigh() * 2.0)([given])[0].__class__ is type(given)
    value, slope = ag.jit(lambda x: x.weigh()).value_and_grad(given)
    assert (value, numbers(slope)) == (given.weigh(), wanted)
    result = ag.jit(lambda x: x)(given)
    assert (type(result), numbers(result)) == (type(given), numbers(given))


@pytest.mark.parametrize("name", ["list", "tuple", "dict"])
def test_a_program_is_compiled_for_each_value_of_the_attributes(name: str) -> None:
    make = OWN[name][0]
    program = ag.jit(lambda x: x.weigh())
    for scale in (3.0, 5.0, 2, 3.0):
        given = make()
        given.scale = scale
        assert program(given) == 3.0 * scale
    given.scale = [1.0]
    with pytest.raises(TypeError, match=rf"attributes of a {type(given).__name__}, so they must be hashable, got "):
        program(given)


@dataclasses.dataclass
class Shadowed:
    a: Any
    extra = 1.0

    def __post_init__(self) -> None:
        self.extra = 10.0 * self.a


def test_an_attribute_for_which_that_of_the_class_would_be_read_is_refused() -> None:
    for transform in (ag.grad, ag.jit):
        with pytest.raises(TypeError, match="extra of Shadowed must be a field, got an attribute of the object"):
            transform(lambda d: d.a * d.extra)(Shadowed(2.0))
