"""Operations across the lanes of a vector: sums of lanes, a mask of the first few, loads for each lane."""

from __future__ import annotations

from collections.abc import Sequence

from .ir import Writer, literal


def sum_lanes(w: Writer, x: str) -> str:
    """The sum of the lanes of a vector, as a double."""
    if w.lanes == 1:
        return x
    name = f"@llvm.vector.reduce.fadd.v{w.lanes}f64"
    w.ir.declare(f"declare double {name}(double, {w.type})")
    return w.put(f"call reassoc double {name}(double {literal(-0.0)}, {w.type} {x})")


def sum_lanes_of_each(w: Writer, xs: Sequence[str]) -> str:
    """The sum of the lanes of each vector, all in one vector. There must be as many vectors as lanes."""
    while len(xs) > 1:
        xs = [_add_pairs(w, a, b) for a, b in zip(xs[::2], xs[1::2])]
    return xs[0]


def _add_pairs(w: Writer, a: str, b: str) -> str:
    """The sums of neighbouring lanes, first those of a and then those of b."""
    even, odd = (w.put(f"shufflevector {w.type} {a}, {w.type} {b}, {_lane_numbers(w, first)}") for first in (0, 1))
    return w.add(even, odd)


def _lane_numbers(w: Writer, first: int) -> str:
    """Every second lane of two vectors."""
    return f"<{w.lanes} x i32> <" + ", ".join(f"i32 {first + 2 * k}" for k in range(w.lanes)) + ">"


def first_lanes(w: Writer, count: str) -> str:
    """True in the first `count` lanes, where `count` is an i64."""
    if w.lanes == 1:
        return w.put(f"icmp slt i64 0, {count}", "b")
    bound = w.put(f"insertelement {w.long} poison, i64 {count}, i32 0", "i")
    bound = w.put(f"shufflevector {w.long} {bound}, {w.long} poison, <{w.lanes} x i32> zeroinitializer", "i")
    order = "<" + ", ".join(f"i64 {k}" for k in range(w.lanes)) + ">"
    return w.put(f"icmp slt {w.long} {order}, {bound}", "b")


def load_strided(w: Writer, place: str, step: int) -> str:
    """A double for each lane, from places that lie `step` doubles apart."""
    result = "poison"
    for lane in range(w.lanes):
        one = w.put(f"load double, ptr {w.pointer(place, lane * step)}, align 8")
        if w.lanes == 1:
            return one
        result = w.put(f"insertelement {w.type} {result}, double {one}, i32 {lane}")
    return result
