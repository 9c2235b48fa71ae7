"""Pictures like the paper's figures: the weights of the symmetry network, the two trees and the receptive fields."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from .families import CHILDREN, ENGLISH, ITALIAN
from .networks import weights

BLUE, ORANGE, INK = "#2166ac", "#d95f02", "#222222"


def save(figure, path):
    """Write the picture and close it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def draw_symmetry(model, title, path):
    """Figure 1: weights on the lines, which are thick for large ones; biases in the units."""
    figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    inputs = [(x, 0.0) for x in (0, 1, 2, 4, 5, 6)]  # a gap at the middle
    hidden, output = [(1.2, 2.0), (4.8, 2.0)], (3.0, 3.4)
    w, v = weights(model.layers[0]), weights(model.layers[1])[0]
    largest = max(np.abs(w).max(), np.abs(v).max())

    def arc(start, end, weight, along):
        colour = BLUE if weight > 0 else ORANGE
        (x0, y0), (x1, y1) = start, end
        axes.plot([x0, x1], [y0, y1], color=colour, linewidth=0.5 + 4 * abs(weight) / largest, alpha=0.6, zorder=1)
        x, y = x0 + along * (x1 - x0), y0 + along * (y1 - y0)
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
        axes.text(x, y, f"{weight:+.1f}", color=colour, ha="center", va="center", fontsize=10, bbox=box, zorder=2)

    def unit(place, text):
        axes.scatter(*place, s=1500, facecolor="white", edgecolor=INK, linewidth=1.5, zorder=3)
        axes.text(*place, text, ha="center", va="center", fontsize=11, zorder=4)

    for j, (place, neuron) in enumerate(zip(hidden, model.layers[0].neurons)):
        for i, below in enumerate(inputs):
            own_side = (i < 3) == (j == 0)
            arc(below, place, w[j, i], along=0.40 if own_side else 0.27)  # numbers must not overlap
        arc(place, output, v[j], along=0.5)
        unit(place, f"{neuron.b.data:+.1f}")
    unit(output, f"{model.layers[1].neurons[0].b.data:+.1f}")
    for k, place in enumerate(inputs):
        unit(place, f"{k + 1}")
    axes.axvline(3.0, ymin=0.07, ymax=0.55, color=INK, linestyle=":", linewidth=1)
    axes.text(3.0, -0.55, "the middle", ha="center", fontsize=9)
    axes.set(title=title, xlim=(-0.6, 6.6), ylim=(-0.7, 3.8))
    axes.axis("off")
    save(figure, path)


# Where the figure places the English: generations one above the other, couples side by side.
PLACES = {
    **{"Christopher": (1.0, 2), "Penelope": (2.4, 2), "Andrew": (5.6, 2), "Christine": (7.0, 2)},
    **{"Margaret": (0, 1), "Arthur": (1.4, 1), "Victoria": (3.3, 1), "James": (4.7, 1), "Jennifer": (6.6, 1)},
    **{"Charles": (8.0, 1), "Colin": (3.3, 0), "Charlotte": (4.7, 0)},
}


def draw_trees(path):
    """Figure 2: both families."""
    figure, rows = plt.subplots(2, 1, figsize=(9, 6), layout="constrained")
    for axes, family, title in zip(rows, (ENGLISH, ITALIAN), ("English", "Italian")):
        name = dict(zip(ENGLISH, family))
        for (husband, wife), children in CHILDREN.items():
            (left, y), (right, _) = sorted([PLACES[husband], PLACES[wife]])
            middle = (left + right) / 2
            axes.text(middle, y, "=", ha="center", va="center", fontsize=13)
            for child in children:
                x = PLACES[child][0]
                axes.plot([middle, middle, x, x], [y - 0.2, y - 0.5, y - 0.5, y - 0.75], color=INK, linewidth=1)
        for person, place in PLACES.items():
            axes.text(*place, name[person], ha="center", va="center", fontsize=11)
        axes.set(title=title, xlim=(-0.7, 8.7), ylim=(-0.4, 2.4))
        axes.axis("off")
    save(figure, path)


def draw_receptive_fields(model, title, path):
    """Figure 4: a unit's weights from the English above those from the Italians; white is positive, black negative."""
    w = weights(model.person).reshape(6, 2, 12)
    figure, panels = plt.subplots(3, 2, figsize=(11, 6.6), layout="constrained")
    for number, (axes, fields) in enumerate(zip(panels.ravel(), w), start=1):
        axes.set(facecolor="#808080", aspect="equal", xlim=(-0.6, 11.6), ylim=(1.6, -0.6))
        for (row, column), weight in np.ndenumerate(fields):
            side = 0.95 * np.sqrt(abs(weight) / np.abs(w).max())  # the area shows the weight's size
            corner = (column - side / 2, row - side / 2)
            axes.add_patch(plt.Rectangle(corner, side, side, color="white" if weight > 0 else "black"))
        axes.set_yticks([])
        axes.set_ylabel(f"unit {number}")
        axes.set_xticks(range(12), ITALIAN, rotation=45, ha="right", rotation_mode="anchor", fontsize=8)
        above = axes.secondary_xaxis("top")
        above.set_xticks(range(12), ENGLISH, rotation=45, ha="left", rotation_mode="anchor", fontsize=8)
        above.tick_params(length=0)
        axes.tick_params(length=0)
    figure.suptitle(title)
    save(figure, path)
