"""Random programs of loops and branches, nested in one another, for tests of compiled loops."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

import autograd as ag

SIZE = 3  # numbers in the state

# A block is a list of statements. Each changes the state, a list of numbers:
#   ("set", i, name, j, k)          state[i] = name(state[j], state[k])
#   ("use", i, k)                   state[i] += sin(k-th number of the state around the loop)
#   ("for", steps, block)           fori_loop; steps is an int, or None for one that depends on the state
#   ("while", block)                while_loop, at most four steps, as many as the state says
#   ("cond", i, j, block, block)    whether state[i] < state[j]
#   ("scan", xs, reverse, block)    xs are numbers, or None for the state; the ys are added to the state

FUNCTIONS: dict[str, Any] = {
    "add": lambda a, b: a + b,
    "mul": lambda a, b: ag.tanh(a) * b,
    "sub": lambda a, b: a - 0.5 * b,
    "div": lambda a, b: a / (1.5 + b * b),
    "sin": lambda a, b: ag.sin(a + b),
    "where": lambda a, b: ag.where(a < b, ag.sin(a), b),
    "exp": lambda a, b: ag.exp(-a * a) + 0.1 * b,
    "dot": lambda a, b: ag.dot([a, b], [b, 0.5]),
    "constant": lambda a, b: 0.75,
    "max": lambda a, b: ag.maximum(a, b) * 0.5,
    "guarded": lambda a, b: ag.where(a > 0.5, ag.sqrt(a - 0.5), b),
    "root": lambda a, b: ag.sqrt(ag.where(a > 0.5, a - 0.5, 1.0)) + b * 0.1,
}

_place = st.integers(0, SIZE - 1)
_simple = st.one_of(
    st.tuples(st.just("set"), _place, st.sampled_from(sorted(FUNCTIONS)), _place, _place),
    st.tuples(st.just("use"), _place, _place),
)


def _compound(inside: Any) -> Any:
    block = st.lists(inside, min_size=1, max_size=3)
    xs = st.one_of(st.none(), st.lists(st.sampled_from([0.5, -0.3, 1.2]), min_size=1, max_size=3))
    return st.one_of(
        st.tuples(st.just("for"), st.one_of(st.integers(0, 3), st.none()), block),
        st.tuples(st.just("while"), block),
        st.tuples(st.just("cond"), _place, _place, block, block),
        st.tuples(st.just("scan"), xs, st.booleans(), block),
        _simple,
    )


programs = st.lists(st.recursive(_simple, _compound, max_leaves=6), min_size=1, max_size=4)


def run(program: Any, state: list[Any], around: list[Any] | None = None) -> list[Any]:
    """The state after a block."""
    state, around = list(state), around or state
    for kind, *rest in program:
        if kind == "set":
            i, name, j, k = rest
            state[i] = FUNCTIONS[name](state[j], state[k])
        elif kind == "use":
            i, k = rest
            state[i] = state[i] + ag.sin(around[k])
        else:
            state = COMPOUND[kind](state, *rest)
    return state


def _for(state: list[Any], steps: int | None, block: Any) -> Any:
    upper = ag.floor(3 * abs(ag.sin(state[0])) + 0.5) if steps is None else steps
    return ag.fori_loop(0, upper, lambda i, inner: run(block, [inner[0] + 0.1 * i, *inner[1:]], state), state)


def _while(state: list[Any], block: Any) -> Any:
    def body(carry: Any) -> Any:
        return {"count": carry["count"] + 1, "state": run(block, carry["state"], state)}

    def cond(carry: Any) -> Any:
        return carry["count"] < 4 * abs(ag.sin(carry["state"][1]))

    return ag.while_loop(cond, body, {"count": 0, "state": state}, max_steps=4)["state"]


def _cond(state: list[Any], i: int, j: int, yes: Any, no: Any) -> Any:
    return ag.cond(state[i] < state[j], lambda x: run(yes, x, state), lambda x: run(no, x, state), state)


def _scan(state: list[Any], xs: Any, reverse: bool, block: Any) -> Any:
    def body(inner: Any, x: Any) -> Any:
        after = run(block, [inner[0] + x, *inner[1:]], state)
        return after, (after[1], x * after[2])

    rows = ag.array(state if xs is None else xs)
    last, (first, second) = ag.scan(body, state, rows, reverse=reverse)
    return [last[0] + first[0], last[1] + 0.5 * ag.sum(second), last[2] + first[-1]]


COMPOUND = {"for": _for, "while": _while, "cond": _cond, "scan": _scan}
