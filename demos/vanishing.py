"""Why deep networks did not learn, and what cured them: gradients that vanish and explode through twenty layers.

A layer learns from the gradient that comes back through all layers after it. Layer by layer, this gradient is
multiplied by the weights and by the slope of the activation. The slope of a sigmoid is σ(x) (1 - σ(x)), at most 1/4.
If the weights only preserve sizes, the first of twenty layers gets 1/4 · 1/4 · ... of what the last one gets: 1/4^19,
four parts in a million million. It keeps its random first weights, and scrambles the inputs before any later layer
sees them.

Four cures make the factor of a layer about 1, each in its own way:

- initialisation: weights four times as large compensate for the slope of 1/4, with biases that bring each neuron's
  sum to 0, where the slope is largest (X. Glorot, Y. Bengio 2010; a sigmoid's outputs are around 1/2, so the bias
  is minus half the sum of the weights);
- ReLU: its slope is 1 or 0, and Kaiming weights compensate for the half that is 0 (K. He and others 2015);
- normalisation: whatever the weights are, each neuron's sum is scaled to mean 0 and variance 1 over the batch
  (S. Ioffe, C. Szegedy 2015);
- residual connections: a layer adds to its input, so the gradient has a path around it, with factor 1 (K. He and
  others 2015).

If the factors are above 1, the same product explodes. Then a single step throws all weights off. Clipping scales any
gradient longer than 1 down to a length of 1, which keeps its direction and makes the step small (R. Pascanu,
T. Mikolov, Y. Bengio 2013).

Each network takes the same 3,000 steps of SGD. Run it with `python demos/vanishing.py`; it draws
demos/output/vanishing.png.
"""

from functools import partial
from pathlib import Path

import matplotlib
from sklearn.datasets import make_circles

import nn

DEPTH, WIDTH, STEPS = 20, 8, 3000
SIZES = [WIDTH] * (DEPTH - 1) + [1]
SEED = 0

# 64 points on two circles, one inside the other: no straight line separates them.
X, y = make_circles(n_samples=64, noise=0.08, factor=0.5, random_state=0)
X = 1.5 * X  # to a size of about 1
loss = nn.binary_cross_entropy_with_logits


def centre_biases(model: nn.MLP) -> nn.MLP:
    """Set biases that bring the sums of sigmoid outputs, which are around 1/2, to around 0; return the model."""
    for layer in model.layers[1:]:
        for neuron in layer.neurons:
            neuron.b.data = -0.5 * sum(w.data for w in neuron.w)
    return model


times_four = partial(nn.init.xavier_normal, gain=4.0)
too_large = partial(nn.init.kaiming_uniform, gain=1.5 * 2**0.5)  # 1.5 times what suits ReLU

networks = {
    "sigmoid": lambda seed: nn.MLP(2, SIZES, "sigmoid", seed=seed),
    "initialisation": lambda seed: centre_biases(nn.MLP(2, SIZES, "sigmoid", init=times_four, seed=seed)),
    "ReLU": lambda seed: nn.MLP(2, SIZES, "relu", seed=seed),
    "normalisation": lambda seed: nn.MLP(2, SIZES, "sigmoid", norm="batch", seed=seed),
    "residual": lambda seed: nn.MLP(2, SIZES, "sigmoid", residual=True, seed=seed),
    "too large": lambda seed: nn.MLP(2, SIZES, "relu", init=too_large, seed=seed),
    "layer norm": lambda seed: nn.MLP(2, SIZES, "sigmoid", norm="layer", seed=seed),
}


def measure_flow(model: nn.Module) -> nn.GradientFlow:
    """The activations and gradients of a model on every fourth point, which is enough."""
    return nn.gradient_flow(model, X[::4], y[::4], loss)


def train(model: nn.Module, clip_norm: float | None = None) -> list[float]:
    """Train on all points; return the loss before each step."""
    optimizer = nn.SGD(model.parameters(), lr=0.01, momentum=0.9)
    with nn.compile_step(model, loss, optimizer, clip_norm=clip_norm) as step:
        return [step(X, y) for _ in range(STEPS)]


print(f"Twenty layers of sigmoids\n\n{measure_flow(networks['sigmoid'](SEED))}\n")
print(f"The same, and its cures, {STEPS:,} steps each (a loss of 0.693 is a guess)\n")
flows, losses = {}, {}
for name in ("sigmoid", "initialisation", "ReLU", "normalisation", "residual"):
    model = networks[name](SEED)
    flows[name] = measure_flow(model)
    losses[name] = train(model)
    ratio = flows[name].layers[0].gradient / flows[name].layers[-1].gradient
    facts = f"first / last gradient {ratio:.0e}  loss {losses[name][0]:.3f} → {losses[name][-1]:.4f}"
    print(f"{name:15} {flows[name].verdict:11} {facts}")

print("\nNo cure works for every network:")
others = [networks["ReLU"](seed) for seed in range(SEED + 1, SEED + 5)]
stuck = [measure_flow(model).verdict for model in others if train(model)[-1] > 0.1]
print(f"- of 4 ReLU networks with other weights, {len(stuck)} get stuck; after training: {', '.join(stuck)}")
slow = next(step for step, x in enumerate(losses["residual"]) if x < 0.1)
print(f"- the residual network takes {slow:,} steps to reach a loss of 0.1")
verdict = measure_flow(networks["layer norm"](SEED)).verdict
print(f"- layer normalisation of sigmoids does not help here ({verdict}): the 1/2 in each output adds up to")
print(
    "  a number that is the same for all points and larger than the rest: it is what gets normalised (not so with tanh)"
)

print("\nReLU with weights 1.5 times too large\n")
for name, clip_norm in (("not clipped", None), ("clipped", 1.0)):
    model = networks["too large"](SEED)
    flows[name] = measure_flow(model)
    if clip_norm is None:
        print(f"{flows[name]}\n")
    losses[name] = train(model, clip_norm)
    facts = f"loss {losses[name][0]:.0f}, at worst {max(losses[name]):.0e}, in the end {losses[name][-1]:.4f}"
    print(f"{name:12} {facts}; then {measure_flow(model).verdict}")

# The picture: above the gradients before training, below the losses; vanishing on the left, exploding on the right.
matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

LOOKS = {
    "sigmoid": ("#000000", "-", "o"),
    "initialisation": ("#c2410c", "--", "s"),
    "ReLU": ("#2166ac", "-", "^"),
    "normalisation": ("#4d9221", "-.", "D"),
    "residual": ("#8e44ad", ":", "v"),
    "not clipped": ("#000000", "-", "o"),
    "clipped": ("#c2410c", "--", "s"),
}
figure, axes = plt.subplots(2, 2, figsize=(11, 7.5), layout="constrained", width_ratios=(3, 2))


def draw(column: int, names: list[str], marked_steps: list[int]) -> None:
    """Draw the gradients and the losses of these networks, with markers at some of the steps."""
    gradients, training = axes[:, column]
    for name in names:
        colour, line, marker = LOOKS[name]
        look = {"color": colour, "linestyle": line, "marker": marker, "markersize": 4, "linewidth": 1.6, "label": name}
        if name != "clipped":  # before training it is the same as the other
            gradients.plot(range(1, DEPTH + 1), [row.gradient for row in flows[name].layers], **look)
        training.plot(range(1, STEPS + 1), losses[name], markevery=marked_steps, **look)
    gradients.set(yscale="log", xlabel="layer", ylabel="gradient (root mean square)", xticks=[1, 5, 10, 15, 20])
    training.set(yscale="log", xlabel="step", ylabel="loss")
    for panel in axes[:, column]:
        panel.grid(alpha=0.3)


draw(0, ["sigmoid", "initialisation", "ReLU", "normalisation", "residual"], list(range(0, STEPS, 300)))
draw(1, ["not clipped", "clipped"], [0, 1, 3, 9, 29, 99, 299, 999, 2999])
axes[0, 0].legend(loc="lower right", handlelength=4)
axes[1, 1].legend(handlelength=4)
axes[1, 1].set_xscale("log")
axes[0, 0].set_title("before training: with sigmoids the first layers get no gradient")
axes[1, 0].set_title("sigmoids do not learn; each cured network does")
axes[0, 1].set_title("weights too large: gradients explode")
axes[1, 1].set_title("clipping to a length of 1 saves the training")
picture = Path(__file__).parent / "output" / "vanishing.png"
picture.parent.mkdir(exist_ok=True)
figure.savefig(picture, dpi=120)
print(f"\nthe gradients and the losses are drawn in {picture.resolve()}")
