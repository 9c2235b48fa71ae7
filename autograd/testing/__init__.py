"""Testing gradients: check_gradients, numerical derivatives with error estimates, and detect_anomaly.

Read in this order:
- numerical.py: numerical_gradient, numerical_jacobian, numerical_hessian.
- extrapolation.py and finite_differences.py: their steps and error estimates.
- checking.py: check_gradients; verdicts.py: what it concludes; faults.py: which primitive is at fault.
- derivatives.py: derivatives of every order by the rules of the primitives; rounding.py: their rounding errors.
- arguments.py: a function's arguments as one list of numbers.
- anomaly.py: detect_anomaly, which finds the operation that made a nan or an infinity.
"""

from .checking import GradientError, GradientWarning, check_gradients
from .numerical import Estimate, numerical_gradient, numerical_hessian, numerical_jacobian

__all__ = [
    "Estimate",
    "GradientError",
    "GradientWarning",
    "check_gradients",
    "numerical_gradient",
    "numerical_hessian",
    "numerical_jacobian",
]
