"""Running: IR becomes machine code, Python's numbers go into it, and results come back.

Read in this order:
- machine.py: machine code from IR; cache.py: machine code on disk.
- signature.py: arguments and their structure, which decides what is compiled; memory.py: aligned arrays.
- workspace.py: the memory of one call.
- runner.py: calls; threads.py: calls on several cores.
- routine.py: several programs in a single call, such as a training step.
"""
