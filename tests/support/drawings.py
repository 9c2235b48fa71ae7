"""Reads drawings back: the DOT with Graphviz's own parser, the SVG as XML."""

import json
import subprocess
from collections.abc import Iterable
from typing import Any
from xml.etree import ElementTree

from autograd import Value
from autograd.drawing import picture
from autograd.drawing.picture import Drawing

SVG = "{http://www.w3.org/2000/svg}"
COMMAND = picture._pure_command()


class Picture:
    """A DOT file as Graphviz reads it: nodes by name, edges, and the clusters around each node."""

    def __init__(self, parsed: dict[str, Any]) -> None:
        things = {thing["_gvid"]: thing for thing in parsed.get("objects", [])}
        self.nodes = {thing["name"]: thing for thing in things.values() if "nodes" not in thing}
        self.edges = [(things[edge["tail"]]["name"], things[edge["head"]]["name"]) for edge in parsed.get("edges", [])]
        self.clusters: dict[str, list[str]] = {name: [] for name in self.nodes}
        for thing in things.values():
            for inside in thing.get("nodes", []):
                self.clusters[things[inside]["name"]].append(thing["label"])
        self.caption = parsed["label"]

    def cells(self, name: str) -> list[str]:
        """The text of each cell of a box."""
        label = self.nodes[name]["label"]
        if not label.startswith("<"):
            return [label]
        table = ElementTree.fromstring(label.replace("<BR/>", "\n").replace("\\\\", "\\"))
        return ["".join(cell.itertext()) for cell in table.iter("TD")]

    def boxes(self, *kinds: str) -> list[str]:
        """The names of the boxes of some kinds."""
        return [name for name, node in self.nodes.items() if node["class"] in kinds]

    def inputs(self, name: str) -> list[str]:
        """The boxes that a box is computed from."""
        circle = "o" + name[1:]
        return [a for a, b in self.edges if b == (circle if circle in self.nodes else name) and a != circle]

    def symbol(self, name: str) -> str:
        return str(self.nodes["o" + name[1:]]["label"])

    def find_box(self, label: str) -> str:
        """The name of the box with a label."""
        (name,) = [name for name in self.nodes if name[0] == "v" and self.cells(name)[0] == label]
        return name


def read(*pictures: Drawing) -> list[Picture]:
    """The pictures, from their DOT."""
    source = "\n".join(each.source for each in pictures).encode()
    run = subprocess.run([COMMAND, "-Tdot_json"], input=source, capture_output=True, check=True)
    decoder, text, at, found = json.JSONDecoder(), run.stdout.decode(), 0, []
    while at < len(text):
        parsed, end = decoder.raw_decode(text, at)
        found.append(Picture(parsed))
        at = end + len(text[end:]) - len(text[end:].lstrip())
    return found


def texts(svg: str) -> list[str]:
    """The pieces of text in an SVG."""
    return ["".join(x.itertext()).replace("\xa0", " ") for x in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def ancestors(root: Value) -> list[Value]:
    found, stack = {root: None}, [root]
    while stack:
        for p in stack.pop().parents:
            if isinstance(p, Value) and p not in found:
                found[p] = None
                stack.append(p)
    return list(found)


def state(nodes: Iterable[Value]) -> list[Any]:
    return [(repr(v.data), repr(v.grad), v.label, v.op, v.parents) for v in nodes]
