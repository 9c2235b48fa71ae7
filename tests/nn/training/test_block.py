"""In a block of compiled steps, whoever uses the model sees the numbers of now, and may change them."""

import copy
import math
import operator
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd as ag
import nn
from autograd import ops
from autograd.node import on_backward, on_read, on_record
from autograd.primitive import Primitive
from nn.training.compiled.compile_step import CompiledStep, compile_step
from nn.training.step import EagerStep, Step

RNG = np.random.default_rng(0)
X, y = RNG.normal(size=(20, 2)), RNG.choice([-1.0, 1.0], 20)


def momentum(parameters: Any) -> nn.Optimizer:
    return nn.SGD(parameters, lr=0.1, momentum=0.9)


def weights(model: nn.Module) -> list[float]:
    return [p.data for p in model.parameters()]


def trained(steps: int, norm: Any = None) -> nn.Module:
    """A model after that many steps of the eager loop."""
    model = nn.MLP(2, [3, 1], "tanh", norm=norm, seed=0)
    optimizer = momentum(model.parameters())
    for _ in range(steps):
        optimizer.zero_grad()
        nn.mse(model.batch(X), y.tolist()).backward()
        optimizer.step()
    return model


def saved(model: nn.Module, folder: Path) -> nn.Module:
    nn.save(model, folder / "weights.safetensors")
    other = nn.MLP(2, [3, 1], "tanh", norm="batch", seed=1)
    nn.load(other, folder / "weights.safetensors")
    return other


HELD: dict[str, list[ag.Value]] = {}  # parameters that were in a variable before the block
READERS: dict[str, Callable[[Any, Path], Any]] = {  # what a user may ask of a model or of its parameters
    "state_dict": lambda model, _: np.concatenate([x.ravel() for x in model.state_dict().values()]),
    "save": lambda model, folder: weights(saved(model, folder)),
    "predict": lambda model, _: nn.predict(model, X),
    "call": lambda model, _: [model.eval()(x).data for x in X],
    "jit": lambda model, _: ag.jit(model.eval(), in_axes=0)(X),
    "deepcopy": lambda model, _: weights(copy.deepcopy(model)),
    "pickle": lambda model, _: weights(pickle.loads(pickle.dumps(model))),
    "attribute": lambda model, _: model.layers[1].neurons[0].b.data,
    "draw": lambda model, _: str(nn.draw(model)),
    "held": lambda model, _: [p.data for p in (HELD.get("p") or model.parameters())],
    "printed": lambda model, _: [f"{p:.9f} {float(p):.9f}" for p in (HELD.get("p") or model.parameters())[:2]],
    "repr": lambda model, _: repr((HELD.get("p") or model.parameters())[-1].detach())[:20],
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", [CompiledStep, EagerStep])
def test_whoever_reads_the_model_in_a_block_sees_the_numbers_of_now(
    reader: str, kind: type[Step], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = READERS[reader]
    wanted = [read(trained(steps, "batch"), tmp_path) for steps in (2, 4)]
    model = nn.MLP(2, [3, 1], "tanh", norm="batch", seed=0)
    monkeypatch.setitem(HELD, "p", model.parameters())
    found = []
    with kind(model, nn.mse, momentum(HELD["p"])) as step:
        for _ in range(2):
            for _ in range(2):
                step(X, y)
            found.append(read(model, tmp_path))
            assert type(model) is nn.MLP
            model.train()
    for ours, oracle in zip(found, wanted):
        if isinstance(oracle, str):
            assert ours == oracle
        elif isinstance(oracle[0] if np.ndim(oracle) else oracle, str):
            assert list(ours) == list(oracle)
        else:
            np.testing.assert_allclose(ours, oracle, rtol=1e-10, atol=1e-12)
    assert not on_read
    assert not on_record
    assert not on_backward


BINARY: list[Any] = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.mod]
BINARY += [operator.floordiv, operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]
UNARY: list[Any] = [operator.neg, abs, int, bool, float, round, math.trunc, math.floor, math.ceil]
USES: dict[str, Callable[[Any], Any]] = {  # of two numbers that are parameters; floats are the oracle
    **{f.__name__: lambda p, f=f: f(p[0], p[1]) for f in BINARY},
    **{f"{f.__name__} number": lambda p, f=f: f(p[0], 0.5) for f in BINARY},
    **{f"number {f.__name__}": lambda p, f=f: f(0.5, p[0]) for f in BINARY},
    **{f.__name__: lambda p, f=f: f(p[0]) for f in UNARY},
    "round 2": lambda p: round(p[0], 2),
    "divmod": lambda p: divmod(p[0], p[1])[1],
    "sum": lambda p: ag.sum(p),
    "built-in sum": sum,
    "max": max,
    "sorted": lambda p: sorted(p)[0],
    "norm": lambda p: ag.norm(p),
    "dot": lambda p: ag.dot(p, (2.0, 3.0)),
    "dot with bias": lambda p: ag.dot((p[0],), (p[1],), p[0]),
    "object array": lambda p: np.mean(np.array(p, dtype=object)),
    "where": lambda p: ag.where(p[0] > 0, 1.0, 2.0),
    "jit": lambda p: ag.jit(lambda x: x[0] * x[1])(p),
    "value_and_grad": lambda p: ag.value_and_grad(lambda x: x * p[0])(2.0)[1],
    **{
        op.name: lambda p, op=op: op(*[*p, 0.5][: op.arity])
        for op in vars(ops).values()
        if isinstance(op, Primitive) and op.scalar and op.arity <= 3
    },
}


@pytest.mark.parametrize("kind", [CompiledStep, EagerStep])
def test_every_use_of_a_parameter_that_was_held_before_the_block_takes_its_number_of_now(kind: type[Step]) -> None:
    model = nn.Neuron(2, "tanh", seed=0)
    held = model.parameters()
    with kind(model, nn.mse, nn.SGD(held, lr=0.01)) as step:
        for name, use in USES.items():
            step.flat = np.array([0.3, 0.7, 0.1])  # near which every operation has a value
            step(X, y)
            numbers = step.flat[:2].tolist()
            found = use(held[:2])
            assert float(found) == pytest.approx(float(use(numbers)), rel=1e-14, nan_ok=True), name
            assert [p.data for p in held[:2]] == numbers, name


def test_backward_after_a_step_takes_the_numbers_of_now() -> None:
    model = nn.Neuron(2, "tanh", seed=0)
    held = model.parameters()
    with compile_step(model, nn.mse, momentum(held)) as step:
        product = held[0] * held[1]
        step(X, y)
        numbers = step.flat.tolist()
        product.backward()
        assert [p.grad for p in held] == [numbers[1], numbers[0], 0.0]
        step(X, y)
        slope = (held[0] ** 3).backward(create_graph=True)[held[0]]
        assert slope.data == pytest.approx(3 * held[0].data ** 2, rel=1e-14)
        step(X, y)
        with ag.detect_anomaly():
            assert (held[0] + 0.0).data == step.flat[0]


def test_a_step_starts_from_what_was_changed_in_the_block() -> None:
    model, other = trained(0), trained(0)
    held = model.parameters()
    optimizers = [nn.SGD(m.parameters(), lr=0.1) for m in (model, other)]
    changes: list[Callable[[nn.Module, Any], Any]] = [
        lambda m, p: m.load_state_dict(trained(3).state_dict()),
        lambda m, p: setattr(p[0], "data", 0.5),
        lambda m, p: setattr(m.layers[0].neurons[1], "activation", ag.sin),  # type: ignore[attr-defined]
        lambda m, p: nn.clip_grad_norm(p, 1.0),
    ]
    with compile_step(model, nn.mse, optimizers[0]) as step:
        for change in changes:
            change(model, held)
            change(other, other.parameters())
            loss = nn.mse(other.batch(X), y.tolist())
            optimizers[1].zero_grad()
            loss.backward()
            optimizers[1].step()
            assert step(X, y) == pytest.approx(loss.data, rel=1e-12)
        flat = step.flat
        assert weights(model) == flat.tolist()
        flat[0] = 2.0  # an array that was kept, after the model had the numbers
        losses = step(X, y), compile_step(model, nn.mse, optimizers[0])
        assert losses[0] != weights(model)
        flat = step.flat
        weights(model)
        flat[0], held[1].data = 3.0, 4.0
        with pytest.raises(RuntimeError, match="were both changed between two steps"):
            step(X, y)
        assert weights(model) == step.flat.tolist()
        assert step.flat[1] == 4.0
        model.layers[1].neurons[0].b = ag.Value(0.0)  # type: ignore[attr-defined]
        with pytest.raises(ValueError, match="must be the model's"):
            step(X, y)


def test_two_blocks_may_share_a_layer_or_read_each_other() -> None:
    first, second = nn.Neuron(2, "tanh", seed=0), nn.Neuron(2, "tanh", seed=1)

    def make() -> tuple[nn.Module, nn.Module, Any]:
        a, b = copy.deepcopy(first), copy.deepcopy(second)
        return a, b, lambda z, t: (z - b([t, 1.0])) ** 2  # the loss of a reads b, which b's block changes

    (a, b, loss), (c, d, other) = make(), make()
    steps = (
        compile_step(a, loss, nn.SGD(a.parameters(), lr=0.1)),
        compile_step(b, nn.mse, nn.SGD(b.parameters(), lr=0.1)),
    )
    eager_steps = (
        EagerStep(c, other, nn.SGD(c.parameters(), lr=0.1)),
        EagerStep(d, nn.mse, nn.SGD(d.parameters(), lr=0.1)),
    )
    with steps[0], steps[1]:
        for _ in range(3):
            for ours, oracle in zip(steps, eager_steps):
                assert ours(X, y) == pytest.approx(oracle(X, y), rel=1e-12)
    np.testing.assert_allclose(weights(a) + weights(b), weights(c) + weights(d), rtol=1e-12)
