"""Whether to compile if the user does not say: yes if llvmlite is installed; otherwise no, with one warning."""

from __future__ import annotations

from autograd.installation import is_installed, require
from autograd.primitive import check_flag
from autograd.user_line import warn

_warnings: list[str] = []  # of this process: one is enough


def choose_compiled(compiled: bool | None, caller: str) -> bool:
    """Whether `caller`, a function of nn, compiles.

    Args:
        compiled: the argument of `caller`; None compiles if llvmlite is installed.

    Raises:
        TypeError: if compiled is not True, False or None.
        ModuleNotFoundError: if compiled is True and llvmlite is not installed.
    """
    if check_flag(compiled, f"{caller}: compiled", or_none=True) is None:
        if is_installed("llvmlite.binding"):
            return True
        if not _warnings:
            _warnings.append(
                f"nn.{caller} does not compile, which is much slower, because llvmlite is not installed. Run "
                "pip install 'scalar-autograd[jit]', or pass compiled=False to silence this warning"
            )
            warn(_warnings[0])
        return False
    if compiled:
        require("llvmlite.binding", f"nn.{caller}(compiled=True)")
    return bool(compiled)
