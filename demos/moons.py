"""Two moons: a 2-16-16-1 network learns to separate two interleaved half circles, as in micrograd's experiment.

It trains twice: with the plain loop, in which every operation makes a Value, and with nn.compile_step, which
compiles the same training step to machine code. Run it with `make demo`; it draws demos/output/moons.png and
demos/output/moons_network.svg.
"""

import time
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


def penalty(model: nn.Module) -> ag.Value:
    """An addition to the loss that keeps the weights small."""
    return 1e-4 * ag.dot(model.parameters(), model.parameters())


model = nn.MLP(2, [16, 16, 1], activation="relu", seed=1)
optimizer = nn.SGD(model.parameters(), lr=1.0)
print(model, "\n")

start = time.perf_counter()
progress = tqdm(range(STEPS), desc="moons", unit="step", disable=None)  # None: silent unless in a terminal
for step in progress:
    # Forward: the score of each point, and how far the scores are from being right by a margin of 1.
    scores = [model(x) for x in X]
    data_loss = nn.hinge(scores, y)
    loss = data_loss + penalty(model)

    # Backward: the derivative of the loss with respect to each of the 337 parameters.
    optimizer.zero_grad()
    loss.backward()

    # Update: a step downhill, shorter as training goes on.
    optimizer.lr = 1.0 - 0.9 * step / STEPS
    optimizer.step()

    accuracy = np.mean([(score > 0) == (label > 0) for score, label in zip(scores, y)])
    progress.set_postfix(loss=f"{loss:.4f}", accuracy=f"{accuracy:.0%}", refresh=False)
seconds = time.perf_counter() - start

# The same training compiled: the first step compiles, the others take microseconds, over half of them for the new rate.
twin = nn.MLP(2, [16, 16, 1], activation="relu", seed=1)
optimizer = nn.SGD(twin.parameters(), lr=1.0)
with nn.compile_step(twin, nn.hinge, optimizer, penalty) as compiled_step:
    compiled_step(X, y)
    start = time.perf_counter()
    for step in range(1, STEPS):
        optimizer.lr = 1.0 - 0.9 * step / STEPS
        compiled_step(X, y)
    compiled_seconds = time.perf_counter() - start
difference = max(abs(p.data - q.data) for p, q in zip(model.parameters(), twin.parameters()))
plain, compiled = 1e3 * seconds / STEPS, 1e6 * compiled_seconds / (STEPS - 1)
print(f"one step: {plain:.1f} ms with the plain loop, {compiled:.0f} µs compiled; weights differ by {difference:.0e}\n")

# The picture: the score at every point of a grid, and where it changes sign.
matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

(x_low, y_low), (x_high, y_high) = X.min(axis=0) - 0.4, X.max(axis=0) + 0.4
grid_x, grid_y = np.meshgrid(np.linspace(x_low, x_high, 80), np.linspace(y_low, y_high, 60))
scores_of = ag.jit(model, in_axes=0)  # compiled, for all points at once
grid_scores = scores_of(np.column_stack([grid_x.ravel(), grid_y.ravel()])).reshape(grid_x.shape)

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

# The network itself: blue for positive weights, dashed orange for negative ones, thick for large ones.
network = picture.with_name("moons_network.svg")
nn.draw(model, gradients=False).save(network)
print(f"the network is drawn in {network.resolve()}")
