"""Check that `import autograd` finds the engine of this distribution. nn imports this file first."""

import os

import autograd

if not hasattr(autograd, "__build__"):  # only the autograd of this project has it
    raise ImportError(
        f"nn needs the autograd of scalar-autograd, but the package of that name in {list(autograd.__path__)} is "
        "a different one, such as HIPS autograd. Only one of them can be installed. Uninstall both with "
        "'pip uninstall autograd scalar-autograd', and then run 'pip install scalar-autograd'"
    )

from autograd.user_line import skip_library

skip_library(os.path.dirname(__file__))  # so that messages name the user's line, not one in nn
