"""The colours of ag.draw: legible on any page, alarming for nan and inf, and darker for larger gradients."""

import pytest
from drawings import read

import autograd as ag
from autograd import Value
from autograd.drawing import colours
from autograd.drawing.draw import draw

pytestmark = pytest.mark.once


def contrast(a: str, b: str) -> float:
    """The contrast of two colours by WCAG 2."""

    def light(colour: str) -> float:
        parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05

    return max(light(a), light(b)) / min(light(a), light(b))


def test_colours_are_legible_on_white_and_on_black() -> None:
    for kind, fill in colours.FILLS.items():
        assert contrast(colours.INK, fill) > 7
        assert contrast(colours.QUIET, fill) > 4.5
        assert contrast(colours.OUTLINES[kind], "#ffffff") > 3
    assert contrast(colours.INK, colours.HEAT[1]) > 5
    assert contrast(colours.INK, colours.ALARM) > 5
    for page in ("#ffffff", "#0d1117"):
        assert contrast(colours.LINE, page) > 3
        assert contrast(colours.OUTLINES["root"], page) > 3


def test_numbers_that_are_not_finite_stand_out() -> None:
    x = Value(0.0, "x")
    y = ag.log(x) * 1.0
    y.backward()
    picture = draw(y)
    (each,) = read(picture)
    assert each.cells(each.find_box("x")) == ["x", "data 0", "grad inf"]
    alarmed = [name for name in each.boxes("leaf", "value") if each.nodes[name]["fillcolor"] == "#ffc9c4"]
    assert len(alarmed) == 3
    assert "<B>inf</B>" in picture.source
    for gradients, shade, fill in ((False, False, "#e3f2ff"), (False, True, "#ffc9c4")):
        (each,) = read(draw(y, gradients=gradients, shade=shade))
        assert each.nodes[each.find_box("x")]["fillcolor"] == fill


def test_shading_darkens_with_the_gradient() -> None:
    xs = [Value(1.0, f"x{k}") for k in range(5)]
    y = ag.dot(xs, [0.0, 1e-4, 0.1, -1.0, 10.0])
    y.backward()
    (each,) = read(draw(y, shade=True))
    fills = [each.nodes[each.find_box(x.label)]["fillcolor"] for x in xs]
    light = [contrast(fill, "#000000") for fill in fills]
    assert light == sorted(light, reverse=True)
    assert fills[0] == fills[1] == "#ffffff"
    assert len(set(fills)) == 4
    draw(Value(1.0), shade=True).svg()
