"""What each operator, function of math and ufunc does with a Value inside a transform: the tables of docs/numbers.md.

`python tests/docs/test_numbers.py` writes them; the tests at the end compare them with what happens.
"""

from __future__ import annotations

import contextlib
import math
import operator
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import autograd as ag

PAGE = Path(__file__).parents[2] / "docs/numbers.md"
WORKS, CONSTANT, REFUSED = "works", "constant", "refused"
POINTS = [(0.6, 0.37, 0.2), (0.37, 0.6, 0.2), (1.7, 0.6, 0.2)]

OPERATORS: dict[str, Callable[..., Any]] = {
    "x + y": operator.add, "x - y": operator.sub, "x * y": operator.mul, "x / y": operator.truediv,
    "x // y": operator.floordiv, "x % y": operator.mod, "x ** y": operator.pow, "divmod(x, y)": divmod,
    "-x": operator.neg, "+x": operator.pos, "abs(x)": abs, "x @ y": operator.matmul, "x < y": operator.lt,
    "x <= y": operator.le, "x > y": operator.gt, "x >= y": operator.ge, "x == y": operator.eq, "x != y": operator.ne,
    "bool(x)": lambda x: bool(x), "int(x)": lambda x: int(x), "float(x)": lambda x: float(x),
    "complex(x)": lambda x: complex(x), "round(x)": lambda x: round(x), "round(x, n)": lambda x: round(x, 1),
    "max(x, y)": max, "min(x, y)": min, "sum(xs)": lambda x, y: sum([x, y]), "pow(x, y)": pow,
    "x & y": operator.and_, "x | y": operator.or_, "x ^ y": operator.xor, "~x": operator.invert,
    "x << y": operator.lshift, "x >> y": operator.rshift, "range(x)": lambda x: range(x),
    "format(x)": lambda x: float(f"{x:.3f}") * 0, "sorted(xs)": lambda x, y: sorted([x, y])[0],
}  # fmt: skip
SEQUENCES: dict[str, Callable[..., Any]] = {
    "fsum": lambda x, y: math.fsum([x, y]), "prod": lambda x, y: math.prod([x, y]),
    "dist": lambda x, y: math.dist([x, y], [1.0, 2.0]), "hypot": lambda x, y: math.hypot(x, y),
    "sumprod": lambda x, y: math.sumprod([x, y], [1.0, 2.0]),  # type: ignore[attr-defined]
}  # fmt: skip
MATRICES = ("matmul", "matvec", "vecmat", "vecdot")


def math_functions() -> dict[str, Callable[..., Any]]:
    return {
        name: SEQUENCES.get(name, function)
        for name, function in vars(math).items()
        if callable(function) and not name.startswith("_")
    }


def ufuncs() -> dict[str, Callable[..., Any]]:
    found = {name: x for name, x in vars(np).items() if isinstance(x, np.ufunc) and name not in MATRICES}
    return found | {"ldexp": lambda x: np.ldexp(x, 3)}


def status(function: Callable[..., Any], on_arrays: bool = False) -> str:
    """What becomes of the derivative with respect to the first argument.

    Raises:
        AssertionError: if it is wrong.
    """
    kind = CONSTANT
    for point in list(_points(function)) or [(1.0,)]:

        def f(x: Any, others: Any = point[1:]) -> Any:
            return 1.0 * x + sum(_numbers(function(ag.array([x]) if on_arrays else x, *others)))

        start, step = float(point[0]), 1e-6
        try:
            slope = ag.grad(f)(start) - 1.0
        except Exception:
            return REFUSED
        high, low = (sum(_numbers(function(start + s, *point[1:]))) for s in (step, -step))
        wanted = float(high - low) / (2 * step)
        assert math.isclose(slope, wanted, rel_tol=1e-6, abs_tol=1e-8), (function, point, slope, wanted)
        if wanted:
            kind = WORKS
    return kind


def _points(function: Callable[..., Any]) -> Iterator[tuple[Any, ...]]:
    """Arguments at which the function of floats is finite."""
    for numbers in POINTS:
        for count in (function.nin,) if isinstance(function, np.ufunc) else (1, 2, 3):
            with contextlib.suppress(Exception), np.errstate(all="ignore"):
                if all(math.isfinite(x) for x in _numbers(function(*numbers[:count]))):
                    yield numbers[:count]


def _numbers(result: Any) -> list[Any]:
    """The numbers in a result, which may be a tuple or an array."""
    if isinstance(result, tuple):
        return [x for part in result for x in _numbers(part)]
    if isinstance(result, np.ndarray):
        return list(result.ravel().tolist())
    return [result]


def tables() -> dict[str, dict[str, str]]:
    """For each table, the status of each name."""
    return {
        "Operators and built-in functions": {name: status(function) for name, function in OPERATORS.items()},
        "The functions of math": {f"math.{name}": status(function) for name, function in math_functions().items()},
        "NumPy's ufuncs": {f"np.{name}": status(function, True) for name, function in ufuncs().items()},
    }


def _quote(name: str) -> str:
    return "`" + name.replace("|", r"\|") + "`"


def write() -> str:
    """The tables as text."""
    parts = []
    for title, found in tables().items():
        rows = [
            f"| {kind} | {' '.join(_quote(name) for name, its in found.items() if its == kind)} |"
            for kind in (WORKS, CONSTANT, REFUSED)
        ]
        parts.append("\n".join([f"## {title}", "", "| | |", "|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"


def read(text: str) -> dict[str, dict[str, str]]:
    """The tables of the page, as `tables` gives them."""
    found: dict[str, dict[str, str]] = {}
    for title, rest in re.findall(r"^## (.*)\n\n\| \| \|\n\|---\|---\|\n((?:\|.*\n)*)", text, re.MULTILINE):
        found[title] = {
            name.replace("\\", ""): kind
            for kind, names in re.findall(r"^\| (\w+) \| (.*) \|$", rest, re.MULTILINE)
            for name in re.findall(r"`([^`]+)`", names)
        }
    return found


def test_the_tables_are_what_happens() -> None:
    """`python tests/docs/test_numbers.py` writes them. Names that this Python or NumPy lacks may stay in them."""
    written, found = read(PAGE.read_text(encoding="utf-8")), tables()
    assert list(written) == list(found)
    for title, names in found.items():
        assert {name: kind for name, kind in written[title].items() if name in names} == names, title
        assert len(names) > 30


def test_a_single_value_is_treated_as_an_array_is() -> None:
    assert {name: status(function) for name, function in ufuncs().items()} == {
        name: status(function, on_arrays=True) for name, function in ufuncs().items()
    }


def test_each_kind_is_recognised() -> None:
    assert status(lambda x: x * x) == WORKS
    assert status(lambda x: x > 0.5) == CONSTANT
    assert status(lambda x: float(x)) == REFUSED


if __name__ == "__main__":
    head = PAGE.read_text(encoding="utf-8").partition("\n## ")[0]
    PAGE.write_text(f"{head}\n{write()}", encoding="utf-8")
