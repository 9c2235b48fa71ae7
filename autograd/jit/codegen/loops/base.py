"""What all forms of a loop have in common: operands, the greatest number of steps, rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from ... import tuning
from ...graph.graph import Graph
from ...graph.loops import Item, Loop
from ...trace.comparisons import COMPARISONS
from ..ir import literal
from .cost import count_step
from .frame import Frame, Scope, WriteNode, find_origin
from .rows import Place, Rows, Site

MOST = 2**62  # steps, where there is no bound


def is_branch(scope: Scope, k: int) -> bool:
    """Whether the count of a loop is a truth value, so that it has at most one step."""
    loop = scope.graph.what[k]
    assert isinstance(loop, Loop)
    scope, count = find_origin(scope, scope.graph.operands[k][0])
    return scope.graph.what[count] in COMPARISONS and loop.condition is None and loop.limit is None


class LoopBase:
    """A loop that is being written.

    Args:
        site: the function that it is written into.
        scope: the graph that it stands in.
        k: its node.
        write_node: writes a node of the graph of a step.

    Attributes:
        most: a bound of the number of steps that its form has.
        index: of the numbers of stacks and rows that belong to this step.
        steps: the greatest number of steps.
        counts: the count of each lane, if they differ.
        base: where rows lie in memory that grows.
    """

    most: int | None = None
    base: str

    def __init__(self, site: Site, scope: Scope, k: int, write_node: WriteNode) -> None:
        loop = scope.graph.what[k]
        assert isinstance(loop, Loop)
        self.site, self.scope, self.loop, self.w = site, scope, loop, site.w
        operands = scope.graph.operands[k]
        self.count, self.first = operands[0], operands[1 : 1 + loop.carries]
        stacks = operands[1 + loop.carries : 1 + loop.carries + loop.stacks]
        self.constants = operands[1 + loop.carries + loop.stacks :]
        self.stacks = [site.rows(scope.places[x]) for x in stacks]
        self.work = count_step(loop) * max(1, self.w.lanes // 8)
        self.known = scope.place_of(self.count)  # the count, if it is a constant, or where it lies
        self.write_node = write_node
        self.place, self.growing = self.place_rows()
        if self.place is not None:
            scope.places[k] = self.place
        self.index = "0"  # of the numbers that belong to this step
        self.takes_count = any(
            type(what) is Item and what.number == loop.carries and args == (k,)
            for what, args in zip(scope.graph.what, scope.graph.operands)
        )

    def place_rows(self) -> tuple[Place | None, bool]:
        """Find room for the rows: a place of their own if they are few, otherwise memory that grows."""
        rows, w = self.loop.rows, self.w
        if not rows:
            return None, False
        few = isinstance(self.known, float) and self.known * rows <= tuning.FEW_ROWS
        if self.most is not None or few:
            steps = max(0, math.ceil(self.known)) if isinstance(self.known, float) else self.most or 0
            return self.site.allocate(steps * rows)._replace(stride=rows * w.lanes), False
        return self.site.grow(rows * w.lanes, self.loop.line), True

    def begin_frame(self, graph: Graph, carries: Sequence[str], stacks: Sequence[Rows]) -> Frame:
        """A frame for a graph of one step. The numbers that do not change are fetched here, before the loop."""
        carried: list[Callable[[], str]] = [lambda name=name: name for name in carries]  # type: ignore[misc]
        stacked: list[Callable[[], str]] = [lambda rows=rows: rows.read(self.w, self.index) for rows in stacks]  # type: ignore[misc]
        frame = Frame(
            self.site, graph, self.scope, [self.number_of_step, *carried, *stacked], self.constants, self.write_node
        )
        frame.fetch_constants()
        return frame

    def number_of_step(self) -> str:
        return self.w.spread(self.w.put(f"sitofp i64 {self.index} to double"))

    def count_steps(self) -> None:
        """Find the greatest number of steps, `steps`, and in `counts` the count of each lane, if they differ."""
        w, scope = self.w, self.scope
        self.counts: str | None = None
        if isinstance(self.known, float):
            self.steps = str(0 if not self.known > 0 else MOST if self.known > MOST else math.ceil(self.known))
        elif w.lanes == 1:
            self.steps = self._round_up(w.number(scope.fetch(self.count)))
        elif self.known is not None and self.known.shared:
            self.steps = self._round_up(w.put(f"load double, ptr {self.site.rows(self.known).first}, align 8"))
        else:
            counts = w.number(scope.fetch(self.count))
            if scope.mask is not None:
                counts = w.select(scope.mask, counts, w.c(0.0))
            self.counts = w.select(w.compare("ogt", counts, w.c(0.0)), counts, w.c(0.0))  # 0 in place of nan
            name = f"@llvm.vector.reduce.fmax.v{w.lanes}f64"
            w.ir.declare(f"declare double {name}({w.type})")
            self.steps = self._round_up(w.put(f"call double {name}({w.type} {self.counts})"))

    def _round_up(self, count: str) -> str:
        """The number of steps, an i64, for a count, which may be nan or infinite."""
        w = self.w
        w.ir.declare("declare double @llvm.ceil.f64(double)")
        w.ir.declare("declare double @llvm.minnum.f64(double, double)")
        whole = w.put(f"call double @llvm.ceil.f64(double {count})")
        bounded = w.put(f"call double @llvm.minnum.f64(double {whole}, double {literal(float(MOST))})")
        some = w.put(f"fcmp ogt double {count}, {literal(0.0)}", "b")
        return w.put(f"select i1 {some}, i64 {w.put(f'fptosi double {bounded} to i64', 'i')}, i64 0", "i")

    def store_rows(self, index: str, numbers: Sequence[str]) -> None:
        w, place = self.w, self.place
        if place is not None:
            first = self.base if self.growing else self.site.rows(place).first
            at = Rows(first, place.stride, False).at(w, index)
            for n, x in enumerate(numbers):
                w.store(x, w.pointer(at, n * w.lanes))

    def write_step(self, body: Frame, on: str | None, carries: Sequence[str]) -> Sequence[str]:
        """Write a step and its rows; return the next carries, which are the old ones in the lanes that are not on."""
        w = self.w
        body.write()
        outputs = [w.number(body.fetch(x)) for x in self.loop.body.outputs]
        self.store_rows(self.index, outputs[self.loop.carries :])
        after = outputs[: self.loop.carries]
        return after if on is None else [w.select(on, new, old) for new, old in zip(after, carries)]
