"""LLVM IR as text: IR collects functions, and Writer writes the body of one, for single doubles or for vectors."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable, Sequence
from typing import Any


class IR:
    """The text of one LLVM module: declarations and functions, each once.

    Args:
        fma: whether the machine multiplies and adds in one instruction.
        lanes: how many doubles a vector of the machine holds.

    Attributes:
        known: the names of the helper functions that were already asked for; see Writer.call.
    """

    def __init__(self, fma: bool, lanes: int = 1) -> None:
        self.fma, self.lanes = fma, lanes
        self.known: set[str] = set()
        self._declarations: dict[str, None] = {}
        self._functions: list[str] = []

    def declare(self, declaration: str) -> None:
        self._declarations[declaration] = None

    def add(self, head: str, lines: Sequence[str], result: str = "void") -> None:
        """Add a function that has this head and body and returns this result."""
        self._functions.append("\n".join([head + " {", "entry:", *lines, f"  ret {result}", "}"]))

    def __str__(self) -> str:
        return "\n".join([*self._declarations, *self._functions, ""])


def literal(x: float) -> str:
    """A double as LLVM writes it, exact to the last bit."""
    return f"0x{struct.unpack('<Q', struct.pack('<d', x))[0]:016X}"


class Writer:
    """The body of a function, line by line. Each method appends an instruction and returns the name of its result.

    Names that begin with %b are truth values: i1, or vectors of i1.

    Args:
        ir: receives the declarations and the helper functions that the body needs.
        lanes: how many doubles each operand holds; 1 for plain doubles.

    Attributes:
        inline: whether helper functions are written here and not called.
    """

    def __init__(self, ir: IR, lanes: int) -> None:
        self.ir = ir
        self.lanes = lanes
        self.lines: list[str] = []
        self.inline = False
        self.block = "entry"  # the basic block that lines are now added to
        self._numbers = itertools.count(1)
        self.type, self.long, self.truth_type = self.kind("double"), self.kind("i64"), self.kind("i1")
        self.suffix = "f64" if lanes == 1 else f"v{lanes}f64"

    def kind(self, scalar: str) -> str:
        """The type of an operand whose lanes are scalars of this type."""
        return scalar if self.lanes == 1 else f"<{self.lanes} x {scalar}>"

    def wider(self, lanes: int) -> Writer:
        """A writer of the same body for operands of so many lanes. It must end in the block in which it begins."""
        other = Writer(self.ir, lanes)
        other.lines, other._numbers, other.block = self.lines, self._numbers, self.block
        return other

    def put(self, text: str, prefix: str = "v") -> str:
        """Append an instruction that has a result."""
        name = f"%{prefix}{next(self._numbers)}"
        self.lines.append(f"  {name} = {text}")
        return name

    def do(self, text: str) -> None:
        """Append an instruction without a result."""
        self.lines.append(f"  {text}")

    def new_label(self, name: str) -> str:
        """A new name for a basic block."""
        return f"{name}{next(self._numbers)}"

    def start_block(self, label: str) -> None:
        """Begin the basic block of that name; the next lines go there."""
        self.lines.append(f"{label}:")
        self.block = label

    def loop(
        self, count: str, body: Callable[..., Sequence[str] | None], *carried: str, step: int = 1
    ) -> Sequence[str]:
        """Write a loop whose number runs from 0 up to `count`, an i64.

        Args:
            count: where to stop.
            body: a function of the number and the carried values. It writes one turn and returns the
                new names of the carried values, or None if there are none.
            carried: the values before the first turn, all of the writer's type.
            step: what is added to the number after each turn.

        Returns:
            The carried values after the last turn.
        """
        before, head, turn, end = self.block, self.new_label("head"), self.new_label("turn"), self.new_label("end")
        self.do(f"br label %{head}")
        self.start_block(head)
        place = len(self.lines)
        number, names = f"%{head}.i", [f"%{head}.v{k}" for k in range(len(carried))]
        more = self.put(f"icmp slt i64 {number}, {count}", "b")
        self.do(f"br i1 {more}, label %{turn}, label %{end}")
        self.start_block(turn)
        after = body(number, *names) or ()
        following = self.put(f"add i64 {number}, {step}", "i")
        self.do(f"br label %{head}")
        heads = [f"  {number} = phi i64 [ 0, %{before} ], [ {following}, %{self.block} ]"]
        for name, first, later in zip(names, carried, after):
            heads.append(f"  {name} = phi {self.type} [ {first}, %{before} ], [ {later}, %{self.block} ]")
        self.lines[place:place] = heads
        self.start_block(end)
        return names

    def repeat(self, count: int, body: Callable[[str], None]) -> None:
        """Write a loop of so many turns; a single turn as it is."""
        if count == 1:
            body("0")
        else:
            self.loop(str(count), body)

    # Memory

    def index(self, op: str, a: str, b: str | int) -> str:
        """Arithmetic on a single i64, such as an index."""
        return self.put(f"{op} i64 {a}, {b}", "i")

    def pointer(self, base: str, offset: str | int, type: str = "double") -> str:
        return self.put(f"getelementptr {type}, ptr {base}, i64 {offset}", "p")

    def load(self, place: str) -> str:
        return self.put(f"load {self.type}, ptr {place}, align 8")

    def store(self, x: str, place: str) -> None:
        self.do(f"store {self.type} {self.number(x)}, ptr {place}, align 8")

    def broadcast(self, place: str) -> str:
        """The one double at that place, in every lane."""
        return self.spread(self.put(f"load double, ptr {place}, align 8"))

    def spread(self, scalar: str) -> str:
        """One double in every lane."""
        if self.lanes == 1:
            return scalar
        one = self.put(f"insertelement {self.type} poison, double {scalar}, i32 0")
        return self.put(f"shufflevector {self.type} {one}, {self.type} poison, <{self.lanes} x i32> zeroinitializer")

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
        if not self.ir.fma:
            return self.add(self.mul(a, b), c)
        return self.intrinsic("fma", a, b, c)

    def exact_fma(self, a: str, b: str, c: str) -> str:
        """a · b + c, rounded once: by a function of the C library where the machine has no instruction for it."""
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
        self.ir.declare(f"declare {self.type} {full}({', '.join([self.type] * len(args))})")
        return self.put(f"call {self.type} {full}({', '.join(f'{self.type} {x}' for x in args)})")

    def call(self, name: str, body: Callable[..., str], *args: str) -> str:
        """A call of a helper function, which `body` writes at its first call, or the body itself; see `inline`."""
        if self.inline:
            self.inline = False  # not for the helper functions of its rare cases
            result = body(self, *args)
            self.inline = True
            return result
        full = f"{name}.{self.suffix}"
        if full not in self.ir.known:
            self.ir.known.add(full)
            inside = Writer(self.ir, self.lanes)
            result = body(inside, *[f"%x{k}" for k in range(len(args))])
            parameters = ", ".join(f"{self.type} %x{k}" for k in range(len(args)))
            head = f"define internal fastcc {self.type} @{full}({parameters}) nounwind noinline"
            self.ir.add(head, inside.lines, f"{self.type} {result}")
        return self.put(f"call fastcc {self.type} @{full}({', '.join(f'{self.type} {x}' for x in args)})")

    def libm(self, name: str, *args: str) -> str:
        """A call of a function of the C library, one lane at a time."""
        self.ir.declare(f"declare double @{name}({', '.join(['double'] * len(args))})")
        if self.lanes == 1:
            return self.put(f"call double @{name}({', '.join(f'double {x}' for x in args)})")
        result = "poison"
        for lane in range(self.lanes):
            single = [self.put(f"extractelement {self.type} {x}, i32 {lane}") for x in args]
            one = self.put(f"call double @{name}({', '.join(f'double {x}' for x in single)})")
            result = self.put(f"insertelement {self.type} {result}, double {one}, i32 {lane}")
        return result

    # Truth values and choice

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
        """Whether it is true in some lane, as an i1."""
        if self.lanes == 1:
            return truth
        name = f"@llvm.vector.reduce.or.v{self.lanes}i1"
        self.ir.declare(f"declare i1 {name}({self.truth_type})")
        return self.put(f"call i1 {name}({self.truth_type} {truth})", "b")

    def unless(self, rare: str, usual: str, otherwise: Callable[[], str]) -> str:
        """`usual`, unless `rare` is true in some lane: then what `otherwise` writes, in all lanes.

        What `otherwise` writes must give `usual` in the lanes where `rare` is false, because a lane's
        result must not depend on the other lanes.
        """
        start, far, end = self.block, self.new_label("far"), self.new_label("end")
        self.do(f"br i1 {self.any(rare)}, label %{far}, label %{end}")
        self.start_block(far)
        replaced = otherwise()
        far = self.block
        self.do(f"br label %{end}")
        self.start_block(end)
        return self.put(f"phi {self.type} [ {usual}, %{start} ], [ {replaced}, %{far} ]")

    # Bits

    def bits(self, x: str) -> str:
        return self.put(f"bitcast {self.type} {x} to {self.long}", "i")

    def from_bits(self, x: str) -> str:
        return self.put(f"bitcast {self.long} {x} to {self.type}")

    def integer(self, op: str, a: str, b: str) -> str:
        return self.put(f"{op} {self.long} {a}, {b}", "i")
