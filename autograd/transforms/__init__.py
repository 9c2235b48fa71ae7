"""Transforms: grad, jacobian, hessian and others turn ordinary functions into their derivatives, of any order.

All of them have these rules in common:

- **Arguments** are numbers, NumPy float arrays of any shape, Values, Modules, and lists, tuples, dicts
  and dataclasses of these, nested. The function is called with Values in place of numbers, object
  arrays in place of arrays, and new containers, so the caller's containers never change. Derivatives
  have the structure of the argument, with floats and float arrays. A Module is passed on as it is,
  since its parameters are Values; its derivatives are a dict from name to number. Float arrays of other
  libraries, such as pandas and PyTorch, count as the NumPy arrays that NumPy makes of them.
- **Nesting.** Numbers in, numbers out. If a result depends on Values from outside, given for any argument
  or closed over, derivatives are Values that depend on them too and can be differentiated again. Values
  that the function itself makes, such as Value(0.0) to start a sum, are constants in that call. Make what
  a function keeps from call to call, such as parameters in a functools.cache, before the first one.
- **Nothing is lost.** `float(x)` and the functions of `math` take the number alone, without its
  derivative. Inside a transform they raise LostDerivativeError: use `ag.sin(x)` or `np.sin(x)`, and
  `x.data` for a constant. An error that the function catches is raised at its end. Threads that it
  hands work to are watched as well.
- **No side effects.** No `grad` of a Value is read or written. No graph outlives the call, unless the
  results are Values. An exception inside the function passes through unchanged.
- **Errors.** TypeError if an argument is not a real number, or is an integer array; if a result is
  not a real number, or is not a single number where one is needed; if two structures do not match.
  ValueError if argnums is out of range or names an argument twice, or if shapes do not match.

tree.py takes structures apart and builds them again. containers.py does so with users' own containers, and foreign.py
reads the arrays of other libraries. recording.py
calls the function with variables in place of numbers, and sweep.py goes through the recorded graph. choices.py and
conditions.py are for graphs that `ag.jit` traces, where nobody knows yet what a choice takes, whole.py for their loops.
sparse/ computes only the entries of a Jacobian that can be other than 0.
grad.py, jacobian.py and products.py hold the transforms themselves.
"""

from .grad import elementwise_grad, grad, value_and_grad
from .jacobian import hessian, jacobian
from .products import hvp, jvp, vjp

__all__ = ["elementwise_grad", "grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"]
