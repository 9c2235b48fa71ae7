"""Transforms: grad, jacobian, hessian and their kin make derivatives, of any order, of ordinary functions.

What they have in common:

- **Arguments** are numbers, NumPy float arrays of any shape, Values, Modules, and lists, tuples, dicts
  and dataclasses of these, nested. The function is called with Values in place of numbers, an object
  array in place of an array, and new containers, so that what it does to them the caller does not see.
  Derivatives come in the structure of the argument, as floats and float arrays. A Module is passed on
  as it is, for its parameters are Values; its derivatives are a dict from name to number.
- **Nesting.** Numbers in, numbers out. Values in, Values out, which depend on those given and can be
  differentiated again. Inside another transform what depends on its variables, through arguments or
  closures, is a Value too. Any other Value that a function closes over is a constant. So is what
  `float(x)` and the functions of `math` return: use `ag.sin(x)` or `np.sin(x)`.
- **Nothing is disturbed.** No `grad` of a Value is read or written and no graph outlives the call,
  unless the results are Values. An exception inside the function passes through unchanged.
- **Errors.** TypeError for what is no real number, or an integer array, in an argument; for a result
  that is no real number, or not one where one is needed; for a structure that does not match another.
  ValueError for argnums out of range or twice the same, and for shapes that do not match.
"""

from .grad import elementwise_grad, grad, value_and_grad
from .jacobian import hessian, jacobian
from .products import hvp, jvp, vjp

__all__ = ["elementwise_grad", "grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"]
