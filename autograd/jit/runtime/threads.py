"""Large batches on several cores: chunks of the batch in threads, which need no interpreter lock while they run."""

from __future__ import annotations

import ctypes
import functools
import os
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

from ..codegen.batch_loop import SCRATCH
from ..compile import Compiled
from .workspace import scratch


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=cores(), thread_name_prefix="autograd-jit")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # a child has the pool, but not its threads


def run_chunks(compiled: Compiled, context: Any, chunks: int, threads: int | None = None) -> None:
    """What the compiled function "all" does, with the chunks spread over threads.

    Each chunk is summed by itself and the sums are added in the chunks' order, so the number of
    threads changes no bit of the result.
    """
    code = compiled.code
    code.function("prologue", ctypes.c_void_p)(context.ctypes.data)
    chunk = code.function("chunk", ctypes.c_void_p, ctypes.c_int64)
    waiting = iter(range(chunks))

    def work() -> None:
        own = scratch(compiled)
        mine = context.copy()
        mine[SCRATCH] = [memory.ctypes.data for memory in own]
        for number in waiting:  # under the interpreter lock: each number comes to one thread
            chunk(mine.ctypes.data, number)

    futures = [_pool().submit(work) for _ in range((threads or cores()) - 1)]
    try:
        work()
    finally:
        for _ in waiting:  # an interrupt ends the call: nobody begins another chunk, and
            pass
        wait(futures)  # nobody writes any more to memory that is given back
    for future in futures:
        future.result()
    code.function("finish", ctypes.c_void_p)(context.ctypes.data)
