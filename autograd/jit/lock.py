"""ProgramLock: one thread at a time compiles a program, and a fork does not copy a lock that is held."""

from __future__ import annotations

import os
import threading
import weakref

_locks: weakref.WeakSet[ProgramLock] = weakref.WeakSet()


class ProgramLock:
    """The lock of a program, held while its function is traced and compiled."""

    def __init__(self) -> None:
        self.renew()
        _locks.add(self)

    def renew(self) -> None:
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def _renew_locks() -> None:
    """In a child of a fork: the thread that held a program's lock, because it compiled, is not there."""
    for lock in _locks:
        lock.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_locks)
