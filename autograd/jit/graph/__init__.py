"""Graphs: what is computed, as a flat list of nodes, which is simplified before code is generated.

Read in this order:
- graph.py: Graph, the list of nodes.
- passes.py: the passes, such as merging equal nodes and folding constants. Each is one function.
- expand.py: replaces primitives that are formulas by the operations in them.
"""
