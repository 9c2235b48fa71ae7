"""Which function computes each transcendental primitive for whole vectors.

Each function writes instructions into a Writer. It holds for every float: infinities, nan and signed
zeros included. Rare cases (overflow, subnormal numbers, angles beyond a million) are left to a branch that
is taken if some lane needs it, and that does not change the other lanes. Polynomials called "fitted"
come from mpmath's chebyfit at 300 bits. tests/jit/test_vector_math.py compares the functions with mpmath.

The largest errors observed, in units in the last place (ulp):

=====  ===================================================================================
error  functions
=====  ===================================================================================
0.8    log, log1p, log2, log10, sin, cos; cbrt 0.6
1.1    exp, exp2, asin, acos, atan, pow
1.7    cosh, sech2, softplus, asinh, atanh, atan2, gaussian, erf, erfc
2.1    expm1, sinh, tanh, sigmoid, acosh, tan
=====  ===================================================================================
"""

from __future__ import annotations

from collections.abc import Callable

from ... import ops
from ...primitive import Primitive
from . import (
    circular as vector_circular,
    erf as vector_erf,
    exp as vector_exp,
    log as vector_log,
    power as vector_power,
)

FUNCTIONS: dict[Primitive, Callable[..., str]] = {
    op: getattr(module, op.name)
    for module, those in {
        vector_exp: (ops.exp, ops.expm1, ops.exp2, ops.tanh, ops.sinh, ops.cosh, ops.sigmoid, ops.sech2, ops.softplus),
        vector_log: (ops.log, ops.log2, ops.log10, ops.log1p, ops.asinh, ops.acosh, ops.atanh),
        vector_circular: (ops.sin, ops.cos, ops.tan, ops.asin, ops.acos, ops.atan, ops.atan2),
        vector_power: (ops.pow, ops.cbrt),
        vector_erf: (ops.gaussian, ops.erf, ops.erfc),
    }.items()
    for op in those
}
