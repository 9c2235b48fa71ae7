"""Module: parameters are found wherever they are kept, once each, in a stable order, and shown readably."""

import copy
import pickle

import pytest

import nn
from autograd import Value


class Nested(nn.Module):
    def __init__(self) -> None:
        self.bias = Value(1.0)
        self.table = {"a": Value(2.0), "b": [Value(3.0), (Value(4.0), nn.Neuron(1, seed=0))]}
        self.rate = 0.5  # a plain number is no parameter
        self.again = self.bias  # nor is the same Value a second one
        self.last_output = self.bias * 2  # nor is a result


def test_parameters_are_found_in_containers_once_and_in_order() -> None:
    names = [name for name, _ in Nested().named_parameters()]
    assert names == ["bias", "table.a", "table.b.0", "table.b.1.0", "table.b.1.1.w.0", "table.b.1.1.b"]
    assert [p.data for p in Nested().parameters()][:4] == [1.0, 2.0, 3.0, 4.0]


def test_a_module_that_refers_to_itself_or_its_parent_is_walked_once() -> None:
    parent, child = nn.Module(), nn.Module()
    parent.child, child.parent, child.weight = child, parent, Value(1.0)
    assert [name for name, _ in parent.named_parameters()] == ["child.weight"]


def test_zero_grad_reaches_every_parameter() -> None:
    model = nn.MLP(2, [3, 1], seed=0)
    model([1.0, 2.0]).backward()
    assert any(p.grad for p in model.parameters())
    model.zero_grad()
    assert all(p.grad == 0.0 for p in model.parameters())


def test_repr_names_layers_and_counts_parameters() -> None:
    text = repr(nn.MLP(2, [16, 16, 1], seed=0))
    assert text.splitlines()[0] == "MLP(2 → 16 → 16 → 1, 337 parameters)"
    assert "Layer(16 → 16, relu, 272 parameters)" in text
    assert len(text.splitlines()) == 7, "sixteen like neurons take one line"
    assert repr(nn.Neuron(1, bias=False, seed=0)) == "Neuron(1 → 1, relu, 1 parameter)"


def test_a_model_copies_and_pickles_with_its_weights() -> None:
    model = nn.MLP(2, [3, 2], activation="tanh", seed=0)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert [float(y) for y in twin([0.3, 0.7])] == [float(y) for y in model([0.3, 0.7])]
        assert not set(map(id, twin.parameters())) & set(map(id, model.parameters()))


def test_a_module_without_forward_says_so() -> None:
    with pytest.raises(NotImplementedError, match="define __call__"):
        nn.Module()(1.0)


def test_two_parameters_of_one_path_are_not_lost_in_saving() -> None:
    class Colliding(nn.Module):
        def __init__(self) -> None:
            self.d = {1: Value(3.0), "1": Value(4.0)}

    with pytest.raises(ValueError, match=r"the path 'd\.1'"):
        Colliding().state_dict()


def test_repr_of_a_module_that_refers_to_its_parent_ends() -> None:
    parent, child = nn.Module(), nn.Module()
    parent.child, child.parent = child, parent
    assert "itself" in repr(parent)
