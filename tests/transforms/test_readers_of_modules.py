"""Inside a transform, whatever turns the parameters of a Module into plain numbers is refused, or has no derivative."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import autograd as ag
import nn
from tests.support.small_models import Line, X, fit, sgd, y


def train(model: Any) -> Any:
    model.slope.grad = 1.0
    sgd(model).step()
    return model.slope * model.slope


READERS: dict[str, Callable[[Any, Path], Any]] = {
    "state_dict": lambda m, _: float(m.state_dict()["slope"]) * m.slope,
    "save": lambda m, path: (nn.save(m, path / "weights.safetensors"), m.slope)[1],
    "predict, not compiled": lambda m, _: nn.predict(m, X, compiled=False)[0] * m.slope,
    "gradient_flow": lambda m, _: nn.gradient_flow(m, X, y, nn.mse).layers[0].weight * m.slope,
    "fit": lambda m, _: fit(m).loss[-1] * m.slope,
    "fit, not compiled": lambda m, _: fit(m, compiled=False).loss[-1] * m.slope,
    "compile_step": lambda m, _: nn.compile_step(m, nn.mse, sgd(m))(X, y) * m.slope,
    "an optimizer's step": lambda m, _: train(m),
}


@pytest.mark.parametrize("name", READERS)
def test_plain_numbers_of_parameters_are_refused_inside_a_transform(name: str, tmp_path: Path) -> None:
    model = Line()
    READERS[name](Line(), tmp_path)  # otherwise it works
    with pytest.raises(ag.LostDerivativeError, match=r"^grad\(<lambda>\): .* turns a Value into a plain number"):
        ag.grad(lambda m: READERS[name](m, tmp_path))(model)
    assert model.slope.data == 1.0


def test_a_compiled_prediction_has_its_derivatives() -> None:
    slope = ag.grad(lambda m: nn.predict(m, X)[0] * m.slope)(Line())  # of slope² x
    assert slope == {"slope": pytest.approx(2.0 * X[0, 0], rel=1e-15)}


def test_another_model_may_be_read_inside_a_transform() -> None:
    other = Line()
    slope = ag.grad(lambda m: float(other.state_dict()["slope"]) * nn.predict(other, X)[0] * m.slope**2)(Line())
    assert slope == {"slope": pytest.approx(2.0 * X[0, 0], rel=1e-15)}
