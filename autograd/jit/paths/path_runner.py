"""PathRunner: calls of a function that decides by its numbers. Each element goes down its own path, and no other."""

from __future__ import annotations

import functools
import heapq
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...value import Value
from ..compile import Compilation
from ..runtime.memory import Floats
from ..runtime.runner import Runner, pack_value, pack_value_and_grad
from ..runtime.signature import leaf_arrays
from ..runtime.workspace import Workspace
from ..trace.sources import Sources
from ..trace.traced import TracedFunction
from .paths import Path, Paths, Prefix


class PathRunner:
    """Calls the paths of a function with arguments of one structure and batches of one size, as Runner calls code."""

    def __init__(self, paths: Paths, size: int | None) -> None:
        self._paths, self._size = paths, size
        self._axes = [argument.axis for argument in paths.given for _ in argument.tree.leaves]

    @property
    def compilation(self) -> Compilation:
        """That of the path which was traced last."""
        assert self._paths.latest is not None
        return self._paths.latest.compilation

    @property
    def closed_over(self) -> list[Value]:
        return self._paths.closed_over

    @property
    def sources(self) -> Sources:
        return self._paths.sources

    def value(self, args: Sequence[Any]) -> Any:
        """The results, in the structure that the function returned."""
        return self._call(args, lambda traced, outputs, sums, fresh: pack_value(traced, outputs, fresh))

    def value_and_grad(self, args: Sequence[Any]) -> tuple[Any, list[Any]]:
        """The result and, for each argument in `wrt`, the derivatives with respect to it, in its structure."""
        given = self._paths.given
        return self._call(  # type: ignore[no-any-return]
            args, lambda traced, outputs, sums, fresh: pack_value_and_grad(traced, given, outputs, sums, fresh)
        )

    def _call(self, args: Sequence[Any], pack: Callable[[TracedFunction, Sequence[Floats], Floats, bool], Any]) -> Any:
        """What `pack` makes of the results."""
        leaves = [leaf for x in args for leaf in leaf_arrays(x)]
        prefix = Prefix()
        while True:
            path = self._paths.find_or_trace(prefix, functools.partial(element_numbers, leaves, self._axes, 0))
            runner = path.runner(self._size)
            work = runner.run(leaves)
            broken = work.outputs[-1]
            if self._size is None:
                first, seen = broken.tolist()
                holds = first == len(path.decisions)
            else:
                holds = bool((broken[:, 0] == len(path.decisions)).all())
            if holds:
                path.elements += 1 if self._size is None else self._size
                self._paths.prefer(path)
                result = pack(path.compilation.traced, work.outputs, work.sums, work.fresh)
                runner.release(work)
                return result
            if self._size is not None:
                outputs, sums, path = Parting(self._paths, leaves, self._axes, self._size).run(path, runner, work)
                return pack(path.compilation.traced, outputs, sums, True)
            prefix = prefix.extend(path, first, seen)
            runner.release(work)


def element_numbers(leaves: Sequence[Any], axes: Sequence[int | None], k: int) -> list[float]:
    """The numbers of element k, in the order of the inputs of a trace; zeros if the batch has no elements."""
    numbers: list[float] = []
    for leaf, axis in zip(leaves, axes):
        array = np.asarray(leaf, dtype=float)
        if axis is not None:
            array = np.moveaxis(array, axis, 0)
            array = array[k] if len(array) else np.zeros(array.shape[1:])
        numbers += array.ravel().tolist()
    return numbers


def begin_paths(paths: Paths, args: Sequence[Any]) -> None:
    """Trace the first path of a function with the numbers of these arguments, of which it takes the first element."""
    axes = [argument.axis for argument in paths.given for _ in argument.tree.leaves]
    paths.begin(lambda: element_numbers([leaf for x in args for leaf in leaf_arrays(x)], axes, 0))


def make_runner(paths: Paths, size: int | None) -> Runner | PathRunner:
    """What calls a function with batches of one size."""
    path = paths.latest
    assert path is not None
    return PathRunner(paths, size) if path.decisions else Runner(path.compilation, paths.given, size)


class Parting:
    """One call for a batch whose elements take different paths.

    Elements with the same first decisions form a group, beginning with the whole batch. The group with the earliest
    element is run down a path; those for which it breaks form new groups. So errors come from the earliest element
    that raises one, as they do if a loop calls the function for each. Sums over the batch are those of the paths,
    added in the order of their earliest elements: they do not depend on the calls before.
    """

    def __init__(self, paths: Paths, leaves: Sequence[Any], axes: Sequence[int | None], size: int) -> None:
        self._paths, self._axes, self._size = paths, axes, size
        self._leaves = [x if axis is None else np.asarray(x) for x, axis in zip(leaves, axes)]
        self._outputs: list[Floats] = []
        self._members: dict[Path, list[Any]] = {}  # the elements that took a path
        self._whole: dict[Path, Floats] = {}  # the sums of a path whose whole group took it
        self._form: Any = None

    def run(self, path: Path, runner: Runner, work: Workspace) -> tuple[list[Floats], Floats, Path]:
        """Run all elements; `work` is what `path` made of the whole batch.

        Returns:
            For each leaf of the results its array, the sums over the batch, and a path of the results' structure.
        """
        order = itertools.count()  # so that groups are never compared
        groups: list[tuple[int, int, Any, Prefix]] = []
        prefix, members = Prefix(), np.arange(self._size)
        while True:
            for part, longer in self._settle(path, prefix, members, work):
                heapq.heappush(groups, (int(part[0]), next(order), part, longer))
            runner.release(work)
            if not groups:
                break
            first, _, members, prefix = heapq.heappop(groups)
            path = self._paths.find_or_trace(
                prefix, functools.partial(element_numbers, self._leaves, self._axes, first)
            )
            runner, work = self._compute(path, members)
        self._paths.prefer(max(self._members, key=lambda path: sum(map(len, self._members[path]))))
        return self._outputs, self._add_up(), path

    def _compute(self, path: Path, members: Any) -> tuple[Runner, Workspace]:
        """Run some elements down a path."""
        runner = path.runner(len(members), keep=False)
        return runner, runner.run(
            [x if axis is None else np.take(x, members, axis) for x, axis in zip(self._leaves, self._axes)]
        )

    def _settle(self, path: Path, prefix: Prefix, members: Any, work: Workspace) -> list[tuple[Any, Prefix]]:
        """Keep the results of the elements that take this path; the others, in groups with longer prefixes."""
        first, seen = work.outputs[-1][:, 0], work.outputs[-1][:, 1]
        takes = first == len(path.decisions)
        mine = members[takes]
        if len(mine):
            self._check_form(path.compilation.traced)
            if not self._outputs:
                self._outputs = [np.empty((self._size, *x.shape[1:])) for x in work.outputs[:-1]]
            for all_rows, rows in zip(self._outputs, work.outputs):
                all_rows[mine] = rows[takes]
            self._members.setdefault(path, []).append(mine)
            if len(mine) == len(members):
                self._whole[path] = work.sums.copy()
            path.elements += len(mine)
        others: dict[Prefix, list[Any]] = {}
        for at in np.unique(first[~takes]).tolist():
            here = np.flatnonzero(first == at)
            bits = seen[here].view(np.int64)  # so that one nan equals another
            for each in np.unique(bits).tolist():
                part = here[bits == each]
                others.setdefault(prefix.extend(path, at, float(seen[part[0]])), []).append(part)
        return [(members[np.sort(np.concatenate(parts))], longer) for longer, parts in others.items()]

    def _check_form(self, traced: TracedFunction) -> None:
        form = traced.result.form, [(leaf.path, leaf.shape, leaf.names) for leaf in traced.result.leaves]
        self._form = self._form or form
        if form != self._form:
            raise TypeError(
                f"{self._paths.who} the function must return the same structure for each element of a batch, "
                f"got {_describe(self._form[1])} for one and {_describe(form[1])} for another"
            )

    def _add_up(self) -> Floats:
        """The sums over the batch."""
        parts = []
        for path, lists in self._members.items():
            members = np.sort(np.concatenate(lists))
            if len(lists) > 1 or path not in self._whole:
                if path.compilation.layout.sums:
                    runner, work = self._compute(path, members)
                    self._whole[path] = work.sums.copy()
                    runner.release(work)
                else:
                    self._whole[path] = np.zeros(0)
            parts.append((int(members[0]), self._whole[path]))
        parts.sort(key=lambda part: part[0])
        return functools.reduce(np.add, [sums for _, sums in parts])


def _describe(leaves: Sequence[tuple[str, Any, Any]]) -> str:
    return ", ".join(path + (f" of shape {shape}" if shape else "") for path, shape, _ in leaves) or "nothing"
