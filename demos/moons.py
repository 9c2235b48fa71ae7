"""Two moons: a 2-16-16-1 network learns to tell two interleaved half circles apart, on micrograd's own experiment.

Run it with `make demo`; it draws demos/output/moons.png and demos/output/moons_network.svg.
"""

from pathlib import Path

import matplotlib
import numpy as np
from sklearn.datasets import make_moons
from tqdm import tqdm

import autograd as ag
import nn

STEPS = 100

# 100 points in the plane, each with its moon: -1 or 1.
X, y = make_moons(n_samples=100, noise=0.1, random_state=1337)
y = 2 * y - 1

model = nn.MLP(2, [16, 16, 1], activation="relu", seed=1)
optimizer = nn.SGD(model.parameters(), lr=1.0)
print(model, "\n")

progress = tqdm(range(STEPS), desc="moons", unit="step", disable=None)  # None: silent where no one watches
for step in progress:
    # Forward: the score of each point, and how far all scores are from right by a margin of 1.
    scores = [model(x) for x in X]
    data_loss = nn.hinge(scores, y)
    regularisation = 1e-4 * ag.dot(model.parameters(), model.parameters())  # keeps the weights small
    loss = data_loss + regularisation

    # Backward: the derivative of the loss by each of the 337 parameters.
    optimizer.zero_grad()
    loss.backward()

    # Update: a step downhill, shorter as training goes on.
    optimizer.lr = 1.0 - 0.9 * step / STEPS
    optimizer.step()

    accuracy = np.mean([(score > 0) == (label > 0) for score, label in zip(scores, y)])
    progress.set_postfix(loss=f"{loss:.4f}", accuracy=f"{accuracy:.0%}", refresh=False)

# The picture: the score of every point of a grid, and where it changes sign.
matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

(x_low, y_low), (x_high, y_high) = X.min(axis=0) - 0.4, X.max(axis=0) + 0.4
grid_x, grid_y = np.meshgrid(np.linspace(x_low, x_high, 80), np.linspace(y_low, y_high, 60))
grid_scores = np.array([model(point).data for point in zip(grid_x.ravel(), grid_y.ravel())]).reshape(grid_x.shape)

figure, axes = plt.subplots(figsize=(7, 5), layout="constrained")
limit = np.abs(grid_scores).max()
filled = axes.contourf(grid_x, grid_y, grid_scores, levels=np.linspace(-limit, limit, 21), cmap="RdBu", alpha=0.7)
axes.contour(grid_x, grid_y, grid_scores, levels=[0.0], colors="#222222", linewidths=1.5)
for label, marker, colour in ((-1, "o", "#b2182b"), (1, "s", "#2166ac")):
    axes.scatter(*X[y == label].T, marker=marker, c=colour, edgecolors="white", s=45, label=f"moon {label:+d}")
axes.set(title=f"2-16-16-1 network after {STEPS} steps: {accuracy:.0%} of the points right", xlabel="x₁", ylabel="x₂")
axes.legend(loc="lower right")
figure.colorbar(filled, label="score (the line is where it is 0)", ticks=np.linspace(-limit, limit, 5), format="%.1f")

picture = Path(__file__).parent / "output" / "moons.png"
picture.parent.mkdir(exist_ok=True)
figure.savefig(picture, dpi=120)
print(f"loss {loss:.4f}, accuracy {accuracy:.0%}; the decision boundary is drawn in {picture.resolve()}")

# And the network itself: blue for positive weights, orange and dashed for negative ones, thick for large ones.
network = picture.with_name("moons_network.svg")
nn.draw(model, gradients=False).save(network)
print(f"the network is drawn in {network.resolve()}")
