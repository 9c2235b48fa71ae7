"""Text in a picture, escaped so that it appears as written, and its approximate width."""

from __future__ import annotations

import html
import re
import unicodedata

from ..installation import require


def text_lines(text: str) -> list[str]:
    """The lines of a text."""
    return re.split(r"\r\n|[\n\r\v\f\x85\u2028\u2029]", text)


def show_control_characters(line: str) -> str:
    """A line in which control characters, which XML cannot hold, are replaced by their pictures (␀, ␛)."""

    def picture(match: re.Match[str]) -> str:
        code = ord(match[0])
        return "    " if code == 9 else chr(0x2400 + code) if code < 32 else "␡" if code == 127 else "\ufffd"

    return re.sub(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]", picture, line)


def html_label(text: str) -> str:
    """Text escaped for DOT's HTML, in which a backslash begins an escape too."""
    return "<BR/>".join(html.escape(show_control_characters(line)).replace("\\", "\\\\") for line in text_lines(text))


def quote(text: str, backslash: str = "\\\\") -> str:
    """Text escaped for a DOT attribute in quotes: no escapes except for line ends, no entities, no HTML."""
    graphviz = require("graphviz", "drawing")  # only where something is drawn
    lines = [show_control_characters(line).replace("\\", backslash).replace("&", "&amp;") for line in text_lines(text)]
    return graphviz.nohtml("\\n".join(lines))  # type: ignore[no-any-return]


def quote_tooltip(text: str) -> str:
    """Text escaped for a tooltip, in which Graphviz undoes escapes twice."""
    return quote(text, "\\\\" * 2)


def text_width(text: str) -> float:
    """The approximate width of a line in Helvetica, in ems."""
    width = 0.0
    for c in text:
        if unicodedata.category(c) in ("Mn", "Me", "Cf"):
            continue
        if unicodedata.east_asian_width(c) in "WF":
            width += 1.3 if ord(c) >= 0x1F000 else 1.0  # emoji are wider than an em
        elif c in "iljtfrI.,:;'|!()[]{} ":
            width += 0.32
        else:
            width += 0.8 if c.isupper() or c in "mw@%→" or ord(c) > 0x580 else 0.58
    return width
