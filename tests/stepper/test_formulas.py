"""What step_through() writes: true formulas for every primitive, short numbers, names and words."""

import itertools
import math
import random
import re
from typing import Any

import pytest
from registry import PRIMITIVES
from stepping import lines, random_graph

import autograd as ag
from autograd.primitive import Primitive
from autograd.stepper.graph import pass_back
from autograd.stepper.notation import MOST_TERMS, format_number, parse_number, to_speech, to_text, write_partials
from autograd.stepper.step_through import step_through
from autograd.stepper.steps import play


def test_the_chain_rule_in_the_numbers_at_hand() -> None:
    w, x = ag.Value(2.0, "w"), ag.Value(2.0, "x")
    z = w * x
    z.label = "z"
    page = step_through(z * 2, lr=0.1)
    assert lines(page, "forward") == ["z = w × x = 2 × 2 = 4", "L = z × 2 = 4 × 2 = 8"]
    assert "∂L/∂w += ∂L/∂z · x = 2 × 2 = 4" in lines(page, "backward")
    assert lines(page, "update")[0] == "w ← w − 0.1 × 4 = 2 − 0.4 = 1.6"


def test_shared_nodes_accumulate() -> None:
    x = ag.Value(3.0, "x")
    page = step_through(x * x + x)
    assert lines(page, "backward") == [
        "∂L/∂v1 += ∂L/∂L · 1 = 1 × 1 = 1",
        "∂L/∂x += ∂L/∂L · 1 = 1 × 1 = 1 in all 0 + 1 = 1",
        "∂L/∂x += ∂L/∂v1 · x = 1 × 3 = 3 in all 1 + 3 = 4",
        "∂L/∂x += ∂L/∂v1 · x = 1 × 3 = 3 in all 4 + 3 = 7",
    ]
    y = x * 2
    assert "Both parts of the gradient of v1 have arrived" in step_through(y * y).steps[-1].caption


def test_many_arguments_show_products_and_sums() -> None:
    w, v, b = ag.Value(0.1, "w"), ag.Value(0.2, "v"), ag.Value(0.3, "b")
    expected = "L = w × 0.5 + v × 0.8 + b = 0.1 × 0.5 + 0.2 × 0.8 + 0.3 = 0.05 + 0.16 + 0.3 = 0.51"
    assert lines(step_through(ag.dot((w, v), (0.5, 0.8), b)), "forward") == [expected]
    assert lines(step_through(ag.dot((w,), (0.5,))), "forward") == ["L = w × 0.5 = 0.1 × 0.5 = 0.05"]
    assert lines(step_through(ag.sum([w, v, 1.0])), "forward") == ["L = w + v + 1 = 0.1 + 0.2 + 1 = 1.3"]
    assert lines(step_through(ag.prod([w, v])), "forward") == ["L = w × v = 0.1 × 0.2 = 0.02"]
    assert lines(step_through(ag.norm([w, v])), "forward") == ["L = ‖w, v‖ = ‖0.1, 0.2‖ ≈ 0.2236"]


def test_long_sums_leave_out_the_middle() -> None:
    terms = [ag.Value(1.0, f"x{k}") for k in range(20)]
    (line,) = lines(step_through(ag.sum(terms)), "forward")
    assert line == "L = x0 + x1 + x2 + x3 + … + x19 = 1 + 1 + 1 + 1 + … + 1 = 20"
    assert line.count("x") == MOST_TERMS - 1


def test_other_formulas() -> None:
    a, b = ag.Value(-2.0, "a"), ag.Value(3.0, "b")
    for value, expected in [
        (a - b, "L = a − b = −2 − 3 = −5"),
        (b - a, "L = b − a = 3 − (−2) = 5"),
        (a**2, "L = a² = (−2)² = 4"),
        (b**0.5, "L = b^0.5 = 3^0.5 ≈ 1.732"),
        (b**a, "L = b ^ a = 3 ^ (−2) ≈ 0.1111"),
        (-b, "L = −b = −3"),
        (-a, "L = −a = −(−2) = 2"),
        (1 / a, "L = 1 / a = 1 / (−2) = −0.5"),
        (abs(a), "L = |a| = |−2| = 2"),
        (ag.sqrt(b), "L = √(b) = √(3) ≈ 1.732"),
        (ag.relu(a), "L = ReLU(a) = ReLU(−2) = 0"),
        (ag.maximum(a, b), "L = max(a, b) = max(−2, 3) = 3"),
        (ag.log10(b), "L = log10(b) = log10(3) ≈ 0.4771"),
        (b / 0, "L = b / 0 = 3 / 0 = ∞"),
        (ag.log(a), "L = log(a) = log(−2) = nan"),
    ]:
        assert lines(step_through(value), "forward") == [expected]


def test_a_user_s_primitive_shows_its_own_rule() -> None:
    @ag.primitive(lambda out, x: 3 * x**2)
    def cube(x: float) -> float:
        return x * x * x

    page = step_through(cube(ag.Value(2.0, "x")))
    assert lines(page, "forward") == ["L = cube(x) = cube(2) = 8"]
    assert lines(page, "backward") == ["∂L/∂x += ∂L/∂L · 3 · x² = 1 × 12 = 12"]


def test_a_rule_that_takes_floats_alone_is_written_as_the_derivative_it_is() -> None:
    @ag.primitive(lambda out, x: math.cos(x) if type(x) is float else 1 / 0)
    def wave(x: float) -> float:
        return math.sin(x)

    assert lines(step_through(wave(ag.Value(0.0, "x"))), "backward") == ["∂L/∂x += ∂L/∂L · ∂L/∂x = 1 × 1 = 1"]


def in_python(formula: str) -> str:
    """A formula of the page as a Python expression."""
    formula = re.sub(
        "[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+", lambda m: "**" + m[0].translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")), formula
    )
    formula = re.sub(r"\|([^|]+)\|", r"abs(\1)", formula)
    for ours, python in {"·": "*", "×": "*", "−": "-", "^": "**", "σ": "sigmoid", "√": "sqrt", "ReLU": "relu"}.items():
        formula = formula.replace(ours, python)
    return formula.replace("max(", "maximum(").replace("min(", "minimum(")


def evaluate(formula: str, names: dict[str, Any]) -> tuple[float, float]:
    """The value of a formula, and how much it may be off as its numbers are shown in four digits."""

    def at(k: int) -> float:
        count = itertools.count()
        moved = re.sub(r"\d+\.\d+", lambda m: f"({m[0]} * 1.0005)" if next(count) == k else m[0], formula)
        return float(eval(moved, {"__builtins__": {}}, names))

    value = at(-1)
    return value, sum(abs(at(k) - value) for k in range(len(re.findall(r"\d+\.\d+", formula))))


SCALAR = [op for op in PRIMITIVES if not any(op.takes_sequence)]


@pytest.mark.parametrize("op", SCALAR, ids=str)
@pytest.mark.parametrize("point", [(0.7, 0.4, 1.3), (1.9, 1.2, -0.8)], ids=str)
def test_every_rule_shown_is_the_derivative(op: Primitive, point: tuple[float, ...]) -> None:
    point = point[: op.arity]
    args = [ag.Value(x, name) for x, name in zip(point, "abc")]
    out = op(*args)
    partials = pass_back(out, 1.0)
    names = {name: getattr(ag, name) for name in ag.__all__} | dict(zip("abc", point)) | {"y": out.data, "abs": abs}
    shown = write_partials(op, ag.Value(out.data, "y"), args)
    assert len(shown) == op.arity
    for position, formula in enumerate(shown):
        if op.partials[position] is None:
            assert formula is None
        elif not math.isnan(out.data):
            assert formula is not None
            value, doubt = evaluate(in_python(to_text(formula)), names)
            assert value == pytest.approx(partials[position], rel=1e-3, abs=doubt), to_text(formula)


def test_every_formula_computes_its_node() -> None:
    checked = 0
    for seed in range(120):
        story = play(random_graph(random.Random(seed)))
        data = {node.name: node.data for node in story.nodes}
        for step in story.steps:
            node = story.nodes[step.node]
            if step.phase == "forward" and all(map(math.isfinite, data.values())) and "#" not in str(step.lines):
                formula = to_text(step.lines[0].right).split(" = ")[0].split(" ≈ ")[0].removeprefix("= ")
                if "…" in formula or "LSE" in formula or "‖" in formula or "(1e300" in formula:
                    continue
                names = {name: getattr(ag, name) for name in [*ag.__all__, "abs", "pow", "sum"]} | data
                value = eval(in_python(formula), {"__builtins__": {}}, names)
                assert value == pytest.approx(node.data, rel=1e-2, abs=1e-2), str(step.lines[0])
                checked += 1
    assert checked > 100


def test_an_argument_that_gets_nothing_says_so() -> None:
    a, b, c = ag.Value(1.0, "a"), ag.Value(2.0, "b"), ag.Value(-3.0, "c")
    page = step_through(ag.where(a, b, c))
    assert lines(page, "backward")[0] == "∂L/∂a += 0 no derivative with respect to this"
    assert "a receives nothing." in page.steps[-1].words
    assert lines(step_through(ag.relu(c)), "backward") == ["∂L/∂c += ∂L/∂L · 0 = 1 × 0 = 0"]


def test_unlabelled_nodes_have_names_that_no_label_has() -> None:
    x, v1, other = ag.Value(1.0), ag.Value(2.0, "v1"), ag.Value(3.0, "L")
    names = [node.name for node in play(x * v1 + other).nodes]
    assert names == ["v2", "v1", "v3", "L", "v4"]
    twice = ag.Value(1.0, "w") * ag.Value(2.0, "w#2") * ag.Value(3.0, "w") * ag.Value(3.0, " ")
    assert [node.name for node in play(twice).nodes] == ["w", "w#2", "v1", "w#3", "v2", "v3", "L"]


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (2.0, "2"),
        (0.1 + 0.2, "0.3"),
        (123456.0, "123456"),
        (-0.00123, "−0.00123"),
        (1234567.0, "1.235e6"),
        (1e-7, "1e−7"),
        (12345.678, "12345.7"),
        (math.nan, "nan"),
        (-math.inf, "−∞"),
    ],
)
def test_numbers_are_short(x: float, text: str) -> None:
    assert format_number(x) == text
    assert parse_number(text) == pytest.approx(x, rel=1e-3, nan_ok=True)


def test_words() -> None:
    x, y = ag.Value(-2.0, "x"), ag.Value(3.0, "y")
    page = step_through(ag.sigmoid(x * y) ** 2, lr=0.1)
    words = page.transcript().splitlines()
    assert len(words) == len(page.steps)
    assert words[1] == "1. v1 is x times y, which makes minus 6."
    assert words[2] == "2. v2 is the sigmoid of v1, which makes 0.002473."
    assert words[3].startswith("3. L is v2 squared")
    assert not re.search("[∂×·−≈Σ]", page.transcript())
    assert to_speech([("prefix", "−"), ("name", "a")]) == "minus a"


def test_right_to_left_names_do_not_turn_the_words_around_them() -> None:
    words = step_through(ag.Value(1.0, "שלום") * 2).steps[1].words
    assert words == "L is \N{FIRST STRONG ISOLATE}שלום\N{POP DIRECTIONAL ISOLATE} times 2, which makes 2."
