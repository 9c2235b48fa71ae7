"""Handwritten digits: a 64-16-10 network learns to read 1,797 real scans, one scalar operation at a time.

The scans are the UCI optical recognition data set that comes with scikit-learn, 8 x 8 pixels each.
Run it with `make demo`; it draws demos/output/digits_loss.png and demos/output/digits_mistakes.png.
"""

from pathlib import Path

import matplotlib
import numpy as np
from sklearn.datasets import load_digits
from tqdm import tqdm

import nn

EPOCHS, BATCH = 12, 16

images, labels = load_digits(return_X_y=True)
images = images / 16.0  # pixels from 0 to 1
labels = labels.tolist()

# A fifth of the scans is held out: the network never learns from them, so they show what it can do on new ones.
rng = np.random.default_rng(0)
order = rng.permutation(len(images))
held_out, training = order[: len(images) // 5], order[len(images) // 5 :]

model = nn.MLP(64, [16, 10], activation="relu", seed=0)  # ten outputs, one score for each digit
optimizer = nn.SGD(model.parameters(), lr=0.05, momentum=0.9)


def predict(image: np.ndarray) -> int:
    """The digit with the highest score."""
    return int(np.argmax([float(score) for score in model(image)]))


def accuracy() -> float:
    return float(np.mean([predict(images[i]) == labels[i] for i in held_out]))


losses, accuracies = [], [accuracy()]
batches_an_epoch = -(-len(training) // BATCH)
with tqdm(total=EPOCHS * batches_an_epoch, desc="digits", unit="batch", disable=None) as progress:
    for epoch in range(EPOCHS):
        optimizer.lr = 0.05 * (1 - epoch / EPOCHS)
        shuffled = rng.permutation(training)
        for k in range(0, len(shuffled), BATCH):
            batch = shuffled[k : k + BATCH]
            loss = nn.cross_entropy([model(images[i]) for i in batch], [labels[i] for i in batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

            losses.append(float(loss))
            recent = np.mean(losses[-batches_an_epoch:])
            progress.set_postfix(epoch=epoch + 1, loss=f"{recent:.4f}", held_out=f"{accuracies[-1]:.1%}", refresh=False)
            progress.update()
        accuracies.append(accuracy())

mistakes = [i for i in held_out if predict(images[i]) != labels[i]]

# The pictures: how the loss fell, and what the network still gets wrong.
matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

output = Path(__file__).parent / "output"
output.mkdir(exist_ok=True)

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
figure.suptitle("64-16-10 network on handwritten digits")
epochs = np.arange(1, len(losses) + 1) / batches_an_epoch
left.semilogy(epochs, losses, color="#92c5de", linewidth=0.6, label=f"a batch of {BATCH}")
smooth = np.convolve(losses, np.ones(batches_an_epoch) / batches_an_epoch, mode="valid")
left.semilogy(epochs[batches_an_epoch - 1 :], smooth, color="#2166ac", linewidth=2, label="mean over an epoch")
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
    panel.set_title(f"{labels[i]}, read as {predict(images[i])}", fontsize=8)
figure.suptitle(f"The {len(mistakes)} of {len(held_out)} held-out digits that the network misreads")
figure.savefig(output / "digits_mistakes.png", dpi=120)

print(f"held-out accuracy {accuracies[-1]:.1%} ({len(mistakes)} of {len(held_out)} wrong)")
print(f"the loss curve is drawn in {(output / 'digits_loss.png').resolve()}")
print(f"the mistakes are drawn in {(output / 'digits_mistakes.png').resolve()}")
