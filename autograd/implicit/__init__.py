"""Derivatives of the solutions of equations, by the implicit function theorem.

Where F(x, p) = 0 defines x as a function of p, its derivative is dx/dp = -(∂F/∂x)⁻¹ ∂F/∂p, however x was found. So a
solver needs no derivative: it runs on plain numbers, and nothing of it is recorded.

- custom_root.py: custom_root and fixed_point, which attach these derivatives to what a solver returns.
- solution.py: the nodes that carry them.
"""
