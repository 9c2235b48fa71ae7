"""Training: fit and predict, and everything they need.

Read in this order:
- fit.py: the arguments; plan.py: their checks; loop.py: epochs and batches; step.py: one step.
- compiled/: the same step as machine code, and compile_step.
- data.py: examples, shuffled and split; dry_run.py: model, loss and examples tried out together.
- predict.py: outputs and validation; history.py, callbacks.py, progress.py: what is measured and shown.
- checkpoint.py: what is saved so that a run that was killed can be resumed.
"""
