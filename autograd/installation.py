"""Checks of the installation: optional parts, and another project with the same import name."""

from __future__ import annotations

import importlib
import os
from typing import Any

# The extra of this package that installs each optional library.
EXTRAS = {"llvmlite": "jit", "safetensors": "weights", "matplotlib": "plots", "scipy": "sparse"}


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
        ImportError: if it is installed, but importing it fails. The message gives the reason.
    """
    try:
        importlib.import_module(module.partition(".")[0])  # so that the error names it, not a part, if it is missing
        return importlib.import_module(module)
    except (ImportError, OSError) as error:  # OSError: the system cannot load a shared library
        library, (missing, problem) = module.partition(".")[0], _explain(module, error)
        message = f"{purpose} needs {library}, which {problem}"
        if missing:
            raise ModuleNotFoundError(message, name=library) from None
        raise ImportError(message, name=library) from error


def find_problem(module: str) -> str:
    """Why a module cannot be imported, and what to do, such as "is not installed: run pip install tqdm"; or ""."""
    try:
        importlib.import_module(module)
    except (ImportError, OSError) as error:
        return _explain(module, error)[1]
    return ""


def _explain(module: str, error: ImportError | OSError) -> tuple[bool, str]:
    """Whether the library is missing, and the problem in words."""
    library = module.partition(".")[0]
    if isinstance(error, ModuleNotFoundError) and error.name == library:
        extra = EXTRAS.get(library)
        target = f"'scalar-autograd[{extra}]'" if extra else library
        return True, f"is not installed: run pip install {target}"
    return False, f"is installed but cannot be imported ({error}): run pip install --force-reinstall {library}"
