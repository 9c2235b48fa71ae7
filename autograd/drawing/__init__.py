"""Drawing: pictures of graphs.

Read in this order:
- draw.py: ag.draw. diagram.py: what the picture shows; nodes.py: a graph's nodes in order; modules.py: frames.
- dot.py, text.py: the picture in DOT, the language of Graphviz. picture.py: rendered and saved.
- colours.py: the colours of all drawings, those of nn.draw too.
- files.py: how files are written, by jit and nn too.
"""
