"""Looking inside a network.

draw.py: a picture of neurons and weights (network.py finds them). gradient_flow.py: activations and gradients, layer
by layer, with a verdict in words (verdict.py). blocks.py: what each layer computes, found by calling a copy of the
model.
"""
