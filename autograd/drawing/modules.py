"""Which nodes of a graph belong to which module of a model, so that a drawing can put them into one box."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..primitive import Primitive, describe
from ..transforms.containers import is_container, members
from ..value import Value
from .nodes import nodes_to_draw, operands


@dataclass
class Group:
    """One module: the title of its box, the group around it, and how many levels of groups are inside it."""

    kind: str
    title: str
    parent: int | None
    activation: Any
    height: int = 0


class Modules:
    """The modules of a model as a tree of groups, found by their attributes, without knowing their classes.

    Args:
        model: a module, which is anything with named_parameters(); or a list, tuple or dict of
            parameters alone; or None.

    Attributes:
        groups: the modules, each after the one that contains it; empty without a module.
        parameters: for each parameter its name in its module, and the index of that module in `groups`.

    Raises:
        TypeError: if `model` is anything else.
    """

    def __init__(self, model: Any) -> None:
        self.groups: list[Group] = []
        self.parameters: dict[Value, tuple[str, int | None]] = {}
        if _is_module(model):
            self._add_module(model, "", None, {})
            for name, p in model.named_parameters():
                self.parameters.setdefault(p, (name, 0))
        elif isinstance(model, (list, tuple, Mapping)):
            for name, p in model.items() if isinstance(model, Mapping) else (("", p) for p in model):
                if not isinstance(p, Value):
                    raise TypeError(f"model must be a module or a list or dict of Values, but it holds {describe(p)}")
                self.parameters[p] = (str(name), None)
        elif model is not None:
            raise TypeError(f"model must be a module or a list or dict of parameters, got {describe(model)}")

    def _add_module(self, module: Any, path: str, parent: int | None, seen: dict[int, Any]) -> None:
        seen[id(module)] = module
        own = len(self.groups)
        kind = type(module).__name__
        details = getattr(module, "extra_repr", str)()
        title = f"{path}: {kind}" if path else kind
        activation = getattr(module, "activation", None)
        self.groups.append(Group(kind, f"{title}({details})" if details else title, parent, activation))
        self._add_members(getattr(module, "__dict__", {}), "", own, seen)
        if parent is not None:
            self.groups[parent].height = max(self.groups[parent].height, self.groups[own].height + 1)

    def _add_members(self, container: Any, path: str, group: int, seen: dict[int, Any]) -> None:
        for name, x in members(container):
            if id(x) in seen:
                continue
            if isinstance(x, Value):
                if x.op is None:
                    self.parameters.setdefault(x, (path + name, group))
            elif _is_module(x):
                self._add_module(x, path + name, group, seen)
            elif is_container(x):
                seen[id(x)] = x
                self._add_members(x, f"{path}{name}.", group, seen)

    def common_group(self, a: int | None, b: int | None) -> int | None:
        """The innermost group that contains both a and b; None if no group does."""
        while a != b:
            if a is None or b is None:
                return None
            if a > b:  # groups come after those around them
                a = self.groups[a].parent
            else:
                b = self.groups[b].parent
        return a

    def outermost_within(self, a: int | None, height: int) -> int | None:
        """The outermost group around a, or a itself, whose height is at most `height`; None if a is higher."""
        found = None
        while a is not None and self.groups[a].height <= height:
            found, a = a, self.groups[a].parent
        return found

    def find_homes(self, order: Sequence[Value]) -> dict[Value, int]:
        """The group of each node that belongs to one. The nodes are given in order, each after its parents.

        A parameter belongs to its module. So do an operation that applies parameters to other operands,
        the nodes that the module's activation computes from its result, and the nodes on paths between
        such nodes.
        """
        if not self.groups:
            return {}
        homes: dict[Value, int] = {}
        applications = []
        for node in order:
            if node.op is None:
                group = self._owner(node)
            else:
                owners = [self._owner(p) for p in operands(node)]
                group = self._common_group([owner for owner in owners if owner is not None]) if None in owners else None
                if group is not None:
                    applications.append(node)
            if group is not None:
                homes[node] = group
        self._add_activations(order, applications, homes)
        self._add_between(order, homes)
        return homes

    def _add_activations(self, order: Sequence[Value], applications: list[Value], homes: dict[Value, int]) -> None:
        """Add the nodes of activations, found by applying each activation to a copy of its input."""
        by_recipe = {
            _recipe(node.op, node.args, {}): node for node in order if node.op is not None and node not in homes
        }
        for node in applications:
            activation = self.groups[homes[node]].activation
            if not callable(activation):
                continue
            stand_in = Value(node.data)
            known = {stand_in: node}
            try:
                result = activation(stand_in)
            except Exception:  # an attribute of this name that is not a function of a Value
                continue
            for step in nodes_to_draw([result], None) if isinstance(result, Value) else []:
                actual = by_recipe.get(_recipe(step.op, step.args, known))
                if actual is not None:
                    known[step] = actual
                    homes[actual] = homes[node]

    def _add_between(self, order: Sequence[Value], homes: dict[Value, int]) -> None:
        """Add the nodes between two that have a home, to the innermost group around both."""
        before: dict[Value, int | None] = {}
        for node in order:
            groups = [before[p] for p in operands(node) if isinstance(p, Value) and p in before]
            before[node] = homes.get(node, self._common_group(groups))
        after: dict[Value, list[int | None]] = {node: [] for node in order}
        for node in reversed(order):
            if node not in homes and node.op is not None:
                group = self._common_group([before[node], *after[node]]) if after[node] else None
                if group is not None:
                    homes[node] = group
            for p in {p for p in operands(node) if isinstance(p, Value) and p in after}:
                after[p].append(homes.get(node))

    def _owner(self, x: Value | float) -> int | None:
        """The group of a parameter; None for anything else."""
        return self.parameters.get(x, ("", None))[1] if isinstance(x, Value) else None

    def _common_group(self, groups: list[int | None]) -> int | None:
        if not groups:
            return None
        found = groups[0]
        for group in groups[1:]:
            found = self.common_group(found, group)
        return found


def _is_module(x: Any) -> bool:
    return hasattr(x, "named_parameters") and not isinstance(x, type)


def _recipe(op: Primitive | None, args: tuple[Any, ...], known: Mapping[Value, Value]) -> tuple[Any, ...]:
    """How a node is computed: equal for nodes with the same operation on the same operands."""

    def key(x: Any) -> Any:
        if type(x) is tuple:
            return tuple([key(p) for p in x])
        return repr(x) if type(x) is float else id(known.get(x, x))

    return (op, *[key(x) for x in args])
