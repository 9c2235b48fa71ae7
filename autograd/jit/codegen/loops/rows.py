"""Where stacks lie in memory, and what the loops of a program need from the one who calls it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..context import ROWS, SHARED_ROWS, read_field
from ..ir import IR, Writer, literal


class Place(NamedTuple):
    """Where a stack or a number lies.

    Attributes:
        memory: the name of the memory that every function of a section gets; or "grown" or "shared_grown", for memory
            that grows while a loop runs, of the batched or the shared section.
        number: where in that memory, in doubles.
        stride: from one number of a stack to the next, in doubles.
        shared: whether it is one number for all lanes.
        block: which of the growing memories.
    """

    memory: str
    number: int
    shared: bool
    stride: int = 1
    block: int = 0


class Rows(NamedTuple):
    """A stack that code has found: its first number, the distance to the next one, and whether all lanes share it."""

    first: str
    stride: int
    shared: bool

    def at(self, w: Writer, index: str) -> str:
        """Where the number with that index is."""
        return w.pointer(self.first, w.index("mul", index, self.stride) if self.stride != 1 else index)

    def read(self, w: Writer, index: str) -> str:
        place = self.at(w, index)
        return w.broadcast(place) if self.shared else w.load(place)


class Growing(NamedTuple):
    """Memory for the rows of one loop, which grows while the loop runs: how many doubles a step takes, and its line."""

    doubles: int
    line: str


@dataclasses.dataclass
class Loops:
    """What the loops of a program need, and where their stacks lie.

    Attributes:
        any: whether there are any loops.
        shared, batched: the growing memory of the loops of each section.
        limits: for each loop with a limit, that limit and the line of the loop.
        places: for each node of the program's graph that is a stack, or a loop with rows, where they lie.
        tables: the constant stacks, each with the number of its table.
    """

    any: bool
    shared: list[Growing] = dataclasses.field(default_factory=list)
    batched: list[Growing] = dataclasses.field(default_factory=list)
    limits: list[tuple[int, str]] = dataclasses.field(default_factory=list)
    places: dict[int, Place] = dataclasses.field(default_factory=dict)
    tables: dict[str, Place] = dataclasses.field(default_factory=dict)

    def keep(self, ir: IR, numbers: Sequence[float]) -> Place:
        """A constant stack; of equal numbers one is enough, which lies at no distance from the next."""
        if len(numbers) > 1 and all(x.hex() == numbers[0].hex() for x in numbers):
            return self.keep(ir, numbers[:1])._replace(stride=0)
        text = ", ".join(f"double {literal(x)}" for x in numbers)
        place = self.tables.get(text)
        if place is None:
            place = self.tables[text] = Place(f"@stack{len(self.tables)}", 0, True)
            ir.declare(f"{place.memory} = internal constant [{len(numbers)} x double] [{text}]")
        return place


class Site:
    """A function that loops are written into.

    Args:
        w: its writer.
        loops: receives what the loops need.
        batched: whether it is of the batched section.
        allocate: gives the place of so many numbers.

    Attributes:
        stop: the name of the block that ends the function when a loop has been stopped.
    """

    stop = "stop"

    def __init__(self, w: Writer, loops: Loops, batched: bool, allocate: Callable[[int], Place]) -> None:
        self.w, self.loops, self.allocate = w, loops, allocate
        self.growing, self.memory = (loops.batched, "grown") if batched else (loops.shared, "shared_grown")
        self.growing_kind = ROWS if batched else SHARED_ROWS

    def grow(self, doubles: int, line: str) -> Place:
        """Memory that grows while a loop runs, with so many doubles for each step."""
        self.growing.append(Growing(doubles, line))
        return Place(self.memory, 0, self.memory != "grown", doubles, len(self.growing) - 1)

    def room(self, place: Place) -> str:
        """Write what reads for how many steps there is room in memory that grows."""
        w = self.w
        return w.put(f"load i64, ptr {w.pointer(read_field(w, place.memory), 2 * place.block + 1, 'i64')}", "i")

    def rows(self, place: Place) -> Rows:
        """Write what finds a stack."""
        w = self.w
        if place.memory in ("grown", "shared_grown"):
            first = w.put(f"load ptr, ptr {w.pointer(read_field(w, place.memory), 2 * place.block, 'i64')}", "p")
        else:
            first = place.memory if place.memory.startswith("@") else f"%{place.memory}"
        return Rows(w.pointer(first, place.number) if place.number else first, place.stride, place.shared)
