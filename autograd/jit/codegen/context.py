"""The context: an array of i64 that the compiled functions get, with the places of all memory of a call."""

from __future__ import annotations

from .. import tuning
from .ir import IR, Writer

# The fields: pointers, then counts, then the bits of a double, then what loops tell the one who called them.
CONTEXT = (
    *("shared", "given", "ragged", "results", "in", "out", "kept", "state", "partial", "shared_code", "batched_code"),
    *("shared_grown", "grown", "attendant"),
    *("tiles", "last", "elements", "share"),
    *("fuel", "stopped", "which", "amount"),
)
POINTERS = 14
SCRATCH = slice(4, 8)  # each thread has its own

# What a running loop asks of its attendant (runtime/attendant.py): a moment, so that Ctrl-C is heard; an error, because
# it has passed its limit; more room for the rows of the shared or the batched section.
MOMENT, LIMIT, SHARED_ROWS, ROWS = range(4)


def find_field(w: Writer, name: str) -> str:
    """Where a field of the context is."""
    return w.pointer("%context", CONTEXT.index(name), "i64")


def read_field(w: Writer, name: str) -> str:
    """Read a field of the context."""
    kind, prefix = ("ptr", "p") if CONTEXT.index(name) < POINTERS else ("i64", "i")
    return w.put(f"load {kind}, ptr {find_field(w, name)}", prefix)


def write_attend(ir: IR) -> None:
    """Write the function with which a loop asks its attendant for something. It returns whether the loop must stop.

    The fuel then stays below zero, so that all further loops of the call ask too, and stop.
    """
    w = Writer(ir, 1)
    stopped = w.put(f"icmp ne i64 {read_field(w, 'stopped')}, 0", "b")
    w.do(f"br i1 {stopped}, label %stop, label %ask")
    w.start_block("ask")
    w.do(f"store i64 %which, ptr {find_field(w, 'which')}")
    w.do(f"store i64 %amount, ptr {find_field(w, 'amount')}")
    w.do(f"store i64 1, ptr {find_field(w, 'stopped')}")  # until the attendant has done what it was asked for
    w.do(f"call void {read_field(w, 'attendant')}(i64 %kind)")
    refused = w.put(f"icmp ne i64 {read_field(w, 'stopped')}, 0", "b")
    w.do(f"br i1 {refused}, label %stop, label %on")
    w.start_block("on")
    w.do(f"store i64 {tuning.FUEL}, ptr {find_field(w, 'fuel')}")
    w.do("ret i1 false")
    w.start_block("stop")
    w.do(f"store i64 -1, ptr {find_field(w, 'fuel')}")
    ir.add(
        "define internal i1 @attend(ptr %context, i64 %kind, i64 %which, i64 %amount) nounwind noinline cold",
        w.lines,
        "i1 true",
    )
