"""What a function loses in other threads, and errors that it caught: refused, too."""

from __future__ import annotations

import functools
import math
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.pool import ThreadPool
from queue import SimpleQueue
from typing import Any

import numpy as np
import pytest

import autograd as ag
import nn
from autograd import LostDerivativeError, Value


class Line(nn.Module):
    def __init__(self, slope: float = 2.0) -> None:
        self.w = Value(slope)

    def __call__(self, x: Any) -> Any:
        return self.w * x


X = [1.0, 2.0, 3.0]


def in_threads(part: Callable[[float], Any]) -> list[Any]:
    results: SimpleQueue[Any] = SimpleQueue()

    def work(x: float) -> None:
        try:
            results.put(part(x))
        except LostDerivativeError as error:
            results.put(error)

    threads = [threading.Thread(target=work, args=(x,)) for x in X]
    for thread in threads:
        thread.start()
    found = [results.get() for _ in threads]
    for each in found:
        if isinstance(each, Exception):
            raise each
    return found


def in_new_pool(part: Callable[[float], Any]) -> list[Any]:
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(part, X))


OLD = ThreadPoolExecutor(2)
list(OLD.map(abs, X))  # its threads are running before any transform is


def in_thread_pool(part: Callable[[float], Any]) -> list[Any]:
    with ThreadPool(2) as pool:
        return pool.map(part, X)


WAYS: list[Callable[[Callable[[float], Any]], list[Any]]] = [
    in_threads,
    in_new_pool,
    lambda part: list(OLD.map(part, X)),
    in_thread_pool,
]


def by_backward(model: Line, x: float) -> float:
    model.w.grad = 0.0
    (model(x) ** 2).backward()
    return model.w.grad


LOSSES: dict[str, Callable[[Line, float], Any]] = {
    "float": lambda m, x: float(m(x)) ** 2,
    "math": lambda m, x: math.exp(m(x)),
    "np.asarray": lambda m, x: np.asarray([m(x)], dtype=float).sum(),
    "state_dict": lambda m, x: float(m.state_dict()["w"]) * x,
    "backward": by_backward,
}


@pytest.mark.parametrize("way", WAYS, ids=["threads", "a pool", "an old pool", "multiprocessing.pool"])
@pytest.mark.parametrize("name", LOSSES)
def test_a_worker_of_the_function_does_not_lose_the_parameters_of_a_module(name: str, way: Any) -> None:
    with pytest.raises(LostDerivativeError, match=r"grad\(.*\) is running in another thread, which may be waiting"):
        ag.grad(lambda m: sum(way(lambda x: LOSSES[name](m, x))) * m.w)(Line())


@pytest.mark.parametrize("way", WAYS, ids=["threads", "a pool", "an old pool", "multiprocessing.pool"])
def test_a_worker_that_keeps_derivatives_is_right(way: Any) -> None:
    assert ag.grad(lambda m: ag.sum(way(lambda x: m(x) ** 2)))(Line()) == {"w": 2 * 2.0 * 14.0}
    program = ag.jit(lambda m, x: m(x) ** 2)
    assert ag.grad(lambda m: ag.sum(way(lambda x: program(m, x))))(Line()) == {"w": 2 * 2.0 * 14.0}


def test_threads_may_differentiate_with_respect_to_the_same_module_at_a_time() -> None:
    model, both = Line(), threading.Barrier(2, timeout=30)

    def part(x: float) -> Any:
        def loss(m: Line) -> Any:
            both.wait()
            return m(x) ** 2

        return ag.grad(loss)(model)["w"]

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(part, [1.0, 3.0])) == [4.0, 36.0]


# Errors that are caught


def swallow(f: Callable[[], Any], otherwise: Any) -> Any:
    try:
        return f()
    except TypeError:
        return otherwise


@ag.primitive(lambda out, x: swallow(lambda: math.cos(x), 1.0))
def lossy(x: float) -> float:
    return math.sin(x)


def in_a_thread(x: Any) -> Any:
    thread = threading.Thread(target=swallow, args=(lambda: math.sin(x), None))
    thread.start()
    thread.join()
    return x


CAUGHT: dict[str, Callable[[], Any]] = {
    "grad": lambda: ag.grad(lambda x: swallow(lambda: math.sin(x), 0.0) * x)(2.0),
    "value_and_grad": lambda: ag.value_and_grad(lambda x: swallow(lambda: float(x), 1.0) * x)(2.0),
    "jacobian": lambda: ag.jacobian(lambda x: [swallow(functools.partial(float, t), t) for t in x])(np.ones(2)),
    "jvp": lambda: ag.jvp(lambda x: swallow(functools.partial(math.sqrt, x), x), (2.0,), (1.0,)),
    "hessian": lambda: ag.hessian(lambda x: swallow(lambda: math.sin(x[0]), x[0] ** 2))([2.0]),
    "backward": lambda: ag.grad(lambda x: swallow((x * x).backward, x))(2.0),
    "nested": lambda: ag.grad(lambda x: ag.grad(lambda y: x * y + swallow(lambda: float(x), 1.0))(1.0))(2.0),
    "of a Module": lambda: ag.grad(lambda m: swallow(lambda: float(m.w), 1.0) * m.w)(Line()),
    "in a thread": lambda: ag.grad(in_a_thread)(2.0),
    "of a rule": lambda: ag.grad(ag.grad(lossy))(2.0),
}


@pytest.mark.parametrize("name", CAUGHT)
def test_an_error_that_the_function_catches_is_raised_at_its_end(name: str) -> None:
    with pytest.raises(LostDerivativeError, match="lost"):
        CAUGHT[name]()
    assert ag.grad(lambda x: x * x)(3.0) == 6.0  # nothing is left of it


def test_an_error_of_the_functions_own_is_not_replaced() -> None:
    def f(x: Any) -> Any:
        swallow(lambda: float(x), 0.0)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        ag.grad(f)(2.0)
