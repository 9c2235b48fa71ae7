"""A differential equation: a network learns the oscillation u'' = -u from the equation alone, without any data.

The loss contains the second derivative of the network with respect to its input, and is itself differentiated with
respect to the weights (M. Raissi, P. Perdikaris, G. Karniadakis, Physics-informed neural networks, Journal of
Computational Physics 378, 2019). It trains a few steps by the plain loop, and the same steps and many more
compiled. It draws demos/output/differential_equation.png.
"""

import time
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

import autograd as ag
import nn

PLAIN_STEPS, STEPS = 5, 20_000


class Oscillation(nn.Module):
    """How far a network is from solving u'' = -u at a point; 0 at every point of a solution."""

    def __init__(self, seed: int) -> None:
        self.network = nn.MLP(1, [12, 12, 1], activation="tanh", seed=seed)

    def solution(self, t: Any) -> Any:
        """u(t), which has u(0) = 0 and u'(0) = 1 whatever the network says."""
        return t + t**2 * self.network([t])

    def __call__(self, x: Any) -> Any:
        (t,) = x
        return ag.grad(ag.grad(self.solution))(t) + self.solution(t)


times = np.linspace(0.0, 2 * np.pi, 40).reshape(-1, 1)
zeros = np.zeros(len(times))

# The plain loop: every derivative is a graph of Values, and loss.backward() goes through all of it.
model = Oscillation(seed=1)
optimizer = nn.Adam(model.parameters(), lr=0.01)
start = time.perf_counter()
for _ in range(PLAIN_STEPS):
    loss = nn.mse([model(t) for t in times], zeros)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
plain = (time.perf_counter() - start) / PLAIN_STEPS

# The same steps compiled, and many more.
twin = Oscillation(seed=1)
optimizer = nn.Adam(twin.parameters(), lr=0.01)
losses = []
with nn.compile_step(twin, nn.mse, optimizer) as step:
    losses = [step(times, zeros) for _ in range(PLAIN_STEPS)]
difference = max(abs(p.data - q.data) for p, q in zip(model.parameters(), twin.parameters()))
schedule = nn.CosineAnnealingLR(optimizer, STEPS)
with nn.compile_step(twin, nn.mse, optimizer) as step:
    start = time.perf_counter()
    for _ in range(STEPS):
        losses.append(step(times, zeros))
        schedule.step()
    compiled = (time.perf_counter() - start) / STEPS
print(f"one step: {1e3 * plain:.0f} ms with the plain loop, {1e6 * compiled:.0f} µs compiled")
print(f"after {PLAIN_STEPS} steps the weights differ by {difference:.0e}")

solve = ag.jit(twin.solution, in_axes=0)
fine = np.linspace(0.0, 2 * np.pi, 400)
error = np.abs(solve(fine) - np.sin(fine))
print(f"loss {losses[0]:.2g} at first, {losses[-1]:.1e} at last; at most {error.max():.1e} from sin t")

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
left.plot(fine, np.sin(fine), color="0.8", linewidth=7, label="sin t")
left.plot(fine, solve(fine), color="C0", label="the network")
left.plot(times, solve(times.ravel()), "o", color="C0", markersize=3)
left.set(title="u'' = −u, u(0) = 0, u'(0) = 1", xlabel="t", ylabel="u")
left.legend()
right.semilogy(losses, color="C1", linewidth=0.8)
right.set(title="mean of (u'' + u)² at 40 points", xlabel="step", ylabel="loss")
output = Path(__file__).parent / "output"
output.mkdir(exist_ok=True)
figure.savefig(output / "differential_equation.png", dpi=110)
print(f"drew {output.name}/differential_equation.png")
