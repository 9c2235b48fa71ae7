"""Paths: a function that decides by its numbers is compiled once for each sequence of decisions that elements take.

Read in this order:
- paths.py: Path, one sequence of decisions and its code; Paths, all that are known for arguments of one structure.
- path_runner.py: calls that send each element down its own path.
- report.py: PathReport, what `program.paths` shows.
"""
