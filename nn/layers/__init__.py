"""Layers: what networks are made of, each a Module with its parameters and its forward pass.

neuron.py (Neuron, Layer) and mlp.py come first. containers.py joins layers; activations.py, normalization.py and
dropout.py stand between them; embedding.py comes before them; init.py draws the initial weights.
"""
