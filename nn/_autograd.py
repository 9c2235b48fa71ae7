"""Checks that `import autograd` finds the engine of this distribution; imported before everything else in nn."""

import autograd

if not hasattr(autograd, "__build__"):  # which only ours has
    raise ImportError(
        f"nn needs the autograd of scalar-autograd, but the package of that name in {list(autograd.__path__)} is "
        "another one, such as HIPS autograd. Only one of them can be installed. Uninstall both, with "
        "'pip uninstall autograd scalar-autograd', and then 'pip install scalar-autograd'"
    )
