"""Tracing: a Python function runs once on numbers that are not known yet, and every operation on them is recorded.

Read in this order:
- state.py: whether a function is being traced now; TracingError, raised where a number is needed.
- tracer.py: Tracer, a Value without a number; Trace, one run.
- sources.py: where a function finds the Values that it closes over.
- guards.py: what a function decides by the numbers of one element, and the tests that other elements decide alike.
- comparisons.py: comparisons of two tracers, which are operations too.
- loops/: loops, whose bodies are traced once, and their derivatives.
- traced.py: TracedFunction, the graph of a function for arguments of one structure, derivatives included.
"""
