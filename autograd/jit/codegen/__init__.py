"""Code generation: a graph becomes LLVM IR and, if it is large, tables.

Read in this order:
- ir.py: IR as text, and the Writer that appends instructions to it; lanes.py: operations across the lanes of a vector.
- instructions.py: each primitive in IR.
- layout.py: where each number lies in memory; context.py: the memory that the functions get.
- straight_line.py: small graphs, with instructions for each node.
- loops/: loops, with instructions for one step.
- tables.py, table_machine.py: large graphs as tables, and the machine that executes them.
- batch_loop.py: the functions that a program calls, and the loop over the batch.
- batch_sums.py: sums over the batch, such as the gradients of weights.
- transpose.py: rows of elements become vectors, and vectors become rows again.
"""
