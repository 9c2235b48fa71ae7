"""backward(): what it adds to leaves, what it sets in other nodes, its seed, and where it passes nothing back."""

import math
import sys
import threading
from typing import Any

import numpy as np
import pytest

import autograd as ag


def micrograd_example() -> tuple[ag.Value, ag.Value, ag.Value]:
    """The expression of micrograd's README."""
    a, b = ag.Value(-4.0), ag.Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    return a, b, g


def test_the_example_of_micrograd() -> None:
    a, b, g = micrograd_example()
    assert f"{g.data:.4f}" == "24.7041"
    g.backward()
    assert (f"{a.grad:.4f}", f"{b.grad:.4f}") == ("138.8338", "645.5773")


def test_a_neuron_by_hand() -> None:
    """x = 2, w = 0.5, b = 0, relu, target 0: the loss is 1, and dL/dw = 2 · 1 · x = 4."""
    w, b = ag.Value(0.5), ag.Value(0.0)
    loss = ((w * 2.0 + b).relu() - 0.0) ** 2
    loss.backward()
    assert (loss.data, w.grad, b.grad) == (1.0, 4.0, 2.0)


# Leaves accumulate, other nodes do not


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_second_call_doubles_the_leaves_exactly_and_changes_no_other_node(create_graph: bool) -> None:
    a, b, g = micrograd_example()
    middle = g.parents[0]
    assert isinstance(middle, ag.Value)
    g.backward(create_graph=create_graph)
    once = a.grad, b.grad, middle.grad, g.grad
    g.backward(create_graph=create_graph)
    assert (a.grad, b.grad, middle.grad, g.grad) == (2 * once[0], 2 * once[1], once[2], once[3])


@pytest.mark.parametrize("create_graph", [False, True])
def test_doubling_is_exact_whatever_the_roundings(create_graph: bool) -> None:
    """For a leaf with many uses: the old grad is added to the new sum, not each term to the old grad."""
    x = ag.Value(0.1)
    out = ag.sum([x * (k / 7) for k in range(50)])
    out.backward(create_graph=create_graph)
    once = x.grad
    out.backward(create_graph=create_graph)
    assert x.grad == 2 * once

    y = ag.Value(3.0)
    y.grad = 1e16  # from another result; the next float is 1e16 + 2
    (y * 0.9 + y * 0.9).backward(create_graph=create_graph)
    assert y.grad == 1e16 + 2


def test_gradients_of_two_results_add_up() -> None:
    x, y = ag.Value(2.0), ag.Value(3.0)
    (x * y).backward()
    (x + 10 * y).backward()
    assert (x.grad, y.grad) == (4.0, 12.0)


def test_an_inner_node_that_two_results_share_has_the_gradient_of_the_last() -> None:
    x = ag.Value(2.0)
    shared = x * 3.0
    (shared * 5.0).backward()
    assert shared.grad == 5.0
    (shared * 7.0).backward()
    assert (shared.grad, x.grad) == (7.0, 36.0)


def test_a_node_that_is_used_many_times_is_visited_once() -> None:
    visits = []

    @ag.primitive(lambda out, x: visits.append(out) or 2.0)
    def twice(x: float) -> float:
        return 2.0 * x

    x = ag.Value(1.0)
    node = twice(x)
    ag.sum([node] * 20 + [node * k for k in range(30)]).backward()
    assert len(visits) == 1
    assert (node.grad, x.grad) == (20 + 435, 2 * (20 + 435))

    visits.clear()
    for _ in range(200):  # 2**200 paths
        node = twice(node) - node
    node.backward(create_graph=True)
    assert len(visits) == 201


def test_a_seed_multiplies() -> None:
    a, b, g = micrograd_example()
    g.backward()
    once = a.grad, b.grad
    a.grad = b.grad = 0.0
    g.backward(-4.0)
    assert (a.grad, b.grad, g.grad) == (-4 * once[0], -4 * once[1], -4.0)
    a.grad = b.grad = 0.0
    g.backward(seed=0)
    assert (a.grad, b.grad, g.grad) == (0.0, 0.0, 0.0)


def test_results_can_be_differentiated_with_respect_to_a_seed() -> None:
    x, v = ag.Value(3.0), ag.Value(5.0)
    product = (x * x).backward(v, create_graph=True)[x]
    assert product.data == 30.0
    derivatives = product.backward(create_graph=True)
    assert (derivatives[v].data, derivatives[x].data) == (6.0, 10.0)


@pytest.mark.parametrize("seed", ["1", None, [1.0], 1j])
@pytest.mark.parametrize("create_graph", [False, True])
def test_a_seed_that_is_not_a_number_is_refused_and_changes_nothing(seed: Any, create_graph: bool) -> None:
    x = ag.Value(3.0)
    out = x * x
    out.backward()
    with pytest.raises(TypeError, match="the seed of backward must be a real number"):
        out.backward(seed, create_graph=create_graph)
    assert (x.grad, out.grad) == (6.0, 1.0)


def test_a_value_as_seed_needs_create_graph_and_the_message_says_so() -> None:
    x = ag.Value(3.0)
    with pytest.raises(TypeError, match="create_graph=True"):
        (x * x).backward(ag.Value(2.0))  # type: ignore[call-overload]
    assert x.grad == 0.0


def test_a_leaf_that_is_not_used_keeps_its_gradient() -> None:
    x, unused = ag.Value(2.0), ag.Value(5.0)
    derivatives = (x * 3).backward(create_graph=True)
    assert (x.grad, unused.grad) == (3.0, 0.0)
    assert unused not in derivatives
    (x * 3).backward()
    assert (x.grad, unused.grad) == (6.0, 0.0)


def test_backward_on_a_leaf_is_the_seed() -> None:
    x = ag.Value(2.0)
    x.backward()
    x.backward(3.0)
    assert x.grad == 4.0
    assert x.backward(create_graph=True)[x].data == 1.0
    assert x.grad == 5.0


@pytest.mark.parametrize("create_graph", [False, True])
def test_nothing_is_passed_back_through_a_condition(create_graph: bool) -> None:
    """Not even nan: the derivative of sqrt at 0 is inf, and 0 · inf would be nan."""
    x, y = ag.Value(0.0), ag.Value(2.0)
    out = ag.where(ag.sqrt(x), y, x + y)
    out.backward(create_graph=create_graph)
    assert (x.grad, y.grad) == (1.0, 1.0)


@pytest.mark.parametrize("create_graph", [False, True])
def test_nothing_is_passed_back_through_detach(create_graph: bool) -> None:
    x = ag.Value(3.0, label="x")
    constant = x.detach()
    assert (constant.data, constant.label, constant.op, constant.parents) == (3.0, "x", None, ())
    (x * constant).backward(create_graph=create_graph)
    assert (x.grad, constant.grad) == (3.0, 3.0)


def test_threads_that_share_leaves_lose_no_contribution() -> None:
    x = ag.Value(1.0)
    results = [ag.sum([x * float(k) for k in range(20)]) for _ in range(4)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=lambda r=r: [r.backward() for _ in range(100)]) for r in results]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert x.grad == 4 * 100 * 190


def test_ieee_holds_for_constants_in_rules_run_on_values() -> None:
    """The derivative of x / 0 is 1/0, which is inf, not an exception: on floats, on Values, and in a user's rule."""

    @ag.primitive(lambda out, x, n: 1 / n, None)
    def over(x: float, n: float) -> float:
        return x / n

    for divide in (lambda x: x / 0.0, lambda x: over(x, 0.0)):
        x = ag.Value(1.0)
        divide(x).backward()
        assert x.grad == math.inf
        assert divide(x).backward(create_graph=True)[x].data == math.inf


@pytest.mark.parametrize("grad", [None, "1", 1j, ag.Value(1.0), np.ones(2)], ids=lambda grad: type(grad).__name__)
def test_a_grad_is_a_number(grad: Any) -> None:
    x = ag.Value(1.0)
    x.grad = 3
    with pytest.raises(TypeError, match="the grad of a Value must be a real number"):
        x.grad = grad
    assert x.grad == 3.0
    assert type(x.grad) is float


@pytest.mark.skipif(ag.__build__ == "C", reason="a signal handler does not run in the middle of compiled code")
@pytest.mark.parametrize("create_graph", [False, True])
def test_an_exception_while_gradients_are_added_leaves_none_added_in_part(create_graph: bool) -> None:
    """The exception of a signal handler may come between any two lines."""
    leaves = [ag.Value(float(k)) for k in range(4)]
    root = ag.sum([x * x for x in leaves])
    tracer, left = sys.gettrace(), 0

    def interrupt(frame: Any, event: str, arg: Any) -> Any:
        nonlocal left
        left -= frame.f_code.co_name == "_add"
        if left < 0:
            raise KeyboardInterrupt
        return interrupt

    interrupted, place = True, 0
    while interrupted:
        for leaf in leaves:
            leaf.grad = 10.0
        left, interrupted = place, False
        sys.settrace(interrupt)
        try:
            root.backward(create_graph=create_graph)
        except KeyboardInterrupt:
            interrupted = True
        finally:
            sys.settrace(tracer)
        assert [leaf.grad for leaf in leaves] == [10.0, 12.0, 14.0, 16.0], place
        place += 1
    assert place > len(leaves)
