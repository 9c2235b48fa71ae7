"""LayerNorm and BatchNorm: numbers with mean 0 and variance 1, over an example or a batch. Formulas are PyTorch's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import autograd as ag
from autograd import Value

from ..attributes import list_in_order
from ..checks import check_count, check_example, check_fraction, check_positive, describe_layer, make_output
from ..module import Buffer, Module


class LayerNorm(Module):
    """Normalises the n numbers of each example: (x - mean) / √(variance + eps) · weight + bias.

    J. L. Ba, J. R. Kiros, G. E. Hinton, Layer normalization, arXiv:1607.06450. Mean and variance are
    those of the n numbers, and the divisor of the variance is n.

    Args:
        n: how many numbers an example has.
        eps: added to the variance, to keep the square root away from 0.

    Attributes:
        weight, bias: n parameters each, 1 and 0 at first.

    >>> [round(y.data, 3) for y in LayerNorm(3)([1.0, 2.0, 3.0])]  # (x - 2) / √(2/3)
    [-1.225, 0.0, 1.225]
    """

    follows = True

    def __init__(self, n: int, eps: float = 1e-5) -> None:
        self.n, self.eps = check_count(n, "n"), check_positive(eps, "eps")
        self.weight = tuple([Value(1.0) for _ in range(self.n)])
        self.bias = tuple([Value(0.0) for _ in range(self.n)])

    def __call__(self, x: Any) -> Any:
        """The normalised numbers: a list, or the Value itself if there is only one."""
        centred, variance = _moments(check_example(x, self, self.n))[1:]
        scale = 1.0 / ag.sqrt(variance + self.eps)
        return make_output([c * scale * w + b for c, w, b in zip(centred, self.weight, self.bias)])

    def extra_repr(self) -> str:
        return str(self.n)


class BatchNorm(Module):
    """Normalises each of n numbers over the batch: (x - mean) / √(variance + eps) · weight + bias.

    S. Ioffe, C. Szegedy, Batch normalization, arXiv:1502.03167; as torch.nn.BatchNorm1d. In training,
    mean and variance are those of the batch, the divisor of the variance is B, the number of examples, and

        running_mean ← (1 - momentum) · running_mean + momentum · mean
        running_var  ← (1 - momentum) · running_var + momentum · variance · B / (B - 1)

    In evaluation (after `eval()`) the running statistics take their place, and examples are independent.

    Training needs the whole batch, and therefore calls `batch`, which Sequential, Residual and MLP pass on layer by
    layer. `nn.compile_step` compiles it for all examples at once. A Module of your own that contains a BatchNorm
    needs, besides `__call__`, a `batch(self, xs)` that calls the `batch` of its layers.

    Args:
        n: how many numbers an example has.
        eps: added to the variance, to keep the square root away from 0.
        momentum: the weight of the new numbers in the running statistics.

    Attributes:
        weight, bias: n parameters each, 1 and 0 at first.
        running_mean, running_var: n numbers each, 0 and 1 at first; saved, not trained.

    >>> norm = BatchNorm(1)
    >>> [round(y.data, 3) for y in norm.batch([1.0, 2.0, 3.0])]
    [-1.225, 0.0, 1.225]
    >>> [round(m.data, 3) for m in norm.running_mean + norm.running_var]  # 0.1 · 2, and 0.9 + 0.1 · 1
    [0.2, 1.0]
    >>> round(norm.eval()(2.0).data, 3)
    1.8
    """

    follows = True
    smallest_batch = 2

    def __init__(self, n: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        self.n, self.eps = check_count(n, "n"), check_positive(eps, "eps")
        self.momentum = check_fraction(momentum, "momentum")
        self.weight = tuple([Value(1.0) for _ in range(self.n)])
        self.bias = tuple([Value(0.0) for _ in range(self.n)])
        self.running_mean = Buffer([0.0] * self.n)
        self.running_var = Buffer([1.0] * self.n)

    def __call__(self, x: Any) -> Any:
        """One example, normalised by the running statistics: a list, or the Value itself if there is only one number.

        Raises:
            RuntimeError: in training.
        """
        if self.training:
            raise RuntimeError(
                f"{describe_layer(self)} in training needs the whole batch, but was called with one example. Call "
                "model.batch(xs) in place of [model(x) for x in xs] (a Module of your own must define batch(self, xs), "
                "which calls the batch of its layers), or call model.eval() first to use the running statistics"
            )
        xs = check_example(x, self, self.n)
        numbers = zip(xs, self.running_mean, self.running_var, self.weight, self.bias)
        return make_output([(p - mean) / ag.sqrt(var + self.eps) * w + b for p, mean, var, w, b in numbers])

    def batch(self, xs: Iterable[Any]) -> list[Any]:
        """The normalised numbers of each of a list of examples. In training this updates the running statistics.

        Raises:
            ValueError: in training, for fewer than two examples: one has no variance.
        """
        if not self.training:
            return super().batch(xs)
        rows = [check_example(x, self, self.n) for x in list_in_order(xs, "a batch")]
        if len(rows) < 2:
            raise ValueError(
                f"{describe_layer(self)}: a batch must have at least two examples in training, got {len(rows)}. "
                "Leave out a last batch of one, or call model.eval() first"
            )
        moments = [_moments(column) for column in zip(*rows)]
        scales = [w / ag.sqrt(var + self.eps) for (_, _, var), w in zip(moments, self.weight)]
        unbiased = len(rows) / (len(rows) - 1)
        self._update_running(self.running_mean, [mean for mean, _, _ in moments])
        self._update_running(self.running_var, [var * unbiased for _, _, var in moments])
        columns = [[c * s + b for c in centred] for (_, centred, _), s, b in zip(moments, scales, self.bias)]
        return [make_output(row) for row in zip(*columns)]

    def _update_running(self, running: Buffer, new: Sequence[Any]) -> None:
        running.replace([(1.0 - self.momentum) * old + self.momentum * x for old, x in zip(running, new)])

    def extra_repr(self) -> str:
        return str(self.n)


def _moments(xs: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...], Any]:
    """The mean, the differences from it, and the variance with divisor n."""
    mean = ag.mean(xs)
    centred = tuple([x - mean for x in xs])
    return mean, centred, ag.dot(centred, centred) / len(xs)
