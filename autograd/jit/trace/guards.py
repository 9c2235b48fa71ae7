"""Decisions: what a traced function did because of a number, such as the side of an `if` that it took.

A trace that knows the numbers of one real element can answer when the function asks for one. The answer holds for this
element and perhaps not for others, so it becomes a guard: a number that compiled code computes for each element, and
what it was here. Elements for which it is the same go through the same operations, up to the next guard.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ... import ops
from ...primitive import Primitive
from ...user_line import user_line
from .. import tuning
from .comparisons import COMPARISONS, equal, less, not_equal
from .state import TracingError

if TYPE_CHECKING:
    from ...value import Value
    from .tracer import Trace, Tracer


class Decision(NamedTuple):
    """A decision that a function took.

    Attributes:
        line: the user's line, "file:line".
        number: what the function saw: a whole number, or 1.0 for true and 0.0 for false.
        is_choice: whether it was asked for a truth, and not for a whole number.
        asked: the symbol of the comparison, and its two numbers, None for what was computed.
    """

    line: str
    number: float
    is_choice: bool
    asked: tuple[str, float | None, float | None]


class Decider(Protocol):
    """What answers when a traced function decides."""

    def answer(self, tracer: Tracer) -> float | None:
        """The number of a tracer; None if it cannot be known."""

    def agrees(self) -> Any:
        """A tracer that is 1 for elements that have taken the same decisions so far, otherwise 0; 1.0 without any."""


def question(tracer: Tracer) -> Any:
    """What a decision asks for. Tracers that apply one operation to the same operands ask for the same."""
    if tracer.op is None:
        return tracer.index
    return (tracer.op, *[x.hex() if type(x) is float else -id(x) if type(x) is tuple else x.index for x in tracer.args])


class Decisions:
    """The decisions of one trace.

    Args:
        numbers: a function that gives the numbers of the arguments, one for each input of the trace, in order. It is
            called at the first decision that needs them.
        forced: the first decisions as compiled code found them. It rounds otherwise than Python in the last place, and
            its answer counts, so that an element cannot be sent to and fro between two paths.
        skip: how many of the first decisions compiled code need not look at.

    Attributes:
        tracers: the numbers that were asked for.
        taken: for each of them the Decision.
    """

    def __init__(self, numbers: Callable[[], list[float]], forced: Sequence[float] = (), skip: int = 0) -> None:
        self.skip = skip
        self.tracers: list[Tracer] = []
        self.taken: list[Decision] = []
        self._give = numbers
        self._forced = forced
        self._answers: dict[Any, float] = {}
        self._equal: dict[Decision, Decision] = {}  # thousands are equal, and each path keeps its own
        self._known: list[float] = []  # the numbers of the trace's first nodes
        self._agrees: tuple[int, Any] = (skip, 1.0)  # how many decisions it is about, and the tracer

    def answer(self, tracer: Tracer) -> float:
        """The number of a tracer. From here on the trace holds only for elements for which it is the same."""
        key = question(tracer)
        if key not in self._answers:
            count = len(self.taken)
            if count >= tuning.DECISIONS:
                raise TracingError(
                    f"{user_line()}: the function being compiled took {count:,} decisions on traced values, and no end "
                    "is in sight; write such a loop with ag.while_loop or ag.fori_loop, and such a choice with "
                    "ag.where or ag.cond"
                )
            number = self._forced[count] if count < len(self._forced) else self._number(tracer)
            self._answers[key] = number
            self.tracers.append(tracer)
            left, right = [x if type(x) is float else None for x in (*tracer.args, None, None)[:2]]
            symbol = tracer.op.symbol if tracer.op is not None else ""
            decision = Decision(user_line(), number, tracer.op in COMPARISONS, (symbol, left, right))
            self.taken.append(self._equal.setdefault(decision, decision))
        return self._answers[key]

    def agrees(self) -> Any:
        """A tracer that is 1 for elements that have taken the same decisions so far, otherwise 0; 1.0 without any.

        Other elements run through the same code, and what it makes of them is dropped. A loop must not run for them:
        it may have no end.
        """
        count, agrees = self._agrees
        for tracer, decision in zip(self.tracers[count:], self.taken[count:]):
            holds, yes, no = tracer, agrees, 0.0
            if not decision.is_choice:
                holds = _is_same(tracer, decision.number)
            elif not decision.number:
                yes, no = no, yes
            agrees = ops.where(holds, yes, no)
        self._agrees = max(count, len(self.taken)), agrees
        return agrees

    def _number(self, tracer: Tracer) -> float:
        """The number of a tracer, computed by the primitives on floats, each node once."""
        known = self._known
        if not known:
            known += self._give()
        trace = tracer.trace
        outside: dict[int, Value] = {}
        if any(node.op is None for node in trace.nodes[len(known) : tracer.index + 1]):
            outside = {leaf.index: value for value, leaf in trace.closed_over.items()}
        for node in trace.nodes[len(known) : tracer.index + 1]:
            if node.op is None:
                known.append(outside[node.index].data)
                continue
            args: list[Any] = []
            for x in node.args:
                if type(x) is tuple:
                    args.append(tuple([p if type(p) is float else known[p.index] for p in x]))
                else:
                    args.append(x if type(x) is float else known[x.index])
            known.append(node.op.evaluate(*args))
        return known[tracer.index]


class Deciding:
    """The methods of a tracer by which a function decides. It goes on by a number, if the trace knows one."""

    __slots__ = ()

    trace: Trace
    op: Primitive | None
    _record_unary: Callable[[Primitive], Any]

    def __bool__(self) -> bool:
        truth: Any = self if self.op in COMPARISONS else not_equal(self, 0.0)
        return bool(
            self.trace.decide(
                truth,
                "branched on a traced value (if, while, and, or, not, max, min, in, or NumPy's such as np.maximum)",
                "use ag.where(condition, a, b), ag.maximum, ag.minimum or ag.clip, which choose when the program runs, "
                "or ag.cond; in an array x number by number: np.array([ag.maximum(e, 0.0) for e in x]), "
                "functools.reduce(ag.maximum, x)",
            )
        )

    def __int__(self) -> int:
        return int(self._whole(ops.trunc, "converted a traced value to int"))

    def __index__(self) -> int:
        number = self._whole(ops.rint, "used a traced value as an index or a count")
        if not_equal(self, number):
            raise TypeError("a number that is used as an index or a count must be whole, got a fraction. Use int(x)")
        return int(number)

    def __round__(self, ndigits: Any = None) -> Any:
        if ndigits is not None:
            self.trace.refuse("rounded a traced value to some digits", "round what the program returns")
        return round(self._whole(ops.rint, "rounded a traced value"))

    def __trunc__(self) -> int:
        return math.trunc(self._whole(ops.trunc, "truncated a traced value"))

    def __floor__(self) -> int:
        return math.floor(self._whole(ops.floor, "rounded a traced value down"))

    def __ceil__(self) -> int:
        return math.ceil(self._whole(ops.ceil, "rounded a traced value up"))

    def _whole(self, op: Primitive, what: str) -> float:
        """The number of op(self), which is whole, inf or nan."""
        return self.trace.decide(
            self._record_unary(op),
            what,
            "choose with ag.where, ag.dot with a one-hot row or nn.Embedding, read an array row by row with ag.scan, "
            "round with ag.floor, ag.rint or ag.trunc, or name an argument of ag.jit in static_argnames",
        )


def _is_same(tracer: Tracer, number: float) -> Any:
    """Whether a whole number is this one, which may be nan."""
    return equal(tracer, number) if number == number else not_equal(tracer, tracer)


def first_broken(decisions: Decisions) -> tuple[Any, Any]:
    """The number of the first decision that another element takes otherwise, and what it sees there, as tracers.

    If it takes none otherwise, the first is how many decisions there are. The second is given for whole numbers only.

    Args:
        decisions: those of a trace that has not ended.
    """
    count = float(len(decisions.taken))
    pairs: list[tuple[Any, Any]] = []
    for k, (tracer, decision) in enumerate(zip(decisions.tracers, decisions.taken)):
        number, at = decision.number, float(k)
        if k < decisions.skip:
            continue
        if decision.is_choice:
            pairs.append((ops.where(tracer, count, at) if number else ops.where(tracer, at, count), None))
        else:
            pairs.append((ops.where(_is_same(tracer, number), count, at), tracer))
    while len(pairs) > 1:  # in pairs, so that thousands of decisions make no long chain
        halves = [_earlier(*pairs[k : k + 2]) for k in range(0, len(pairs) - 1, 2)]
        pairs = halves + pairs[2 * len(halves) :]
    first, seen = pairs[0] if pairs else (count, None)
    return first, 0.0 if seen is None else seen


def _earlier(one: tuple[Any, Any], other: tuple[Any, Any]) -> tuple[Any, Any]:
    """Of two pairs that first_broken compares, that of the smaller number."""
    is_first = less(one[0], other[0])
    if one[1] is None and other[1] is None:
        seen: Any = None
    else:
        seen = ops.where(is_first, *[0.0 if x is None else x for x in (one[1], other[1])])
    return ops.where(is_first, one[0], other[0]), seen


def pack_answers(numbers: Sequence[float]) -> bytes:
    """Answers as bytes, eight for each. Equal answers have equal bytes: one zero, one nan."""
    return struct.pack(f"{len(numbers)}d", *[x + 0.0 if x == x else _NAN for x in numbers])


_NAN = float("nan")
