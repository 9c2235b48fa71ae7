"""Vector mathematics: exp, log, sin, pow and others in LLVM IR, for whole vectors, to about 2 ulp.

Read in this order:
- table.py: which function computes which primitive, and the largest errors.
- log.py, exp.py: logarithms, exponentials, hyperbolic functions and their inverses.
- power.py, circular.py, erf.py: powers, circular functions, the error function.
"""
