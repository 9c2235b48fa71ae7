"""Optimizers: how parameters change with their gradients.

Read base.py first: Optimizer, which holds parameters in groups. group.py: Group. optimizers.py: SGD, Adam and the
others, one formula each. schedules.py: how learning rates change. clipping.py: limits for gradients.
"""
