"""Linear algebra on arrays of numbers or Values, in scalar operations: derivatives of any order, and compiled by jit.

`ag.linalg` has functions of `np.linalg` under the same names, which np.linalg calls on arrays of Values. They are made
of sums of products, quotients and square roots of single numbers, so that they need no derivatives of their own.

- matrices.py reads arrays of any leading shape and puts results together.
- elimination.py: Gaussian elimination on lists of rows, with rows exchanged as the numbers demand.
- solving.py: solve, inv, triangular_solve; determinants.py: det, slogdet; cholesky.py: cholesky.

While jit traces a function, the numbers are not known, so no row can be exchanged. Which of two rows comes first is
then a `where` of every number in them: right for each element of a batch, at the price of about n³ choices.
"""

import numpy as np

from ..arrays.array import REPLACED
from .cholesky import cholesky as cholesky
from .determinants import det as det, slogdet as slogdet
from .solving import inv as inv, solve as solve, triangular_solve as triangular_solve

REPLACED |= {getattr(np.linalg, each.__name__): each for each in (cholesky, det, inv, slogdet, solve)}
