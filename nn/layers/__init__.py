"""Layers: what networks are made of, each a Module with its parameters and its forward pass.

Read neuron.py (Neuron, Layer) and mlp.py first. containers.py joins layers; activations.py, normalization.py and
dropout.py follow a layer; embedding.py comes before the first; init.py draws the initial weights.
"""
