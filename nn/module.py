"""Module: something with parameters, found in its attributes, and a forward pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from reprlib import recursive_repr
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from autograd import Value

Self = TypeVar("Self", bound="Module")


class Module:
    """The base of everything that has parameters.

    Keep leaf Values, other Modules, and lists, tuples and dicts of them as attributes: all Values
    among them are the parameters. A number that should not be trained is kept as a float. NumPy
    arrays are saved with the parameters, but not trained.

    Attributes:
        training: whether the Module is being trained, which some layers (dropout) must know; see
            train() and eval().

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

    training = True

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

    def train(self: Self, mode: bool = True) -> Self:
        """Set this Module and all inside it to training (or, with False, not); return it."""
        self.training = mode
        for _, x in _walk(self, "", set()):
            if isinstance(x, Module):
                x.training = mode
        return self

    def eval(self: Self) -> Self:
        """Set this Module and all inside it to use, not training; return it."""
        return self.train(False)

    def state_dict(self) -> dict[str, NDArray[np.float64]]:
        """The numbers of all parameters, and the arrays, by the path to them; a list or tuple of Values is one array.

        >>> from nn import Neuron
        >>> Neuron(2, init="ones").state_dict()
        {'w': array([1., 1.]), 'b': array(0.)}
        """
        state: dict[str, NDArray[np.float64]] = {}
        for path, holder in _holders(self, "", set()):
            if path in state:
                raise ValueError(f"two parameters of {type(self).__name__} have the path {path!r}; name them apart")
            if isinstance(holder, Value):
                state[path] = np.array(holder.data)
            elif isinstance(holder, np.ndarray):
                state[path] = np.array(holder, dtype=np.float64)
            else:
                state[path] = np.array([p.data for p in holder])
        return state

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> None:
        """Set the numbers of all parameters, and the arrays, to those of state_dict().

        Args:
            state: arrays by path.
            strict: whether each path of one side must be on the other.

        Raises:
            RuntimeError: if paths are missing or unexpected, or shapes differ; nothing changes then.
        """
        holders = dict(_holders(self, "", set()))
        own = self.state_dict()
        faults = []
        if strict and (missing := [path for path in own if path not in state]):
            faults.append("Missing key(s) in state_dict: " + ", ".join(f'"{path}"' for path in missing))
        if strict and (unexpected := [path for path in state if path not in own]):
            faults.append("Unexpected key(s) in state_dict: " + ", ".join(f'"{path}"' for path in unexpected))
        new = {path: np.asarray(state[path], dtype=np.float64) for path in own if path in state}
        for path, x in new.items():
            if x.shape != own[path].shape:
                faults.append(
                    f"size mismatch for {path}: copying a param with shape {x.shape} from checkpoint, "
                    f"the shape in current model is {own[path].shape}"
                )
        if faults:
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n  " + "\n  ".join(faults))
        for path, x in new.items():
            holder = holders[path]
            if isinstance(holder, np.ndarray):
                holder[...] = x
            else:
                for p, number in zip([holder] if isinstance(holder, Value) else holder, np.ravel(x).tolist()):
                    p.data = number

    def extra_repr(self) -> str:
        """What repr() shows of this Module besides its name and parameter count."""
        return ""

    @recursive_repr("... (itself)")
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


def _holders(container: Any, path: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """What state_dict() saves, each once: single leaf Values, lists and tuples of them, and arrays."""
    for name, x in _members(container):
        if id(x) in seen:
            continue
        seen.add(id(x))
        alone = x if isinstance(x, (list, tuple)) and x else [x]
        if isinstance(x, np.ndarray) or all(isinstance(v, Value) and v.op is None for v in alone):
            yield path + name, x
        else:
            yield from _holders(x, f"{path}{name}.", seen)


def _children(container: Any, path: str = "") -> Iterator[tuple[str, Module]]:
    """The Modules inside, but not those inside them."""
    for name, x in _members(container):
        if isinstance(x, Module):
            yield path + name, x
        elif isinstance(x, (list, tuple, dict)):
            yield from _children(x, f"{path}{name}.")
