"""Arrays of Values: NumPy's functions follow this package's, on single Values and on arrays of Values.

Read in this order:
- ufuncs.py: our function for each ufunc of NumPy.
- order.py: what sorts look at while numbers are traced.
- array.py: Array, and what NumPy calls when it meets a Value or an Array.
- replaced.py: the other functions of NumPy that would be wrong, or fail, on objects.
"""

from . import replaced as replaced
from .array import Array as Array, apply_function as apply_function, apply_ufunc as apply_ufunc, array as array
