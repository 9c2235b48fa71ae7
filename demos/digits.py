"""Handwritten digits: a 64-32-10 network learns to read 1,797 real scans, with every number in it a separate scalar.

The scans are the UCI optical recognition data set that comes with scikit-learn, 8 x 8 pixels each. The first epoch
is trained with the plain loop, the others with the same step compiled to machine code. Run it by `make demo`; it draws
demos/output/digits_loss.png and demos/output/digits_mistakes.png.
"""

import time
from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np
from sklearn.datasets import load_digits
from tqdm import tqdm

import autograd as ag
import nn

EPOCHS, BATCH = 30, 32

images, labels = load_digits(return_X_y=True)
images = images / 16.0  # pixels from 0 to 1

# A fifth of the scans is held out: the network never learns from them, so they show how well it does on new ones.
rng = np.random.default_rng(0)
order = rng.permutation(len(images))
held_out, training = order[: len(images) // 5], order[len(images) // 5 :]

model = nn.MLP(64, [32, 10], activation="relu", seed=0)  # ten outputs, one score for each digit
optimizer = nn.SGD(model.parameters(), lr=0.1, momentum=0.9)
scores_of = ag.jit(model, in_axes=0)  # for all images at once


def read_digits(indices: np.ndarray) -> np.ndarray:
    """The digit with the highest score for each image."""
    return np.argmax(scores_of(images[indices]), axis=0)  # ten arrays, one for each digit


def accuracy() -> float:
    return float(np.mean(read_digits(held_out) == labels[held_out]))


def plain_step(X: np.ndarray, y: np.ndarray) -> float:
    """One step of training in which every operation makes a Value."""
    loss = nn.cross_entropy([model(x) for x in X], y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.data


compiled_step = nn.compile_step(model, nn.cross_entropy, optimizer)
losses, accuracies, seconds = [], [accuracy()], []
batches_per_epoch = -(-len(training) // BATCH)


def train(step: Callable[[np.ndarray, np.ndarray], float]) -> None:
    """One epoch: each training image once, in batches, in a new random order."""
    optimizer.lr = 0.1 * (1 - len(seconds) / EPOCHS)
    shuffled = rng.permutation(training)
    start = time.perf_counter()
    for k in range(0, len(shuffled), BATCH):
        batch = shuffled[k : k + BATCH]
        losses.append(step(images[batch], labels[batch]))
    seconds.append(time.perf_counter() - start)


with tqdm(total=EPOCHS, desc="digits", unit="epoch", disable=None) as progress:
    for epoch in range(EPOCHS):
        if epoch == 0:
            train(plain_step)
        else:
            with compiled_step:  # it works on its own copy of the numbers, which the model gets at the end
                train(compiled_step)
        accuracies.append(accuracy())
        recent = np.mean(losses[-batches_per_epoch:])
        progress.set_postfix(loss=f"{recent:.4f}", held_out=f"{accuracies[-1]:.1%}", refresh=False)
        progress.update()
print(f"one epoch: {seconds[0]:.1f} s with the plain loop, {1e3 * min(seconds[1:]):.1f} ms compiled")

readings = dict(zip(held_out, read_digits(held_out)))
mistakes = [i for i in held_out if readings[i] != labels[i]]

# The pictures: how the loss fell, and what the network still gets wrong.
matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

output = Path(__file__).parent / "output"
output.mkdir(exist_ok=True)

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
figure.suptitle("64-32-10 network on handwritten digits")
epochs = np.arange(1, len(losses) + 1) / batches_per_epoch
left.semilogy(epochs, losses, color="#92c5de", linewidth=0.6, label=f"each batch of {BATCH}")
smooth = np.convolve(losses, np.ones(batches_per_epoch) / batches_per_epoch, mode="valid")
left.semilogy(epochs[batches_per_epoch - 1 :], smooth, color="#2166ac", linewidth=2, label="mean over an epoch")
left.set(xlabel="epoch", title="training loss (cross-entropy)", xlim=(0, EPOCHS))
left.legend(loc="lower left")
right.plot(range(EPOCHS + 1), accuracies, "o-", color="#b2182b", markersize=4)
right.set(xlabel="epoch", title="held-out accuracy", xlim=(0, EPOCHS), ylim=(0, 1.02))
right.yaxis.set_major_formatter("{x:.0%}")
right.grid(alpha=0.3)
figure.savefig(output / "digits_loss.png", dpi=120)

rows = max(1, -(-len(mistakes) // 8))
figure, grid = plt.subplots(rows, 8, figsize=(8, 1.35 * rows + 0.6), layout="constrained", squeeze=False)
for panel in grid.flat:
    panel.axis("off")
for panel, i in zip(grid.flat, mistakes):
    panel.imshow(images[i].reshape(8, 8), cmap="gray_r")
    panel.set_title(f"{labels[i]}, read as {readings[i]}", fontsize=8)
figure.suptitle(f"The {len(mistakes)} of {len(held_out)} held-out digits that the network misreads")
figure.savefig(output / "digits_mistakes.png", dpi=120)

print(f"held-out accuracy {accuracies[-1]:.1%} ({len(mistakes)} of {len(held_out)} wrong)")
print(f"the loss curve is drawn in {(output / 'digits_loss.png').resolve()}")
print(f"the mistakes are drawn in {(output / 'digits_mistakes.png').resolve()}")
