"""Drawing: pictures of graphs.

Read in this order:
- draw.py: ag.draw; compose.py: what it does.
- diagram.py: its boxes and arrows; nodes.py: the nodes in order; modules.py: which nodes belong to which module.
- dot.py, text.py: the picture in DOT, the language of Graphviz. colours.py: the colours of all drawings.
- picture.py: the Drawing, rendered and saved.
"""
