"""What mypyc needs to know to make the C build of the engine (see setup.py). Plain Python ignores it.

The files that mypyc compiles do two more things for its sake. They declare types where this gives direct access
to a field, and use Any where our own errors are better than those of mypyc. And they assign to _data and _grad of
a Value, never to data and grad: mypyc 2.4 passes the setter of a property the type that the getter returns, a bare
double, even if the setter is declared to take anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_extensions import mypyc_attr as mypyc_attr  # mypyc recognises this name; it is not called
else:

    def mypyc_attr(**_: Any) -> Any:
        """A decorator that does nothing; mypyc reads its arguments."""
        return lambda cls: cls
