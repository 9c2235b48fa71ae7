"""Large batches on several cores: chunks of the batch run in threads, without the interpreter lock."""

from __future__ import annotations

import ctypes
import functools
import os
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

from ..codegen.batch_loop import SCRATCH
from ..compile import Compilation
from .workspace import make_scratch


def count_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=count_cores(), thread_name_prefix="autograd-jit")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # a child inherits the pool, but not its threads


def run_chunks(compilation: Compilation, context: Any, chunks: int, threads: int | None = None) -> None:
    """Do what the compiled function "all" does, with the chunks spread over threads.

    Each chunk is summed on its own, and the sums are added in the order of the chunks. So the number
    of threads does not change any bit of the result.
    """
    code = compilation.code
    code.function("prologue", ctypes.c_void_p)(context.ctypes.data)
    chunk = code.function("chunk", ctypes.c_void_p, ctypes.c_int64)
    waiting = iter(range(chunks))

    def work() -> None:
        own = make_scratch(compilation)
        mine = context.copy()
        mine[SCRATCH] = [memory.ctypes.data for memory in own]
        for number in waiting:  # under the interpreter lock, so each thread gets other numbers
            chunk(mine.ctypes.data, number)

    futures = [_pool().submit(work) for _ in range((threads or count_cores()) - 1)]
    try:
        work()
    finally:
        for _ in waiting:  # so that after an interrupt no thread begins another chunk
            pass
        wait(futures)  # so that none still writes to memory that is about to be freed
    for future in futures:
        future.result()
    code.function("finish", ctypes.c_void_p)(context.ctypes.data)
