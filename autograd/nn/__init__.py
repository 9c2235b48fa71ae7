"""micrograd's and PyTorch's name for where networks are: importing it says where they are here."""

raise ImportError("nn is a package of its own: write 'import nn', or 'from nn import MLP'")
