"""Special functions.

Read in this order:
- corrected.py: erfc, cbrt and others on floats, exact to the last bit or two, for the primitives of ops.py.
- normal.py: the normal distribution, and the inverse of the error function.
- gamma.py: the gamma function, its logarithm, and the derivatives of that.
- incomplete.py: the incomplete gamma and beta functions.
- bessel.py: Bessel functions of the first kind, and sin(πx) / (πx).
"""
