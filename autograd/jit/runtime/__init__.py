"""Running: from IR to machine code, and from Python's numbers into it and back.

Read in this order:
- machine.py: what LLVM makes of the IR; cache.py: the same, kept on disk.
- signature.py: arguments, distinguished by their structure; memory.py: aligned arrays.
- workspace.py: the memory of one call.
- runner.py: calls; threads.py: calls spread over several cores.
- routine.py: programs one after the other in a single call, as in a training step.
"""
