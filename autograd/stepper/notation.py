"""Formulas as tokens: numbers in four digits, what a node computes, and the derivative rule of any primitive.

A formula is a list of tokens, each a kind followed by texts. The page sets them in type, `to_text` writes
them on one line and `to_speech` puts them into words:

    ("name", "w")  ("number", "2")  ("sign", "×")  ("prefix", "−")  ("power", "2")  ("derivative", "L", "w")
    ("number", "2", "gradient")  ("function", "|", "abs")  ("closing", "|")  ("given", "w", "2")  ("text", "…")
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .. import ops
from ..primitive import NOT_TAKEN, Primitive
from ..value import Value

Token = tuple[str, ...]
Tokens = list[Token]

MOST_TERMS = 6  # of a sum; the middle of a longer one is left out
MOST_TOKENS = 24  # of a derivative rule; for a longer one the page shows only ∂y/∂x

# tanh and sigmoid as in textbooks; the engine's own rules are equal, with less rounding.
_TEXTBOOK: dict[str, Callable[[Any, Any], Any]] = {
    "tanh": lambda out, x: 1 - out**2,
    "sigmoid": lambda out, x: out * (1 - out),
}

_GLUE = "\N{WORD JOINER}"  # removes the space after it
_RIGHT_TO_LEFT = {"R", "AL", "AN", "RLE", "RLO", "RLI", "LRE", "LRO", "LRI", "FSI", "PDF", "PDI"}
_SUPERSCRIPTS = str.maketrans("0123456789-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻")
_WORDS = {
    "+": "plus",
    "−": "minus",
    "×": "times",
    "·": "times",
    "/": "divided by",
    "=": "is",
    "≈": "is about",
    "←": "becomes",
    "+=": "grows by",
    "(": "",
    ")": "",
}


# Numbers


def format_number(x: float) -> str:
    """x in at most four digits; whole numbers below a million in full.

    >>> format_number(2.0), format_number(-138.8338), format_number(1e-7), format_number(float("-inf"))
    ('2', '−138.8', '1e−7', '−∞')
    """
    if x != x:
        return "nan"
    if math.isinf(x):
        return "∞" if x > 0 else "−∞"
    if x == int(x) and abs(x) < 1e6:
        text = str(int(x))
    elif 1e-3 <= abs(x) < 1e5:
        text = f"{x:.4g}" if abs(x) < 1e3 else f"{x:.1f}".removesuffix(".0")
    else:
        mantissa, exponent = f"{x:.3e}".split("e")
        text = f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    return text.replace("-", "−")


def is_rounded(x: float) -> bool:
    """Whether format_number(x) leaves digits out, other than the last ones, which are binary rounding."""
    return math.isfinite(x) and not math.isclose(parse_number(format_number(x)), x, rel_tol=1e-12)


def parse_number(text: str) -> float:
    """The float that format_number() wrote, to its four digits."""
    return float(text.replace("−", "-").replace("∞", "inf"))


def equals_sign(*numbers: float) -> Token:
    """The sign between two sides that show these numbers: = or, if digits are left out, ≈."""
    return ("sign", "≈" if any(map(is_rounded, numbers)) else "=")


def number_tokens(x: float, leading: bool = False) -> Tokens:
    """x, in parentheses if it is negative and does not come first."""
    text = format_number(x)
    if text.startswith("−") and not leading:
        return [("sign", "("), ("number", text), ("sign", ")")]
    return [("number", text)]


# Tokens on one line, and in words


def to_text(tokens: Iterable[Token]) -> str:
    """Tokens on one line of text.

    >>> to_text([("derivative", "L", "w"), ("sign", "+="), ("derivative", "L", "z"), ("sign", "·"), ("name", "x")])
    '∂L/∂w += ∂L/∂z · x'
    """
    parts: list[str] = []
    for kind, *texts in tokens:
        if kind == "derivative":
            parts.append(f"∂{texts[0]}/∂{texts[1]}")
        elif kind == "given":
            parts.append(f"{texts[0]} = {texts[1]}")
        elif kind == "closing":
            parts[-1] += texts[0]
        elif kind == "power":
            parts[-1] += texts[0].translate(_SUPERSCRIPTS) if texts[0].lstrip("−").isdigit() else f"^{texts[0]}"
        else:
            parts.append(texts[0] + _GLUE * (kind in ("prefix", "function")))
    return _close_gaps(" ".join(parts))


def to_speech(tokens: Iterable[Token]) -> str:
    """Tokens in words.

    >>> to_speech([("number", "−2"), ("sign", "×"), ("name", "x"), ("power", "2")])
    'minus 2 times x squared'
    """
    parts: list[str] = []
    for kind, *texts in tokens:
        text = texts[0]
        if kind == "number":
            text = text.replace("e", " times 10 to the ").replace("−", "minus ")
            parts.append(text.replace("∞", "infinity"))
        elif kind in ("sign", "prefix"):
            parts.append(_WORDS.get(text, text))
        elif kind == "function":
            parts.append(f"the {texts[1]} of")
        elif kind == "closing":
            continue
        elif kind == "power":
            parts.append({"2": "squared", "3": "cubed"}.get(text, f"to the power {text}"))
        elif kind == "derivative":
            parts.append(f"the derivative of {isolate(text)} with respect to {isolate(texts[1])}")
        else:
            parts.append(isolate(text))
    return _close_gaps(" ".join(part for part in parts if part))


def isolate(name: str) -> str:
    """A name for use in a sentence: if it has right-to-left letters, they must not turn the words around it."""
    turns = any(unicodedata.bidirectional(c) in _RIGHT_TO_LEFT for c in name)
    return f"\N{FIRST STRONG ISOLATE}{name}\N{POP DIRECTIONAL ISOLATE}" if turns else name


def _close_gaps(text: str) -> str:
    for wide, close in ((" )", ")"), ("( ", "("), (" ,", ","), (" :", ":"), (_GLUE + " ", ""), (_GLUE, "")):
        text = text.replace(wide, close)
    return text


# What a node computes, and its derivative


def write_formula(value: Any, in_numbers: bool = False, times: str = "×") -> Tokens:
    """How `value` is computed, down to labelled leaves, which are written as labels or as numbers."""
    return _write_operand(value, in_numbers, times, 0, True)


def write_partials(op: Primitive, out: Value, args: Sequence[Any]) -> list[Tokens | None]:
    """The partial derivatives of `op` as formulas: one for each argument, and each item of a sequence.

    The primitive's own rule runs on Values, which are then written down, so every primitive has its
    formula, including a user's own. It is None if there is no rule, or if the formula is too long.

    Args:
        op: the primitive.
        out, args: its result and its arguments: leaf Values with labels, floats, and tuples of both.
    """
    result: list[Tokens | None] = []
    for k, x in enumerate(args):
        parts = x if type(x) is tuple else (x,)
        partial = _TEXTBOOK.get(op.name) if getattr(ops, op.name, None) is op else None
        partial = partial or op.partials[k]
        try:
            found = partial(out, *args) if partial is not None else None
            if found is NOT_TAKEN:
                found = [0.0] * len(parts) if type(x) is tuple else 0.0
            each = list(found) if type(x) is tuple and found is not None else [found]
            texts = [None if d is None else write_formula(d, times="·") for d in each]
        except Exception:  # a user's rule may accept floats only, and then there is no formula
            texts = []
        if len(texts) != len(parts):
            texts = [None] * len(parts)
        result += [t if t is not None and len(t) <= MOST_TOKENS else None for t in texts]
    return result


def _write_operand(x: Any, in_numbers: bool, times: str, level: int, leading: bool) -> Tokens:
    """x as an operand that binds at least as tightly as `level`: 1 sum, 2 quotient, 3 product, 4 power, 5 one term."""
    if not isinstance(x, Value):
        return number_tokens(float(x), leading and level < 5)
    if x.op is None:
        return number_tokens(x.data, leading and level < 5) if in_numbers or not x.label else [("name", x.label)]

    def side(y: Any, its_level: int, first: bool = False) -> Tokens:
        return _write_operand(y, in_numbers, times, its_level, first)

    op, args = x.op, x.args
    if op is ops.mul and 1.0 in [y for y in args if type(y) is float]:
        return side(args[1] if type(args[0]) is float and args[0] == 1.0 else args[0], level, leading)
    if op is ops.pow and type(args[1]) is float and args[1] == 1.0:
        return side(args[0], level, leading)
    if op is ops.where and type(args[0]) is float:
        return side(args[1] if args[0] else args[2], level, leading)
    if op is ops.add or op is ops.sub:
        own, tokens = 1, [*side(args[0], 1, True), ("sign", op.symbol), *side(args[1], 2 if op is ops.sub else 1)]
    elif op is ops.mul:
        own, tokens = 3, [*side(args[0], 3, True), ("sign", times), *side(args[1], 3)]
    elif op is ops.div:
        own, tokens = 2, [*side(args[0], 3, True), ("sign", "/"), *side(args[1], 4)]
    elif op is ops.neg:
        own, tokens = (3 if leading else 1), [("prefix", "−"), *side(args[0], 3)]
    elif op is ops.pow and type(args[1]) is float:
        own, tokens = 4, [*side(args[0], 5), ("power", format_number(args[1]))]
    elif op is ops.pow:
        own, tokens = 4, [*side(args[0], 5), ("sign", "^"), *side(args[1], 5)]
    elif op is ops.sum or op is ops.dot or op is ops.prod:
        own, tokens = _write_many(x, in_numbers, times)
    else:
        return _write_call(x, in_numbers, times)
    return tokens if own >= level else [("sign", "("), *tokens, ("sign", ")")]


def _write_many(x: Value, in_numbers: bool, times: str) -> tuple[int, Tokens]:
    """A sum, dot or product of many terms, and its level; the middle of a long one is left out."""
    assert x.op is not None
    if x.op is ops.dot:
        ws, xs, bias = x.args
        terms = [ops.mul(w, y) if isinstance(w, Value) or isinstance(y, Value) else w * y for w, y in zip(ws, xs)]
        terms += [bias] if isinstance(bias, Value) or bias != 0.0 else []
    else:
        terms = list(x.args[0])
    level, sign = (3, times) if x.op is ops.prod else (1, "+")
    pieces = [_write_operand(term, in_numbers, times, level, k == 0) for k, term in enumerate(terms)]
    return level if len(pieces) > 1 else 5, join_tokens(pieces, sign) or number_tokens(x.data, True)


def join_tokens(pieces: Sequence[Tokens], sign: str) -> Tokens:
    """Pieces with a sign between them; of more than MOST_TERMS only the first ones and the last."""
    shown = list(pieces)
    if len(shown) > MOST_TERMS:
        shown = [*shown[: MOST_TERMS - 2], [("text", "…")], shown[-1]]
    tokens: Tokens = []
    for piece in shown:
        tokens += [("sign", sign), *piece] if tokens else piece
    return tokens


def _write_call(x: Value, in_numbers: bool, times: str) -> Tokens:
    """A function of its arguments: f(x, y) or, if its symbol is written that way, |x|."""
    assert x.op is not None
    inner = [
        _write_operand(y, in_numbers, times, 0, True) for arg in x.args for y in (arg if type(arg) is tuple else (arg,))
    ]
    arguments = join_tokens(inner, ",")
    symbol, name = x.op.symbol, x.op.name
    if symbol in ("|x|", "‖x‖"):
        return [("function", symbol[0], name), *arguments, ("closing", symbol[-1])]
    function = ("function", symbol if symbol.isalpha() else name, name)
    if x.op is ops.sqrt:
        function = ("function", "√", "square root")
    return [function, ("sign", "("), *arguments, ("sign", ")")]
