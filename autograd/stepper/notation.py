"""Mathematics as tokens: numbers in four digits, what a node computes, and the derivative rule of any primitive.

A formula is a list of tokens, pairs of a kind and texts, which the page sets in type, `plain` writes
on one line and `spoken` puts into words:

    ("name", "w")  ("number", "2")  ("sign", "×")  ("prefix", "−")  ("power", "2")  ("derivative", "L", "w")
    ("number", "2", "gradient")  ("function", "|", "abs")  ("closing", "|")  ("given", "w", "2")  ("text", "…")
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .. import ops
from ..primitive import Primitive
from ..value import Value

Token = tuple[str, ...]
Tokens = list[Token]

MOST_TERMS = 6  # of a sum that are written out; past that the middle is left out
MOST_TOKENS = 24  # of a derivative rule; a longer one is written as the derivative that it is

# tanh and sigmoid as the books have them; the engine's own rules are equal and rounded better.
_TEXTBOOK: dict[str, Callable[[Any, Any], Any]] = {
    "tanh": lambda out, x: 1 - out**2,
    "sigmoid": lambda out, x: out * (1 - out),
}

_GLUE = "\N{WORD JOINER}"  # takes away the space after it
_RIGHT_TO_LEFT = {"R", "AL", "AN", "RLE", "RLO", "RLI", "LRE", "LRO", "LRI", "FSI", "PDF", "PDI"}
_SUPERSCRIPTS = str.maketrans("0123456789-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻")
_SPOKEN = {
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


def number(x: float) -> str:
    """x in at most four digits, whole numbers below a million in full.

    >>> number(2.0), number(-138.8338), number(1e-7), number(float("-inf"))
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
    """Whether number(x) shows less than the float says, the last digits of binary rounding aside."""
    return math.isfinite(x) and not math.isclose(parsed(number(x)), x, rel_tol=1e-12)


def parsed(text: str) -> float:
    """The float that number() wrote."""
    return float(text.replace("−", "-").replace("∞", "inf"))


def equals(*numbers: float) -> Token:
    """The sign between two sides that hold these numbers: = or, where digits have been left out, ≈."""
    return ("sign", "≈" if any(map(is_rounded, numbers)) else "=")


def signed(x: float, leading: bool = False) -> Tokens:
    """x, in parentheses if it is negative and does not come first."""
    text = number(x)
    if text.startswith("−") and not leading:
        return [("sign", "("), ("number", text), ("sign", ")")]
    return [("number", text)]


# Tokens on one line, and in words


def plain(tokens: Iterable[Token]) -> str:
    """Tokens on one line of text.

    >>> plain([("derivative", "L", "w"), ("sign", "+="), ("derivative", "L", "z"), ("sign", "·"), ("name", "x")])
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
    return _tight(" ".join(parts))


def spoken(tokens: Iterable[Token]) -> str:
    """Tokens in words.

    >>> spoken([("number", "−2"), ("sign", "×"), ("name", "x"), ("power", "2")])
    'minus 2 times x squared'
    """
    parts: list[str] = []
    for kind, *texts in tokens:
        text = texts[0]
        if kind == "number":
            text = text.replace("e", " times 10 to the ").replace("−", "minus ")
            parts.append(text.replace("∞", "infinity"))
        elif kind in ("sign", "prefix"):
            parts.append(_SPOKEN.get(text, text))
        elif kind == "function":
            parts.append(f"the {texts[1]} of")
        elif kind == "closing":
            continue
        elif kind == "power":
            parts.append({"2": "squared", "3": "cubed"}.get(text, f"to the power {text}"))
        elif kind == "derivative":
            parts.append(f"the derivative of {isolated(text)} by {isolated(texts[1])}")
        else:
            parts.append(isolated(text))
    return _tight(" ".join(part for part in parts if part))


def isolated(name: str) -> str:
    """A name for the midst of a sentence: one with right-to-left letters must not turn the words around it."""
    turns = any(unicodedata.bidirectional(c) in _RIGHT_TO_LEFT for c in name)
    return f"\N{FIRST STRONG ISOLATE}{name}\N{POP DIRECTIONAL ISOLATE}" if turns else name


def _tight(text: str) -> str:
    for wide, close in ((" )", ")"), ("( ", "("), (" ,", ","), (" :", ":"), (_GLUE + " ", ""), (_GLUE, "")):
        text = text.replace(wide, close)
    return text


# What a node computes, and its derivative


def written(value: Any, in_numbers: bool = False, times: str = "×") -> Tokens:
    """What `value` is computed by, down to labelled leaves, which are written by label or in numbers."""
    return _write(value, in_numbers, times, 0, True)


def rule(op: Primitive, out: Value, args: Sequence[Any]) -> list[Tokens | None]:
    """The partial derivatives of `op` as formulas: one for each argument, those in a sequence one by one.

    The primitive's own rule is run on Values, which are then written down: so each primitive has
    its formula, a user's own too. None stands where there is no rule, or none short enough.

    Args:
        op: the primitive.
        out, args: its result and its arguments, as leaf Values with labels, floats, and tuples of both.
    """
    result: list[Tokens | None] = []
    for k, x in enumerate(args):
        parts = x if type(x) is tuple else (x,)
        partial = _TEXTBOOK.get(op.name) if getattr(ops, op.name, None) is op else None
        partial = partial or op.partials[k]
        try:
            found = partial(out, *args) if partial is not None else None
            each = list(found) if type(x) is tuple and found is not None else [found]
            texts = [None if d is None else written(d, times="·") for d in each]
        except Exception:  # a user's rule, which may want floats alone, and then has no formula to show
            texts = []
        if len(texts) != len(parts):
            texts = [None] * len(parts)
        result += [t if t is not None and len(t) <= MOST_TOKENS else None for t in texts]
    return result


def _write(x: Any, in_numbers: bool, times: str, level: int, leading: bool) -> Tokens:
    """x as an operand that binds at least as tightly as `level`: 1 sums, 2 quotients, 3 products, 4 powers, 5 all."""
    if not isinstance(x, Value):
        return signed(float(x), leading and level < 5)
    if x.op is None:
        return signed(x.data, leading and level < 5) if in_numbers or not x.label else [("name", x.label)]

    def side(y: Any, its_level: int, first: bool = False) -> Tokens:
        return _write(y, in_numbers, times, its_level, first)

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
        own, tokens = 4, [*side(args[0], 5), ("power", number(args[1]))]
    elif op is ops.pow:
        own, tokens = 4, [*side(args[0], 5), ("sign", "^"), *side(args[1], 5)]
    elif op is ops.sum or op is ops.dot or op is ops.prod:
        own, tokens = _many(x, in_numbers, times)
    else:
        return _call(x, in_numbers, times)
    return tokens if own >= level else [("sign", "("), *tokens, ("sign", ")")]


def _many(x: Value, in_numbers: bool, times: str) -> tuple[int, Tokens]:
    """A sum, a dot or a product of many, with its level; the middle of a long one left out."""
    assert x.op is not None
    if x.op is ops.dot:
        ws, xs, bias = x.args
        terms = [ops.mul(w, y) if isinstance(w, Value) or isinstance(y, Value) else w * y for w, y in zip(ws, xs)]
        terms += [bias] if isinstance(bias, Value) or bias != 0.0 else []
    else:
        terms = list(x.args[0])
    level, sign = (3, times) if x.op is ops.prod else (1, "+")
    pieces = [_write(term, in_numbers, times, level, k == 0) for k, term in enumerate(terms)]
    return level if len(pieces) > 1 else 5, joined(pieces, sign) or signed(x.data, True)


def joined(pieces: Sequence[Tokens], sign: str) -> Tokens:
    """Pieces with a sign between them; of more than MOST_TERMS the first ones and the last."""
    shown = list(pieces)
    if len(shown) > MOST_TERMS:
        shown = [*shown[: MOST_TERMS - 2], [("text", "…")], shown[-1]]
    tokens: Tokens = []
    for piece in shown:
        tokens += [("sign", sign), *piece] if tokens else piece
    return tokens


def _call(x: Value, in_numbers: bool, times: str) -> Tokens:
    """A function of its arguments, as f(x, y) or, where the symbol says so, as |x|."""
    assert x.op is not None
    inner = [_write(y, in_numbers, times, 0, True) for arg in x.args for y in (arg if type(arg) is tuple else (arg,))]
    arguments = joined(inner, ",")
    symbol, name = x.op.symbol, x.op.name
    if symbol in ("|x|", "‖x‖"):
        return [("function", symbol[0], name), *arguments, ("closing", symbol[-1])]
    function = ("function", symbol if symbol.isalpha() else name, name)
    if x.op is ops.sqrt:
        function = ("function", "√", "square root")
    return [function, ("sign", "("), *arguments, ("sign", ")")]
