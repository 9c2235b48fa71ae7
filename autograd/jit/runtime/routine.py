"""Routine: several programs in a single call, with numbers copied from the memory of one to that of the next.

A training step is such a routine: the gradient, checks, the optimizer's update. It is a list of stages
that a small machine executes, and not one emitted function, because a routine depends on what is known
only when it is built: the addresses of a model's arrays, the shape of the batch, the optimizer's groups
and options. An emitted function would be compiled again for each of these. The machine is compiled once
in a process, and the programs that it calls are cached, so models of one shape share their code. The
price is small: on an x86-64 with AVX-512 a stage that copies 8 doubles takes 1.4 nanoseconds and a call
from Python 160, while compiling even a short function takes 3 milliseconds.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..codegen.ir import IR, Writer, literal
from ..codegen.lanes import sum_lanes
from .machine import Code, host
from .memory import Floats
from .runner import Runner
from .workspace import Workspace

# A stage is four i64: its kind, two addresses, and how many doubles lie there.
END, CALL, COPY, ADD, CHECK, CLIP = range(6)
STEP = f"""define i64 @routine(ptr %stages) nounwind {{
entry:
  br label %next
next:
  %stage = phi ptr [ %stages, %entry ], [ %following, %done ]
  %kind = load i64, ptr %stage
  %at_a = getelementptr i64, ptr %stage, i64 1
  %a = load ptr, ptr %at_a
  %at_b = getelementptr i64, ptr %stage, i64 2
  %b = load ptr, ptr %at_b
  %at_count = getelementptr i64, ptr %stage, i64 3
  %count = load i64, ptr %at_count
  switch i64 %kind, label %end [ i64 {CALL}, label %call i64 {COPY}, label %copy i64 {ADD}, label %add
                                 i64 {CHECK}, label %check i64 {CLIP}, label %clip ]
call:
  call void %a(ptr %b)
  br label %done
copy:
  %bytes = shl i64 %count, 3
  call void @llvm.memcpy.p0.p0.i64(ptr %b, ptr %a, i64 %bytes, i1 false)
  br label %done
add:
  call void @add(ptr %a, ptr %b, i64 %count)
  br label %done
check:
  %nothing = call double @nothing(ptr %a, ptr %b, i64 %count)
  %finite = fcmp oeq double %nothing, 0.0
  br i1 %finite, label %done, label %stop
clip:
  call void @clip(ptr %a, ptr %b, i64 %count)
  br label %done
done:
  %following = getelementptr i64, ptr %stage, i64 4
  br label %next
end:
  ret i64 1
stop:
  ret i64 0
}}
"""


class Routine:
    """A list of stages, built once and run as often as needed.

    Stages know arrays by their addresses. Arrays that are added to, checked or clipped must be
    `padded`, or be the end of a padded array.
    """

    def __init__(self) -> None:
        self._parts: list[Callable[[], Any]] = []
        self._stages: list[int] = []
        self._kept: list[Any] = []  # keeps alive what the stages point to

    def run(self, runner: Runner, work: Workspace) -> None:
        """Run a program in its workspace."""
        if runner.closed_over or runner.threads or work.attendant is not None:  # these need Python

            def compute() -> bool:
                runner.compute(work)
                return True

            self._cut()
            self._parts.append(compute)
        else:
            address = ctypes.cast(runner.function, ctypes.c_void_p).value
            assert address is not None
            self._kept += [runner, work]
            self._stages += [CALL, address, work.address, 0]

    def copy(self, source: Floats, target: Floats) -> None:
        """Copy the numbers of `source` to `target`."""
        self._stage(COPY, source, target)

    def add(self, source: Floats, target: Floats) -> None:
        """Add the numbers of `source` to those of `target`."""
        self._stage(ADD, source, target)

    def check(self, numbers: Floats) -> None:
        """End the routine here if a number is nan or infinite."""
        self._stage(CHECK, numbers, numbers)

    def clip(self, norm: float, numbers: Floats) -> None:
        """Scale the numbers down if their Euclidean norm is above `norm`, as nn.clip_grad_norm does."""
        self._stage(CLIP, np.array([norm, 1.0]), numbers)  # the second is where the factor goes

    def _stage(self, kind: int, a: Any, b: Any) -> None:
        for x in (a, b):
            assert x.flags.c_contiguous
        assert kind == CLIP or a.size == b.size
        self._kept += [a, b]
        self._stages += [kind, a.ctypes.data, b.ctypes.data, b.size]

    def _cut(self) -> None:
        """Turn the stages so far into one call."""
        if self._stages:
            stages = np.array([*self._stages, END, 0, 0, 0], dtype=np.int64)
            pointer: Any = stages.ctypes.data_as(ctypes.c_void_p)  # the pointer keeps the stages alive
            pointer.kept = self._kept
            function = _stage_machine().function("routine", ctypes.c_void_p, result=ctypes.c_int64)
            self._parts.append(functools.partial(function, pointer))
            self._stages = []

    def build(self) -> Callable[[], Any]:
        """A function that runs the stages; its result is true if it came to the end."""
        self._cut()
        parts = self._parts
        return parts[0] if len(parts) == 1 else lambda: all(part() for part in parts)


@functools.cache
def _stage_machine() -> Code:
    """The machine code that executes stages."""
    ir, machine = IR(host().fma), host()
    ir.declare("declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")

    def define(name: str, body: Callable[[Writer], str]) -> None:
        w = Writer(ir, machine.lanes)
        result = body(w)
        ir.add(f"define internal {result.split()[0]} @{name}(ptr %a, ptr %b, i64 %count) nounwind", w.lines, result)

    def update(w: Writer, change: Callable[[str, str], str]) -> str:
        """Replace each number x at b, with index k, by change(x, k)."""

        def several(k: str) -> None:
            place = w.pointer("%b", k)
            w.store(change(w.load(place), k), place)

        w.loop("%count", several, step=w.lanes)
        return "void"

    def total(w: Writer, at: str, term: Callable[[str, str], str]) -> str:
        """The sum over all numbers x at this place, where term(x, sum) adds one."""
        (sums,) = w.loop("%count", lambda k, sum: [term(w.load(w.pointer(at, k)), sum)], w.c(0.0), step=w.lanes)
        return sum_lanes(w, sums)

    def clip(w: Writer) -> str:
        w.ir.declare("declare double @llvm.sqrt.f64(double)")
        norm = w.put(f"call double @llvm.sqrt.f64(double {total(w, '%b', lambda x, sum: w.fma(x, x, sum))})")
        divisor = w.put(f"fadd double {norm}, {literal(1e-6)}")
        share = w.put(f"fdiv double {w.put('load double, ptr %a')}, {divisor}")
        share = w.put(f"select i1 {w.put(f'fcmp olt double {share}, 1.0', 'b')}, double {share}, double 1.0")
        place = w.pointer("%a", 1)
        w.do(f"store double {share}, ptr {place}")
        factor = w.broadcast(place)
        return update(w, lambda x, k: w.mul(x, factor))

    define("add", lambda w: update(w, lambda x, k: w.add(x, w.load(w.pointer("%a", k)))))
    define("nothing", lambda w: f"double {total(w, '%a', lambda x, sum: w.fma(x, w.c(0.0), sum))}")
    define("clip", clip)
    return Code(str(ir) + STEP, machine)
