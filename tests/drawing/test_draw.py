"""ag.draw: what a drawing shows of its nodes; the Drawing and its files; errors."""

import math
import os
import re
import shutil
import struct
import sys
from collections import Counter
from importlib import import_module, metadata
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from drawings import SVG, read, texts

import autograd as ag
import nn
from autograd import Value
from autograd.drawing import picture
from autograd.drawing.draw import draw
from autograd.drawing.picture import Drawing

drawing = import_module("autograd.drawing.compose")
NEEDS_DOT = pytest.mark.skipif(shutil.which("dot") is None, reason="no Graphviz is installed")


def neuron() -> tuple[Value, list[Value]]:
    x1, x2, w1, w2, b = [
        Value(x, label) for x, label in [(2, "x1"), (0, "x2"), (-3, "w1"), (1, "w2"), (6.8813735870195432, "b")]
    ]
    o = ag.tanh(x1 * w1 + x2 * w2 + b + 1 - 1)
    o.label = "o"
    o.backward()
    return o, [w1, w2, b]


def test_leaves_parameters_constants_and_the_root_differ_in_shape_and_colour_and_lightness() -> None:
    o, parameters = neuron()
    (each,) = read(draw(o, parameters))
    assert sorted(each.cells(name)[0] for name in each.boxes("parameter")) == ["b", "w1", "w2"]
    assert sorted(each.cells(name)[0] for name in each.boxes("leaf")) == ["x1", "x2"]
    assert [each.cells(name) for name in each.boxes("constant")] == [["1"], ["1"]]
    looks = [each.nodes[each.boxes(kind)[0]] for kind in ("value", "leaf", "parameter", "constant")]
    assert len({(x["shape"], x["style"]) for x in looks}) == 4
    assert len({x["color"] for x in looks}) == 4
    assert len({x["fillcolor"] for x in looks}) == 4
    root = each.nodes[each.find_box("o")]
    assert root["peripheries"] == "2"
    assert root["color"] not in [x["color"] for x in looks]
    (named,) = read(draw(o, {"weight": parameters[0]}))
    assert named.cells(named.boxes("parameter")[0])[0] == "w1"  # its own label comes first


def test_a_leaf_alone() -> None:
    (each,) = read(draw(Value(3.0, "x")))
    assert (list(each.nodes), each.edges) == (["v0"], [])
    assert each.cells("v0") == ["x", "data 3", "grad 0"]
    (bare,) = read(draw(Value(3.0)))
    assert bare.cells("v0") == ["data 3", "grad 0"]


def test_direction() -> None:
    o, _ = neuron()
    for direction, axis, sign in (("LR", "x", 1), ("TB", "y", 1)):
        svg = draw(o, direction=direction, format=".3f").svg()  # type: ignore[arg-type]
        where = {
            text.text: float(text.get(axis) or 0) * sign for text in ElementTree.fromstring(svg).iter(f"{SVG}text")
        }
        assert where["x1"] < where["b"] < where["tanh"] < where["o"]


def test_operands_that_may_not_change_places_stand_in_order() -> None:
    a, b, c = Value(1.0, "a"), Value(2.0, "b"), Value(3.0, "c")
    for root, names in (
        (a - b, ["a", "b"]),
        (b / a, ["b", "a"]),
        (a**b, ["a", "b"]),
        (ag.atan2(b, a), ["b", "a"]),
        ((a - b) * (c - b), ["a", "c", "b"]),  # without crossings it would be a, b, c
    ):
        svg = ElementTree.fromstring(draw(root).svg())
        where = [(float(x.get("y") or 0), x.text) for x in svg.iter(f"{SVG}text")]
        assert [text for _, text in sorted(where) if text in ("a", "b", "c")] == names


def test_the_pointer_says_which_operand_is_which() -> None:
    a, b = Value(1.0, "a"), Value(2.0)
    for root, call in ((a - b, "sub(a, 2.0)"), (3 / a, "div(3.0, a)"), (a + b, "add"), (ag.exp(a), "exp")):
        (each,) = read(draw(root))
        assert [node["tooltip"] for node in each.nodes.values() if node["class"] == "operation"] == [call]


def test_number_format_and_gradients_left_out() -> None:
    x = Value(1 / 3, "x")
    y = x * 2
    y.backward()
    (each,) = read(draw(y, format="+.2f"))
    assert each.cells(each.find_box("x")) == ["x", "data +0.33", "grad +2.00"]
    (each,) = read(draw(y, gradients=False))
    assert each.cells(each.find_box("x")) == ["x", "data 0.3333"]
    assert f"data {1 / 3!r}, grad 2.0" in each.nodes[each.find_box("x")]["tooltip"]


# The Drawing


def test_a_drawing_keeps_the_numbers_it_was_made_of() -> None:
    x = Value(2.0, "x")
    each = draw(x)
    x.data = 7.0
    assert "data" in texts(each.svg())[1]
    assert "2" in texts(each.svg())
    assert each._repr_svg_() == each.svg()


def test_png_has_the_size_of_the_svg_times_the_scale() -> None:
    each = draw(Value(2.0, "x"))
    width, height = (float(found) * 4 / 3 for found in re.findall(r'="([\d.]+)pt"', each.svg())[:2])
    for scale in (1.0, 3.0):
        size = struct.unpack(">II", each.png(scale)[16:24])
        assert size == pytest.approx((width * scale, height * scale), abs=scale + 1)
    for wrong in (0, -1, math.nan):
        with pytest.raises(ValueError, match="positive"):
            each.png(wrong)


def test_save_by_extension(tmp_path: Path) -> None:
    each = draw(Value(2.0, "x"))
    for name in ("graph.svg", "graph.SVG", "graph.png", "graph.dot", "graph.gv"):
        each.save(tmp_path / name)
        each.save(str(tmp_path / name))  # replaces the first one
    assert sorted(os.listdir(tmp_path)) == ["graph.SVG", "graph.dot", "graph.gv", "graph.png", "graph.svg"]
    assert (tmp_path / "graph.svg").read_text("utf-8") == each.svg()
    assert (tmp_path / "graph.gv").read_text("utf-8") == each.source
    assert (tmp_path / "graph.png").read_bytes().startswith(b"\x89PNG")


def test_save_refuses_and_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    each = draw(Value(2.0, "x"))
    for name in ("graph.jpg", "graph", "graph.svg.exe"):
        with pytest.raises(ValueError, match=r"\.svg, \.png, .*got"):
            each.save(tmp_path / name)
    with pytest.raises(ValueError, match=r"cannot write PDF.*engine='system'"):
        each.save(tmp_path / "graph.pdf")
    with pytest.raises(TypeError, match="path must be the path of a file"):
        each.save(3)  # type: ignore[arg-type]
    with pytest.raises(
        FileNotFoundError, match=r"cannot write 'graph.svg', because the directory '.*nowhere' does not exist"
    ):
        each.save(tmp_path / "nowhere" / "graph.svg")
    (tmp_path / "folder.svg").mkdir()
    with pytest.raises(OSError, match=r"cannot write the file.*folder\.svg"):
        each.save(tmp_path / "folder.svg")
    with pytest.raises(OSError, match=r"cannot write the file.*/proc/graph\.svg"):
        each.save("/proc/graph.svg")
    (tmp_path / "old.svg").write_text("as it was")

    def full(*paths: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match=r"No space left.*old\.svg"):
        each.save(tmp_path / "old.svg")
    assert (tmp_path / "old.svg").read_text() == "as it was"
    assert sorted(os.listdir(tmp_path)) == ["folder.svg", "old.svg"]


@NEEDS_DOT
def test_a_system_dot_on_request(tmp_path: Path) -> None:
    each = draw(neuron()[0], engine="system")
    ElementTree.fromstring(each.svg())
    each.save(tmp_path / "graph.pdf")
    assert (tmp_path / "graph.pdf").read_bytes().startswith(b"%PDF")
    assert Counter(texts(each.svg()))["tanh"] == 1


def test_a_missing_engine_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(FileNotFoundError, match=r"'dot' of Graphviz.*none on PATH.*engine='pure'"):
        draw(Value(1.0), engine="system")
    draw(Value(1.0)).svg()  # needs no PATH

    def missing(name: str) -> Any:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", missing)
    with pytest.raises(FileNotFoundError, match="pip install graphviz-pure"):
        draw(Value(1.0))


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for dot is a shell script")
def test_without_graphviz_pure_the_dot_of_the_system_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dot = tmp_path / "dot"
    dot.write_text(f'#!/bin/sh\nexec {picture._pure_command()} "$@"\n')
    dot.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    def missing(name: str) -> Any:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", missing)
    with pytest.warns(UserWarning, match=rf"graphviz-pure is not installed, so {dot} renders") as caught:
        drawing = draw(Value(1.0))
    assert caught[0].filename == __file__
    assert drawing._command == str(dot)
    assert drawing.svg().startswith("<svg")


def test_the_renderer_is_found_where_pip_installed_it_with_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its record still says ../../bin, where it would be in an environment."""
    info = tmp_path / "graphviz_pure-0.2.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: graphviz-pure\nVersion: 0.2.2\n")
    (info / "RECORD").write_text("../../bin/graphviz-pure,,\n")
    (tmp_path / "bin").mkdir()
    shutil.copy(str(picture._pure_command()), tmp_path / "bin" / "graphviz-pure")
    monkeypatch.setattr(metadata, "distribution", lambda name: metadata.PathDistribution(info))
    monkeypatch.setenv("PATH", "")
    assert picture._pure_command() == str((tmp_path / "bin" / "graphviz-pure").resolve())
    assert draw(Value(1.0)).svg().startswith("<svg")


def test_a_renderer_that_fails_says_why() -> None:
    with pytest.raises(RuntimeError, match="syntax error"):
        Drawing("digraph {").svg()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: draw(3), TypeError, "root must be a Value or a list of Values, got int 3"),  # type: ignore[arg-type]
        (lambda: draw(nn.MLP(2, [1])), TypeError, r"got MLP. Draw models with nn.draw\(\)"),  # type: ignore[arg-type]
        (lambda: draw(None), TypeError, "got None"),  # type: ignore[arg-type]
        (lambda: draw("x"), TypeError, "got str 'x'"),  # type: ignore[arg-type]
        (lambda: draw([Value(1.0), 2.0]), TypeError, "it holds float 2.0"),  # type: ignore[list-item]
        (lambda: draw([]), ValueError, "at least one Value to draw"),
        (lambda: draw({}), ValueError, "at least one Value to draw"),
        (lambda: draw(Value(1.0), 3), TypeError, "model must be a module"),
        (lambda: draw(Value(1.0), [3]), TypeError, "it holds int 3"),
        (lambda: draw(Value(1.0), nn.MLP), TypeError, "model must be a module"),
        (lambda: draw(Value(1.0), direction="RL"), ValueError, "'LR' .left to right. or 'TB'"),  # type: ignore[arg-type]
        (lambda: draw(Value(1.0), format=".4q"), ValueError, "format must be a format for floats"),
        (lambda: draw(Value(1.0), format=4), ValueError, "format must be a format for floats"),  # type: ignore[arg-type]
        (lambda: draw(Value(1.0), depth=0), ValueError, "depth must be None or a whole number of 1 or more, got 0"),
        (lambda: draw(Value(1.0), depth=1.5), ValueError, "depth must be"),  # type: ignore[arg-type]
        (lambda: draw(Value(1.0), collapse=-1), ValueError, "collapse must be None or a whole number of 0 or more"),
        (lambda: draw(Value(1.0), engine="neato"), ValueError, "'pure' or 'system', got 'neato'"),  # type: ignore[arg-type]
    ],
)
def test_wrong_arguments(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
