"""Graphs: what is computed, as a flat list of nodes, which is simplified before code is generated.

Read in this order:
- graph.py: Graph, the list of nodes.
- loops.py: Loop, a loop as one node, and what it means.
- builder.py: builds a graph in which equal nodes are one, and rewrites one node by node.
- passes.py: the passes, such as folding constants. Each is one function.
- loop_passes.py: the passes for loops; roll.py: rows of equal operations beside loops, as loops.
- expand.py: replaces primitives that are formulas by the operations in them.
"""
