"""Every public optimizer, loss, activation and initialiser of nn, found by their entries: a new one is tested too."""

import inspect
from typing import Any

import numpy as np
import pytest

import autograd as ag
import nn
from autograd import Value
from nn.layers.activations import GAINS
from nn.training.compiled.compile_step import CompiledStep
from nn.training.step import EagerStep

PUBLIC = [getattr(nn, name) for name in nn.__all__]
CLASSES = [x for x in PUBLIC if isinstance(x, type)]
OPTIMIZERS = [x for x in CLASSES if issubclass(x, nn.Optimizer) and x is not nn.Optimizer]
MODULES = [x for x in CLASSES if issubclass(x, nn.Module)]
LOSSES = [x for x in PUBLIC if inspect.isfunction(x) and x.__module__ == "nn.losses"]
EXAMPLES: list[Any] = [
    ([0.3, -1.2, 2.0], [1, -1, 1]),
    ([0.3, -1.2, 2.0], [1, 0, 0]),
    ([[0.3, -1.2], [2.0, 0.1]], [1, 0]),
]

RNG = np.random.default_rng(5)
X, Y = RNG.normal(size=(12, 2)), RNG.choice([-1.0, 1.0], 12)


def test_all_kinds_are_found() -> None:
    assert min(len(OPTIMIZERS), len(MODULES), len(LOSSES)) >= 4


@pytest.mark.parametrize("part", [*CLASSES, *LOSSES], ids=lambda part: str(part.__name__))
def test_a_part_has_a_docstring(part: Any) -> None:
    assert part.__doc__
    assert part.__doc__[0].isupper()


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_an_optimizer_checks_its_options_and_is_compiled_to_what_it_does(kind: type[nn.Optimizer]) -> None:
    declared = {name for base in kind.__mro__ for name in vars(base).get("options", {})}
    assert set(kind([Value(0.0)]).groups[0].options) <= declared
    models = [nn.MLP(2, [4, 1], "tanh", seed=0) for _ in range(2)]
    optimizers = [kind(model.parameters()) for model in models]
    steps = [
        make(model, nn.mse, optimizer) for make, model, optimizer in zip((CompiledStep, EagerStep), models, optimizers)
    ]
    losses = [[step(X, Y) for _ in range(8)] for step in steps]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-10)
    assert losses[0][-1] < losses[0][0]
    other = kind(models[0].parameters())
    other.load_state_dict(optimizers[0].state_dict())
    assert repr(other.state_dict()) == repr(optimizers[0].state_dict())


@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_is_reduced_differentiated_and_compiled(loss: Any) -> None:
    def works(outputs: Any, targets: Any) -> bool:
        try:
            loss(outputs, targets)
        except (TypeError, ValueError):
            return False
        return True

    tried = [(outputs, targets) for outputs, targets in EXAMPLES if works(outputs, targets)]
    assert tried, "none of EXAMPLES suits this loss: add one that does"
    for outputs, targets in tried:
        each = loss(outputs, targets, reduction="none")
        assert loss(outputs, targets) == pytest.approx(np.mean(each), rel=1e-14)
        assert loss(outputs, targets, reduction="sum") == pytest.approx(np.sum(each), rel=1e-14)
        ag.check_gradients(lambda z, targets=targets: loss(z, targets), outputs)
        for output, target, wanted in zip(outputs, targets, each):
            assert ag.jit(loss)(output, target) == pytest.approx(wanted, rel=1e-12)
    with pytest.raises(ValueError, match=f"{loss.__name__}: reduction must be 'mean', 'sum' or 'none', got 'all'"):
        loss(*tried[0], reduction="all")


@pytest.mark.parametrize("name", list(nn.ACTIVATIONS))
def test_an_activation_has_a_gain_and_trains(name: str) -> None:
    assert name in GAINS
    model = nn.MLP(2, [8, 1], name, seed=0)
    history = nn.fit(model, X, Y, nn.mse, nn.Adam(model.parameters(), lr=0.01), 5, seed=0)
    assert history.loss[-1] < history.loss[0]


def test_a_users_activation_is_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    def mish(x: Any) -> Any:
        return x * ag.tanh(ag.softplus(x))

    monkeypatch.setitem(nn.ACTIVATIONS, "mish", mish)
    model = nn.MLP(2, [8, 1], "mish", seed=0)
    assert "mish" in repr(model)
    for layer, other in zip(model.layers, nn.MLP(2, [8, 1], mish, seed=0).layers):
        assert [p.data for p in layer.parameters()] == [p.data for p in other.parameters()]
    assert nn.predict(model, X) == pytest.approx([float(model(x)) for x in X], rel=1e-12)


@pytest.mark.parametrize("name", list(nn.init.INITIALISERS))
def test_an_initialiser_draws_the_weights_of_a_layer(name: str) -> None:
    drawn = nn.init.INITIALISERS[name](3, 2, np.random.default_rng(0))
    layer = nn.Layer(3, 2, init=name, seed=0)
    assert [[w.data for w in neuron.w] for neuron in layer.neurons] == drawn.tolist()
