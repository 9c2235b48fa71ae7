"""Routine: programs run one after the other in a single call, with numbers moved from one's memory to another's."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..codegen.ir import Module, Writer, literal
from .machine import Code, host
from .memory import Floats
from .runner import Runner
from .workspace import Workspace

# A stage is four i64: its kind, two addresses, and how many doubles are there.
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
    """A list of stages, made once and run as often as needed.

    Stages know arrays by their addresses. What is added to, checked or clipped is `padded`, or
    the end of such an array.
    """

    def __init__(self) -> None:
        self._parts: list[Callable[[], Any]] = []
        self._stages: list[int] = []
        self._kept: list[Any] = []  # what the stages point to, which must live as long

    def run(self, runner: Runner, work: Workspace) -> None:
        """Run a program in its workspace."""
        if runner.closed_over or runner.threads:  # that is not done by machine code alone

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
        """Give `target` the numbers of `source`."""
        self._stage(COPY, source, target)

    def add(self, source: Floats, target: Floats) -> None:
        """Add to each number of `target` that of `source`."""
        self._stage(ADD, source, target)

    def check(self, numbers: Floats) -> None:
        """End here if a number is nan or infinite."""
        self._stage(CHECK, numbers, numbers)

    def clip(self, norm: float, numbers: Floats) -> None:
        """Scale the numbers down together if their Euclidean norm is above that, as nn.clip_grad_norm does."""
        self._stage(CLIP, np.array([norm, 1.0]), numbers)  # the other is the factor

    def _stage(self, kind: int, a: Any, b: Any) -> None:
        for x in (a, b):
            assert x.flags.c_contiguous
        assert kind == CLIP or a.size == b.size
        self._kept += [a, b]
        self._stages += [kind, a.ctypes.data, b.ctypes.data, b.size]

    def _cut(self) -> None:
        """Make one call of the stages so far."""
        if self._stages:
            stages = np.array([*self._stages, END, 0, 0, 0], dtype=np.int64)
            pointer: Any = stages.ctypes.data_as(ctypes.c_void_p)  # which keeps the stages
            pointer.kept = self._kept
            function = _code().function("routine", ctypes.c_void_p, result=ctypes.c_int64)
            self._parts.append(functools.partial(function, pointer))
            self._stages = []

    def made(self) -> Callable[[], Any]:
        """What runs the stages: a function whose result is true if it came to the end."""
        self._cut()
        parts = self._parts
        return parts[0] if len(parts) == 1 else lambda: all(part() for part in parts)


@functools.cache
def _code() -> Code:
    """The machine code that goes through the stages."""
    module, machine = Module(host().fma), host()
    module.declare("declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")

    def define(name: str, body: Callable[[Writer], str]) -> None:
        w = Writer(module, machine.lanes)
        result = body(w)
        module.add(f"define internal {result.split()[0]} @{name}(ptr %a, ptr %b, i64 %count) nounwind", w.lines, result)

    def update(w: Writer, change: Callable[[str, str], str]) -> str:
        """Replace each number at b, x at index k, by change(x, k)."""

        def several(k: str) -> list[str]:
            place = w.pointer("%b", k)
            w.store(change(w.load(place), k), place)
            return []

        w.loop("%count", several, step=w.lanes)
        return "void"

    def total(w: Writer, at: str, term: Callable[[str, str], str]) -> str:
        """term(x, sum so far) of all numbers x there."""
        (sums,) = w.loop("%count", lambda k, sum: [term(w.load(w.pointer(at, k)), sum)], w.c(0.0), step=w.lanes)
        return w.total(sums)

    def clip(w: Writer) -> str:
        w.module.declare("declare double @llvm.sqrt.f64(double)")
        norm = w.put(f"call double @llvm.sqrt.f64(double {total(w, '%b', lambda x, sum: w.fma(x, x, sum))})")
        divisor = w.put(f"fadd double {norm}, {literal(1e-6)}")
        share = w.put(f"fdiv double {w.put('load double, ptr %a')}, {divisor}")
        share = w.put(f"select i1 {w.put(f'fcmp olt double {share}, 1.0', 'b')}, double {share}, double 1.0")
        place = w.pointer("%a", 1)
        w.do(f"store double {share}, ptr {place}")
        factor = w.spread(place)
        return update(w, lambda x, k: w.mul(x, factor))

    define("add", lambda w: update(w, lambda x, k: w.add(x, w.load(w.pointer("%a", k)))))
    define("nothing", lambda w: f"double {total(w, '%a', lambda x, sum: w.fma(x, w.c(0.0), sum))}")
    define("clip", clip)
    return Code(str(module) + STEP, machine)
