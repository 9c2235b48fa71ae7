"""Code generation: a graph becomes LLVM IR and, where it is large, tables.

Read in this order:
- ir.py: IR as text, and the Writer that appends instructions to it.
- instructions.py: what each primitive is in IR.
- layout.py: where each number lies in memory.
- straight_line.py: small graphs, an instruction for each node.
- tables.py, table_machine.py: large graphs as tables, and the machine that walks through them.
- batch_loop.py: the functions that are called, and the loop over the batch.
- batch_sums.py: sums over the batch, as the gradients of weights are.
- transpose.py: the elements' rows into vectors, and back.
"""
