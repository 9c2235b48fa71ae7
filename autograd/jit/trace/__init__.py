"""Tracing: a Python function runs once on numbers that are not known yet, and what is done to them is recorded.

Read in this order:
- tracer.py: Tracer, a Value without a number; Trace, one run; TracingError, where a number is needed.
- comparisons.py: comparing two tracers is an operation, too.
- traced.py: Traced, the graph of a function for arguments of one structure, derivatives included.
"""
