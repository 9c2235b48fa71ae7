"""What operators and the functions of math and NumPy do with a Value inside a transform: the tables of docs/numbers.md.

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
import pytest

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


def square(x: Any) -> Any:
    return np.reshape(x, (2, 2))


def filled(function: Callable[..., Any], *args: Any) -> Any:
    zeros = np.zeros(4)
    function(zeros, *args)
    return zeros


C, M = np.array([0.3, 1.2, 2.2, -0.5]), np.arange(16.0).reshape(4, 4) % 5 + 0.25
HALF = np.array([True, False, True, False])
ALONE = """all any append argmax argmin argsort argwhere around average copy count_nonzero cov cumprod cumsum diag
    diagflat diff ediff1d fix flatnonzero flip gradient i0 isneginf isposinf linalg.norm linalg.vector_norm max
    mean median min nan_to_num nanargmax nanargmin nancumprod nancumsum nanmax nanmean nanmedian nanmin nanprod
    nanstd nansum nanvar nonzero ones_like prod ptp ravel round sinc sort std sum trapezoid trim_zeros unique
    unwrap vander var zeros_like"""
COUNT = """append array_split repeat roll tile"""
FRACTION = """full_like nanpercentile nanquantile percentile polyval quantile"""
CONSTANTS = """allclose array_equal convolve corrcoef correlate dot inner isclose isin kron outer
    polyadd polydiv polymul searchsorted setdiff1d union1d vdot"""
OF_MATRICES = """fliplr linalg.cholesky linalg.det linalg.eig linalg.eigh linalg.eigvalsh linalg.inv linalg.pinv
    linalg.qr linalg.slogdet linalg.svd rot90 trace transpose tril triu"""
ARRAYS: dict[str, Callable[..., Any]] = {
    "apply_along_axis": lambda x: np.apply_along_axis(lambda row: np.sum(row * row), 1, square(x)),
    "array": lambda x: np.array([x[0], 1.0]), "asarray": lambda x: np.asarray(x) * C,
    "asarray(x, float)": lambda x: np.asarray(x, float), "bincount": lambda x: np.bincount([0, 1, 1, 2], weights=x),
    "block": lambda x: np.block([[square(x), square(x)]]), "broadcast_to": lambda x: np.broadcast_to(x, (2, 4)),
    "choose": lambda x: np.choose([0, 1, 0, 1], [x, x * x]), "column_stack": lambda x: np.column_stack([x, C]),
    "compress": lambda x: np.compress(HALF, x), "concatenate": lambda x: np.concatenate([x, [0.0]]),
    "copyto": lambda x: filled(np.copyto, x), "cross": lambda x: np.cross(x[:3], C[:3]),
    "delete": lambda x: np.delete(x, 1), "dstack": lambda x: np.dstack([x, C]),
    "einsum": lambda x: np.einsum("ij,j->i", M, x), "expand_dims": lambda x: np.expand_dims(x, 0),
    "extract": lambda x: np.extract(HALF, x), "fft.fft": lambda x: np.real(np.fft.fft(x)),
    "geomspace": lambda x: np.geomspace(x[0], x[1], 5), "histogram": lambda x: np.histogram(x, [0, 1, 2.2])[0],
    "hstack": lambda x: np.hstack([x, 0.0]), "insert": lambda x: np.insert(x, 1, 5.0),
    "interp": lambda x: np.interp(x, [0, 1, 2, 4.0], C), "lexsort": lambda x: np.lexsort((x,)),
    "linalg.lstsq": lambda x: np.linalg.lstsq(square(x), [1.0, 2.0], rcond=None)[0],
    "linalg.matrix_power": lambda x: np.linalg.matrix_power(square(x), 3),
    "linalg.multi_dot": lambda x: np.linalg.multi_dot([x, M, M]),
    "linalg.solve": lambda x: np.linalg.solve(square(x), [1.0, 2.0]),
    "linspace": lambda x: np.linspace(x, C, 3),
    "logspace": lambda x: np.logspace(x[0], x[1], 5), "meshgrid": lambda x: np.meshgrid(x, C)[0],
    "moveaxis": lambda x: np.moveaxis(square(x), 0, 1), "pad": lambda x: np.pad(x, 1, mode="mean"),
    "partition": lambda x: np.partition(x, 1)[:1],
    "piecewise": lambda x: np.piecewise(x, [x < 1], [lambda t: t * t, 3.0]),
    "polyfit": lambda x: np.polyfit(C, x, 1),
    "put": lambda x: filled(np.put, [0], x[0]), "reshape": square, "resize": lambda x: np.resize(x, 6),
    "select": lambda x: np.select([x > 2, x > 1], [x, x * x], 0.0), "split": lambda x: np.split(x, 2)[1],
    "squeeze": lambda x: np.squeeze(x[None]), "stack": lambda x: np.stack([x, C]),
    "swapaxes": lambda x: np.swapaxes(square(x), 0, 1), "take": lambda x: np.take(x, [0, 0, 2]),
    "take_along_axis": lambda x: np.take_along_axis(x, np.array([1, 1]), 0),
    "tensordot": lambda x: np.tensordot(M, x, 1), "vectorize": lambda x: np.vectorize(lambda t: t * t)(x),
    "vstack": lambda x: np.vstack([x, C]), "where": lambda x: np.where(x > 1, x, 0.0),
}  # fmt: skip


def array_functions() -> dict[str, Callable[..., Any]]:
    """Functions of an array of four numbers, which depend on the number that each of these is given."""
    found = dict(ARRAYS)
    for names, call in {
        ALONE: lambda f: f,
        COUNT: lambda f: lambda x: f(x, 2),
        FRACTION: lambda f: lambda x: f(x, 0.3),
        CONSTANTS: lambda f: lambda x: f(x, C),
        OF_MATRICES: lambda f: lambda x: f(square(x)),
    }.items():
        for name in names.split():
            *module, last = name.split(".")
            function = getattr(getattr(np, *module) if module else np, last, None)
            if function is not None:  # some are missing from older versions of NumPy
                found[name] = call(function)
    return {name: _of_one(found[name]) for name in sorted(found)}


def _of_one(function: Callable[..., Any]) -> Callable[..., Any]:
    def of_one(x: Any) -> Any:
        items = [x, 2.05 - x, x * x, 3.1 * x]
        result = function(ag.array(items) if isinstance(x, ag.Value) else np.array(items))
        return sum((k % 5 + 1) * y for k, y in enumerate(_numbers(result)))

    return of_one


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
    if isinstance(result, (tuple, list)):
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
        "NumPy's functions of arrays": {f"np.{name}": status(f) for name, f in array_functions().items()},
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


@pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) < "2.0.0", reason="older NumPy refuses a few more names")
def test_the_tables_are_what_happens() -> None:
    """`python tests/docs/test_numbers.py` writes them. Names that this Python or NumPy lacks may stay in them."""
    written, found = read(PAGE.read_text(encoding="utf-8")), tables()
    assert list(written) == list(found)
    for title, names in found.items():
        names.pop("np.fix", None)  # a newer NumPy warns of it
        assert {name: kind for name, kind in written[title].items() if name in names} == names, title
        assert len(names) > 30


def test_the_examples_of_arrays_are_finite_on_floats() -> None:
    # A newer NumPy warns of np.fix, and its linalg.eig returns complex numbers.
    absent = {name for name, function in array_functions().items() if not list(_points(function))}
    assert absent <= {"fix", "linalg.eig"}


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
