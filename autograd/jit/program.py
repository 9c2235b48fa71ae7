"""Program: a compiled function that is called like the original."""

from __future__ import annotations

import functools
import os
import threading
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from ..lost import is_watched
from ..node import on_float
from ..transforms.recording import check_argnums
from ..transforms.tree import flatten
from . import eager, tuning
from .runtime.signature import Argument, argument_key, batch_size, has_values, parameters, to_argument, tree_signature
from .trace.state import is_tracing

if TYPE_CHECKING:
    from .compile import Compilation, Stats
    from .runtime.runner import Runner

_programs: weakref.WeakSet[Program] = weakref.WeakSet()


def _free_locks() -> None:
    """In a child of a fork: the thread that held a program's lock, because it compiled, is not there."""
    for program in _programs:
        program._lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_free_locks)

Axes = int | None | Sequence[int | None]


class Program:
    """A function that is compiled once for each structure of arguments, at the first such call. Made by `jit`."""

    def __init__(self, f: Callable[..., Any], in_axes: Axes = None) -> None:
        if not callable(f):
            raise TypeError(f"jit: f must be a function, got {f!r}")
        for axis in in_axes if isinstance(in_axes, (tuple, list)) else [in_axes]:
            if axis is not None and (not isinstance(axis, int) or isinstance(axis, bool)):
                raise TypeError(
                    f"jit: in_axes must be None, an int or a tuple with one of these for each argument, got {in_axes!r}"
                )
        self._f = f
        self._in_axes = in_axes
        self._name = f"jit({getattr(f, '__name__', type(f).__name__)})"
        self._who = f"{self._name}:"  # how messages begin
        self._runners: dict[Any, Runner] = {}
        self._compilations: dict[Any, tuple[Compilation, list[Argument]]] = {}
        self._latest: Compilation | None = None
        self._lock = threading.RLock()
        _programs.add(self)
        functools.update_wrapper(self, f, updated=())

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        """The result of the function, in its structure, as floats and float arrays. The first axis is the batch."""
        if keywords:
            self._refuse(keywords)
        runner = self._runner_here(args, None)
        if runner is None:
            return eager.call(self._f, args, self._axes(len(args)), self._who)
        return runner.value(args)

    def value_and_grad(self, *args: Any, argnums: int | Sequence[int] = 0, **keywords: Any) -> tuple[Any, Any]:
        """The result, one number for each element, and its gradient, as autograd.value_and_grad gives them.

        Args:
            args: the arguments, passed by position.
            argnums: the arguments with respect to which to differentiate: an int for one gradient, a
                tuple for a tuple of gradients.

        Returns:
            (value, gradient). The gradient has the structure of the argument. If the batch shares the
            argument, it is the sum over the batch; if the argument is batched, it has a row for each element.

        Raises:
            TypeError: if the function does not return one number, or argnums is not an int or a tuple of ints.
            ValueError: if argnums does not name some of the arguments, each once.
        """
        if keywords:
            self._refuse(keywords)
        if type(argnums) is not int:
            argnums = check_argnums("jit", self._f, argnums)
        numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        numbers = tuple(i + len(args) if i < 0 else i for i in numbers)
        if not all(0 <= i < len(args) for i in numbers) or len(set(numbers)) < len(numbers):
            raise ValueError(
                f"{self._who} argnums must name some of the {len(args)} arguments, each once, got {argnums!r}"
            )
        runner = self._runner_here(args, numbers)
        if runner is None:
            return eager.value_and_gradient(self._f, args, self._axes(len(args)), self._who, argnums)
        value, gradients = runner.value_and_grad(args)
        return value, gradients[0] if isinstance(argnums, int) else tuple(gradients)

    def _refuse(self, keywords: Iterable[str]) -> NoReturn:
        names = ", ".join(keywords)
        raise TypeError(f"{self._who} arguments must be passed by position, got {names} by keyword")

    def _runner_here(self, args: Sequence[Any], wrt: Sequence[int] | None) -> Runner | None:
        """A Runner for such a call; None where machine code would lose a derivative, or what is traced now."""
        runner = self._runners.get((wrt, False, *map(argument_key, args)))
        if runner is not None and not runner.closed_over and not on_float:
            return runner
        if is_tracing():
            return None
        if runner is not None and not (runner.sources.identical() if on_float else runner.sources.unchanged()):
            self._forget()
            runner = None
        if runner is None:
            runner = self.runner(args, wrt)
        if on_float and runner is not None:
            read = [*runner.closed_over, *[p for x in args for p in parameters(flatten(x, ""))]]
            if runner.compilation.traced.watched or any(map(is_watched, read)):
                return None
        return runner

    def _forget(self) -> None:
        """Forget all code, because the function now finds other Values where it found those that it closed over."""
        with self._lock:
            self._runners, self._compilations = {}, {}

    def runner(self, args: Sequence[Any], wrt: Sequence[int] | None, sum_value: bool = False) -> Runner | None:
        """A Runner for calls like this one, compiled now if there is none yet; None for a call with Values."""
        key = (wrt, sum_value, *map(argument_key, args))
        runner = self._runners.get(key)
        return self._new_runner(key, args, wrt, sum_value) if runner is None else runner

    def _new_runner(self, key: Any, args: Sequence[Any], wrt: Sequence[int] | None, sum_value: bool) -> Runner | None:
        axes = self._axes(len(args))
        if any(has_values(flatten(x, "")) for x in args):
            return None
        given = [to_argument(x, i, axis, self._who) for i, (x, axis) in enumerate(zip(args, axes))]
        size = batch_size(args, axes, self._who)
        form = (wrt, sum_value, *[tree_signature(a.tree) for a in given])
        with self._lock:
            from .compile import compile_call
            from .runtime.runner import Runner

            if form not in self._compilations:
                self._latest = compile_call(self._f, given, self._who, wrt, sum_value)
                if self._latest.traced.watched:  # it may have used variables that are gone at the next call
                    return Runner(self._latest, given, size)
                self._compilations[form] = self._latest, given
            self._latest, given = self._compilations[form]
            if len(self._runners) >= tuning.SIZES:
                self._runners.pop(next(iter(self._runners)))
            runner = self._runners[key] = Runner(self._latest, given, size)
        return runner

    def _axes(self, count: int) -> tuple[int | None, ...]:
        axes = self._in_axes
        if axes is None or isinstance(axes, int):
            return (axes,) * count
        if len(axes) != count:
            raise TypeError(f"{self._who} in_axes must have an entry for each argument ({count} here), got {len(axes)}")
        return tuple(axes)

    def _latest_compilation(self) -> Compilation:
        if self._latest is None:
            raise RuntimeError(f"{self._who} nothing has been compiled yet. Call the program once")
        return self._latest

    @property
    def graph(self) -> Any:
        """The graph of the latest compilation; print it."""
        return self._latest_compilation().graph

    @property
    def stats(self) -> Stats:
        """What the latest compilation cost and produced."""
        return self._latest_compilation().stats

    @property
    def llvm_ir(self) -> str:
        """The LLVM IR of the latest compilation."""
        return self._latest_compilation().translation.ir

    def __repr__(self) -> str:
        return self._name

    def __reduce__(self) -> tuple[Any, ...]:
        return Program, (self._f, self._in_axes)
