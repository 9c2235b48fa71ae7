"""Updates of optimizers that users write: compiled if they are marked elementwise, and refused if they are not that."""

from typing import Any

import numpy as np
import pytest
from updates import Heavy, Whole, X, all_of, network, run, same, y

import nn
from autograd.jit import TracingError
from nn.training.compiled.compile_step import CompiledStep
from nn.training.step import EagerStep


def test_a_users_update_is_compiled_if_it_is_marked() -> None:
    same(Heavy)


def test_an_update_that_overrides_a_marked_one_is_called_as_it_is() -> None:
    assert not hasattr(Whole(network().parameters()).update, "elementwise")
    same(Whole)
    same(Whole, norm="batch")
    same(nn.Adam, norm="batch")


def test_a_users_update_all_is_called() -> None:
    class Projected(nn.SGD):
        def update_all(self, data: Any, grad: Any) -> Any:
            return np.maximum(super().update_all(data, grad), 0.0)

    same(lambda ps: Projected(ps, lr=0.1))


def test_what_an_update_reads_of_its_optimizer_is_not_frozen_silently() -> None:
    class Reading(Heavy):
        @nn.elementwise
        def update(self, group: Any, data: Any, grad: Any) -> Any:
            return data - self.lr * grad

    with pytest.raises(TracingError, match=r"test_elementwise.*Or leave nn.elementwise off; then the update is"):
        run(CompiledStep, Reading)


def test_a_state_starts_where_the_options_say() -> None:
    class Growing(Heavy):
        @nn.elementwise
        def update(self, group: Any, data: Any, grad: Any) -> Any:
            group.state["size"] = size = 1.1 * group.remember("size", group.options["lr"])
            return data - size * grad + 0.0 * group.remember("size", 7.0)

    same(lambda ps: Growing(ps, lr=0.1), lambda step, optimizer: optimizer.groups[0].options.update(lr=0.01))

    class Averaging(Heavy):
        @nn.elementwise
        def update(self, group: Any, data: Any, grad: Any) -> Any:
            return data - group.remember("average", data)

    with pytest.raises(TypeError, match="the start of the state 'average' of an elementwise update must be one number"):
        run(CompiledStep, Averaging)


def test_an_update_that_fails_to_compile_leaves_no_half_chosen_step() -> None:
    class Sometimes(Heavy):
        @nn.elementwise
        def update(self, group: Any, data: Any, grad: Any) -> Any:
            if group.uses("share") and group.options["share"] > 0.5:
                return data
            return data - group.options["lr"] * grad

    model = network()
    optimizer = Sometimes(model.parameters(), lr=0.1, share=0.0)
    with CompiledStep(model, nn.mse, optimizer) as step:
        step(X, y)
        optimizer.groups[0].options["share"] = 1.0
        before = all_of(step)
        for _ in range(2):
            with pytest.raises(TracingError):
                step(X, y)
        assert all_of(step) == before
        optimizer.groups[0].options["share"] = 0.0
        step(X, y)


class Branching(Heavy):
    @nn.elementwise
    def update(self, group: Any, data: Any, grad: Any) -> Any:
        return data - 0.1 if group.options["lr"] > 0.005 else data


class Hiding(Heavy):
    @nn.elementwise
    def update(self, group: Any, data: Any, grad: Any) -> Any:
        group.state["last"] = grad
        return data - grad


class InPlace(Heavy):
    @nn.elementwise
    def update(self, group: Any, data: Any, grad: Any) -> Any:
        mean = group.remember("mean")
        mean *= 0.9
        mean += grad
        return data - 0.01 * mean


class Centred(Heavy):
    @nn.elementwise
    def update(self, group: Any, data: Any, grad: Any) -> Any:
        return data - 0.01 * (grad - np.mean(grad))


class Counting(Heavy):
    count = 0

    @nn.elementwise
    def update(self, group: Any, data: Any, grad: Any) -> Any:
        self.count += 1
        return data - 0.01 * grad / self.count


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (Branching, TracingError, "test_elementwise"),
        (
            Hiding,
            TypeError,
            r"Hiding.update is marked elementwise, but it keeps \['last'\] without reading it by group.remember",
        ),
        (
            InPlace,
            TypeError,
            r"it changes a state in place. Write group.state\[name\] = new instead. See help\(nn.elementwise\)",
        ),
        (Centred, TypeError, "what it computes for a parameter depends on the others"),
        (Counting, TypeError, "it changes its optimizer or options. Keep numbers that change in group.state"),
    ],
)
def test_what_is_not_elementwise_is_refused(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        run(CompiledStep, make)


class Lion(nn.Optimizer):
    """X. Chen and others, Symbolic discovery of optimization algorithms, arXiv:2302.06675."""

    def __init__(self, parameters: Any, lr: float = 1e-3, betas: Any = (0.9, 0.99), most: float = 1.0) -> None:
        super().__init__(parameters, lr=lr, betas=betas, most=most)

    @nn.elementwise
    def update(self, group: Any, data: Any, grad: Any) -> Any:
        o, mean = group.options, group.remember("mean")
        step = np.sign(o["betas"][0] * mean + (1 - o["betas"][0]) * grad)
        group.state["mean"] = o["betas"][1] * mean + (1 - o["betas"][1]) * grad
        moved = data - o["lr"] * step
        return np.minimum(np.maximum(moved, -o["most"]), o["most"])


def test_an_update_may_use_sign_maximum_and_minimum_of_numpy() -> None:
    same(Lion)
    same(lambda ps: Lion(ps, lr=0.1, most=0.5))


@pytest.mark.parametrize("kind", [CompiledStep, EagerStep])
@pytest.mark.parametrize("result", [None, 1.0, np.zeros(3)])
def test_an_update_that_returns_something_else_is_refused(kind: Any, result: Any) -> None:
    class Wrong(Heavy):
        def update(self, group: Any, data: Any, grad: Any) -> Any:
            return result

    with pytest.raises(
        TypeError, match=r"Wrong.update must return the new numbers .* an array of shape \(21,\) and dtype float64, got"
    ):
        run(kind, Wrong)
    with pytest.raises(NotImplementedError, match=r"Optimizer has no update. Define update\(self, group, data, grad\)"):
        run(kind, lambda ps: nn.Optimizer(ps, lr=0.1))


def test_only_an_update_is_marked() -> None:
    with pytest.raises(TypeError, match="elementwise: update must be a method of an Optimizer, got"):
        nn.elementwise(3)  # type: ignore[type-var]


def test_the_update_of_the_documentation() -> None:
    class Rprop(nn.Optimizer):
        def __init__(self, parameters: Any, lr: float = 0.01) -> None:
            super().__init__(parameters, lr=lr)

        @nn.elementwise
        def update(self, group: Any, data: Any, grad: Any) -> Any:
            agree = grad * group.remember("grad")
            factor = 1.2 * (agree > 0) + 0.5 * (agree < 0) + (agree == 0)
            group.state["rate"] = rate = np.minimum(group.remember("rate", 1.0) * factor, 50.0)
            group.state["grad"] = grad * (agree >= 0)
            return data - group.options["lr"] * rate * np.sign(grad)

    same(Rprop)
