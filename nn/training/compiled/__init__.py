"""Compiled training: loss, gradient, clipping and update as one call of machine code.

Read compile_step.py first: the step. compiled_update.py: an optimizer's update, compiled. substitute.py: a copy of a
model with traced numbers in place of its parameters. watch.py: the numbers of a model, which are elsewhere until
it is used. fallback.py: what happens without a compiler.
"""
