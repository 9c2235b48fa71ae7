"""Large batches on several cores: chunks of the batch run in threads, without the interpreter lock."""

from __future__ import annotations

import ctypes
import functools
import os
from concurrent.futures import Future, ThreadPoolExecutor, wait

from ..codegen.context import SCRATCH
from ..compile import Compilation
from .attendant import Attendant
from .workspace import Workspace, make_scratch


def count_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=count_cores(), thread_name_prefix="autograd-jit")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # a child inherits the pool, but not its threads


def run_chunks(compilation: Compilation, work: Workspace, chunks: int, threads: int | None = None) -> None:
    """Do what the compiled function "all" does, with the chunks spread over threads.

    Each chunk is summed on its own, and the sums are added in the order of the chunks. So the number
    of threads does not change any bit of the result.
    """
    code, loops, context = compilation.code, compilation.translation.loops, work.context
    code.function("prologue", ctypes.c_void_p)(context.ctypes.data)
    if work.attendant is not None:
        work.attendant.check()
    chunk = code.function("chunk", ctypes.c_void_p, ctypes.c_int64)
    waiting = iter(range(chunks))
    alarm: list[BaseException] = []  # for the loops of all threads: the error for which they must stop

    def compute() -> None:
        own = make_scratch(compilation)
        mine = context.copy()
        mine[SCRATCH] = [memory.ctypes.data for memory in own]
        attendant = Attendant(loops, mine, alarm) if loops.any else None
        for number in waiting:  # under the interpreter lock, so each thread gets other numbers
            if alarm:
                return
            chunk(mine.ctypes.data, number)
            if attendant is not None:
                attendant.check()

    futures: list[Future[None]] = []
    try:
        futures.extend(_pool().submit(compute) for _ in range((threads or count_cores()) - 1))
        compute()
    except BaseException as error:
        alarm.append(error)
        raise
    finally:
        for _ in waiting:  # so that after an interrupt no thread begins another chunk
            pass
        _wait(futures, alarm)  # so that none still writes to memory that is about to be freed
    for future in futures:
        future.result()
    code.function("finish", ctypes.c_void_p)(context.ctypes.data)


def _wait(futures: list[Future[None]], alarm: list[BaseException]) -> None:
    """Wait until all are done, whatever a signal handler raises meanwhile: it stops their loops and is raised then."""
    interrupt: BaseException | None = None
    while True:
        try:
            wait(futures)
            break
        except BaseException as error:
            interrupt = interrupt or error
            alarm.append(error)
    if interrupt is not None:
        raise interrupt
