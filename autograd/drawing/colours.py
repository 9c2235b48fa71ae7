"""The colours of all drawings: of graphs (ag.draw) and of networks (nn.draw).

The step page has colours of its own, at the top of stepper/page.css.
"""

INK = "#1f2328"  # text on the light fill of a box
QUIET = "#59636e"  # the words "data" and "grad"
LINE = "#7d8590"  # arrows and captions, directly on the page, which may be white or black
WHITE = "#ffffff"
ALARM = "#ffc9c4"  # behind nan and inf, which are bold
HEAT = (WHITE, "#f28c38")  # behind no gradient and behind the largest
OPERATION = "#424a53"  # the circle of an operation; its symbol is white

# The outline and the fill of each kind of box. Kinds differ in shape and in lightness too.
OUTLINES = {
    "value": "#57606a",
    "leaf": "#0969da",
    "parameter": "#8a5a00",
    "constant": "#7d8590",
    "term": "#7d8590",
    "module": "#57606a",
    "hidden": "#7d8590",
    "root": "#8957e5",
}
FILLS = {
    "value": WHITE,
    "leaf": "#e3f2ff",
    "parameter": "#ffdf85",
    "constant": "#f0f2f4",
    "term": WHITE,
    "module": "#eae6f5",
    "hidden": "#f0f2f4",
}

# Edges of networks, legible on white and on black; then what is behind the number of a neuron.
POSITIVE, NEGATIVE, NOT_FINITE = "#2f81f7", "#e8730c", "#cf222e"
POSITIVE_TINT, NEGATIVE_TINT = "#8ec1ff", "#ffbd85"


def mix(a: str, b: str, share: float) -> str:
    """The colour between a and b: a where share is 0, b where it is 1."""
    pairs = [(int(a[k : k + 2], 16), int(b[k : k + 2], 16)) for k in (1, 3, 5)]
    return "#" + "".join(f"{round(x + (y - x) * share):02x}" for x, y in pairs)
