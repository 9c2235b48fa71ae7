"""Module: parameters are found wherever they are kept, once each, in a stable order, and shown readably."""

import copy
import inspect
import pickle
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import pytest

import autograd as ag
import nn
from autograd import Value
from autograd.jit import TracingError


class Nested(nn.Module):
    def __init__(self) -> None:
        self.bias = Value(1.0)
        self.table = {"a": Value(2.0), "b": [Value(3.0), (Value(4.0), nn.Neuron(1, seed=0))]}
        self.rate = 0.5  # a plain number is no parameter
        self.again = self.bias  # nor is the same Value a second one
        self.last_output: Any = None

    def __call__(self, x: Any) -> Any:
        self.last_output = self.bias * x  # nor is a result
        return self.last_output


def test_parameters_are_found_in_containers_once_and_in_order() -> None:
    nested = Nested()
    nested(2.0)
    names = [name for name, _ in nested.named_parameters()]
    assert names == ["bias", "table.a", "table.b.0", "table.b.1.0", "table.b.1.1.w.0", "table.b.1.1.b"]
    assert [p.data for p in Nested().parameters()][:4] == [1.0, 2.0, 3.0, 4.0]


class Recorder:
    """It keeps a model's last output, outside of the model's construction, though in a function of that name."""

    def __init__(self, model: Any, x: float) -> None:
        self.result = model.last_output = model(x)


def test_a_result_may_be_kept_once_a_module_is_constructed() -> None:
    model = Nested()
    Recorder(model, 3.0)
    assert model.last_output.op is not None
    assert len(model.parameters()) == 6


def test_a_module_class_shows_its_arguments_and_may_be_abstract() -> None:
    class Abstract(nn.Module, ABC):
        @abstractmethod
        def width(self) -> int: ...

    class Wide(Abstract):
        def __init__(self, nin: int, *, bias: bool = True) -> None:
            self.w = [Value(0.0) for _ in range(nin)]

        def width(self) -> int:
            return len(self.w)

    assert Wide(3).width() == 3
    assert str(inspect.signature(Wide)) == "(nin: int, *, bias: bool = True) -> None"
    assert str(inspect.signature(Abstract)) == "()"
    with pytest.raises(TypeError, match="abstract"):
        Abstract()  # type: ignore[abstract]
    assert copy.deepcopy(Wide(2)).width() == 2


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
    with pytest.raises(NotImplementedError, match="Define __call__"):
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


def test_modules_are_this_one_and_each_inside_once() -> None:
    parent, child = nn.Module(), nn.Neuron(1, seed=0)
    parent.table, parent.again, child.parent = {"a": [child]}, child, parent
    assert list(parent.named_modules()) == [("", parent), ("table.a.0", child)]
    assert list(parent.modules()) == [parent, child]
    parent.eval()
    assert not parent.training
    assert not child.training
    assert parent.train() is parent
    assert child.training


class Summing(nn.Module):
    """2 x plus the sum of all that it was called with in training."""

    def __init__(self) -> None:
        self.weight, self.total = Value(2.0), nn.Buffer([0.0])

    def __call__(self, x: Any) -> Any:
        if self.training:
            self.total.replace([self.total[0] + x])
        return self.weight * x + self.total[0]


def test_a_buffer_is_saved_read_by_programs_and_not_trained() -> None:
    model = nn.Sequential(Summing())
    assert [name for name, _ in model.named_parameters()] == ["layers.0.weight"]
    assert [float(y) for y in model.batch([1.0, 1.0])] == [3.0, 4.0]
    program = ag.jit(model.eval())
    assert program(1.0) == 4.0
    assert list(model.state_dict()) == ["layers.0.weight", "layers.0.total"]
    model.load_state_dict({"layers.0.weight": 2, "layers.0.total": [7]})
    assert program(1.0) == model(1.0).data == 9.0
    twin = pickle.loads(pickle.dumps(copy.deepcopy(model)))
    assert [b[0].data for b in twin.buffers()] == [7.0]
    assert twin.buffers()[0][0] is not model.buffers()[0][0]
    with pytest.raises(TracingError, match=r"test_module.*replaces the numbers in its Buffers"):
        ag.jit(model.train())(1.0)
    with pytest.raises(TracingError, match="replaces the numbers in its Buffers"):
        ag.jit(lambda: model(1.0))()
    assert model.buffers()[0][0].data == 7.0


def test_loading_another_architecture_names_the_first_differences_and_counts_the_rest() -> None:
    model, other = nn.MLP(2, [9, 1], seed=0), nn.MLP(3, [12, 1], seed=0)
    before = model.state_dict()
    with pytest.raises(RuntimeError) as caught:
        model.load_state_dict(other.state_dict())
    lines = str(caught.value).splitlines()
    assert lines[1].endswith('"layers.0.neurons.10.w", "layers.0.neurons.10.b", and 2 more')
    assert lines[2] == (
        "  size mismatch for layers.0.neurons.0.w: copying a param with shape (3,) from checkpoint, "
        "the shape in current model is (2,)"
    )
    assert lines[-1] == "  and 6 more"
    assert len(lines) == 7
    with pytest.raises(RuntimeError, match=r'Missing key.*"layers\.0\.neurons\.9\.w", "layers'):
        other.load_state_dict(model.state_dict())
    assert all((before[k] == x).all() for k, x in model.state_dict().items())


@pytest.mark.parametrize("given", [None, "1.0", [None, 1.0], 1j, {}])
def test_a_state_that_holds_no_numbers_is_refused(given: Any) -> None:
    neuron = nn.Neuron(1, seed=0)
    before = neuron.state_dict()
    with pytest.raises(RuntimeError, match="b: expected an array of real numbers, got"):
        neuron.load_state_dict({"w": [5.0], "b": given})
    assert neuron.state_dict() == before


def test_an_attribute_set_to_none_is_not_a_parameter() -> None:
    neuron = nn.Neuron(1, seed=0)
    neuron.b = None
    assert list(neuron.state_dict()) == ["w"]
    with pytest.raises(RuntimeError, match=r'Unexpected key.*"b"'):
        neuron.load_state_dict(nn.Neuron(1).state_dict())


def test_arrays_of_values_are_parameters() -> None:
    class Grid(nn.Module):
        def __init__(self) -> None:
            self.w = np.array([[Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)]])
            self.units = np.array([nn.Neuron(1, init="ones")])

        def __call__(self, x: Any) -> Any:
            return self.units[0](np.sum(self.w @ x))

    grid = Grid()
    assert [name for name, _ in grid.named_parameters()] == [
        "w.0.0",
        "w.0.1",
        "w.1.0",
        "w.1.1",
        "units.0.w.0",
        "units.0.b",
    ]
    state = grid.state_dict()
    assert {name: x.tolist() for name, x in state.items()} == {
        "w": [[1.0, 2.0], [3.0, 4.0]],
        "units.0.w": [1.0],
        "units.0.b": 0.0,
    }
    values = grid.w.copy()
    grid.load_state_dict({**state, "w": 2.0 * state["w"]})
    assert all(a is b for a, b in zip(grid.w.flat, values.flat))
    assert [v.data for v in grid.w.flat] == [2.0, 4.0, 6.0, 8.0]
    X = np.array([[1.0, 0.5], [0.5, 1.0]])
    with nn.compile_step(grid, nn.mse, nn.SGD(grid.parameters(), lr=0.0)) as step:
        assert step(X, [0.0, 0.0]) == pytest.approx((14.0**2 + 16.0**2) / 2, rel=1e-14)
    assert nn.predict(grid, X).tolist() == [14.0, 16.0]


@pytest.mark.parametrize("numbers", [[], [1.0], [1.0, 2.0, 3.0]])
def test_a_buffer_takes_as_many_numbers_as_it_has(numbers: list[float]) -> None:
    buffer = nn.Buffer([5.0, 6.0])
    with pytest.raises(ValueError, match=f"there must be 2 numbers, as there are now, got {len(numbers)}"):
        buffer.replace(numbers)
    assert [x.data for x in buffer] == [5.0, 6.0]
