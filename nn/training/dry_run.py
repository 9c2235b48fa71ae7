"""probe: whether model, loss and examples go together, tried before anything is computed at length."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd import Value

from ..module import Module
from .data import Array, Examples, explain_missing_rows, list_rows
from .predict import evaluation_mode
from .step import Loss, Penalty

PROBED = 1000  # targets that the loss is tried on, the least and the largest among them


def probe(model: Module, loss: Loss, penalty: Penalty | None, data: Examples) -> Any:
    """Try the model on a few examples, the loss on an output with every label, and the penalty; return the output.

    Raises:
        TypeError, ValueError: if one of them cannot be, or if the loss does not depend on the model.
    """
    with evaluation_mode(model):
        output, *_ = [_output(model, data, k) for k in (0, *_extremes(data.X))]
        losses = [_loss(loss, output, data.y, k) for k in _telling(data.y)]
        extra = 0.0 if penalty is None else penalty(model)
    if not isinstance(extra, (Value, int, float)):
        raise TypeError(f"the penalty is one number, got {extra!r}")
    if not any(isinstance(x, Value) for x in [*losses, extra]):
        raise TypeError(f"the loss does not depend on the model: of its output {output!r} it makes {losses[0]!r}")
    return output


def _output(model: Module, data: Examples, k: int) -> Any:
    try:
        with explain_missing_rows(data.X):
            return model.batch(list_rows(data.X[k : k + 1]))[0]
    except (TypeError, ValueError) as error:
        message = f"the model cannot be called with an example of shape {data.X.shape[1:]}: {error}"
        raise _like(error, message) from error


def _loss(loss: Loss, output: Any, y: Array, k: int) -> Any:
    try:
        result = loss(output, list_rows(y[k : k + 1])[0])
    except (TypeError, ValueError) as error:
        raise _like(error, f"the loss cannot be taken of target number {k}: {error}") from error
    if not isinstance(result, (Value, int, float)):
        raise TypeError(f"the loss of one example is one number, got {result!r}")
    return result


def _like(error: Exception, message: str) -> Exception:
    return TypeError(message) if isinstance(error, TypeError) else ValueError(message)


def _extremes(X: Array) -> list[int]:
    """The examples with the least number and the largest, such as an index that no Embedding has."""
    return [int(k) // (X.size // len(X)) for k in (X.argmin(), X.argmax())]


def _telling(y: Array) -> list[int]:
    """Places in y that show whether all can be targets: of single numbers each that there is, of rows the first."""
    if y.ndim > 1:
        return list(range(min(len(y), PROBED // 10)))
    _, places = np.unique(y, return_index=True)
    return [*places[: PROBED - 1].tolist(), int(places[-1])]
