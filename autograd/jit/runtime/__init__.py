"""Running: IR becomes machine code, which takes Python's numbers and returns results.

Read in this order:
- machine.py: machine code from IR; cache.py: machine code on disk.
- signature.py: arguments and their structure, which decides what is compiled; memory.py: aligned arrays.
- workspace.py: the memory of one call; attendant.py: what loops ask of Python while they run.
- runner.py: calls; threads.py: calls on several cores; results.py: results written into the caller's arrays.
- routine.py: several programs in a single call, such as a training step.
"""
