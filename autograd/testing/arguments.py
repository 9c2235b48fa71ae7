"""The arguments of a function whose derivatives are tested: their numbers in one list, and calls with other numbers."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..primitive import describe
from ..transforms.recording import RESULT, _positions, checked_argnums, name_of
from ..tree import Leaf, Tree, aligned, check, flatten, join
from ..value import Value


class Arguments:
    """Arguments of f, some of which can vary. Calls get new containers and arrays, never those given.

    Args:
        transform: what messages begin with.
        f: the function.
        args: its arguments.
        argnums: which of them vary, as in grad; None for all.

    Attributes:
        who: how messages begin.
        argnums: which arguments vary: an int for the argument itself, else their tuple.
        inputs: the structure of what varies.
        numbers: all the numbers in it.
        names: what to call each, as Python would write it: "x[1, 2]", "params['w'][3]".
    """

    def __init__(self, transform: str, f: Callable[..., Any], args: Sequence[Any], argnums: Any) -> None:
        if argnums is None:
            argnums = 0 if len(args) == 1 else tuple(range(len(args)))
        self.argnums = checked_argnums(transform, f, argnums)
        self.f, self.args = f, args
        self.who = f"{transform}({name_of(f)}):"
        self.positions = _positions(self.argnums, len(args), self.who)
        self._names = _parameters(f, len(args))
        varied = [flatten(args[i], self._names[i]) for i in self.positions]
        self.inputs = join(varied) if isinstance(self.argnums, tuple) else varied[0]
        check(self.inputs, self.who, "argnums says which arguments to differentiate by", argument=True)
        self._varied = join(varied)
        self.numbers = [float(x) for x in self.inputs.entries]
        self.names = [name for leaf in self.inputs.leaves for name in _entry_names(leaf)]

    def at(self, numbers: Sequence[Any]) -> list[Any]:
        """The arguments with these numbers in place of those that vary, in new containers and arrays."""
        fresh = [_copy(x) for x in self.args]
        parts = self._varied.build(
            leaf.given if leaf.names is not None else _filled(leaf, part)
            for leaf, part in zip(self._varied.leaves, self._varied.split(numbers))
        )
        for i, x in zip(self.positions, parts):
            fresh[i] = x
        return fresh

    def call(self, f: Callable[..., Any], numbers: Sequence[Any]) -> Any:
        """f of the arguments with these numbers; while it runs the parameters of Modules have them too."""
        with self.parameters_at(numbers):
            return f(*self.at(numbers))

    def audited(self, f: Callable[..., Any], numbers: Sequence[Any]) -> Any:
        """As call(), but ValueError if f changes an argument in place."""
        given = self.at(numbers)
        with self.parameters_at(numbers):
            before = self._contents(given)
            result = f(*given)
            after = self._contents(given)
        for place in [*before, *after]:
            if place not in before or place not in after or before[place] != after[place]:
                raise ValueError(
                    f"{self.who} {name_of(f)} changed its argument {place} in place; derivatives need a function that "
                    "leaves its arguments as they are: let it work on a copy"
                )
        return result

    def matching(self, given: Any, who: str) -> list[float]:
        """The numbers of a structure like that of what varies; lists may stand for arrays and the other way round.

        Raises:
            TypeError, ValueError: that begin with `who`, if the structure or a shape is another.
        """
        several = isinstance(self.argnums, tuple)
        if several and not (isinstance(given, (tuple, list)) and len(given) == len(self.positions)):
            names = ", ".join(self._names[i] for i in self.positions)
            raise TypeError(f"{who} ({names}) must be a tuple with a part for each of these, got {describe(given)}")
        parts = zip(given if several else [given], self.positions)
        tree = join([flatten(_alike(x, self.args[i]), self._names[i]) for x, i in parts])
        check(tree, who, "there must be a number for each that it is taken by")
        return [float(x) for x in aligned(self._varied, tree, who)]

    def _contents(self, given: Sequence[Any]) -> dict[str, Any]:
        """Everything in the arguments by name, in a form to compare."""
        leaves = [leaf for x, name in zip(given, self._names) for leaf in flatten(x, name).leaves]
        return {name: _identity(x) for leaf in leaves for name, x in zip(_entry_names(leaf), leaf.entries)}

    @contextlib.contextmanager
    def parameters_at(self, numbers: Sequence[Any]) -> Iterator[None]:
        """Within, the parameters of Modules among what varies have these numbers; afterwards their own again."""
        moved: list[tuple[Value, float]] = []
        try:
            for leaf, part in zip(self._varied.leaves, self._varied.split(numbers)):
                for parameter, x in zip(leaf.entries if leaf.names is not None else (), part):
                    moved.append((parameter, parameter.data))
                    parameter.data = float(x)
            yield
        finally:
            for parameter, data in moved:
                parameter.data = data


def outputs(who: str, result: Any, scalar: bool) -> Tree:
    """The structure of a result; TypeError if it holds what is no real number or, for a scalar, is not one number."""
    tree = flatten(result, RESULT)
    if scalar and not (len(tree.leaves) == 1 and tree.leaves[0].path == RESULT and not tree.leaves[0].shape):
        raise TypeError(f"{who} the function must return one number, got {describe(result)}")
    check(tree, who, "the function must return real numbers")
    return tree


def _filled(leaf: Leaf, part: Sequence[Any]) -> Any:
    """These numbers in the form of a leaf: complex ones too, and as a Value where one was given."""
    if leaf.shape is not None and any(type(x) is complex for x in part):
        return np.array(part).reshape(leaf.shape)
    return Value(part[0]) if isinstance(leaf.given, Value) and type(part[0]) is float else leaf.like([part])


def _alike(given: Any, like: Any) -> Any:
    """`given` with arrays where `like` has them, and lists where it has lists or tuples."""
    if isinstance(like, np.ndarray) and isinstance(given, (list, tuple)):
        return np.array(given)
    if isinstance(like, (list, tuple)) and isinstance(given, (list, tuple, np.ndarray)) and len(given) == len(like):
        return [_alike(x, y) for x, y in zip(given, like)]
    if isinstance(like, dict) and isinstance(given, dict):
        return {key: _alike(x, like.get(key)) for key, x in given.items()}
    return given


def _copy(x: Any) -> Any:
    """New arrays and containers, with all else as it is."""
    if isinstance(x, np.ndarray):
        return x.copy()
    if isinstance(x, (list, tuple, dict)):
        tree = flatten(x, "")
        return tree.build(
            _copy(leaf.given) if isinstance(leaf.given, np.ndarray) else leaf.given for leaf in tree.leaves
        )
    return x


def _identity(x: Any) -> Any:
    """Equal for equal numbers and strings; for what can change, for the same object with the same number."""
    if isinstance(x, Value):
        return id(x), repr(x.data)
    return repr(x) if type(x).__module__ in ("builtins", "datetime", "numpy") else id(x)


def _entry_names(leaf: Leaf) -> list[str]:
    """The name of each number in a leaf."""
    if leaf.names is not None:
        return [path for path, _ in leaf.places]
    if leaf.shape is None:
        return [leaf.path]
    return [f"{leaf.path}[{', '.join(map(str, index))}]" if index else leaf.path for index in np.ndindex(leaf.shape)]


def _parameters(f: Callable[..., Any], count: int) -> list[str]:
    """The names of f's positional parameters, as far as it tells."""
    names: list[str] = []
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    for p in parameters:
        if p.kind is p.VAR_POSITIONAL:
            names += [f"{p.name}[{k}]" for k in range(count - len(names))]
        elif p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD):
            names.append(p.name)
    return [names[i] if i < len(names) else f"argument {i}" for i in range(count)]
