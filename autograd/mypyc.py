"""What mypyc, which makes the C build of the engine (setup.py), has to be told and Python has not.

Two things in the files that it compiles are for its sake. Types that Python ignores are declared where they
let it reach a field directly, and are Any where our own errors are better than its. And these files assign to
a Value's _data and _grad, never to data and grad: mypyc 2.4 passes to the setter of a property what the getter
returns, a bare double, even if the setter is declared to take anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_extensions import mypyc_attr as mypyc_attr  # mypyc knows it by this name, and it is not called
else:

    def mypyc_attr(**_: Any) -> Any:
        """A remark on a class, which mypyc reads."""
        return lambda cls: cls
