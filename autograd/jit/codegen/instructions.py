"""Each primitive in LLVM IR, exact where the eager engine is exact."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence

from ... import ops
from ...primitive import Primitive
from ..graph.passes import SHORT_DOT
from ..trace.comparisons import COMPARISONS
from ..vector_math import exp as vector_exp, log as vector_log, table as vector_math
from .ir import Writer

Emit = Callable[..., str]
Carried = Sequence[str]


def _maximum(w: Writer, a: str, b: str) -> str:
    return w.select(w.either(w.compare("oge", a, b), w.compare("uno", a, a)), a, b)


def _minimum(w: Writer, a: str, b: str) -> str:
    return w.select(w.either(w.compare("ole", a, b), w.compare("uno", a, a)), a, b)


def _relu(w: Writer, x: str) -> str:
    return w.select(w.compare("ole", x, w.c(0.0)), w.c(0.0), x)


def _sign(w: Writer, x: str) -> str:
    one = w.select(w.compare("uno", x, x), x, w.intrinsic("copysign", w.c(1.0), x))
    return w.select(w.compare("oeq", x, w.c(0.0)), w.c(0.0), one)


def _heaviside(w: Writer, x: str, at_zero: str) -> str:
    step = w.select(w.compare("ogt", x, w.c(0.0)), w.c(1.0), w.c(0.0))
    step = w.select(w.compare("uno", x, x), x, step)
    return w.select(w.compare("oeq", x, w.c(0.0)), at_zero, step)


def add_term(w: Writer, x: str, total: str, lost: str) -> tuple[str, str]:
    """total + x, and `lost` plus what the rounding of that sum lost, which is a float (D. E. Knuth, TAOCP 2, 4.2.2)."""
    after = w.add(total, x)
    back = w.sub(after, total)
    return after, w.add(lost, w.add(w.sub(total, w.sub(after, back)), w.sub(x, back)))


def finish_sum(w: Writer, total: str, lost: str) -> str:
    """total + lost, or the total alone if it is infinite or nan. It is as if the sum had been rounded once."""
    result = w.add(total, lost)
    return w.select(w.compare("uno", result, result), total, result)


def _in_order(w: Writer, xs: Sequence[str]) -> str:
    return functools.reduce(w.add, xs, w.c(0.0))


def _sum(w: Writer, *xs: str) -> str:
    """It begins with +0, because the correctly rounded sum of negative zeros is +0 too."""
    if len(xs) <= 2:
        return _in_order(w, xs)
    total, lost = w.add(w.c(0.0), xs[0]), w.c(0.0)
    for x in xs[1:]:
        total, lost = add_term(w, x, total, lost)
    return finish_sum(w, total, lost)


def _dot(w: Writer, *args: str) -> str:
    """A long dot: the bias, and the products in order. A short one: the products, rounded, and then the bias."""
    half, bias = len(args) // 2, args[-1]
    pairs = zip(args[:half], args[half:-1])
    if half > SHORT_DOT:
        return functools.reduce(lambda total, pair: w.fma(pair[0], pair[1], total), pairs, bias)
    return w.add(_in_order(w, [w.mul(a, b) for a, b in pairs]), bias)


def _prod(w: Writer, *xs: str) -> str:
    return functools.reduce(w.mul, xs, w.c(1.0))


def _norm(w: Writer, *xs: str) -> str:
    """The root of the sum of squares. A power of two scales all numbers, so that no square overflows."""
    top = functools.reduce(lambda top, x: _larger_size(w, top, x), xs, w.c(0.0))
    scale = _scale_for(w, top)
    squares = [w.mul(x, x) for x in [w.mul(x, scale) for x in xs]]
    return _finish_norm(w, top, scale, _sum(w, *squares))


def _larger_size(w: Writer, top: str, x: str) -> str:
    size = w.intrinsic("fabs", x)
    return w.select(w.compare("ogt", size, top), size, top)


def _scale_for(w: Writer, top: str) -> str:
    """The power of two by which the largest number becomes about 1."""
    exponent = w.integer("and", w.bits(top), w.i(0x7FF0000000000000))
    within = w.integer("sub", w.i(0x7FE0000000000000), exponent)  # the bits of 2^-e, where |e| <= 1022
    lowest = w.put(f"icmp slt {w.long} {within}, {w.i(0x0010000000000000)}", "b")
    return w.from_bits(
        w.put(f"select {w.truth_type} {lowest}, {w.long} {w.i(0x0010000000000000)}, {w.long} {within}", "i")
    )


def _finish_norm(w: Writer, top: str, scale: str, total: str) -> str:
    length = w.div(w.intrinsic("sqrt", total), scale)
    infinite = w.compare("oeq", top, w.c(math.inf))
    return w.select(infinite, w.c(math.inf), length)


def _logsumexp(w: Writer, *xs: str) -> str:
    """The largest x, plus log1p of the sum of exp(x - largest) over all others."""
    top = functools.reduce(lambda top, x: _larger_or_nan(w, top, x), xs)
    if len(xs) == 2:
        other = w.select(w.compare("oeq", xs[0], top), xs[1], xs[0])
        return _finish_logsumexp(w, top, w.call("exp", vector_exp.exp, w.sub(other, top)))
    terms, found = [], ""
    for x in xs:
        is_top = w.compare("oeq", x, top)
        first = w.both(is_top, w.opposite(found)) if found else is_top
        found = w.either(found, is_top) if found else is_top
        terms.append(w.select(first, w.c(0.0), w.call("exp", vector_exp.exp, w.sub(x, top))))
    return _finish_logsumexp(w, top, _sum(w, *terms))


def _larger_or_nan(w: Writer, top: str, x: str) -> str:
    return w.select(w.compare("uno", x, x), x, _maximum(w, top, x))


def _finish_logsumexp(w: Writer, top: str, total: str) -> str:
    result = w.add(top, w.call("log1p", vector_log.log1p, total))
    infinite = w.compare("ueq", w.intrinsic("fabs", top), w.c(math.inf))  # or nan
    return w.select(infinite, top, result)


def _shared(body: Emit) -> Emit:
    """An instruction that calls a function, which is written once for all uses."""
    return lambda w, *args: w.call(body.__name__, body, *args)


def _library(name: str) -> Emit:
    def emit(w: Writer, *args: str) -> str:
        return w.call(f"each_{name}", lambda v, *xs: v.libm(name, *xs), *args)

    return emit


# Instructions by the name that a primitive gives as `native`.
LLVM: dict[str, Emit] = {
    "fadd": Writer.add,
    "fsub": Writer.sub,
    "fmul": Writer.mul,
    "fdiv": Writer.div,
    "fneg": Writer.neg,
    "llvm.fma": Writer.exact_fma,
}


def _arities(count: int, names: str, prefix: str = "") -> dict[str, int]:
    return {prefix + name: count for name in names.split()}


# The names that `native` may be, each with its number of arguments, all doubles: a wrong one would crash the process.
NATIVE: dict[str, int] = {
    **_arities(2, "fadd fsub fmul fdiv"),
    **_arities(1, "fneg"),
    **_arities(1, "ceil cos exp exp2 fabs floor log log10 log2 nearbyint rint round sin sqrt trunc", "llvm."),
    **_arities(2, "copysign maximum maxnum minimum minnum pow", "llvm."),
    **_arities(3, "fma", "llvm."),
    **_arities(
        1, "acos acosh asin asinh atan atanh cbrt ceil cos cosh erf erfc exp exp2 expm1 fabs floor j0 j1 lgamma"
    ),
    **_arities(1, "log log10 log1p log2 logb nearbyint rint round sin sinh sqrt tan tanh tgamma trunc y0 y1"),
    **_arities(2, "atan2 copysign fdim fmax fmin fmod hypot nextafter pow remainder"),
    **_arities(3, "fma"),
}


def _add_square(w: Writer, carried: Carried, x: str) -> Carried:
    top, scale, *total = carried
    scaled = w.mul(x, scale)
    return top, scale, *add_term(w, w.mul(scaled, scaled), *total)


def _add_exp(w: Writer, carried: Carried, x: str) -> Carried:
    """`found` is 1 after the largest x, and 0 before."""
    top, found, *total = carried
    is_top = w.compare("oeq", x, top)
    first = w.both(is_top, w.compare("oeq", found, w.c(0.0)))
    term = w.select(first, w.c(0.0), w.call("exp", vector_exp.exp, w.sub(x, top)))
    return top, w.select(is_top, w.c(1.0), found), *add_term(w, term, *total)


@dataclasses.dataclass(frozen=True)
class Long:
    """A primitive of any number of operands, computed term by term.

    Attributes:
        passes: what is carried at first, and what after a term. The first pass starts with the operands that are not
            in a sequence, the next with what the one before has carried to its end.
        finish: what becomes of it in the end.
    """

    passes: Sequence[tuple[Callable[..., Carried], Callable[..., Carried]]]
    finish: Callable[..., str] = lambda w, total: total


LONG = {
    ops.dot: Long([(lambda w, bias: [bias], lambda w, carried, a, b: [w.fma(a, b, *carried)])]),
    ops.sum: Long([(lambda w: [w.c(0.0), w.c(0.0)], lambda w, carried, x: add_term(w, x, *carried))], finish_sum),
    ops.prod: Long([(lambda w: [w.c(1.0)], lambda w, carried, x: [w.mul(*carried, x)])]),
    ops.norm: Long(
        [
            (lambda w: [w.c(0.0)], lambda w, carried, x: [_larger_size(w, carried[0], x)]),
            (lambda w, top: [top, _scale_for(w, top), w.c(0.0), w.c(0.0)], _add_square),
        ],
        lambda w, top, scale, *total: _finish_norm(w, top, scale, finish_sum(w, *total)),
    ),
    ops.logsumexp: Long(
        [
            (lambda w: [w.c(-math.inf)], lambda w, carried, x: [_larger_or_nan(w, carried[0], x)]),
            (lambda w, top: [top, w.c(0.0), w.c(0.0), w.c(0.0)], _add_exp),
        ],
        lambda w, top, found, *total: _finish_logsumexp(w, top, finish_sum(w, *total)),
    ),
}

# Primitives that take more than one instruction, or a function of vector_math.
INSTRUCTIONS: dict[Primitive, Emit] = {
    ops.maximum: _maximum,
    ops.minimum: _minimum,
    ops.relu: _relu,
    ops.sign: _sign,
    ops.heaviside: _heaviside,
    ops.where: lambda w, c, a, b: w.select(w.truth(c), a, b),
    ops.sum: _sum,
    ops.dot: _dot,
    ops.prod: _prod,
    ops.norm: _norm,
    ops.hypot: _norm,
    ops.logsumexp: _logsumexp,
    **{op: (lambda w, a, b, predicate=op.native: w.compare(predicate, a, b)) for op in COMPARISONS},
    **{op: _shared(body) for op, body in vector_math.FUNCTIONS.items()},
}


def emit(w: Writer, op: Primitive, args: Sequence[str]) -> str:
    """Write the application of `op`. Truth values become numbers, except for the condition of `where`."""
    args = [x if op is ops.where and not n else w.number(x) for n, x in enumerate(args)]
    if op in INSTRUCTIONS:
        return INSTRUCTIONS[op](w, *args)
    assert isinstance(op.native, str)  # a formula has been expanded
    if op.native in LLVM:
        return LLVM[op.native](w, *args)
    if op.native.startswith("llvm."):
        return w.intrinsic(op.native.removeprefix("llvm."), *args)
    return _library(op.native)(w, *args)
