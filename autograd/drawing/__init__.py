"""What draw() is made of: the diagram of a graph, the modules in it, its DOT, and the picture."""
