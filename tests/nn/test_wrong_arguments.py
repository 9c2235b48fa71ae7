"""Arguments of the wrong kind, in both packages: the error names the argument, and no string passes for a flag."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import autograd as ag
import nn
from autograd import Value

X, Y = [[0.0, 1.0], [1.0, 0.0]], [1.0, -1.0]


def model() -> nn.MLP:
    return nn.MLP(2, [2, 1], seed=0)


def fit(**options: Any) -> Any:
    m = model()
    return nn.fit(m, X, Y, nn.mse, nn.SGD(m.parameters()), 1, **options)


# Each flag of a public function, class or method, with a call that passes it.
FLAGS: dict[str, Callable[[Any], Any]] = {
    "Value.backward(create_graph)": lambda x: Value(1.0).backward(create_graph=x),
    "grad(has_aux)": lambda x: ag.grad(ag.exp, has_aux=x),
    "value_and_grad(has_aux)": lambda x: ag.value_and_grad(ag.exp, has_aux=x),
    "jacobian(sparse)": lambda x: ag.jacobian(ag.exp, sparse=x),
    "hessian(sparse)": lambda x: ag.hessian(ag.exp, sparse=x),
    "scan(reverse)": lambda x: ag.scan(lambda c, _: (c, c), 0.0, None, 3, reverse=x),
    "draw(gradients)": lambda x: ag.draw(Value(1.0), gradients=x),
    "draw(shade)": lambda x: ag.draw(Value(1.0), shade=x),
    "draw(expand)": lambda x: ag.draw(Value(1.0), expand=x),
    "nn.draw(gradients)": lambda x: nn.draw(model(), gradients=x),
    "nn.Neuron(bias)": lambda x: nn.Neuron(1, bias=x),
    "nn.Layer(bias)": lambda x: nn.Layer(1, 1, bias=x),
    "nn.MLP(bias)": lambda x: nn.MLP(1, [1], bias=x),
    "nn.MLP(residual)": lambda x: nn.MLP(1, [1], residual=x),
    "nn.Module.train(mode)": lambda x: model().train(x),
    "nn.Module.buffers(recurse)": lambda x: model().buffers(x),
    "nn.Module.load_state_dict(strict)": lambda x: model().load_state_dict({}, strict=x),
    "check_gradients(strict)": lambda x: ag.check_gradients(lambda x: x * x, 1.0, strict=x),
    "check_jacobian(strict)": lambda x: ag.testing.check_jacobian(np.square, X, jacobian=np.square, strict=x),
    "check_hessian(strict)": lambda x: ag.testing.check_hessian(np.sum, X, hessian=np.square, strict=x),
    "check_jvp(strict)": lambda x: ag.testing.check_jvp(np.square, X, jvp=np.multiply, strict=x),
    "check_vjp(strict)": lambda x: ag.testing.check_vjp(np.square, X, vjp=np.multiply, strict=x),
    "nn.SGD(nesterov)": lambda x: nn.SGD([Value(1.0)], momentum=0.5, nesterov=x),
    "nn.RMSprop(centered)": lambda x: nn.RMSprop([Value(1.0)], centered=x),
    "nn.EarlyStopping(restore_best)": lambda x: nn.EarlyStopping(restore_best=x),
    "nn.fit(resume)": lambda x: fit(resume=x),
    "nn.fit(detect_anomaly)": lambda x: fit(detect_anomaly=x),
    "nn.fit(compiled)": lambda x: fit(compiled=x),
    "nn.fit(progress)": lambda x: fit(progress=x),
    "nn.predict(compiled)": lambda x: nn.predict(model(), X, compiled=x),
}


def flags() -> Iterator[str]:
    """The flags of all public functions, classes and methods, by their signatures."""
    for package, prefix in ((ag, ""), (nn, "nn.")):
        for name in package.__all__:
            part = getattr(package, name)
            if dataclasses.is_dataclass(part) or not callable(part):
                continue  # the fields of a record hold results
            functions = {f"{prefix}{name}": part}
            if isinstance(part, type):
                own = {key: x for key, x in vars(part).items() if inspect.isfunction(x) and not key.startswith("_")}
                functions |= {f"{prefix}{name}.{key}": x for key, x in own.items()}
                functions[f"{prefix}{name}"] = part.__init__
            for place, function in functions.items():
                try:
                    parameters = inspect.signature(function).parameters.values()
                except ValueError:  # of a class in C
                    continue
                for p in parameters:
                    if isinstance(p.default, bool) or "bool" in str(p.annotation):
                        yield f"{place}({p.name})"


def test_all_flags_are_in_the_table() -> None:
    found = set(flags()) | {"Value.backward(create_graph)"}  # whose signature the C build hides
    assert found == set(FLAGS)


@pytest.mark.parametrize("place", FLAGS)
def test_only_a_bool_is_a_flag(place: str) -> None:
    flag = place.rpartition("(")[2].rstrip(")")
    for wrong in ("no", "", 1, 0.0, [], *([] if flag in ("compiled", "progress") else [None])):
        with pytest.raises(TypeError, match=rf"{flag} must be True(,| or) False.*, got "):
            FLAGS[place](wrong)


def test_a_bool_of_numpy_is_a_flag() -> None:
    assert nn.Neuron(1, bias=np.False_).b == 0.0  # type: ignore[arg-type]
    assert model().train(np.False_).training is False  # type: ignore[arg-type]
    assert Value(1.0).backward(create_graph=np.True_) != {}  # type: ignore[call-overload]


def refuse_flatten(result: Any) -> Any:
    """Differentiate with respect to a container whose flatten function returns this."""
    kind = type("Pair", (), {})
    ag.register_container(kind, lambda pair: result, lambda constants, children: kind())
    return ag.grad(lambda pair: 1.0)(kind())


def compile_formula(formula: Any) -> Any:
    def same(x: float) -> float:
        return x

    return ag.jit(ag.primitive(None, native=formula)(same))(1.0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Value(10**400), OverflowError, r"^Value\(\): data must fit into a float, got int 1000"),
        (lambda: Value(10**5000), OverflowError, "got int of more than 4,300 digits"),
        (lambda: ag.exp(), TypeError, r"^exp\(x\): missing a required argument: 'x'"),
        (
            lambda: ag.softmax(["1"]),
            TypeError,
            "^the argument of softmax must be a real number or a Value, got str '1'",
        ),
        (lambda: ag.log_softmax([None]), TypeError, "^the argument of log_softmax must be a real number"),
        (lambda: ag.leaky_relu("1"), TypeError, "^the argument of leaky_relu must be a real number"),
        (lambda: ag.elu(1.0, "1"), TypeError, "^the argument of elu must be a real number"),
        (lambda: ag.gelu("1"), TypeError, "^the argument of gelu must be a real number"),
        (lambda: ag.clip(1.0, "0", 1.0), TypeError, "^the argument of clip must be a real number"),
        (lambda: ag.jit(ag.exp)(y=1.0), TypeError, r"^jit\(exp\): missing a required argument: 'x'"),
        (lambda: ag.jit(ag.exp).value_and_grad(1.0, y=2), TypeError, "got an unexpected keyword argument 'y'"),
        (lambda: ag.jit(ag.exp).value_and_grad(1.0, argnums="x"), TypeError, r"argnums must be an int or a tuple of"),
        (lambda: ag.primitive(None, domain=5)(math_like), TypeError, "domain must be an interval .*, got 5"),
        (lambda: ag.primitive(None, domain=("a", "b"))(math_like), TypeError, "domain must be an interval"),
        (lambda: ag.primitive(None, native=lambda: 1.0)(math_like), TypeError, r"a formula, a function of \(x\), got"),
        (lambda: compile_formula(lambda x: "1"), ag.TracingError, "its native formula must return one number, got str"),
        (lambda: compile_formula(lambda x: x.size), ag.TracingError, "its native formula raises AttributeError"),
        (lambda: refuse_flatten(5), TypeError, r"flatten function of Pair must return a pair .*, got int 5"),
        (lambda: refuse_flatten((5, None)), TypeError, "flatten function of Pair must return a pair"),
        (lambda: refuse_flatten(([1.0], 2, 3)), TypeError, "flatten function of Pair must return a pair"),
        (
            lambda: nn.clip_grad_norm([1.0], 1.0),
            TypeError,
            "clip_grad_norm: a parameter must be a leaf Value, got float",
        ),  # type: ignore[list-item]
        (lambda: nn.clip_grad_value([Value(1.0)], "1"), TypeError, "clip_value must be a number of 0 or more, got '1'"),  # type: ignore[arg-type]
        (lambda: nn.clip_grad_norm(3, 1.0), TypeError, "parameters must be a list of Values, got int 3"),  # type: ignore[arg-type]
        (lambda: nn.gradient_flow(model(), X, Y, 3), TypeError, "gradient_flow: loss must be a function, got 3"),  # type: ignore[arg-type]
        (lambda: nn.gradient_flow(model(), 3, Y, nn.mse), TypeError, "gradient_flow: X must be a list or array"),  # type: ignore[arg-type]
        (
            lambda: nn.ReduceLROnPlateau(nn.SGD([Value(1.0)])).step("1"),  # type: ignore[arg-type]
            TypeError,
            r"ReduceLROnPlateau\.step: metric must be a number, got str '1'",
        ),
        (lambda: nn.mse("1", 1.0), TypeError, "mse: a prediction must be a number or a Value, got str '1'"),
        (lambda: nn.mse([1.0], [None]), TypeError, "mse: a target must be a number or a Value, got None"),
        (lambda: nn.hinge(1.0, "1"), TypeError, "hinge: a label must be a number or a Value, got str '1'"),
        (
            lambda: nn.binary_cross_entropy_with_logits("1", 1),
            TypeError,
            "binary_cross_entropy_with_logits: a logit must be a number",
        ),
        (lambda: nn.SGD([{"params": 3}]), TypeError, "SGD: parameters must be a list of Values, got int 3"),
        (lambda: nn.StepLR("sgd", 2), TypeError, "StepLR: optimizer must be an Optimizer, got 'sgd'"),  # type: ignore[arg-type]
    ],
)
def test_the_error_names_the_argument(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def math_like(x: float) -> float:
    return x


def test_limits_may_be_infinite() -> None:
    x = Value(0.0)
    x.grad = 5.0
    assert nn.clip_grad_norm([x], float("inf")) == 5.0
    assert x.grad == 5.0
