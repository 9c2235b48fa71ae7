"""Compiled training: loss, gradient, clipping and update as one call of machine code.

compile_step.py: the step. substitute.py: a model with traced numbers in place of its parameters.
compiled_update.py: an optimizer's update, compiled. fallback.py: what is done without a compiler.
"""
