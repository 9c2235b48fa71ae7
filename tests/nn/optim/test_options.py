"""Options of optimizers: those of nn and of users are checked when they are given, changed and loaded."""

import math
from typing import Any, ClassVar

import numpy as np
import pytest

import nn
from autograd import Value
from nn.checks import check_fraction


class Own(nn.Optimizer):
    """Its options have no check, and may have the names of other optimizers' options."""

    def __init__(self, parameters: Any, lr: float = 0.1, **options: Any) -> None:
        super().__init__(parameters, lr=lr, **options)

    @nn.elementwise
    def update(self, group: Any, data: Any, grad: Any) -> Any:
        return data - group.options["lr"] * grad


class Checked(Own):
    options: ClassVar[Any] = {"share": check_fraction}


class Stricter(Checked):
    options: ClassVar[Any] = {"lr": check_fraction}


@pytest.mark.parametrize(
    ("name", "given", "wanted"),
    [
        ("alpha", 2.0, 2.0),
        ("maximize", False, False),
        ("nesterov", 1, 1.0),
        ("centered", np.bool_(True), True),
        ("betas", 0.5, 0.5),
        ("momentum", -1.0, -1.0),
        ("weights", [1, True, (2.5,)], (1.0, True, (2.5,))),
    ],
)
def test_an_option_is_what_its_optimizer_makes_of_it(name: str, given: Any, wanted: Any) -> None:
    found = Own([Value(0.0)], **{name: given}).groups[0].options[name]
    assert (found, type(found)) == (wanted, type(wanted))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda x: Own([x], alpha=math.inf), ValueError, "alpha must be a finite number, True or False, or a tuple"),
        (lambda x: Own([x], alpha="2"), TypeError, "alpha must be a finite number, True or False.*, got '2'"),
        (lambda x: Own([x], pair=(1.0, None)), TypeError, "each of pair must be a finite number"),
        (lambda x: Own([x], lr=-1.0), ValueError, "the learning rate lr must be a finite number of 0 or more, got -1"),
        (lambda x: Checked([x], share=2.0), ValueError, "share must be a number from 0 to 1, got 2.0"),
        (lambda x: Checked([x], lr=-1.0), ValueError, "the learning rate lr must be"),
        (lambda x: Stricter([x], share=2.0), ValueError, "share must be a number from 0 to 1, got 2.0"),
        (lambda x: Stricter([x], lr=2.0), ValueError, "lr must be a number from 0 to 1, got 2.0"),
    ],
)
def test_checks_are_inherited_and_replaced_by_name(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make(Value(0.0))


def test_an_optimizer_of_the_old_form_names_what_to_rename() -> None:
    with pytest.raises(TypeError, match=r"Old.rule must be named update. Rename it to update\(self, group, data, grad"):

        class Old(nn.Optimizer):
            def rule(self, group: Any, data: Any, grad: Any) -> Any:
                return data


@pytest.mark.parametrize("options", [{"lr": 3}, ["lr"]])
def test_checks_are_functions_by_name(options: Any) -> None:
    with pytest.raises(TypeError, match=r"Bad\.options must be a dict of functions by option name"):
        type("Bad", (nn.Optimizer,), {"options": options})


class Named:
    """A mixin that has other options than an optimizer's."""

    options: ClassVar[Any] = {"lr": None, "share": 5}


class Mixed(Named, Checked):
    pass


def test_options_of_classes_that_are_not_optimizers_are_not_checks() -> None:
    assert Mixed([Value(0.0)], lr=0.5, share=0.25).groups[0].options == {"lr": 0.5, "share": 0.25}
    with pytest.raises(ValueError, match=r"share must be a number from 0 to 1, got 2\.0"):
        Mixed([Value(0.0)], share=2.0)


class Free(nn.Optimizer):
    """An optimizer without a learning rate: half of each parameter's gradient is taken off."""

    def __init__(self, parameters: Any, scale: float = 0.5) -> None:
        super().__init__(parameters, scale=scale)

    @nn.elementwise
    def update(self, group: Any, data: Any, grad: Any) -> Any:
        return data - group.options["scale"] * grad


def test_an_optimizer_without_a_learning_rate_trains_and_says_that_it_has_none(tmp_path: Any) -> None:
    model = nn.Neuron(1, "linear", init="ones")
    optimizer = Free(model.parameters())
    with pytest.raises(AttributeError, match=r"Free has no option lr. The options are \['scale'\]"):
        _ = optimizer.lr
    with pytest.raises(AttributeError, match="Free has no option lr"):
        optimizer.lr = 0.5
    with pytest.raises(ValueError, match="StepLR: optimizer must have the option lr, got Free, which has none"):
        nn.StepLR(optimizer, 1)
    for epochs in (1, 2):
        history = nn.fit(
            model, [[1.0], [2.0]], [1.0, 2.0], nn.mse, optimizer, epochs, seed=0, checkpoint=tmp_path, resume=True
        )
    assert len(history.loss) == 2
    assert all(map(math.isnan, history.lr))


BAD: list[tuple[str, Any, type[Exception], str]] = [
    ("lr", -1.0, ValueError, "the learning rate lr must be a finite number of 0 or more, got -1.0"),
    ("lr", "fast", TypeError, "the learning rate lr must be a finite number of 0 or more, got 'fast'"),
    ("betas", 3, TypeError, "betas must be two numbers"),
    ("betas", (0.9, math.nan), ValueError, "each of betas must be a number from 0 up to but not including 1, got nan"),
    ("eps", math.inf, ValueError, "eps must be a finite number of 0 or more, got inf"),
    ("epsilon", 1e-6, ValueError, r"Adam: unknown option \['epsilon'\]. The options are \['lr', 'betas', 'eps', 'wei"),
]


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize(("name", "given", "error", "message"), BAD)
def test_an_option_that_is_changed_is_checked_before_the_next_step(
    name: str, given: Any, error: type[Exception], message: str, compiled: bool
) -> None:
    model = nn.Neuron(1, "linear", init="ones")
    optimizer = nn.Adam([{"params": [model.w[0]]}, {"params": [model.b]}], lr=0.1)
    with nn.compile_step(model, nn.mse, optimizer) as compiled_step:

        def step() -> None:
            if compiled:
                compiled_step(np.array([[1.0]]), np.array([3.0]))
            else:
                model.w[0].grad = model.b.grad = 1.0
                optimizer.step()

        step()
        before = optimizer.state_dict()
        options = optimizer.groups[1].options
        old = options.get(name)
        options[name] = given
        numbers = [p.data for p in model.parameters()]
        with pytest.raises(error, match=message):
            step()
        assert [group.steps for group in optimizer.groups] == [1, 1]
        assert [p.data for p in model.parameters()] == numbers
        if old is None:
            del options[name]
        else:
            options[name] = old
        assert str(optimizer.state_dict()) == str(before)
        step()
    assert [group.steps for group in optimizer.groups] == [2, 2]


def test_an_option_that_is_missing_or_set_as_an_attribute_is_refused() -> None:
    x = Value(1.0)
    optimizer = nn.SGD([x], lr=0.1, momentum=0.9, nesterov=True)
    with pytest.raises(AttributeError, match=r"momentum is an option.*optimizer.groups\[k\].options\['momentum'\]"):
        optimizer.momentum = 0.5
    optimizer.groups[0].options["momentum"] = 0.0
    with pytest.raises(ValueError, match="nesterov needs momentum"):
        optimizer.step()
    del optimizer.groups[0].options["momentum"]
    with pytest.raises(ValueError, match=r"SGD: missing option \['momentum'\]"):
        optimizer.step()
    assert (x.data, optimizer.groups[0].steps) == (1.0, 0)
    optimizer.groups[0].options["momentum"] = np.float64(0.5)
    optimizer.step()
    assert type(optimizer.groups[0].options["momentum"]) is float


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"parameters": 3}, ValueError, "the state is of 3 parameters, but the group has 2"),
        ({"steps": -1}, ValueError, "SGD: the steps of a state must be a whole number of 0 or more, got -1"),
        ({"steps": 1.5}, TypeError, "SGD: the steps of a state must be a whole number of 0 or more, got 1.5"),
        ({"steps": True}, TypeError, "the steps of a state must be"),
        ({"options": {"lr": -1.0}}, ValueError, "the learning rate lr must be"),
        ({"options": {"momentum": 0.0, "nesterov": True}}, ValueError, "nesterov needs momentum"),
    ],
)
def test_a_state_that_no_optimizer_can_have_is_refused(
    change: dict[str, Any], error: type[Exception], message: str
) -> None:
    optimizer = nn.SGD([Value(0.0), Value(1.0)], lr=0.1)
    state = optimizer.state_dict()
    group = state["groups"][0]
    group |= {name: group[name] | x if name == "options" else x for name, x in change.items()}
    before = str(optimizer.state_dict())
    with pytest.raises(error, match=message):
        optimizer.load_state_dict(state)
    assert str(optimizer.state_dict()) == before


def test_a_state_of_fewer_parameters_is_refused_even_if_it_remembers_nothing() -> None:
    with pytest.raises(ValueError, match="the state is of 1 parameters, but the group has 2"):
        nn.SGD([Value(0.0), Value(1.0)]).load_state_dict(nn.SGD([Value(0.0)]).state_dict())
