"""Functions composed of primitives and of users' functions.

- single.py: of single numbers; sequences.py: of many numbers.
- loops.py: scan, fori_loop, while_loop and cond; structure.py: structures that keep their form from step to step.
"""
