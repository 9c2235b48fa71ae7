"""Program: a compiled function that is called like the original."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..lost import is_watched
from ..node import on_float
from ..transforms.recording import check_argnums
from ..transforms.tree import flatten
from . import eager, tuning
from .binding import Axes, Binding, Plan, find_named, pick
from .lock import ProgramLock
from .runtime.results import expect_no_out, write_into
from .runtime.signature import (
    argument_key,
    batch_size,
    convert,
    has_values,
    parameters,
    to_argument,
    tree_signature,
)
from .trace.state import NeedsValuesError, is_tracing

if TYPE_CHECKING:
    from .compile import Compilation, Stats
    from .paths.path_runner import PathRunner
    from .paths.paths import Paths
    from .paths.report import PathReport
    from .runtime.runner import Runner


class Program:
    """A function that is compiled once for each structure of arguments, at the first such call. Made by `jit`."""

    def __init__(
        self, f: Callable[..., Any], in_axes: Axes = None, static_argnums: Any = None, static_argnames: Any = None
    ) -> None:
        if not callable(f):
            raise TypeError(f"jit: f must be a function, got {f!r}")
        for axis in in_axes if isinstance(in_axes, (tuple, list)) else [in_axes]:
            if axis is not None and (not isinstance(axis, int) or isinstance(axis, bool)):
                raise TypeError(
                    f"jit: in_axes must be None, an int or a tuple with one of these for each argument, got {in_axes!r}"
                )
        self._f = f
        self._options = in_axes, static_argnums, static_argnames
        self._name = f"jit({getattr(f, '__name__', type(f).__name__)})"
        self._who = f"{self._name}:"  # how messages begin
        self._binding = Binding(f, *self._options, self._who)
        self._has_statics = bool(self._binding.static)
        self._labels: Sequence[int | str] | None = None  # what messages call the arguments, if not by their positions
        self._variants: dict[Any, Program] = {}  # for calls with keywords or static arguments
        self._variant: Program | None = None  # the latest, if there was no other call after it
        self._runners: dict[Any, Runner | PathRunner] = {}
        self._paths: dict[Any, Paths] = {}
        self._latest: Paths | None = None
        self._lock = ProgramLock()
        functools.update_wrapper(self, f, updated=())

    def __call__(self, /, *args: Any, out: Any = None, **keywords: Any) -> Any:
        """The result of the function, in its structure, as floats and float64 arrays. The first axis is the batch.

        Args:
            args, keywords: the arguments. Defaults of the function that are left out are constants.
            out: where to write the result, instead of into new arrays: float64 arrays of its shapes, in its structure.
                An array of shape () takes a single number. It is returned, and may share memory with arguments.

        Raises:
            TypeError, ValueError: see `jit`; also if `out` does not fit the result. Then nothing is written.
        """
        if keywords or self._has_statics:
            program, args, _ = self._bind(args, keywords)
            if program is not self:
                return program(*args, out=out)
        runner = self._runners.get((None, False, *map(argument_key, args)))
        if runner is None or runner.closed_over or on_float:
            runner, args = self._runner_here(runner, args, None)
        if runner is not None:
            try:
                return runner.value(args) if out is None else write_into(out, runner.value(args), self._who)
            except NeedsValuesError:  # a new path needs them
                pass
        expect_no_out(out, self._who)
        return eager.call(self._f, args, self._binding.axes(len(args)), self._who)

    def value_and_grad(
        self, /, *args: Any, argnums: int | Sequence[int] = 0, out: Any = None, **keywords: Any
    ) -> tuple[Any, Any]:
        """The result, one number for each element, and its gradient, as autograd.value_and_grad gives them.

        Args:
            args, keywords: the arguments.
            argnums: the arguments with respect to which to differentiate: an int for one gradient, a
                tuple for a tuple of gradients. They count the parameters of the function.
            out: where to write the value and the gradient, a pair; see `__call__`.

        Returns:
            (value, gradient). The gradient has the structure of the argument. If the batch shares the
            argument, it is the sum over the batch; if the argument is batched, it has a row for each element.

        Raises:
            TypeError: if the function does not return one number, or argnums is not an int or a tuple of ints.
            ValueError: if argnums does not name some of the arguments, each once.
        """
        if type(argnums) is not int:
            argnums = check_argnums("jit", self._f, argnums)
        if keywords or self._has_statics:
            program, args, plan = self._bind(args, keywords)
            argnums = self._binding.numbers(plan, argnums)
            if program is not self:
                return program.value_and_grad(*args, argnums=argnums, out=out)
        numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        numbers = tuple(i + len(args) if i < 0 else i for i in numbers)
        if not all(0 <= i < len(args) for i in numbers) or len(set(numbers)) < len(numbers):
            raise ValueError(
                f"{self._who} argnums must name some of the {len(args)} arguments, each once, got {argnums!r}"
            )
        runner = self._runners.get((numbers, False, *map(argument_key, args)))
        if runner is None or runner.closed_over or on_float:
            runner, args = self._runner_here(runner, args, numbers)
        if runner is not None:
            try:
                value, gradients = runner.value_and_grad(args)
                result = value, gradients[0] if isinstance(argnums, int) else tuple(gradients)
                return result if out is None else write_into(out, result, self._who)
            except NeedsValuesError:
                pass
        expect_no_out(out, self._who)
        return eager.value_and_gradient(self._f, args, self._binding.axes(len(args)), self._who, argnums)

    def _bind(self, args: Sequence[Any], keywords: dict[str, Any]) -> tuple[Program, tuple[Any, ...], Plan]:
        """The program of traced arguments by position that such a call runs, those arguments, and their plan."""
        plan = self._binding.plan(len(args), keywords)
        traced = pick(plan.traced, args, keywords)
        if plan.plain:
            return self, traced, plan
        statics = pick(plan.static, args, keywords)
        key = self._binding.key(plan, statics)
        program = self._variants.get(key)
        if program is None:
            function = functools.update_wrapper(self._binding.fix(plan, statics), self._f, updated=())
            program = Program(function, plan.axes)
            program._name, program._who, program._labels = self._name, self._who, plan.names
            program = self._variants.setdefault(key, program)
        self._variant = program
        return program, traced, plan

    def _runner_here(
        self, runner: Runner | PathRunner | None, args: tuple[Any, ...], wrt: Sequence[int] | None
    ) -> tuple[Runner | PathRunner | None, tuple[Any, ...]]:
        """What runs such a call, or None where machine code would lose a derivative, or what is traced now.

        And the arguments, with NumPy's arrays in place of those of other libraries. `runner` is the known one.
        """
        if runner is None:
            args = tuple(map(convert, args, self._binding.axes(len(args))))
            runner = self._runners.get((wrt, False, *map(argument_key, args)))
        if is_tracing():
            return None, args
        if runner is not None and not (runner.sources.identical() if on_float else runner.sources.unchanged()):
            self._forget()
            runner = None
        if runner is None:
            runner = self._new_runner((wrt, False, *map(argument_key, args)), args, wrt, False, True)
        if on_float and runner is not None:
            read = [*runner.closed_over, *[p for x in args for p in parameters(flatten(x, ""))]]
            if runner.compilation.traced.watched or any(map(is_watched, read)):
                return None, args
        return runner, args

    def _forget(self) -> None:
        """Forget all code, because the function now finds other Values where it found those that it closed over."""
        with self._lock:
            self._runners, self._paths = {}, {}

    def runner(self, args: Sequence[Any], wrt: Sequence[int] | None, sum_value: bool = False) -> Runner | None:
        """A Runner for calls like this one, compiled now if there is none yet; None for a call with Values.

        Raises:
            TracingError: if the function decides by a traced value, because a Runner has a single path.
        """
        key = (wrt, sum_value, *map(argument_key, args))
        runner: Any = self._runners.get(key)
        if runner is None or runner.compilation.traced.decisions:
            runner = self._new_runner(("one path", *key), args, wrt, sum_value, False)
        return runner  # type: ignore[no-any-return]

    def _new_runner(
        self, key: Any, args: Sequence[Any], wrt: Sequence[int] | None, sum_value: bool, may_decide: bool
    ) -> Runner | PathRunner | None:
        axes = self._binding.axes(len(args))
        if any(has_values(flatten(x, "")) for x in args):
            return None
        labels = range(len(args)) if self._labels is None else self._labels
        given = [to_argument(x, label, axis, self._who) for x, label, axis in zip(args, labels, axes)]
        size = batch_size(args, axes, self._who)
        form = (wrt, sum_value, *[tree_signature(a.tree) for a in given])
        self._variant = None
        with self._lock:
            from .paths.path_runner import begin_paths, make_runner
            from .paths.paths import Paths

            paths = self._paths.get(form)
            if paths is None or (paths.decides and not may_decide):
                paths = Paths(self._f, given, self._who, wrt, sum_value, self._lock)
                if may_decide:
                    begin_paths(paths, args)
                else:
                    paths.begin(None)
                self._latest = paths
                if not paths.known:  # it may have used variables that are gone at the next call
                    return make_runner(paths, size)
                self._paths[form] = paths
            self._latest = paths
            if len(self._runners) >= tuning.SIZES:
                self._runners.pop(next(iter(self._runners)))
            runner = self._runners[key] = make_runner(paths, size)
        return runner

    def _latest_compilation(self) -> Compilation:
        latest = self._latest_paths().latest
        assert latest is not None
        return latest.compilation

    def _latest_paths(self) -> Paths:
        latest = (self._variant or self)._latest
        if latest is None:
            raise RuntimeError(f"{self._who} nothing has been compiled yet. Call the program once")
        return latest

    @property
    def graph(self) -> Any:
        """The graph of the latest compilation; print it."""
        return self._latest_compilation().graph

    @property
    def stats(self) -> Stats:
        """What the latest compilation cost and produced."""
        return self._latest_compilation().stats

    @property
    def paths(self) -> PathReport:
        """The paths of the latest compilation: the decisions of the function, and how many elements took each path.

        Print it to see them as a tree. `len(program.paths)` is the number of paths; each has `decisions`, pairs of the
        user's line and the answer there, and `elements`, which are counted if there are decisions.
        """
        paths = self._latest_paths()
        from .paths.report import PathReport

        return PathReport(paths)

    @property
    def llvm_ir(self) -> str:
        """The LLVM IR of the latest compilation."""
        return self._latest_compilation().translation.ir

    def __repr__(self) -> str:
        return self._name

    def __reduce_ex__(self, protocol: Any) -> str | tuple[Any, ...]:
        if find_named(self._f) is self:  # made by the decorator: the function is found through the program alone
            if protocol < 4:
                return str(self.__qualname__)
            self._f.__qualname__ = f"{self.__qualname__}.__wrapped__"
        return _restore, (self._f, *self._options)


def _restore(f: Callable[..., Any], *options: Any) -> Program:
    """The program of f: that of its name, if f was decorated, as functions are pickled by name; otherwise a new one."""
    named = find_named(f)
    return named if isinstance(named, Program) and named._f is f else Program(f, *options)
