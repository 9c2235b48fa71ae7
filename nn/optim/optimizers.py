"""SGD, Adam, AdamW, RMSprop, Adagrad: one formula each. Names, defaults and formulas are PyTorch's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from autograd import Value

from ..checks import check_betas, check_flag, check_fraction_below_one, check_nonnegative
from .base import Check, Flat, Group, Optimizer, elementwise


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum and weight decay.

    For each parameter p with gradient g:

        g ← g + weight_decay · p
        v ← momentum · v + g, from v = 0
        p ← p - lr · v, or with nesterov p - lr · (g + momentum · v)

    Momentum is B. Polyak's (1964), nesterov that of I. Sutskever, J. Martens, G. Dahl, G. Hinton,
    On the importance of initialization and momentum in deep learning, 2013.

    Args:
        parameters: leaf Values, or groups of them; see Optimizer.
        lr: the learning rate.
        momentum: the fraction of the last velocity that is kept.
        nesterov: whether to look ahead along the velocity.
        weight_decay: how strongly parameters are pulled to zero.

    Raises:
        ValueError: for a negative lr, momentum or weight_decay, or nesterov without momentum.

    >>> x = Value(3.0)
    >>> optimizer = SGD([x], lr=0.1)
    >>> (x * x).backward()
    >>> optimizer.step()
    >>> round(x.data, 6)  # 3 - 0.1 · 6
    2.4
    """

    options: ClassVar[Mapping[str, Check]] = {
        "momentum": check_nonnegative,
        "nesterov": check_flag,
        "weight_decay": check_nonnegative,
    }

    def __init__(
        self,
        parameters: Iterable[Value] | Iterable[Mapping[str, Any]],
        lr: float = 1e-3,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr=lr, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay)

    def check_options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """See Optimizer; and nesterov without momentum is refused."""
        checked = super().check_options(options)
        if checked["nesterov"] and not checked["momentum"]:
            raise ValueError("nesterov needs momentum. Pass a momentum greater than 0")
        return checked

    @elementwise
    def update(self, group: Group, data: Flat, grad: Flat) -> Flat:
        o = group.options
        if group.uses("weight_decay"):
            grad = grad + o["weight_decay"] * data
        if group.uses("momentum"):
            group.state["velocity"] = velocity = o["momentum"] * group.remember("velocity") + grad
            grad = grad + o["momentum"] * velocity if group.uses("nesterov") else velocity
        new: Flat = data - o["lr"] * grad
        return new


class Adam(Optimizer):
    """Adam: steps of about the learning rate, whatever the size of the gradient.

    With m and v the running means of g and g², corrected for their start at zero:

        p ← p - lr · m / (√v + eps)

    D. Kingma, J. Ba, Adam: a method for stochastic optimization, arXiv:1412.6980.

    Args:
        parameters: leaf Values, or groups of them; see Optimizer.
        lr: the learning rate.
        betas: the fractions of the old means of g and of g² that are kept at each step.
        eps: added to the divisor, to keep the quotient finite.
        weight_decay: times p, it is added to the gradient.

    >>> x = Value(3.0)
    >>> optimizer = Adam([x], lr=0.1)
    >>> (x * x).backward()
    >>> optimizer.step()
    >>> round(x.data, 6)
    2.9
    """

    options: ClassVar[Mapping[str, Check]] = {
        "betas": check_betas,
        "eps": check_nonnegative,
        "weight_decay": check_nonnegative,
    }
    decoupled = False  # weights decay through the gradient

    def __init__(
        self,
        parameters: Iterable[Value] | Iterable[Mapping[str, Any]],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    @elementwise
    def update(self, group: Group, data: Flat, grad: Flat) -> Flat:
        o = group.options
        if self.decoupled:
            data = data * (1 - o["lr"] * o["weight_decay"])
        elif group.uses("weight_decay"):
            grad = grad + o["weight_decay"] * data
        beta_1, beta_2 = o["betas"]
        mean = beta_1 * group.remember("mean") + (1 - beta_1) * grad
        square = beta_2 * group.remember("square") + (1 - beta_2) * grad * grad
        group.state.update(mean=mean, square=square)
        unbiased_mean = mean / (1 - beta_1**group.steps)
        unbiased_square = square / (1 - beta_2**group.steps)
        new: Flat = data - o["lr"] * unbiased_mean / (np.sqrt(unbiased_square) + o["eps"])
        return new


class AdamW(Adam):
    """Adam in which weights decay directly and not through the gradient: first p ← p (1 - lr · weight_decay).

    I. Loshchilov, F. Hutter, Decoupled weight decay regularization, arXiv:1711.05101. The arguments are Adam's.
    """

    decoupled = True

    def __init__(
        self,
        parameters: Iterable[Value] | Iterable[Mapping[str, Any]],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(parameters, lr, betas, eps, weight_decay)


class RMSprop(Optimizer):
    """Gradient steps divided by the root of a running mean of g².

    T. Tieleman, G. Hinton, lecture 6.5 of Neural networks for machine learning, 2012; with `centered`
    A. Graves's variant, arXiv:1308.0850, which divides by the running standard deviation.

    Args:
        parameters: leaf Values, or groups of them; see Optimizer.
        lr: the learning rate.
        alpha: the fraction of the old mean of g² that is kept at each step.
        eps: added to the divisor.
        weight_decay: times p, it is added to the gradient.
        momentum: the fraction of the last step that is kept.
        centered: whether to subtract the square of the mean gradient from the mean of g².
    """

    options: ClassVar[Mapping[str, Check]] = {
        "alpha": check_fraction_below_one,
        "eps": check_nonnegative,
        "weight_decay": check_nonnegative,
        "momentum": check_nonnegative,
        "centered": check_flag,
    }

    def __init__(
        self,
        parameters: Iterable[Value] | Iterable[Mapping[str, Any]],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
    ) -> None:
        super().__init__(
            parameters, lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum, centered=centered
        )

    @elementwise
    def update(self, group: Group, data: Flat, grad: Flat) -> Flat:
        o = group.options
        if group.uses("weight_decay"):
            grad = grad + o["weight_decay"] * data
        square = o["alpha"] * group.remember("square") + (1 - o["alpha"]) * grad * grad
        group.state["square"] = spread = square
        if group.uses("centered"):
            mean = o["alpha"] * group.remember("mean") + (1 - o["alpha"]) * grad
            group.state["mean"] = mean
            spread = square - mean * mean
        step = grad / (np.sqrt(spread) + o["eps"])
        if group.uses("momentum"):
            group.state["velocity"] = step = o["momentum"] * group.remember("velocity") + step
        new: Flat = data - o["lr"] * step
        return new


class Adagrad(Optimizer):
    """Gradient steps divided by the root of the sum of all g² so far.

    J. Duchi, E. Hazan, Y. Singer, Adaptive subgradient methods, JMLR 12, 2011.

    Args:
        parameters: leaf Values, or groups of them; see Optimizer.
        lr: the learning rate.
        lr_decay: the rate falls as 1 / (1 + lr_decay · steps before this one).
        weight_decay: times p, it is added to the gradient.
        initial_accumulator_value: where the sum of g² starts.
        eps: added to the divisor.
    """

    options: ClassVar[Mapping[str, Check]] = dict.fromkeys(
        ("lr_decay", "weight_decay", "initial_accumulator_value", "eps"), check_nonnegative
    )

    def __init__(
        self,
        parameters: Iterable[Value] | Iterable[Mapping[str, Any]],
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
    ) -> None:
        super().__init__(
            parameters,
            lr=lr,
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            eps=eps,
        )

    @elementwise
    def update(self, group: Group, data: Flat, grad: Flat) -> Flat:
        o = group.options
        if group.uses("weight_decay"):
            grad = grad + o["weight_decay"] * data
        total = group.remember("square_sum", o["initial_accumulator_value"]) + grad * grad
        group.state["square_sum"] = total
        rate = o["lr"] / (1 + (group.steps - 1) * o["lr_decay"])
        new: Flat = data - rate * grad / (np.sqrt(total) + o["eps"])
        return new
