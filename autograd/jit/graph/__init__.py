"""Graphs: what is computed, as a flat list of nodes, simplified before any code is translation.

Read in this order:
- graph.py: Graph, the list of nodes.
- passes.py: the passes, such as merging equal nodes and folding constants. Each is one function.
- expand.py: replaces primitives of users by the operations that they consist of.
"""
