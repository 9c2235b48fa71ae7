"""The two forms of a loop, around the graph of one step."""

from __future__ import annotations

from collections.abc import Sequence

from ....primitive import Primitive
from ... import tuning
from ...graph.loops import At, Item, Loop, Stack
from ..instructions import emit
from ..ir import literal
from .ahead import plan_ahead
from .base import LoopBase, is_branch
from .frame import Frame, Scope
from .rows import Place, Site
from .slow import WatchedLoop

_USUALLY = '!0 = !{!"branch_weights", i32 1000000, i32 1}'  # of a branch that nearly always goes to its first label


def write_node(site: Site, scope: Scope, k: int) -> None:
    """Write a node: an operation, a loop, or what is read from one."""
    w, what, args = site.w, scope.graph.what[k], scope.graph.operands[k]
    if isinstance(what, Primitive):
        scope.names[k] = emit(w, what, [scope.fetch(x) for x in args])
    elif isinstance(what, Loop):
        scope.results[k] = _write_loop(site, scope, k)
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
    part = scope.find_part(k)
    if part is not None:
        scope.places[k] = part
        return
    place = scope.places[k] = scope.room_for(k)
    rows = site.rows(place)
    for n, x in enumerate(scope.graph.operands[k]):
        if not scope.lies_at(x, place.number + n * place.stride):
            site.w.store(scope.fetch(x), rows.at(site.w, str(n)))


def _write_loop(site: Site, scope: Scope, k: int) -> Sequence[str]:
    """Write a loop; return the names of its last carries and of the count of steps taken."""
    form = _Branch if is_branch(scope, k) else _StepByStep
    return form(site, scope, k, write_node).write()


class _Branch(LoopBase):
    """A loop of at most one step."""

    most = 1

    def write(self) -> Sequence[str]:
        """Write it; return the names of the last carries and of the count of steps taken."""
        w, scope = self.w, self.scope
        firsts = [w.number(scope.fetch(x)) for x in self.first]
        body = self.begin_frame(self.loop.body, firsts, self.stacks)
        turn, end = w.new_label("turn"), w.new_label("end")
        on, taken = scope.mask, ""
        if w.lanes > 1 and isinstance(self.known, Place) and self.known.shared:
            one = w.put(f"load double, ptr {self.site.rows(self.known).first}, align 8")
            go, taken = w.put(f"fcmp une double {one}, {literal(0.0)}", "b"), w.spread(one)
        else:
            go = w.truth(scope.fetch(self.count))
            if w.lanes > 1:
                on = go if on is None else w.both(go, on)
                taken, go = w.number(on), w.any(on)
            else:
                taken = w.number(go)
        before = w.block
        w.do(f"br i1 {go}, label %{turn}, label %{end}")
        w.start_block(turn)
        body.mask = on
        after = self.write_step(body, on if on != scope.mask else None, firsts)
        last = w.block
        w.do(f"br label %{end}")
        w.start_block(end)
        results = [w.put(f"phi {w.type} [ {old}, %{before} ], [ {new}, %{last} ]") for old, new in zip(firsts, after)]
        return [*results, taken]


class _StepByStep(WatchedLoop):
    """A loop of any number of steps."""

    def write(self) -> Sequence[str]:
        w, loop, scope = self.w, self.loop, self.scope
        firsts = [w.number(scope.fetch(x)) for x in self.first]
        self.count_steps()
        head, slow, check, turn, end = (w.new_label(name) for name in ("step", "slow", "check", "turn", "end"))
        self.step, self.bound, self.base = f"%{head}.i", f"%{head}.bound", f"%{head}.base"
        self.index = self.step
        names = [f"%{head}.v{n}" for n in range(loop.carries)]
        active, taken = f"%b{head}", f"%{head}.taken"
        body = self.begin_frame(loop.body, names, self.stacks)
        condition = self.begin_frame(loop.condition, names, ()) if loop.condition is not None else None
        masked = w.lanes > 1 and (condition is not None or self.counts is not None)
        counted = masked and condition is not None and self.takes_count
        plain = self._is_plain()
        ahead = plan_ahead(body, loop.carries) if condition is None else None
        before = w.block
        w.do(f"br label %{head}")
        w.start_block(head)
        phis = len(w.lines)
        w.ir.declare(_USUALLY)
        more = w.put(f"icmp slt i64 {self.step}, {self.steps if plain else self.bound}", "b")
        w.do(f"br i1 {more}, label %{check}, label %{end if plain else slow}{'' if plain else ', !prof !0'}")
        again = None
        if not plain:
            w.start_block(slow)
            again = self.write_slow(end, head)
        w.start_block(check)
        if loop.backward:
            self.index = w.index("sub", w.index("sub", self.steps, 1), self.step)
        on = self._write_check(condition, active, masked, turn, end)
        w.start_block(turn)
        body.mask = on
        if ahead is not None:
            ahead.write(self.step, self.steps, loop.backward, self.stacks)
        after = self.write_step(body, on if masked else None, names)
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
            self.burn(w.index("sub", self.bound, self.step), "add")
        return [*names, self._steps_taken(taken if counted else None, condition is not None)]

    def _write_check(self, condition: Frame | None, active: str, masked: bool, turn: str, end: str) -> str | None:
        """Go on to the step or to the end; return in which lanes there is another step."""
        w, on = self.w, self.scope.mask
        if masked:
            on = active if condition is not None else None
            if self.counts is not None:
                within = w.compare("olt", self.number_of_step(), self.counts)
                on = within if on is None else w.both(on, within)
        if condition is None:
            w.do(f"br label %{turn}")
            return on
        condition.mask = on
        condition.write()
        answer = w.truth(condition.fetch(condition.graph.outputs[0]))
        if masked:
            assert on is not None
            on = w.both(on, answer)
        w.do(f"br i1 {w.any(on if masked and on else answer)}, label %{turn}, label %{end}")
        return on

    def _is_plain(self) -> bool:
        """Whether the loop is so short that no one need be asked for anything while it runs."""
        if not isinstance(self.known, float) or self.loop.limit is not None or self.growing:
            return False
        return int(self.steps) * self.work <= tuning.UNWATCHED

    def _all_lanes(self) -> str:
        return self.scope.mask or "splat (i1 true)"

    def _steps_taken(self, taken: str | None, conditional: bool) -> str:
        w = self.w
        if taken is not None:
            return taken
        if self.counts is not None and not conditional:
            return w.intrinsic("ceil", self.counts)
        return w.spread(w.put(f"sitofp i64 {self.step} to double"))

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
