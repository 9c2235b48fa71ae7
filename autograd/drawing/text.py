"""Text in a picture: as written, whatever is in it, and about how wide."""

from __future__ import annotations

import html
import re
import unicodedata

from ..installation import require


def text_lines(text: str) -> list[str]:
    """The lines of a text."""
    return re.split(r"\r\n|[\n\r\v\f\x85\u2028\u2029]", text)


def visible(line: str) -> str:
    """A line with nothing in it that XML cannot hold: control characters become their pictures (␀, ␛)."""

    def picture(match: re.Match[str]) -> str:
        code = ord(match[0])
        return "    " if code == 9 else chr(0x2400 + code) if code < 32 else "␡" if code == 127 else "\ufffd"

    return re.sub(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]", picture, line)


def marked_up(text: str) -> str:
    """Text as written, for DOT's HTML, where a backslash begins an escape too."""
    return "<BR/>".join(html.escape(visible(line)).replace("\\", "\\\\") for line in text_lines(text))


def quoted(text: str, backslash: str = "\\\\") -> str:
    """Text as written, for a DOT attribute in quotes: no escapes but for its line ends, no entities, no HTML."""
    graphviz = require("graphviz", "drawing")  # only where something is drawn
    lines = [visible(line).replace("\\", backslash).replace("&", "&amp;") for line in text_lines(text)]
    return graphviz.nohtml("\\n".join(lines))  # type: ignore[no-any-return]


def hint(text: str) -> str:
    """Text as written, for a tooltip, in which Graphviz undoes the escapes twice."""
    return quoted(text, "\\\\" * 2)


def text_width(text: str) -> float:
    """About how wide a line is in Helvetica, in ems."""
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
