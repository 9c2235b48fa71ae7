"""Optimizers: how parameters move along their gradients.

base.py: Optimizer, which holds parameters in groups. optimizers.py: SGD, Adam and the others, a formula each.
schedules.py: learning rates that change. clipping.py: gradients made smaller.
"""
