"""Testing gradients: numerical derivatives with error estimates, and check_gradients, which compares with them."""

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
