"""Hostile and odd labels, names and number formats in drawings come out as written and inject nothing."""

import re
from typing import Any
from xml.etree import ElementTree

import pytest
from drawings import SVG, read, texts
from hypothesis import given, settings, strategies as st

import autograd as ag
import nn
from autograd import Value
from autograd.drawing.draw import draw

pytestmark = pytest.mark.once

HOSTILE = [
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    "a \"quoted\" 'label'",
    "{x|y} | {z}",
    "<b>bold</b> <TABLE>",
    "back\\slash \\N \\G \\L \\n \\\\ end\\",
    "two\nlines\r\nand three",
    "😀 emoji 👩‍👩‍👧",
    "שלום עולם",
    "مرحبا بالعالم",
    "你好，世界",
    "&amp; &lt; &#65; &nbsp;",
    '">]; evil [label="x',
    "-->]]><!--",
    "%s {0} $x",
    "</TD></TR></TABLE>>]",
    "v0 -> v1; }",
    "  spaces   inside  ",
    "tab\tand\x00nul\x1b\x7f",
    "\ud800 \ufffe",
    "javascript:alert(1)",
]
ELEMENTS = {"svg", "g", "a", "path", "polygon", "polyline", "ellipse", "text"}
ATTRIBUTES = (
    {"role", "width", "height", "viewBox", "id", "class", "transform", "title", "fill", "stroke", "points", "d"}
    | {"x", "y", "cx", "cy", "rx", "ry", "text-anchor", "font-family", "font-weight", "font-size", "space"}
    | {"stroke-dasharray", "stroke-width", "stroke-opacity", "fill-opacity"}
)


def check_harmless(svg: str) -> None:
    """Check that the SVG has only shapes and text."""
    for element in ElementTree.fromstring(svg).iter():
        assert element.tag.split("}")[1] in ELEMENTS
        assert {name.split("}")[-1] for name in element.attrib} <= ATTRIBUTES
    assert not re.search(r"<!|<\?|href|url\(", re.sub(r">[^<]*<", "><", svg).replace("&lt;!", ""))


def as_shown(label: str) -> list[str]:
    lines = re.split(r"\r\n|[\n\r\v\f\x85\u2028\u2029]", label)
    return [picture_of(line) for line in lines]


def picture_of(line: str) -> str:
    line = line.replace("\t", "    ").replace("\x00", "␀").replace("\x1b", "␛").replace("\x7f", "␡")
    return re.sub("[\ud800-\udfff\ufffe\uffff]", "\ufffd", line)


@pytest.mark.parametrize("label", HOSTILE)
def test_hostile_labels_come_out_as_written_and_inject_nothing(label: str) -> None:
    rude = ag.primitive(lambda out, x: x, symbol=label)(lambda x: x)  # type: ignore[misc]
    root = rude(Value(1.0, label))
    for each in (draw(root), draw(root, {label: root.parents[0]}, direction="TB")):
        svg = each.svg()
        check_harmless(svg)
        found = [text.strip() for text in texts(svg)]
        for line in as_shown(label):
            assert found.count(line.strip()) == 2, found  # the label and the symbol
        assert len(read(each)[0].nodes) == 3
        links = ElementTree.fromstring(svg).iter(f"{SVG}a")
        titles = [x.get("{http://www.w3.org/1999/xlink}title", "").replace("\xa0", " ") for x in links]
        assert "\n".join(as_shown(label)) + ": data 1.0, grad 0.0" in titles
        assert each.png().startswith(b"\x89PNG")


@given(st.text(max_size=30))
@settings(max_examples=60)
def test_any_label_comes_out_as_written(label: str) -> None:
    svg = draw(Value(1.0, label)).svg()
    check_harmless(svg)
    shown = [re.sub("[\x01-\x08\x0e-\x1f]", lambda c: chr(0x2400 + ord(c[0])), line) for line in as_shown(label)]
    shown = [re.sub("[\x80-\x9f]", "\ufffd", line) for line in shown]
    assert "".join("".join(texts(svg)).split()) == "".join(("".join(shown) + "data 1grad 0").split())


def test_hostile_names_of_modules_and_formats() -> None:
    class Rude(nn.Module):
        def __init__(self) -> None:
            self.parts = {HOSTILE[4]: nn.Neuron(1, seed=0), HOSTILE[12]: Value(1.0)}

        def __call__(self, x: Any) -> Any:
            return self.parts[HOSTILE[4]](x) * self.parts[HOSTILE[12]]  # type: ignore[operator]

        def extra_repr(self) -> str:
            return HOSTILE[5]

    model = Rude()
    for collapse in (0, 1, 2):
        picture = draw(model([1.0]), model, collapse=collapse, format="<<12")
        check_harmless(picture.svg())
    assert f"Rude({HOSTILE[5]})" in texts(draw(model([1.0]), model).svg())
