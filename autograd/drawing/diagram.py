"""The diagram of a graph: which boxes and arrows a drawing has, without their looks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from .. import ops
from ..primitive import Primitive
from ..value import Value
from .modules import Modules
from .nodes import operand_keys, operands

Kind = Literal["value", "leaf", "parameter", "constant", "term", "module", "hidden"]

# Operations whose operands may be drawn in any order.
_SYMMETRIC = frozenset({ops.add, ops.mul, ops.sum, ops.dot, ops.prod, ops.maximum, ops.minimum, ops.hypot, ops.norm})


@dataclass(eq=False)
class Box:
    """One box: a node, a constant, a term of an expanded sum, a module, or "…" for operands that are not drawn.

    Attributes:
        data, grad: its numbers; None if it has none.
        operation: the primitive in the circle before the box.
        call: that primitive and its operands in order, if their order matters.
        group: the innermost module around the box.
        outputs: for a module, the nodes in it that others use; if there is only one, the box shows its numbers.
        size: the number of nodes in a module, or of operands that are not drawn.
        name: its number in the diagram.
    """

    kind: Kind
    data: float | None = None
    grad: float | None = None
    label: str = ""
    operation: Primitive | None = None
    call: str = ""
    group: int | None = None
    root: bool = False
    outputs: set[Value] = field(default_factory=set)
    size: int = 0
    name: str = ""

    @property
    def is_ordered(self) -> bool:
        """Whether it matters which operand is which."""
        return self.operation is not None and self.operation.arity > 1 and self.operation not in _SYMMETRIC


@dataclass
class Diagram:
    """Boxes, and arrows from box to box. An arrow ends at the operation of a box, if it has one."""

    boxes: list[Box] = field(default_factory=list)
    arrows: list[tuple[Box, Box]] = field(default_factory=list)
    merged: set[tuple[Box, Box]] = field(default_factory=set)

    def add(self, box: Box, inputs: Iterable[Box] = ()) -> Box:
        """Add a box and the arrows to it."""
        self.boxes.append(box)
        for other in inputs:
            self.connect(other, box)
        return box

    def connect(self, a: Box, b: Box) -> None:
        """Add an arrow; arrows between the same two boxes become one if either is a module."""
        if a.kind == "module" or b.kind == "module":
            if a is b or (a, b) in self.merged:
                return
            self.merged.add((a, b))
        self.arrows.append((a, b))

    def finish(self) -> None:
        """Leave out constants that only one module box uses, and number the boxes."""
        users: dict[Box, list[Box]] = {}
        for a, b in self.arrows:
            if a.kind == "constant":
                users.setdefault(a, []).append(b)
        inside = {a for a, bs in users.items() if len(bs) == 1 and bs[0].kind == "module"}
        self.boxes = [box for box in self.boxes if box not in inside]
        self.arrows = [(a, b) for a, b in self.arrows if a not in inside]
        for k, box in enumerate(self.boxes):
            box.name = str(k)


class Builder:
    """Builds the diagram of some nodes, given in an order in which each comes after its parents.

    Args:
        roots: the nodes to draw the graph of.
        order: the nodes to draw.
        modules: the modules that nodes may belong to.
        labels: labels for nodes without their own.
        expand: whether to draw dot() and sum() as their products and partial sums.
    """

    def __init__(
        self,
        roots: Sequence[Value],
        order: Sequence[Value],
        modules: Modules,
        labels: Mapping[Value, str],
        expand: bool,
    ) -> None:
        self.roots = frozenset(roots)
        self.order = order
        self.modules = modules
        self.labels = labels
        self.expand = expand
        self.homes = modules.find_homes(order)

    def count_separate(self, levels: int) -> int:
        """How many nodes have a box of their own if this many levels of modules are drawn as single boxes."""
        return sum(self._module_of(node, levels) is None for node in self.order)

    def build(self, levels: int = 0) -> Diagram:
        """The diagram.

        Args:
            levels: how many levels of modules to draw as single boxes, counted from the innermost.
        """
        self.diagram = Diagram()
        self.boxes: dict[Value, Box] = {}  # of each node, or of the module that it is drawn as part of
        self.module_boxes: dict[int, Box] = {}
        self.constants: dict[tuple[int, int], Box] = {}
        for node in self.order:
            group = self._module_of(node, levels)
            if group is None:
                self._add(node)
            else:
                self._add_to_module(node, group)
        for box in self.module_boxes.values():
            if len(box.outputs) == 1:
                (output,) = box.outputs
                box.data, box.grad = float(output.data), float(output.grad)
        self.diagram.finish()
        return self.diagram

    def _module_of(self, node: Value, levels: int) -> int | None:
        """The module whose single box the node is part of; None if it has its own box."""
        return self.modules.outermost_within(self.homes.get(node), levels - 1)

    def _add(self, node: Value) -> None:
        is_parameter = node in self.modules.parameters
        name = self.modules.parameters[node][0] if is_parameter else self.labels.get(node, "")
        box = Box(
            "value" if node.op is not None else "parameter" if is_parameter else "leaf",
            float(node.data),
            float(node.grad),
            node.label or name,
            node.op,
            group=self.homes.get(node),
            root=node in self.roots,
        )
        if box.is_ordered:
            given = [x.label if isinstance(x, Value) and x.label else repr(float(x)) for x in operands(node)]
            box.call = f"{node.op}({', '.join(given)})"
        inputs = self._inputs(node, box)
        if self.expand and node.op in (ops.dot, ops.sum) and not any(x.kind == "hidden" for x in inputs):
            inputs = self._expand(node, box, inputs)
        self.boxes[node] = self.diagram.add(box, inputs)

    def _add_to_module(self, node: Value, group: int) -> None:
        box = self.module_boxes.get(group)
        if box is None:
            module = self.modules.groups[group]
            box = self.module_boxes[group] = self.diagram.add(Box("module", label=module.title, group=module.parent))
        for other in self._inputs(node, box):
            self.diagram.connect(other, box)
        if node in self.roots:
            box.root = True
            box.outputs.add(node)
        box.size += 1
        self.boxes[node] = box

    def _inputs(self, node: Value, box: Box) -> list[Box]:
        """The boxes of the operands of a node, in order; a single box for all that are not drawn."""
        given = operands(node)
        values = [x for x in given if isinstance(x, Value)]
        drawn = [self.boxes[x] for x in values if x in self.boxes]
        if len(drawn) < len(values):
            return [*drawn, self.diagram.add(Box("hidden", group=box.group, size=len(given) - len(drawn)))]
        inputs = []
        for key, x in zip(operand_keys(node), given):
            if isinstance(x, Value):
                source = self.boxes[x]
                if source is not box:
                    source.outputs.add(x)
            else:
                source = self.constants.get(key) or self._add_constant(key, x, node)
            inputs.append(source)
        return inputs

    def _add_constant(self, key: tuple[int, int], number: float, user: Value) -> Box:
        """A constant, in the module of the node that uses it, unless it is an input that meets parameters."""
        is_input = any(isinstance(x, Value) and x in self.modules.parameters for x in operands(user))
        box = self.diagram.add(Box("constant", number, group=None if is_input else self.homes.get(user)))
        self.constants[key] = box
        return box

    def _expand(self, node: Value, box: Box, inputs: list[Box]) -> list[Box]:
        """Add the products and partial sums of a dot() or sum(); return the operands of the last step, the node."""

        def add_term(operation: Primitive, data: float, *sources: Box) -> Box:
            return self.diagram.add(Box("term", data, box.grad, operation=operation, group=box.group), sources)

        numbers = [float(x) for x in operands(node)]
        terms = list(zip(numbers, inputs))
        if node.op is ops.dot:
            n = len(node.args[0])
            if len(terms) == 2 and n == 1:
                box.operation = ops.mul
                return inputs
            products = [(a * b, add_term(ops.mul, a * b, x, y)) for (a, x), (b, y) in zip(terms[:n], terms[n : 2 * n])]
            terms = products + terms[2 * n :]
        if len(terms) < 2:
            return inputs
        box.operation = ops.add
        total, so_far = terms[0]
        for number, x in terms[1:-1]:
            total += number
            so_far = add_term(ops.add, total, so_far, x)
        return [so_far, terms[-1][1]]
