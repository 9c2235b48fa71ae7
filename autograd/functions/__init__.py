"""Functions composed of primitives: of single numbers in single.py, of many numbers in sequences.py."""
