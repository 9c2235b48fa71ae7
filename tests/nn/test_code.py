"""describe_code: the same function has the same words in every process; another one of the same name has others."""

import functools
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd as ag
import nn
from nn.code import describe_code

PROGRAM = """
import functools
import numpy as np
import autograd as ag, nn
from nn.code import describe_code

SCALE, WEIGHTS, TABLE = 0.5, [1.0, 2.0], np.arange(3.0)

def helper(x):
    return SCALE * x

def make(strength, names=frozenset({"a", "b", "c"})):
    def penalty(model, power=2):
        "Words."
        total = sum(abs(p) ** power for p in model.parameters() if str(p) not in {"x", "y", "z"})
        return strength * helper(total) + WEIGHTS[0] + TABLE[1] * len(names)
    return penalty

class Rule(nn.Optimizer):
    rate = 0.25
    def __init__(self, parameters, lr=0.1):
        super().__init__(parameters, lr=lr)
    def update(self, group, data, grad):
        return data - self.rate * grad

class Loss:
    def __init__(self, width):
        self.width = width
    def __call__(self, output, target):
        return ag.abs(output - target) * self.width

@ag.primitive(lambda out, x: 3.0 * x * x)
def cube(x):
    return x * x * x

def objects():
    return [
        make(0.1), functools.partial(make(1.0), power=3), Rule, Rule([ag.Value(0.0)]), Loss(2.0), Loss(2.0).__call__,
        cube, lambda z, t: cube(z) - t,
    ]
"""


def run(source: str) -> list[Any]:
    namespace: dict[str, Any] = {"__name__": "script"}
    exec(compile(textwrap.dedent(source), "script.py", "exec"), namespace)
    return [describe_code(x) for x in namespace["objects"]()]


def test_the_words_are_the_same_in_every_process(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(PROGRAM + "\nprint('\\n'.join(map(describe_code, objects())))")
    found = set()
    for seed in ("0", "1", "2"):  # the order of sets differs
        here = {**os.environ, "PYTHONPATH": str(Path(nn.__file__).parents[1]), "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, str(tmp_path / "script.py")], env=here, capture_output=True, text=True, check=True
        )
        found.add(done.stdout)
    assert len(found) == 1
    assert all("[" in line for line in found.pop().splitlines())


def test_comments_words_and_places_do_not_count() -> None:
    moved = "# a comment\n\n" + PROGRAM.replace('"Words."', '"Other words."').replace(
        "    return SCALE", "\n    return SCALE"
    )
    assert run(moved) == run(PROGRAM)


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("make(0.1)", "make(0.2)", {0}),  # a number in a closure
        ("SCALE, WEIGHTS, TABLE = 0.5", "SCALE, WEIGHTS, TABLE = 0.75", {0, 1}),  # a number that a helper reads
        ("[1.0, 2.0]", "[1.0, 3.0]", {0, 1}),  # in a list
        ("np.arange(3.0)", "np.arange(4.0)", {0, 1}),  # in an array
        ("return SCALE * x", "return SCALE / x", {0, 1}),  # the code of a helper
        ("power=2", "power=4", {0, 1}),  # a default
        ("power=3", "power=5", {1}),  # an argument of a partial
        ('{"x", "y", "z"}', '{"x", "y", "w"}', {0, 1}),  # a set in the code
        ('frozenset({"a", "b", "c"})', 'frozenset({"a", "b"})', {0, 1}),
        ("rate = 0.25", "rate = 0.5", {2, 3}),  # a constant of a class
        ("data - self.rate", "data + self.rate", {2, 3}),  # the code of a method
        ("lr=0.1", "lr=0.2", {2, 3}),  # a default of a method
        ("Loss(2.0), ", "Loss(3.0), ", {4}),  # an attribute of a callable object
        ("ag.abs(output", "ag.exp(output", {4, 5}),
        ("3.0 * x * x", "2.0 * x * x", {6, 7}),  # a rule
        ("return x * x * x", "return x * x + x", {6, 7}),
    ],
)
def test_another_function_of_the_same_name_has_other_words(old: str, new: str, changed: set[int]) -> None:
    assert old in PROGRAM
    pairs = list(zip(run(PROGRAM), run(PROGRAM.replace(old, new, 1))))
    assert {k for k, (one, other) in enumerate(pairs) if one != other} == changed
    assert all(one.split(" [")[0] == other.split(" [")[0] for one, other in pairs)


def test_functions_of_libraries_have_their_names() -> None:
    names = [describe_code(x) for x in (nn.mse, ag.tanh, nn.SGD, np.exp, abs, textwrap.dedent, nn.EarlyStopping())]
    assert names == ["mse", "tanh", "SGD", "exp", "abs", "dedent", "EarlyStopping"]


def test_what_changes_in_training_does_not_count() -> None:
    model = nn.MLP(2, [3, 1], seed=0)
    seen: list[int] = []
    count = 0

    def callback(state: Any) -> None:
        nonlocal count
        count += 1
        seen.append(state.epoch)

    def penalty(m: Any) -> Any:
        nonlocal count
        count += 1
        return sum(p * p for p in model.parameters())

    before = describe_code(penalty), describe_code(callback, data=False)
    penalty(model)
    seen.append(1)
    for p in model.parameters():
        p.data = 0.0
    model.eval()
    assert (describe_code(penalty), describe_code(callback, data=False)) == before


def test_objects_that_hold_themselves_are_described() -> None:
    loop: list[Any] = []
    loop.append(loop)
    assert describe_code(lambda: loop) == describe_code(lambda: loop)
    assert describe_code(functools.partial(max, loop)) == describe_code(functools.partial(max, loop))


def test_ints_of_any_length_are_described() -> None:
    large = 10**5000
    assert describe_code(lambda: large) != describe_code(lambda: large + 1)


def test_a_closure_that_is_not_filled_yet_is_left_out() -> None:
    def outer() -> Any:
        before = describe_code(lambda: later)
        later = 1.0
        return before, describe_code(lambda: later)

    before, after = outer()
    assert before != after
