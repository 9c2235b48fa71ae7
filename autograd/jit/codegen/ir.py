"""Writer: LLVM IR as text, for one double or a vector of them alike."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any


class Module:
    """Declarations and functions, each once.

    Args:
        fma: whether the machine multiplies and adds in one instruction.

    Attributes:
        known: the names of functions that the code of others has asked for.
    """

    def __init__(self, fma: bool) -> None:
        self.fma = fma
        self.known: set[str] = set()
        self._declared: dict[str, None] = {}
        self._functions: list[str] = []

    def declare(self, declaration: str) -> None:
        self._declared[declaration] = None

    def add(self, head: str, lines: Sequence[str], result: str = "void") -> None:
        self._functions.append("\n".join([head + " {", "entry:", *lines, f"  ret {result}", "}"]))

    def __str__(self) -> str:
        return "\n".join([*self._declared, *self._functions, ""])


def literal(x: float) -> str:
    """A double as LLVM writes it, to the last bit."""
    return f"0x{struct.unpack('<Q', struct.pack('<d', x))[0]:016X}"


def _order(first: int, step: int, count: int) -> str:
    """Lane numbers for shufflevector."""
    return f"<{count} x i32> <" + ", ".join(f"i32 {first + step * k}" for k in range(count)) + ">"


class Writer:
    """The body of a function, line by line. Each method appends an instruction and returns its result's name.

    Results that are truths (vectors of i1) have names that begin with %b.

    Args:
        module: where functions that the body calls are declared or defined.
        lanes: how many doubles each operand holds; 1 for plain doubles.
    """

    def __init__(self, module: Module, lanes: int) -> None:
        self.module = module
        self.lanes = lanes
        self.lines: list[str] = []
        self.block = "entry"  # the basic block that lines are now added to
        self._count = 0
        self.type, self.long, self.truth_type = self.kind("double"), self.kind("i64"), self.kind("i1")
        self.suffix = "f64" if lanes == 1 else f"v{lanes}f64"

    def kind(self, scalar: str) -> str:
        return scalar if self.lanes == 1 else f"<{self.lanes} x {scalar}>"

    def put(self, text: str, prefix: str = "v") -> str:
        self._count += 1
        name = f"%{prefix}{self._count}"
        self.lines.append(f"  {name} = {text}")
        return name

    def do(self, text: str) -> list[str]:
        """Append an instruction without a result; there is nothing to carry on, as `loop` would have it."""
        self.lines.append(f"  {text}")
        return []

    def label(self, name: str) -> str:
        """A name for a basic block, no other's."""
        self._count += 1
        return f"{name}{self._count}"

    def at(self, label: str) -> None:
        """What follows stands in the basic block of that name."""
        self.lines.append(f"{label}:")
        self.block = label

    def loop(self, count: str, body: Callable[..., Sequence[str]], *carried: str, step: int = 1) -> list[str]:
        """Repeat `body` for the numbers from 0 up to `count`, an i64.

        Args:
            count: where to stop.
            body: a function of the number and the carried values that writes a turn and returns their new names.
            carried: the values before the first turn, all vectors.
            step: the distance between numbers.

        Returns:
            The carried values after the last turn.
        """
        before, head, turn, end = self.block, self.label("head"), self.label("turn"), self.label("end")
        self.do(f"br label %{head}")
        self.at(head)
        place = len(self.lines)
        number, names = f"%{head}.i", [f"%{head}.v{k}" for k in range(len(carried))]
        more = self.put(f"icmp slt i64 {number}, {count}", "b")
        self.do(f"br i1 {more}, label %{turn}, label %{end}")
        self.at(turn)
        after = body(number, *names)
        following = self.put(f"add i64 {number}, {step}", "i")
        self.do(f"br label %{head}")
        heads = [f"  {number} = phi i64 [ 0, %{before} ], [ {following}, %{self.block} ]"]
        for name, first, later in zip(names, carried, after):
            heads.append(f"  {name} = phi {self.type} [ {first}, %{before} ], [ {later}, %{self.block} ]")
        self.lines[place:place] = heads
        self.at(end)
        return names

    # Memory

    def whole(self, op: str, a: str, b: str | int) -> str:
        """Arithmetic on single i64."""
        return self.put(f"{op} i64 {a}, {b}", "i")

    def pointer(self, base: str, offset: str | int, type: str = "double") -> str:
        return self.put(f"getelementptr {type}, ptr {base}, i64 {offset}", "p")

    def load(self, place: str) -> str:
        return self.put(f"load {self.type}, ptr {place}, align 8")

    def store(self, x: str, place: str) -> None:
        self.do(f"store {self.type} {self.number(x)}, ptr {place}, align 8")

    def spread(self, place: str) -> str:
        """The one double there, in every lane."""
        scalar = self.put(f"load double, ptr {place}, align 8")
        if self.lanes == 1:
            return scalar
        one = self.put(f"insertelement {self.type} poison, double {scalar}, i32 0")
        return self.put(f"shufflevector {self.type} {one}, {self.type} poison, <{self.lanes} x i32> zeroinitializer")

    def strided(self, place: str, step: int) -> str:
        """The doubles there, one for each lane, `step` doubles apart."""
        result = "poison"
        for lane in range(self.lanes):
            one = self.put(f"load double, ptr {self.pointer(place, lane * step)}, align 8")
            if self.lanes == 1:
                return one
            result = self.put(f"insertelement {self.type} {result}, double {one}, i32 {lane}")
        return result

    def below(self, count: str) -> str:
        """True in as many lanes, from the first, as `count`, an i64, says."""
        if self.lanes == 1:
            return self.put(f"icmp slt i64 0, {count}", "b")
        bound = self.put(f"insertelement {self.long} poison, i64 {count}, i32 0", "i")
        bound = self.put(
            f"shufflevector {self.long} {bound}, {self.long} poison, <{self.lanes} x i32> zeroinitializer", "i"
        )
        order = "<" + ", ".join(f"i64 {k}" for k in range(self.lanes)) + ">"
        return self.put(f"icmp slt {self.long} {order}, {bound}", "b")

    def pairwise(self, a: str, b: str) -> str:
        """The sums of neighbouring lanes, those of a and then those of b."""
        even, odd = (
            self.put(f"shufflevector {self.type} {a}, {self.type} {b}, {_order(first, 2, self.lanes)}")
            for first in (0, 1)
        )
        return self.add(even, odd)

    def totals(self, xs: Sequence[str]) -> str:
        """The sum of each vector's lanes, as one vector: of as many vectors as a vector has lanes."""
        while len(xs) > 1:
            xs = [self.pairwise(a, b) for a, b in zip(xs[::2], xs[1::2])]
        return xs[0]

    def total(self, x: str) -> str:
        """The sum of the lanes, a double."""
        if self.lanes == 1:
            return x
        name = f"@llvm.vector.reduce.fadd.v{self.lanes}f64"
        self.module.declare(f"declare double {name}(double, {self.type})")
        return self.put(f"call reassoc double {name}(double {literal(-0.0)}, {self.type} {x})")

    # Constants

    def c(self, x: float) -> str:
        return literal(x) if self.lanes == 1 else f"splat (double {literal(x)})"

    def i(self, x: int) -> str:
        return str(x) if self.lanes == 1 else f"splat (i64 {x})"

    # Arithmetic on doubles

    def binary(self, op: str, a: str, b: str) -> str:
        return self.put(f"{op} {self.type} {a}, {b}")

    def add(self, a: str, b: str) -> str:
        return self.binary("fadd", a, b)

    def sub(self, a: str, b: str) -> str:
        return self.binary("fsub", a, b)

    def mul(self, a: str, b: str) -> str:
        return self.binary("fmul", a, b)

    def div(self, a: str, b: str) -> str:
        return self.binary("fdiv", a, b)

    def neg(self, a: str) -> str:
        return self.put(f"fneg {self.type} {a}")

    def fma(self, a: str, b: str, c: str) -> str:
        if not self.module.fma:
            return self.add(self.mul(a, b), c)
        return self.intrinsic("fma", a, b, c)

    def fused(self, a: str, b: str, c: str) -> str:
        """a · b + c rounded once, by a function where the machine has no instruction for it."""
        return self.intrinsic("fma", a, b, c)

    def polynomial(self, x: str, coefficients: Any) -> str:
        """Horner's rule, highest power first."""
        first, *rest = coefficients
        result = self.c(first)
        for coefficient in rest:
            result = self.fma(result, x, self.c(coefficient))
        return result

    def intrinsic(self, name: str, *args: str) -> str:
        full = f"@llvm.{name}.{self.suffix}"
        self.module.declare(f"declare {self.type} {full}({', '.join([self.type] * len(args))})")
        return self.put(f"call {self.type} {full}({', '.join(f'{self.type} {x}' for x in args)})")

    def call(self, name: str, body: Callable[..., str], *args: str) -> str:
        """A call of a function, which `body` writes where it has not been written yet."""
        full = f"{name}.{self.suffix}"
        if full not in self.module.known:
            self.module.known.add(full)
            inside = Writer(self.module, self.lanes)
            result = body(inside, *[f"%x{k}" for k in range(len(args))])
            parameters = ", ".join(f"{self.type} %x{k}" for k in range(len(args)))
            head = f"define internal fastcc {self.type} @{full}({parameters}) nounwind noinline"
            self.module.add(head, inside.lines, f"{self.type} {result}")
        return self.put(f"call fastcc {self.type} @{full}({', '.join(f'{self.type} {x}' for x in args)})")

    def libm(self, name: str, *args: str) -> str:
        """A function of the C library, a lane at a time."""
        self.module.declare(f"declare double @{name}({', '.join(['double'] * len(args))})")
        if self.lanes == 1:
            return self.put(f"call double @{name}({', '.join(f'double {x}' for x in args)})")
        result = "poison"
        for lane in range(self.lanes):
            picked = [self.put(f"extractelement {self.type} {x}, i32 {lane}") for x in args]
            one = self.put(f"call double @{name}({', '.join(f'double {x}' for x in picked)})")
            result = self.put(f"insertelement {self.type} {result}, double {one}, i32 {lane}")
        return result

    # Truths and choice

    def compare(self, predicate: str, a: str, b: str) -> str:
        return self.put(f"fcmp {predicate} {self.type} {a}, {b}", "b")

    def either(self, a: str, b: str) -> str:
        return self.put(f"or {self.truth_type} {a}, {b}", "b")

    def both(self, a: str, b: str) -> str:
        return self.put(f"and {self.truth_type} {a}, {b}", "b")

    def opposite(self, a: str) -> str:
        ones = "true" if self.lanes == 1 else "splat (i1 true)"
        return self.put(f"xor {self.truth_type} {a}, {ones}", "b")

    def select(self, truth: str, a: str, b: str) -> str:
        return self.put(f"select {self.truth_type} {truth}, {self.type} {a}, {self.type} {b}")

    def truth(self, x: str) -> str:
        return x if x.startswith("%b") else self.compare("une", x, self.c(0.0))

    def number(self, x: str) -> str:
        return self.select(x, self.c(1.0), self.c(0.0)) if x.startswith("%b") else x

    def any(self, truth: str) -> str:
        """Whether it is true in any lane, an i1."""
        if self.lanes == 1:
            return truth
        name = f"@llvm.vector.reduce.or.v{self.lanes}i1"
        self.module.declare(f"declare i1 {name}({self.truth_type})")
        return self.put(f"call i1 {name}({self.truth_type} {truth})", "b")

    def unless(self, rare: str, usual: str, otherwise: Callable[[], str]) -> str:
        """`usual`; but where `rare` is true in any lane, what `otherwise` writes, in all of them.

        To be the same whatever the other lanes hold, what it writes must give `usual` where `rare` is false.
        """
        start, far, end = self.block, self.label("far"), self.label("end")
        self.do(f"br i1 {self.any(rare)}, label %{far}, label %{end}")
        self.at(far)
        replaced = otherwise()
        far = self.block
        self.do(f"br label %{end}")
        self.at(end)
        return self.put(f"phi {self.type} [ {usual}, %{start} ], [ {replaced}, %{far} ]")

    # Bits

    def bits(self, x: str) -> str:
        return self.put(f"bitcast {self.type} {x} to {self.long}", "i")

    def from_bits(self, x: str) -> str:
        return self.put(f"bitcast {self.long} {x} to {self.type}")

    def integer(self, op: str, a: str, b: str) -> str:
        return self.put(f"{op} {self.long} {a}, {b}", "i")
