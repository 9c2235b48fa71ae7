"""Testing gradients: check_gradients, numerical derivatives with error estimates, and detect_anomaly.

Read in this order:
- differences/: derivatives along a line by finite differences, with estimates of their errors.
- probe.py: those of a function with respect to all its numbers.
- numerical.py: numerical_gradient, numerical_jacobian, numerical_hessian.
- checking.py: check_gradients; verdicts.py: what it concludes; directions.py: for very many numbers.
- jacobians.py: check_jacobian, check_hessian, check_jvp, check_vjp.
- derivatives.py: derivatives of every order by the rules of the primitives; faults.py: which primitive is at fault.
- arguments.py: a function's arguments as one list of numbers; conversion.py: those of other libraries.
- anomaly.py: detect_anomaly, which finds the operation that made a nan or an infinity.
"""

from .checking import check_gradients
from .jacobians import check_hessian, check_jacobian, check_jvp, check_vjp
from .numerical import Estimate, numerical_gradient, numerical_hessian, numerical_jacobian
from .verdicts import Checked, GradientError, GradientWarning

__all__ = [
    "Checked",
    "Estimate",
    "GradientError",
    "GradientWarning",
    "check_gradients",
    "check_hessian",
    "check_jacobian",
    "check_jvp",
    "check_vjp",
    "numerical_gradient",
    "numerical_hessian",
    "numerical_jacobian",
]
