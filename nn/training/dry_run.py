"""probe: try out model, loss and examples together, before training begins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import autograd as ag
from autograd import Value
from autograd.chain import topological_order

from ..checks import restate
from ..losses import binary_cross_entropy_with_logits, cross_entropy
from ..module import Module, members
from .compiled.substitute import buffer_values
from .data import Array, Examples, explain_missing_rows, list_rows
from .predict import evaluation_mode
from .step import Loss, Penalty

MOST_TARGETS = 1000  # how many targets the loss is tried on, the smallest and the largest among them


def probe(model: Module, loss: Loss, penalty: Penalty | None, data: Examples) -> Any:
    """Try the model on a few examples, the loss on one output with every label, and the penalty; return the output.

    Raises:
        TypeError, ValueError: if one of them fails, or if the loss does not depend on the model.
    """
    with evaluation_mode(model):
        output, *_ = [_try_model(model, data, k) for k in (0, *_extreme_examples(data.X))]
        _refuse_probabilities(loss, output)
        losses = [_try_loss(loss, output, data.y, k) for k in _distinct_targets(data.y)]
        extra = 0.0 if penalty is None else penalty(model)
    if not isinstance(extra, (Value, int, float)):
        raise TypeError(f"the penalty must return one number, got {extra!r}")
    if not _depend_on([x for x in [*losses, extra] if isinstance(x, Value)], model.parameters()):
        raise TypeError(
            f"the loss must depend on the model's parameters, but for output {output!r} it returns {losses[0]!r}, "
            "which has no derivative with respect to them. Compute it from the output, with autograd functions, "
            "without .data, detach() and other models"
        )
    return output


def is_probability(output: Any) -> bool:
    """Whether an output was made by a sigmoid: by ag.sigmoid, or by 1 / (1 + exp(-z)) written out."""
    if _operation(output) == "sigmoid":
        return True
    if _operation(output) != "div" or isinstance(output.parents[0], Value):
        return False
    below = output.parents[1]
    return _operation(below) == "add" and "exp" in map(_operation, below.parents)


def _operation(x: Any) -> str:
    """The name of the primitive that made a Value; "" for all else."""
    return x.op.name if isinstance(x, Value) and x.op is not None else ""


def _refuse_probabilities(loss: Loss, output: Any) -> None:
    """ValueError if a loss that takes logits would get the result of a sigmoid or a softmax, and so apply it twice."""
    if loss is binary_cross_entropy_with_logits and is_probability(output):
        raise ValueError(
            "nn.binary_cross_entropy_with_logits applies a sigmoid itself, but the model's output has been through "
            "one. End the model without it, as with a linear layer"
        )
    if loss is cross_entropy and isinstance(output, (list, tuple)) and len(output) > 1:
        divided = {_operation(x) for x in output} == {"div"}
        if divided and len({id(x.parents[1]) for x in output}) == 1 and abs(sum(float(x) for x in output) - 1) < 1e-9:
            raise ValueError(
                "nn.cross_entropy applies a softmax itself, but the model's outputs have been through one. End the "
                "model without it, as with a linear layer"
            )


def _depend_on(results: list[Value], parameters: list[Value]) -> bool:
    """Whether one of the results was computed from one of the parameters."""
    wanted, graph = set(map(id, parameters)), topological_order(ag.sum(results)) if results else []
    return any(id(x) in wanted for node in graph for x in node.parents)


def _try_model(model: Module, data: Examples, k: int) -> Any:
    try:
        with explain_missing_rows(data.X):
            return model.batch(list_rows(data.X[k : k + 1]))[0]
    except (TypeError, ValueError) as error:
        message = f"the model cannot be called with an example of shape {data.X.shape[1:]}: {error}"
        raise restate(error, message) from error


def _try_loss(loss: Loss, output: Any, y: Array, k: int) -> Any:
    try:
        result = loss(output, list_rows(y[k : k + 1])[0])
    except (TypeError, ValueError) as error:
        raise restate(error, f"the loss cannot be computed for target number {k}: {error}") from error
    if not isinstance(result, (Value, int, float)):
        raise TypeError(f"the loss of one example must be one number, got {result!r}")
    return result


def _extreme_examples(X: Array) -> list[int]:
    """The examples with the smallest and the largest number, such as an index that no Embedding has."""
    return [int(k) // (X.size // len(X)) for k in (X.argmin(), X.argmax())]


def _distinct_targets(y: Array) -> list[int]:
    """The indexes of targets to try: each distinct one if they are single numbers, the first ones if they are rows."""
    if y.ndim > 1:
        return list(range(min(len(y), MOST_TARGETS // 10)))
    _, places = np.unique(y, return_index=True)
    return [*places[: MOST_TARGETS - 1].tolist(), int(places[-1])]


def refuse_chance(model: Module, loss: Loss, data: Examples) -> None:
    """TypeError if a copy of the model has another loss at a second call, which compiled code would not have."""
    few = data.take(np.arange(min(len(data), max(module.smallest_batch for module in model.modules()))))
    buffers, losses = buffer_values(model), []
    numbers = [x.data for x in buffers]
    for _ in range(2):
        for x, number in zip(buffers, numbers):
            x.data = number
        outputs = model.batch(list_rows(few.X))
        losses.append([float(loss(output, target)) for output, target in zip(outputs, list_rows(few.y))])
    if not np.array_equal(losses[0], losses[1], equal_nan=True):
        raise TypeError(
            f"a compiled step must have the same loss for the same example, but two calls gave {losses[0][0]} and "
            f"{losses[1][0]}. Draw random numbers by self.rng.random(n), with rng a NumPy Generator, keep numbers that "
            "change in a Buffer, or train without compiling"
        )


def is_known(model: Module, loss: Loss) -> bool:
    """Whether all classes and functions in them are this library's, of which none leaves anything to chance."""
    return _is_ours(loss) and all(
        _is_ours(type(module)) and all(_is_ours(x) for x in _functions(module)) for module in model.modules()
    )


def _functions(container: Any) -> Iterator[Any]:
    for _, x in members(container):
        if isinstance(x, (list, tuple, dict)):
            yield from _functions(x)
        elif callable(x) and not isinstance(x, Module):
            yield x


def _is_ours(x: Any) -> bool:
    module = getattr(x, "__module__", None) or type(x).__module__
    return module.split(".")[0] in (Module.__module__.split(".")[0], Value.__module__.split(".")[0])
