"""What is installed with this package: its optional parts, and the other project that has its import name."""

from __future__ import annotations

import importlib
from typing import Any

# The extra that brings a library; the others come with the package itself.
EXTRAS = {"llvmlite": "jit", "safetensors": "weights", "matplotlib": "plots"}


def require(module: str, purpose: str) -> Any:
    """Import a module of another project.

    Args:
        module: its name, such as "llvmlite.binding".
        purpose: what needs it, for the message: "ag.jit".

    Raises:
        ModuleNotFoundError: if it is not installed. The message says what to install.
    """
    library = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.partition(".")[0] != library:
            raise  # it is installed, and lacks something itself
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
