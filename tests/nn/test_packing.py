"""pack and unpack: a state comes back as it was, types and bits included, through a file; the rest is refused."""

import collections
import enum
import fractions
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as npst

import nn
from nn.packing import DEEPEST, equal, pack, unpack
from nn.training.checkpoint import Checkpoint

pytestmark = pytest.mark.once

DTYPES = st.one_of(
    npst.boolean_dtypes(),
    npst.integer_dtypes(endianness="?"),
    npst.unsigned_integer_dtypes(endianness="?"),
    npst.floating_dtypes(endianness="?"),
    npst.complex_number_dtypes(endianness="?"),
    npst.datetime64_dtypes(),
    npst.unicode_string_dtypes(),
)
ARRAYS = DTYPES.flatmap(lambda dtype: npst.arrays(dtype, npst.array_shapes(min_dims=0, min_side=0, max_side=3)))
VIEWS = st.sampled_from([lambda x: x, lambda x: x.T, lambda x: x[::-1] if x.ndim else x, lambda x: x[..., ::2]])
TEXT = st.text(st.characters(), max_size=8) | st.sampled_from(
    ["array", "dict", "tuple", "a/b", "\ud83d\ude00", "\udc80"]
)
VIEW = st.builds(lambda view, x: view(x) if x.ndim else x, VIEWS, ARRAYS)
SCALAR = ARRAYS.filter(lambda x: x.size).map(lambda x: x.ravel()[0])
HUGE = st.integers(-(10**5000), 10**5000)
PLAIN = st.none() | st.booleans() | st.integers() | HUGE | st.floats() | TEXT | VIEW | SCALAR
KEYS = st.one_of(st.none(), st.integers(), TEXT, st.tuples(TEXT, st.integers()))
STATES = st.recursive(
    PLAIN,
    lambda x: st.lists(x, max_size=4) | st.lists(x, max_size=3).map(tuple) | st.dictionaries(KEYS, x, max_size=4),
    max_leaves=8,
)


@given(STATES)
def test_any_state_comes_back_as_it_was(state: Any) -> None:
    arrays: dict[str, Any] = {}
    text = json.dumps(pack(state, "state", arrays))
    assert text.isascii()
    assert equal(unpack(json.loads(text), arrays), state)


@pytest.mark.parametrize(
    "state",
    [
        {"array": 5},
        {"array": ["0 state", "<f8", [2]]},
        {"a/b": np.zeros(2), "a": {"b": np.ones(2)}},
        {1: "int", "1": "str", (1,): "tuple", None: "none"},
        {"x": (1, [2, (3,)], {})},
        {"reversed": np.arange(6.0)[::-1], "transposed": np.arange(6.0).reshape(2, 3).T},
        {"wide": np.broadcast_to(np.float64(3.0), (2, 2)), "big": np.arange(3, dtype=">f8"), "none": np.zeros((0, 2))},
        {"longdouble": np.array([1], dtype=np.longdouble) / 3, "complex": np.array([1j]), "words": np.array(["ä", ""])},
        {"name": "\ud800", "pair": "\ud83d\ude00", "\udcff": "key"},
        {"nan": float("nan"), "inf": [float("inf"), -float("inf")], "zero": -0.0, "many": [float("nan"), -0.0] * 20},
        {"float32": np.float32(0.1), "uint8": np.uint8(200), "flag": np.bool_(True), "huge": -(7**9999)},
    ],
)
def test_a_checkpoint_on_disk_holds_it_too(tmp_path: Path, state: dict[Any, Any]) -> None:
    store = Checkpoint(tmp_path)
    store.try_out(state)
    store.write(state)
    assert equal(store.read(), state)


class Colour(enum.IntEnum):
    RED = 1


Point = collections.namedtuple("Point", "x")
LOOP: list[Any] = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (Point(1), "state.* = .*Point"),
        (Colour.RED, "Colour"),
        (collections.OrderedDict(a=1), "OrderedDict"),
        (collections.Counter("aab"), "Counter"),
        ({1, 2}, "got state.'x'. = set"),
        (b"bytes", "bytes"),
        (1j, "complex"),
        (fractions.Fraction(1, 3), "Fraction"),
        (np.ma.array([1.0, 2.0], mask=[True, False]), "masked|Masked"),
        (np.array([object()]), "an array of object"),
        (np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]), "an array of"),
        (nn.MLP(1, [1]), "MLP"),
        (LOOP, f"at most {DEEPEST} levels"),
        ({("a", Colour.RED): 1}, "a key of state"),
    ],
)
def test_what_cannot_be_kept_is_refused_and_nothing_is_written(tmp_path: Path, x: Any, message: str) -> None:
    store = Checkpoint(tmp_path)
    with pytest.raises((TypeError, ValueError), match=message):
        store.try_out({"x": x})
    with pytest.raises((TypeError, ValueError), match=message):
        store.write({"x": x})
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_the_same_is_told_apart() -> None:
    pairs = [
        (0.0, -0.0), (1, 1.0), (True, 1), ((1,), [1]), ({1: 2}, {"1": 2}), ({1: 1, 2: 2}, {2: 2, 1: 1}),
        (np.zeros(2), np.zeros((2, 1))), (np.zeros(1), np.zeros(1, np.float32)), (np.float64(1), 1.0), ([1], [1, 2]),
    ]  # fmt: skip
    assert [equal(a, b) for a, b in pairs] == [False] * len(pairs)
    assert equal({"x": [float("nan"), np.array([np.nan])]}, {"x": [float("nan"), np.array([np.nan])]})


def test_the_error_names_the_type_once() -> None:
    with pytest.raises(TypeError, match=r"got state\['z'\] = complex 1j\. Convert it in state_dict\(\)"):
        pack({"z": 1j}, "state", {})
