"""Graphs: what is computed, as a flat list of nodes, made smaller before any code is written.

Read in this order:
- graph.py: Graph, the list of nodes.
- passes.py: rewrites, such as equal nodes merged and constants folded; each pass is one function.
- expand.py: primitives of users replaced by what they do.
"""
