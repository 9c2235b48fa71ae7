"""Steps that are taken by compiled and by plain updates alike, and optimizers as users write them."""

from typing import Any

import numpy as np

import nn
from nn.training.compiled.compile_step import CompiledStep
from nn.training.step import EagerStep, Step

RNG = np.random.default_rng(0)
X, y = RNG.normal(size=(20, 3)), RNG.choice([-1.0, 1.0], 20)


def network() -> nn.MLP:
    return nn.MLP(3, [4, 1], "tanh", seed=1)


def run(
    kind: type[Step], make: Any, change: Any = lambda step, optimizer: None, steps: int = 12, norm: Any = None
) -> Any:
    """The losses, and the model and the optimizer in the end."""
    model = nn.MLP(3, [4, 1], "tanh", norm=norm, bias=norm is None, seed=1)
    optimizer = make(model.parameters())
    losses = []
    with kind(model, nn.mse, optimizer) as step:
        for k in range(steps):
            change(k, optimizer)
            losses.append(step(X, y))
    return losses, model, optimizer


def same(make: Any, change: Any = lambda step, optimizer: None, norm: Any = None) -> None:
    """Check that the compiled step does what the eager one does."""
    losses, model, optimizer = run(CompiledStep, make, change, norm=norm)
    wanted, other, reference = run(EagerStep, make, change, norm=norm)
    for name, x in other.state_dict().items():  # buffers, too
        np.testing.assert_allclose(model.state_dict()[name], x, rtol=1e-8, atol=1e-13)
    np.testing.assert_allclose(losses, wanted, rtol=1e-11)
    np.testing.assert_allclose(weights(model), weights(other), rtol=1e-9, atol=1e-14)
    for group, expected in zip(optimizer.groups, reference.groups):
        assert group.steps == expected.steps
        assert group.state.keys() == expected.state.keys()
        for name in group.state:
            np.testing.assert_allclose(group.state[name], expected.state[name], rtol=1e-9, atol=1e-14)


def weights(model: nn.Module) -> list[float]:
    return [p.data for p in model.parameters()]


def all_of(step: Step) -> Any:
    groups = [(g.steps, {name: x.tolist() for name, x in g.state.items()}) for g in step.optimizer.groups]
    return weights(step.model), step.flat.tolist(), step.buffers.tolist(), groups


class Heavy(nn.Optimizer):
    """A user's update, by the tanh of a running mean."""

    def __init__(self, parameters: Any, lr: float = 0.01, share: float = 0.5, alpha: float = 0.9) -> None:
        super().__init__(parameters, lr=lr, share=share, alpha=alpha)

    @nn.elementwise
    def update(self, group: Any, data: Any, grad: Any) -> Any:
        o = group.options
        group.state["mean"] = mean = o["alpha"] * group.remember("mean", 1.0) + (1 - o["alpha"]) * grad
        step = o["lr"] * np.tanh(mean / (1 + group.steps))
        return data - (step if not group.uses("share") else o["share"] * step)


class Whole(Heavy):
    """One that looks at all parameters together, and so is not marked."""

    def update(self, group: Any, data: Any, grad: Any) -> Any:
        data -= group.options["lr"] * grad / np.linalg.norm(grad)  # in place: what it is lent is its own
        mean = group.remember("mean")
        mean += 1.0
        return data
