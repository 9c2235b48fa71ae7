"""autograd: scalar reverse-mode automatic differentiation that a person reads in one sitting.

A Value records each operation in a computation graph; `backward()` applies the chain rule in
reverse topological order.

>>> import autograd as ag
>>> x = ag.Value(2.0)
>>> y = ag.exp(x) * x + 1
>>> y.backward()
>>> f"{y:.4f} {x.grad:.4f}"  # e² · 2 + 1, and e² · 2 + e²
'15.7781 22.1672'

Arithmetic follows IEEE 754 as NumPy does: 1/0 is inf, log(-1) is nan, nothing raises. Where a
function has no derivative the choice is PyTorch's:

======================  ==============  ============================================================
function                at              derivative
======================  ==============  ============================================================
abs                     0               0
relu                    0               0
leaky_relu(x, slope)    0               slope
elu(x, alpha)           0               alpha
maximum, minimum        equal           1/2 to each argument
clip(x, low, high)      x = low, high   1 to x
sign, heaviside         anywhere        0, at the jump too
where(c, a, b)          any c           1 to the one chosen, 0 to the other, nothing to c
sqrt, cbrt              0               inf
norm, hypot             the origin      0 to each argument
atan2                   the origin      nan
pow(a, b) by a          b = 0           0, for every a
pow(a, b) by b          a = 0, b >= 0   0
log                     0               inf
asin, atanh             ±1              inf
acos                    ±1              -inf
acosh                   1               inf
======================  ==============  ============================================================
"""

from .drawing.draw import draw
from .functions import clip, elu, gelu, leaky_relu, log_softmax, mean, silu, softmax
from .installation import check_folder
from .jit import TracingError, jit
from .ops import abs as abs
from .ops import (
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    cbrt,
    cos,
    cosh,
    erf,
    erfc,
    exp,
    exp2,
    expm1,
    gaussian,
    heaviside,
    hypot,
    log,
    log1p,
    log2,
    log10,
    logsumexp,
    maximum,
    minimum,
    norm,
    prod,
    relu,
    sech2,
    sigmoid,
    sign,
    sin,
    sinh,
    softplus,
    sqrt,
    tan,
    tanh,
    where,
)
from .ops import pow as pow
from .ops import sum as sum
from .primitive import Primitive, primitive
from .stepper.page import step_through
from .testing import GradientError, check_gradients, numerical_gradient, numerical_hessian, numerical_jacobian
from .testing.anomaly import AnomalyError, detect_anomaly
from .transforms import elementwise_grad, grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from .value import Value, dot

check_folder()

__version__ = "0.1.0"
__build__ = "C" if hasattr(Value, "__mypyc_attrs__") else "Python"  # how the engine was built; see README, installing

# abs, pow and sum are here as ag.abs, ag.pow and ag.sum; `import *` leaves Python's own in place.
__all__ = [
    "AnomalyError",
    "GradientError",
    "Primitive",
    "TracingError",
    "Value",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cbrt",
    "check_gradients",
    "clip",
    "cos",
    "cosh",
    "detect_anomaly",
    "dot",
    "draw",
    "elementwise_grad",
    "elu",
    "erf",
    "erfc",
    "exp",
    "exp2",
    "expm1",
    "gaussian",
    "gelu",
    "grad",
    "heaviside",
    "hessian",
    "hvp",
    "hypot",
    "jacobian",
    "jit",
    "jvp",
    "leaky_relu",
    "log",
    "log1p",
    "log2",
    "log10",
    "log_softmax",
    "logsumexp",
    "maximum",
    "mean",
    "minimum",
    "norm",
    "numerical_gradient",
    "numerical_hessian",
    "numerical_jacobian",
    "primitive",
    "prod",
    "relu",
    "sech2",
    "sigmoid",
    "sign",
    "silu",
    "sin",
    "sinh",
    "softmax",
    "softplus",
    "sqrt",
    "step_through",
    "tan",
    "tanh",
    "value_and_grad",
    "vjp",
    "where",
]
