"""micrograd's name for where Value is: importing it says where it is here."""

raise ImportError("there is no autograd.engine, as micrograd has it: write 'from autograd import Value'")
