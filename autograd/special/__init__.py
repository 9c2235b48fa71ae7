"""Special functions.

- corrected.py: erfc, cbrt and others on floats, exact to the last bit or two, for the primitives of ops.py.
"""
