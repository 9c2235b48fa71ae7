"""Sparse derivatives: Jacobians and Hessians of which only the entries that can be other than 0 are computed.

Read in this order:
- patterns.py: which entries these are, read off the recorded graph.
- entries.py: the sweeps that compute them.
- arrays.py: the sparse arrays that hold them.
"""
