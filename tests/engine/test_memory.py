"""Depth and memory: a chain of a million operations, and graphs that are freed with the last reference to them."""

import gc
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import autograd as ag

LONG = 1_000_000


def held(*leaves: ag.Value) -> int:
    """The number of references to the leaves. A node that is not freed refers to one of them, through its parents."""
    return sum([sys.getrefcount(x) for x in leaves])


@pytest.fixture(autouse=True)
def _without_the_cycle_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def chain(x: ag.Value, length: int) -> ag.Value:
    """x + length: nodes of several shapes, each an argument of the next."""
    out = x
    for _ in range(length // 4):
        out = ag.sum([ag.dot((out,), (1.0,)) * 1.0, 3.0]) + 1.0
    return out


def test_a_million_operations_go_forward_and_backward_and_are_freed() -> None:
    x = ag.Value(2.0)
    before, blocks = held(x), sys.getallocatedblocks()
    out = chain(x, LONG)
    assert held(x) > before
    assert sys.getallocatedblocks() - blocks > LONG
    assert out.data == 2.0 + LONG
    out.backward()
    assert x.grad == 1.0
    del out
    assert held(x) == before
    assert sys.getallocatedblocks() - blocks < LONG / 100  # Python keeps some for the next tuples and floats


def test_a_stack_of_a_quarter_of_a_megabyte_is_enough_for_a_deep_graph() -> None:
    """Recursion, in Python or in C, would need hundreds of times as much."""
    done = []

    def run() -> None:
        x = ag.Value(2.0)
        out = chain(x, LONG // 5)
        out.backward()
        derivatives = out.backward(create_graph=True)
        done.append((out.data, x.grad, float(derivatives[x])))
        del out, derivatives

    previous = threading.stack_size(256 * 1024)
    try:
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(previous)
    assert done == [(2.0 + LONG // 5, 2.0, 1.0)]


def test_a_deep_gradient_graph_is_differentiated_again_and_freed() -> None:
    """x · 1 · 1 ... · x is x², through 50,000 products."""
    x = ag.Value(3.0)
    before = held(x)
    out = x
    for _ in range(50_000):
        out = out * 1.0
    out = out * x
    slope = out.backward(create_graph=True)[x]
    assert slope.data == 6.0
    second = slope.backward(create_graph=True)[x]
    assert second.data == 2.0
    assert held(x) > before
    del out, slope, second
    assert held(x) == before


def everything(x: ag.Value, y: ag.Value) -> ag.Value:
    """A small graph with every kind of node in it."""
    z = ag.dot((x, y, 2.0), (y, x, x), y) / (ag.exp(-x) + 1) - x**y + ag.hypot(x, y) * ag.where(x < y, x, y)
    p = ag.softmax([x, y, z])
    return ag.logsumexp([x, z, *p]) + ag.clip(y, 0.0, 1.0) + ag.prod([x, y, z]) + ag.gelu(x) + ag.mean([x, y, z])


def use_forward(out: ag.Value, x: ag.Value) -> Any:
    return out.data


def use_backward(out: ag.Value, x: ag.Value) -> Any:
    out.backward()
    return x.grad


def use_second(out: ag.Value, x: ag.Value) -> Any:
    slope = out.backward(create_graph=True)[x]
    return slope.backward(create_graph=True)[x].data


def use_failure(out: ag.Value, x: ag.Value) -> Any:
    with pytest.raises(TypeError):
        out.backward("seed")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        out + "x"
    return 0.0


@pytest.mark.parametrize("use", [use_forward, use_backward, use_second, use_failure])
def test_dropping_a_result_frees_its_graph_at_once(use: Callable[[ag.Value, ag.Value], Any]) -> None:
    x, y = ag.Value(0.5), ag.Value(2.0)
    before = held(x, y)
    out = everything(x, y)
    assert held(x, y) > before + 20
    use(out, x)
    del out
    assert held(x, y) == before


def test_the_cycle_collector_finds_nothing_to_do() -> None:
    x, y = ag.Value(0.5), ag.Value(2.0)
    gc.collect()
    for use in (use_forward, use_backward, use_second):
        use(everything(x, y), x)
    assert gc.collect() == 0


def test_a_training_loop_does_not_grow() -> None:
    w = ag.Value(0.0)
    sizes = []
    for _ in range(5):
        loss = ag.mean([(w * k - 3.0 * k) ** 2 for k in range(10)])
        w.grad = 0.0
        loss.backward()
        w.data -= 0.01 * w.grad
        sizes.append(held(w))
    assert len(set(sizes)) == 1


def test_a_node_is_small() -> None:
    """micrograd's Value takes 688 bytes with its dict, its set of children and its closure."""
    assert sys.getsizeof(ag.Value(1.0) * 2.0) <= 688 / 3
