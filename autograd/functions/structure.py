"""Structures that keep their form from step to step: the carries of loops, and what branches return."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..ops import check_condition
from ..primitive import describe, is_number
from ..transforms.tree import Leaf, Tree, flatten
from ..user_line import user_line
from ..value import Value


def check_functions(name: str, **functions: Any) -> None:
    """Raise TypeError unless all are functions."""
    for each, f in functions.items():
        if not callable(f):
            raise TypeError(f"{name}(): {each} must be a function, got {describe(f)}{at_line()}")


def expect_number(name: str, what: str, x: Any) -> Any:
    """x, if it is a bool, a number or a Value, and nothing that ~ has made of a bool."""
    check_condition(x, f"{name}(): {what}")
    if not isinstance(x, Value) and not is_number(x):
        raise TypeError(f"{name}(): {what} a bool or a number, got {describe(x)}{at_line()}")
    return x


def split_pair(found: Any) -> tuple[Any, Any]:
    """What the body of scan returned: the carry and y."""
    if not isinstance(found, tuple) or len(found) != 2:
        raise TypeError(f"scan(): the body must return a pair (carry, y), got {describe(found)}{at_line()}")
    return found


def flatten_numbers(name: str, x: Any, path: str) -> Tree:
    """A structure taken apart. It must hold nothing but numbers, bools and Values."""
    tree = flatten(x, path)
    for leaf in tree.leaves:
        if leaf.names is not None:
            raise TypeError(
                f"{name}(): {leaf.path} must hold numbers and arrays, got the Module {type(leaf.given).__name__}. "
                f"Let the body use it from outside{at_line()}"
            )
        for entry in leaf.entries:
            if not isinstance(entry, Value) and not is_number(entry):
                raise TypeError(f"{name}(): {leaf.path} must hold numbers, got {describe(entry)}{at_line()}")
    return tree


def match_structure(name: str, path: str, before: Tree, result: Any, who: str = "the body") -> list[Any]:
    """The entries of a result whose structure must be that of `before`; both are called `path`.

    Raises:
        TypeError: at the first difference; `who` is who returned the result.
    """
    after = flatten_numbers(name, result, path)
    known = {leaf.path: leaf for leaf in after.leaves}
    problem = ""
    for leaf in before.leaves:
        mine = known.pop(leaf.path, None)
        if mine is None or (mine.shape or None) != (leaf.shape or None):
            problem = f"{leaf.path} was {_form(leaf)}, got {_found(mine, leaf.path, known)}"
            break
    if not problem and known:
        problem = f"{next(iter(known))} was not there, got {_form(next(iter(known.values())))}"
    in_order = [leaf.path for leaf in after.leaves] == [leaf.path for leaf in before.leaves]
    if not problem and in_order and before.form != after.form:
        problem = f"{path} was in other containers, got {describe(result)}"
    if problem:
        raise TypeError(f"{name}(): {who} must keep the structure: {problem}{at_line()}")
    if in_order:
        return after.entries
    places = {leaf.path: leaf for leaf in after.leaves}
    return [x for leaf in before.leaves for x in places[leaf.path].entries]


def _form(leaf: Leaf) -> str:
    return f"an array of shape {leaf.shape}" if leaf.shape else "a number"


def _found(leaf: Leaf | None, path: str, others: dict[str, Leaf]) -> str:
    if leaf is not None:
        return _form(leaf)
    inside = any(other.startswith((f"{path}[", f"{path}.")) for other in others)
    return "a container of numbers" if inside else "nothing"


def row_of(leaf: Leaf, k: int, steps: int) -> Any:
    """Row k of an array: a number or an array."""
    return leaf.entries[k] if len(leaf.shape or ()) == 1 else leaf.given[k]


def stack_rows(tree: Tree, rows: Sequence[Sequence[Sequence[Any]]]) -> Any:
    """The structure of a tree with a new first axis.

    Args:
        tree: the structure of a row.
        rows: for each row, for each leaf, its entries.
    """
    numbers = [[[x if isinstance(x, Value) else float(x) for x in part] for part in row] for row in rows]
    parts = zip(*numbers)
    return tree.build(leaf.like(list(part), (len(rows),)) for leaf, part in zip(tree.leaves, parts))


def too_many(line: str, limit: int) -> str:
    """The message for a loop that does not end."""
    return (
        f"{line}: the loop must end within {limit} steps, its max_steps. Give while_loop a larger one if it needs more"
    )


def at_line() -> str:
    """Where the user called, for the end of a message."""
    place = user_line()
    return f" (at {place})" if place else ""
