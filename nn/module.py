"""Module: something with parameters, found in its attributes, and a forward pass."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from autograd import Value


class Module:
    """The base of everything that has parameters.

    Keep leaf Values, other Modules, and lists, tuples and dicts of them as attributes: all Values
    among them are the parameters. A number that should not be trained is kept as a float.

    >>> class Line(Module):
    ...     def __init__(self):
    ...         self.slope, self.offset = Value(2.0), Value(1.0)
    ...     def __call__(self, x):
    ...         return self.slope * x + self.offset
    >>> line = Line()
    >>> line(3.0).data, len(line.parameters())
    (7.0, 2)
    >>> line
    Line(2 parameters)
    """

    def __call__(self, x: Any) -> Any:
        """The output for one example."""
        raise NotImplementedError(f"{type(self).__name__} has no forward pass: define __call__(self, x)")

    def named_parameters(self) -> Iterator[tuple[str, Value]]:
        """Each parameter once, with the path to it ("layers.0.neurons.3.w.1"), in the order of assignment."""
        seen: set[int] = set()
        for path, value in _walk(self, "", seen):
            if isinstance(value, Value) and value.op is None:
                yield path, value

    def parameters(self) -> list[Value]:
        """Each parameter once, in the order of named_parameters()."""
        return [value for _, value in self.named_parameters()]

    def zero_grad(self) -> None:
        """Set every parameter's grad to 0, as each new backward pass needs: gradients accumulate."""
        for p in self.parameters():
            p.grad = 0.0

    def extra_repr(self) -> str:
        """What repr() shows of this Module besides its name and parameter count."""
        return ""

    def __repr__(self) -> str:
        count = len(self.parameters())
        facts = [self.extra_repr()] if self.extra_repr() else []
        head = f"{type(self).__name__}({', '.join([*facts, f'{count:,} parameter' + 's' * (count != 1)])})"
        lines = [head]
        children = [(path, repr(child)) for path, child in _children(self)]
        for text, group in groupby(children, key=lambda child: child[1]):
            paths = [path for path, _ in group]
            alike = f"{paths[0]} to {paths[-1]}: each " if len(paths) > 1 else f"{paths[0]}: "
            lines.append("  " + alike + text.replace("\n", "\n  "))
        return "\n".join(lines)


def _members(container: Any) -> Iterator[tuple[str, Any]]:
    """The things directly inside a Module, list, tuple or dict, each with its name there."""
    if isinstance(container, Module):
        yield from vars(container).items()
    elif isinstance(container, dict):
        yield from ((str(key), x) for key, x in container.items())
    elif isinstance(container, (list, tuple)):
        yield from ((str(k), x) for k, x in enumerate(container))


def _walk(container: Any, path: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """Every Value and Module inside, at any depth, each once."""
    for name, x in _members(container):
        if isinstance(x, (Value, Module, list, tuple, dict)) and id(x) not in seen:
            seen.add(id(x))
            if isinstance(x, (Value, Module)):
                yield path + name, x
            yield from _walk(x, f"{path}{name}.", seen)


def _children(container: Any, path: str = "") -> Iterator[tuple[str, Module]]:
    """The Modules inside, but not those inside them."""
    for name, x in _members(container):
        if isinstance(x, Module):
            yield path + name, x
        elif isinstance(x, (list, tuple, dict)):
            yield from _children(x, f"{path}{name}.")
