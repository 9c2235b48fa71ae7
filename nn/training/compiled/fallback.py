"""Whether to compile if the user does not say: yes if llvmlite can be imported; otherwise no, with one warning."""

from __future__ import annotations

from autograd.installation import find_problem, require
from autograd.primitive import check_flag
from autograd.user_line import warn

_warnings: list[str] = []  # of this process: one is enough


def choose_compiled(compiled: bool | None, caller: str) -> bool:
    """Whether `caller`, a function of nn, compiles.

    Args:
        compiled: the argument of `caller`; None compiles if llvmlite can be imported.

    Raises:
        TypeError: if compiled is not True, False or None.
        ImportError: if compiled is True and llvmlite cannot be imported.
    """
    if check_flag(compiled, f"{caller}: compiled", or_none=True) is None:
        problem = find_problem("llvmlite.binding")
        if not problem:
            return True
        if not _warnings:
            _warnings.append(
                f"nn.{caller} does not compile, which is much slower, because llvmlite {problem}, or pass "
                "compiled=False to silence this warning"
            )
            warn(_warnings[0])
        return False
    if check_flag(compiled, "compiled"):
        require("llvmlite.binding", f"nn.{caller}(compiled=True)")
    return bool(compiled)
