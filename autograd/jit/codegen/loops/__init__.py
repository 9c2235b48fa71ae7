"""Loops in LLVM IR, for single doubles or for vectors whose lanes end when they like.

Read in this order:
- cost.py: how much work a loop is.
- rows.py: where a stack lies in memory, and what the loops of a program ask for while they run.
- frame.py: the graph of one step, with the names of its numbers; section.py: the graph around all loops.
- writer.py: the loop around it.
"""
