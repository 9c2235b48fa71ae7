"""Vector mathematics: exp, log, sin, pow and the rest in LLVM IR, for whole vectors, to about 2 ulp.

table.py says which function belongs to which primitive. exp.py comes first; log.py, power.py, circular.py and erf.py
use it.
"""
