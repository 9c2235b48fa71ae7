"""Derivatives along a line from values alone, with estimates of their errors.

Read in this order:
- line.py: Line, which samples a function at steps around a point.
- extrapolation.py: the limit of the differences at step 0, its error, and objections to it.
- sides.py: Slopes, the derivatives on the two sides put together.
- noise.py: how far the values of a function are off, from the values alone; rounding.py: the same from a graph.
"""
