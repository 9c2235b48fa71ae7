"""Checks of the installation: optional parts, and another project with the same import name."""

from __future__ import annotations

import importlib
import os
from typing import Any

# The extra of this package that installs each optional library.
EXTRAS = {"llvmlite": "jit", "safetensors": "weights", "matplotlib": "plots"}


def check_folder() -> None:
    """Check that no other project has put its files into the folder of this package.

    HIPS autograd has the same import name. If pip has installed both, the files of the second have
    replaced some of the first, and what is left of HIPS autograd silently gives wrong derivatives.

    Raises:
        ImportError: if another project has. The message says how to repair the installation.
    """
    folder = os.path.dirname(os.path.abspath(__file__))
    if os.path.exists(os.path.join(folder, "numpy", "__init__.py")):  # only HIPS autograd has it
        raise ImportError(
            f"two projects are installed in {folder}, scalar-autograd and HIPS autograd, and neither works while "
            "the other is there. Uninstall both with 'pip uninstall autograd scalar-autograd', then install the one "
            "you want: 'pip install scalar-autograd' for this one, 'pip install autograd' for HIPS autograd"
        )


def require(module: str, purpose: str) -> Any:
    """Import a module of another project.

    Args:
        module: its name, such as "llvmlite.binding".
        purpose: what needs it, for the message, such as "ag.jit".

    Raises:
        ModuleNotFoundError: if it is not installed. The message says what to install.
    """
    library = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.partition(".")[0] != library:
            raise  # the library is installed, but one of its own imports is missing
        extra = EXTRAS.get(library)
        command = f"pip install 'scalar-autograd[{extra}]'" if extra else f"pip install {library}"
        raise ModuleNotFoundError(
            f"{purpose} needs {library}, which is not installed: run {command}", name=error.name
        ) from None


def is_installed(module: str) -> bool:
    """Whether a module can be imported."""
    try:
        importlib.import_module(module)
    except ImportError:
        return False
    return True
