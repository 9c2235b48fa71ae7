"""The loop around the graph of one step."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from ....primitive import Primitive
from ... import tuning
from ...graph.graph import Graph
from ...graph.loops import At, Item, Loop, Stack
from ..context import LIMIT, MOMENT, find_field, read_field
from ..instructions import emit
from ..ir import literal
from .cost import count_step
from .frame import Frame, Scope
from .rows import Place, Rows, Site

MOST = 2**62  # steps, where there is no bound


def write_node(site: Site, scope: Scope, k: int) -> None:
    """Write a node: an operation, a loop, or what is read from one."""
    w, what, args = site.w, scope.graph.what[k], scope.graph.operands[k]
    if isinstance(what, Primitive):
        scope.names[k] = emit(w, what, [scope.fetch(x) for x in args])
    elif isinstance(what, Loop):
        scope.results[k] = _LoopWriter(site, scope, k).write()
    elif isinstance(what, Item):
        results = scope.results[args[0]]
        if what.number < len(results):
            scope.names[k] = results[what.number]
        else:
            place = scope.places[args[0]]
            scope.places[k] = place._replace(number=place.number + (what.number - len(results)) * w.lanes)
    elif isinstance(what, At):
        scope.names[k] = site.rows(scope.places[args[0]]).read(w, str(what.place))
    elif isinstance(what, Stack):
        _write_stack(site, scope, k)


def _write_stack(site: Site, scope: Scope, k: int) -> None:
    """Write the numbers of a stack that does not lie in memory yet."""
    if k in scope.places:
        return
    place = scope.places[k] = scope.room_for(k)
    rows = site.rows(place)
    for n, x in enumerate(scope.graph.operands[k]):
        if not scope.lies_at(x, place.number + n * place.stride):
            site.w.store(scope.fetch(x), rows.at(site.w, str(n)))


class _LoopWriter:
    """Writes a loop, and returns the names of its last carries and of the count of steps taken."""

    def __init__(self, site: Site, scope: Scope, k: int) -> None:
        loop = scope.graph.what[k]
        assert isinstance(loop, Loop)
        self.site, self.scope, self.loop, self.w = site, scope, loop, site.w
        operands = scope.graph.operands[k]
        self.count, self.first = operands[0], operands[1 : 1 + loop.carries]
        stacks = operands[1 + loop.carries : 1 + loop.carries + loop.stacks]
        self.constants = operands[1 + loop.carries + loop.stacks :]
        self.stacks = [site.rows(scope.places[x]) for x in stacks]
        self.known = scope.place_of(self.count)  # the count, if it is a constant
        self.place, self.growing = self._place_rows()
        if self.place is not None:
            scope.places[k] = self.place
        self.takes_count = any(
            what == Item(loop.carries) and k in args for what, args in zip(scope.graph.what, scope.graph.operands)
        )

    def _place_rows(self) -> tuple[Place | None, bool]:
        """Find room for the rows: a place of their own if they are few, otherwise memory that grows."""
        rows, w = self.loop.rows, self.w
        if not rows:
            return None, False
        if isinstance(self.known, float) and self.known * rows <= tuning.FEW_ROWS:
            place = self.site.allocate(max(0, math.ceil(self.known)) * rows)
            return place._replace(stride=rows * w.lanes), False
        return self.site.grow(rows * w.lanes, self.loop.line), True

    def write(self) -> Sequence[str]:
        w, loop, scope = self.w, self.loop, self.scope
        firsts = [w.number(scope.fetch(x)) for x in self.first]
        self._count_steps()
        head, slow, check, turn, end = (w.new_label(name) for name in ("step", "slow", "check", "turn", "end"))
        self.step, self.bound, self.base = f"%{head}.i", f"%{head}.bound", f"%{head}.base"
        self.index = self.step  # of the numbers that belong to this step
        names = [f"%{head}.v{n}" for n in range(loop.carries)]
        active, taken = f"%b{head}", f"%{head}.taken"
        body = self._begin_frame(loop.body, names, self.stacks)
        condition = self._begin_frame(loop.condition, names, ()) if loop.condition is not None else None
        masked = w.lanes > 1 and (condition is not None or self.counts is not None)
        counted = masked and condition is not None and self.takes_count
        plain = self._is_plain()
        before = w.block
        w.do(f"br label %{head}")
        w.start_block(head)
        phis = len(w.lines)
        more = w.put(f"icmp slt i64 {self.step}, {self.steps if plain else self.bound}", "b")
        w.do(f"br i1 {more}, label %{check}, label %{end if plain else slow}")
        again = None
        if not plain:
            w.start_block(slow)
            again = self._write_slow(end, head)
        w.start_block(check)
        if loop.backward:
            self.index = w.index("sub", w.index("sub", self.steps, 1), self.step)
        on = self._write_check(condition, active, masked, turn, end)
        w.start_block(turn)
        body.mask = on
        body.write(write_node)
        outputs = [w.number(body.fetch(x)) for x in loop.body.outputs]
        self._store_rows(self.index, outputs[loop.carries :])
        after = outputs[: loop.carries]
        if masked:
            assert on is not None
            after = [w.select(on, new, old) for new, old in zip(after, names)]
        heads = [("i64", self.step, "0", w.index("add", self.step, 1), self.step)]
        if again is not None:
            heads.append(("i64", self.bound, "0", self.bound, again[1]))
            if self.growing:
                heads.append(("ptr", self.base, "null", self.base, again[2]))
        heads += [(w.type, name, old, new, name) for name, old, new in zip(names, firsts, after)]
        if masked and condition is not None:
            assert on is not None
            heads.append((w.truth_type, active, self._all_lanes(), on, active))
            if counted:
                heads.append((w.type, taken, w.c(0.0), w.add(taken, w.number(on)), taken))
        last = w.block
        w.do(f"br label %{head}")
        self._write_phis(phis, before, last, again, heads)
        w.start_block(end)
        if not plain and condition is not None:
            self._burn(w.index("sub", self.bound, self.step), "add")
        return [*names, self._steps_taken(taken if counted else None, condition is not None)]

    def _begin_frame(self, graph: Graph, carries: Sequence[str], stacks: Sequence[Rows]) -> Frame:
        """A frame for a graph of one step. The numbers that do not change are fetched here, before the loop."""
        carried: list[Callable[[], str]] = [lambda name=name: name for name in carries]  # type: ignore[misc]
        stacked: list[Callable[[], str]] = [lambda rows=rows: rows.read(self.w, self.index) for rows in stacks]  # type: ignore[misc]
        frame = Frame(self.site, graph, self.scope, [self._number_of_step, *carried, *stacked], self.constants)
        frame.fetch_constants()
        return frame

    def _number_of_step(self) -> str:
        return self.w.spread(self.w.put(f"sitofp i64 {self.index} to double"))

    def _write_check(self, condition: Frame | None, active: str, masked: bool, turn: str, end: str) -> str | None:
        """Go on to the step or to the end; return in which lanes there is another step."""
        w, on = self.w, self.scope.mask
        if masked:
            on = active if condition is not None else None
            if self.counts is not None:
                within = w.compare("olt", self._number_of_step(), self.counts)
                on = within if on is None else w.both(on, within)
        if condition is None:
            w.do(f"br label %{turn}")
            return on
        condition.mask = on
        condition.write(write_node)
        answer = w.truth(condition.fetch(condition.graph.outputs[0]))
        if masked:
            assert on is not None
            on = w.both(on, answer)
        w.do(f"br i1 {w.any(on if masked and on else answer)}, label %{turn}, label %{end}")
        return on

    def _count_steps(self) -> None:
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

    def _is_plain(self) -> bool:
        """Whether the loop is so short that no one need be asked for anything while it runs."""
        if not isinstance(self.known, float) or self.loop.limit is not None or self.growing:
            return False
        return int(self.steps) * count_step(self.loop) <= tuning.UNWATCHED

    def _all_lanes(self) -> str:
        return self.scope.mask or "splat (i1 true)"

    def _steps_taken(self, taken: str | None, conditional: bool) -> str:
        w = self.w
        if taken is not None:
            return taken
        if self.counts is not None and not conditional:
            return w.intrinsic("ceil", self.counts)
        return w.spread(w.put(f"sitofp i64 {self.step} to double"))

    def _store_rows(self, index: str, numbers: Sequence[str]) -> None:
        w, place = self.w, self.place
        if place is not None:
            first = self.base if self.growing else self.site.rows(place).first
            at = Rows(first, place.stride, False).at(w, index)
            for n, x in enumerate(numbers):
                w.store(x, w.pointer(at, n * w.lanes))

    def _write_phis(
        self, at: int, before: str, last: str, again: tuple[str, str, str] | None, phis: Sequence[tuple[str, ...]]
    ) -> None:
        """Write what the step begins with: (type, name, first value, value after a step, value after slow code)."""
        lines = []
        for kind, name, first, later, slow in phis:
            sources = [f"[ {first}, %{before} ]", f"[ {later}, %{last} ]"]
            if again is not None:
                sources.append(f"[ {slow}, %{again[0]} ]")
            lines.append(f"  {name} = phi {kind} {', '.join(sources)}")
        self.w.lines[at:at] = lines

    # What is done every so many steps

    def _write_slow(self, end: str, head: str) -> tuple[str, str, str]:
        """Before the first step and when `bound` is reached: end, refuse, make room for rows, let Python have a moment.

        Returns:
            The block that this ends in, the step at which it is done again, and where the rows are.
        """
        w, site, loop = self.w, self.site, self.loop
        allowed = str(max(1, tuning.FUEL // count_step(loop)))
        if loop.limit is not None:
            over = w.put(f"icmp sgt i64 {self.step}, {loop.limit}", "b")
            site.loops.limits.append((loop.limit, loop.line))
            self._ask(over, LIMIT, len(site.loops.limits) - 1, "0")
        if self.place is not None and self.growing:
            wanted = self.steps
            if loop.condition is not None:
                wanted = self._smaller(w.index("add", self.step, 1), wanted)
            room = site.room(self.place)
            short = w.put(f"icmp slt i64 {room}, {wanted}", "b")
            self._ask(short, site.growing_kind, self.place.block, wanted)
        on = w.new_label("on")
        ended = w.put(f"icmp sge i64 {self.step}, {self.steps}", "b")
        w.do(f"br i1 {ended}, label %{end}, label %{on}")
        w.start_block(on)
        fuel = read_field(w, "fuel")
        empty = w.put(f"icmp slt i64 {fuel}, 0", "b")
        self._ask(empty, MOMENT, 0, "0")
        allowed = self._smaller(allowed, w.index("sub", self.steps, self.step))
        if loop.limit is not None:
            allowed = self._smaller(allowed, w.index("sub", str(loop.limit + 1), self.step))
        base = "null"
        if self.place is not None and self.growing:
            allowed = self._smaller(allowed, w.index("sub", site.room(self.place), self.step))
            base = site.rows(self.place).first
        self._burn(allowed)
        bound = w.index("add", self.step, allowed)
        w.do(f"br label %{head}")
        return w.block, bound, base

    def _smaller(self, a: str, b: str) -> str:
        w = self.w
        return w.put(f"select i1 {w.put(f'icmp slt i64 {a}, {b}', 'b')}, i64 {a}, i64 {b}", "i")

    def _ask(self, whether: str, kind: int, which: int, amount: str) -> None:
        """Ask Python for something if `whether` is true; stop if it says so."""
        w = self.w
        ask, on = w.new_label("ask"), w.new_label("on")
        w.do(f"br i1 {whether}, label %{ask}, label %{on}")
        w.start_block(ask)
        stopped = w.put(f"call i1 @attend(ptr %context, i64 {kind}, i64 {which}, i64 {amount})", "b")
        w.do(f"br i1 {stopped}, label %{self.site.stop}, label %{on}")
        w.start_block(on)

    def _burn(self, steps: str, op: str = "sub") -> None:
        """Take what so many steps cost from the fuel, or give it back."""
        w = self.w
        place = find_field(w, "fuel")
        fuel = read_field(w, "fuel")
        w.do(f"store i64 {w.index(op, fuel, w.index('mul', steps, count_step(self.loop)))}, ptr {place}")
