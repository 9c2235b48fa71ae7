"""Training: fit and predict, and everything they need.

Read in this order:
- fit.py: the arguments; plan.py: their checks; loop.py: epochs and batches; step.py: one step.
- compiled/: the same step as machine code, and compile_step.
- data.py: examples, shuffled and split; dry_run.py: a first try of model, loss and examples together.
- predict.py: outputs and validation; history.py, callbacks.py, progress.py: what is measured and shown.
- checkpoint.py: where a run that was killed goes on from.
"""
