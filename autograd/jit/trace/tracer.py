"""Tracer: a Value without a number, which records the operations on it. Trace: one run of a function on tracers."""

from __future__ import annotations

import operator
from typing import Any, NoReturn

from ... import ops
from ...node import walk
from ...primitive import Primitive, check_flag
from ...transforms.sweep import pull_back_to_all
from ...user_line import user_line
from ...value import Value
from . import comparisons
from .comparisons import equal, greater, greater_equal, less, less_equal, not_equal, stop_gradient
from .guards import Decider, Deciding
from .state import TracingError

_ADD, _SUB, _MUL, _DIV = ops.add, ops.sub, ops.mul, ops.div


class Trace:
    """One run of a function on tracers.

    Attributes:
        nodes: its tracers, each after what it was computed from.
        closed_over: the leaf Values from outside that it used, each with the tracer that stands for it.
        busy: whether nothing is recorded here now: it has ended, or a body in it, of the trace `body`, is traced.
        computed: the Values from outside that were computed there, as the function used them.
        refusal: the first TracingError, which `tracing` raises at the end.
        decisions: what the function decided by the numbers of one element; None if the trace has no numbers.
    """

    def __init__(self, decisions: Decider | None = None) -> None:
        self.nodes: list[Tracer] = []
        self.closed_over: dict[Value, Tracer] = {}
        self.computed: list[Value] = []
        self.busy = False
        self.body: Trace | None = None
        self.decisions = decisions
        self.refusal: TracingError | None = None
        self._lifted: dict[int, tuple[Any, Any]] = {}  # by id: the original, kept alive, and what stands for it

    def input(self, label: str = "") -> Tracer:
        """A new tracer for a number that each call provides."""
        tracer = Tracer(self, None)
        tracer.label = label
        return tracer

    def end(self) -> None:
        """From now on any use of its tracers is a TracingError."""
        self.busy, self.body = True, None

    def innermost(self) -> Trace:
        """The trace that records now: this one or, while the body of a loop is traced, that of the body."""
        trace = self
        while trace.body is not None:
            trace = trace.body
        if trace.busy:
            trace.refuse_late_use()
        return trace

    def refuse_late_use(self) -> NoReturn:
        self.refuse("used a traced value after its trace had ended", "return it from the function, do not keep it")

    def refuse(self, what: str, remedy: str) -> NoReturn:
        """Raise a TracingError, which this trace remembers, even if another thread is at work in it."""
        error = TracingError(f"{user_line()}: the function being compiled {what}, which has no number yet; {remedy}")
        self.refusal = self.refusal or error
        raise error

    def decide(self, tracer: Tracer, what: str, remedy: str) -> float:
        """The number of a tracer, by which the function decides; without any, a TracingError of these words."""
        trace = self.innermost()
        number = None if trace.decisions is None else trace.decisions.answer(tracer)
        if number is None:
            trace.refuse(what, remedy)
        return number

    def lift(self, x: Any) -> Any:
        """What stands for x in this trace: a float or own tracer itself; for a Value, tracers that recompute it."""
        if type(x) is float:
            return x
        if type(x) is Tracer:
            return x if x.trace is self else self._take_in(x)
        if type(x) is tuple:
            known = self._lifted.get(id(x))
            if known is None:
                lifted = tuple([p if type(p) is float else self.lift(p) for p in x])
                known = self._lifted[id(x)] = (x, x if all(map(operator.is_, x, lifted)) else lifted)
            return known[1]
        if x.op is None:
            return self._leaf(x)
        return self._expand(x)

    def _take_in(self, x: Tracer) -> Any:
        """What stands for a tracer of another trace."""
        if type(x.trace) is not Trace:  # of a body, which has ended
            x.trace.refuse_late_use()
        self.refuse("used a traced value of another trace", "return it from the traced function instead")

    def _leaf(self, value: Value) -> Tracer:
        tracer = self.closed_over.get(value)
        if tracer is None:
            tracer = self.closed_over[value] = self.input(value.label)
        return tracer

    def _expand(self, value: Value) -> Any:
        """A Value that was computed before or outside the trace, recorded as part of it."""

        if not self._unknown(value):
            return self._lifted[id(value)][1]
        self.computed.append(value)
        for node in walk([value], lambda node: [p for p in node.parents if self._unknown(p)]):
            args = [tuple(map(self._known, x)) if type(x) is tuple else self._known(x) for x in node.args]
            self._lifted[id(node)] = (node, Tracer(self, node.op, *_pack(node.op, tuple(args))))
        return self._lifted[id(value)][1]

    def _unknown(self, x: Any) -> bool:
        return type(x) is not float and type(x) is not Tracer and x.op is not None and id(x) not in self._lifted

    def _known(self, x: Any) -> Any:
        return self._lifted[id(x)][1] if id(x) in self._lifted else self.lift(x)


def _pack(op: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    return args if len(args) <= 3 else (args,)


class Tracer(Deciding, Value):
    """A number in a traced function: it has an operation and operands, but no data yet."""

    __slots__ = ("index", "trace")

    trace: Trace
    index: int

    def __init__(self, trace: Trace, op: Any, a: Any = None, b: Any = None, c: Any = None) -> None:
        if trace.busy and op is not None:
            trace = trace.innermost()
            a, b, c = [x if x is None else trace.lift(x) for x in (a, b, c)]
        self.trace = trace
        self.op = op
        self._a = a
        self._b = b
        self._c = c
        self.label = ""
        self._mark = 0
        self.index = len(trace.nodes)
        trace.nodes.append(self)

    def _record(self, op: Primitive, args: tuple[Any, ...]) -> Tracer:
        """The tracer that applies `op` to `args`; see Node."""
        if op is ops.dot:
            ops.check_lengths(args[0], args[1])  # its evaluation does that, but tracing does not evaluate
        trace = self.trace.innermost() if self.trace.busy else self.trace
        return Tracer(trace, op, *_pack(op, tuple([x if type(x) is float else trace.lift(x) for x in args])))

    def stand_in(self, value: Value) -> Any:
        """The tracer that stands, where it is recorded now, for a Value from outside."""
        return self.trace.innermost().lift(value)

    # Everything that needs a number, which does not exist before the program runs

    @property  # type: ignore[misc]
    def data(self) -> float:
        """There is none yet."""
        return self.trace.refuse("read the data of a traced value", "compute with the value itself")

    @property
    def _value(self) -> float:  # type: ignore[override]
        """The engine's own name for it. Where it may be missing, the engine tries, and this is no refusal."""
        raise AttributeError("a traced value has no number yet; compute with the value itself")

    @property  # type: ignore[misc]
    def grad(self) -> float:
        return self.trace.refuse(
            "read the grad of a traced value", "compile ag.grad(f), or call .value_and_grad of the program"
        )

    _grad = grad

    def backward(self, seed: Any = 1.0, create_graph: bool = False) -> Any:
        if not check_flag(create_graph, "backward: create_graph"):
            self.trace.refuse(
                "called backward() on a traced value", "compile ag.grad(f), or call .value_and_grad of the program"
            )
        found = pull_back_to_all(self, seed)
        return {node: g if isinstance(g, Value) else Value(g) for node, g in found.items()}

    def __float__(self) -> float:
        return self.trace.refuse(
            "converted a traced value to float", "use ag's functions in place of math's and float()"
        )

    def __str__(self) -> str:
        return self.trace.refuse("printed a traced value", "return it and print the result, or print its repr()")

    def __format__(self, spec: str) -> str:
        return self.trace.refuse("formatted a traced value", "return it and format the result, or use its repr()")

    def __repr__(self) -> str:
        label = f" {self.label!r}" if self.label else ""
        return f"Tracer({'input' if self.op is None else self.op}{label}: its number is known when the program runs)"

    def __reduce__(self) -> Any:
        return self.trace.refuse("pickled or copied a traced value", "pickle what the program returns")

    def detach(self) -> Tracer:
        return Tracer(self.trace, stop_gradient, self)

    # Everything that is recorded. The arithmetic of two tracers is spelled out, because most time is spent there.

    def __add__(self, other: Any) -> Any:
        if (type(other) is Tracer and other.trace is self.trace) or type(other) is float:
            return Tracer(self.trace, _ADD, self, other)
        return _ADD.operator(self, other)

    def __sub__(self, other: Any) -> Any:
        if (type(other) is Tracer and other.trace is self.trace) or type(other) is float:
            return Tracer(self.trace, _SUB, self, other)
        return _SUB.operator(self, other)

    def __mul__(self, other: Any) -> Any:
        if (type(other) is Tracer and other.trace is self.trace) or type(other) is float:
            return Tracer(self.trace, _MUL, self, other)
        return _MUL.operator(self, other)

    def __radd__(self, other: Any) -> Any:
        return _ADD.operator(other, self)

    def __rsub__(self, other: Any) -> Any:
        return _SUB.operator(other, self)

    def __rmul__(self, other: Any) -> Any:
        return _MUL.operator(other, self)

    def __neg__(self) -> Value:
        return Tracer(self.trace, ops.neg, self)

    def _record_unary(self, op: Primitive) -> Tracer:
        return Tracer(self.trace, op, self)

    def _apply(self, op: Primitive, other: Any) -> Any:
        return op.operator(self, other)

    def _apply_reflected(self, op: Primitive, other: Any) -> Any:
        return op.operator(other, self)

    def __eq__(self, other: object) -> Any:
        return self._compare(equal, other)

    def __ne__(self, other: object) -> Any:
        return self._compare(not_equal, other)

    def __lt__(self, other: Any) -> Any:
        return self._compare(less, other)

    def __le__(self, other: Any) -> Any:
        return self._compare(less_equal, other)

    def __gt__(self, other: Any) -> Any:
        return self._compare(greater, other)

    def __ge__(self, other: Any) -> Any:
        return self._compare(greater_equal, other)

    __hash__ = object.__hash__
    __and__ = __rand__ = comparisons.both
    __or__ = __ror__ = comparisons.either
    __xor__ = __rxor__ = comparisons.differ
    __invert__ = comparisons.negate

    def _compare(self, op: Primitive, other: Any) -> Any:
        try:
            return op.operator(self, other)
        except TypeError:
            if op in (equal, not_equal) and not isinstance(other, Value):
                return op is not_equal  # a number never equals an object of another kind
            raise
