"""What a step computes without its carries: for several steps at once, in the lanes of a vector.

A loop over single numbers is as slow as the chain from one carry to the next. All else in a step, such as the numbers
that a derivative computes anew from the carries that were kept, need not wait for that.
"""

from __future__ import annotations

from ....primitive import Primitive
from ... import tuning
from ...graph.graph import Input
from ..instructions import emit
from ..ir import Writer
from .cost import count_node
from .frame import Frame
from .rows import Rows


class Ahead:
    """The nodes of a step that need no carry.

    Args:
        body: the graph of one step.
        carries: how many carries it has.
        lanes: for how many steps they are computed at once, a power of two.

    Attributes:
        pays: whether they are worth it.
    """

    def __init__(self, body: Frame, carries: int, lanes: int) -> None:
        self.body, self.carries, self.lanes = body, carries, lanes
        graph = body.graph
        free: list[bool] = []
        for what, args in zip(graph.what, graph.operands):
            if isinstance(what, Input):
                free.append(not 1 <= what.number <= carries)
            else:
                free.append(type(what) is float or (isinstance(what, Primitive) and all(free[x] for x in args)))
        self.nodes = [
            k for k in range(len(graph)) if free[k] and body.wanted[k] and isinstance(graph.what[k], Primitive)
        ]
        read = dict.fromkeys(graph.outputs)
        for k, args in enumerate(graph.operands):
            if body.wanted[k] and not free[k]:
                read.update(dict.fromkeys(args))
        self.passed = [k for k in self.nodes if k in read]  # what the rest of the step reads
        saved = sum(count_node(graph, k) for k in self.nodes) - tuning.PASSED * len(self.passed)
        self.pays = lanes > 1 and saved >= tuning.AHEAD

    def write(self, step: str, steps: str, backward: bool, stacks: list[Rows]) -> None:
        """Write them at the beginning of a step; set the names of what the rest of it reads."""
        body, lanes = self.body, self.lanes
        w = body.site.w
        place = body.site.rows(body.site.allocate(lanes * len(self.passed))).first
        lane = w.index("and", step, lanes - 1)
        ahead, on = w.new_label("ahead"), w.new_label("on")
        first = w.put(f"icmp eq i64 {lane}, 0", "b")
        w.do(f"br i1 {first}, label %{ahead}, label %{on}")
        w.start_block(ahead)
        v = w.wider(lanes)
        index = self._write_indices(w, step, steps, backward)
        names: dict[int, str] = {}

        def fetch(k: int) -> str:
            what = body.graph.what[k]
            if k not in names:
                if type(what) is float:
                    return v.c(what)
                if isinstance(what, Input) and what.number < len(body.given):
                    names[k] = self._gather(v, index, stacks[what.number - 1 - self.carries] if what.number else None)
                else:
                    names[k] = v.spread(w.number(body.fetch(k)))
            return names[k]

        for k in self.nodes:
            what = body.graph.what[k]
            assert isinstance(what, Primitive)
            names[k] = emit(v, what, [fetch(x) for x in body.graph.operands[k]])
            body.wanted[k] = False
        for n, k in enumerate(self.passed):
            v.store(names[k], w.pointer(place, n * lanes))
        w.block = v.block
        w.do(f"br label %{on}")
        w.start_block(on)
        here = w.pointer(place, lane)
        for n, k in enumerate(self.passed):
            body.names[k] = w.load(w.pointer(here, n * lanes))

    def _write_indices(self, w: Writer, step: str, steps: str, backward: bool) -> list[str]:
        """The index of each of the steps. Those after the last have its index, so that only what is there is read."""
        last = w.index("sub", steps, 1)
        found = []
        for lane in range(self.lanes):
            index = w.index("add", step, lane)
            within = w.put(f"icmp slt i64 {index}, {last}", "b")
            index = w.put(f"select i1 {within}, i64 {index}, i64 {last}", "i")
            found.append(w.index("sub", last, index) if backward else index)
        return found

    def _gather(self, v: Writer, index: list[str], rows: Rows | None) -> str:
        """The numbers of a stack for these steps; without a stack the numbers of the steps."""
        result = "poison"
        for lane, k in enumerate(index):
            if rows is None:
                one = v.put(f"sitofp i64 {k} to double")
            else:
                one = v.put(f"load double, ptr {rows.at(v, k)}, align 8")
            result = v.put(f"insertelement {v.type} {result}, double {one}, i32 {lane}")
        return result


def plan_ahead(body: Frame, carries: int) -> Ahead | None:
    """What to compute for several steps at once, if it pays."""
    w = body.site.w
    found = Ahead(body, carries, w.ir.lanes) if w.lanes == 1 else None
    return found if found is not None and found.pays else None
