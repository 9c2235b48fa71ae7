"""The arguments of a function under test: their numbers in one list, and calls with other numbers."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..primitive import describe, is_number
from ..transforms.recording import RESULT, check_argnums, name_of, positions_of
from ..transforms.tree import Leaf, Tree, check, flatten, join, match_entries
from ..value import Value
from .conversion import grids, like, to_numpy


class Arguments:
    """Arguments of f, some of which can vary. Calls get new containers and arrays, never the original ones.

    Args:
        transform: what messages begin with.
        f: the function.
        args: its arguments.
        argnums: which of them vary, as in grad; None for all.

    Attributes:
        who: how messages begin.
        argnums: which arguments vary: an int for one argument, or a tuple.
        inputs: the structure of what varies.
        numbers: all numbers in it, as an array.
        grid: the distance of each from the next number that f can tell from it.
        names: the name of each, as Python would write it: "x[1, 2]", "params['w'][3]".
        plain: whether there are only numbers, arrays and containers of them among it.
    """

    def __init__(self, transform: str, f: Callable[..., Any], args: Sequence[Any], argnums: Any) -> None:
        if argnums is None:
            argnums = 0 if len(args) == 1 else tuple(range(len(args)))
        self.argnums = check_argnums(transform, f, argnums)
        self.f, self.args = f, args
        self.who = f"{transform}({name_of(f)}):"
        self.positions = positions_of(self.argnums, len(args), self.who)
        self._names = _parameter_names(f, len(args))
        given = [flatten(args[i], self._names[i]) for i in self.positions]
        varied = [flatten(_floats(to_numpy(args[i])), self._names[i]) for i in self.positions]
        self.inputs = join(varied) if isinstance(self.argnums, tuple) else varied[0]
        check(self.inputs, self.who, "argnums says which arguments to differentiate with respect to", argument=True)
        self._varied, self._originals = join(varied), [leaf.original for tree in given for leaf in tree.leaves]
        self.numbers: Any = np.array([float(x) for x in self.inputs.entries])
        numbers: Any = self.numbers
        splits = zip(self._varied.leaves, self._originals, self._varied.split(numbers))
        parts = [
            grids(x, part) if leaf.names is None and len(part) else np.spacing(np.abs(part)) for leaf, x, part in splits
        ]
        self.grid = np.concatenate([*parts, np.zeros(0)])
        self.names = [name for leaf in self.inputs.leaves for name in entry_names(leaf)]
        self.plain = all(is_number(x) or isinstance(x, (Value, np.ndarray)) for x in self._originals)

    def at(self, numbers: Any) -> list[Any]:
        """The arguments with these numbers in the places that vary, in new containers and arrays.

        Arrays are float64, in the memory layout of the original ones. What other libraries have keeps its type.
        """
        fresh = [_copy(x) for x in self.args]
        parts = self._varied.build(
            leaf.given if leaf.names is not None else _fill(leaf, x, part)
            for leaf, x, part in zip(self._varied.leaves, self._originals, self._varied.split(numbers))
        )
        for i, x in zip(self.positions, parts):
            fresh[i] = x
        return fresh

    def call(self, f: Callable[..., Any], numbers: Any) -> Any:
        """Call f with these numbers in the arguments; the parameters of Modules have them too while it runs."""
        with self.parameters_at(numbers):
            return f(*self.at(numbers))

    def call_and_check(self, f: Callable[..., Any], numbers: Any) -> Any:
        """As call(), but raise ValueError if f changes an argument in place."""
        given = self.at(numbers)
        with self.parameters_at(numbers):
            before = self._contents(given)
            result = f(*given)
            after = self._contents(given)
        for place in [*before, *after]:
            if place not in before or place not in after or before[place] != after[place]:
                raise ValueError(
                    f"{self.who} {name_of(f)} changed its argument {place} in place; it must leave its arguments as "
                    "they are. Let it work on a copy"
                )
        return result

    def read_gradient(self, given: Any, who: str) -> list[float]:
        """The numbers in a gradient, which must have the structure of what varies; lists may stand for arrays, or
        arrays for lists.

        Raises:
            TypeError, ValueError: if the structure or a shape is different; the message begins with `who`.
        """
        several = isinstance(self.argnums, tuple)
        if several and not (isinstance(given, (tuple, list)) and len(given) == len(self.positions)):
            names = ", ".join(self._names[i] for i in self.positions)
            raise TypeError(f"{who} ({names}) must be a tuple with a part for each of these, got {describe(given)}")
        parts = zip(given if several else [given], self.positions)
        tree = join([flatten(convert_like(to_numpy(x), to_numpy(self.args[i])), self._names[i]) for x, i in parts])
        check(tree, who, "it must have one real number for each number in the argument")
        return [float(x) for x in match_entries(self._varied, tree, who)]

    def _contents(self, given: Sequence[Any]) -> dict[str, Any]:
        """Everything in the arguments, by name, in a form that can be compared."""
        leaves = [leaf for x, name in zip(given, self._names) for leaf in flatten(x, name).leaves]
        return {name: _fingerprint(x) for leaf in leaves for name, x in zip(entry_names(leaf), leaf.entries)}

    @contextlib.contextmanager
    def parameters_at(self, numbers: Any) -> Iterator[None]:
        """Within this context the parameters of Modules among what varies have these numbers."""
        originals: list[tuple[Value, float]] = []
        try:
            for leaf, part in zip(self._varied.leaves, self._varied.split(numbers)):
                for parameter, x in zip(leaf.entries if leaf.names is not None else (), part):
                    originals.append((parameter, parameter.data))
                    parameter.data = float(x)
            yield
        finally:
            for parameter, data in originals:
                parameter.data = data


def read_outputs(who: str, result: Any, scalar: bool) -> Tree:
    """The structure of a result; TypeError unless it holds real numbers and, for a scalar, is one number."""
    tree = flatten(to_numpy(result), RESULT)
    if scalar and not (len(tree.leaves) == 1 and tree.leaves[0].path == RESULT and not tree.leaves[0].shape):
        raise TypeError(f"{who} the function must return one number, got {describe(result)}")
    check(tree, who, "the function must return real numbers")
    return tree


def _fill(leaf: Leaf, original: Any, part: Any) -> Any:
    """These numbers, which may be complex or Values, in the form of a leaf; a Value if the leaf was one."""
    if not isinstance(part, np.ndarray) and any(isinstance(x, Value) for x in part):
        return leaf.like([part])
    numbers = np.asarray(part)
    if numbers.dtype.kind == "c":
        return numbers.item() if leaf.shape is None else numbers.reshape(leaf.shape)
    if isinstance(leaf.given, Value):
        return Value(float(numbers[0]))
    if leaf.given.dtype.kind == "O" if isinstance(leaf.given, np.ndarray) else type(original) in (float, int):
        return leaf.like([numbers.tolist()])
    return like(original, numbers.reshape(leaf.shape or ()))


def _floats(x: Any) -> Any:
    """A structure with arrays of floats in place of arrays of integers."""
    tree = flatten(x, "")
    return tree.build(
        leaf.given.astype(float) if isinstance(leaf.given, np.ndarray) and leaf.given.dtype.kind in "iu" else leaf.given
        for leaf in tree.leaves
    )


def convert_like(given: Any, like: Any) -> Any:
    """`given` with arrays where `like` has arrays, and lists where it has lists or tuples."""
    if isinstance(like, np.ndarray) and isinstance(given, (list, tuple)):
        return np.array(given)
    if isinstance(like, (list, tuple)) and isinstance(given, (list, tuple, np.ndarray)) and len(given) == len(like):
        return [convert_like(x, y) for x, y in zip(given, like)]
    if isinstance(like, dict) and isinstance(given, dict):
        return {key: convert_like(x, like.get(key)) for key, x in given.items()}
    return given


def _copy(x: Any) -> Any:
    """A copy with new arrays and containers, and everything else as it is."""
    if isinstance(x, np.ndarray):
        return x.copy()
    if isinstance(x, (list, tuple, dict)):
        tree = flatten(x, "")
        return tree.build(
            _copy(leaf.original) if isinstance(leaf.original, np.ndarray) else leaf.original for leaf in tree.leaves
        )
    return x


def _fingerprint(x: Any) -> Any:
    """Something that is equal for equal numbers and strings, and otherwise for the same object with the same number."""
    if isinstance(x, Value):
        return id(x), repr(x.data)
    return repr(x) if type(x).__module__ in ("builtins", "datetime", "numpy") else id(x)


def entry_names(leaf: Leaf) -> list[str]:
    """The name of each number in a leaf."""
    if leaf.names is not None:
        return [path for path, _ in leaf.places]
    if leaf.shape is None:
        return [leaf.path]
    return [f"{leaf.path}[{', '.join(map(str, index))}]" if index else leaf.path for index in np.ndindex(leaf.shape)]


def _parameter_names(f: Callable[..., Any], count: int) -> list[str]:
    """The names of f's positional parameters, as far as its signature gives them."""
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
