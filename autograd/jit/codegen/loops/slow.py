"""What a loop does every so many steps: end, or ask for what it needs."""

from __future__ import annotations

from ... import tuning
from ..context import LIMIT, MOMENT, find_field, read_field
from .base import LoopBase


class WatchedLoop(LoopBase):
    """A loop that ends a block of steps where it must end, needs more memory, or has run for long."""

    step: str
    bound: str

    def write_slow(self, end: str, head: str) -> tuple[str, str, str]:
        """Before the first step and when `bound` is reached: end, refuse, make room for rows, let Python have a moment.

        Returns:
            The block that this ends in, the step at which it is done again, and where the rows are.
        """
        w, site, loop = self.w, self.site, self.loop
        allowed = str(max(1, tuning.FUEL // self.work))
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
        self.burn(allowed)
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

    def burn(self, steps: str, op: str = "sub") -> None:
        """Take what so many steps cost from the fuel, or give it back."""
        w = self.w
        place = find_field(w, "fuel")
        fuel = read_field(w, "fuel")
        w.do(f"store i64 {w.index(op, fuel, w.index('mul', steps, self.work))}, ptr {place}")
