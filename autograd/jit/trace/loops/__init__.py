"""Loops while a function is traced: recorded as single nodes, and differentiated as a whole.

Read in this order:
- bodies.py: Body, the trace of a body inside another trace.
- decisions.py: how a body decides by traced numbers.
- recorded.py: how a loop becomes a node.
- functions.py: what `ag.fori_loop`, `while_loop`, `scan` and `cond` do while a function is traced.
- backward.py and forward.py: the derivative of a loop, which is a loop.
- rules.py: how the sweeps of autograd.transforms find these derivatives.
"""
