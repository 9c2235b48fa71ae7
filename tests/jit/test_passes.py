"""The passes, each on a small graph: what it does, and what it must leave alone. test_equality.py runs all of them."""

import math

import pytest

import autograd as ag
from autograd import ops
from autograd.jit import jit
from autograd.jit.graph import passes
from autograd.jit.graph.graph import Graph, Input
from autograd.primitive import Primitive

pytestmark = pytest.mark.once  # of machine code, which knows nothing of how the engine is built

X, Y = Input(0, False, "x"), Input(1, True, "y")


def graph(*nodes: object, outputs: tuple[int, ...] = (-1,)) -> Graph:
    """A graph of x and y as nodes 0 and 1, then floats and (primitive, operands...)."""
    what: list[object] = [X, Y]
    operands: list[tuple[int, ...]] = [(), ()]
    for node in nodes:
        what.append(node[0] if isinstance(node, tuple) else node)
        operands.append(tuple(node[1:]) if isinstance(node, tuple) else ())
    return Graph(tuple(what), tuple(operands), tuple(k % len(what) for k in outputs))  # type: ignore[arg-type]


def simplified(*nodes: object) -> str:
    return str(passes.remove_dead_code(passes.rewrite(graph(*nodes), passes.REWRITES)))


def test_printing() -> None:
    assert str(graph(2.0, (ops.mul, 0, 2))) == "\n".join(
        ["%0 = shared input x", "%1 = batched input y", "%2 = 2.0", "%3 = mul %0 %2", "return %3"]
    )


def test_dead_code_goes() -> None:
    after = passes.remove_dead_code(graph((ops.exp, 0), (ops.sin, 1), (ops.log, 2)))
    assert after.what == (X, ops.exp, ops.log)
    assert after.operands == ((), (0,), (1,))


def test_common_subexpressions_merge_but_the_zeros_stay_two() -> None:
    after = passes.rewrite_nodes(graph((ops.exp, 0), (ops.exp, 0), (ops.add, 2, 3)))
    assert after.what.count(ops.exp) == 1
    after = passes.rewrite_nodes(graph(0.0, -0.0, math.nan, math.nan, outputs=(2, 3, 4, 5)))
    assert len(after) == 3


def test_constants_fold_as_the_engine_computes_them() -> None:
    assert simplified(2.0, 3.0, (ops.pow, 2, 3)) == "%0 = 8.0\nreturn %0"
    assert simplified(0.0, 1.0, (ops.div, 3, 2)) == "%0 = inf\nreturn %0"
    assert simplified(1.0, 2.0, (ops.dot, 2, 3, 3, 3, 2)) == "%0 = 7.0\nreturn %0"


@pytest.mark.parametrize(
    ("nodes", "wanted"),
    [
        ((1.0, (ops.mul, 0, 2)), "return %0"),
        ((1.0, (ops.mul, 2, 0)), "return %0"),
        ((1.0, (ops.div, 0, 2)), "return %0"),
        ((-0.0, (ops.add, 0, 2)), "return %0"),
        ((0.0, (ops.sub, 0, 2)), "return %0"),
        (((ops.neg, 0), (ops.neg, 2)), "return %0"),
        ((-1.0, (ops.mul, 0, 2)), "neg %0"),
        (((ops.neg, 1), (ops.add, 0, 2)), "sub %0 %1"),
        ((2.0, (ops.neg, 0), (ops.mul, 2, 3)), "%1 = -2.0\n%2 = mul %0 %1\nreturn"),
        ((2.0, (ops.mul, 0, 2), (ops.neg, 3)), "%1 = -2.0\n%2 = mul %0 %1\nreturn"),
        ((-2.0, 100.0, (ops.mul, 2, 0), (ops.mul, 4, 3)), "%1 = -200.0\n%2 = mul %0 %1\nreturn"),
        ((0.0, (ops.neg, 0), (ops.mul, 3, 2), (ops.neg, 4)), "%1 = 0.0\n%2 = mul %0 %1\nreturn"),
        ((4.0, (ops.div, 0, 2)), "mul %0"),
        ((2.0, (ops.pow, 0, 2)), "mul %0 %0"),
        ((0.0, (ops.pow, 0, 2)), "%0 = 1.0"),
        ((1.0, (ops.where, 2, 0, 1)), "return %0"),
        (((ops.where, 1, 0, 0),), "return %0"),
        ((1.0, 0.0, (ops.where, 0, 2, 3), (ops.where, 4, 1, 0)), "where %0 %1 %0"),
        ((1.0, 0.0, (ops.where, 0, 3, 2), (ops.where, 4, 1, 0)), "where %0 %0 %1"),
    ],
)
def test_identities(nodes: tuple[object, ...], wanted: str) -> None:
    assert wanted in simplified(*nodes)


@pytest.mark.parametrize(
    "nodes",
    [
        (0.0, (ops.mul, 0, 2)),  # 0 · inf is nan, 0 · -1 is -0
        (0.0, (ops.add, 0, 2)),  # -0 + 0 is 0
        ((ops.sub, 0, 0),),  # inf - inf is nan
        ((ops.div, 0, 0),),
        (3.0, (ops.div, 0, 2)),  # 1/3 is rounded
        (5e-324, (ops.div, 0, 2)),  # its reciprocal is infinite
        ((ops.sum, 0, 1),),  # the sum of two -0 is 0, as it is rounded from the exact one
        (0.5, (ops.pow, 0, 2)),  # not sqrt at -0 and -inf
        (0.5, 4.0, (ops.mul, 0, 2), (ops.mul, 4, 3)),  # half of the smallest number is 0
        (2.0, 0.25, (ops.mul, 0, 2), (ops.mul, 4, 3)),  # twice the largest number is inf
        (3.0, 5.0, (ops.mul, 0, 2), (ops.mul, 4, 3)),  # rounded twice
    ],
)
def test_what_is_not_an_identity_of_floats_stays(nodes: tuple[object, ...]) -> None:
    op = nodes[-1][0]  # type: ignore[index]
    assert f"= {op} " in simplified(*nodes)


def test_a_product_and_a_sum_stay_two_operations() -> None:
    after = passes.simplify(graph((ops.mul, 0, 1), (ops.add, 2, 0)))
    assert after.what == (X, Y, ops.mul, ops.add)


def test_a_short_dot_is_products_and_one_sum_and_that_of_adjoints_is_added_in_order() -> None:
    wanted = "%2 = mul %0 %1\n%3 = mul %0 %0\n%4 = {} %2 %3"
    assert wanted.format("sum") in simplified(0.0, (ops.dot, 0, 0, 1, 0, 2))
    assert wanted.format("add") in simplified(-0.0, (ops.dot, 0, 0, 1, 0, 2))
    factors = (0,) * (2 * passes.SHORT_DOT + 2)
    assert "dot" in simplified(0.0, (ops.dot, *factors, 2))
    assert "dot" in simplified((ops.dot, 0, 0, 1, 0, 1))


def test_a_new_pass_is_a_function_and_its_name_in_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    def sines_to_cosines(graph: Graph) -> Graph:
        return Graph(
            tuple([ops.cos if what is ops.sin else what for what in graph.what]), graph.operands, graph.outputs
        )

    monkeypatch.setattr(passes, "PASSES", (*passes.PASSES, sines_to_cosines))
    assert jit(lambda x: ag.sin(x))(0.0) == 1.0


def test_a_new_rewrite_is_a_function_and_its_name_in_rewrites(monkeypatch: pytest.MonkeyPatch) -> None:
    def drop_sines(build: passes.Builder, op: Primitive, args: tuple[int, ...]) -> int | None:
        return args[0] if op is ops.sin else None

    monkeypatch.setattr(passes, "REWRITES", (*passes.REWRITES, drop_sines))
    assert jit(lambda x: ag.sin(x))(0.5) == 0.5


def test_all_passes_together_do_not_split_sums_and_dots() -> None:
    after = passes.simplify(graph((ops.sum, 0, 1, 0, 1), (ops.dot, 0, 1, 1, 0, 2)))
    assert [op for op in after.what if isinstance(op, Primitive)] == [ops.sum, ops.dot]
