"""Testing gradients: check_gradients, numerical derivatives with error estimates, and detect_anomaly.

Read in this order:
- numerical.py: numerical_gradient and its kin; extrapolation.py and finite_differences.py: step and error.
- checking.py: check_gradients; verdicts.py: what it concludes; faults.py: which primitive is at fault.
- arguments.py: a function's arguments as one list of numbers; rounding.py, tower.py: how exact a function can be.
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
