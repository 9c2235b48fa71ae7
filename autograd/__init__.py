"""autograd: scalar reverse-mode automatic differentiation, small enough to read in one sitting.

A Value records each operation in a computation graph; `backward()` applies the chain rule in
reverse topological order.

>>> import autograd as ag
>>> x = ag.Value(2.0)
>>> y = ag.exp(x) * x + 1
>>> y.backward()
>>> f"{y:.4f} {x.grad:.4f}"  # e² · 2 + 1, and e² · 2 + e²
'15.7781 22.1672'

Arithmetic follows IEEE 754 as NumPy does: 1/0 is inf, log(-1) is nan, and nothing raises. Where a
function has no derivative, one is chosen. The choice is PyTorch's if PyTorch has the function, except
at the origin for hypot (PyTorch gives nan) and atan2 (PyTorch gives 0):

===========================  ==============  ====================================================
function                     at              derivative
===========================  ==============  ====================================================
abs                          0               0
relu                         0               0
leaky_relu(x, slope)         0               slope
elu(x, alpha)                0               alpha
maximum, minimum             equal           1/2 to each argument
clip(x, low, high)           x = low, high   1 to x
sign, heaviside              anywhere        0, at the jump too
where(c, a, b)               any c           1 to the one chosen, nothing to the other and to c
sqrt, cbrt                   0               inf
norm, hypot                  the origin      0 to each argument
atan2                        the origin      nan
pow(a, b) with respect to a  b = 0           0, for every a
pow(a, b) with respect to b  a = 0, b >= 0   0
log                          0               inf
asin, atanh                  ±1              inf
acos                         ±1              -inf
acosh                        1               inf
===========================  ==============  ====================================================
"""

import builtins as _builtins
import typing as _typing
from types import ModuleType as _ModuleType

from . import linalg as linalg
from .arrays import Array as Array, array as array
from .drawing.draw import draw as draw
from .functions.loops import cond as cond, fori_loop as fori_loop, scan as scan, while_loop as while_loop
from .functions.sequences import (
    cumsum as cumsum,
    interp as interp,
    log_softmax as log_softmax,
    mean as mean,
    softmax as softmax,
    std as std,
    var as var,
)
from .functions.single import (
    clip as clip,
    elu as elu,
    gelu as gelu,
    hardtanh as hardtanh,
    leaky_relu as leaky_relu,
    log_sigmoid as log_sigmoid,
    mish as mish,
    round as round,
    silu as silu,
    softplus as _softplus,
)
from .implicit.custom_root import custom_root as custom_root, fixed_point as fixed_point
from .installation import check_folder as _check_folder
from .jit import TracingError as TracingError, jit as jit
from .lost import LostDerivativeError as LostDerivativeError, detect_lost as detect_lost
from .ops import *  # noqa: F403 - every primitive is public
from .primitive import Primitive as Primitive, primitive as primitive
from .special.bessel import j0 as j0, j1 as j1, jn as jn, sinc as sinc, sinc_part as sinc_part
from .special.gamma import digamma as digamma, gamma as gamma, lgamma as lgamma, polygamma as polygamma
from .special.incomplete import betainc as betainc, gammainc as gammainc, gammaincc as gammaincc
from .special.normal import erfinv as erfinv, norm_cdf as norm_cdf, norm_pdf as norm_pdf, norm_ppf as norm_ppf
from .stepper.step_through import step_through as step_through
from .testing import (
    GradientError as GradientError,
    check_gradients as check_gradients,
    check_hessian as check_hessian,
    check_jacobian as check_jacobian,
    check_jvp as check_jvp,
    check_vjp as check_vjp,
    numerical_gradient as numerical_gradient,
    numerical_hessian as numerical_hessian,
    numerical_jacobian as numerical_jacobian,
)
from .testing.anomaly import AnomalyError as AnomalyError, detect_anomaly as detect_anomaly
from .transforms import (
    elementwise_grad as elementwise_grad,
    grad as grad,
    hessian as hessian,
    hvp as hvp,
    jacobian as jacobian,
    jvp as jvp,
    value_and_grad as value_and_grad,
    vjp as vjp,
)
from .transforms.containers import register_container as register_container
from .user_line import Missing as _Missing
from .value import Value as Value, dot as dot  # type: ignore[assignment] # the copy of dot in fast.py

softplus = _softplus  # type: ignore[assignment] # with beta

_check_folder()

no_grad = _Missing(
    "no_grad", "What is not to be recorded is computed with floats: x.data, x.detach(), nn.predict(model, X)"
)

__version__ = "0.1.0"
__build__ = "C" if hasattr(Value, "__mypyc_attrs__") else "Python"  # how the engine was built; see docs/installing.md


def __dir__() -> list[str]:
    return [name for name, x in globals().items() if not isinstance(x, _Missing)]


if not _typing.TYPE_CHECKING:  # without the names of Python's built-ins, such as abs and sum: use ag.abs and ag.sum
    __all__ = sorted(
        name
        for name, x in globals().items()
        if not name.startswith("_") and not hasattr(_builtins, name) and not isinstance(x, (_ModuleType, _Missing))
    )
