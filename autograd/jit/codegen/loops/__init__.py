"""Loops in LLVM IR, for single doubles or for vectors whose lanes end when they like.

Read in this order:
- cost.py: how much work a loop is.
- rows.py: where a stack lies in memory, and what the loops of a program ask for while they run.
- frame.py: the graph of one step, with the names of its numbers; section.py: the graph around all loops.
- base.py: what all loops have in common; slow.py: what a loop does every so many steps.
- ahead.py: what a step computes without its carries, for several steps at once.
- writer.py: the loop around a step, and the branch where there is at most one.
"""
